"""Pictures that are drawn small and enlarged by a second model: what comes out, what is recorded, what is refused."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from PIL import Image

import mezzotint.load
from mezzotint import Pipeline
from mezzotint.codecs.images import from_image, to_image
from mezzotint.editing.enlarge import enlarged
from mezzotint.errors import InvalidOption
from mezzotint.evaluation.choosing import Choosing, choose
from mezzotint.evaluation.encoder import Encoder
from mezzotint.families.pixel_upscaler import lanczos
from mezzotint.provenance.pixels import pixel_sha256, psnr
from mezzotint.recipe import Recipe
from mezzotint.request import Request
from mezzotint.upscaled import stages
from tests.support import SMALL, model_folder
from tests.upscalers import NETWORK, upscaler_folder

FEW = {"prompt": "a cat", "seed": 3, "steps": 2, "guidance": 1}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def pipe(root: Path) -> Pipeline:
    small = model_folder(root / "small", replace(SMALL, size=16, patch=8))
    return Pipeline.load(str(small), device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def filtering(root: Path) -> str:
    """An upscaler that adds nothing to Lanczos's filter, and draws all of these pictures in one window."""
    return str(upscaler_folder(root / "filter", replace(NETWORK, size=256), name="filter", loudness=0.0))


@pytest.fixture(scope="module")
def loud(root: Path) -> str:
    """An upscaler whose pictures depend on its noise and on all of its weights."""
    return str(upscaler_folder(root / "loud", replace(NETWORK, size=64), name="loud"))


def test_turns_are_few_and_no_picture_is_larger_than_needed() -> None:
    assert stages((64, 64), (256, 256), 4) == ((64, 64),)
    assert stages((64, 64), (1024, 1024), 4) == ((64, 64), (256, 256))
    assert stages((64, 64), (512, 512), 4) == ((64, 64), (128, 128))  # not 1024, to be halved
    assert stages((64, 64), (128, 128), 4) == ((64, 64),)  # 256, halved
    assert stages((64, 64), (370, 370), 4) == ((64, 64),)  # 256, and a filter for the rest
    assert stages((64, 64), (372, 372), 4) == ((64, 64), (93, 93))
    assert stages((256, 64), (1024, 256), 4) == ((256, 64),)
    assert stages((104, 64), (1000, 600), 4) == ((104, 64), (250, 150))
    assert stages((8, 8), (512, 512), 4) == ((8, 8), (32, 32), (128, 128))
    for side in range(65, 1025):
        found = stages((64, 64), (side, side), 4)
        assert 4 * found[-1][0] * 1.45 >= side
        assert all(later[0] <= 4 * before[0] for before, later in pairwise(found))


@pytest.mark.parametrize(("to", "tile"), [(64, None), (64, "both"), (40, None), (128, "x"), (96, None)])
def test_a_network_that_adds_nothing_gives_what_the_filter_gives(
    pipe: Pipeline, filtering: str, to: int, tile: str | None
) -> None:
    small = pipe.generate(**FEW, tile=tile).images[0]
    large = pipe.generate(**FEW, tile=tile, upscaler=filtering, upscale_to=to).images[0]
    repeated = {None: (1, 1), "both": (3, 3), "x": (1, 3)}[tile]
    wanted = small
    for size in stages((16, 16), (to, to), 4):
        wanted = four_times(enlarged(wanted, size, (repeated[0] > 1, repeated[1] > 1)), repeated)
    wanted = enlarged(wanted, (to, to), (repeated[0] > 1, repeated[1] > 1))
    assert large.size == (to, to)
    assert psnr(large, wanted) > 55
    if tile:  # edges are seen: the picture that ends there is another one
        assert psnr(large, enlarged(four_times(small, (1, 1)), (to, to))) < 45


