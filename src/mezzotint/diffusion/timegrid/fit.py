"""Grids fitted to a model: the N steps that take its own trajectories nearest to where many steps would take them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, product

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.sampling import StepNoise, sample
from mezzotint.diffusion.schedule import Schedule
from mezzotint.diffusion.solvers.base import Solver
from mezzotint.diffusion.timegrid import FALLING_GRIDS, shifted
from mezzotint.diffusion.timegrid.moves import TimeGrid, from_times, times_of
from mezzotint.errors import InvalidOption

__all__ = ["Counted", "Fit", "Known", "Path", "Stop", "Told", "fit_grid", "shortest_path", "step_costs"]

SHIFTS = (1.5, 2.0, 4.0, 6.0, 8.0)
"""Strengths of shifted grids that a fit may begin from, besides the usual grids."""
SWEEPS = 6
"""Rounds of a refinement, at most, unless told otherwise."""
Told = Callable[[int, int], None]
"""Hears how many predictions of a batch were made so far, and how many there may be at most."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted grid and its error: the RMS distance of its ends to `ends`, those of the fine grid, over the starts.
    path: the true trajectories, at the fine times."""

    grid: TimeGrid
    error: float
    error_before_refinement: float
    ends: Tensor
    path: "Path"


@dataclass(frozen=True, slots=True)
class Path:
    """Trajectories (B, ...) at some times, which fall to 0."""

    times: tuple[float, ...]
    states: tuple[Tensor, ...]

    def at(self, t: float, which: slice | Sequence[int] = slice(None)) -> Tensor:
        """Where they are at a time, on the straight line between the two nearest ones; which: of these pictures."""
        place = next((i for i, time in enumerate(self.times) if time <= t), len(self.times) - 1)
        if place == 0 or self.times[place] == t:
            return self.states[place][which]
        high, low = self.times[place - 1], self.times[place]
        return torch.lerp(self.states[place - 1][which], self.states[place][which], (high - t) / (high - low))


def fit_grid(
    denoise: BoundDenoiser,
    starts: Tensor,
    fine: TimeGrid,
    solver: Solver[object],
    steps: int,
    noise: Noise,
    *,
    sweeps: int = SWEEPS,
    growth: float = 1.15,
    told: Told | None = None,
) -> Fit:
    """The best grid of `steps` moves among the times of the fine one, for this solver.

    1. The trajectories of `starts` (B, ...) along `fine`, with its many steps, are the truth.
    2. Dynamic programming (Chen et al. 2024, GITS, arXiv 2405.11326, algorithm 1): the cost of a step from t_i to t_j
       is the RMS distance between a step of first order from the true x_i and the true x_j. The cheapest path of
       `steps` steps is taken; early costs count `growth` more per later step. It needs one evaluation a fine time.
    3. Refinement, which makes the grid fit the solver and not only the model: from the best of that path and the
       usual grids, times move along the fine grid, singly or with all after them, while that lowers the error of the
       whole run with the solver itself. `sweeps` rounds at most, ended when nothing moves; a round takes up to a few
       hundred runs of `steps` steps, of which only the part after the moved time is computed. 0 leaves it out.
       A move must help both halves of the starts, every other one and the rest: else few starts would be fitted.

    Raises InvalidOption if the fine grid has fewer steps than asked for, jumps, or does not end at 0.
    """
    times = times_of(fine)
    if steps < 1 or len(times) - 1 < steps or times[-1] != 0:
        raise InvalidOption(
            f"A grid of {steps} steps cannot be fitted to a fine grid of {len(times) - 1} steps that ends at "
            f"{times[-1]}; the fine grid needs more steps, and must end at 0."
        )
    reach = max(1, len(times) // (2 * steps))
    rivals = _snapped(denoise.schedule, steps, times) if sweeps else []
    runs_at_most = len(rivals) + 2 + sweeps * len(_trials(reach, steps)) / 2  # a trial is half a run, on average
    counted = Counted(denoise, told, len(fine) + round(steps * runs_at_most))
    predictions, ends = _trajectory(counted, starts, fine, solver, noise)
    counted.most = round(counted.done * (1 + steps * runs_at_most / len(fine)))  # now that the cost of a step is known
    chosen = shortest_path(step_costs(denoise, predictions, times), steps, growth)
    runs = Runs(counted, starts, times, solver, noise, ends)
    before = runs.error(chosen)
    chosen = min([chosen, *rivals], key=lambda path: math.hypot(*runs.halves(path)))
    chosen = refined(chosen, runs, reach, sweeps)
    best = runs.error(chosen)
    counted.finished()
    path = Path(tuple(times), (*(prediction.x_t for prediction in predictions), ends))
    return Fit(from_times([times[i] for i in chosen]), best, before, ends, path)


@dataclass(slots=True)
class Counted:
    """A denoiser that tells how often it was asked."""

    denoise: BoundDenoiser
    told: Told | None
    most: int
    done: int = 0

    @property
    def schedule(self) -> Schedule:
        return self.denoise.schedule

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        prediction = self.denoise(x_t, t, to=to)
        self.done += 1
        self.most = max(self.most, self.done)
        if self.told is not None:
            self.told(self.done, self.most)
        return prediction

    def finished(self) -> None:
        """No more will come."""
        if self.told is not None:
            self.told(self.done, self.done)


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a run is before a step: the sample, the solver's state, and what the denoiser says there."""

    x: Tensor
    state: object
    prediction: Prediction


