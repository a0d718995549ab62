"""Forms drawn from signed distances: circles, polygons, signs, banners, speech bubbles.

Only + - * / and square roots are used, which IEEE 754 rounds alike everywhere, so the pixels are the same everywhere.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from mezzotint.data.pixels import Bytes
from mezzotint.data.scenes.raster import lay, tinted
from mezzotint.data.scenes.scene import Shade

__all__ = ["FORMS", "coverage", "draw_form"]

Field = npt.NDArray[np.float64]
Plot = Callable[[Field, Field, float, float], Field]
"""Signed distance, negative inside, of points (x, y) to a form that fills a box of some width and height."""


def _rounded(x: Field, y: Field, width: float, height: float, radius: float) -> Field:
    dx = np.abs(x - width / 2) - (width / 2 - radius)
    dy = np.abs(y - height / 2) - (height / 2 - radius)
    outside = np.sqrt(np.maximum(dx, 0) ** 2 + np.maximum(dy, 0) ** 2)
    return np.asarray(outside + np.minimum(np.maximum(dx, dy), 0) - radius)


def _polygon(x: Field, y: Field, corners: tuple[tuple[float, float], ...]) -> Field:
    """Of a convex polygon, its corners clockwise (y down): the largest distance to a side."""
    out = np.full(x.shape, -1e9)
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        length = float(np.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2))
        out = np.maximum(out, ((y1 - y0) * (x - x0) - (x1 - x0) * (y - y0)) / length)
    return out


def _circle(x: Field, y: Field, width: float, height: float) -> Field:
    return np.asarray(np.sqrt((x - width / 2) ** 2 + (y - height / 2) ** 2) - min(width, height) / 2)


def _square(x: Field, y: Field, width: float, height: float) -> Field:
    return _rounded(x, y, width, height, width / 24)


def _triangle(x: Field, y: Field, width: float, height: float) -> Field:
    return _polygon(x, y, ((width / 2, 0), (width, height), (0, height)))


def _hexagon(x: Field, y: Field, width: float, height: float) -> Field:
    w, h = width, height
    return _polygon(x, y, ((w / 4, 0), (3 * w / 4, 0), (w, h / 2), (3 * w / 4, h), (w / 4, h), (0, h / 2)))


def _diamond(x: Field, y: Field, width: float, height: float) -> Field:
    return _polygon(x, y, ((width / 2, 0), (width, height / 2), (width / 2, height), (0, height / 2)))


def _sign(x: Field, y: Field, width: float, height: float) -> Field:
    return _rounded(x, y, width, height, height / 7)


def _label(x: Field, y: Field, width: float, height: float) -> Field:
    return _rounded(x, y, width, height, height / 2)


def _post(x: Field, y: Field, width: float, height: float) -> Field:
    return _rounded(x, y, width, height, 0.0)


def _banner(x: Field, y: Field, width: float, height: float) -> Field:
    """A ribbon: a band with a notched tail on each side, a little lower."""
    tail = width / 9
    band = _rounded(x - tail, y, width - 2 * tail, height * 0.82, 0.0)
    mirrored = np.minimum(x, width - x)
    tails = _rounded(mirrored, y - height * 0.3, tail * 1.8, height * 0.7, 0.0)
    notch = _polygon(mirrored, y, ((0, height * 0.4), (tail * 0.8, height * 0.65), (0, height * 0.9)))
    return np.minimum(band, np.maximum(tails, -notch))


def _bubble(x: Field, y: Field, width: float, height: float) -> Field:
    body = _rounded(x, y, width, height * 0.78, height / 4)
    left, low = width * 0.25, height * 0.6
    return np.minimum(body, _polygon(x, y, ((left, low), (left + width * 0.2, low), (left - width * 0.03, height))))


FORMS: dict[str, Plot] = {
    "circle": _circle, "square": _square, "triangle": _triangle, "hexagon": _hexagon, "diamond": _diamond,
    "sign": _sign, "badge": _circle, "label": _label, "post": _post, "banner": _banner, "bubble": _bubble,
}  # fmt: skip


@lru_cache(maxsize=512)
def _distances(form: str, width: int, height: int) -> Field:
    y, x = np.meshgrid(np.arange(height) + 0.5, np.arange(width) + 0.5, indexing="ij")
    return FORMS[form](x, y, float(width), float(height))


def coverage(form: str, width: int, height: int, inset: float = 0.0) -> Bytes:
    """How much of each pixel a form covers, 0 to 255, (height, width); drawn `inset` pixels smaller on all sides."""
    part = np.clip(0.5 - inset - _distances(form, width, height), 0, 1)
    out: Bytes = np.floor(part * 255 + 0.5).astype(np.uint8)
    return out


def draw_form(
    canvas: Bytes, form: str, place: tuple[int, int, int, int], *, fill: Shade | None, edge: Shade | None, line: int
) -> None:
    """Draw a form into the box (left, top, width, height) of a canvas: an edge `line` pixels wide, filled within."""
    left, top, width, height = place
    outer = coverage(form, width, height)
    inner = coverage(form, width, height, line) if line else outer
    if edge and line:
        lay(canvas, tinted(outer if fill else outer - np.minimum(inner, outer), edge), left, top)
    if fill:
        lay(canvas, tinted(inner, fill), left, top)
