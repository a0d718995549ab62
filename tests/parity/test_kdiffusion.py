"""Step by step against k-diffusion's samplers, on the exact denoiser of a mixture, in float64.

Its samples are those of our EDM schedule (alpha = 1, sigma its own), its noise is drawn from ours.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    EDM,
    Bound,
    DPMpp2M,
    Euler,
    GaussianMixture,
    Heun,
    Prediction,
    Purpose,
    Solver,
    from_times,
    sample,
)
from mezzotint.diffusion.solvers.adams import LMS
from mezzotint.diffusion.solvers.ancestral import DPM2Ancestral, DPMpp2SAncestral, EulerAncestral
from mezzotint.diffusion.solvers.dpmpp import DPMpp2MSDE, DPMpp3M, DPMpp3MSDE
from mezzotint.diffusion.solvers.midpoint import Midpoint
from mezzotint.diffusion.solvers.seeds import DPMppSDE
from mezzotint.diffusion.timegrid import exponential, karras, polyexponential, times_of
from tests.diffusion.paths import Bridge

from .chain import path_noise
from .kdiffusion import load

theirs = load()

SCHEDULE = EDM(sigma_max=14.6)
MIXTURE = GaussianMixture(
    SCHEDULE,
    torch.tensor([[-1.0, 0.4, 0.1], [0.6, -0.3, 0.9]], dtype=torch.float64),
    torch.tensor([0.05, 0.1], dtype=torch.float64),
    torch.tensor([0.4, 0.6], dtype=torch.float64),
)
START = torch.linspace(-2, 2, 24, dtype=torch.float64).reshape(8, 3) * 14.6
GRIDS = {
    "karras": times_of(karras(9, SCHEDULE, sigma_min=0.03)),
    "exponential": times_of(exponential(15, SCHEDULE, sigma_min=0.03)),
}


def model(x: Tensor, sigma: Tensor) -> Tensor:
    return MIXTURE(x, SCHEDULE.time(-2 * sigma[0].log())).x0


def their_steps(sampler: Callable[..., Tensor], times: Sequence[float], options: dict[str, Any]) -> list[Tensor]:
    """x at every time but the first; the samplers tell of x before each step."""
    seen: list[Tensor] = []
    sigmas = SCHEDULE(torch.tensor(times, dtype=torch.float64)).sigma
    last = sampler(model, START, sigmas, callback=lambda step: seen.append(step["x"]), disable=True, **options)
    return [*seen[1:], last]


class Indexed(Bridge):
    """White noise by the index of the step, as the loop numbers its draws."""

    calls = 0

    def __call__(self, high: Tensor, low: Tensor) -> Tensor:
        z = self.normal(START.shape, Purpose.STEP, 256 * self.calls).double()
        self.calls += 1
        return z


WHITE, PATH = "white", "path"
CASES: dict[str, tuple[str, Solver[Any], str, dict[str, Any]]] = {
    "euler": ("sample_euler", Euler(), "", {}),
    "euler a": ("sample_euler_ancestral", EulerAncestral(1.0), WHITE, {}),
    "euler a, eta 0.5": ("sample_euler_ancestral", EulerAncestral(0.5), WHITE, {"eta": 0.5}),
    "heun": ("sample_heun", Heun(), "", {}),
    "dpm2": ("sample_dpm_2", Midpoint("ratio", "half_log_snr"), "", {}),
    "dpm2 a": ("sample_dpm_2_ancestral", DPM2Ancestral(), WHITE, {}),
    "dpm2 a, eta 0.5": ("sample_dpm_2_ancestral", DPM2Ancestral(0.5), WHITE, {"eta": 0.5}),
    "lms": ("sample_lms", LMS(), "", {}),
    "lms 2": ("sample_lms", LMS(2), "", {"order": 2}),
    "dpm++ 2s a": ("sample_dpmpp_2s_ancestral", DPMpp2SAncestral(), WHITE, {}),
    "dpm++ 2s a, eta 0.5": ("sample_dpmpp_2s_ancestral", DPMpp2SAncestral(0.5), WHITE, {"eta": 0.5}),
    "dpm++ sde": ("sample_dpmpp_sde", DPMppSDE(), PATH, {}),
    "dpm++ sde, eta 0": ("sample_dpmpp_sde", DPMppSDE(0.0), PATH, {"eta": 0.0}),
    "dpm++ 2m": ("sample_dpmpp_2m", DPMpp2M(), "", {}),
    "dpm++ 2m sde": ("sample_dpmpp_2m_sde", DPMpp2MSDE(), PATH, {}),
    "dpm++ 2m sde, eta 0.5": ("sample_dpmpp_2m_sde", DPMpp2MSDE(0.5), PATH, {"eta": 0.5}),
    "dpm++ 3m sde": ("sample_dpmpp_3m_sde", DPMpp3MSDE(), PATH, {}),
    "dpm++ 3m sde, eta 0.5": ("sample_dpmpp_3m_sde", DPMpp3MSDE(0.5), PATH, {"eta": 0.5}),
    "dpm++ 2m sde heun": ("sample_dpmpp_2m_sde", DPMpp2MSDE(1.0, "heun"), PATH, {"solver_type": "heun"}),
}


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("name", CASES)
def test_steps_agree(name: str, grid: str) -> None:
    sampler, solver, kind, options = CASES[name]
    noise = Indexed(5)
    if kind:
        options = {**options, "noise_sampler": noise if kind == WHITE else path_noise(noise)}
    expected = their_steps(getattr(theirs, sampler), GRIDS[grid], options)
    found = [step.x for step in sample(Bound(MIXTURE, {}), START, from_times(GRIDS[grid]), solver, noise)]
    # their LMS extrapolates its polynomial to sigma = 0; our last step is x_0, as with all their other samplers
    last = -1 if name.startswith("lms") else None
    for mine, other in zip(found[:last], expected[:last], strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-5)


class Parabola:
    """x_0 = lambda², whatever x_t: a method of third order makes no error here once it has three predictions."""

    schedule = SCHEDULE

    def __call__(self, x_t: Tensor, t: Tensor, cond: object = None, *, to: Tensor | None = None) -> Prediction:
        level = self.schedule(t)
        return Prediction(x_t, level, torch.full_like(x_t, float(level.log_snr / 2) ** 2))


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_3m_is_not_the_exact_integral_and_our_whole_parabola_is(eta: float) -> None:
    """k-diffusion (and diffusers) give the second difference half its weight; the exact integral has all of it.

    With lambda = −log sigma, k = 1 + eta the mean is x_s = e^(−k h) x + k ∫ e^(−k (lambda_s − u)) u² du,
    whose antiderivative is e^(−k (lambda_s − u)) (u² − 2 u/k + 2/k²).
    """
    times = GRIDS["exponential"]
    solver: Solver[Any] = DPMpp3MSDE(eta, "whole") if eta else DPMpp3M()
    silent = Bridge(0)
    silent.brownian = lambda shape, t, s: torch.zeros(tuple(shape))  # type: ignore[method-assign]
    mine = [START, *(step.x for step in sample(Bound(Parabola(), {}), START, from_times(times), solver, silent))]

    def parabola(x: Tensor, sigma: Tensor) -> Tensor:
        return torch.full_like(x, float(sigma[0].log()) ** 2)

    seen: list[Tensor] = []
    sigmas = SCHEDULE(torch.tensor(times, dtype=torch.float64)).sigma
    options = {"eta": eta, "noise_sampler": lambda high, low: torch.zeros_like(START)}
    theirs.sample_dpmpp_3m_sde(parabola, START, sigmas, callback=lambda s: seen.append(s["x"]), disable=True, **options)

    k = 1 + eta
    lam = (-sigmas.log()).tolist()

    def exact(x: Tensor, a: float, b: float) -> Tensor:
        def antiderivative(at: float) -> float:
            return math.exp(-k * (b - at)) * (at**2 - 2 * at / k + 2 / k**2)

        return math.exp(-k * (b - a)) * x + antiderivative(b) - antiderivative(a)

    for i in range(2, len(times) - 2):
        torch.testing.assert_close(mine[i + 1], exact(mine[i], lam[i], lam[i + 1]), rtol=1e-9, atol=1e-9)
        assert float((seen[i + 1] - exact(seen[i], lam[i], lam[i + 1])).abs().min()) > 1e-3


def test_grids_agree() -> None:
    for mine, other in (
        (karras(12, SCHEDULE, sigma_min=0.03), theirs.get_sigmas_karras(12, 0.03, 14.6)),
        (exponential(12, SCHEDULE, sigma_min=0.03), theirs.get_sigmas_exponential(12, 0.03, 14.6)),
        (
            polyexponential(12, SCHEDULE, sigma_min=0.03, rho=0.7),
            theirs.get_sigmas_polyexponential(12, 0.03, 14.6, 0.7),
        ),
    ):
        sigma = SCHEDULE(torch.tensor(times_of(mine), dtype=torch.float64)).sigma
        torch.testing.assert_close(sigma, other.double(), rtol=1e-5, atol=1e-6)
