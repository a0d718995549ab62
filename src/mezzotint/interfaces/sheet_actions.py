"""A sheet of four numbered pictures that holds their recipes, so that a later command can name one by its number."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mezzotint.errors import InvalidFile, InvalidOption
from mezzotint.interfaces.pictures import slug
from mezzotint.recipe import Recipe

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["COUNT", "SHEET_KEYWORD", "check_one", "picture_of", "recipes_of", "sheet_png", "write_sheets"]

COUNT = 4
"""Pictures of a sheet."""
SHEET_KEYWORD = "mezzotint-sheet"
SHEET_VERSION = 1
SIDE = 192
"""Pixels that a picture of a sheet is at least wide, by whole factors."""


def write_sheets(files: Sequence[Path], recipes: Sequence[Recipe]) -> tuple[Path, ...]:
    """A sheet for every four pictures that were drawn, beside the first of them; returns the sheets' paths."""
    from mezzotint.provenance.files import write_atomically
    from mezzotint.provenance.read import read_picture

    found = []
    for first in range(0, len(files), COUNT):
        four, those = files[first : first + COUNT], recipes[first : first + COUNT]
        data = sheet_png([read_picture(path) for path in four], those)
        path = _free(four[0].parent, f"{slug(those[0].request.asked)}-{those[0].request.seed}-sheet", data)
        write_atomically(path, data)
        found.append(path)
    return tuple(found)


def sheet_png(images: Sequence["Image"], recipes: Sequence[Recipe]) -> bytes:
    """The sheet as PNG bytes: two columns, each picture over its number, counted from 1, and its seed.

    The iTXt chunk "mezzotint-sheet" is a JSON object: `sheet_version`, and `recipes`, in the order of the numbers.
    """
    from PIL.PngImagePlugin import PngInfo

    from mezzotint.interfaces.sheets import contact_sheet, on_board

    scale = max(1, -(-SIDE // images[0].width))
    labels = [f"{number}   (seed {recipe.request.seed})" for number, recipe in enumerate(recipes, 1)]
    page = contact_sheet([on_board(image, scale) for image in images], labels, columns=2)
    text = PngInfo()
    told = {"sheet_version": SHEET_VERSION, "recipes": [recipe.to_json_dict() for recipe in recipes]}
    text.add_itxt(SHEET_KEYWORD, json.dumps(told, ensure_ascii=False, allow_nan=False))
    stream = io.BytesIO()
    page.save(stream, "PNG", pnginfo=text)
    return stream.getvalue()


def picture_of(path: Path, number: int | None = None) -> Recipe:
    """The recipe of a picture: that of a file of one picture, or that with a number, from 1, of a sheet.

    Raises `InvalidFile` for a file without a recipe, and `InvalidOption` for a number that the sheet has not, that is
    missing, or that is given for a single picture.
    """
    recipes = recipes_of(path)
    if recipes:
        if number is None or not 1 <= number <= len(recipes):
            given = "is a sheet" if number is None else f"has no picture {number}"
            raise InvalidOption(f"{path} {given}; say which of its pictures, 1 to {len(recipes)}.")
        return recipes[number - 1]
    from mezzotint.provenance.read import read_metadata

    recipe = read_metadata(path).recipe
    if recipe is None:
        raise InvalidFile(f"{path} has no recipe; give a picture or a sheet that mezzotint drew.")
    if number not in (None, 1):
        raise InvalidOption(f"{path} is one picture, so there is no picture {number}; leave out the number.")
    return recipe


def check_one(path: Path) -> None:
    """Raises InvalidOption for a sheet, where a single picture is drawn on."""
    if recipes := recipes_of(path):
        raise InvalidOption(
            f"{path} is a sheet of {len(recipes)} pictures, and one is drawn on; give the file of one of them."
        )


def recipes_of(path: Path) -> tuple[Recipe, ...]:
    """The recipes in a sheet, in the order of its numbers; empty for any other picture. Raises `InvalidFile`."""
    from mezzotint.provenance.read import read_texts

    told = [text for keyword, text in read_texts(path) if keyword == SHEET_KEYWORD]
    if not told:
        return ()
    try:
        values = json.loads(told[0])
        if values["sheet_version"] > SHEET_VERSION:
            raise InvalidFile(f"{path} is a sheet of a newer mezzotint; install that.")
        return tuple(Recipe.from_json_dict(value) for value in values["recipes"])
    except InvalidOption as error:
        raise InvalidFile(f"{path} is a sheet with a recipe that cannot be used: {error}") from error
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InvalidFile(f"{path} is a sheet whose recipes are damaged.") from None


def _free(folder: Path, stem: str, data: bytes) -> Path:
    """`stem.png`, or `stem-2.png` and so on if another file has that name; the same bytes may come again."""
    path, count = folder / f"{stem}.png", 1
    while path.exists() and not (path.is_file() and path.read_bytes() == data):
        count += 1
        path = folder / f"{stem}-{count}.png"
    return path
