"""Times and numbers of `fitted-2m`, found together from a model's own trajectories."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mezzotint.diffusion.solvers.fitted import Numbers, natural_strength
from mezzotint.diffusion.solvers.multistep import Point, point
from mezzotint.diffusion.timegrid.fit import Told
from mezzotint.diffusion.timegrid.fit_descent import most_steps, settled
from mezzotint.diffusion.timegrid.fit_ends import Share, Stop, Trial, allowed, ran, rounded

__all__ = ["StrengthFit", "fit_strengths"]

RIDGE = 1e-6
"""How firmly the numbers of a step are held to those of 2M, as a share of the features' mean square: only where the
features say next to nothing."""


@dataclass(frozen=True, slots=True)
class StrengthFit:
    """Times and the solver's numbers, and their error: the RMS distance of their ends to the true ones, for the shares
    that judge, or for all if none does."""

    times: tuple[float, ...]
    strengths: tuple[float, ...]
    kept: tuple[float, ...]
    gains: tuple[float, ...]
    steering: tuple[float, ...]
    error: float


def fit_strengths(
    shares: Sequence[Share], begun: Sequence[Sequence[float]], *, rounds: int = 6, told: Told | None = None
) -> StrengthFit:
    """The best times and numbers near the best of the grids in `begun`, for the shares, not all of which judge.

    1. On each grid, the numbers of a step are those that take the shares nearest to the truth at its end, from where
       the steps before led: least squares, three unknowns in as many equations as there are elements.
    2. From the best of these runs on, times and numbers are changed together until the ends are nearest to the true
       ones (`fit_descent.settled`, `rounds` at most). Where steps are few, the best way there is not along the truth.

    All of `begun` have as many times, which fall to 0.
    """
    steps = len(begun[0]) - 1
    most, done = len(begun) * steps + most_steps(steps, rounds) + steps, 0

    def tell(taken: int) -> None:
        nonlocal done
        done += taken
        if told is not None:
            told(min(done, most), most)

    trials = []
    for times in begun:
        trials.append(_greedy(shares, times))
        tell(steps)
    best = rounded(shares, settled(shares, min(trials, key=lambda trial: trial.error), rounds, tell))
    tell(most)
    judging = any(share.judges for share in shares)
    told_of = [(e, s.starts.numel()) for e, s in zip(best.errors, shares, strict=True) if s.judges or not judging]
    mean = sum(error**2 * size for error, size in told_of) / sum(size for _, size in told_of)
    strengths = tuple(one.strength for one in best.numbers if one.strength is not None)
    kept, gains, steering = (tuple(getattr(one, name) for one in best.numbers) for name in ("kept", "gain", "steering"))
    steering = (*steering, best.last)
    return StrengthFit(best.times, strengths, kept, gains, steering if any(steering) else (), math.sqrt(mean))


def _greedy(shares: Sequence[Share], times: Sequence[float]) -> Trial:
    """The run with these times whose every step ends nearest to the truth at its time."""
    levels = [point(shares[0].denoise.schedule(torch.tensor(time, dtype=torch.float64))) for time in times]

    def nearest(k: int, here: Sequence[Stop]) -> Numbers:
        own = [(stop, share.truth(times[k + 1])) for stop, share in zip(here, shares, strict=True) if not share.judges]
        stops, targets = zip(*own, strict=True)
        return least_squares(stops, targets, levels[k], levels[k + 1]) or _usual(levels, k)

    return ran(shares, times, nearest)


def least_squares(stops: Sequence[Stop], targets: Sequence[Tensor], high: Point, low: Point) -> Numbers | None:
    """The numbers of a step that lead nearest to the targets; None for any beyond what is allowed.

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
    strengths = [change / q if q else math.inf for change in rest]
    found = Numbers(strengths[0] if strengths else None, p, q)
    return found if allowed(found) else None


def _usual(levels: Sequence[Point], k: int) -> Numbers:
    """Those of 2M, for a step for which no usable ones are found."""
    at = [level.half_log_snr for level in levels[max(0, k - 1) : k + 2]]
    if len(at) < 3:
        return Numbers()
    return Numbers(natural_strength(at[2] - at[1], at[1] - at[0] if math.isfinite(at[0]) else 1.0))
