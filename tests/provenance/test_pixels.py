"""The pixel hash and the PSNR against figures worked out by hand."""

import hashlib
import math

import numpy as np
import pytest
from PIL import Image

from mezzotint.provenance.pixels import pixel_sha256, premultiplied, psnr
from tests.provenance.recipes import noise_image


def flat(*rgba: int, size: tuple[int, int] = (3, 2)) -> Image.Image:
    return Image.new("RGBA", size, rgba)


def test_the_hash_is_what_its_docstring_says() -> None:
    image = Image.new("RGBA", (2, 1))
    image.putpixel((0, 0), (1, 2, 3, 4))
    image.putpixel((1, 0), (5, 6, 7, 8))
    assert pixel_sha256(image) == hashlib.sha256(b"2x1 RGBA8\n\x01\x02\x03\x04\x05\x06\x07\x08").hexdigest()
    # a known answer: this hash is in people's files, so it may never change
    assert pixel_sha256(image) == "c3960ebbebc44d0c47534a2b19c0e87568663ba125caf1fec71c6a168b8ca2eb"


def test_the_hash_tells_size_channels_and_order_apart() -> None:
    a = flat(1, 2, 3, 4, size=(3, 2))
    others = [flat(1, 2, 3, 4, size=(2, 3)), flat(1, 2, 3, 5), flat(3, 2, 1, 4), flat(1, 2, 3, 4, size=(6, 1))]
    assert len({pixel_sha256(image) for image in [a, *others]}) == 5


def test_the_hash_is_of_the_picture_not_of_its_storage() -> None:
    opaque = flat(10, 20, 30, 255)
    assert pixel_sha256(opaque) == pixel_sha256(opaque.convert("RGB"))
    noise = noise_image()
    assert pixel_sha256(noise) == pixel_sha256(noise.transpose(Image.Transpose.ROTATE_180).rotate(180))


def test_premultiplied_by_hand() -> None:
    image = Image.fromarray(np.array([[[255, 100, 0, 51], [9, 9, 9, 0]]], dtype=np.uint8))
    np.testing.assert_allclose(premultiplied(image), [[[51, 20, 0, 51], [0, 0, 0, 0]]], rtol=1e-15)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 0, 0, 255), (255, 0, 0, 255), 10 * math.log10(4)),  # one of four channels is wrong by all: mse 255²/4
        ((0, 0, 0, 255), (1, 1, 1, 255), 10 * math.log10(255**2 / 0.75)),
        ((100, 100, 100, 255), (101, 101, 101, 255), 10 * math.log10(255**2 / 0.75)),
        ((255, 255, 255, 255), (255, 255, 255, 254), 10 * math.log10(255**2)),  # premultiplied: all four by one
        ((255, 0, 0, 0), (0, 255, 9, 0), math.inf),  # the colour of what is not there does not count
        ((200, 0, 0, 51), (100, 0, 0, 51), 10 * math.log10(255**2 / 100)),  # 100 levels at alpha 0.2: 20, mse 20²/4
    ],
)
def test_psnr_by_hand(a: tuple[int, ...], b: tuple[int, ...], expected: float) -> None:
    assert psnr(flat(*a), flat(*b)) == pytest.approx(expected, rel=1e-12)
    assert psnr(flat(*b), flat(*a)) == psnr(flat(*a), flat(*b))


def test_psnr_of_equal_pictures_is_infinite_and_of_noise_is_low() -> None:
    assert psnr(noise_image(0), noise_image(0)) == math.inf
    assert psnr(noise_image(0), noise_image(1)) < 12
