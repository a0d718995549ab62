"""The recipe in EXIF, for files that have no texts of their own: WebP and JPEG."""

import json

from PIL import Image

from mezzotint.provenance.infotext import infotext_of
from mezzotint.recipe import Recipe

__all__ = ["DESCRIPTION", "EXIF_IFD", "RECIPE_MARK", "UNIQUE_ID", "USER_COMMENT", "exif_of"]

EXIF_IFD, USER_COMMENT, UNIQUE_ID, DESCRIPTION = 0x8769, 0x9286, 0xA420, 0x010E
"""EXIF's numbers of the table of its own tags, and of UserComment, ImageUniqueID and ImageDescription."""
RECIPE_MARK = "mezzotint:"
"""What an ImageDescription begins with that is a recipe."""


def exif_of(recipe: Recipe, *, other_programs: bool = True) -> Image.Exif:
    """EXIF's ImageDescription is the recipe as JSON in ASCII, behind `RECIPE_MARK`, and the truth. UserComment is the
    same for other programs (`infotext`), in UTF-16, which is where and how AUTOMATIC1111 writes it."""
    exif = Image.Exif()
    exif[DESCRIPTION] = RECIPE_MARK + json.dumps(recipe.to_json_dict(), allow_nan=False)
    if other_programs:
        exif.get_ifd(EXIF_IFD)[USER_COMMENT] = b"UNICODE\0" + infotext_of(recipe).encode("utf-16-be")
    return exif
