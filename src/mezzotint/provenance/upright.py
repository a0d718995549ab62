"""Pictures as a camera was held: many are stored lying down, and their EXIF says how to turn them."""

from PIL import Image, ImageOps

__all__ = ["turn_upright"]


def turn_upright(image: Image.Image) -> None:
    """Turn a decoded picture as its EXIF says; one without EXIF, or with EXIF that cannot be read, stays as it is."""
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except Exception:  # readers of hostile bytes raise nearly every type there is; the pixels are another matter
        return
