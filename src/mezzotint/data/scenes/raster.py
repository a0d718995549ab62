"""Scaling and laying over of premultiplied RGBA bytes, exact: the same bits on every machine.

Sums of whole numbers below 2^53 are exact in float64 in any order, so the products below may use any BLAS.
"""

from functools import lru_cache
from math import floor, fsum

import numpy as np
import numpy.typing as npt

from mezzotint.data.pixels import Bytes

__all__ = ["dilated", "lay", "scaled", "tinted"]

_ONE = 4096  # weights are whole multiples of 1/4096


def _catmull_rom(x: float) -> float:
    """The cubic kernel with B = 0, C = 1/2 (Mitchell and Netravali, SIGGRAPH 1988), support 2."""
    x = abs(x)
    if x < 1:
        return (1.5 * x - 2.5) * x * x + 1
    return ((-0.5 * x + 2.5) * x - 4) * x + 2 if x < 2 else 0.0


@lru_cache(maxsize=4096)
def _weights(length: int, wanted: int) -> npt.NDArray[np.float64]:
    """Weights in 1/4096, shape (wanted, length); each row sums to 4096. The kernel widens as the picture shrinks."""
    scale = length / wanted
    widened = max(scale, 1.0)
    rows = np.zeros((wanted, length))
    for i in range(wanted):
        centre = (i + 0.5) * scale - 0.5
        taps = range(max(0, floor(centre - 2 * widened)), min(length, floor(centre + 2 * widened) + 2))
        values = [_catmull_rom((j - centre) / widened) for j in taps]
        total = fsum(values)
        whole = [floor(value / total * _ONE + 0.5) for value in values]
        whole[max(range(len(whole)), key=whole.__getitem__)] += _ONE - sum(whole)
        rows[i, taps.start : taps.stop] = whole
    rows.setflags(write=False)
    return rows


def scaled(picture: Bytes, width: int, height: int) -> Bytes:
    """Scale (H, W) or (H, W, C) bytes to (height, width, ...) with a Catmull-Rom filter.

    Of four channels the last is alpha, and no colour channel exceeds it.
    """
    planes = picture.reshape(*picture.shape[:2], -1).astype(np.float64)
    rows = _weights(picture.shape[0], height) @ planes.reshape(picture.shape[0], -1)
    values = _weights(picture.shape[1], width) @ rows.reshape(height, picture.shape[1], -1)
    out: Bytes = np.clip(np.floor(values / _ONE**2 + 0.5), 0, 255).astype(np.uint8)
    if out.shape[-1] == 4:
        np.minimum(out[..., :3], out[..., 3:], out=out[..., :3])
    return out.reshape(height, width, *picture.shape[2:])


def tinted(mask: Bytes, colour: tuple[int, int, int]) -> Bytes:
    """A flat colour under a mask (H, W) as premultiplied RGBA (H, W, 4)."""
    out = mask[..., None].astype(np.uint16) * np.array([*colour, 255], dtype=np.uint16)
    return ((out + 127) // 255).astype(np.uint8)


def lay(canvas: Bytes, picture: Bytes, left: int = 0, top: int = 0) -> None:
    """Lay a premultiplied picture over part of a premultiplied canvas, in place; what hangs over is cut off."""
    x, y = max(left, 0), max(top, 0)
    part = picture[y - top : canvas.shape[0] - top, x - left : canvas.shape[1] - left]
    under = canvas[y : y + part.shape[0], x : x + part.shape[1]]
    rest = under.astype(np.uint16) * (255 - part[..., 3:].astype(np.uint16))
    under[...] = np.minimum(part + (rest + 127) // 255, 255).astype(np.uint8)


def dilated(mask: Bytes, by: int) -> Bytes:
    """A mask (H, W) grown by `by` pixels on all sides, shape (H + 2 by, W + 2 by): the largest value within a disc."""
    height, width = mask.shape
    out = np.zeros((height + 2 * by, width + 2 * by), dtype=np.uint8)
    for y in range(-by, by + 1):
        for x in range(-by, by + 1):
            if x * x + y * y <= by * (by + 1):
                part = out[by + y : by + y + height, by + x : by + x + width]
                np.maximum(part, mask, out=part)
    return out
