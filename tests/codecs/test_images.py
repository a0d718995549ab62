"""Pictures to tensors and back."""

import numpy as np
import torch
from PIL import Image

from mezzotint.codecs import from_image, to_image


def test_a_picture_survives_the_round_trip() -> None:
    """Exactly where it is opaque or clear; within rounding of the premultiplied colour elsewhere."""
    rng = np.random.Generator(np.random.Philox(1))
    values = rng.integers(0, 256, (16, 16, 4)).astype(np.uint8)
    values[:8, :, 3] = 255
    values[8:12, :, 3] = 0
    image = Image.fromarray(values, "RGBA")
    back = np.array(to_image(from_image(image)))
    assert np.array_equal(back[:8], values[:8])
    assert not back[8:12].any()
    alpha = values[12:, :, 3].astype(float) / 255
    stretched = ((alpha - 0.03) / 0.94).clip(0, 1) * 255
    assert np.abs(back[12:, :, 3] - stretched).max() <= 0.5001
    solid = alpha > 0.1
    assert np.abs(back[12:, :, :3][solid].astype(float) - values[12:, :, :3][solid]).max() <= 1


def test_every_row_of_a_large_picture_is_converted_as_it_is_alone() -> None:
    """Pictures are converted some rows at a time; where these begin must not show."""
    pixels = torch.randn(4, 1, 150, 37, generator=torch.Generator().manual_seed(0))
    whole = np.asarray(to_image(pixels))
    assert whole.shape == (150, 37, 4)
    for row in range(150):
        assert np.array_equal(whole[row : row + 1], np.asarray(to_image(pixels[:, :, row : row + 1])))


def test_half_covered_red_is_premultiplied() -> None:
    pixels = from_image(Image.new("RGBA", (2, 2), (255, 0, 0, 128)))
    torch.testing.assert_close(pixels[:, 0, 0, 0], torch.tensor([128 / 255, 0, 0, 128 / 255]) * 2 - 1)


def test_values_out_of_range_are_clipped_and_a_faint_veil_is_dropped() -> None:
    pixels = torch.tensor([3.0, -3.0, 0.0, 3.0])[:, None, None, None].expand(4, 1, 1, 1)
    assert to_image(pixels).getpixel((0, 0)) == (255, 0, 128, 255)
    veil = torch.tensor([-0.96, -1.0, -1.0, -0.95])[:, None, None, None]
    assert to_image(veil).getpixel((0, 0)) == (0, 0, 0, 0)
