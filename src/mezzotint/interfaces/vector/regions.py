"""Which of a few colours each place of a picture has, with borders at half of what its soft edges cover."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mezzotint.interfaces.vector.merge import merged
from mezzotint.interfaces.vector.palette import Floats, Labels, Palette

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Regions", "find_regions", "near", "unit"]

Mask = npt.NDArray[np.bool_]
WORKING, MOST_TIMES = 512, 8
"""Borders are looked for on at least so many places of the longer side, but at most so many a pixel."""
EXPLAINED = 0.1
"""A pixel that is no farther than this from the line between the colours of two areas beside it is their border."""
OF_ITS_COLOUR = 0.15


@dataclass(frozen=True)
class Regions:
    """labels, (H scale, W scale): the colour of each place. scale: how many places a pixel is wide."""

    labels: Labels
    scale: int


def unit(image: "Image") -> Floats:
    """A picture as premultiplied RGBA in [0, 1], (H, W, 4)."""
    from mezzotint.provenance.pixels import premultiplied

    return premultiplied(image) / 255


def near(mask: Mask, reach: int) -> Mask:
    """Where a mask has a place in the square of 2 reach + 1 around."""
    height, width = mask.shape
    sums = np.pad(mask, ((reach + 1, reach), (reach + 1, reach))).cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32)
    side = 2 * reach + 1
    count = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    assert count.shape == (height, width)
    return np.asarray(count > 0)


def find_regions(rgba: Floats, palette: Palette, border: float) -> Regions:
    """The regions of a picture (H, W, 4). border: what a pixel of border costs, see `merged`.

    The picture is enlarged so that its soft edges say where, within a pixel, the border runs. There each place has the
    nearest colour; one that lies on the line between the colours of two areas beside it is a soft edge, and gets the
    colour of the nearer end.
    """
    from PIL import Image, ImageFilter

    height, width = rgba.shape[:2]
    scale = -(-WORKING // max(height, width)) if max(height, width) > WORKING // MOST_TIMES else MOST_TIMES
    large = _enlarged(rgba, scale)
    labels = palette.nearest(large).astype(np.uint8)
    labels = _sharpened(large, palette.colours, labels, scale)
    window = 5 if scale >= 4 else 3
    labels = np.asarray(Image.fromarray(labels).filter(ImageFilter.ModeFilter(window)))
    labels = merged(labels, large, palette.colours, border, scale)
    return Regions(labels, scale)


def _enlarged(rgba: Floats, scale: int) -> Floats:
    """So many times as large, bicubic, kept premultiplied."""
    from PIL import Image

    if scale == 1:
        return rgba
    height, width = rgba.shape[:2]
    size = (width * scale, height * scale)
    planes = [
        np.asarray(Image.fromarray(rgba[..., k].astype(np.float32)).resize(size, Image.Resampling.BICUBIC))
        for k in range(4)
    ]
    large = np.clip(np.stack(planes, -1).astype(np.float64), 0, 1)
    large[..., :3] = np.minimum(large[..., :3], large[..., 3:])
    return large


def _sharpened(rgba: Floats, colours: Floats, labels: Labels, scale: int) -> Labels:
    """The labels with soft edges shared between the areas on both sides of them."""
    inner = max(1, round(0.75 * scale))
    areas = []
    for label in range(len(colours)):
        own = labels == label
        areas.append(own & near(~near(~own, inner), inner))  # what a square of that size fits into
    open_to = ~np.any(areas, axis=0)
    # a line too thin for that is an area too, if it has its own colour and is no mixture of what is beside it
    off, _ = _between(rgba, colours, areas, open_to, scale)
    own_colour = np.sqrt(((rgba - colours[labels]) ** 2).sum(-1)) < OF_ITS_COLOUR
    lines = open_to & own_colour & (off > EXPLAINED)
    for label in range(len(colours)):
        areas[label] = areas[label] | (lines & (labels == label))
    off, ends = _between(rgba, colours, areas, open_to & ~lines, scale)
    return np.where(off <= EXPLAINED, ends, labels).astype(np.uint8)


def _between(rgba: Floats, colours: Floats, areas: list[Mask], wanted: Mask, scale: int) -> tuple[Floats, Labels]:
    """How far each wanted place is from the nearest line between two colours of areas within two pixels, infinite where
    there is none, and the nearer end of that line."""
    rows, columns = np.nonzero(wanted)
    there = np.stack([near(area, 2 * scale)[rows, columns] for area in areas])
    values = rgba[rows, columns]
    # where opaque areas meet, some renderers leave a seam that shows through: what it would be if it did not
    solid = (values[:, 3] > 0.5) & ~there[0]
    whole = np.where(solid[:, None], values / np.maximum(values[:, 3:], 0.5), values)
    best = np.full(len(rows), np.inf)
    ends = np.zeros(len(rows), dtype=np.uint8)
    for a in range(len(colours)):
        for b in range(a + 1, len(colours)):
            (both,) = np.nonzero(there[a] & there[b])
            across = colours[b] - colours[a]
            seen = (whole if colours[a, 3] == colours[b, 3] == 1 else values)[both] - colours[a]
            t = np.clip(seen @ across / max(float(across @ across), 1e-9), 0, 1)
            off = np.sqrt(((seen - t[:, None] * across) ** 2).sum(-1))
            better = off < best[both]
            best[both[better]] = off[better]
            ends[both[better]] = np.where(t[better] > 0.5, b, a)
    off_all, ends_all = np.full(wanted.shape, np.inf), np.zeros(wanted.shape, dtype=np.uint8)
    off_all[rows, columns], ends_all[rows, columns] = best, ends
    return off_all, ends_all
