"""Crop to mask: what it draws is the edit of the part, and all else keeps its bytes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.Image import Resampling

from mezzotint import Pipeline
from mezzotint.codecs import to_image
from mezzotint.editing.crop import around
from mezzotint.errors import InvalidOption
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.request import Request
from tests.support import SMALL, model_folder

SIDE = 16
WIDE, HIGH = 50, 38
CROP: dict[str, Any] = {"crop_to_mask": True, "crop_padding": 4}
BOX = (17, 11, 33, 27)
"""What is drawn for a mask of 8 x 8 pixels at (21, 15)."""


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=SIDE, patch=4))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


def photo(size: tuple[int, int] = (WIDE, HIGH), seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    values[:4, :, 3] = 0
    return Image.fromarray(values, "RGBA")


def hole(box: tuple[int, int, int, int], size: tuple[int, int] = (WIDE, HIGH), value: int = 255) -> Image.Image:
    found = Image.new("L", size)
    found.paste(value, box)
    return found


def drawn(pipe: Pipeline, prompt: str = "a cat", **options: Any) -> Image.Image:
    return pipe.generate(prompt, seed=5, **options).images[0]


def as_drawn(pipe: Pipeline, **options: Any) -> Image.Image:
    """What is drawn on the canvas, before the source's bytes are put back."""
    *_, last = pipe.stream("a cat", seed=5, **options)
    return to_image(last.x)


def pasted(part: Image.Image, box: tuple[int, int, int, int]) -> np.ndarray:
    whole = photo()
    whole.paste(part, box[:2])
    return np.asarray(whole)


def changed(before: Image.Image, after: Image.Image) -> np.ndarray:
    return (np.asarray(before) != np.asarray(after)).any(-1)


@pytest.mark.parametrize(
    ("bounds", "picture", "canvas", "padding", "box", "margins"),
    [
        ((21, 15, 29, 23), (50, 38), (16, 16), 4, BOX, (0, 0, 0, 0)),
        ((0, 0, 4, 4), (50, 38), (16, 16), 4, (0, 0, 8, 8), (0, 0, 0, 0)),  # padding ends with the picture
        ((40, 0, 50, 2), (50, 38), (16, 16), 0, (40, 0, 50, 10), (0, 0, 0, 0)),  # moved inside
        ((10, 10, 20, 14), (50, 38), (16, 16), 0, (10, 7, 20, 17), (0, 0, 0, 0)),
        ((10, 10, 20, 14), (50, 38), (32, 16), 0, (10, 10, 20, 15), (0, 0, 0, 0)),  # of the canvas's shape
        ((0, 0, 40, 10), (50, 10), (16, 16), 0, (0, 0, 40, 10), (0, 6, 0, 6)),  # too low for a square
        ((0, 0, 1, 1000), (1, 1000), (16, 16), 0, (0, 0, 1, 1000), (7, 0, 8, 0)),  # at least one pixel
    ],
)
def test_where_a_part_is(bounds: Any, picture: Any, canvas: Any, padding: int, box: Any, margins: Any) -> None:
    assert around(bounds, picture, canvas, padding) == (box, margins)


@given(st.data())
def test_a_part_holds_the_mask_lies_in_the_picture_and_has_the_shape_of_the_canvas(data: st.DataObject) -> None:
    picture, canvas = (tuple(data.draw(st.integers(low, 90)) for _ in range(2)) for low in (1, 8))
    first = [data.draw(st.integers(0, side - 1)) for side in picture]
    last = [data.draw(st.integers(begin + 1, side)) for begin, side in zip(first, picture, strict=True)]
    padding = data.draw(st.integers(0, 40))
    (left, top, right, bottom), margins = around((*first, *last), picture, canvas, padding)  # type: ignore[arg-type]
    assert 0 <= left <= max(0, first[0] - padding) or right == picture[0]
    assert left <= first[0]
    assert last[0] <= right <= picture[0]
    assert 0 <= top <= first[1]
    assert last[1] <= bottom <= picture[1]
    filled = (canvas[0] - margins[0] - margins[2], canvas[1] - margins[1] - margins[3])
    assert min(filled) >= 1
    assert min(margins) >= 0
    assert canvas[0] == filled[0] or canvas[1] == filled[1]
    sides = (right - left, bottom - top)
    scale = min(
        side / whole for k, (side, whole) in enumerate(zip(sides, canvas, strict=True)) if canvas[k] == filled[k]
    )
    for side, whole, there in zip(sides, canvas, filled, strict=True):
        exact = side / scale  # but for sides in whole pixels, on the picture and on the canvas
        assert there == 1 or abs(there - exact) <= 1.0 + exact / (whole * min(1, scale)) + 1e-9


