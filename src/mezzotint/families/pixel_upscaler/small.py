"""The picture that is enlarged, as a conditioning; and how it is enlarged without a network."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["SmallPicture", "lanczos", "lanczos_kernel"]

LOBES = 3
"""Of Lanczos's window: how many pixels of the small picture lie on either side."""


@dataclass(frozen=True, slots=True)
class SmallPicture:
    """What an upscaler is told: the small picture, which lies under the canvas.

    picture   (B, C, 1, h, w) in [-1, 1]; the canvas is (B, C, 1, scale h, scale w)
    scale     how many pixels of the canvas, along an axis, one of its pixels covers
    """

    picture: Tensor
    scale: int = 4

    def __len__(self) -> int:
        return self.picture.shape[0]

    def cat(self, other: Self) -> Self:
        """Both batches, one after the other."""
        assert self.scale == other.scale, "small pictures for different networks"
        return replace(self, picture=torch.cat([self.picture, other.picture]))

    def cut(self, rows: Tensor, columns: Tensor) -> Self:
        """What lies under a part of the canvas, whose rows and columns begin and end with those of small pixels."""
        down, across = (self._under(axis) for axis in (rows, columns))
        return replace(self, picture=self.picture[..., down[:, None], across])

    def _under(self, axis: Tensor) -> Tensor:
        """The small pixels under pixels of the canvas."""
        cells = axis.reshape(-1, self.scale)
        assert bool((cells[:, 0] % self.scale == 0).all()), "a window that begins inside a small pixel"
        return cells[:, 0] // self.scale


def lanczos_kernel(scale: int) -> Tensor:
    """The weights of the 2·3 + 1 small pixels around one for each of the `scale` pixels inside it, (scale, 7).

    L(k − u), L(x) = sinc(x) sinc(x / 3) for |x| < 3, at u = (p + 1/2) / scale − 1/2, not normalised.
    Source: Duchon 1979, "Lanczos Filtering in One and Two Dimensions", equations 8 to 10.
    """
    inside = (torch.arange(scale, dtype=torch.float64) + 0.5) / scale - 0.5
    away = torch.arange(-LOBES, LOBES + 1, dtype=torch.float64) - inside[:, None]
    window = torch.where(away.abs() < LOBES, torch.sinc(away / LOBES), torch.zeros_like(away))
    return (torch.sinc(away) * window).float()


def lanczos(small: Tensor, scale: int) -> Tensor:
    """Pictures (B, C, h, w) enlarged by Lanczos's filter, (B, C, scale h, scale w), in float32.

    At borders the weights of what is there are divided by their sum, as Pillow's filter does.
    """
    b, c, h, w = small.shape
    kernel = lanczos_kernel(scale).to(small.device)
    columns = _along(small.float().reshape(b * c * h, 1, w), kernel)  # (B C h, scale w)
    rows = columns.reshape(b * c, h, scale * w).mT.reshape(b * c * scale * w, 1, h)
    return _along(rows, kernel).reshape(b, c, scale * w, scale * h).mT.contiguous()


def _along(lines: Tensor, kernel: Tensor) -> Tensor:
    """Lines (N, 1, n) enlarged: (N, scale n)."""
    weights = kernel[:, None]  # (scale, 1, 7)
    enlarged = F.conv1d(lines, weights, padding=LOBES)  # (N, scale, n)
    there = F.conv1d(torch.ones_like(lines[:1]), weights, padding=LOBES)
    return (enlarged / there).mT.flatten(1)
