"""Tensors to Pillow images and back."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image

OPAQUE, CLEAR = 0.97, 0.03
"""Coverage at or above OPAQUE is drawn opaque, at or below CLEAR transparent: a network's 0.99 is meant as 1, and a
veil of 1 % would show on every dark page."""
_ROWS = 64
"""Rows that are converted at once: in float64 they take some twenty times what they do as bytes."""


def to_image(pixels: Tensor) -> "Image":
    """One picture (4, 1, H, W), premultiplied RGBA in [-1, 1], to a Pillow image with straight alpha.

    `a = (x_a + 1) / 2`, stretched so that CLEAR becomes 0 and OPAQUE becomes 1; `rgb = min((x_rgb + 1) / 2 / a, 1)`.
    Where a is 0 the colour is black. Values outside [-1, 1] are clipped.
    """
    from PIL import Image

    assert pixels.shape[:-2] == (4, 1), tuple(pixels.shape)
    values = np.empty((*pixels.shape[-2:], 4), np.uint8)
    for first in range(0, len(values), _ROWS):
        values[first : first + _ROWS] = _straight(pixels[:, 0, first : first + _ROWS]).numpy()
    return Image.fromarray(values, "RGBA")


def _straight(rows: Tensor) -> Tensor:
    """Some rows (4, h, W) of a picture as bytes (h, W, 4) with straight alpha."""
    unit = (rows.double() + 1) / 2
    coverage = unit[3].clamp(0, 1)
    alpha = ((coverage - CLEAR) / (OPAQUE - CLEAR)).clamp(0, 1)
    colour = torch.where(alpha > 0, unit[:3] / coverage.clamp_min(CLEAR), torch.zeros_like(unit[:3])).clamp(0, 1)
    return torch.cat([colour, alpha[None]]).permute(1, 2, 0).mul(255).round().to(torch.uint8)


def from_image(image: "Image") -> Tensor:
    """A Pillow image to one picture (4, 1, H, W), premultiplied RGBA in [-1, 1]."""
    values = torch.from_numpy(np.array(image.convert("RGBA"))).permute(2, 0, 1)[:, None].double() / 255
    return torch.cat([values[:3] * values[3:], values[3:]]).mul(2).sub(1).float()


def to_signed(pictures: Tensor) -> Tensor:
    """Pictures of a data set, uint8 (B, H, W, C), premultiplied, to float32 (B, C, 1, H, W): `x = p / 127.5 - 1`."""
    return pictures.permute(0, 3, 1, 2)[:, :, None].float().contiguous() / 127.5 - 1
