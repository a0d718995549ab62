"""Outpainting: what was there stays, to the byte; the rest is inpainting on the larger canvas."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mezzotint import Pipeline
from mezzotint.edit_options import expansion
from mezzotint.editing.outpaint import centred, extended, zoomed_out
from mezzotint.errors import InvalidOption
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.request import Request
from tests.editing.test_edits import mask, source
from tests.support import SMALL, model_folder

SIDE = 16


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=SIDE, patch=4))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


def drawn(pipe: Pipeline, **options: Any) -> np.ndarray:
    return np.asarray(pipe.generate("a cat", seed=5, **options).images[0])


def canvas(left: int, top: int, right: int, bottom: int) -> tuple[Image.Image, Image.Image]:
    """The source with nothing around it, and the mask that says where to draw."""
    size = (SIDE + left + right, SIDE + top + bottom)
    whole, cover = Image.new("RGBA", size), Image.new("L", size, 255)
    whole.paste(source(), (left, top))
    cover.paste(0, (left, top, left + SIDE, top + SIDE))
    return whole, cover


@pytest.mark.parametrize("margins", [(8, 0, 0, 0), (0, 16, 8, 0), (16, 8, 8, 8)])
def test_it_is_inpainting_on_a_larger_canvas(pipe: Pipeline, margins: tuple[int, int, int, int]) -> None:
    left, top, _, _ = margins
    found = drawn(pipe, image=source(), expand=margins)
    assert np.array_equal(found[top : top + SIDE, left : left + SIDE], np.asarray(source()))
    whole, cover = canvas(*margins)
    assert np.array_equal(found, drawn(pipe, image=whole, mask=cover, size=whole.size))


def test_the_new_part_fits_what_is_there_and_depends_on_the_seed(pipe: Pipeline) -> None:
    found = drawn(pipe, image=source(), expand="right=8")
    other = np.asarray(pipe.generate("a cat", seed=6, image=source(), expand="right=8").images[0])
    elsewhere = drawn(pipe, image=source(1), expand="right=8")
    assert not np.array_equal(found[:, SIDE:], other[:, SIDE:])
    assert not np.array_equal(found[:, SIDE:], elsewhere[:, SIDE:])


def test_a_part_of_the_old_picture_may_be_drawn_too(pipe: Pipeline) -> None:
    found = drawn(pipe, image=source(), expand="left=8", mask=mask())
    assert np.array_equal(found[:, 8:16], np.asarray(source())[:, :8])
    assert not np.array_equal(found[:, 16:], np.asarray(source())[:, 8:])
    turned = drawn(pipe, image=source(), expand="left=8", mask=mask(), invert_mask=True)
    assert np.array_equal(turned[:, 16:], np.asarray(source())[:, 8:])
    assert not np.array_equal(turned[:, 8:16], np.asarray(source())[:, :8])


def test_zooming_out_shrinks_the_picture_and_draws_around_it(pipe: Pipeline) -> None:
    small = zoomed_out(source(), 2.0)
    assert small.size == (8, 8)
    values = np.asarray(source().convert("RGBa"), dtype=float)
    means = values.reshape(8, 2, 8, 2, 4).mean((1, 3))
    assert np.abs(np.asarray(small.convert("RGBa"), dtype=float) - means).max() <= 2.5  # rounded thrice
    found = drawn(pipe, image=source(), zoom=2)
    assert np.array_equal(found[4:12, 4:12], np.asarray(small))
    whole, cover = Image.new("RGBA", (SIDE, SIDE)), Image.new("L", (SIDE, SIDE), 255)
    whole.paste(small, (4, 4))
    cover.paste(0, (4, 4, 12, 12))
    assert np.array_equal(found, drawn(pipe, image=whole, mask=cover))


def test_a_shape_puts_the_picture_into_the_middle(pipe: Pipeline) -> None:
    wide = pipe.generate("a cat", seed=5, image=source(), aspect="2:1")
    assert np.array_equal(np.asarray(wide.images[0]), drawn(pipe, image=source(), expand=(8, 0, 8, 0)))
    request = wide.recipes[0].request
    assert (request.size, request.aspect, request.expand) == ((32, 16), None, (8, 0, 8, 0))
    again = pipe.generate(Request.from_json_dict(request.to_json_dict()), image=source())
    assert again.recipes[0].pixels_sha256 == wide.recipes[0].pixels_sha256
    assert request.image == pixel_sha256(source())
    assert request.strength == 1.0


def test_neutral_values_change_nothing(pipe: Pipeline) -> None:
    plain = drawn(pipe, image=source())
    for options in ({"expand": (0, 0, 0, 0)}, {"zoom": 1.0}, {"aspect": "1:1"}):
        assert np.array_equal(drawn(pipe, image=source(), **options), plain)


def test_it_composes_with_regions_and_tiles(pipe: Pipeline) -> None:
    options: dict[str, Any] = {"image": source(), "expand": (8, 0, 8, 0)}
    regions = {"region": [[(0, 0, 0.5, 1), "a red apple"]]}
    results = [drawn(pipe, **options, **more) for more in ({}, regions, {"tile": "x"}, {**regions, "tile": "x"})]
    for k, one in enumerate(results):
        assert np.array_equal(one[:, 8:24], np.asarray(source()))
        assert not any(np.array_equal(one, other) for other in results[:k])


def test_what_says_where_nothing_is_drawn_is_named(pipe: Pipeline) -> None:
    options: dict[str, Any] = {"image": source(), "region": [[(0, 0, 0.5, 1), "a hat"]], "tile": "x"}
    ignored = pipe.generate("", strength=0.0, **options).ignored
    assert {"region: nothing is drawn at strength 0", "tile: nothing is drawn at strength 0"} <= set(ignored)
    assert not pipe.generate("", strength=1.0, **options).ignored


@pytest.mark.parametrize("soft", [False, True])
def test_margins_are_drawn_whatever_the_mask_leaves_of_the_picture(pipe: Pipeline, soft: bool) -> None:
    options: dict[str, Any] = {"image": source(), "expand": (8, 0, 8, 0)}
    plain, black = drawn(pipe, **options), Image.new("L", (SIDE, SIDE))
    assert np.array_equal(drawn(pipe, **options, mask=black, soft_mask=soft), plain)


def test_margins() -> None:
    assert centred((16, 16), (25, 18)) == (4, 1, 5, 1)
    edge = np.asarray(extended(source(), (2, 1, 0, 0)))
    assert edge.shape == (17, 18, 4)
    assert (edge[0, :3] == np.asarray(source())[0, 0]).all()
    assert expansion("left=64, top=32") == (64, 32, 0, 0)
    assert expansion([1, 2, 3, 4]) == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"expand": "left=8"}, r"expand draw around a picture; give an image too"),
        ({"zoom": 2.0}, r"zoom draw around a picture; give an image too"),
        ({"image": source(), "expand": "left=8", "zoom": 2.0}, r"expand and zoom each say what is drawn around"),
        ({"image": source(), "expand": "left=8", "aspect": "2:1"}, r"expand and aspect each say"),
        ({"image": source(), "expand": "west=8"}, r"expand is 'west=8'; it must be pixels from 0 to 1024 for some of"),
        ({"image": source(), "expand": "left=-8"}, r"expand is 'left=-8'"),
        ({"image": source(), "expand": (1, 2, 3)}, r"expand is \(1, 2, 3\)"),
        ({"image": source(), "expand": (0, 0, 0, 1032)}, r"expand is \(0, 0, 0, 1032\)"),
        ({"image": source(), "expand": "left=5"}, r"draws pictures of 16x16 pixels, not 21x16, which --expand"),
        ({"image": source(), "expand": "left=20", "size": "16x16"}, r"size is 16x16 and expand is left=20, which"),
        ({"image": source(), "expand": "top=8,bottom=8", "size": "16x16"}, r"expand is top=8,bottom=8, which leaves"),
        ({"image": source(), "zoom": 0.5}, r"zoom is 0.5; it must be"),
        ({"image": source().resize((8, 8)), "expand": "left=8"}, r"The image has 8x8 pixels, but it fills 16x16"),
        ({"image": source(), "mask": mask().resize((8, 8)), "zoom": 2.0}, r"The mask has 8x8 pixels, but it fills"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_around_is_one_sentence(pipe: Pipeline, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        pipe.generate("a cat", **options)
