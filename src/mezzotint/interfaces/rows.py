"""The further pictures of a blend: read from files, fitted into what is drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mezzotint.errors import AnotherPicture, InvalidOption
from mezzotint.request import Request

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["fitted_row", "read_row", "recorded_row"]


def read_row(files: Sequence[Path]) -> "list[Image]":
    """The pictures, each upright as its EXIF says. Raises InvalidFile."""
    from mezzotint.interfaces.sources import read_sources

    return [read_sources(file, None)[0] for file in files]


def fitted_row(pictures: "Sequence[Image]", size: tuple[int, int]) -> "list[Image]":
    """Each scaled to fit on a transparent canvas. Raises InvalidOption where that is no square."""
    from mezzotint.interfaces.sources import fitted

    return [fitted((picture, None), size)[0] for picture in pictures]


def recorded_row(request: Request, files: Sequence[Path], size: tuple[int, int]) -> "list[Image]":
    """The blended pictures of a recipe's request, from files in its order. Raises InvalidOption for what is missing, or
    is another picture."""
    from mezzotint.provenance.pixels import pixel_sha256

    wanted = request.blend_images
    if len(wanted) != len(files):
        what = "no further picture" if not wanted else f"{len(wanted)} further picture{'s' if len(wanted) > 1 else ''}"
        raise InvalidOption(f"The recipe blends {what}, and --blend-image gives {len(files)}; give each of them once.")
    pictures = fitted_row(read_row(files), size)
    for file, picture, digest in zip(files, pictures, wanted, strict=True):
        if pixel_sha256(picture) != digest:
            raise AnotherPicture(f"{file} is not the picture {digest[:10]} that the recipe blends there; give that.")
    return pictures
