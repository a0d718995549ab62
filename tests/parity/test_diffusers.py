"""Step by step against diffusers' schedulers, on the exact denoiser of a mixture, in float64.

Both sides run whole trajectories from one start. diffusers keeps its tables in float32; where it lets us, we give it
float64 ones, so that what is compared is the formulas. Its steps i of 1000 are our t = (i + 1) / 1000.
"""

import importlib
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    DDIM,
    Bound,
    DPMpp2M,
    Euler,
    Gaussian,
    GaussianMixture,
    Heun,
    PhiloxNoise,
    RectifiedFlow,
    Solver,
    VPCosine,
    from_times,
    sample,
)
from mezzotint.diffusion.noise import Purpose
from mezzotint.diffusion.solvers.adams import IPNDM, LMS
from mezzotint.diffusion.solvers.deis import DEIS
from mezzotint.diffusion.solvers.dpmpp import DPMpp3M
from mezzotint.diffusion.solvers.midpoint import Midpoint
from mezzotint.diffusion.solvers.pndm import PNDM
from mezzotint.diffusion.solvers.unipc import UniPC
from mezzotint.diffusion.timegrid import karras, shifted, trailing, uniform

from .chain import BETAS, START, TABLE, Parabola, close, ends, exact_sigmas, mixture, ours, precise, target
from .stand_ins import quad

