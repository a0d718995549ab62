"""diffusers' DPM-Solver++ with a prediction inside the step, and its SDE form of order 3, with our noise."""

import importlib
import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import Bound, Gaussian, Solver, from_times, sample
from mezzotint.diffusion.solvers.dpmpp import DPMpp3MSDE
from mezzotint.diffusion.solvers.multistep import exponential_moments
from mezzotint.diffusion.solvers.seeds import DPMppSDE
from mezzotint.diffusion.solvers.singlestep import DPMpp2S, RESSingleStep
from mezzotint.diffusion.timegrid import exponential, karras, times_of, trailing
from tests.diffusion.paths import Bridge, OneHot, propagated_along

from .chain import (
    BETAS,
    START,
    TABLE,
    Parabola,
    close,
    ends,
    exact_sigmas,
    mixture,
    patched_noise,
    path_noise,
    precise,
    target,
)
from .stand_ins import module, standing_in

diffusers = pytest.importorskip("diffusers")

TRAILING: dict[str, Any] = {"timestep_spacing": "trailing"}


def mine(solver: Solver[Any], times: Sequence[float], path: Bridge) -> list[Tensor]:
    return [step.x for step in sample(Bound(mixture(TABLE), {}), START, from_times(times), solver, path)]


@pytest.mark.parametrize("steps", [5, 20])
@pytest.mark.parametrize("grid", [trailing, karras])
def test_dpmpp_sde(grid: Any, steps: int) -> None:
    """Two calls a step, one for the last. It gets our path for its own, which is torchsde's, and the true middle."""
    with standing_in(module("torchsde")):
        where = importlib.import_module("diffusers.schedulers.scheduling_dpmsolver_sde")
    options = {"timestep_spacing": "linspace", "use_karras_sigmas": True} if grid is karras else TRAILING
    scheduler = precise(where.DPMSolverSDEScheduler(**BETAS, **options))
    scheduler.set_timesteps(steps)
    times, path, calls = ends(grid(steps, TABLE)), Bridge(5), []
    own = scheduler.sigmas
    exact_sigmas(scheduler, [times[0], *(t for t in times[1:-1] for _ in range(2)), times[-1]])
    torch.testing.assert_close(own.double(), scheduler.sigmas, rtol=1e-5, atol=1e-6)
    scheduler.noise_sampler = path_noise(path)
    x = START / TABLE(times[0]).alpha
    for n, i in enumerate(scheduler.timesteps):
        scaled = scheduler.scale_model_input(x, i)
        sigma = scheduler.mid_point_sigma if n % 2 else scheduler.sigmas[n]
        x = scheduler.step(target("epsilon", scaled, TABLE.time(-2 * sigma.log())), i, x).prev_sample
        calls.append(x)
    theirs = [*calls[1::2], calls[-1]]
    for s, ours, other in zip(times[1:], mine(DPMppSDE(), times, path), theirs, strict=True):
        close(ours, other * TABLE(s).alpha)


class InSigma(OneHot):
    """A Brownian path in sigma/alpha: the same deviations, and another correlation of half a step with the whole."""

    def brownian(self, shape: Sequence[int], t: float, s: float) -> Tensor:
        a, b = -math.exp(-t), -math.exp(-s)
        return super().brownian(shape, a, b) * math.sqrt((s - t) / (b - a))


@pytest.mark.parametrize("variance", [0.05, 0.25, 1.0])
def test_dpmpp_sde_on_their_path_in_sigma_leaves_a_little_more_variance(variance: float) -> None:
    """With torchsde's path for its own theirs has another law, and on a Gaussian it is the one that is nearer.

    Noise of the first half of a step of length h in half the log-SNR has a correlation with that of the whole step:
    ours sqrt(1/2), theirs sqrt(1 / (1 + e^(−h/2))), and the SDE's own is sqrt(1 / (1 + e^h)), which SEEDS has. With all
    of them too little variance is left, by errors that fall as the square of the steps.
    """
    exact, errors = Gaussian(TABLE, 0.0, variance), {}
    for steps in (10, 20):
        times = [t for t in times_of(exponential(steps, TABLE)) if t]
        high, low = TABLE(times[0]), TABLE(times[-1])
        for kind in (OneHot, InSigma):
            start = float(high.alpha**2 * variance + high.sigma**2)
            _, found = propagated_along(DPMppSDE(), exact, from_times(times), 0.0, start, kind)
            errors[kind, steps] = found / float(low.alpha**2 * variance + low.sigma**2) - 1
    assert all(-0.12 < error < 0 for error in errors.values())
    assert all(3 < errors[kind, 10] / errors[kind, 20] < 5 for kind in (OneHot, InSigma))
    assert all(0.65 < errors[InSigma, steps] / errors[OneHot, steps] < 0.85 for steps in (10, 20))


