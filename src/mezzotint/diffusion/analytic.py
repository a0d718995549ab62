"""Denoisers that are exact: distributions of x_0 for which E[x_0 | x_t] has a closed form.

They are the truth that solvers, guidance and metrics are tested against, on any schedule. Like every denoiser they take
named conditionings, and ignore them; they
have no attention and refuse a probe. A sample is (B, ...); one picture, flattened, has D elements.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import Probe, refuse_probe
from mezzotint.diffusion.schedule import Level, Schedule

__all__ = ["FiniteSet", "Gaussian", "GaussianMixture"]


@dataclass(frozen=True, eq=False)
class Gaussian:
    """x_0 ~ N(mean, variance), elements independent.

    E[x_0 | x_t] = mean + alpha variance / (alpha² variance + sigma²) (x_t − alpha mean).
    mean, variance: scalars, or of the shape of one picture. A test of solvers needs variance ≠ 1: with 1 and a variance
    preserving schedule nothing moves, and a wrong formula passes.
    """

    schedule: Schedule
    mean: Tensor | float = 0.0
    variance: Tensor | float = 0.25

    def __call__(
        self,
        x_t: Tensor,
        t: Tensor,
        cond: Mapping[str, object] | None = None,
        *,
        to: Tensor | None = None,
        probe: Probe | None = None,
    ) -> Prediction:
        refuse_probe(probe, "An exact denoiser")
        level = self.schedule(t)
        scale = level.like(x_t)
        gain = scale.alpha * self.variance / self._spread(scale)
        return Prediction(x_t, level, self.mean + gain * (x_t - scale.alpha * self.mean))

    def flow(self, x_t: Tensor, t: Tensor, s: Tensor) -> Tensor:
        """x_s on the trajectory of the probability-flow ODE through x_t: the Gaussian at t mapped on that at s.

        x_s = alpha_s mean + sqrt((alpha_s² v + sigma_s²) / (alpha_t² v + sigma_t²)) (x_t − alpha_t mean).
        """
        here, there = self.schedule(t).like(x_t), self.schedule(s).like(x_t)
        stretch = (self._spread(there) / self._spread(here)) ** 0.5
        return there.alpha * self.mean + stretch * (x_t - here.alpha * self.mean)

    def _spread(self, scale: Level) -> Tensor:
        return scale.alpha**2 * self.variance + scale.sigma**2


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """x_0 ~ sum_k weights_k N(means_k, variances_k I).

    means: (K, D). variances, weights: (K,), weights summing to 1. With r_k the probability of component k given x_t,
    E[x_0 | x_t] = sum_k r_k (means_k + alpha variances_k / (alpha² variances_k + sigma²) (x_t − alpha means_k)).
    (Karras et al. 2024, arXiv 2406.02507, use one as a toy.)
    """

    schedule: Schedule
    means: Tensor
    variances: Tensor
    weights: Tensor

    def __call__(
        self,
        x_t: Tensor,
        t: Tensor,
        cond: Mapping[str, object] | None = None,
        *,
        to: Tensor | None = None,
        probe: Probe | None = None,
    ) -> Prediction:
        refuse_probe(probe, "An exact denoiser")
        level = self.schedule(t)
        x = x_t.flatten(1)
        scale = level.like(x[:, None])  # () or (B, 1, 1)
        offset = x[:, None] - scale.alpha * self.means.to(x)  # (B, K, D)
        share = self._share(scale, offset)
        gain = scale.alpha * self.variances.to(x)[:, None] / self._spread(scale, x)
        x0 = (share[:, :, None] * (self.means.to(x) + gain * offset)).sum(1)
        return Prediction(x_t, level, x0.reshape(x_t.shape))

    def _spread(self, scale: Level, x: Tensor) -> Tensor:
        """The variance of each component of x_t, (K, 1) or (B, K, 1)."""
        return scale.alpha**2 * self.variances.to(x)[:, None] + scale.sigma**2

    def _share(self, scale: Level, offset: Tensor) -> Tensor:
        """The probability of each component given x_t, (B, K)."""
        spread = self._spread(scale, offset)
        log_density = -0.5 * (offset**2 / spread + spread.log()).sum(-1)
        return torch.softmax(self.weights.to(offset).log() + log_density, dim=1)

    def flow(self, x_t: Tensor, t: Tensor, s: Tensor) -> Tensor:
        """x_s on the trajectory of the probability-flow ODE through x_t; D = 1 only.

        On a line trajectories cannot cross, so they keep their quantile: F_s(x_s) = F_t(x_t). Solved by bisection to
        the last bit of float64. x_t: (B, 1), t and s of shape ().
        """
        x = x_t.flatten(1).double()
        assert self.means.shape[1] == x.shape[1] == 1, "the flow is exact in one dimension only"
        target = self._distribution(x, self.schedule(t))
        there = self.schedule(s)
        reach = float(
            there.alpha * self.means.abs().max() + 40 * (there.alpha**2 * self.variances.max() + there.sigma**2).sqrt()
        )
        low, high = torch.full_like(x, -reach), torch.full_like(x, reach)
        for _ in range(100):
            middle = (low + high) / 2
            above = self._distribution(middle, there) > target
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        return ((low + high) / 2).reshape(x_t.shape).to(x_t)

    def _distribution(self, x: Tensor, level: Level) -> Tensor:
        """The distribution function of x_t at x (B, 1), as a logit would be too flat: left tail minus right tail."""
        spread = self._spread(level, x)[:, 0]
        z = (x - level.alpha * self.means.to(x)[:, 0]) / (2 * spread).sqrt()
        return (self.weights.to(x) * torch.erf(z)).sum(1, keepdim=True)


@dataclass(frozen=True, eq=False)
class FiniteSet:
    """x_0 is one of K points, each as likely as its weight: what a network that has memorised its data would say.

    points: (K, D). weights: (K,) summing to 1, or None for equal ones. E[x_0 | x_t] = sum_k r_k points_k with
    r = softmax(log weights_k − |x_t − alpha points_k|² / (2 sigma²)).
    """

    schedule: Schedule
    points: Tensor
    weights: Tensor | None = None

    def __call__(
        self,
        x_t: Tensor,
        t: Tensor,
        cond: Mapping[str, object] | None = None,
        *,
        to: Tensor | None = None,
        probe: Probe | None = None,
    ) -> Prediction:
        refuse_probe(probe, "An exact denoiser")
        level = self.schedule(t)
        x, points = x_t.flatten(1), self.points.to(x_t)
        scale = level.like(x)
        # |x − alpha p|² without its part that all points share
        energy = (scale.alpha * (x @ points.T) - scale.alpha**2 * (points**2).sum(1) / 2) / scale.sigma**2
        if self.weights is not None:
            energy = energy + self.weights.to(x).log()
        return Prediction(x_t, level, (torch.softmax(energy, dim=1) @ points).reshape(x_t.shape))
