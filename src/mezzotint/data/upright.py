"""Pictures as a camera was held: many are stored lying down, and their EXIF says how to turn them."""

import struct

from PIL import Image, ImageOps

__all__ = ["upright"]


def upright(image: Image.Image) -> Image.Image:
    """A copy of a picture, turned as its EXIF says; one without EXIF, or with EXIF that cannot be read, as it is."""
    try:
        return ImageOps.exif_transpose(image)
    except (OSError, ValueError, TypeError, KeyError, SyntaxError, struct.error):
        return image.copy()
