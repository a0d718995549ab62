"""Rendering one drawing. A function of its job alone, so that the number of processes changes nothing."""

from dataclasses import dataclass

from PIL import Image

from mezzotint.data.colours import Facts, measure
from mezzotint.data.icons.job import Job
from mezzotint.data.icons.render import extent, padded, rasterise, touches_edge, zoomed
from mezzotint.data.pixels import Bytes, fit
from mezzotint.errors import InvalidFile

__all__ = ["Drawn", "draw"]

_EMPTY = 0.01  # a drawing that covers less of the canvas is nothing to learn from
_INSET = 58 / 64  # the part of the canvas for drawings that ran into its border
_SMALL = 0.8  # drawings of sets that leave more of their canvas empty are enlarged to the inset


@dataclass(frozen=True, slots=True)
class Drawn:
    """A rendered job: the picture, uint8 (size, size, 4), premultiplied, and what was measured of it."""

    picture: Bytes
    facts: Facts


def draw(task: tuple[Job, int]) -> Drawn | None:
    """Render and measure one drawing at one size; None if it is empty or does not render."""
    job, size = task
    try:
        picture = _rendered_file(job.path, size) if job.path else _svg(job.svg, size, job.enlarge)
    except InvalidFile:
        return None
    if (picture[..., 3] > 32).mean() < _EMPTY:
        return None
    return Drawn(picture, measure(picture, three_d=bool(job.path)))


def _svg(svg: str, size: int, enlarge: bool) -> Bytes:
    picture = rasterise(svg, size)
    if enlarge and 0 < extent(picture) < _SMALL:
        return rasterise(zoomed(svg, picture, _INSET), size)
    return rasterise(padded(svg, _INSET), size) if touches_edge(picture) else picture


def _rendered_file(path: str, size: int) -> Bytes:
    try:
        with Image.open(path, formats=("WEBP", "PNG")) as image:
            picture = fit(image, size)
            return fit(image, size, _INSET) if touches_edge(picture) else picture
    except (OSError, ValueError) as error:
        raise InvalidFile(f"The picture {path} cannot be read ({error}).") from error
