"""Masks: how much of every pixel they mean, and what becomes of those of another size."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mezzotint.errors import InvalidOption

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["ALPHA", "alpha_mask", "fitted_mask", "mask_image", "mask_values", "values"]

ALPHA = "alpha"
"""In the place of a mask: the picture's own alpha."""


def alpha_mask(image: "Image") -> "Image":
    """What a picture says of itself as a mask, RGBA: as bright as it is clear. Raises InvalidOption for one that is
    opaque everywhere."""
    from PIL import ImageChops

    clear = ImageChops.invert(image.convert("RGBA").getchannel("A"))
    if clear.getextrema() == (0, 0):
        raise InvalidOption(
            "mask is alpha, which draws where the picture is clear, and it is opaque everywhere; give a picture that "
            "says where to draw."
        )
    return clear.convert("RGBA")


def mask_values(mask: "Image", invert: bool = False, feather: float = 0.0) -> Tensor:
    """(1, H, W) in [0, 1]: what `mask_image` says."""
    return values(mask_image(mask, invert, feather))


def values(mask: "Image") -> Tensor:
    """(1, H, W) in [0, 1] of a mask L."""
    return torch.from_numpy(np.asarray(mask, dtype=np.float32) / 255)[None]


def mask_image(mask: "Image", invert: bool = False, feather: float = 0.0) -> "Image":
    """L: the brightness of a mask, turned round if asked, times its alpha, so that what is clear is kept either way;
    blurred by a Gaussian of `feather` pixels' deviation."""
    from PIL import ImageChops, ImageFilter

    whole = mask.convert("RGBA")
    bright = whole.convert("RGB").convert("L")
    shown = ImageChops.multiply(ImageChops.invert(bright) if invert else bright, whole.getchannel("A"))
    if feather:
        shown = shown.filter(ImageFilter.GaussianBlur(feather))
    return shown


def fitted_mask(mask: "Image", size: tuple[int, int]) -> "Image":
    """A mask L, scaled to fit a canvas (width, height), as means of its pixels, in the middle; the rest is black."""
    from PIL import Image
    from PIL.Image import Resampling

    if mask.size == size:
        return mask
    scale = min(whole / side for whole, side in zip(size, mask.size, strict=True))
    width, height = (max(1, round(scale * side)) for side in mask.size)
    canvas = Image.new("L", size)
    canvas.paste(mask.resize((width, height), Resampling.BOX), ((size[0] - width) // 2, (size[1] - height) // 2))
    return canvas