def four_times(image: Image.Image, repeated: tuple[int, int]) -> Image.Image:
    """A picture enlarged by Lanczos's filter in floating point, as the middle of repeated ones (down, across)."""
    pixels = lanczos(from_image(image)[None, :, 0].tile((1, 1, *repeated)), 4)
    down, across = (4 * side * (times // 2) for side, times in zip((image.height, image.width), repeated, strict=True))
    return to_image(pixels[0, :, None, down : down + 4 * image.height, across : across + 4 * image.width])


def test_the_recipe_is_of_the_whole_and_draws_it_again(pipe: Pipeline, loud: str) -> None:
    small = pipe.generate(**FEW)
    result = pipe.generate(**FEW, upscaler=loud)
    image, recipe = result.images[0], result.recipes[0]
    assert image.size == (64, 64)
    assert (recipe.request.upscaler, recipe.request.size, recipe.request.upscale_to) == ("loud", (16, 16), (64, 64))
    assert recipe.upscaler_weights_sha256 not in (None, recipe.weights_sha256)
    assert recipe.pixels_sha256 == pixel_sha256(image) != small.recipes[0].pixels_sha256
    assert recipe.evaluations == small.recipes[0].evaluations + 3
    assert Recipe.from_json_dict(recipe.to_json_dict()) == recipe
    again = pipe.generate(replace(recipe.request, upscaler=loud, device="auto", dtype="auto"))
    assert again.recipes[0] == recipe
    assert pixel_sha256(again.images[0]) == recipe.pixels_sha256
    # the second network is one that draws: with other noise it draws something else on the same small picture
    assert psnr(image, pipe.generate(**{**FEW, "seed": 4}, upscaler=loud).images[0]) < 40
    assert pipe.named(pipe.resolve(Request(**FEW, upscaler=loud))) == recipe.request


@pytest.mark.parametrize("batching", ["exact", "fast"])
def test_each_picture_of_several_is_what_it_is_alone(pipe: Pipeline, loud: str, batching: str) -> None:
    together = pipe.generate(**FEW, n=3, upscaler=loud, batching=batching)
    for place in (0, 2):
        alone = pipe.generate(**{**FEW, "seed": 3 + place}, upscaler=loud).images[0]
        if batching == "exact":
            assert np.array_equal(together.images[place], alone)
        else:
            assert psnr(together.images[place], alone) > 40
    assert [recipe.request.seed for recipe in together.recipes] == [3, 4, 5]


@pytest.mark.parametrize("more", [{}, {"upscale_to": (256, 256)}, {"size": (32, 32), "hires": True}])
def test_steps_are_counted_and_shown_in_turn(pipe: Pipeline, loud: str, more: dict[str, object]) -> None:
    request = Request(**FEW, upscaler=loud, **more)
    previews = list(pipe.stream(request))
    assert len(previews) == pipe.count(pipe.resolve(request))
    turns = [preview.turn for preview in previews]
    assert turns == sorted(turns)
    assert [preview.image is not None for preview in previews] == [False] * (len(previews) - 1) + [True]
    assert previews[-1].recipe is not None


def test_what_a_mask_covers_is_enlarged_by_the_network_where_it_is_put_back(pipe: Pipeline, filtering: str) -> None:
    """By one that adds nothing: as the filter in floating point does, over all of a picture that the mask covers."""
    rng = np.random.Generator(np.random.Philox(8))
    coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 4), dtype=np.uint8), "RGBA")
    image, white = coarse.resize((64, 64), Image.Resampling.BILINEAR), Image.new("L", (64, 64), 255)
    how = {**FEW, "image": image, "mask": white, "crop_to_mask": True}
    drawn = list(pipe.stream(**how, upscaler=filtering))[-1]
    small = to_image(drawn.x.clamp(-1, 1))
    assert drawn.image is not None
    assert drawn.recipe is not None
    assert psnr(drawn.image, four_times(small, (1, 1))) > 55
    assert drawn.recipe.evaluations == 2 + 3
    assert (drawn.recipe.request.upscaler, drawn.recipe.request.upscale_to) == ("filter", None)
    assert psnr(drawn.image, pipe.generate(**how).images[0]) > 25  # the filter in whole numbers


