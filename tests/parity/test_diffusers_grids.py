"""diffusers' choices of times as they run: the levels beside ours, and a scheduler along them beside our solver."""

import importlib
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import EDM, DPMpp2M, Euler, RectifiedFlow
from mezzotint.diffusion.timegrid import (
    align_your_steps,
    beta,
    exponential,
    shifted,
    shifted_dynamic,
    times_of,
    uniform,
)
from mezzotint.diffusion.timegrid.in_noise import AYS_TABLES
from mezzotint.diffusion.timegrid.in_time import beta_quantile

from .chain import BETAS, START, TABLE, close, exact_sigmas, mixture, ours, precise, target
from .stand_ins import module

diffusers = pytest.importorskip("diffusers")


def levels(times: list[float]) -> Tensor:
    level = TABLE(torch.tensor(times, dtype=torch.float64))
    return level.sigma / level.alpha


# ---- shifts


@pytest.mark.parametrize("tokens", [256, 1024, 4096])
def test_dynamic_shift(tokens: int) -> None:
    """FLUX.1's: mu from its pipeline's line through (256, 0.5) and (4096, 1.15), and Euler on rectified flow."""
    flow = RectifiedFlow()
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    config = scheduler.config
    low, high = config.base_image_seq_len, config.max_image_seq_len
    slope = (config.max_shift - config.base_shift) / (high - low)
    mu = slope * tokens + config.base_shift - slope * low
    scheduler.set_timesteps(sigmas=times_of(uniform(8, flow))[:-1], mu=mu)
    times = times_of(shifted_dynamic(8, flow, tokens=tokens))
    assert scheduler.sigmas.tolist() == pytest.approx(times, abs=1e-6)
    x = START
    for i, t, mine in zip(scheduler.timesteps, times[:-1], ours(flow, Euler("flow"), times, START), strict=True):
        x = scheduler.step(mixture(flow)(x, torch.tensor(t).double()).velocity, i, x).prev_sample
        close(mine, x)


def test_a_linear_shift_is_shifted() -> None:
    """time_shift_type="linear" takes mu itself for the shift."""
    flow = RectifiedFlow()
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, time_shift_type="linear")
    scheduler.set_timesteps(sigmas=times_of(uniform(8, flow))[:-1], mu=2.5)
    assert scheduler.sigmas.tolist() == pytest.approx(times_of(shifted(8, flow, shift=2.5)), abs=1e-6)


def test_a_shift_without_sigmas_is_shifted_twice_at_its_clean_end() -> None:
    """The ends of their default levels are shifted before all of them are; ours are, in t, what equation 23 says."""
    flow, n = RectifiedFlow(), 8
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(n)

    def once(u: float) -> float:
        return 3 * u / (1 + 2 * u)

    low = once(1 / 1000)
    twice = [once(1 + (low - 1) * i / (n - 1)) for i in range(n)]
    assert scheduler.sigmas.tolist() == pytest.approx([*twice, 0.0], abs=1e-6)
    assert times_of(shifted(n, flow)) == pytest.approx([once(1 - i / n) for i in range(n + 1)], abs=1e-12)


def test_minimax_takes_one_step_less_and_counts_from_the_data() -> None:
    flow = RectifiedFlow()
    scheduler = diffusers.MiniMaxH3Scheduler()
    scheduler.set_timesteps(9)
    times = times_of(shifted(8, flow, shift=12.0))
    assert scheduler.sigmas.tolist() == pytest.approx(times, abs=1e-6)
    scheduler.sigmas, x = torch.tensor(times, dtype=torch.float64), START
    for t, mine in zip(times[:-1], ours(flow, Euler("flow"), times, START), strict=True):
        velocity = mixture(flow)(x, torch.tensor(t).double()).velocity
        x = scheduler.step(-velocity, torch.tensor(1 - t, dtype=torch.float64), x).prev_sample
        close(mine, x)


# ---- levels of a chain


@pytest.mark.parametrize("steps", [6, 15])
def test_lu_lambdas_are_our_exponential_grid(steps: int) -> None:
    """And DPM++ 2M along them, as it runs."""
    options: dict[str, Any] = {"use_lu_lambdas": True, "final_sigmas_type": "zero"}
    scheduler = precise(diffusers.DPMSolverMultistepScheduler(**BETAS, **options))
    scheduler.set_timesteps(steps)
    times = times_of(exponential(steps, TABLE))
    torch.testing.assert_close(scheduler.sigmas.double(), levels(times), rtol=1e-5, atol=1e-7)
    exact_sigmas(scheduler, times)
    x = START
    for i, t, mine in zip(scheduler.timesteps, times[:-1], ours(TABLE, DPMpp2M(), times, START), strict=True):
        x = scheduler.step(target("epsilon", x, torch.tensor(t).double()), i, x).prev_sample
        close(mine, x)


