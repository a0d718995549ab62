"""Exact denoisers that listen to their conditioning."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor

from mezzotint.diffusion import GaussianMixture, Prediction, Probe, Schedule, VPCosine

from .order import float64


@dataclass(frozen=True)
class Means:
    """A conditioning: the mean that each picture's data has, (B,)."""

    values: Tensor

    def cat(self, other: Self) -> Self:
        return type(self)(torch.cat([self.values, other.values]))


@dataclass
class Conditional:
    """Exact for data N(mean, 0.25) with the conditioning's mean; counts its calls and the pictures in each."""

    batches: list[int] = field(default_factory=list)
    schedule: VPCosine = field(default_factory=VPCosine)

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Any, *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        assert set(cond) == {"cond"}
        self.batches.append(len(x_t))
        level = self.schedule(t)
        a, s = level.like(x_t).alpha, level.like(x_t).sigma
        mean = cond["cond"].values.to(x_t).reshape(-1, *[1] * (x_t.ndim - 1))
        return Prediction(x_t, level, mean + a * 0.25 / (a**2 * 0.25 + s**2) * (x_t - a * mean))


MEANS = float64([[1.0, 0.2, -0.4], [-0.8, 0.5, 0.3], [0.1, -1.0, 0.6], [0.4, 0.4, 1.2]])
VARIANCES = float64([0.05, 0.1, 0.2, 0.08])


@dataclass(frozen=True)
class Shares:
    """A conditioning: the weights of the components of a mixture."""

    weights: tuple[float, ...]


@dataclass(frozen=True)
class Mixed:
    """Exact for a mixture of four Gaussians in three dimensions whose weights are the conditioning."""

    schedule: Schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, Shares], *, to: Tensor | None = None, probe: Any = None
    ) -> Prediction:
        assert set(cond) == {"cond"}
        assert probe is None
        return GaussianMixture(self.schedule, MEANS, VARIANCES, float64(cond["cond"].weights))(x_t, t)


SHARES = {
    "cond": Shares((0.7, 0.1, 0.1, 0.1)),
    "uncond": Shares((0.25, 0.25, 0.25, 0.25)),
    "second": Shares((0.1, 0.6, 0.1, 0.2)),
    "negative": Shares((0.1, 0.1, 0.7, 0.1)),
    "independent": Shares((0.2, 0.2, 0.2, 0.4)),
}
