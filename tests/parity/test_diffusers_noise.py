"""diffusers' stochastic schedulers, step by step, with our noise: DPM++ 2M SDE, TCD, LCM and SA-Solver."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import Bound, PhiloxNoise, Prediction, Purpose, from_times, sample
from mezzotint.diffusion.sampling import StepNoise
from mezzotint.diffusion.solvers.consistency import TCD
from mezzotint.diffusion.solvers.dpmpp import DPMpp2MSDE
from mezzotint.diffusion.solvers.multistep import Past, point
from mezzotint.diffusion.solvers.unipc import Pending, SASolver
from mezzotint.diffusion.timegrid import trailing
from tests.diffusion.paths import Bridge

from .chain import BETAS, START, TABLE, close, ends, exact_sigmas, mixture, ours, patched_noise, precise, target

diffusers = pytest.importorskip("diffusers")


@pytest.mark.parametrize("solver_type", ["midpoint", "heun"])
def test_dpmpp_2m_sde(solver_type: Any) -> None:
    scheduler = precise(
        diffusers.DPMSolverMultistepScheduler(
            **BETAS,
            algorithm_type="sde-dpmsolver++",
            solver_type=solver_type,
            timestep_spacing="trailing",
            final_sigmas_type="zero",
        )
    )
    scheduler.set_timesteps(8)
    times, x, path = ends(trailing(8, TABLE)), START, Bridge(5)
    lam = [float(TABLE(t).log_snr) / 2 for t in times]
    mine = sample(Bound(mixture(TABLE), {}), START, from_times(times), DPMpp2MSDE(1.0, solver_type), path)
    for n, (i, t, step) in enumerate(zip(scheduler.timesteps, times[:-1], mine, strict=True)):
        z = path.brownian(x.shape, lam[n], lam[n + 1]) / (lam[n + 1] - lam[n]) ** 0.5 if n < 7 else 0 * x
        epsilon = target("epsilon", x, torch.tensor(t).double())
        x = scheduler.step(epsilon, i, x, variance_noise=z).prev_sample
        close(step.x, x)


@pytest.mark.parametrize("gamma", [0.3, 0.75])
def test_tcd(gamma: float) -> None:
    """Its target is a whole step of the chain; the grid here makes ours one too."""
    scheduler = precise(diffusers.TCDScheduler(**BETAS))
    scheduler.set_timesteps(None, original_inference_steps=None, timesteps=[999, 699, 399, 99])
    times = [(i + 1) / 1000 for i in (999, 699, 399, 99)]
    noise, x = PhiloxNoise(range(8)), START
    for n, (i, t, s) in enumerate(zip(scheduler.timesteps[:3], times[:-1], times[1:], strict=True)):
        z = noise.normal((8, 3), Purpose.STEP, 256 * n).double()
        with patched_noise("scheduling_tcd", z):
            theirs = scheduler.step(target("epsilon", x, torch.tensor(t).double()), i, x, eta=gamma).prev_sample
        # its step n' of the target is floor((1 − gamma) n), ours the time (1 − gamma) t: n' + 1 = (1 − g) 1000 t
        whole = (int((1 - gamma) * (1000 * s - 1)) + 1) / 1000
        step = TCD(1 - whole / s).step(
            *(Bound(mixture(TABLE), {}), x, torch.tensor(t).double(), torch.tensor(s).double()),
            None,
            StepNoise(noise, n),
        )
        close(step[0], theirs)
        x = step[0]


@pytest.mark.parametrize("steps", [2, 4, 8])
def test_lcm(steps: int) -> None:
    """Its boundary scaling belongs to the network, and is 1 to seven digits at the steps it takes."""
    scheduler = precise(diffusers.LCMScheduler(**BETAS, timestep_spacing="leading"))
    scheduler.set_timesteps(steps)
    times = [*((int(i) + 1) / 1000 for i in scheduler.timesteps), 0.0]
    noise, x = PhiloxNoise(range(8)), START
    for n, (i, mine) in enumerate(zip(scheduler.timesteps, ours(TABLE, TCD(1.0), times, START), strict=True)):
        z = noise.normal((8, 3), Purpose.STEP, 256 * n).double()
        with patched_noise("scheduling_lcm", z):
            output = target("epsilon", x, torch.tensor(times[n]).double())
            x = scheduler.step(output, i, x).prev_sample
        close(mine, x)


def test_tcd_of_gamma_1_differs_and_ours_has_the_true_variance() -> None:
    """Theirs aims at the chain's first level, sigma 0.03, instead of the data: LCM with some of the old noise kept.

    With the exact map of a Gaussian, x_0 = sqrt(v) g where x_t = sqrt(alpha² v + sigma²) g, the variance of x_s must be
    alpha_s² v + sigma_s². The old noise is correlated with x_0, so that theirs has more.
    """
    v, t, s, first = 0.25, 0.7, 0.4, 1 / 1000
    high, low, level = TABLE(t), TABLE(s), TABLE(first)
    g, z = torch.tensor([1.0, 0.0], dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
    x0 = v**0.5 * g
    x = (high.alpha**2 * v + high.sigma**2).sqrt() * g  # its coefficients of g and z, which have variance 1
    scheduler = precise(diffusers.TCDScheduler(**BETAS, prediction_type="sample"))
    scheduler.set_timesteps(None, original_inference_steps=None, timesteps=[699, 399])
    with patched_noise("scheduling_tcd", z):
        theirs = scheduler.step(x0, scheduler.timesteps[0], x, eta=1.0).prev_sample
    ours = low.alpha * x0 + low.sigma * z
    true = float(low.alpha**2 * v + low.sigma**2)
    assert float(ours.square().sum()) == pytest.approx(true, rel=1e-12)
    assert float(theirs.square().sum()) > true + 1e-3
    assert float(level.sigma) == pytest.approx(0.029, abs=1e-3)


def sa_solver(predictor: int, corrector: int) -> tuple[Any, list[float]]:
    """Their scheduler with noise everywhere and exact levels, and its times."""
    scheduler = precise(
        diffusers.SASolverScheduler(
            **BETAS,
            predictor_order=predictor,
            corrector_order=corrector,
            tau_func=lambda _: 1.0,
            lower_order_final=False,
            timestep_spacing="trailing",
        )
    )
    scheduler.set_timesteps(12)
    times = ends(trailing(12, TABLE))
    exact_sigmas(scheduler, times)
    return scheduler, times


@pytest.mark.parametrize(("predictor", "corrector"), [(3, 4), (3, 3), (1, 3), (1, 4)])
def test_sa_solver(predictor: int, corrector: int) -> None:
    """Step by step from their state, once predictor and corrector have their orders: order 2, in between, differs."""
    scheduler, times = sa_solver(predictor, corrector)
    solver = SASolver(1.0, (0.0, 1.0), predictor, corrector)
    noise, x, seen = PhiloxNoise(range(8)), START, list[Past]()
    pending: Pending | None = None
    for n, (i, t, s) in enumerate(zip(scheduler.timesteps[:-1], times[:-2], times[1:-1], strict=True)):
        z = noise.normal((8, 3), Purpose.STEP, 256 * n).double()
        output = target("epsilon", x, torch.tensor(t).double())
        bound, draws = Bound(mixture(TABLE), {}), StepNoise(noise, n)
        mine, _ = solver.step(bound, x, torch.tensor(t).double(), torch.tensor(s).double(), pending, draws)
        with patched_noise("scheduling_sasolver", z):
            after = scheduler.step(output, i, x).prev_sample
        if n >= corrector - 1:
            close(mine, after)
        high, low = point(TABLE(t)), point(TABLE(s))
        seen.insert(0, Past(high.half_log_snr, mixture(TABLE)(x, torch.tensor(t).double()).x0))
        spread = low.sigma * math.sqrt(-math.expm1(-2 * (low.half_log_snr - high.half_log_snr)))
        pending = Pending(scheduler.last_sample, high, tuple(seen[: corrector - 1]), 1.0, spread * z)
        x = after
    assert n >= corrector + 3


def test_sa_solver_of_order_2_differs_and_ours_is_the_exact_integral() -> None:
    """With x_0 = lambda the predictor's step is known. Theirs takes half of (1 + tau²) h for the moment M_1."""
    scheduler, times = sa_solver(2, 2)
    lam = [float(TABLE(t).log_snr) / 2 for t in times[:-1]]
    x, solver, pending = START, SASolver(1.0, (0.0, 1.0), 2, 0), None
    for n, i in enumerate(scheduler.timesteps[:6]):
        with patched_noise("scheduling_sasolver", 0 * x):
            level = TABLE(times[n])
            after = scheduler.step((x - level.alpha * lam[n]) / level.sigma, i, x).prev_sample
        begin = scheduler.last_sample  # x after the corrector
        t, s = torch.tensor(times[n : n + 2], dtype=torch.float64)
        mine, pending = solver.step(Ramp(), begin, t, s, pending, Silent())
        if n:
            h, low = lam[n + 1] - lam[n], TABLE(times[n + 1])
            integral = lam[n + 1] - 0.5 - math.exp(-2 * h) * (lam[n] - 0.5)  # ∫ 2 e^(−2 (end − l)) l dl
            exact = low.sigma / TABLE(times[n]).sigma * math.exp(-h) * begin + low.alpha * integral
            torch.testing.assert_close(mine, exact, rtol=1e-9, atol=1e-9)
            halved = exact + low.alpha * h * (h - (1 - (1 - math.exp(-2 * h)) / (2 * h)))  # M_1 = 2 h / 2
            torch.testing.assert_close(after, halved, rtol=1e-7, atol=1e-7)
            assert float((after - exact).abs().min()) > 5e-3
        x = after


class Ramp:
    """x_0 = lambda, whatever x_t."""

    schedule = TABLE

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        level = self.schedule(t)
        return Prediction(x_t, level, torch.full_like(x_t, float(level.log_snr) / 2))


class Silent(PhiloxNoise):
    """No noise."""

    def __init__(self) -> None:
        super().__init__(range(8))

    def normal(self, shape: Sequence[int], purpose: Purpose, draw: int) -> Tensor:
        return torch.zeros(tuple(shape))