diffusers = pytest.importorskip("diffusers")
DDIM_KINDS = (
    *(("DDIMScheduler", 0.0), ("DDIMScheduler", 0.7), ("DDIMScheduler", 1.0)),
    *(("DDIMParallelScheduler", 0.7), ("CogVideoXDDIMScheduler", 0.0)),  # the latter has no noise
)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("steps", [4, 10, 25])
@pytest.mark.parametrize(("kind", "eta"), DDIM_KINDS)
def test_ddim(steps: int, eta: float, prediction_type: str, kind: str) -> None:
    scheduler = precise(
        getattr(diffusers, kind)(
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
    sigma_space(scheduler, ends(trailing(steps, TABLE)), Heun())


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
    """Heun in t, which is what our default is on rectified flow."""
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
    for mine, other in zip(ours(flow, Heun(), times, START), theirs, strict=True):
        close(mine, other)


def vp_steps(scheduler: Any, steps: int) -> tuple[list[float], list[Tensor]]:
    """Our times and their x after every step, for a scheduler whose sample is x_t itself."""
    scheduler.set_timesteps(steps)
    times = ends(trailing(steps, TABLE))
    last = scheduler.sigmas[-1].double()
    exact_sigmas(scheduler, times)
    scheduler.sigmas[-1] = last  # 0, or the chain's first level, as it chooses
    found, x = [], START
    for i, t in zip(scheduler.timesteps, times[:-1], strict=True):
        x = scheduler.step(target("epsilon", x, torch.tensor(t).double()), i, x).prev_sample
        found.append(x)
    return times, found


# the order of a scheduler is lowered towards the end: at order 3 the step before the last is of order 2 there
@pytest.mark.parametrize("steps", [6, 20])
@pytest.mark.parametrize("variant", ["bh1", "bh2"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_unipc(order: int, variant: Any, steps: int) -> None:
    scheduler = precise(
        diffusers.UniPCMultistepScheduler(
            **BETAS,
            solver_order=order,
            solver_type=variant,
            timestep_spacing="trailing",
            final_sigmas_type="zero",
        )
    )
    times, theirs = vp_steps(scheduler, steps)
    # and with "bh1" its step to 0 is infinite times 0, so that it ends in NaN
    compared = steps - 2 if order == 3 else steps - 1 if variant == "bh1" else steps
    mine = list(ours(TABLE, UniPC(order, variant), times, START))
    for a, b in zip(mine[:compared], theirs[:compared], strict=True):
        close(a, b)


@pytest.mark.parametrize("steps", [6, 20])
@pytest.mark.parametrize("order", [2, 3])
def test_deis(order: int, steps: int) -> None:
    scheduler = precise(diffusers.DEISMultistepScheduler(**BETAS, solver_order=order, timestep_spacing="trailing"))
    times, theirs = vp_steps(scheduler, steps)
    mine = list(ours(TABLE, DEIS(order), times, START))
    compared = steps - 2 if order == 3 else steps - 1  # its last step is towards the chain's first level, not to 0
    for a, b in zip(mine[:compared], theirs[:compared], strict=True):
        close(a, b)


def test_plms() -> None:
    """Stable Diffusion's PLMS takes its first step twice, which is one step of ours with two evaluations."""
    scheduler = precise(diffusers.PNDMScheduler(**BETAS, skip_prk_steps=True, timestep_spacing="leading"))
    scheduler.set_timesteps(10)
    x, theirs = START, []
    stops = [int(i) for i in scheduler.timesteps]
    for i in stops:
        x = scheduler.step(target("epsilon", x, torch.tensor((i + 1) / 1000).double()), i, x).prev_sample
        theirs.append(x)
    times = [(i + 1) / 1000 for i in [stops[0], *stops[2:]]]
    for a, b in zip(ours(TABLE, PNDM("heun"), times, START), theirs[1:-1], strict=True):
        close(a, b)


def test_ipndm() -> None:
    """diffusers' iPNDM lives on the cosine schedule, uniform in t, and wants v; it evaluates t = 0 at its end."""
    scheduler = diffusers.IPNDMScheduler()
    scheduler.set_timesteps(12)
    scheduler.betas, scheduler.alphas = scheduler.betas.double(), scheduler.alphas.double()
    schedule, x, theirs = VPCosine(), START, []
    times = [1 - i / 12 for i in range(12)]
    scheduler.betas = torch.tensor([float(schedule(t).sigma) for t in [*times, 0.0]], dtype=torch.float64)
    scheduler.alphas = torch.tensor([float(schedule(t).alpha) for t in [*times, 0.0]], dtype=torch.float64)
    scheduler.alphas[0] = 1e-7  # its formulas divide by alpha
    for i, t in zip(scheduler.timesteps, times, strict=True):
        v = mixture(schedule)(x, torch.tensor(t).double()).v
        x = scheduler.step(v, i, x).prev_sample
        theirs.append(x)
    for a, b in zip(ours(schedule, IPNDM(4), times, START), theirs[:-1], strict=True):
        close(a, b)


def lms(steps: int, denoiser: Gaussian | GaussianMixture, order: int = 4) -> tuple[list[float], list[Tensor]]:
    """Our times, and their x after every step; the scheduler asks scipy for the integrals of its polynomials."""
    where = importlib.import_module("diffusers.schedulers.scheduling_lms_discrete")
    scheduler = precise(where.LMSDiscreteScheduler(**BETAS, timestep_spacing="trailing"))
    scheduler.set_timesteps(steps)
    times = ends(trailing(steps, TABLE))
    exact_sigmas(scheduler, times)
    x, found = START / TABLE(times[0]).alpha, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, "integrate", SimpleNamespace(quad=quad), raising=False)
        for i, t, s in zip(scheduler.timesteps, times[:-1], times[1:], strict=True):
            output = denoiser(scheduler.scale_model_input(x, i), torch.tensor(t).double()).eps
            x = scheduler.step(output, i, x, order=order).prev_sample
            found.append(x * TABLE(s).alpha)
    return times, found


@pytest.mark.parametrize("steps", [5, 20])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_lms(order: int, steps: int) -> None:
    times, theirs = lms(steps, mixture(TABLE), order)
    for mine, other in zip(list(ours(TABLE, LMS(order), times, START))[:-1], theirs[:-1], strict=True):
        close(mine, other)


@pytest.mark.parametrize("steps", [10, 20, 50])
def test_lms_ends_otherwise_and_with_an_exact_denoiser_theirs_is_nearer(steps: int) -> None:
    """Theirs extrapolates its polynomial to sigma = 0. Our last step is x_0, by whatever solver: of first order.

    The end is known on a Gaussian: mean + sqrt(variance) times the start's distance from its mean in deviations.
    """
    exact = Gaussian(TABLE, 0.3, 0.25)
    times, theirs = lms(steps, exact)
    *_, last = sample(Bound(exact, {}), START, from_times(times), LMS(), PhiloxNoise(range(8)))
    level = TABLE(times[0])
    end = 0.3 + 0.5 * (START - 0.3 * level.alpha) / (0.25 * level.alpha**2 + level.sigma**2).sqrt()
    assert float((theirs[-1] - end).abs().max()) < 0.2 * float((last.x - end).abs().max())
    close(last.x, exact(theirs[-2], torch.tensor(times[-2]).double()).x0)


def test_dpm_2() -> None:
    """It evaluates the middle of a step at the nearest whole step of the chain; we give it the true middle."""
    scheduler = precise(diffusers.KDPM2DiscreteScheduler(**BETAS, timestep_spacing="trailing"))
    scheduler.set_timesteps(8)
    times = ends(trailing(8, TABLE))
    x, theirs = START / TABLE(times[0]).alpha, []
    sigmas, middles = scheduler.sigmas.double(), scheduler.sigmas_interpol.double()
    for n, i in enumerate(scheduler.timesteps):
        sigma = sigmas[n] if n % 2 == 0 else middles[n]
        t = TABLE.time(-2 * sigma.log())
        scaled = x / (1 + sigma**2).sqrt()
        x = scheduler.step(target("epsilon", scaled, t), i, x).prev_sample
        theirs.append(x)
    mine = list(ours(TABLE, Midpoint("ratio", "half_log_snr"), times, START))
    for a, b, s in zip(mine[:-1], theirs[1::2], times[1:], strict=False):
        close(a, b * TABLE(s).alpha)


@pytest.mark.parametrize("use_karras_sigmas", [False, True])
def test_dpmpp_3m_with_half_of_its_parabola(use_karras_sigmas: bool) -> None:
    scheduler = precise(
        diffusers.DPMSolverMultistepScheduler(
            **BETAS,
            solver_order=3,
            solver_type="heun",  # the second step, of second order: ours integrates the line exactly, their default not
            timestep_spacing="trailing",
            use_karras_sigmas=use_karras_sigmas,
            final_sigmas_type="zero",
        )
    )
    scheduler.set_timesteps(16)
    times = ends((karras if use_karras_sigmas else trailing)(16, TABLE))
    exact_sigmas(scheduler, times)
    x = START
    for i, t, mine in zip(scheduler.timesteps, times[:-1], ours(TABLE, DPMpp3M("half"), times, START), strict=True):
        x = scheduler.step(target("epsilon", x, torch.tensor(t).double()), i, x).prev_sample
        close(mine, x)


def test_3m_differs_and_ours_is_the_exact_parabola() -> None:
    """With x_0 = lambda² the exact step is known; theirs misses it, since its second difference has half its weight."""

    def exact(x: Tensor, t: float, s: float) -> Tensor:
        high, low = TABLE(t), TABLE(s)
        a, b = float(high.log_snr) / 2, float(low.log_snr) / 2
        integral = float(low.alpha) * ((b * b - 2 * b + 2) - float((torch.tensor(a - b)).exp()) * (a * a - 2 * a + 2))
        return low.sigma / high.sigma * x + integral

    options = {"timestep_spacing": "trailing", "final_sigmas_type": "zero", "prediction_type": "sample"}
    scheduler = precise(diffusers.DPMSolverMultistepScheduler(**BETAS, solver_order=3, **options))
    scheduler.set_timesteps(10)
    times, x, theirs = ends(trailing(10, TABLE)), START, [START]
    for i, t in zip(scheduler.timesteps, times[:-1], strict=True):
        x = scheduler.step(torch.full_like(x, float(TABLE(t).log_snr) ** 2 / 4), i, x).prev_sample
        theirs.append(x)
    mine = [START]
    for step in sample(Bound(Parabola(), {}), START, from_times(times), DPMpp3M(), PhiloxNoise(range(8))):
        mine.append(step.x)
    for n in range(2, 8):
        torch.testing.assert_close(mine[n + 1], exact(mine[n], times[n], times[n + 1]), rtol=1e-6, atol=1e-6)
        assert float((theirs[n + 1] - exact(theirs[n], times[n], times[n + 1])).abs().min()) > 1e-3
