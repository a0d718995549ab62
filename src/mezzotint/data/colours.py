"""Facts measured on a picture: its dominant colours by name, its shading, and whether it is outlined.

Colours are named by the nearest anchor in OKLab (Björn Ottosson, "A perceptual color space for image processing",
2020), over the opaque pixels. All functions take one premultiplied RGBA picture, uint8 of shape (H, W, 4).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from mezzotint.data.pixels import Bytes, straight

__all__ = ["ANCHORS", "Facts", "colour_name", "dominant_colours", "measure", "oklab"]

ANCHORS: dict[str, tuple[str, ...]] = {
    "black": (
        "#000000", "#141414", "#212121", "#2b2b30", "#1d2126",
    ),
    "grey": (
        "#4d4d4d", "#666666", "#808080", "#9a9a9a", "#b4b4b4", "#7a8288", "#546e7a", "#90a4ae", "#b0bec5", "#9fa8b0",
        "#37474f",
    ),
    "white": (
        "#ffffff", "#f2f2f2", "#e6e6e6", "#eef2f5", "#dde3e8", "#fafafa", "#e2e8f0", "#d8d8d8",
    ),
    "red": (
        "#ff0000", "#e53935", "#d32f2f", "#c62828", "#ef5350", "#dd2e44", "#b71c1c", "#8e0000", "#f44336", "#a0041e",
        "#ff5a5a",
    ),
    "orange": (
        "#ff8000", "#ff9800", "#f57c00", "#ffa733", "#f4900c", "#ff7043", "#ffb266", "#e65100", "#ff6d22", "#ffac33",
    ),
    "yellow": (
        "#ffff00", "#ffeb3b", "#fdd835", "#ffcc33", "#ffe680", "#f7d000", "#fff176", "#ffca28", "#fcea2b", "#fbc02d",
    ),
    "green": (
        "#00ff00", "#4caf50", "#388e3c", "#1b5e20", "#8bc34a", "#77b255", "#aed581", "#00a651", "#5c913b", "#a5d6a7",
        "#3e721d", "#9ccc65", "#689f38", "#c5e1a5", "#9bff00", "#2e7d32", "#808000", "#c0ca33",
    ),
    "teal": (
        "#008080", "#009688", "#26a69a", "#00796b", "#4db6ac", "#00bfa5", "#40c0b0", "#80cbc4",
    ),
    "light blue": (
        "#81d4fa", "#add8e6", "#8fbffa", "#bbddf5", "#90caf9", "#b3e5fc", "#4fc3f7", "#66e1ff", "#c2f3ff", "#88c9f9",
        "#00e5ff", "#b2ebf2", "#bbd8ff", "#4dd0e1",
    ),
    "blue": (
        "#0000ff", "#2196f3", "#1976d2", "#2f88ff", "#3b88c3", "#0c6fff", "#1565c0", "#4147d5", "#2859c5", "#3f51b5",
        "#55acee", "#42a5f5", "#5c9ce6", "#0288d1", "#039be5",
    ),
    "dark blue": (
        "#000080", "#0d2a6b", "#1a237e", "#092f63", "#00034a", "#226699", "#0b3d91", "#283593", "#2c3e6b",
    ),
    "purple": (
        "#800080", "#9c27b0", "#7b1fa2", "#673ab7", "#9266cc", "#ab47bc", "#4a148c", "#b39ddb", "#744eaa", "#ba68c8",
        "#aa8dd8", "#ce93d8", "#8e24aa", "#7e57c2", "#8b5cf6",
    ),
    "pink": (
        "#ff69b4", "#ffc0cb", "#f48fb1", "#f06292", "#ea596e", "#f8bbd0", "#ff80ab", "#ff52a1", "#f4abba", "#ec407a",
        "#e91e63", "#ff00ff", "#ff8a9a", "#d81b60", "#ffb3c6",
    ),
    "brown": (
        "#8b4513", "#795548", "#6d4c41", "#5d4037", "#a0522d", "#4e342e", "#3e2723", "#865b3e", "#662113", "#8d6e63",
        "#bf6952", "#a1673f", "#c1694f", "#b5763a", "#a1887f", "#ab7043",
    ),
    "beige": (
        "#f5deb3", "#d7ccc8", "#ffdcb2", "#fff3e0", "#f5f0dc", "#d2b48c", "#e6c9a8", "#ffe0b2", "#edd3b0", "#d9b99b",
        "#fadcbc", "#c8a882", "#bcaaa4", "#ffd8b8",
    ),
}  # fmt: skip

_SHARE = 0.08  # a colour below this share of the opaque pixels is not named
_MOST = 4


@dataclass(frozen=True, slots=True)
class Facts:
    """What is measured of a picture.

    colours: names by falling share; shares: their parts of the opaque area; shading: "flat", "gradient" or "3d" (3d is
    known from the set, not measured); outlined: whether dark lines follow the silhouette.
    """

    colours: tuple[str, ...]
    shares: tuple[float, ...]
    shading: str
    outlined: bool


def oklab(rgb: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """OKLab of sRGB in [0, 1], shape (..., 3) to (..., 3): L in [0, 1], a and b about [-0.4, 0.4]."""
    c = np.asarray(rgb, dtype=np.float64)
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    lms = linear @ np.array(
        [
            [0.4122214708, 0.2119034982, 0.0883024619],
            [0.5363325363, 0.6806995451, 0.2817188376],
            [0.0514459929, 0.1073969566, 0.6299787005],
        ]
    )
    out: npt.NDArray[np.float64] = np.cbrt(lms) @ np.array(
        [
            [0.2104542553, 1.9779984951, 0.0259040371],
            [0.7936177850, -2.4285922050, 0.7827717662],
            [-0.0040720468, 0.4505937099, -0.8086757660],
        ]
    )
    return out


def _from_hex(text: str) -> list[float]:
    return [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]


@cache
def _names() -> tuple[str, ...]:
    return tuple(ANCHORS)


@cache
def _table() -> npt.NDArray[np.int64]:
    """Index of the nearest name for every colour of 5 bits a channel, shape (32768,)."""
    owner = np.array([i for i, shades in enumerate(ANCHORS.values()) for _ in shades])
    anchors = oklab([_from_hex(h) for shades in ANCHORS.values() for h in shades])
    levels = np.arange(32) / 31
    grid = oklab(np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3))
    distance = (grid**2).sum(1)[:, None] - 2 * grid @ anchors.T + (anchors**2).sum(1)[None]
    table: npt.NDArray[np.int64] = owner[distance.argmin(1)]
    table.setflags(write=False)
    return table


def _indices(rgb: Bytes) -> npt.NDArray[np.int64]:
    q = (rgb.astype(np.int64) * 31 + 127) // 255
    out: npt.NDArray[np.int64] = _table()[(q[..., 0] * 32 + q[..., 1]) * 32 + q[..., 2]]
    return out


def colour_name(red: int, green: int, blue: int) -> str:
    """The name of one sRGB colour with channels 0..255."""
    return _names()[int(_indices(np.array([red, green, blue], dtype=np.uint8)))]


def dominant_colours(picture: Bytes) -> tuple[tuple[str, float], ...]:
    """Up to four (name, share of the opaque pixels) with at least 8 %, largest first; ties in palette order."""
    opaque = picture[..., 3] >= 160
    if not opaque.any():
        return ()
    counts = np.bincount(_indices(straight(picture)[opaque]), minlength=len(_names()))
    shares = counts / counts.sum()
    order = np.argsort(-shares, kind="stable")[:_MOST]
    return tuple((_names()[i], round(float(shares[i]), 3)) for i in order if shares[i] >= _SHARE)


def _eroded(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    p = np.pad(mask, 1)
    out: npt.NDArray[np.bool_] = p[1:-1, 1:-1] & p[:-2, 1:-1] & p[2:, 1:-1] & p[1:-1, :-2] & p[1:-1, 2:]
    return out


def _smooth_share(picture: Bytes) -> float:
    """Share of neighbouring opaque pixels that differ a little (1..14 of 255) and not by nothing or by an edge."""
    opaque = picture[..., 3] == 255
    rgb = picture[..., :3].astype(np.int64)
    small = total = 0
    for axis in (0, 1):
        difference = np.abs(np.diff(rgb, axis=axis)).max(-1)
        both = opaque.take(range(1, opaque.shape[axis]), axis) & opaque.take(range(opaque.shape[axis] - 1), axis)
        small += int(((difference > 0) & (difference < 15) & both).sum())
        total += int(both.sum())
    return small / total if total else 0.0


def _outlined(picture: Bytes) -> bool:
    """True when most of a thin ring inside the silhouette is dark and the area inside of it is not."""
    scale = max(1, round(picture.shape[0] / 64))
    solid = picture[..., 3] >= 160
    luma = straight(picture).astype(np.float64) @ np.array([0.2126, 0.7152, 0.0722])
    inner = solid
    for _ in range(2 * scale):
        inner = _eroded(inner)
    ring = solid & ~inner
    for _ in range(2 * scale):
        inner = _eroded(inner)
    if not ring.any() or inner.sum() < 0.05 * solid.sum():
        return False
    return bool((luma[ring] < 75).mean() > 0.6 and (luma[inner] < 75).mean() < 0.45)


def measure(picture: Bytes, *, three_d: bool = False) -> Facts:
    """Measure one premultiplied RGBA picture (H, W, 4)."""
    colours = dominant_colours(picture)
    shading = "3d" if three_d else "gradient" if _smooth_share(picture) > 0.35 else "flat"
    return Facts(tuple(n for n, _ in colours), tuple(s for _, s in colours), shading, _outlined(picture))
