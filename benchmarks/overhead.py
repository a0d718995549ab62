"""What a solver's step costs outside the network: beside diffusers' step, and beside an evaluation of a model.

Times are medians of whole runs of 20 steps, without the last one, which the loop writes from x_0. The denoiser has its
prediction at hand. Noise is drawn apart: it is no part of a deterministic step, and most of a stochastic one.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from time import perf_counter
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from benchmarks.report import machine
from benchmarks.solver_runs import deterministic
from mezzotint import Pipeline
from mezzotint.diffusion import (
    SOLVERS,
    Bound,
    BoundDenoiser,
    PhiloxNoise,
    Prediction,
    Purpose,
    RectifiedFlow,
    Schedule,
    Solver,
    VPScaledLinear,
    pure_noise,
)
from mezzotint.diffusion.sampling import StepNoise
from mezzotint.diffusion.solvers.multistep import increment, point
from mezzotint.diffusion.timegrid import TimeGrid, times_of, trailing, uniform

__all__ = ["Ready", "beside_diffusers", "beside_model", "noise_drawing", "overhead"]

STEPS = 20
TABLE = VPScaledLinear()
PROMPT = "a red apple"
_BETAS: dict[str, Any] = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
_THIRD = {**_BETAS, "solver_order": 3}
PEERS: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "euler on rectified flow": ("FlowMatchEulerDiscreteScheduler", {}),
        "ddim": ("DDIMScheduler", {**_BETAS, "clip_sample": False}),
        "euler": ("EulerDiscreteScheduler", _BETAS),
        "lms": ("LMSDiscreteScheduler", _BETAS),
        "plms": ("PNDMScheduler", {**_BETAS, "skip_prk_steps": True}),
        "dpmpp-2m": ("DPMSolverMultistepScheduler", _BETAS),
        "dpmpp-3m": ("DPMSolverMultistepScheduler", _THIRD),
        "deis-3": ("DEISMultistepScheduler", _THIRD),
        "unipc-2": ("UniPCMultistepScheduler", _BETAS),
        "unipc-3": ("UniPCMultistepScheduler", _THIRD),
        "ipndm-4": ("IPNDMScheduler", {}),
        "heun": ("HeunDiscreteScheduler", _BETAS),
        "heun on rectified flow": ("FlowMatchHeunDiscreteScheduler", {}),
        "dpm-2": ("KDPM2DiscreteScheduler", _BETAS),
        "dpmpp-2s": ("DPMSolverSinglestepScheduler", _BETAS),
    }
)
"""Our solver, and diffusers' scheduler with its options that stands beside it. A scheduler's `step` belongs to an
evaluation, a step of ours may take two: times are of as many of theirs."""


@dataclass(frozen=True)
class Ready:
    """A denoiser that has its prediction at hand."""

    schedule: Schedule
    x0: Tensor

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        return Prediction(x_t, self.schedule(t), self.x0)


def stops(grid: TimeGrid) -> list[Tensor]:
    """The times of a grid without its last move."""
    return [torch.tensor(t, dtype=torch.float64) for t in times_of(grid)[:-1]]


def ramp(shape: Sequence[int]) -> Tensor:
    """Some numbers."""
    count = int(torch.Size(shape).numel())
    return torch.linspace(-1, 1, count).reshape(tuple(shape))


def step_us(solver: Solver[Any], denoise: Ready, times: Sequence[Tensor]) -> float:
    """Microseconds of one of our steps, the mean of a run."""
    x, noise = denoise.x0.flip(-1).contiguous(), StepNoise(PhiloxNoise([0]), 0)
    state = solver.init(x)
    begin = perf_counter()
    for t, s in pairwise(times):
        x, state = solver.step(denoise, x, t, s, state, noise)
    return (perf_counter() - begin) / (len(times) - 1) * 1e6


def their_us(build: Callable[[], Any], output: Tensor) -> float:
    """Microseconds of one of diffusers' steps, the mean of a run."""
    scheduler, x = build(), output.flip(-1).contiguous()
    scheduler.set_timesteps(STEPS)
    if hasattr(scheduler, "is_scale_input_called"):
        scheduler.is_scale_input_called = True  # it would warn, and take time for that
    begin = perf_counter()
    for i in scheduler.timesteps[:-1]:
        x = scheduler.step(output, i, x).prev_sample
    return (perf_counter() - begin) / (len(scheduler.timesteps) - 1) * 1e6