def test_a_part_of_the_size_that_is_drawn_is_the_edit_of_that_part(pipe: Pipeline) -> None:
    cases: tuple[dict[str, Any], ...] = ({}, {"strength": 0.5}, {"soft_mask": True}, {"solver": "heun"})
    for more in (*cases, {"feather": 0.6, "crop_padding": 2}):
        cover = hole((21, 15, 29, 23), value=150 if more.get("soft_mask") else 255)
        found = drawn(pipe, image=photo(), mask=cover, **{**CROP, **more})
        plain = {name: value for name, value in more.items() if name != "crop_padding"}
        part = drawn(pipe, image=photo().crop(BOX), mask=cover.crop(BOX), **plain)
        assert found.size == (WIDE, HIGH)
        assert np.array_equal(np.asarray(found), pasted(part, BOX)), more
        inside = np.zeros((HIGH, WIDE), dtype=bool)
        inside[11:27, 17:33] = True
        assert not changed(photo(), found)[~inside].any()
    turned = hole((0, 0, WIDE, HIGH))
    turned.paste(0, (21, 15, 29, 23))
    plain = drawn(pipe, image=photo(), mask=hole((21, 15, 29, 23)), **CROP)
    assert np.array_equal(
        np.asarray(drawn(pipe, image=photo(), mask=turned, invert_mask=True, **CROP)), np.asarray(plain)
    )


def test_all_of_a_picture_of_the_size_that_is_drawn_is_no_part(pipe: Pipeline) -> None:
    image, cover = photo((SIDE, SIDE)), hole((2, 3, 9, 12), (SIDE, SIDE), 200)
    whole = drawn(pipe, image=image, mask=cover)
    # a grey is blended once in every prediction, and once more in the end
    assert np.array_equal(np.asarray(drawn(pipe, image=image, mask=cover, crop_to_mask=True)), np.asarray(whole))


def test_a_larger_part_is_scaled_down_drawn_and_scaled_back(pipe: Pipeline) -> None:
    box = (9, 3, 41, 35)
    cover = hole((13, 7, 37, 31))
    found = drawn(pipe, image=photo(), mask=cover, **CROP)
    small = photo().crop(box).convert("RGBa").resize((SIDE, SIDE), Resampling.LANCZOS).convert("RGBA")
    part = as_drawn(pipe, image=small, mask=cover.crop(box).resize((SIDE, SIDE), Resampling.BOX))
    large = part.convert("RGBa").resize((32, 32), Resampling.LANCZOS).convert("RGBA")
    values = np.asarray(photo()).copy()
    values[7:31, 13:37] = np.asarray(large)[4:28, 4:28]
    assert np.array_equal(np.asarray(found), values)


def test_a_larger_canvas_is_drawn_in_windows(pipe: Pipeline) -> None:
    cover, box = hole((13, 15, 37, 23)), (9, 11, 41, 27)
    found = drawn(pipe, image=photo(), mask=cover, size=(32, 16), **CROP)
    part = drawn(pipe, image=photo().crop(box), mask=cover.crop(box), size=(32, 16))
    assert np.array_equal(np.asarray(found), pasted(part, box))


def test_a_picture_that_is_too_low_is_drawn_in_the_middle(pipe: Pipeline) -> None:
    image = photo((40, 10), seed=3)
    cover = hole((4, 2, 36, 8), image.size)
    found = drawn(pipe, image=image, mask=cover, crop_to_mask=True, crop_padding=0)
    assert found.size == image.size
    inside = np.asarray(cover) > 0
    assert not changed(image, found)[~inside].any()
    assert changed(image, found)[inside].mean() > 0.9
    small = image.crop((4, 0, 36, 10)).convert("RGBa").resize((16, 5), Resampling.LANCZOS).convert("RGBA")
    # the canvas: its first and last row go on above and below
    rows = np.pad(np.asarray(small), ((5, 6), (0, 0), (0, 0)), mode="edge")
    low = Image.new("L", (16, 16))
    low.paste(cover.crop((4, 0, 36, 10)).resize((16, 5), Resampling.BOX), (0, 5))
    part = as_drawn(pipe, image=Image.fromarray(rows, "RGBA"), mask=low)
    large = part.crop((0, 5, 16, 10)).convert("RGBa").resize((32, 10), Resampling.LANCZOS).convert("RGBA")
    values = np.asarray(image).copy()
    values[2:8, 4:36] = np.asarray(large)[2:8]
    assert np.array_equal(np.asarray(found), values)


