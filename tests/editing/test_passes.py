"""Pictures in several passes: what each end of a strength gives, what stays, and that the whole is one recipe."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mezzotint import Pipeline
from mezzotint.editing.enlarge import enlarged
from mezzotint.errors import InvalidOption
from mezzotint.passes import faded
from mezzotint.recipe import Recipe
from mezzotint.request import Request
from tests.editing.test_edits import source
from tests.support import SMALL, model_folder

SIDE = 16
LARGE = (32, 24)
FIRST = (24, 16)
"""The smallest size of about that shape: 16 would be 21 wide, and sides are multiples of 8."""


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=SIDE, patch=4))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


def drawn(pipe: Pipeline, prompt: str = "a cat", **options: Any) -> np.ndarray:
    return np.asarray(pipe.generate(prompt, **{"seed": 5, "steps": 4, **options}).images[0])


def lanczos(values: np.ndarray, sides: tuple[int, int]) -> np.ndarray:
    """Premultiplied pixels (H, W, C) scaled up by the filter's definition, `sum_k w(k) p_k / sum_k w(k)` in float64."""
    for axis, side in enumerate(sides):
        own = values.shape[axis]
        at = (np.arange(side) + 0.5) * own / side - 0.5
        apart = at[:, None] - np.arange(own)
        weight = np.where(np.abs(apart) < 3, np.sinc(apart) * np.sinc(apart / 3), 0)
        values = np.moveaxis(np.tensordot(weight / weight.sum(1, keepdims=True), values, (1, axis)), 0, axis)
    return values


def premultiplied(image: Image.Image) -> np.ndarray:
    values = np.asarray(image, dtype=float)
    return np.concatenate([values[..., :3] * values[..., 3:] / 255, values[..., 3:]], axis=-1)


def test_a_picture_is_enlarged_by_lanczos_premultiplied() -> None:
    smooth = Image.fromarray(
        (np.outer(np.hanning(16), np.hanning(16))[..., None] * [250, 90, 30, 255]).astype(np.uint8)
    )
    larger = enlarged(smooth, (40, 48))
    expected = lanczos(premultiplied(smooth), (48, 40)).clip(0, 255)
    assert np.abs(premultiplied(larger) - expected).max() < 2.5  # each of three roundings to bytes may cost a half
    assert enlarged(smooth, smooth.size).tobytes() == smooth.tobytes()
    half = Image.new("RGBA", (16, 16), (0, 255, 0, 0))
    half.paste((200, 0, 0, 255), (0, 0, 8, 16))
    values = np.asarray(enlarged(half, (48, 48)))
    assert values[values[..., 3] > 0][:, 1].max() == 0  # the colour of what is clear does not bleed in


@pytest.mark.parametrize(("around", "same"), [((True, True), (True, True)), ((False, True), (False, True))])
def test_a_tile_goes_on_over_its_edges_when_it_is_enlarged(around: Any, same: tuple[bool, bool]) -> None:
    image = source()
    for axis, whole in enumerate(same):
        moved = Image.fromarray(np.roll(np.asarray(image), 5, axis=axis), "RGBA")
        there = np.asarray(enlarged(moved, (32, 32), around))
        assert np.array_equal(there, np.roll(np.asarray(enlarged(image, (32, 32), around)), 10, axis=axis)) == whole


@pytest.mark.parametrize("tile", [None, "both"])
def test_at_strength_0_a_second_pass_only_enlarges(pipe: Pipeline, tile: str | None) -> None:
    first = pipe.generate("a cat", seed=5, steps=4, size=FIRST, tile=tile)
    found = pipe.generate("a cat", seed=5, steps=4, size=LARGE, tile=tile, hires=True, hires_strength=0)
    expected = enlarged(first.images[0], LARGE, (tile == "both", tile == "both"))
    assert found.images[0].tobytes() == expected.tobytes()
    assert found.evaluations == first.evaluations


@pytest.mark.parametrize(
    "more",
    [{}, {"tile": "x"}, {"region": [[(0.0, 0.0, 0.5, 1.0), "a hat"]]}, {"vary": 0.5}, {"solver": "ddim:eta=1"},
     {"chaos": 40}, {"style_ref": source(1)}, {"window_stride": 8}],
    ids=", ".join,
)  # fmt: skip
def test_at_strength_1_it_is_the_large_picture_alone(pipe: Pipeline, more: dict[str, Any]) -> None:
    alone = pipe.generate("a cat", seed=5, steps=4, size=LARGE, **more)
    twice = pipe.generate("a cat", seed=5, steps=4, size=LARGE, hires=True, hires_strength=1, **more)
    first = pipe.generate("a cat", seed=5, steps=4, size=FIRST, **more)
    assert twice.images[0].tobytes() == alone.images[0].tobytes()
    assert twice.evaluations == first.evaluations + alone.evaluations


