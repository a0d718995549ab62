"""Write a picture as a lossless WebP that carries its whole recipe."""

import io

from PIL import Image

from mezzotint.provenance.exif import exif_of
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.recipe import Recipe

__all__ = ["webp_bytes"]


def webp_bytes(image: Image.Image, recipe: Recipe) -> bytes:
    """The picture as WebP, without loss: RGBA, straight alpha, the colours of clear pixels too; the recipe in its EXIF
    (`exif_of`)."""
    rgba = image.convert("RGBA")
    assert pixel_sha256(rgba) == recipe.pixels_sha256, "the recipe is of other pixels"
    stream = io.BytesIO()
    rgba.save(stream, "WEBP", lossless=True, exact=True, quality=80, method=4, exif=exif_of(recipe))
    return stream.getvalue()
