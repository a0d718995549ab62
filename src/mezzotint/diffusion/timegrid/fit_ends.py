"""Times and numbers of `fitted-2m` that take whole runs nearest to where the truth ends, by Levenberg and Marquardt."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.solvers.fitted import MOST, Numbers, fitted_step
from mezzotint.diffusion.solvers.multistep import point

__all__ = ["Share", "Stop", "Trial", "allowed", "ran", "round_cost", "rounded", "settled"]

NUDGE, NUDGE_OF_TIME = 2e-3, 4e-3
"""By how much a number, and half the log-SNR of a time, is moved to see what follows."""
LEAST_DAMPING, HARDER, TRIES = 1e-4, 8.0, 6
"""The damping is this at least; where a step does not help, this many times more, and this often."""
ENOUGH = 2e-3
"""A round that lowers the error by less, as a share of it, is the last."""


@dataclass(frozen=True, slots=True)
class Share:
    """Some of the starts: the denoiser that is told their prompts, where they begin, and where the truth is at a time
    (0: where it ends). judges: nothing is fitted to it; it says whether what is fitted to the others holds for more."""

    denoise: BoundDenoiser
    starts: Tensor
    truth: Callable[[float], Tensor]
    judges: bool = False


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

    @property
    def error(self) -> float:
        """The root of the sum of the squares of the shares' errors."""
        return math.hypot(*self.errors)

    @property
    def ends(self) -> list[Tensor]:
        """Where the shares end: what is said of x_0 at the last time above 0."""
        return [stop.prediction.x0 for stop in self.stops[-1]]


Chosen = Callable[[int, Sequence[Stop]], Numbers]
"""The numbers of a step, from its place and where the shares are before it."""


def ran(
    shares: Sequence[Share], times: Sequence[float], numbers: Chosen, like: Trial | None = None, first: int = 0
) -> Trial:
    """The run with these times and numbers, up to the step `first` that of `like`."""
    clock = [torch.tensor(time, dtype=torch.float64) for time in times]
    levels = [point(shares[0].denoise.schedule(time)) for time in clock]
    taken = list(like.numbers[:first]) if like is not None else []
    stops = list(like.stops[: first + 1]) if like is not None else []
    if not stops:
        stops.append(tuple(Stop(one.starts, one.denoise(one.starts, clock[0]), None) for one in shares))
    for k in range(first, len(times) - 2):
        here = stops[-1]
        taken.append(numbers(k, here))
        after = []
        for share, stop in zip(shares, here, strict=True):
            x = fitted_step(stop.x, levels[k], levels[k + 1], stop.prediction.x0, stop.before, taken[k])
            after.append(Stop(x, share.denoise(x, clock[k + 1]), stop.prediction.x0))
        stops.append(tuple(after))
    errors = (_rms(stop.prediction.x0 - share.truth(0.0)) for stop, share in zip(stops[-1], shares, strict=True))
    return Trial(tuple(times), tuple(taken), tuple(stops), tuple(errors))


@dataclass(frozen=True, slots=True)
class Unknown:
    """One of what is sought.

    what: of the step, how much is kept of x (p), the gain of x_0 (q) or that of its change (q g); or half the log-SNR
    of the time that it leads to. x_s is linear in the first three.
    """

    step: int
    what: Literal["kept", "gain", "change", "time"]


def unknowns(steps: int) -> list[Unknown]:
    """Those of a run; the last step takes x_0 and has none, the first has no change of x_0."""
    kinds: tuple[Literal["kept", "gain", "change", "time"], ...] = ("kept", "gain", "change", "time")
    return [Unknown(step, what) for step in range(steps - 1) for what in kinds if step or what != "change"]


def round_cost(steps: int) -> int:
    """How many steps a round of `settled` makes, with one trial."""
    return sum(steps - unknown.step for unknown in unknowns(steps)) + steps


