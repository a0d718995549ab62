"""From the body of an icon to a square of premultiplied RGBA bytes, with resvg."""

import io
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from mezzotint.data.pixels import Bytes, premultiply
from mezzotint.errors import InvalidFile, MissingDependency

__all__ = ["extent", "padded", "rasterise", "require_resvg", "svg_text", "touches_edge", "zoomed"]

_VIEW_BOX = re.compile(r'viewBox="([^"]+)"')


def require_resvg() -> None:
    """Raise MissingDependency if resvg_py is not installed."""
    try:
        import resvg_py  # noqa: F401
    except ImportError as error:
        raise MissingDependency(
            "Rendering the icon set needs the package resvg_py; install it with `pip install 'mezzotint[data]'`."
        ) from error


def svg_text(icon: Mapping[str, Any], width: float, height: float) -> str:
    """The SVG document of an entry of an Iconify JSON file, centred on a square canvas."""
    left, top = icon.get("left", 0), icon.get("top", 0)
    side = max(width, height)
    x, y = left - (side - width) / 2, top - (side - height) / 2
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{side}" height="{side}" viewBox="{x:g} {y:g} {side:g} {side:g}">{icon["body"]}</svg>'
    )


def rasterise(svg: str, size: int) -> Bytes:
    """Render an SVG at `size` pixels, (size, size, 4) premultiplied. Raises InvalidFile, MissingDependency."""
    require_resvg()
    import resvg_py

    try:
        # dpi: the default of 0 fails on lengths in mm, cm and pt. No system fonts: the same pixels on every machine.
        png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, dpi=96, skip_system_fonts=True))
    except ValueError as error:
        raise InvalidFile(f"An SVG cannot be rendered: {error}") from error
    with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
        return premultiply(np.asarray(image.convert("RGBA"), dtype=np.uint8))


def touches_edge(picture: Bytes) -> bool:
    """Whether the drawing runs into the border of the canvas."""
    alpha = picture[..., 3]
    return any(bool((side > 60).any()) for side in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]))


def extent(picture: Bytes) -> float:
    """The longer side of the drawn area as a part of the canvas."""
    rows, columns = np.nonzero(picture[..., 3] > 8)
    return max(int(np.ptp(rows)), int(np.ptp(columns))) / picture.shape[0] if rows.size else 0.0


def padded(svg: str, part: float) -> str:
    """The same SVG drawn on a part (0..1) of the canvas, centred, by enlarging its view box."""

    def grow(match: re.Match[str]) -> str:
        x, y, w, h = (float(v) for v in match.group(1).split())
        extra_w, extra_h = w / part - w, h / part - h
        return f'viewBox="{x - extra_w / 2:g} {y - extra_h / 2:g} {w / part:g} {h / part:g}"'

    return _VIEW_BOX.sub(grow, svg, count=1)


def zoomed(svg: str, picture: Bytes, part: float) -> str:
    """The SVG with its view box drawn in, so that what `picture` shows fills that part of the canvas."""
    rows, columns = np.nonzero(picture[..., 3] > 8)
    match = _VIEW_BOX.search(svg)
    if match is None or rows.size == 0:
        return svg
    x, y, w, _ = (float(v) for v in match.group(1).split())
    unit = w / picture.shape[0]
    side = (max(int(np.ptp(rows)), int(np.ptp(columns))) + 1) * unit / part
    left = x + (int(columns.min()) + int(columns.max()) + 1) / 2 * unit - side / 2
    top = y + (int(rows.min()) + int(rows.max()) + 1) / 2 * unit - side / 2
    return svg.replace(match.group(0), f'viewBox="{left:g} {top:g} {side:g} {side:g}"', 1)