def test_in_between_it_is_an_edit_of_the_enlarged_picture(pipe: Pipeline) -> None:
    first = pipe.generate("a cat", seed=5, steps=4, size=FIRST).images[0]
    edited = drawn(pipe, image=enlarged(first, LARGE), strength=0.5, size=LARGE)
    found = drawn(pipe, size=LARGE, hires=True, hires_strength=0.5)
    assert np.array_equal(found, edited)
    assert not np.array_equal(found, drawn(pipe, size=LARGE))


def test_previews_are_those_of_both_passes_and_one_recipe_comes_at_the_end(pipe: Pipeline) -> None:
    asked: dict[str, Any] = {"seed": 5, "steps": 6, "size": LARGE, "hires": True, "n": 2}
    previews = list(pipe.stream("a cat", **asked))
    assert [(p.picture, p.turn, p.step.index) for p in previews] == [
        (n, *at) for n in (0, 1) for at in (*((0, k) for k in range(6)), (1, 0), (1, 1))
    ]
    assert [tuple(p.x.shape[-2:]) for p in previews[:8]] == [FIRST[::-1]] * 6 + [LARGE[::-1]] * 2
    assert [p.image is not None for p in previews] == ([False] * 7 + [True]) * 2
    recipes = [p.recipe for p in previews if p.recipe is not None]
    assert [r.evaluations for r in recipes] == [sum(p.step.evaluations for p in previews[:8])] * 2
    assert pipe.count(pipe.resolve(Request(prompt="a cat", **asked))) == 8
    for recipe in recipes:  # from the recipe alone, and through JSON
        again = Recipe.from_json_dict(recipe.to_json_dict()).request
        assert pipe.generate(replace(again, device="auto", dtype="auto")).recipes[0] == recipe
    assert (recipes[0].request.hires_strength, recipes[1].request.seed) == (0.3, 6)


def test_structures_are_scaled_for_the_first_pass(pipe: Pipeline) -> None:
    large = source().resize(LARGE)
    found = pipe.generate("a cat", seed=5, steps=4, size=LARGE, hires=True, hires_strength=0, structure_ref=large)
    small = pipe.generate("a cat", seed=5, steps=4, size=FIRST, structure_ref=enlarged(large, FIRST))
    assert found.images[0].tobytes() == enlarged(small.images[0], LARGE).tobytes()


def test_windows_of_a_second_pass_may_be_near_though_the_first_has_none(pipe: Pipeline) -> None:
    options: dict[str, Any] = {"size": (32, 32), "window_stride": 4}
    first = pipe.generate("a cat", seed=5, steps=4)
    alone = pipe.generate("a cat", seed=5, steps=4, **options)
    twice = pipe.generate("a cat", seed=5, steps=4, hires=True, hires_strength=1, **options)
    assert twice.images[0].tobytes() == alone.images[0].tobytes()
    assert twice.evaluations == first.evaluations + alone.evaluations


WHOLE = (0.0, 0.0, 1.0, 1.0)
PART = (0.5, 0.25, 1.0, 0.75)


@pytest.mark.parametrize("strength", [0.5, 1])
def test_a_part_that_is_all_of_a_picture_is_an_edit_of_it(pipe: Pipeline, strength: float) -> None:
    edited = drawn(pipe, "a hat", image=source(), strength=strength)
    found = drawn(pipe, "a cat", image=source(), strength=0, detail=[[WHOLE, "a hat"]], detail_strength=strength)
    assert np.array_equal(found, edited)


@pytest.mark.parametrize("size", [(SIDE, SIDE), (37, 21), (90, 50)])
def test_beside_a_part_a_picture_of_any_size_stays_to_the_byte(pipe: Pipeline, size: tuple[int, int]) -> None:
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (*size[::-1], 4), dtype=np.uint8), "RGBA")
    found = drawn(pipe, "", image=image, strength=0, detail=[[PART, "a hat"]])
    assert found.shape == (*size[::-1], 4)
    rows, columns = (np.arange(side) + 0.5 for side in size[::-1])
    inside = ((rows > 0.25 * size[1]) & (rows < 0.75 * size[1]))[:, None] & (columns > 0.5 * size[0])
    assert np.array_equal(found[~inside], np.asarray(image)[~inside])
    middle = inside & ((rows > 0.35 * size[1]) & (rows < 0.65 * size[1]))[:, None] & (columns > 0.6 * size[0])
    changed = np.any(found != np.asarray(image), axis=-1)
    assert changed[middle].mean() > 0.95
    assert np.array_equal(drawn(pipe, "", image=image, strength=0, detail=[[PART, "a hat"]], detail_strength=0), image)


def test_a_part_of_no_pixel_is_refused_and_one_of_a_large_picture_is_drawn(pipe: Pipeline) -> None:
    speck = [[(0.54, 0.5, 0.59, 0.9), "a hat"]]
    with pytest.raises(InvalidOption, match=r"detail 0\.54,0\.5,0\.59,0\.9 covers no pixel of a picture of 16x16"):
        pipe.resolve(Request(prompt="a cat", detail=speck, seed=5))
    with pytest.raises(InvalidOption, match="covers no pixel of a picture of 16x16; give a larger box"):
        drawn(pipe, image=source(), strength=0, detail=speck)
    large = Image.new("RGBA", (200, 160), (10, 200, 90, 255))
    found = drawn(pipe, image=large, strength=0, detail=speck)
    assert (found[85:140, 110:116] != np.asarray(large)[85:140, 110:116]).any()


