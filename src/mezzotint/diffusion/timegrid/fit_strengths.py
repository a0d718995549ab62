"""Times and numbers of `fitted-2m`, found together from a model's own trajectories."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.schedule import Schedule
from mezzotint.diffusion.solvers.fitted import MOST, Numbers, fitted_step, natural_strength
from mezzotint.diffusion.solvers.multistep import Point, point
from mezzotint.diffusion.timegrid.fit import Told

__all__ = ["Share", "StrengthFit", "fit_strengths"]

LONGEST, SHORTEST = 0.2, 0.05
"""Steps of the search for times, in half the log-SNR."""
RIDGE = 1e-6
"""How firmly the numbers of a step are held to those of 2M, as a share of the features' mean square: only where the
features say next to nothing."""


@dataclass(frozen=True, slots=True)
class StrengthFit:
    """Times and the solver's numbers, and their error: the RMS distance of their ends to the true ones."""

    times: tuple[float, ...]
    strengths: tuple[float, ...]
    kept: tuple[float, ...]
    gains: tuple[float, ...]
    error: float


@dataclass(frozen=True, slots=True)
class Share:
    """Some of the starts: the denoiser that is told their prompts, where they begin, and where the truth is at a time
    (0: where it ends)."""

    denoise: BoundDenoiser
    starts: Tensor
    truth: Callable[[float], Tensor]


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a share is before a step: the sample, what is said of it, and what was said before."""

    x: Tensor
    prediction: Prediction
    before: Tensor | None


@dataclass(frozen=True, slots=True)
class Trial:
    """A run of all shares: its times, the numbers of its steps but the last, stops by step and share, and errors."""

    times: tuple[float, ...]
    numbers: tuple[Numbers, ...]
    stops: tuple[tuple[Stop, ...], ...]
    errors: tuple[float, ...]


def fit_strengths(
    shares: Sequence[Share], begun: Sequence[Sequence[float]], *, sweeps: int = 30, told: Told | None = None
) -> StrengthFit:
    """The best times near the best of those in `begun`, with the numbers that are best on them, for the shares.

    The numbers of a step are those that take all shares nearest to the truth at its end, from where the steps before
    led: least squares, three unknowns in as many equations as there are elements. Coordinate descent over the times:
    one moves by up to 0.2 in half the log-SNR; where nothing helps any more, half as far, down to 0.05. A move must
    help every share: else few starts would be fitted. `sweeps` rounds at most. A trial takes only the steps after what
    it moves. All of `begun` have as many times, which fall to 0.
    """
    steps = len(begun[0]) - 1
    most, done = len(begun) * steps + 2 * sweeps * sum(steps - k + 1 for k in range(1, steps)), 0

    def tell(taken: int) -> None:
        nonlocal done
        done += taken
        if told is not None:
            told(min(done, most), most)

    trials = []
    for times in begun:
        trials.append(_tried(shares, tuple(times)))
        tell(steps)
    best = min(trials, key=lambda trial: math.hypot(*trial.errors))
    reach, schedule = LONGEST, shares[0].denoise.schedule
    for _ in range(sweeps):
        moved = False
        for place in range(1, steps):
            for by in (reach, -reach):
                times_moved = _moved(best.times, schedule, place, by)
                trial = None if times_moved is None else _tried(shares, times_moved, best, place - 1)
                tell(steps - place + 1)
                if trial is not None and all(a < b for a, b in zip(trial.errors, best.errors, strict=True)):
                    best, moved = trial, True
                    break
        if not moved:
            if reach <= SHORTEST:
                break
            reach /= 2
    tell(most)
    sizes = [share.starts.numel() for share in shares]
    mean = sum(error**2 * size for error, size in zip(best.errors, sizes, strict=True)) / sum(sizes)
    strengths = tuple(one.strength for one in best.numbers if one.strength is not None)
    kept, gains = (tuple(getattr(one, name) for one in best.numbers) for name in ("kept", "gain"))
    return StrengthFit(best.times, strengths, kept, gains, math.sqrt(mean))


def _tried(shares: Sequence[Share], times: tuple[float, ...], like: Trial | None = None, first: int = 0) -> Trial:
    """The run with these times, up to the step `first` that of `like`."""
    clock = [torch.tensor(time, dtype=torch.float64) for time in times]
    levels = [point(shares[0].denoise.schedule(time)) for time in clock]
    numbers = list(like.numbers[:first]) if like is not None else []
    stops = list(like.stops[: first + 1]) if like is not None else []
    if not stops:
        stops.append(tuple(Stop(one.starts, one.denoise(one.starts, clock[0]), None) for one in shares))
    for k in range(first, len(times) - 2):
        here, targets = stops[-1], [share.truth(times[k + 1]) for share in shares]
        found = least_squares(here, targets, levels[k], levels[k + 1]) or _usual(levels, k)
        numbers.append(found)
        after = []
        for share, stop in zip(shares, here, strict=True):
            x = fitted_step(stop.x, levels[k], levels[k + 1], stop.prediction.x0, stop.before, found)
            after.append(Stop(x, share.denoise(x, clock[k + 1]), stop.prediction.x0))
        stops.append(tuple(after))
    errors = [_rms(stop.prediction.x0 - share.truth(0.0)) for stop, share in zip(stops[-1], shares, strict=True)]
    return Trial(times, tuple(numbers), tuple(stops), tuple(errors))


def least_squares(stops: Sequence[Stop], targets: Sequence[Tensor], high: Point, low: Point) -> Numbers | None:
    """The numbers of a step that lead nearest to the targets, to six digits; None for any beyond what is allowed.

    x_s is linear in what is kept, in x_0 and in the change of x_0: each is a unit of p, of q and of q g.
    """
    ratio = low.sigma / high.sigma
    whole = low.alpha - ratio * high.alpha
    gram, right = torch.zeros(3, 3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    for stop, target in zip(stops, targets, strict=True):
        now = stop.prediction.x0
        change = torch.zeros_like(now) if stop.before is None else now - stop.before
        features = [(one * scale).double().flatten() for one, scale in ((stop.x, ratio), (now, whole), (change, whole))]
        wanted = target.double().flatten()
        gram += torch.stack([torch.stack([a @ b for b in features]) for a in features])
        right += torch.stack([a @ wanted for a in features])
    count = 2 if stops[0].before is None else 3
    ridge = RIDGE * float(gram.diagonal()[:count].mean()) * torch.eye(count, dtype=torch.float64)
    usual = torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64)[:count]
    p, q, *rest = torch.linalg.solve(gram[:count, :count] + ridge, right[:count] + ridge @ usual).tolist()
    values = [p, q, *(change / q for change in rest)] if q else [math.inf]
    if not all(math.isfinite(value) and abs(value) <= MOST for value in values):
        return None
    kept, gain, *strength = (float(f"{value:.6g}") for value in values)
    return Numbers(strength[0] if strength else None, kept, gain)


def _usual(levels: Sequence[Point], k: int) -> Numbers:
    """Those of 2M, for a step for which no usable ones are found."""
    at = [level.half_log_snr for level in levels[max(0, k - 1) : k + 2]]
    if len(at) < 3:
        return Numbers()
    return Numbers(natural_strength(at[2] - at[1], at[1] - at[0] if math.isfinite(at[0]) else 1.0))


def _moved(times: tuple[float, ...], schedule: Schedule, place: int, by: float) -> tuple[float, ...] | None:
    """The times with one of them moved in half the log-SNR; None where they would no longer fall."""
    there = schedule(torch.tensor(times[place], dtype=torch.float64)).log_snr + 2 * by
    changed = (*times[:place], float(schedule.time(there)), *times[place + 1 :])
    return changed if all(a > b for a, b in pairwise(changed)) else None


def _rms(x: Tensor) -> float:
    return float(x.double().square().mean().sqrt())