def test_regions_lie_where_they_lie_in_the_picture(pipe: Pipeline) -> None:
    cover = hole((21, 15, 29, 23))
    share = (17 / WIDE, 11 / HIGH, 33 / WIDE, 27 / HIGH)
    left = (0.0, 0.0, 25 / WIDE, 1.0)
    for there, here in ((share, (0, 0, 1, 1)), (left, (0, 0, 0.5, 1))):
        found = drawn(pipe, "", image=photo(), mask=cover, region=[[there, "a hat"]], **CROP)
        part = drawn(pipe, "", image=photo().crop(BOX), mask=cover.crop(BOX), region=[[here, "a hat"]])
        assert np.array_equal(np.asarray(found), pasted(part, BOX))
    bright = hole((17, 11, 25, 27))
    found = drawn(pipe, "", image=photo(), mask=cover, region_masks=[(bright, "a hat")], **CROP)
    part = drawn(pipe, "", image=photo().crop(BOX), mask=cover.crop(BOX), region_masks=[(bright.crop(BOX), "a hat")])
    assert np.array_equal(np.asarray(found), pasted(part, BOX))


def test_where_nothing_is_drawn_all_bytes_stay_and_nothing_is_asked(pipe: Pipeline) -> None:
    asked, black, white = [], hole((0, 0, 0, 0)), hole((0, 0, WIDE, HIGH))
    counted = pipe.model.denoiser.network.register_forward_pre_hook(lambda *call: asked.append(call))
    cases: tuple[tuple[Image.Image, dict[str, Any]], ...] = (
        (black, {}),
        (black, {"strength": 1.0}),
        (black, {"soft_mask": True, "strength": 0.5}),
        (white, {"invert_mask": True}),
        (black, {"invert": True, "source_prompt": "a dog"}),
        (black, {"region": [[(0, 0, 1, 1), "a hat"]]}),
        (hole((3, 3, 40, 30)), {"strength": 0.0}),
    )
    for mask, more in cases:
        done = pipe.generate("a cat", image=photo(), mask=mask, **CROP, **more)
        assert np.array_equal(np.asarray(done.images[0]), np.asarray(photo())), more
        assert done.evaluations == 0
        assert "prompt: nothing is drawn at strength 0, nor where a mask is black all over" in done.ignored
        again = pipe.generate(done.recipes[0].request, image=photo(), mask=mask)
        assert again.recipes[0].pixels_sha256 == done.recipes[0].pixels_sha256
    assert not asked
    drawn(pipe, image=photo(), mask=white, **CROP)
    counted.remove()
    assert asked


def test_its_recipe_names_the_whole_pictures_and_draws_it_again(pipe: Pipeline) -> None:
    image, cover = photo(), hole((3, 5, 17, 30), value=180)
    done = pipe.generate("a cat", seed=5, n=2, image=image, mask=cover, feather=1.5, crop_to_mask=True)
    request = done.recipes[1].request
    assert (request.image, request.mask) == (pixel_sha256(image), pixel_sha256(cover))
    assert (request.size, request.crop_padding) == ((SIDE, SIDE), 32)
    again = pipe.generate(Request.from_json_dict(request.to_json_dict()), image=image, mask=cover)
    assert again.recipes[0].pixels_sha256 == done.recipes[1].pixels_sha256 == pixel_sha256(done.images[1])
    assert not done.ignored
    more = pipe.generate(request, image=image, mask=cover, crop_padding=0)
    assert more.recipes[0].pixels_sha256 != again.recipes[0].pixels_sha256
    with pytest.raises(InvalidOption, match="another one"):
        pipe.generate(request, image=photo(seed=1), mask=cover)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mask": None}, r"give a mask too"),
        ({"crop_to_mask": "yes"}, r"crop_to_mask is 'yes'; it must be true or false"),
        ({"crop_to_mask": False}, r"crop_padding is how much is drawn around .* give crop_to_mask too"),
        ({"crop_padding": -1}, r"crop_padding is -1; it must be a whole number from 0 to 1024"),
        ({"expand": "left=8"}, r"crop_to_mask draws a part by itself, and expand is about all"),
        ({"zoom": 2.0}, r"and zoom is about all"),
        ({"aspect": "2:1"}, r"and aspect is about all"),
        ({"tile": "x"}, r"and tile is about all"),
        ({"mask": hole((0, 0, 4, 4), (8, 8))}, r"The mask has 8x8 pixels, but the image 50x38"),
        ({"region_masks": [(hole((0, 0, 4, 4), (8, 8)), "a hat")]}, r"The region_masks\[0\] has 8x8 pixels, but"),
        ({"region": [[(0, 0, 0.1, 0.1), "a hat"]]},
         r"region 0,0,0.1,0.1 lies beside what crop_to_mask draws, 0.34,0.289,0.66,0.711; move it there"),
    ],
)  # fmt: skip
def test_what_cannot_be_cropped_is_one_sentence(pipe: Pipeline, options: dict[str, Any], words: str) -> None:
    given = {"image": photo(), "mask": hole((21, 15, 29, 23)), **CROP, **options}
    with pytest.raises(InvalidOption, match=words):
        pipe.stream("a cat", **given)
