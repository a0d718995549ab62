"""Write a picture as a PNG that carries its whole recipe."""

import io
import json
from collections.abc import Iterable
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mezzotint.provenance.chunks import INPUT_TYPE
from mezzotint.provenance.files import write_atomically
from mezzotint.provenance.infotext import infotext_of
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.recipe import Recipe

__all__ = ["INFOTEXT_KEYWORD", "RECIPE_KEYWORD", "plain_png", "png_bytes", "write_png"]

RECIPE_KEYWORD = "mezzotint"
INFOTEXT_KEYWORD = "parameters"


def write_png(path: Path | str, image: Image.Image, recipe: Recipe) -> None:
    """Write `png_bytes` to `path`: the whole file or none. Raises `OutOfSpace`."""
    write_atomically(path, png_bytes(image, recipe))


def plain_png(image: Image.Image) -> bytes:
    """The pixels as PNG, RGBA, with nothing else."""
    rgba, stream = image.convert("RGBA"), io.BytesIO()
    rgba.info = {}
    rgba.save(stream, "PNG", optimize=False, compress_level=6)
    return stream.getvalue()


def png_bytes(image: Image.Image, recipe: Recipe, inputs: Iterable[bytes] = ()) -> bytes:
    """The picture as PNG: RGBA, 8 bits, straight alpha, with two text chunks before the pixels.

    iTXt "mezzotint" is the recipe as JSON in UTF-8, and the truth. "parameters" is the same for other programs
    (`infotext`), as tEXt where Latin-1 can say it and else as iTXt, which is what they expect.
    inputs: pictures that it was made from, as `plain_png` gives them; each is a chunk mzIN behind the pixels.
    """
    rgba = image.convert("RGBA")
    rgba.info = {}  # Pillow would write a profile of colours that is there
    assert pixel_sha256(rgba) == recipe.pixels_sha256, "the recipe is of other pixels"
    text = PngInfo()
    recipe_json = json.dumps(recipe.to_json_dict(), ensure_ascii=False, allow_nan=False)
    text.add_itxt(RECIPE_KEYWORD, recipe_json)
    text.add_text(INFOTEXT_KEYWORD, infotext_of(recipe))
    for one in inputs:
        text.add(INPUT_TYPE, one, after_idat=True)
    stream = io.BytesIO()
    rgba.save(stream, "PNG", pnginfo=text, optimize=False, compress_level=6)
    return stream.getvalue()
