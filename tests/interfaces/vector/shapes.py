"""Pictures whose shapes are known in closed form: disks and boxes with soft edges."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

Inside = Callable[[npt.NDArray[np.float64], npt.NDArray[np.float64]], npt.NDArray[np.bool_]]
FINE = 8
"""Samples of a pixel in each direction."""


def disk(x: float, y: float, radius: float) -> Inside:
    """The places inside a circle."""
    return lambda across, down: np.asarray((across - x) ** 2 + (down - y) ** 2 < radius**2)


def box(left: float, top: float, right: float, bottom: float) -> Inside:
    """The places inside a rectangle."""
    return lambda across, down: np.asarray((across >= left) & (across < right) & (down >= top) & (down < bottom))


def painted(
    size: tuple[int, int], *shapes: tuple[Inside, tuple[int, int, int, float]], times: int = 1
) -> npt.NDArray[np.float64]:
    """Shapes on clear ground, later ones over earlier ones, each (inside, (r, g, b, alpha in [0, 1])), as premultiplied
    RGBA in [0, 255], (H times, W times, 4): the mean over FINE² samples of a pixel."""
    width, height = size
    side = FINE * times
    down, across = (np.mgrid[: height * FINE * times, : width * FINE * times] + 0.5) / side
    page = np.zeros((*down.shape, 4))
    for inside, (*colour, alpha) in shapes:
        there = inside(across, down)
        page[there] = page[there] * (1 - alpha) + np.array([*colour, 255]) * alpha
    return np.asarray(page.reshape(height * times, FINE, width * times, FINE, 4).mean((1, 3)))


def as_image(premultiplied: npt.NDArray[np.float64]) -> Image.Image:
    """A Pillow image with straight alpha."""
    alpha = premultiplied[..., 3:]
    colour = np.clip(premultiplied[..., :3] * 255 / np.maximum(alpha, 1e-9), 0, 255)
    return Image.fromarray(np.concatenate([colour, alpha], -1).round().astype(np.uint8))


def psnr(one: npt.NDArray[np.float64] | npt.NDArray[np.uint8], other: npt.NDArray[np.float64]) -> float:
    """Over premultiplied values in [0, 255]."""
    return float(10 * np.log10(255**2 / np.mean((one - other) ** 2)))
