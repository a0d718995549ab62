"""Write a picture as a lossless WebP that carries its whole recipe."""

import io
import json

from PIL import Image

from mezzotint.provenance.infotext import infotext_of
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.recipe import Recipe

__all__ = ["DESCRIPTION", "EXIF_IFD", "RECIPE_MARK", "USER_COMMENT", "webp_bytes"]

EXIF_IFD, USER_COMMENT, DESCRIPTION = 0x8769, 0x9286, 0x010E
"""EXIF's numbers of the table of its own tags, and of UserComment and ImageDescription."""
RECIPE_MARK = "mezzotint:"
"""What an ImageDescription begins with that is a recipe."""


def webp_bytes(image: Image.Image, recipe: Recipe) -> bytes:
    """The picture as WebP, without loss: RGBA, straight alpha, the colours of clear pixels too.

    EXIF's ImageDescription is the recipe as JSON in ASCII, behind `RECIPE_MARK`, and the truth. UserComment is the same
    for other programs (`infotext`), in UTF-16, which is where and how AUTOMATIC1111 writes it into WebP files.
    """
    rgba = image.convert("RGBA")
    assert pixel_sha256(rgba) == recipe.pixels_sha256, "the recipe is of other pixels"
    exif = Image.Exif()
    exif[DESCRIPTION] = RECIPE_MARK + json.dumps(recipe.to_json_dict(), allow_nan=False)
    exif.get_ifd(EXIF_IFD)[USER_COMMENT] = b"UNICODE\0" + infotext_of(recipe).encode("utf-16-be")
    stream = io.BytesIO()
    rgba.save(stream, "WEBP", lossless=True, exact=True, quality=80, method=4, exif=exif)
    return stream.getvalue()