@dataclass(slots=True)
class Known:
    """A denoiser at one point where its answer is known, so that it need not be asked again."""

    denoise: BoundDenoiser
    x: Tensor
    t: float
    prediction: Prediction | None = None

    @property
    def schedule(self) -> Schedule:
        return self.denoise.schedule

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        if x_t is not self.x or float(t) != self.t:
            return self.denoise(x_t, t, to=to)
        if self.prediction is None:
            self.prediction = self.denoise(x_t, t, to=to)
        return self.prediction


class Runs:
    """The errors of whole runs. A run begins where it leaves the one that was kept, and none is made twice."""

    def __init__(
        self,
        denoise: Counted,
        starts: Tensor,
        times: Sequence[float],
        solver: Solver[object],
        noise: Noise,
        ends: Tensor,
    ) -> None:
        self._denoise, self._starts, self._times = denoise, starts, times
        self._solver, self._noise, self._ends = solver, noise, ends
        self._halves: dict[tuple[int, ...], tuple[float, float]] = {}
        self._kept: dict[tuple[int, ...], Stop] = {}
        self._last: tuple[tuple[int, ...], dict[tuple[int, ...], Stop]] = ((), {})

    def error(self, indices: Sequence[int]) -> float:
        """The RMS distance of the run's ends to the true ones, over all starts."""
        return _rms(self._end(tuple(indices)) - self._ends)

    def halves(self, indices: Sequence[int]) -> tuple[float, float]:
        """The same over every other start, and over the rest; of a single start, twice the same."""
        key = tuple(indices)
        if key not in self._halves:
            off = self._end(key) - self._ends
            self._halves[key] = _rms(off[::2]), _rms(off[1::2] if len(off) > 1 else off)
        return self._halves[key]

    def keep(self, indices: Sequence[int]) -> None:
        """Remember the stops of this run; others may begin like it."""
        if self._last[0] != tuple(indices):
            self._end(tuple(indices))
        self._kept = self._last[1]

    def _end(self, indices: tuple[int, ...]) -> Tensor:
        x, state, stops = self._starts, self._solver.init(self._starts), dict[tuple[int, ...], Stop]()
        clock = [torch.tensor(self._times[i], dtype=torch.float64) for i in indices]
        for k in range(len(indices) - 1):
            prefix = indices[: k + 1]
            if indices[: k + 2] in self._kept:  # the next stop is known too, so this step need not be taken
                stops[prefix] = self._kept[prefix]
                after = self._kept[indices[: k + 2]]
                x, state = after.x, after.state
                continue
            known = self._kept.get(prefix)
            here = Known(self._denoise, x, float(clock[k]), known.prediction if known else None)
            before = x, state
            if clock[k + 1] == 0:
                x = here(x, clock[k]).x0
            else:
                x, state = self._solver.step(here, x, clock[k], clock[k + 1], state, StepNoise(self._noise, k))
            if here.prediction is not None:
                stops[prefix] = Stop(*before, here.prediction)
        self._last = indices, stops
        return x


def _trials(reach: int, steps: int) -> list[tuple[int, int, int]]:
    """What may be tried in a round: (the time that moves, by how much, the first time after it that stays)."""
    found = []
    for place, distance in product(range(1, steps), _halvings(reach)):
        for shift, last in product((-distance, distance), dict.fromkeys((place + 1, steps))):
            found.append((place, shift, last))
    return found


def refined(chosen: list[int], runs: Runs, reach: int, sweeps: int) -> list[int]:
    """Coordinate descent: one time moves, or all from one on move together; steps of `reach`, halved to 1."""
    best = runs.halves(chosen)
    if sweeps:
        runs.keep(chosen)
    for _ in range(sweeps):
        moved = False
        for place, shift, last in _trials(reach, len(chosen) - 1):
            trial = [index + shift * (place <= k < last) for k, index in enumerate(chosen)]
            if not all(a < b for a, b in pairwise(trial)):
                continue
            found = runs.halves(trial)
            if found[0] < best[0] and found[1] < best[1]:
                runs.keep(trial)
                chosen, best, moved = trial, found, True
        if not moved:
            break
    return chosen


def _snapped(schedule: Schedule, steps: int, times: Sequence[float]) -> list[list[int]]:
    """The usual grids, each time replaced by the nearest of the fine ones; those that keep all their steps."""
    builds: list[Callable[..., TimeGrid]] = [*FALLING_GRIDS.values()]
    builds += [partial(shifted, shift=strength) for strength in SHIFTS]
    found = []
    for build in builds:
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
        predictions.append(step.prediction.replace(branches={}))  # nothing reads these, and they are large
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
