"""LCM and TCD with the exact flow map of a mixture on a line.

On a line the trajectories of the probability-flow ODE do not cross, so that a point keeps its quantile: the map from t
to s is x ↦ F_s⁻¹(F_t(x)), F the distribution function of the mixture at that time.
"""

import math

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import EDM, PhiloxNoise, Prediction, RectifiedFlow, Schedule, VPCosine, from_times, sample
from mezzotint.diffusion.solvers.consistency import TCD

from .order import float64

MEANS, VARIANCES, WEIGHTS = float64([-0.8, 0.5]), float64([0.04, 0.09]), float64([0.3, 0.7])
COUNT = 4000
schedules = pytest.mark.parametrize("schedule", [RectifiedFlow(), VPCosine(), EDM(sigma_max=14.0)])


def distribution(schedule: Schedule, x: Tensor, t: Tensor | float) -> Tensor:
    """F_t(x)."""
    level = schedule(t)
    spread = (level.alpha**2 * VARIANCES + level.sigma**2).sqrt()
    return (WEIGHTS * torch.special.ndtr((x[..., None] - level.alpha * MEANS) / spread)).sum(-1)


def quantile(schedule: Schedule, share: Tensor, t: Tensor | float) -> Tensor:
    """F_t⁻¹, by halving."""
    low, high = torch.full_like(share, -200.0), torch.full_like(share, 200.0)
    for _ in range(90):
        middle = (low + high) / 2
        below = distribution(schedule, middle, t) < share
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


class Oracle:
    """Its x_0 is the one whose law at `to` (0 if not told) is the trajectory."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def __call__(self, x_t: Tensor, t: Tensor, cond: object = None, *, to: Tensor | None = None) -> Prediction:
        target = float64(0.0) if to is None else to
        here, there = self.schedule(t), self.schedule(target)
        reached = quantile(self.schedule, distribution(self.schedule, x_t, t), target)
        ratio = there.sigma / here.sigma
        return Prediction(x_t, here, (reached - ratio * x_t) / (there.alpha - ratio * here.alpha))


def starts(schedule: Schedule, t: float) -> Tensor:
    """The quantiles of the mixture at t, (1, COUNT)."""
    return quantile(schedule, (torch.arange(COUNT, dtype=torch.float64)[None] + 0.5) / COUNT, t)


def farthest(schedule: Schedule, x: Tensor, t: float) -> float:
    """The distance of Kolmogorov and Smirnov to the mixture at t."""
    seen = distribution(schedule, x.flatten().sort().values, t)
    steps = torch.arange(COUNT + 1, dtype=torch.float64) / COUNT
    return float(torch.maximum((seen - steps[:-1]).abs(), (seen - steps[1:]).abs()).max())


def drawn(solver: TCD, schedule: Schedule, times: list[float]) -> Tensor:
    *_, last = sample(Oracle(schedule), starts(schedule, times[0]), from_times(times), solver, PhiloxNoise([5]))
    return last.x


@schedules
@pytest.mark.parametrize("times", [[0.9, 0.2], [0.95, 0.7, 0.4, 0.1]])
def test_without_noise_every_point_keeps_its_quantile(schedule: Schedule, times: list[float]) -> None:
    end = drawn(TCD(gamma=0.0, tell=True), schedule, times)
    torch.testing.assert_close(end, starts(schedule, times[-1]), rtol=1e-9, atol=1e-9)


@schedules
@pytest.mark.parametrize("solver", [TCD(1.0), TCD(1.0, tell=True), TCD(0.3, tell=True)], ids=["lcm", "lcm-told", "tcd"])
@pytest.mark.parametrize("times", [[0.9, 0.2], [0.95, 0.7, 0.4, 0.1], [0.9, 0.5, 0.0]])
def test_with_noise_the_distribution_is_the_true_one(schedule: Schedule, solver: TCD, times: list[float]) -> None:
    # of COUNT independent samples it is below 1.95 / sqrt(COUNT) with probability .999
    assert farthest(schedule, drawn(solver, schedule, times), times[-1]) < 1.95 / math.sqrt(COUNT)


@pytest.mark.parametrize("wrong", [TCD(0.3), TCD(0.0)])
def test_a_map_to_the_data_is_no_map_to_another_time(wrong: TCD) -> None:
    """The measure sees what is wrong: a network that is not told its target answers for t = 0."""
    schedule = RectifiedFlow()
    assert farthest(schedule, drawn(wrong, schedule, [0.95, 0.7, 0.4, 0.1]), 0.1) > 2 * 1.95 / math.sqrt(COUNT)