def beside_diffusers(repeats: int) -> dict[str, Any]:
    """Both programs' steps on a tensor of 1×4×64×64, in turn, so that both see the same machine."""
    import diffusers

    output, found = ramp((1, 4, 64, 64)), dict[str, Any]()
    times = stops(trailing(STEPS, TABLE))
    for name, (kind, options) in PEERS.items():
        solver, _, flow = name.partition(" on ")
        ready = Ready(RectifiedFlow() if flow else TABLE, output)
        build = partial(getattr(diffusers, kind), **options)
        grid, calls = stops(uniform(STEPS, RectifiedFlow())) if flow else times, SOLVERS[solver].evaluations or 1
        both = [(step_us(SOLVERS[solver].make(), ready, grid), calls * their_us(build, output)) for _ in range(repeats)]
        a, b = (statistics.median(values) for values in zip(*both, strict=True))
        label = "... order 3" if name in ("dpmpp-3m", "unipc-3") else kind
        found[name] = {"mezzotint_us": a, "diffusers_us": b, "ratio": a / b, "diffusers": label}
    return found


def evaluation_us(denoise: BoundDenoiser, x: Tensor) -> float:
    """Microseconds of an evaluation half way."""
    t = torch.tensor(0.5, dtype=torch.float64)
    begin = perf_counter()
    denoise(x, t)
    return (perf_counter() - begin) * 1e6


def beside_model(pipe: Pipeline, repeats: int) -> dict[str, Any]:
    """Steps of all deterministic solvers on the model's own tensor, and their share of an evaluation, in turn.

    An evaluation is the network on one picture with one prompt, without guidance, as drawing calls it.
    """
    model, shape = pipe.model, shape_of(pipe)
    schedule, steps = model.denoiser.schedule, {name: list[float]() for name in deterministic()}
    denoise = Bound(model.denoiser, {"cond": model.prepare([PROMPT], [None])})
    x, ready = pure_noise(schedule, shape, PhiloxNoise([0])), Ready(schedule, ramp(shape))
    times, evaluations = stops(uniform(STEPS, schedule)), list[float]()
    evaluation_us(denoise, x)  # the first is slower
    for _ in range(repeats):
        evaluations.append(evaluation_us(denoise, x))
        for name, values in steps.items():
            values.append(step_us(SOLVERS[name].make(), ready, times))
    whole = statistics.median(evaluations)
    medians = {name: statistics.median(values) for name, values in steps.items()}
    return {
        "model": model.name,
        "weights_sha256": model.weights_sha256,
        "shape": list(shape),
        "dtype": str(model.denoiser.dtype).removeprefix("torch."),
        "evaluation_us": whole,
        "solvers": {name: {"us": value, "share": value / whole} for name, value in medians.items()},
    }


def shape_of(pipe: Pipeline) -> tuple[int, int, int, int, int]:
    """The tensor of one picture."""
    _, down, across = pipe.model.codec.factors
    return (1, pipe.model.codec.channels, 1, pipe.model.size[1] // down, pipe.model.size[0] // across)


def noise_drawing(schedule: Schedule, shape: Sequence[int], repeats: int) -> dict[str, Any]:
    """Microseconds of a step's noise: normals, and an increment of the Brownian path along the steps of a run."""
    times, x = stops(uniform(STEPS, schedule)), torch.zeros(tuple(shape))
    places = [point(schedule(t)).half_log_snr for t in times]
    normals, increments = list[float](), list[float]()
    for _ in range(repeats):
        noise, begin = PhiloxNoise([0]), perf_counter()
        for draw in range(len(times) - 1):
            noise.normal(shape, Purpose.STEP, 256 * draw)
        middle = perf_counter()
        for a, b in pairwise(places):
            increment(noise, x, a, b)
        normals.append((middle - begin) / (len(times) - 1) * 1e6)
        increments.append((perf_counter() - middle) / (len(times) - 1) * 1e6)
    return {
        "shape": list(shape),
        "normal_us": statistics.median(normals),
        "brownian_us": statistics.median(increments),
    }


def overhead(model: str = "house", repeats: int = 30) -> dict[str, Any]:
    """The part of the benchmark: all of the above."""
    pipe = Pipeline.load(model, device="cpu")
    with torch.inference_mode():
        return {
            "machine": machine(),
            "solvers": beside_diffusers(repeats),
            "model": beside_model(pipe, repeats),
            "noise": noise_drawing(pipe.model.denoiser.schedule, shape_of(pipe), repeats),
        }
