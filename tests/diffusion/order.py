"""How the order of a solver is measured, on exact denoisers, in float64.

The interval is interior: t = 1 and the step written from x_0 are outside it. The error is the root mean square distance
to the exact trajectory, over starts spread over the distribution and over the four quarter points of the interval: at
one point alone, the leading error can cancel by accident (DPM-Solver++ 2M does so on the Gaussian). The order is the
slope of log(error) over log(steps), by least squares. End to end the interval begins at log-SNR 1, where x_0 moves:
below, the first steps are so nearly exact that a warm-up of lower order does not show at these numbers of steps.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from mezzotint.diffusion import (
    EDM,
    Bound,
    Gaussian,
    GaussianMixture,
    Level,
    PhiloxNoise,
    RectifiedFlow,
    Schedule,
    Solver,
    VPCosine,
    from_times,
    sample,
)
from mezzotint.diffusion.sampling import StepNoise
from mezzotint.diffusion.solvers.coordinate import COORDINATES, coordinate_on
from mezzotint.diffusion.solvers.unipc import Pending

Exact = Gaussian | GaussianMixture

SCHEDULES: dict[str, Schedule] = {"vp-cosine": VPCosine(), "rectified-flow": RectifiedFlow(), "edm": EDM()}
FORMULA_INTERVAL = (-1.0, 2.0)
END_TO_END_INTERVAL = (1.0, 3.0)
STEPS = (48, 96)
WEAK_ORDER_2 = (
    *("dpmpp-2m-sde", "dpmpp-2m-sde-heun", "dpmpp-3m-sde", "dpmpp-sde", "seeds-2", "seeds-3", "sa-solver"),
    *("er-sde-2", "er-sde-3", "dpm-2-ancestral", "dpmpp-2s-ancestral"),
)
"""Stochastic solvers whose mean and variance converge as steps^−2; those of the others do as 1/steps."""


def float64(values: Sequence[float] | float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


@cache
def exact_denoisers(schedule: Schedule) -> dict[str, Exact]:
    """A Gaussian of variance 0.25 and a two-component mixture, in one dimension."""
    mixture = GaussianMixture(schedule, float64([[-1.0], [0.6]]), float64([0.05, 0.1]), float64([0.4, 0.6]))
    return {"gaussian": Gaussian(schedule, mean=0.3, variance=0.25), "mixture": mixture}


def starts(level: Level) -> Tensor:
    """Points spread over x_t, (64, 1)."""
    spread = torch.hypot(level.alpha, level.sigma)
    return torch.linspace(-1.5, 1.5, 64, dtype=torch.float64)[:, None] * spread


def times_between(
    schedule: Schedule, coordinate: str, steps: int, before: int = 0, interval: tuple[float, float] = (-3.0, 3.0)
) -> list[Tensor]:
    """The times of a grid of `steps` steps that is uniform in the coordinate, with `before` earlier points."""
    u = COORDINATES[coordinate]
    ends = [u.value(schedule(schedule.time(log_snr))) for log_snr in interval]
    grid = [torch.lerp(ends[0], ends[1], float64(i / steps)) for i in range(-before, steps + 1)]
    return [schedule.time(u.log_snr(value)) for value in grid]


def formula_error(solver: Solver[Any], exact: Exact, steps: int, history: int = 4) -> float:
    """The error with the solver's history taken from the exact trajectory, on a grid uniform in its coordinate."""
    coordinate = coordinate_on(solver.coordinate, exact.schedule)
    times = times_between(exact.schedule, coordinate, steps, history, FORMULA_INTERVAL)
    first = times[history]
    denoise, x = Bound(exact, {}), starts(exact.schedule(first))
    noise = PhiloxNoise(range(len(x)))
    state = solver.init(x)
    for t, s in pairwise(times[: history + 1]):
        true = truth(exact, float(first), float(t))
        _, state = solver.step(denoise, true, t, s, state, StepNoise(noise, 0))
        if isinstance(state, Pending):  # a corrector would carry the error of its own first steps on
            state = replace(state, x=true)
    path = []
    for t, s in pairwise(times[history:]):
        x, state = solver.step(denoise, x, t, s, state, StepNoise(noise, 0))
        path.append((s, x))
    return _distance(path, exact, first)


def end_to_end_error(solver: Solver[Any], exact: Exact, steps: int) -> float:
    """The error of the sampling loop as it runs, on a grid whose steps differ: uniform in sigma / (alpha + sigma)."""
    times = times_between(exact.schedule, "flow", steps, interval=END_TO_END_INTERVAL)
    start = starts(exact.schedule(times[0]))
    noise = PhiloxNoise(range(len(start)))
    run = sample(Bound(exact, {}), start, from_times([float(t) for t in times]), solver, noise)
    path = [(t, step.x) for t, step in zip(times[1:], run, strict=True)]
    return _distance(path, exact, times[0])


@cache
def truth(exact: Exact, first: float, t: float) -> Tensor:
    """Where the starts at a time are at another; remembered, since solvers share their grids."""
    return exact.flow(starts(exact.schedule(float64(first))), float64(first), float64(t))


def _distance(path: Sequence[tuple[Tensor, Tensor]], exact: Exact, first: Tensor) -> float:
    quarters = [path[len(path) * k // 4 - 1] for k in (1, 2, 3, 4)]
    squares = torch.stack([(x - truth(exact, float(first), float(t))).square().mean() for t, x in quarters])
    return float(squares.mean().sqrt())


def slope(errors: Sequence[float], steps: Sequence[int] = STEPS) -> float:
    """The order: minus the least-squares slope of log(error) over log(steps)."""
    x, y = [math.log(n) for n in steps], [math.log(e) for e in errors]
    mx, my = sum(x) / len(x), sum(y) / len(y)
    return -sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)
