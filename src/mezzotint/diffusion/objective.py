"""What training minimises: where in time it looks, and how much an error there counts.

    loss = w(t) mean |x0_predicted − x_0|²,    t = density.quantile(u),  u uniform in (0, 1)

Every network is trained through its prediction of x_0. The usual losses in eps, v or velocity are this loss with
another weight, because each of them is affine in x_0 at fixed x_t. Pure tensor functions, without randomness of their
own and without branches on values, so that `torch.compile` takes them whole.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor

from mezzotint.diffusion.schedule import Level

__all__ = [
    "WEIGHTINGS",
    "LogitNormal",
    "TimeDensity",
    "Uniform",
    "Weighting",
    "eps_weight",
    "loss",
    "v_weight",
    "velocity_weight",
    "x0_weight",
]


class TimeDensity(Protocol):
    """A density of training times, given by its quantile function."""

    def quantile(self, u: Tensor) -> Tensor:
        """The time below which a share u of all training times lies; u in (0, 1), any shape; float64."""
        ...


@dataclass(frozen=True, slots=True)
class Uniform:
    """All times in (0, 1) alike."""

    def quantile(self, u: Tensor) -> Tensor:
        return u.to(torch.float64)


@dataclass(frozen=True, slots=True)
class LogitNormal:
    """logit(t) ~ N(mean, std²). Esser et al. 2024 (SD3), arXiv 2403.03206, eq. 19.

    t = 1 is noise here: a positive mean looks more at noisy samples (JiT's mean of −0.8 with t = 1 clean is +0.8).
    """

    mean: float = 0.0
    std: float = 1.0

    def quantile(self, u: Tensor) -> Tensor:
        return torch.sigmoid(self.mean + self.std * torch.special.ndtri(u.to(torch.float64)))


Weighting = Callable[[Level], Tensor]
"""The weight of a squared error in x_0 at a level; of the level's shape."""


def x0_weight(level: Level) -> Tensor:
    """1: the loss in x_0 itself."""
    return torch.ones_like(level.sigma)


def eps_weight(level: Level) -> Tensor:
    """(alpha / sigma)²: the loss in eps, "simple" of Ho et al. 2020, arXiv 2006.11239, eq. 14."""
    return (level.alpha / level.sigma) ** 2


def v_weight(level: Level) -> Tensor:
    """((alpha² + sigma²) / sigma)²: the loss in v, which is SNR + 1 where alpha² + sigma² = 1 (Salimans & Ho 2022)."""
    return ((level.alpha**2 + level.sigma**2) / level.sigma) ** 2


def velocity_weight(level: Level, floor: float = 0.05) -> Tensor:
    """((alpha + sigma) / max(sigma, floor))²: the loss in velocity; on rectified flow 1 / max(t, 0.05)².

    The floor keeps the nearly clean times from ruling the loss. Li & He 2025 (JiT), arXiv 2511.13720, section 3.
    """
    return ((level.alpha + level.sigma) / level.sigma.clamp_min(floor)) ** 2


WEIGHTINGS: Mapping[str, Weighting] = MappingProxyType(
    {"eps": eps_weight, "v": v_weight, "velocity": velocity_weight, "x0": x0_weight}
)


def loss(predicted: Tensor, x0: Tensor, level: Level, weighting: Weighting = velocity_weight) -> Tensor:
    """w(level) times the mean squared error in x_0, one number per picture.

    predicted, x0: (B, ...), compared in float32 or wider. level: of shape (), (B,) or (B, T); the weight of a level per
    frame applies to its frame. Returns (B,).
    """
    wide = torch.promote_types(x0.dtype, torch.float32)
    error = (predicted.to(wide) - x0.to(wide)) ** 2
    weight = weighting(level)
    scale = Level(weight, weight).like(error).alpha
    return (scale * error).flatten(1).mean(1)
