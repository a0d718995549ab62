"""Parts that are at fault are found, redrawn with their own words, and kept where they are better."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mezzotint import Pipeline
from mezzotint.checked import Checked
from mezzotint.errors import InvalidOption
from mezzotint.evaluation.choosing import Choosing, choose
from mezzotint.evaluation.detector import Sight, SightOf
from mezzotint.evaluation.fixing import Part, faulted, fix
from mezzotint.evaluation.sides import shares_of, squared
from mezzotint.evaluation.wishes import wish_of
from mezzotint.pipeline import Preview
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.recipe import Recipe
from mezzotint.request import Request
from tests.support import SMALL, model_folder

SIDE = 16
THINGS = ("apple", "cup", "dog")
BOX = (20.0, 30.0, 40.0, 50.0)


def seen(thing: str, colour: str = "red", score: float = 0.9, box: Any = BOX) -> SightOf:
    return SightOf(thing, score, box, colour, 0.9)


def parts(prompt: str, *things: SightOf, text: str = "", letters: Any = None) -> tuple[Part, ...]:
    return faulted(wish_of(prompt, THINGS), Sight(things, text, letters), (64, 64), 64)


AROUND = (18 / 64, 28 / 64, 42 / 64, 52 / 64)
"""`BOX` with a tenth of its side around it, in shares."""


def test_a_thing_of_another_colour_is_redrawn_where_it_is_with_its_own_words() -> None:
    prompt = "a shiny red apple to the left of a blue cup"
    (part,) = parts(prompt, seen("apple"), seen("cup", "green"))
    assert part == Part(AROUND, "a blue cup", "the cup is green, not blue")
    assert parts(prompt, seen("apple"), seen("cup", "blue")) == ()
    (part,) = parts(prompt, seen("apple", "blue"), seen("cup", "blue"))
    assert part.words == "a shiny red apple"


def test_what_is_seen_beside_a_picture_in_the_square_is_no_part_of_it() -> None:
    """Of a picture twice as wide as high, above it; and partly above it."""
    above, partly = ((20.0, 0.0, 30.0, 10.0), (20.0, 0.0, 40.0, 20.0))
    for place, boxes in ((above, []), (partly, [(18 / 64, 0.0, 42 / 64, 6 / 32)])):
        sight = Sight((seen("cup", "green", box=place),), "")
        assert [part.box for part in faulted(wish_of("a blue cup", THINGS), sight, (64, 32), 64)] == boxes


def test_of_several_the_ones_in_the_wrong_colour() -> None:
    first, second = (0.0, 0.0, 10.0, 10.0), (30.0, 0.0, 40.0, 10.0)
    (part,) = parts("two green apples", seen("apple", "green", box=first), seen("apple", "red", box=second))
    assert (part.words, part.box[0]) == ("a green apple", 29 / 64)
    (part,) = parts("a red apple and a green apple", seen("apple", "red", box=first), seen("apple", "red", box=second))
    assert (part.words, part.box[0]) == ("a green apple", 29 / 64)


def test_a_thing_that_is_hardly_recognised_is_redrawn() -> None:
    (part,) = parts("a cup", seen("cup", score=0.41))
    assert part == Part(AROUND, "a cup", "the cup is hardly recognised (0.41)")


def test_a_missing_thing_is_drawn_where_something_else_is_or_where_a_relation_says() -> None:
    (part,) = parts("an apple and a cup", seen("apple"), seen("dog", box=(0.0, 0.0, 10.0, 10.0)))
    assert part == Part((0.0, 0.0, 11 / 64, 11 / 64), "a cup", "there is no cup")
    where = {
        "an apple to the left of a cup": (40 / 64, 0.0, 1.0, 1.0),
        "a cup to the left of an apple": (0.0, 0.0, 20 / 64, 1.0),
        "an apple above a cup": (0.0, 50 / 64, 1.0, 1.0),
        "a cup above an apple": (0.0, 0.0, 1.0, 30 / 64),
    }
    assert {prompt: parts(prompt, seen("apple"))[0].box for prompt in where} == where
    left, right = parts("an apple to the left of a cup", seen("dog"))
    assert (left, right) == (
        Part((0.0, 0.0, 0.5, 1.0), "an apple", "there is no apple"),
        Part((0.5, 0.0, 1.0, 1.0), "a cup", "there is no cup"),
    )
    wide = seen("apple", box=(4.0, 0.0, 60.0, 64.0))
    assert parts("an apple to the left of a cup", wide) == ()  # there is no room
    assert parts("an apple and a cup", seen("apple")) == ()  # and here nobody knows where


def test_a_wrong_word_is_written_again_where_the_letters_are() -> None:
    (part,) = parts('a sign that says "STOP"', text="SHOP", letters=BOX)
    assert part == Part(AROUND, 'the word "STOP"', 'it says "SHOP", not "STOP"')
    assert parts('a sign that says "STOP"', text="STOP", letters=BOX) == ()
    assert parts('a sign that says "STOP"') == ()


def test_a_wrong_place_or_number_is_no_fault_of_a_part() -> None:
    left, right = (0.0, 0.0, 20.0, 20.0), (40.0, 0.0, 60.0, 20.0)
    assert parts("an apple to the left of a cup", seen("apple", box=right), seen("cup", box=left)) == ()
    assert parts("three apples", seen("apple", box=left), seen("apple", box=right)) == ()


@pytest.mark.parametrize("size", [(64, 64), (256, 256), (128, 64), (30, 90)])
def test_what_is_seen_in_the_square_is_found_in_the_picture(size: tuple[int, int]) -> None:
    """A red block at known shares of a picture is at these shares again, found in the square by its pixels."""
    box = (0.25, 0.5, 0.75, 1.0)
    image = Image.new("RGBA", size, (255, 255, 255, 255))
    edges = [round(share * side) for share, side in zip(box, (*size, *size), strict=True)]
    image.paste((255, 0, 0, 255), tuple(edges))
    square = np.asarray(squared(image, 64)).astype(int)
    assert square.shape == (64, 64, 4)
    rows, columns = np.nonzero((square[..., 1] < 128) & (square[..., 3] > 128))
    found = shares_of((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1), size, 64)
    np.testing.assert_allclose(found, box, atol=1.01 / (64 * min(size) / max(size)))


# ---- redrawing


@dataclass
class Scripted:
    """A detector that sees what it is told to, look after look; at the end always the same."""

    sights: list[Sight]
    looked: list[Image.Image] = field(default_factory=list)
    things: tuple[str, ...] = THINGS
    weights_sha256: str = "a" * 64

    @property
    def network(self) -> Any:
        return SimpleNamespace(config=SimpleNamespace(size=SIDE))

    def images(self, images: Sequence[Image.Image]) -> list[Sight]:
        self.looked += images
        return [self.sights.pop(0) if len(self.sights) > 1 else self.sights[0] for _ in images]


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=SIDE, patch=4))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(2).integers(0, 256, (40, 72, 4), dtype=np.uint8), "RGBA")


SMALL_BOX = (2.0, 5.0, 8.0, 11.0)
GREEN, BLUE, NONE = (Sight((seen("cup", colour, box=SMALL_BOX),), "") for colour in ("green", "blue", "none"))
FAULT = "the cup is green, not blue"


def fixed(pipe: Pipeline, image: Image.Image, sights: list[Sight], **options: Any) -> tuple[list[Preview], Scripted]:
    detector: Any = Scripted(sights)
    how = Choosing(detector=detector, tries=options.pop("tries", 3))
    named = options.pop("named", ())
    asked: dict[str, Any] = {"prompt": "a blue cup", "seed": 5, "steps": 2, "solver": "ddim", **options}
    request = Request(image=pixel_sha256(image), strength=0.0, **asked)
    steps = list(fix(pipe, request, how, image, named))
    return steps, detector


def recipe_of(steps: list[Preview]) -> Recipe:
    assert steps[-1].recipe is not None
    return steps[-1].recipe


def again(pipe: Pipeline, recipe: Recipe, image: Image.Image) -> Recipe:
    """Drawn from the recipe and the picture."""
    request = Recipe.from_json_dict(recipe.to_json_dict()).request
    return pipe.generate(replace(request, device="auto", dtype="auto"), image=image).recipes[0]


def test_it_redraws_until_nothing_is_at_fault_and_the_recipe_draws_that(pipe: Pipeline, picture: Image.Image) -> None:
    steps, detector = fixed(pipe, picture, [GREEN, GREEN, GREEN, BLUE])
    recipe = recipe_of(steps)
    assert recipe.check == Checked(
        asked=("at least 1 cup in blue",), faults=(), tries=2, evaluations=2 * 4, detector_sha256="a" * 64,
        before=(FAULT,),
    )  # fmt: skip
    assert recipe.request.seed == 6  # of the second try
    ((box, words),) = recipe.request.detail
    assert words == "a blue cup"
    np.testing.assert_allclose(box, shares_of((1.4, 4.4, 8.6, 11.6), picture.size, SIDE))
    assert again(pipe, recipe, picture).pixels_sha256 == recipe.pixels_sha256 != pixel_sha256(picture)
    assert [look.size for look in detector.looked] == [(SIDE, SIDE)] * 4
    assert Checked.from_json_dict(recipe.check.to_json_dict()) == recipe.check
    assert recipe.check.line == f"right, 2 pictures drawn with 8 evaluations, before: {FAULT}"
    assert recipe.ignored == ()


def test_what_is_no_better_is_not_kept(pipe: Pipeline, picture: Image.Image) -> None:
    """Also where it is as bad: then the picture stays as it is, to the byte."""
    worse = Sight((), "")
    for after in (GREEN, worse):
        steps, _ = fixed(pipe, picture, [GREEN, GREEN, after], tries=2)
        recipe = recipe_of(steps)
        assert recipe.pixels_sha256 == pixel_sha256(picture)
        assert recipe.check is not None
        assert (recipe.check.faults, recipe.check.before) == ((FAULT,), (FAULT,))
        assert (recipe.check.tries, recipe.check.evaluations, recipe.evaluations) == (2, 8, 0)
        assert again(pipe, recipe, picture).pixels_sha256 == recipe.pixels_sha256


def test_of_equally_good_pictures_the_surer_one(pipe: Pipeline, picture: Image.Image) -> None:
    def sure(score: float) -> Sight:
        return Sight((seen("cup", "blue", score, SMALL_BOX),), "")

    steps, _ = fixed(pipe, picture, [sure(0.35), sure(0.35), sure(0.34), sure(0.6)])
    recipe = recipe_of(steps)
    assert recipe.request.seed == 6
    assert recipe.check is not None
    assert (recipe.check.before, recipe.check.tries) == ((), 2)


def test_where_nothing_is_at_fault_the_picture_is_given_as_it_is(pipe: Pipeline, picture: Image.Image) -> None:
    steps, detector = fixed(pipe, picture, [BLUE])
    recipe = recipe_of(steps)
    assert (recipe.pixels_sha256, recipe.evaluations) == (pixel_sha256(picture), 0)
    assert recipe.check is not None
    assert (recipe.check.right, recipe.check.before, recipe.check.evaluations) == (True, (), 0)
    assert len(detector.looked) == 2


def test_where_nothing_can_be_checked_nothing_is_called_right(pipe: Pipeline, picture: Image.Image) -> None:
    check = recipe_of(fixed(pipe, picture, [BLUE], prompt="a zorp")[0]).check
    assert check is not None
    assert check.line == "nothing in the prompt can be checked, 1 picture drawn with 0 evaluations"


def test_what_the_parts_read_is_not_ignored_whichever_picture_is_kept(pipe: Pipeline, picture: Image.Image) -> None:
    for after in (BLUE, GREEN):
        steps, _ = fixed(pipe, picture, [GREEN, GREEN, after], tries=1, negative="a dog", also=(("a hat", 0.5),))
        assert recipe_of(steps).ignored == ("also: nothing is drawn at strength 0",)


def test_what_a_mask_names_is_redrawn_although_nothing_is_at_fault(pipe: Pipeline, picture: Image.Image) -> None:
    surer = Sight((seen("cup", "blue", 0.95, SMALL_BOX),), "")
    box = (0.5, 0.0, 1.0, 0.5)
    steps, _ = fixed(pipe, picture, [BLUE, BLUE, surer], named=[Part(box, "a blue cup", "the mask names it")])
    assert recipe_of(steps).request.detail == ((box, "a blue cup"),)
    assert steps[-1].image is not None
    assert np.array_equal(np.asarray(steps[-1].image)[:, :36], np.asarray(picture)[:, :36])


def test_several_pictures_have_seeds_of_their_own(pipe: Pipeline, picture: Image.Image) -> None:
    steps, _ = fixed(pipe, picture, [GREEN, GREEN, BLUE, GREEN, GREEN, BLUE], n=2)
    recipes = [step.recipe for step in steps if step.recipe is not None]
    assert [one.request.seed for one in recipes] == [5, 6]
    assert [step.picture for step in steps] == [0, 0, 1, 1]
    assert recipes[0].pixels_sha256 != recipes[1].pixels_sha256


def test_what_cannot_be_drawn_is_refused_before_it_returns(pipe: Pipeline, picture: Image.Image) -> None:
    with pytest.raises(InvalidOption, match="batching fast"):
        fixed(pipe, picture, [BLUE], batching="fast")
    with pytest.raises(InvalidOption, match="There is no solver"):
        fixed(pipe, picture, [BLUE], solver="eule")


def test_a_large_picture_is_looked_at_whole(pipe: Pipeline) -> None:
    detector: Any = Scripted([GREEN, BLUE])
    request = Request(prompt="a blue cup", seed=5, steps=2, size=(32, 24), hires=True)
    *_, last = choose(pipe, request, Choosing(detector=detector, tries=3))
    assert last.recipe is not None
    assert last.recipe.check is not None
    assert (last.recipe.check.tries, last.recipe.check.right, last.recipe.request.seed) == (2, True, 6)
    assert [look.size for look in detector.looked] == [(SIDE, SIDE)] * 2
    assert last.image is not None
    assert squared(last.image, SIDE).tobytes() == detector.looked[1].tobytes()
