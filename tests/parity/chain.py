"""What the parity tests with diffusers share: an exact denoiser, and schedulers made as exact as they can be made."""

import importlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    Bound,
    GaussianMixture,
    PhiloxNoise,
    Prediction,
    Solver,
    VPScaledLinear,
    from_times,
    sample,
)
from tests.diffusion.paths import Bridge

MEANS = torch.tensor([[-1.0, 0.4, 0.1], [0.6, -0.3, 0.9]], dtype=torch.float64)
VARIANCES = torch.tensor([0.05, 0.1], dtype=torch.float64)
WEIGHTS = torch.tensor([0.4, 0.6], dtype=torch.float64)
TABLE = VPScaledLinear()
START = torch.linspace(-2, 2, 24, dtype=torch.float64).reshape(8, 3)
BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}


def mixture(schedule: Any) -> GaussianMixture:
    return GaussianMixture(schedule, MEANS, VARIANCES, WEIGHTS)


def ours(schedule: Any, solver: Solver[Any], times: Sequence[float], start: Tensor) -> Iterator[Tensor]:
    for step in sample(Bound(mixture(schedule), {}), start, from_times(times), solver, PhiloxNoise(range(8))):
        yield step.x


def precise(scheduler: Any) -> Any:
    """The scheduler with its table of alphas in float64."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    scheduler.alphas_cumprod = torch.cumprod(1 - betas, 0)
    return scheduler


def exact_sigmas(scheduler: Any, times: Sequence[float]) -> None:
    """sigma/alpha of our times in float64 for its own in float32, of which third differences of logarithms tell."""
    scheduler.sigmas = torch.stack([(level := TABLE(t)).sigma / level.alpha for t in times])


def path_noise(path: Bridge) -> Callable[[Tensor, Tensor], Tensor]:
    """Our Brownian path in half the log-SNR, as samplers ask for their own in sigma: increments of variance 1."""

    def sampler(high: Tensor, low: Tensor) -> Tensor:
        a, b = -float(high.log()), -float(low.log())
        return path.brownian(START.shape, a, b) / math.sqrt(b - a)

    return sampler


def ends(grid: Any) -> list[float]:
    return [grid[0].t, *(move.s for move in grid)]


class Parabola:
    """x_0 = lambda², whatever x_t."""

    schedule = TABLE

    def __call__(self, x_t: Tensor, t: Tensor, cond: object = None, *, to: Tensor | None = None) -> Prediction:
        level = self.schedule(t)
        return Prediction(x_t, level, torch.full_like(x_t, float(level.log_snr) ** 2 / 4))


def target(name: str, x: Tensor, t: Tensor) -> Tensor:
    prediction = mixture(TABLE)(x, t)
    return {"epsilon": prediction.eps, "v_prediction": prediction.v, "sample": prediction.x0}[name]


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@contextmanager
def patched_noise(module: str, z: Tensor) -> Iterator[None]:
    """diffusers draws z instead of its own noise."""
    where = importlib.import_module(f"diffusers.schedulers.{module}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, "randn_tensor", lambda *_, **__: z)
        yield
