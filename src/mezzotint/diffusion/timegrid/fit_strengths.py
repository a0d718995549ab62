"""Times and strengths of `fitted-2m`, found together from a model's own trajectories."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.sampling import StepNoise
from mezzotint.diffusion.solvers.fitted import Fitted2M, natural_strength
from mezzotint.diffusion.timegrid.fit import Known, Stop, Told

__all__ = ["Share", "StrengthFit", "fit_strengths"]

LONGEST, SHORTEST = 0.2, 0.05
"""Steps of the search: of a strength, and of a time in half the log-SNR."""
Point = tuple[tuple[float, ...], tuple[float, ...]]
"""Times and strengths."""


@dataclass(frozen=True, slots=True)
class StrengthFit:
    """Times and strengths, and their error: the RMS distance of their ends to the true ones."""

    times: tuple[float, ...]
    strengths: tuple[float, ...]
    error: float


@dataclass(slots=True)
class Share:
    """Some of the starts: the denoiser that is told their prompts, where they begin, and where they should end."""

    denoise: BoundDenoiser
    starts: Tensor
    ends: Tensor
    noise: Noise
    _kept: list[Stop] = field(default_factory=list)
    _made: list[Stop] = field(default_factory=list)

    def error(self, point: Point, first: int = 0) -> float:
        """The RMS distance for these times and strengths; steps before `first` are those of the run that was kept."""
        times, strengths = point
        solver = Fitted2M(strengths)
        made, x, state = self._kept[:first], self.starts, solver.init(self.starts)
        for k in range(first, len(times) - 1):
            known = self._kept[k] if k == first and k < len(self._kept) else None
            if known is not None:
                x, state = known.x, known.state  # type: ignore[assignment]
            t, s = (torch.tensor(time, dtype=torch.float64) for time in times[k : k + 2])
            here = Known(self.denoise, x, float(t), known.prediction if known else None)
            before = x, state
            if times[k + 1] == 0:
                x = here(x, t).x0
            else:
                x, state = solver.step(here, x, t, s, state, StepNoise(self.noise, k))
            assert here.prediction is not None
            made.append(Stop(*before, here.prediction))
        self._made = made
        return float((x - self.ends).double().square().mean().sqrt())

    def keep(self) -> None:
        """Others will begin as the run that was made last."""
        self._kept = self._made


def fit_strengths(
    shares: Sequence[Share], times: Sequence[float], *, sweeps: int = 30, told: Told | None = None
) -> StrengthFit:
    """The best times and strengths near the given times and 2M's own strengths, for the shares of the starts.

    Coordinate descent: a strength moves by up to 0.2, or a time by as much in half the log-SNR; where nothing helps
    any more, half as far, down to 0.05. A move must help every share: else few starts would be fitted. `sweeps` rounds
    at most. A trial takes only the steps after what it moves, and of the later shares only where the first gained.
    """
    schedule = shares[0].denoise.schedule
    lambdas = [float(schedule(torch.tensor(t, dtype=torch.float64)).log_snr) / 2 for t in times[:-1]]
    natural = []
    for k in range(1, len(times) - 2):
        before = lambdas[k] - lambdas[k - 1]
        natural.append(natural_strength(lambdas[k + 1] - lambdas[k], before if math.isfinite(before) else 1.0))
    most, done = 2 * sweeps * sum(len(times) - first for _, first in _places(len(times))), 0
    best: Point = tuple(times), tuple(natural)
    errors = [share.error(best) for share in shares]
    for share in shares:
        share.keep()
    reach = LONGEST
    for _ in range(sweeps):
        moved = False
        for place, first in _places(len(times)):
            for by in (reach, -reach):
                trial = _moved(best, lambdas, place, by, shares[0])
                found = None if trial is None else _better(shares, trial, first, errors)
                done += len(times) - first
                if told is not None:
                    told(done, most)
                if trial is not None and found is not None:
                    best, errors, moved = trial, found, True
                    lambdas[1:] = [_half_log_snr(shares[0], t) for t in best[0][1:-1]]
                    break
        if not moved:
            if reach <= SHORTEST:
                break
            reach /= 2
    if told is not None:
        told(most, most)
    sizes = [share.starts.numel() for share in shares]
    mean = sum(error**2 * size for error, size in zip(errors, sizes, strict=True)) / sum(sizes)
    return StrengthFit(best[0], best[1], math.sqrt(mean))


def _places(count: int) -> list[tuple[int, int]]:
    """What may move: strengths as their number from 1, times as theirs below 0; and the first step that changes.

    The step k − 1 ends at the time k. The first step has no strength, and the last one, to t = 0, neither.
    """
    steps = count - 1
    strengths = [(k, k) for k in range(1, steps - 1)]
    return strengths + [(-k, k - 1) for k in range(1, steps)]


def _moved(point: Point, lambdas: Sequence[float], place: int, by: float, share: Share) -> Point | None:
    """Times and strengths with one of them moved; None where the times would no longer fall."""
    times, strengths = list(point[0]), list(point[1])
    if place > 0:
        strengths[place - 1] += by
        return tuple(times), tuple(strengths)
    there = torch.tensor(2 * (lambdas[-place] + by), dtype=torch.float64)
    times[-place] = float(share.denoise.schedule.time(there))
    falls = all(a > b for a, b in pairwise(times))
    return (tuple(times), tuple(strengths)) if falls else None


def _half_log_snr(share: Share, t: float) -> float:
    return float(share.denoise.schedule(torch.tensor(t, dtype=torch.float64)).log_snr) / 2


def _better(shares: Sequence[Share], trial: Point, first: int, errors: Sequence[float]) -> list[float] | None:
    """The errors of a trial if all of them are lower, and its runs are kept."""
    found = []
    for share, error in zip(shares, errors, strict=True):
        found.append(share.error(trial, first))
        if found[-1] >= error:
            return None
    for share in shares:
        share.keep()
    return found