def test_where_nothing_is_drawn_nothing_is_enlarged_and_each_picture_counts_its_own(pipe: Pipeline, loud: str) -> None:
    image = Image.new("RGBA", (64, 64), (200, 30, 30, 255))
    black, white = (Image.new("L", (64, 64), value) for value in (0, 255))
    how = {**FEW, "image": image, "crop_to_mask": True, "upscaler": loud}
    still = pipe.generate(**how, mask=black)
    assert still.recipes[0].evaluations == 0
    assert np.array_equal(still.images[0], image)
    for batching in ("exact", "fast"):
        three = pipe.generate(**how, mask=white, n=3, batching=batching)
        assert [recipe.evaluations for recipe in three.recipes] == [5, 5, 5]


def test_parts_of_what_is_enlarged_as_a_whole_are_those_of_the_small_picture(pipe: Pipeline, filtering: str) -> None:
    """With chosen pictures too: what is kept is drawn again by its recipe."""
    how = {**FEW, "size": (32, 16), "detail": [[[0, 0, 1, 1], "a dog"]]}
    small = pipe.generate(**how).images[0]
    large = pipe.generate(**how, upscaler=filtering)
    assert psnr(large.images[0], four_times(small, (1, 1))) > 55
    encoder = cast(Encoder, SimpleNamespace(size=16, weights_sha256="0" * 64, alignment=lambda pixels, words: [0.5]))
    request = Request(**how, upscaler=filtering)
    for kept, recipe in ((request, large.recipes[0]), (Request(**how), None)):
        *_, last = choose(pipe, kept, Choosing(encoder=encoder, tries=2, all_tries=True))
        assert last.image is not None
        assert last.recipe is not None
        again = pipe.generate(replace(last.recipe.request, upscaler=kept.upscaler, device="auto", dtype="auto"))
        assert np.array_equal(again.images[0], last.image)
        assert last.recipe.check is not None
        if recipe is not None:
            assert last.recipe.evaluations == recipe.evaluations
            assert last.recipe.check.evaluations == 2 * recipe.evaluations - 3  # only one of them was enlarged


def test_what_is_looked_for_is_what_was_asked_where_regions_say_what_is_drawn(pipe: Pipeline) -> None:
    """The encoder is shown the words that the regions were made of, not the empty prompt."""
    heard: list[str] = []

    def alignment(pixels: object, words: list[str]) -> list[float]:
        heard.extend(words)
        return [0.5]

    encoder = cast(Encoder, SimpleNamespace(size=16, weights_sha256="0" * 64, alignment=alignment))
    region = (((0.0, 0.0, 0.5, 1.0), "a cat"), ((0.5, 0.0, 1.0, 1.0), "a dog"))
    laid = Request(prompt="", region=region, original_prompt="a cat and a dog", steps=1)
    list(choose(pipe, laid, Choosing(encoder=encoder, tries=2, all_tries=True)))
    assert heard == ["a cat and a dog"] * 2


def test_what_makes_no_sense_is_one_sentence(
    pipe: Pipeline, loud: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mezzotint.load, "UPSCALER", root / "none")
    picture = Image.new("RGBA", (16, 16), (200, 30, 30, 255))
    cases: tuple[tuple[dict[str, object], str], ...] = (
        ({"upscaler": str(root / "small")}, "a model that enlarges nothing"),
        ({"upscaler": "no-such"}, "There is no model called 'no-such'"),
        ({"upscaler": loud, "upscale_to": 16}, "upscale_to is 16x16, but 16x16 are drawn before"),
        ({"upscaler": loud, "upscale_to": (64, 8)}, "upscale_to is 64x8, but 16x16"),
        ({"upscaler": loud, "upscale_to": (64, 48)}, "another shape than the 16x16"),
        ({"upscaler": loud, "upscale_to": 2052}, "drawn up to 2048x2048 pixels"),
        ({"upscaler": loud, "upscale_to": "huge"}, "upscale_to is 'huge'"),
        (
            {"upscaler": loud, "upscale_to": 64, "image": picture, "mask": picture, "crop_to_mask": True},
            "the picture keeps its size",
        ),
        (
            {"upscale_to": 64, "image": picture, "strength": 0, "detail": [[[0, 0, 1, 1], "a dog"]]},
            "There is no model called 'upscaler'",
        ),
    )
    for options, words in cases:
        with pytest.raises(InvalidOption) as told:
            pipe.stream(**FEW, **options)
        assert words in str(told.value)
        assert str(told.value).count(". ") == 0