def settled(shares: Sequence[Share], trial: Trial, rounds: int, told: Callable[[int], None] = lambda _: None) -> Trial:
    """The run nearest to where the truth ends that Levenberg–Marquardt finds from this one on (Marquardt 1963,
    doi 10.1137/0111030): with J the derivatives of all ends by the unknowns u and r what is missing,

        u' = u + (JᵀJ + μ (diag JᵀJ + δ))⁻¹ Jᵀ r,

    δ a thousandth of the mean of the diagonal. J is found by moving each unknown a little, and making the steps after
    it; so nothing is kept for a backward pass, and any denoiser will do that computes in float32 or better. A round
    costs about 2 N steps for each of N steps, and at most six runs. J and r are those of the shares that do not judge,
    but a step must help every share; where it does not, μ grows. `rounds` at most. told: hears how many steps were made
    since it heard last.
    """
    damping, steps = LEAST_DAMPING, len(trial.times) - 1
    for _ in range(rounds):
        gram, right = normal_equations(shares, trial, told)
        if not gram.any():  # whatever is changed, the ends stay
            return trial
        for _ in range(TRIES):
            scale = gram.diagonal() + 1e-3 * gram.diagonal().mean()
            move = torch.linalg.solve(gram + damping * torch.diag(scale), right).tolist()
            found = moved(shares, trial, dict(zip(unknowns(steps), move, strict=True)))
            told(steps)
            if found is not None and all(a < b for a, b in zip(found.errors, trial.errors, strict=True)):
                break
            damping *= HARDER
        else:
            return trial
        gained = 1 - found.error / trial.error
        trial, damping = found, max(damping / HARDER, LEAST_DAMPING)
        if gained < ENOUGH:
            break
    return trial


def normal_equations(shares: Sequence[Share], trial: Trial, told: Callable[[int], None]) -> tuple[Tensor, Tensor]:
    """JᵀJ and Jᵀr, in float64."""
    steps, columns = len(trial.times) - 1, list[list[Tensor]]()
    for unknown in unknowns(steps):
        by = NUDGE_OF_TIME if unknown.what == "time" else NUDGE
        there = moved(shares, trial, {unknown: by})
        if there is None:  # it is as large as it may be
            by = -by
            there = moved(shares, trial, {unknown: by}) or trial
        told(steps - unknown.step)
        columns.append([(a - b) / by for a, b in zip(there.ends, trial.ends, strict=True)])
    count = len(columns)
    gram, right = torch.zeros(count, count, dtype=torch.float64), torch.zeros(count, dtype=torch.float64)
    for place, (share, end) in enumerate(zip(shares, trial.ends, strict=True)):
        if share.judges:
            continue
        rows = torch.stack([column[place].double().flatten() for column in columns])
        gram += (rows @ rows.T).cpu()
        right += (rows @ (share.truth(0.0) - end).double().flatten()).cpu()
    return gram, right


def moved(shares: Sequence[Share], trial: Trial, by: Mapping[Unknown, float]) -> Trial | None:
    """The run with some unknowns changed; None where times would not fall, or a number be beyond what is allowed."""
    changes = {(unknown.step, unknown.what): change for unknown, change in by.items()}
    numbers, times, schedule = list(trial.numbers), list(trial.times), shares[0].denoise.schedule
    for k, old in enumerate(trial.numbers):
        kept = old.kept + changes.get((k, "kept"), 0.0)
        gain = old.gain + changes.get((k, "gain"), 0.0)
        strength = old.strength
        if strength is not None:
            change = old.gain * strength + changes.get((k, "change"), 0.0)
            strength = change / gain if gain else math.inf
        numbers[k] = Numbers(strength, kept, gain)
        if earlier := changes.get((k, "time")):
            log_snr = schedule(torch.tensor(times[k + 1], dtype=torch.float64)).log_snr
            times[k + 1] = float(schedule.time(log_snr + 2 * earlier))
    if not (all(a > b for a, b in pairwise(times)) and all(map(allowed, numbers))):
        return None
    return ran(shares, times, lambda k, _: numbers[k], trial, min(unknown.step for unknown in by))


def allowed(numbers: Numbers) -> bool:
    """Whether `Fitted2M` takes them."""
    return all(abs(value) <= MOST for value in (numbers.strength or 0.0, numbers.kept, numbers.gain))


def rounded(shares: Sequence[Share], trial: Trial) -> Trial:
    """The run with numbers, and times between its ends, of six digits."""

    def digits(value: float) -> float:
        return float(f"{value:.6g}")

    short = [
        Numbers(None if one.strength is None else digits(one.strength), digits(one.kept), digits(one.gain))
        for one in trial.numbers
    ]
    first, *inner, last = trial.times
    times = (first, *map(digits, inner), last)
    return ran(shares, times if all(a > b for a, b in pairwise(times)) else trial.times, lambda k, _: short[k])


def _rms(x: Tensor) -> float:
    return float(x.double().square().mean().sqrt())
