"""diffusers' schedulers of EDM models, around a preconditioned network, and its other homes of DPM++ 2M SDE and DDPM.

Where a scheduler computes in float32, as `EDMEulerScheduler` does, each step starts from its own sample.
"""

import importlib
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import DDPM, EDM, Bound, DPMpp2M, Euler, PhiloxNoise, Solver, from_times, sample
from mezzotint.diffusion.denoiser import Preconditioned
from mezzotint.diffusion.noise import Purpose
from mezzotint.diffusion.solvers.dpmpp import DPMpp2MSDE, DPMpp3M
from mezzotint.diffusion.timegrid import exponential, karras, leading, times_of
from tests.diffusion.paths import Bridge

from .chain import BETAS, START, TABLE, close, ends, mixture, patched_noise, path_noise, precise, target
from .stand_ins import module, standing_in

diffusers = pytest.importorskip("diffusers")

SCHEDULE = EDM()
GRIDS = {"karras": karras, "exponential": exponential}
MIX = torch.tensor([[0.6, -0.4, 0.1], [0.2, 0.5, -0.7], [-0.3, 0.8, 0.4]], dtype=torch.float64)


def network(x: Tensor, t: Tensor, cond: object = None, *, to: Tensor | None = None, probe: object = None) -> Tensor:
    """F of a preconditioned network: any function that tells its inputs apart."""
    return torch.tanh(x @ MIX + t.double()[:, None]) - 0.3 * x


def sigmas_of(times: list[float]) -> Tensor:
    return SCHEDULE(torch.tensor(times, dtype=torch.float64)).sigma


def theirs(scheduler: Any, sigmas: Tensor, x: Tensor) -> list[Tensor]:
    """x before the first step and after every one, the network between their scaling and their step."""
    own = scheduler.sigmas
    torch.testing.assert_close(own.double(), sigmas, rtol=1e-5, atol=1e-7)
    scheduler.sigmas = sigmas
    found = [x]
    for i, sigma in zip(scheduler.timesteps, sigmas[:-1], strict=True):
        noise_level = (sigma.log() / 4).float().expand(len(x))
        assert float(i) == pytest.approx(float(noise_level[0]), rel=1e-4, abs=1e-6)
        x = scheduler.step(network(scheduler.scale_model_input(x, i), noise_level), i, x).prev_sample
        found.append(x)
    return found


@pytest.mark.parametrize("steps", [5, 20])
@pytest.mark.parametrize("spacing", GRIDS)
def test_edm_euler(spacing: str, steps: int) -> None:
    """The preconditioning is theirs too: c_in before the network, c_skip and c_out behind it."""
    times = times_of(GRIDS[spacing](steps, SCHEDULE))
    scheduler = diffusers.EDMEulerScheduler(sigma_schedule=spacing)
    scheduler.set_timesteps(steps)
    found = theirs(scheduler, sigmas_of(times), START * 80)
    bound = Bound(Preconditioned(network, SCHEDULE, 0.5, dtype=torch.float64), {"cond": None})
    for t, s, x, after in zip(times[:-1], times[1:], found[:-1], found[1:], strict=True):
        (step,) = sample(bound, x, from_times([t, s]), Euler(), PhiloxNoise(range(8)))
        close(step.x, after)


EDM_CASES: dict[str, tuple[Solver[Any], dict[str, Any]]] = {
    "2m": (DPMpp2M(), {}),
    "1": (Euler(), {"solver_order": 1}),
    "3m": (DPMpp3M("half"), {"solver_order": 3, "solver_type": "heun"}),
    "2m sde": (DPMpp2MSDE(), {"algorithm_type": "sde-dpmsolver++"}),
    "2m sde heun": (DPMpp2MSDE(1.0, "heun"), {"algorithm_type": "sde-dpmsolver++", "solver_type": "heun"}),
}


@pytest.mark.parametrize("spacing", GRIDS)
@pytest.mark.parametrize("name", EDM_CASES)
def test_edm_dpm_solver(name: str, spacing: str) -> None:
    solver, options = EDM_CASES[name]
    times = times_of(GRIDS[spacing](16, SCHEDULE))
    scheduler = diffusers.EDMDPMSolverMultistepScheduler(sigma_schedule=spacing, **options)
    scheduler.set_timesteps(16)
    sigmas, path = sigmas_of(times), Bridge(5)
    draw, calls = path_noise(path), iter(range(16))

    def drawn(*_: object, **__: object) -> Tensor:
        n = next(calls)
        return draw(sigmas[n], sigmas[n + 1]) if n < 15 else 0 * START

    with pytest.MonkeyPatch.context() as patch:
        where = importlib.import_module("diffusers.schedulers.scheduling_edm_dpmsolver_multistep")
        patch.setattr(where, "randn_tensor", drawn)
        found = theirs(scheduler, sigmas, START * 80)
    bound = Bound(Preconditioned(network, SCHEDULE, 0.5, dtype=torch.float64), {"cond": None})
    mine = sample(bound, START * 80, from_times(times), solver, path)
    for step, after in zip(mine, found[1:], strict=True):
        close(step.x, after)