def test_parts_are_drawn_in_turn_after_the_picture_with_their_own_words(pipe: Pipeline) -> None:
    boxes = [[PART, "a hat"], [(0.0, 0.0, 0.5, 0.5), "a bus"]]
    here = pipe.generate("a cat", seed=5, steps=4)
    spent = here.evaluations
    for box in boxes:
        here = pipe.generate("a cat", seed=5, steps=4, image=here.images[0], strength=0, detail=[box])
        spent += here.evaluations
    at_once = pipe.generate("a cat", seed=5, steps=4, detail=boxes)
    assert at_once.images[0].tobytes() == here.images[0].tobytes()
    assert at_once.evaluations == spent == 3 * 8
    other = drawn(pipe, detail=[boxes[0], [boxes[1][0], "a tree"]])
    assert not np.array_equal(other, np.asarray(at_once.images[0]))
    # what is said of the whole picture is not said of its parts
    also = [("a dog", 2.0)]
    parts = drawn(pipe, image=source(), strength=0, detail=boxes, also=also)
    assert np.array_equal(parts, drawn(pipe, image=source(), strength=0, detail=boxes))


def test_the_mask_of_a_part_falls_at_its_border_but_not_at_the_picture_s() -> None:
    values = np.asarray(faded(PART, (200, 100)))
    assert np.all(values[40:60, 115:] == 255)
    assert values[:25].max() == values[75:].max() == values[:, :100].max() == 0
    rise = values[50, 100:110].astype(float)
    np.testing.assert_allclose(rise, (np.arange(10) + 0.5) / 10 * 255, atol=0.51)
    assert np.all(np.asarray(faded(WHOLE, (20, 10))) == 255)


def test_parts_are_redrawn_after_a_second_pass(pipe: Pipeline) -> None:
    large = pipe.generate("a cat", seed=5, steps=4, size=LARGE, hires=True).images[0]
    expected = drawn(pipe, image=large, strength=0, detail=[[PART, "a hat"]], size=LARGE)
    assert np.array_equal(drawn(pipe, size=LARGE, hires=True, detail=[[PART, "a hat"]]), expected)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hires": True}, r"hires enlarges a picture of 16x16 pixels to 16x16; give a larger --size\."),
        ({"hires": True, "size": (24, 16)}, r"hires enlarges a picture of 24x16 pixels to 24x16; give a larger"),
        ({"hires": 1, "size": LARGE}, r"hires is 1; it must be true or false\."),
        ({"hires_strength": 0.5}, r"hires_strength is for redrawing a picture that is drawn already; give hires too"),
        ({"hires": True, "hires_strength": 1.5, "size": LARGE}, r"hires_strength is 1\.5; it must be a number from 0"),
        ({"hires": True, "size": LARGE, "image": source()}, r"leave out hires, or the image"),
        ({"detail_strength": 0.5}, r"detail_strength is for redrawing .*; give detail too"),
        ({"detail": [[(0.5, 0, 0.2, 1), "a hat"]]}, r"detail is .*; it must be LEFT,TOP,RIGHT,BOTTOM:PROMPT"),
        ({"detail": [[WHOLE, " "]]}, r"detail has an empty prompt"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(pipe: Pipeline, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption, match=words) as caught:
        pipe.stream("a cat", **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("option", ["negative", "vary", "stop", "style_ref", "also", "image_ref"])
def test_of_redrawn_parts_what_changes_nothing_is_named_and_nothing_else(pipe: Pipeline, option: str) -> None:
    """What an option changes decides whether it may be called ignored, where nothing but parts is drawn."""
    words: dict[str, Any] = {"negative": "a dog", "vary": ((0.5, 9),), "stop": 0.5, "also": [("a dog", 2.0)]}
    value = words.get(option, source())
    alone: dict[str, Any] = {"seed": 5, "steps": 4, "image": source(), "strength": 0, "detail": [[PART, "a hat"]]}
    plain = pipe.generate("", **alone)
    done = pipe.generate("", **alone, **{option: value})
    same = done.images[0].tobytes() == plain.images[0].tobytes()
    assert same == any(item.startswith(f"{option}: nothing") for item in done.ignored)
    assert same == (option in ("also", "image_ref"))
    none = pipe.generate("", **{**alone, "detail_strength": 0}, **{option: value})
    assert any(item.startswith(f"{option}: nothing") for item in none.ignored)
    assert "detail: nothing of it is redrawn at detail_strength 0" in none.ignored


def test_what_is_ignored_of_a_pass_is_said(pipe: Pipeline) -> None:
    assert pipe.generate("a cat", steps=4, seed=5, detail=[[PART, "a hat 🍎"]]).ignored == ("🍎",)
    few = pipe.generate("a cat", steps=2, seed=5, size=LARGE, hires=True, hires_strength=0.9)
    assert "image: a strength of 0.9 is all of 2 steps, from pure noise; take more steps" in few.ignored
