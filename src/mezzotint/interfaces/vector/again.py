"""Whether an SVG is the drawing that its recipe's picture gives when it is traced again."""

from pathlib import Path
from typing import TYPE_CHECKING

from mezzotint.errors import MissingDependency
from mezzotint.recipe import Recipe

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["drawn_again"]


def drawn_again(file: Path, image: "Image", then: Recipe) -> str | None:
    """What there is to say of the drawing in `file`, an SVG, beside `image`, its picture drawn again; None for a file
    that is no SVG. Raises InvalidFile."""
    from mezzotint.interfaces.vector.document import vectorise
    from mezzotint.provenance.read import read_drawing

    if (facts := read_drawing(file)) is None:
        return None
    if not facts.unchanged:
        return "the drawing was changed after it was traced, so it was not compared"
    try:
        again = vectorise(image, facts.colours, then)
    except MissingDependency:
        return "the drawing was not compared, since vtracer is not installed; only the picture it was traced from was"
    if again.text.encode() == file.read_bytes():
        return "the drawing is the same, byte for byte"
    return "the drawing is another one; the picture, or the version of vtracer, is not that of then"
