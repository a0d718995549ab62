"""Rendering in worker processes. A function of its job alone, so that the number of processes changes nothing."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from mezzotint.data.colours import Facts, measure
from mezzotint.data.icons.render import extent, fit, padded, rasterise, touches_edge, zoomed
from mezzotint.data.icons.selection import Job
from mezzotint.errors import InvalidFile

__all__ = ["Drawn", "draw"]

_EMPTY = 0.01  # a drawing that covers less of the canvas is nothing to learn from
_SMALL = frozenset({"meteocons"})  # sets that leave most of their canvas empty: enlarged
_INSET = 58 / 64  # the part of the canvas for drawings that ran into its border


@dataclass(frozen=True, slots=True)
class Drawn:
    """A rendered job: the picture (size, size, 4), premultiplied, and what was measured of it."""

    picture: npt.NDArray[np.uint8]
    facts: Facts


def draw(task: tuple[Job, int]) -> Drawn | None:
    """Render and measure one drawing; None if it is empty or does not render."""
    job, size = task
    try:
        picture = _photo(job.path, size) if job.path else _svg(job.svg, size, job.set in _SMALL)
    except InvalidFile:
        return None
    if (picture[..., 3] > 32).mean() < _EMPTY:
        return None
    return Drawn(picture, measure(picture, three_d=bool(job.path)))


def _svg(svg: str, size: int, small: bool) -> npt.NDArray[np.uint8]:
    picture = rasterise(svg, size)
    if small and 0 < extent(picture) < 0.8:
        return rasterise(zoomed(svg, picture, _INSET), size)
    return rasterise(padded(svg, _INSET), size) if touches_edge(picture) else picture


def _photo(path: str, size: int) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(path, formats=("WEBP", "PNG")) as image:
            picture = fit(image, size)
            return fit(image, size, _INSET) if touches_edge(picture) else picture
    except (OSError, ValueError) as error:
        raise InvalidFile(f"The picture {path} cannot be read ({error}).") from error
