"""Step by step against diffusers' schedulers, on the exact denoiser of a mixture, in float64.

Both sides run whole trajectories from one start. diffusers keeps its tables in float32; where it lets us, we give it
float64 ones, so that what is compared is the formulas. Its steps i of 1000 are our t = (i + 1) / 1000.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    DDIM,
    Bound,
    DPMpp2M,
    Euler,
    GaussianMixture,
    Heun,
    PhiloxNoise,
    RectifiedFlow,
    Solver,
    VPScaledLinear,
    from_times,
    sample,
)
from mezzotint.diffusion.noise import Purpose
from mezzotint.diffusion.timegrid import karras, shifted, trailing, uniform

diffusers = pytest.importorskip("diffusers")

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


def ends(grid: Any) -> list[float]:
    return [grid[0].t, *(move.s for move in grid)]


def target(name: str, x: Tensor, t: Tensor) -> Tensor:
    prediction = mixture(TABLE)(x, t)
    return {"epsilon": prediction.eps, "v_prediction": prediction.v, "sample": prediction.x0}[name]


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("steps", [4, 10, 25])
@pytest.mark.parametrize("eta", [0.0, 0.7, 1.0])
def test_ddim(steps: int, eta: float, prediction_type: str) -> None:
    scheduler = precise(
        diffusers.DDIMScheduler(
            **BETAS,
            clip_sample=False,
            timestep_spacing="trailing",
            prediction_type=prediction_type,
            set_alpha_to_one=True,
        )
    )
    scheduler.set_timesteps(steps)
    times = ends(trailing(steps, TABLE))
    assert [(int(i) + 1) / 1000 for i in scheduler.timesteps] == times[:-1]
    x, noise = START, PhiloxNoise(range(8))
    for index, (i, mine) in enumerate(zip(scheduler.timesteps, ours(TABLE, DDIM(eta), times, START), strict=True)):
        output = target(prediction_type, x, (i.double() + 1) / 1000)
        z = noise.normal((8, 3), Purpose.STEP, 256 * index).double()
        last = index == steps - 1  # diffusers adds noise to the last step too, which has none by its own formula
        step = scheduler.step(output, i, x, eta=0.0 if last else eta, variance_noise=None if last or not eta else z)
        x = step.prev_sample
        close(mine, x)


def sigma_space(scheduler: Any, times: list[float], solver: Solver[Any]) -> None:
    """Schedulers whose sample is x / alpha, which the model gets rescaled. Heun steps twice for one of ours."""
    calls, x = [], START / TABLE(times[0]).alpha
    for i in scheduler.timesteps:
        scaled = scheduler.scale_model_input(x, i)
        x = scheduler.step(target("epsilon", scaled, (i.double() + 1) / 1000), i, x).prev_sample
        calls.append(x)
    theirs = calls if len(calls) == len(times) - 1 else [*calls[1::2], calls[-1]]
    for s, mine, other in zip(times[1:], ours(TABLE, solver, times, START), theirs, strict=True):
        close(mine, other * TABLE(s).alpha)


@pytest.mark.parametrize("steps", [5, 20])
def test_euler(steps: int) -> None:
    scheduler = precise(diffusers.EulerDiscreteScheduler(**BETAS, timestep_spacing="trailing"))
    scheduler.set_timesteps(steps)
    sigma_space(scheduler, ends(trailing(steps, TABLE)), Euler())


@pytest.mark.parametrize("steps", [5, 20])
def test_euler_on_the_grid_of_karras(steps: int) -> None:
    scheduler = precise(diffusers.EulerDiscreteScheduler(**BETAS, timestep_spacing="linspace", use_karras_sigmas=True))
    scheduler.set_timesteps(steps)
    times = ends(karras(steps, TABLE))
    ratio = [float(level.sigma / level.alpha) for level in map(TABLE, times)]
    assert scheduler.sigmas.tolist() == pytest.approx(ratio, rel=1e-5, abs=1e-7)
    sigma_space(scheduler, times, Euler())


@pytest.mark.parametrize("steps", [5, 20])
def test_heun(steps: int) -> None:
    scheduler = precise(diffusers.HeunDiscreteScheduler(**BETAS, timestep_spacing="trailing"))
    scheduler.set_timesteps(steps)
    sigma_space(scheduler, ends(trailing(steps, TABLE)), Heun("ratio"))


@pytest.mark.parametrize("steps", [5, 20])
@pytest.mark.parametrize("use_karras_sigmas", [False, True])
def test_dpmpp_2m(steps: int, use_karras_sigmas: bool) -> None:
    scheduler = precise(
        diffusers.DPMSolverMultistepScheduler(
            **BETAS, timestep_spacing="trailing", use_karras_sigmas=use_karras_sigmas, final_sigmas_type="zero"
        )
    )
    scheduler.set_timesteps(steps)
    times = ends((karras if use_karras_sigmas else trailing)(steps, TABLE))
    x = START
    for i, t, mine in zip(scheduler.timesteps, times[:-1], ours(TABLE, DPMpp2M(), times, START), strict=True):
        x = scheduler.step(target("epsilon", x, torch.tensor(t).double()), i, x).prev_sample
        close(mine, x)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_flow_euler(shift: float) -> None:
    """SD3's and FLUX's sampler: rectified flow, shifted grid, Euler in t."""
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=shift)
    flow = RectifiedFlow()
    times = ends(shifted(8, flow, shift=shift))
    scheduler.set_timesteps(sigmas=ends(uniform(8, flow))[:-1])
    assert scheduler.sigmas.tolist() == pytest.approx(times, abs=1e-6)
    x = START
    for i, t, mine in zip(scheduler.timesteps, times[:-1], ours(flow, Euler("flow"), times, START), strict=True):
        velocity = mixture(flow)(x, torch.tensor(t).double()).velocity
        x = scheduler.step(velocity, i, x).prev_sample
        close(mine, x)


def test_flow_heun() -> None:
    """Heun in t on rectified flow, the coordinate "flow"."""
    scheduler = diffusers.FlowMatchHeunDiscreteScheduler()
    scheduler.set_timesteps(6)
    sigmas = scheduler.sigmas.double()
    times = [float(sigmas[0]), *sigmas[1::2].tolist()]
    expected, x = [], START
    flow = RectifiedFlow()
    for i in scheduler.timesteps:
        at = sigmas[scheduler.step_index] if scheduler.step_index is not None else sigmas[0]
        x = scheduler.step(mixture(flow)(x, at).velocity, i, x).prev_sample
        expected.append(x)
    theirs = [*expected[1::2], expected[-1]]
    for mine, other in zip(ours(flow, Heun("flow"), times, START), theirs, strict=True):
        close(mine, other)