def quantile(p: float, a: float, b: float) -> float:
    """scipy.stats.beta.ppf, which need not be installed; ours has closed forms among its own tests."""
    return p if p in (0.0, 1.0) else float(beta_quantile(np.array([p]), a, b)[0])


@pytest.mark.parametrize("steps", [6, 15])
def test_beta_sigmas_are_quantiles_in_sigma_and_the_paper_s_in_t(steps: int) -> None:
    """Theirs: sigma_min + Q(1 − i / (n − 1)) (sigma_max − sigma_min) with Q of Beta(0.6, 0.6), then 0.

    Lee et al. 2024 take the quantiles of the time, as ours. In sigma nearly all levels are noisy: of 15 only two are
    below sigma/alpha = 1, of ours five. Along one and the same list of levels Euler agrees.
    """
    where = importlib.import_module("diffusers.schedulers.scheduling_euler_discrete")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, "is_scipy_available", lambda: True)
        stats = module("scipy.stats", beta=SimpleNamespace(ppf=quantile))
        patch.setattr(where, "scipy", module("scipy", stats=stats), raising=False)
        scheduler = precise(where.EulerDiscreteScheduler(**BETAS, use_beta_sigmas=True, timestep_spacing="linspace"))
        scheduler.set_timesteps(steps)
    low, high = levels([0.001, 1.0]).tolist()
    expected = [low + quantile(1 - i / (steps - 1), 0.6, 0.6) * (high - low) for i in range(steps)]
    assert scheduler.sigmas.tolist() == pytest.approx([*expected, 0.0], rel=1e-5, abs=1e-7)
    own = times_of(beta(steps, TABLE))
    assert own == pytest.approx([1.0, *(quantile(1 - i / steps, 0.6, 0.6) for i in range(1, steps)), 0.0])
    clean = [int((found < 1).sum()) - 1 for found in (scheduler.sigmas, levels(own))]
    assert clean[1] >= 2 * clean[0]
    times = [*TABLE.time(-2 * torch.tensor(expected, dtype=torch.float64).log()).tolist(), 0.0]
    exact_sigmas(scheduler, times)
    x = START / TABLE(times[0]).alpha
    for n, (i, mine) in enumerate(zip(scheduler.timesteps, ours(TABLE, Euler(), times, START), strict=True)):
        scaled = scheduler.scale_model_input(x, i)
        x = scheduler.step(target("epsilon", scaled, torch.tensor(times[n]).double()), i, x).prev_sample
        close(mine, x * TABLE(times[n + 1]).alpha)


# ---- Align Your Steps


NAMES = {"sd1.5": "StableDiffusion", "sdxl": "StableDiffusionXL", "svd": "StableDiffusionVideo"}


@pytest.mark.parametrize("table", AYS_TABLES)
def test_align_your_steps(table: str) -> None:
    """Their lists are the published tables with 0 for the last level, which is what our grid of ten steps has."""
    schedules = importlib.import_module("diffusers.schedulers").AysSchedules
    there = schedules[f"{NAMES[table]}Sigmas"]
    assert list(AYS_TABLES[table][:-1]) == there[:-1]
    schedule = EDM(sigma_max=max(80.0, there[0]))
    start = float(schedule.time(-2 * math.log(there[0])))
    times = times_of(align_your_steps(10, schedule, start=min(start, 1.0), table=table))
    assert schedule(torch.tensor(times, dtype=torch.float64)).sigma.tolist() == pytest.approx(there, rel=1e-9)


@pytest.mark.parametrize("table", ["sd1.5", "sdxl"])
def test_align_your_steps_in_whole_steps_of_the_chain(table: str) -> None:
    """Their list of steps says the same levels, but for the rounding to steps and to three digits."""
    schedules = importlib.import_module("diffusers.schedulers").AysSchedules
    steps = [(i + 1) / 1000 for i in schedules[f"{NAMES[table]}Timesteps"]]
    times = times_of(align_your_steps(10, TABLE, table=table))
    assert times[:-1] == pytest.approx(steps, abs=0.012)
