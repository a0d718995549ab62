"""Grids fitted to a model: the N steps that take its own trajectories nearest to where many steps would take them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.sampling import sample
from mezzotint.diffusion.schedule import Schedule
from mezzotint.diffusion.solvers.base import Solver
from mezzotint.diffusion.timegrid import FALLING_GRIDS
from mezzotint.diffusion.timegrid.moves import TimeGrid, from_times, times_of
from mezzotint.errors import InvalidOption

__all__ = ["Fit", "fit_grid", "shortest_path", "step_costs"]


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted grid and its error: the RMS distance of its ends to those of the fine grid, over the starts."""

    grid: TimeGrid
    error: float
    error_before_refinement: float


def fit_grid(
    denoise: BoundDenoiser,
    starts: Tensor,
    fine: TimeGrid,
    solver: Solver[object],
    steps: int,
    noise: Noise,
    *,
    sweeps: int = 6,
    growth: float = 1.15,
) -> Fit:
    """The best grid of `steps` moves among the times of the fine one, for this solver.

    1. The trajectories of `starts` (B, ...) along `fine`, with its many steps, are the truth.
    2. Dynamic programming (Chen et al. 2024, GITS, arXiv 2405.11326, algorithm 1): the cost of a step from t_i to t_j
       is the RMS distance between a step of first order from the true x_i and the true x_j. The cheapest path of
       `steps` steps is taken; early costs count `growth` more per later step. It needs one evaluation a fine time.
    3. Refinement, which makes the grid fit the solver and not only the model: from the best of that path and the
       usual grids, times move along the fine grid, singly or with all after them, while that lowers the error of the
       whole run with the solver itself. `sweeps` rounds at most, ended when nothing moves; a round takes a few
       hundred runs of `steps` steps. 0 leaves it out.

    Raises InvalidOption if the fine grid has fewer steps than asked for, jumps, or does not end at 0.
    """
    times = times_of(fine)
    if steps < 1 or len(times) - 1 < steps or times[-1] != 0:
        raise InvalidOption(
            f"A grid of {steps} steps cannot be fitted to a fine grid of {len(times) - 1} steps that ends at "
            f"{times[-1]}; the fine grid needs more steps, and must end at 0."
        )
    predictions, ends = _trajectory(denoise, starts, fine, solver, noise)
    chosen = shortest_path(step_costs(denoise, predictions, times), steps, growth)

    def error(indices: Sequence[int]) -> float:
        *_, last = sample(denoise, starts, from_times([times[i] for i in indices]), solver, noise)
        return _rms(last.x - ends)

    before = error(chosen)
    if sweeps:
        rivals = [chosen, *_snapped(denoise.schedule, steps, times)]
        chosen = min(rivals, key=error)
    chosen, best = _refined(chosen, error, max(1, len(times) // (2 * steps)), sweeps)
    return Fit(from_times([times[i] for i in chosen]), best, before)


def _refined(
    chosen: list[int], error: Callable[[Sequence[int]], float], reach: int, sweeps: int
) -> tuple[list[int], float]:
    """Coordinate descent: one time moves, or all from one on move together; steps of `reach`, halved to 1."""
    best = error(chosen)
    for _ in range(sweeps):
        moved = False
        for place, distance in product(range(1, len(chosen) - 1), _halvings(reach)):
            for shift, last in product((-distance, distance), (place + 1, len(chosen) - 1)):
                trial = [index + shift * (place <= k < last) for k, index in enumerate(chosen)]
                if all(a < b for a, b in pairwise(trial)) and (found := error(trial)) < best:
                    chosen, best, moved = trial, found, True
        if not moved:
            break
    return chosen, best


def _snapped(schedule: Schedule, steps: int, times: Sequence[float]) -> list[list[int]]:
    """The usual grids, each time replaced by the nearest of the fine ones; those that keep all their steps."""
    found = []
    for build in FALLING_GRIDS.values():
        wanted = times_of(build(steps, schedule, start=times[0]))
        indices = [min(range(len(times)), key=lambda i, t=t: abs(times[i] - t)) for t in wanted]  # type: ignore[misc]
        if all(a < b for a, b in pairwise(indices)):
            found.append(indices)
    return found


def _halvings(reach: int) -> list[int]:
    found = []
    while reach >= 1:
        found.append(reach)
        reach //= 2
    return found


def _trajectory(
    denoise: BoundDenoiser, starts: Tensor, fine: TimeGrid, solver: Solver[object], noise: Noise
) -> tuple[list[Prediction], Tensor]:
    """What the model says at every fine time on its own trajectories, and where they end."""
    predictions, x = [], starts
    for step in sample(denoise, starts, fine, solver, noise):
        assert step.prediction is not None
        predictions.append(step.prediction)
        x = step.x
    return predictions, x


def step_costs(denoise: BoundDenoiser, predictions: Sequence[Prediction], times: Sequence[float]) -> Tensor:
    """cost[i, j], i < j: RMS of alpha_j x0_i + sigma_j eps_i − x_j, a first-order step from i; otherwise inf.

    predictions: at all times but the last, which is 0, where the truth is the last prediction's x_0. (N + 1, N + 1).
    """
    count = len(times)
    truth = [*(prediction.x_t for prediction in predictions), predictions[-1].x0]
    costs = torch.full((count, count), torch.inf, dtype=torch.float64)
    levels = [denoise.schedule(torch.tensor(t, dtype=torch.float64)) for t in times]
    for i, prediction in enumerate(predictions):
        eps = prediction.update_eps
        for j in range(i + 1, count):
            costs[i, j] = _rms(levels[j].noised(prediction.x0, eps) - truth[j])
    return costs


def shortest_path(costs: Tensor, steps: int, growth: float = 1.0) -> list[int]:
    """The indices 0 = i_0 < ... < i_n = N of least sum_k growth^(n − k) cost[i_{k−1}, i_k], n = steps."""
    best, came = costs[0].clone() * growth ** (steps - 1), list[Tensor]()
    for k in range(2, steps + 1):
        total = best[:, None] + growth ** (steps - k) * costs
        best, origin = total.min(dim=0)
        came.append(origin)
    path = [costs.shape[0] - 1]
    for origin in reversed(came):
        path.append(int(origin[path[-1]]))
    return [0, *reversed(path)]


def _rms(x: Tensor) -> float:
    return float(x.double().square().mean().sqrt())
