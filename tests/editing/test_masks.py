"""What masks mean, the picture's own among them, and what is said of those without effect."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mezzotint import Pipeline
from mezzotint.editing.masks import alpha_mask, mask_image
from mezzotint.errors import InvalidOption
from tests.support import SMALL, model_folder

SIDE = 16


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=SIDE, patch=4))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


def half_clear() -> Image.Image:
    """A picture that is opaque on its left, half clear in the middle column, clear on its right."""
    values = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 4), dtype=np.uint8)
    values[..., 3] = 255
    values[:, 8, 3], values[:, 9:, 3] = 128, 0
    return Image.fromarray(values, "RGBA")


def test_a_picture_as_its_mask_is_as_bright_as_it_is_clear() -> None:
    found = np.asarray(mask_image(alpha_mask(half_clear())))
    assert (found[:, :8] == 0).all()
    assert (found[:, 8] == 127).all()
    assert (found[:, 9:] == 255).all()
    turned = np.asarray(mask_image(alpha_mask(half_clear()), invert=True))
    assert np.array_equal(turned, 255 - found)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_an_opaque_picture_is_no_mask(mode: str) -> None:
    with pytest.raises(InvalidOption, match="it is opaque everywhere; give a picture that says where"):
        alpha_mask(Image.new(mode, (4, 4), 255 if mode == "L" else "white"))


def test_what_is_clear_is_drawn_and_what_is_opaque_stays(pipe: Pipeline) -> None:
    image = half_clear()
    own = pipe.generate("a cat", seed=3, image=image, mask="alpha")
    given = pipe.generate("a cat", seed=3, image=image, mask=alpha_mask(image))
    assert own.recipes[0].pixels_sha256 == given.recipes[0].pixels_sha256
    assert own.recipes[0].request == given.recipes[0].request
    assert own.recipes[0].request.mask is not None
    found, before = np.asarray(own.images[0]), np.asarray(image)
    assert np.array_equal(found[:, :8], before[:, :8])
    assert not np.array_equal(found[:, 9:], before[:, 9:])
    with pytest.raises(InvalidOption, match="opaque everywhere"):
        pipe.generate("a cat", image=image.convert("RGB"), mask="alpha")
    with pytest.raises(InvalidOption, match="mask is 'alpha'; give a Pillow image"):
        pipe.generate("a cat", mask="alpha")


def test_a_black_mask_is_told_with_or_without_a_prompt(pipe: Pipeline) -> None:
    said = "mask: nothing is drawn at strength 0, nor where a mask is black all over"
    for prompt in ("", "a cat"):
        done = pipe.generate(prompt, image=half_clear(), mask=Image.new("L", (SIDE, SIDE)))
        assert said in done.ignored
        assert done.evaluations == 0
    for level in (1, 100, 255):
        drawn = pipe.generate("a cat", image=half_clear(), mask=Image.new("L", (SIDE, SIDE), level))
        assert drawn.evaluations > 0
        assert not any(one.startswith("mask") for one in drawn.ignored)
