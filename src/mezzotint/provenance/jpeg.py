"""Write a picture as a JPEG that carries its whole recipe, and see whether it still is as it was written."""

import hashlib
import io
from pathlib import Path

from PIL import Image

from mezzotint.errors import InvalidOption
from mezzotint.provenance.exif import EXIF_IFD, UNIQUE_ID, exif_of
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.recipe import Recipe

__all__ = ["as_jpeg", "jpeg_bytes", "jpeg_unchanged"]

QUALITY, WHOLE_COLOUR = 95, 0
"""libjpeg's scale, and its number for colours that are kept at every pixel (4:4:4)."""
MAX_EXIF = 65_533 - len(b"Exif\0\0")
"""Bytes of a segment."""
MAX_FILE = 512 * 2**20
START_OF_SCAN, METADATA = 0xDA, (*range(0xE0, 0xF0), 0xFE)
"""Markers of JPEG: where the coded pixels begin, and those of applications' segments and of comments."""


def jpeg_bytes(image: Image.Image, recipe: Recipe) -> bytes:
    """The picture as JPEG, on white, which has no transparency and loses a little.

    The recipe is in its EXIF (`exif_of`; without the text for other programs if both are too long), and is that of the
    picture before. ImageUniqueID is the digest of the coded pixels (`jpeg_unchanged`). Raises InvalidOption if the
    recipe alone is too long.
    """
    assert pixel_sha256(image.convert("RGBA")) == recipe.pixels_sha256, "the recipe is of other pixels"
    plain = _encoded(image, Image.Exif())
    for other_programs in (True, False):
        exif = exif_of(recipe, other_programs=other_programs)
        exif.get_ifd(EXIF_IFD)[UNIQUE_ID] = _digest(plain)
        if len(exif.tobytes()) <= MAX_EXIF:
            return _encoded(image, exif)
    raise InvalidOption(
        f"The recipe is longer than the {MAX_EXIF} bytes that a JPEG holds; give a file that ends in .png or .webp."
    )


def as_jpeg(image: Image.Image) -> Image.Image:
    """What a JPEG shows of a picture."""
    with Image.open(io.BytesIO(_encoded(image, Image.Exif()))) as shown:
        return shown.convert("RGBA")


def jpeg_unchanged(path: Path) -> bool | None:
    """Whether the coded pixels of a JPEG are those that were written with its recipe; None for what is no JPEG.

    Other programs may have changed its metadata, as galleries do. The file was read before, so it is whole.
    """
    with path.open("rb") as stream:
        data = stream.read(MAX_FILE)
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        told = image.getexif().get_ifd(EXIF_IFD).get(UNIQUE_ID)
    return told == _digest(data)


def _encoded(image: Image.Image, exif: Image.Exif) -> bytes:
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, "white")
    stream = io.BytesIO()
    shown = Image.alpha_composite(white, rgba).convert("RGB")
    shown.save(stream, "JPEG", quality=QUALITY, subsampling=WHOLE_COLOUR, exif=exif)
    return stream.getvalue()


def _digest(data: bytes) -> str:
    """32 letters for all of a JPEG but its metadata; "" if no scan begins where one should."""
    found, place = hashlib.sha256(), 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        kind, end = data[place + 1], place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if kind == START_OF_SCAN:
            found.update(data[place:])
            return found.hexdigest()[:32]
        if kind not in METADATA:
            found.update(data[place:end])
        place = end
    return ""
