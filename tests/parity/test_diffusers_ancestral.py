"""diffusers' ancestral schedulers step by step with our noise, and PNDM with its Runge–Kutta steps."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import DDPM, Level, PhiloxNoise, Purpose, RectifiedFlow, Solver, VPCosine
from mezzotint.diffusion.solvers.ancestral import DPM2Ancestral, EulerAncestral
from mezzotint.diffusion.solvers.pndm import PNDM
from mezzotint.diffusion.timegrid import shifted, trailing, uniform

from .chain import BETAS, START, TABLE, close, ends, exact_sigmas, mixture, ours, patched_noise, precise, target

diffusers = pytest.importorskip("diffusers")


def drawn(step: int) -> Tensor:
    """The noise that our loop draws in a step."""
    return PhiloxNoise(range(8)).normal((8, 3), Purpose.STEP, 256 * step).double()


@pytest.mark.parametrize("variance", ["posterior", "forward"])
@pytest.mark.parametrize("steps", [5, 20])
@pytest.mark.parametrize("scheduling", ["ddpm", "ddpm_parallel"])
def test_ddpm(steps: int, variance: Any, scheduling: str) -> None:
    kind = {"posterior": "fixed_small", "forward": "fixed_large"}[variance]
    build = {"ddpm": diffusers.DDPMScheduler, "ddpm_parallel": diffusers.DDPMParallelScheduler}[scheduling]
    scheduler = precise(build(**BETAS, variance_type=kind, clip_sample=False, timestep_spacing="trailing"))
    scheduler.set_timesteps(steps)
    times, x = ends(trailing(steps, TABLE)), START
    mine = list(ours(TABLE, DDPM(variance), times, START))
    for n, i in enumerate(scheduler.timesteps[:-1]):  # it adds noise to its last step too
        with patched_noise(f"scheduling_{scheduling}", drawn(n)):
            x = scheduler.step(target("epsilon", x, torch.tensor(times[n]).double()), int(i), x).prev_sample
        close(mine[n], x)


class Offset:
    """The cosine schedule with its offset, alpha² = cos²((t + s)/(1 + s) pi/2) / cos²(s/(1 + s) pi/2), s = 0.008."""

    def __call__(self, t: Any) -> Level:
        angle = (torch.as_tensor(t, dtype=torch.float64) + 0.008) / 1.008 * torch.pi / 2
        alpha2 = (angle.cos() / math.cos(0.008 / 1.008 * math.pi / 2)).square().clamp(0.0001, 0.9999)
        return Level(alpha2.sqrt(), (1 - alpha2).sqrt())

    def time(self, log_snr: Any) -> torch.Tensor:
        raise NotImplementedError


@pytest.mark.parametrize("steps", [5, 20])
def test_ddpm_of_wuerstchen(steps: int) -> None:
    """On equal steps of its own cosine schedule, which it never lets become clean: its last step is left out."""
    scheduler, schedule = diffusers.DDPMWuerstchenScheduler(), Offset()
    scheduler.set_timesteps(steps)
    scheduler.s, scheduler.timesteps = torch.tensor([0.008]).double(), scheduler.timesteps.double()
    scheduler._init_alpha_cumprod = (scheduler.s / (1 + scheduler.s) * torch.pi * 0.5).cos() ** 2
    times, x = ends(uniform(steps, VPCosine())), START
    mine = list(ours(schedule, DDPM("posterior"), times, START))
    for n, t in enumerate(times[:-2]):
        output = mixture(schedule)(x, torch.tensor(t).double()).eps
        with patched_noise("scheduling_ddpm_wuerstchen", drawn(n)):
            x = scheduler.step(output, torch.full((8,), t, dtype=torch.float64), x).prev_sample
        close(mine[n], x)


@pytest.mark.parametrize("steps", [5, 20])
def test_euler_ancestral(steps: int) -> None:
    """In sigma/alpha, the sample x / alpha, which it keeps in float32."""
    scheduler = precise(diffusers.EulerAncestralDiscreteScheduler(**BETAS, timestep_spacing="trailing"))
    scheduler.set_timesteps(steps)
    times = ends(trailing(steps, TABLE))
    exact_sigmas(scheduler, times)
    x = START / TABLE(times[0]).alpha
    solver: Solver[Any] = EulerAncestral(1.0)
    for n, (i, mine) in enumerate(zip(scheduler.timesteps, ours(TABLE, solver, times, START), strict=True)):
        scaled = scheduler.scale_model_input(x, i)
        with patched_noise("scheduling_euler_ancestral_discrete", drawn(n)):
            x = scheduler.step(target("epsilon", scaled, torch.tensor(times[n]).double()), i, x).prev_sample
        close(mine, x * TABLE(times[n + 1]).alpha)


@pytest.mark.parametrize("eta", [0.4, 1.0])
def test_euler_ancestral_on_rectified_flow(eta: float) -> None:
    """Our default on rectified flow; theirs computes in float32."""
    flow, times = RectifiedFlow(), ends(shifted(8, RectifiedFlow(), shift=3.0))
    scheduler = diffusers.LTXEulerAncestralRFScheduler(eta=eta)
    scheduler.set_timesteps(sigmas=times)
    x = START
    for n, (t, mine) in enumerate(zip(times[:-1], ours(flow, EulerAncestral(eta), times, START), strict=True)):
        velocity = mixture(flow)(x, torch.tensor(t).double()).velocity
        with patched_noise("scheduling_ltx_euler_ancestral_rf", drawn(n).float()):
            x = scheduler.step(velocity, scheduler.timesteps[n], x).prev_sample
        torch.testing.assert_close(mine, x, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("steps", [5, 20])
def test_dpm_2_ancestral(steps: int) -> None:
    """Two calls a step, one for the last. It asks for the middle at a time interpolated in the chain; it gets ours."""
    scheduler = precise(diffusers.KDPM2AncestralDiscreteScheduler(**BETAS, timestep_spacing="trailing"))
    scheduler.set_timesteps(steps)
    times, calls = ends(trailing(steps, TABLE)), []
    x = START / TABLE(times[0]).alpha
    for n, i in enumerate(scheduler.timesteps):
        sigma = scheduler.sigmas[n] if n % 2 == 0 else scheduler.sigmas_interpol[n - 1]
        scaled = scheduler.scale_model_input(x, i)
        output = target("epsilon", scaled, TABLE.time(-2 * sigma.double().log()))
        with patched_noise("scheduling_k_dpm_2_ancestral_discrete", drawn(n // 2)):
            x = scheduler.step(output, i, x).prev_sample
        calls.append(x)
    theirs = [*calls[1::2], calls[-1]]
    for s, mine, other in zip(times[1:], ours(TABLE, DPM2Ancestral(), times, START), theirs, strict=True):
        close(mine, other * TABLE(s).alpha)


def test_pndm_with_runge_kutta_steps() -> None:
    """Three steps of four evaluations, which it takes as twelve calls; then one each."""
    scheduler = precise(diffusers.PNDMScheduler(**BETAS, timestep_spacing="leading"))
    scheduler.set_timesteps(10)
    x, calls = START, []
    for i in scheduler.timesteps:
        x = scheduler.step(target("epsilon", x, torch.tensor((int(i) + 1) / 1000).double()), int(i), x).prev_sample
        calls.append(x)
    theirs = [*calls[3:12:4], *calls[12:]]
    times = [(i + 1) / 1000 for i in range(900, -1, -100)]
    for mine, other in zip(ours(TABLE, PNDM(), times, START), theirs[:-1], strict=True):
        close(mine, other)
