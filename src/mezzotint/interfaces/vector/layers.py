"""From regions to paths: what lies below goes a little under what lies on it, and has no hole where that covers it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mezzotint.interfaces.vector.fit import fitted
from mezzotint.interfaces.vector.palette import Floats
from mezzotint.interfaces.vector.regions import Mask, Regions, near
from mezzotint.interfaces.vector.trace import Outline, path_text, traced

__all__ = ["Path", "paths_of"]


@dataclass(frozen=True)
class Path:
    """One colour of the drawing. fill: #rrggbb; opacity in (0, 1]; data: its `d`."""

    fill: str
    opacity: float
    data: str

    @property
    def text(self) -> str:
        """The element."""
        opacity = "" if self.opacity == 1 else f' fill-opacity="{self.opacity:g}"'
        return f'<path fill="{self.fill}"{opacity} d="{self.data}"/>'


def paths_of(regions: Regions, colours: Floats, tolerance: float, decimals: int) -> tuple[Path, ...]:
    """A path a colour, the largest area first, in pixels. tolerance: how far, in pixels, a curve may be from a border.

    Two areas that only touched would both be half clear along their border, and show what is behind. So an opaque one
    goes on for a pixel under opaque ones that are painted later, but not to within half a pixel of the outer edge,
    where it would shine through. Raises MissingDependency.
    """
    labels, scale = regions.labels, regions.scale
    sizes = np.bincount(labels.ravel(), minlength=len(colours))
    opaque = [k for k in np.argsort(-sizes, kind="stable").tolist() if colours[k, 3] == 1 and sizes[k]]
    part_clear = [k for k in range(len(colours)) if 0 < colours[k, 3] < 1 and sizes[k]]
    outer = near(~np.isin(labels, opaque), max(1, scale // 2))
    found = [_path(labels == k, labels == k, colours[k], scale, tolerance, decimals) for k in part_clear]
    for place, k in enumerate(opaque):
        own, later = labels == k, np.isin(labels, opaque[place + 1 :])
        under = near(own, scale) & later & ~outer
        found.append(_path(own | under, own | later, colours[k], scale, tolerance, decimals))
    return tuple(path for path in found if path.data)


def _path(mask: Mask, covered: Mask, colour: Floats, scale: int, tolerance: float, decimals: int) -> Path:
    """The path around a mask, without the holes that are covered all over."""
    outlines: list[Outline] = []
    for shape in traced(mask):
        outlines += [shape.around, *(hole for hole in shape.holes if not _filled(hole, covered))]
    smooth = [fitted(outline, tolerance * scale, scale) for outline in outlines]
    alpha = float(colour[3])
    red, green, blue = np.rint(colour[:3] / alpha * 255).astype(int).tolist()
    return Path(_hex(red, green, blue), alpha, path_text(smooth, scale, decimals))


def _hex(*parts: int) -> str:
    text = "".join(f"{part:02x}" for part in parts)
    return f"#{text[::2]}" if text[::2] == text[1::2] else f"#{text}"


def _filled(hole: Outline, covered: Mask) -> bool:
    """Whether all that a hole shows is covered."""
    from PIL import Image, ImageDraw

    points = np.array(hole.points())
    left, top = np.floor(points.min(0)).astype(int)
    right, bottom = np.ceil(points.max(0)).astype(int) + 1
    page = Image.new("L", (int(right - left), int(bottom - top)))
    ImageDraw.Draw(page).polygon([(x - left - 0.5, y - top - 0.5) for x, y in points.tolist()], fill=1)
    inside: npt.NDArray[np.bool_] = np.asarray(page) > 0
    part = covered[top : top + inside.shape[0], left : left + inside.shape[1]]
    inside = inside[: part.shape[0], : part.shape[1]]
    # the curve cuts corners of the mask, which may lie outside of the hole
    return bool((inside & ~part).sum() <= 0.02 * inside.sum())
