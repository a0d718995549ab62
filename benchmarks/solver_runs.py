"""Our solvers and grids within a budget of evaluations."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from mezzotint.diffusion import SOLVERS, BoundDenoiser, PhiloxNoise, Schedule, Solver, TimeGrid, sample
from mezzotint.diffusion.timegrid import FALLING_GRIDS, karras, shifted

__all__ = ["BUDGETS", "FITTED", "GRIDS", "Run", "deterministic", "end", "our_runs", "rms", "steps_for", "usable"]

BUDGETS = (4, 5, 6, 8, 10, 15, 20, 30, 50)
FITTED = (6, 8)
"""Budgets for which grids are fitted."""
GRIDS: Mapping[str, Callable[..., TimeGrid]] = MappingProxyType(
    {
        **FALLING_GRIDS,
        **{f"shifted:shift={s}": partial(shifted, shift=s) for s in (2, 4, 6, 8)},
        **{f"karras:sigma_min={s}": partial(karras, sigma_min=s) for s in (0.05, 0.3)},
    }
)
"""Our grids by spec: as they are, and with the options that peers have to tune too."""
Run = Callable[[BoundDenoiser, Tensor], Tensor]
"""Where a sampler ends from x, noise of unit variance; nan where it fails."""


def deterministic() -> list[str]:
    """Our solvers that have an order, each map once."""
    return [name for name, r in SOLVERS.items() if r.make().order is not None and r.same_as is None]


def end(denoise: BoundDenoiser, x: Tensor, grid: TimeGrid, solver: str | Solver[Any]) -> Tensor:
    """Where one of our solvers ends."""
    takes = SOLVERS[solver].make() if isinstance(solver, str) else solver
    for step in sample(denoise, x, grid, takes, PhiloxNoise(range(len(x)))):
        x = step.x  # a thousand steps are not kept
    return x


def steps_for(solver: str, budget: int, pure_noise: bool = True) -> int:
    """The most steps within a budget; the last one, to t = 0, costs one evaluation, and a warm-up what it costs.

    pure_noise: whether the start is at alpha = 0, as on rectified flow, where a warm-up may cost less.
    """
    record = SOLVERS[solver]
    assert record.evaluations is not None
    steps, spent = 1, 1
    warm_up = record.warm_up if record.from_pure_noise is None or not pure_noise else record.from_pure_noise
    while (spent := spent + (*warm_up, *[record.evaluations] * steps)[steps - 1]) <= budget:
        steps += 1
    return steps


def our_runs(
    schedule: Schedule, budget: int, names: Iterable[str], grids: Iterable[str] = tuple(GRIDS)
) -> dict[str, Run]:
    """Solvers × grids, as "SOLVER, GRID"; those that cannot take two steps are left out."""
    runs: dict[str, Run] = {}
    pure_noise = bool(schedule(torch.tensor(1.0, dtype=torch.float64)).alpha == 0)
    for name in names:
        steps = steps_for(name, budget, pure_noise)
        for grid_name in grids if steps > 1 else ():
            grid = GRIDS[grid_name](steps, schedule)
            runs[f"{name}, {grid_name}"] = lambda d, x, g=grid, n=name: end(d, x, g, n)  # type: ignore[misc]
    return runs


def rms(a: Tensor, b: Tensor) -> float:
    """The root of the mean square of the difference."""
    return float((a - b).double().square().mean().sqrt())


def usable(error: float) -> float:
    """An error, infinite where a run failed."""
    return error if error == error else torch.inf