@pytest.mark.parametrize("correction", ["midpoint", "heun"])
def test_cosine_dpm_solver(correction: Any) -> None:
    """Stable Audio's: DPM++ 2M SDE on exponential levels from 500 to 0.3; it asks with atan(sigma) for a time."""
    with standing_in(module("torchsde")):
        where = importlib.import_module("diffusers.schedulers.scheduling_cosine_dpmsolver_multistep")
    scheduler = where.CosineDPMSolverMultistepScheduler(solver_type=correction, prediction_type="epsilon")
    scheduler.set_timesteps(12)
    schedule = EDM(sigma_min=0.3, sigma_max=500.0)
    times = times_of(exponential(12, schedule, sigma_max=500.0))
    sigmas = schedule(torch.tensor(times, dtype=torch.float64)).sigma
    torch.testing.assert_close(scheduler.sigmas.double(), sigmas, rtol=1e-5, atol=1e-7)
    scheduler.sigmas, path = sigmas, Bridge(3)
    scheduler.noise_sampler = path_noise(path)
    bound = Bound(Preconditioned(network, schedule, 1.0, dtype=torch.float64), {"cond": None})
    x = START * 500
    mine = sample(bound, x, from_times(times), DPMpp2MSDE(1.0, correction), path)
    for n, (i, step) in enumerate(zip(scheduler.timesteps, mine, strict=True)):
        if n == 11:  # the path has no end at sigma = 0, where no noise enters
            scheduler.noise_sampler = lambda high, low: 0 * START
        noise_level = (sigmas[n].log() / 4).float().expand(len(x))
        x = scheduler.step(network(scheduler.scale_model_input(x, i), noise_level), i, x).prev_sample
        close(step.x, x)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction", "sample"])
def test_cogvideox_dpm(prediction_type: str) -> None:
    """Its steps are those of DPM++ 2M SDE, on a chain whose SNR it shifts; here that shift is off."""
    options = {"timestep_spacing": "leading", "steps_offset": 1, "set_alpha_to_one": True, "snr_shift_scale": 1.0}
    scheduler = precise(
        diffusers.CogVideoXDPMScheduler(**BETAS, **options, prediction_type=prediction_type, clip_sample=False)
    )
    scheduler.set_timesteps(10)
    stops = [int(i) for i in scheduler.timesteps]
    times = [(i + 1) / 1000 for i in stops] + [0.0]
    assert times[1:] == pytest.approx(ends(leading(10, TABLE))[1:])
    path, x, old = Bridge(7), START, None
    lam = [float(TABLE(t).log_snr) / 2 for t in times]
    mine = sample(Bound(mixture(TABLE), {}), START, from_times(times), DPMpp2MSDE(), path)
    for n, (i, step) in enumerate(zip(stops, mine, strict=True)):
        z = path.brownian(x.shape, lam[n], lam[n + 1]) / (lam[n + 1] - lam[n]) ** 0.5 if n < 9 else 0 * x
        output = target(prediction_type, x, torch.tensor(times[n]).double())
        back = stops[n - 1] if n else None
        with patched_noise("scheduling_dpm_cogvideox", z):
            x, old = scheduler.step(output, old, i, back, x)
        close(step.x, x)


def test_score_sde_ve() -> None:
    """Its predictor is DDPM with the forward variance, on levels equally spaced in log sigma; it corrects besides."""
    scheduler = diffusers.ScoreSdeVeScheduler(num_train_timesteps=12, sigma_min=0.01, sigma_max=50.0)
    scheduler.set_timesteps(12)
    scheduler.set_sigmas(12)
    schedule = EDM(sigma_min=0.01, sigma_max=50.0)
    times = times_of(exponential(12, schedule))
    sigmas = schedule(torch.tensor(times, dtype=torch.float64)).sigma
    torch.testing.assert_close(scheduler.discrete_sigmas.double().flip(0), sigmas[:-1], rtol=1e-5, atol=0)
    scheduler.discrete_sigmas = sigmas[:-1].flip(0)
    exact, noise, x = mixture(schedule), PhiloxNoise(range(8)), START * 50
    mine = sample(Bound(exact, {}), x, from_times(times), DDPM("forward"), noise)
    for n, step in enumerate(mine):
        prediction = exact(x, torch.tensor(times[n], dtype=torch.float64))
        score = -prediction.eps / prediction.level.sigma
        z = noise.normal((8, 3), Purpose.STEP, 256 * n).double()
        with patched_noise("scheduling_sde_ve", z):
            out = scheduler.step_pred(score, torch.tensor((11 - n) / 11 + 1e-6, dtype=torch.float64), x)
        x = out.prev_sample_mean if n == 11 else out.prev_sample
        close(step.x, x)