SINGLE: dict[str, tuple[Solver[Any], dict[str, str]]] = {
    "dpmpp-2s": (DPMpp2S(), {"solver_type": "midpoint"}),
    "res-singlestep": (RESSingleStep(), {"solver_type": "heun"}),
    "dpmpp-sde": (DPMppSDE(), {"solver_type": "midpoint", "algorithm_type": "sde-dpmsolver++"}),
}


@pytest.mark.parametrize("stops", [9, 15])
@pytest.mark.parametrize("name", SINGLE)
def test_singlestep(name: str, stops: int) -> None:
    """Two of its steps are one of ours: one to the middle, a stop of its grid, and one from where the first began.

    On the exponential grid that stop is our middle, the one in log-SNR; elsewhere theirs weighs the two predictions by
    where it is. With noise it draws anew for the whole step, two independent draws; here they are our path's.
    """
    solver, options = SINGLE[name]
    scheduler = precise(
        diffusers.DPMSolverSinglestepScheduler(**BETAS, **options, use_exponential_sigmas=True, lower_order_final=True)
    )
    scheduler.set_timesteps(stops)
    times, own = times_of(exponential(stops, TABLE)), scheduler.sigmas
    exact_sigmas(scheduler, times)
    torch.testing.assert_close(own.double(), scheduler.sigmas, rtol=1e-5, atol=1e-6)
    draw, x, calls = path_noise(path := Bridge(3)), START, []
    for n, (i, t) in enumerate(zip(scheduler.timesteps, times[:-1], strict=True)):
        z = draw(scheduler.sigmas[n - n % 2], scheduler.sigmas[n + 1]) if n + 1 < stops else 0 * x
        with patched_noise("scheduling_dpmsolver_singlestep", z):
            x = scheduler.step(target("epsilon", x, torch.tensor(t).double()), i, x).prev_sample
        calls.append(x)
    ours = mine(solver, [*times[:-1:2], 0.0], path)
    assert scheduler.order_list == [*([1, 2] * (stops // 2)), 1]
    for a, b in zip(ours, [*calls[1::2], calls[-1]], strict=True):
        close(a, b)


def test_3m_sde_differs_and_ours_is_the_exact_parabola() -> None:
    """With x_0 = lambda² the step's mean is known, and the second difference D_2 is h², h the step in lambda.

    The exact weight of D_2 is M_2, which vanishes with h. "half", as k-diffusion has it, is M_2/2; theirs is
    M_2/2 − 1, since a sign of k-diffusion's formula is turned, so that it is of first order.
    """
    options = {"solver_order": 3, "algorithm_type": "sde-dpmsolver++", "final_sigmas_type": "zero"}
    scheduler = precise(
        diffusers.DPMSolverMultistepScheduler(**BETAS, **options, timestep_spacing="trailing", prediction_type="sample")
    )
    scheduler.set_timesteps(16)
    times, x, theirs = ends(trailing(16, TABLE)), START, [START]
    exact_sigmas(scheduler, times)
    for i, t in zip(scheduler.timesteps, times[:-1], strict=True):
        output = torch.full_like(x, float(TABLE(t).log_snr) ** 2 / 4)
        x = scheduler.step(output, i, x, variance_noise=0 * x).prev_sample
        theirs.append(x)
    silent = Bridge(0)
    silent.brownian = lambda shape, t, s: torch.zeros(tuple(shape))  # type: ignore[method-assign]
    whole, half = (
        [START, *(step.x for step in sample(Bound(Parabola(), {}), START, from_times(times), solver, silent))]
        for solver in (DPMpp3MSDE(1.0, "whole"), DPMpp3MSDE(1.0, "half"))
    )
    for n in range(2, 15):
        h, scale, second = pieces(times[n], times[n + 1])
        torch.testing.assert_close(whole[n + 1], exact(whole[n], times[n], times[n + 1]), rtol=1e-9, atol=1e-9)
        for found, weight in ((half, second / 2), (theirs, second / 2 - 1)):
            missed = exact(found[n], times[n], times[n + 1]) - found[n + 1]
            torch.testing.assert_close(
                missed, torch.full_like(x, scale * (second - weight) * h**2), rtol=1e-4, atol=1e-6
            )


def pieces(t: float, s: float) -> tuple[float, float, float]:
    """h, alpha_s and the moment M_2 of a step."""
    h = float(TABLE(s).log_snr - TABLE(t).log_snr) / 2
    return h, float(TABLE(s).alpha), exponential_moments(2 * h, 3)[2]


def exact(x: Tensor, t: float, s: float) -> Tensor:
    """The mean of the reverse SDE's x_s: the antiderivative of 2 e^(−2 (b − l)) l² is e^(−2 (b − l)) (l² − l + 1/2)."""
    high, low = TABLE(t), TABLE(s)
    a, b = float(high.log_snr) / 2, float(low.log_snr) / 2
    integral = (b * b - b + 0.5) - math.exp(-2 * (b - a)) * (a * a - a + 0.5)
    return low.sigma / high.sigma * math.exp(a - b) * x + low.alpha * integral
