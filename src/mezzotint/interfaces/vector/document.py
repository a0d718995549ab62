"""A picture as an SVG document: few colours, clean paths, small, and with its recipe."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.vector.layers import paths_of
from mezzotint.interfaces.vector.measure import drawing_psnr
from mezzotint.interfaces.vector.merge import components
from mezzotint.interfaces.vector.palette import MOST, find_palette
from mezzotint.interfaces.vector.regions import find_regions, unit
from mezzotint.interfaces.vector.trace import require_vtracer
from mezzotint.provenance.svg import svg_text

if TYPE_CHECKING:
    from PIL.Image import Image

    from mezzotint.recipe import Recipe

__all__ = ["LARGEST", "MOST_COLOURS", "ROOM", "Vector", "check_colours", "vectorise"]

ROOM = 30_000
"""Bytes that a document may have."""
MOST_COLOURS = 64
LARGEST = 4096
"""Pixels of the longest side of a picture that is traced."""
LEAST = 40
"""Bytes that a region needs at least."""
ROUGH_ERROR, ROUGH_PSNR, ROUGH_LEVEL = 0.04, 24.0, 3
"""A palette's error, a PSNR in dB, and a level beyond which a drawing does not show its picture as icons and drawings
are shown: docs/vector.md says what was measured."""


@dataclass(frozen=True)
class Level:
    """How plain a drawing is made. border: what a pixel of border costs, see `merged`; tolerance: how far, in pixels, a
    curve may be from a border; share of the colours."""

    border: float
    tolerance: float
    share: float = 1.0


LEVELS = (
    Level(0.004, 0.15),
    Level(0.008, 0.2),
    Level(0.02, 0.25),
    Level(0.04, 0.35, 0.7),
    Level(0.06, 0.5, 0.5),
    Level(0.1, 0.7, 0.35),
    Level(0.2, 1.0, 0.25),
    Level(0.5, 1.5, 0.15),
)
"""Tried in this order until the document has room."""


@dataclass(frozen=True)
class Vector:
    """A traced picture. text: the document; drawing: its elements; colours and paths: how many; level: how often it was
    made plainer to fit; error: see `Palette`; psnr: in dB, of the drawing and the picture, None where nothing can
    render it; warnings: what there is to say of it."""

    text: str
    drawing: str
    size: tuple[int, int]
    colours: int
    paths: int
    level: int
    error: float
    psnr: float | None
    warnings: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """The size of the file."""
        return len(self.text.encode())

    @property
    def line(self) -> str:
        """What it is, in a line."""
        parts = [_counted(self.colours, "colour"), _counted(self.paths, "path"), f"{self.bytes / 1000:.1f} kB"]
        if self.psnr is not None:
            parts.append(f"PSNR {self.psnr:.1f} dB to the picture")
        return ", ".join(parts)

    def as_dict(self) -> dict[str, object]:
        """The JSON form, without the document."""
        finite = self.psnr is not None and math.isfinite(self.psnr)
        return {
            "colours": self.colours,
            "paths": self.paths,
            "bytes": self.bytes,
            "simplified": self.level,
            "psnr": round(self.psnr, 2) if finite and self.psnr is not None else None,
            "warnings": list(self.warnings),
        }


def check_colours(colours: int | None) -> None:
    """Raises InvalidOption for a number of colours that no drawing has."""
    if colours is not None and (type(colours) is not int or not 1 <= colours <= MOST_COLOURS):
        raise InvalidOption(f"svg-colours is {colours!r}; it must be a whole number from 1 to {MOST_COLOURS}.")


def vectorise(image: "Image", colours: int | None = None, recipe: "Recipe | None" = None, room: int = ROOM) -> Vector:
    """Trace a picture, RGBA with straight alpha.

    colours: at most so many besides clear, from 1 to MOST_COLOURS; None for as many as the picture needs, at most MOST.
    recipe: goes into the document. room: bytes of the document; a drawing that is too large is made plainer step by
    step, and what even the plainest needs is warned of. Raises InvalidOption, MissingDependency (vtracer).
    """
    check_colours(colours)
    if max(image.size) > LARGEST:
        width, height = image.size
        raise InvalidOption(f"The picture has {width}x{height} pixels, and at most {LARGEST} a side can be traced.")
    require_vtracer()
    rgba, decimals = unit(image), 2 if max(image.size) <= 256 else 1
    palette = first = find_palette(rgba, colours or MOST)
    for number, level in enumerate(LEVELS):  # noqa: B007
        if level.share < 1:
            palette = find_palette(rgba, max(1, round(level.share * (len(first.colours) - 1))))
        regions = find_regions(rgba, palette, level.border)
        if level is not LEVELS[-1] and LEAST * len(components(regions.labels)[1]) > room:
            continue
        paths = paths_of(regions, palette.colours, level.tolerance, decimals)
        drawing = "".join(path.text for path in paths)
        text = svg_text(drawing, image.size, recipe, colours)
        if len(text.encode()) <= room:
            break
    shown = len({(path.fill, path.opacity) for path in paths})
    psnr = drawing_psnr(drawing, image)
    made = Vector(text, drawing, image.size, shown, len(paths), number, first.error, psnr)
    return replace(made, warnings=tuple(_warnings(made, colours, room)))


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")


def _warnings(made: Vector, colours: int | None, room: int) -> Iterator[str]:
    far = made.psnr is not None and made.psnr < ROUGH_PSNR
    if colours is None and (made.error > ROUGH_ERROR or far or made.level >= ROUGH_LEVEL):
        yield (
            "the picture has more colours or details than such an SVG can show, as a photograph has; the SVG is "
            "coarse, and PNG suits the picture better"
        )
    if made.bytes > room:
        yield f"the SVG has {made.bytes} bytes, and no plainer one was found that has at most {room}"
    elif made.level > 0:
        yield f"the SVG was made plainer, so that it has at most {room} bytes"
