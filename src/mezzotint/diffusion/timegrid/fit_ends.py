"""Whole runs of `fitted-2m` from many starts, and what they become when its times and numbers are changed."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.solvers.fitted import MOST, Numbers, fitted_step, guided_aside, steered_end
from mezzotint.diffusion.solvers.multistep import point

__all__ = ["Share", "Stop", "Trial", "Unknown", "allowed", "moved", "ran", "rounded", "unknowns"]


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
    """A run of all shares: its times, the numbers of its steps but the last, the steering of that, stops by step and
    share, and errors."""

    times: tuple[float, ...]
    numbers: tuple[Numbers, ...]
    last: float
    stops: tuple[tuple[Stop, ...], ...]
    errors: tuple[float, ...]

    @property
    def error(self) -> float:
        """The root of the sum of the squares of the shares' errors."""
        return math.hypot(*self.errors)

    @property
    def unknowns(self) -> list["Unknown"]:
        """What is sought of it."""
        guided = all(guided_aside(stop.prediction) is not None for stop in self.stops[0])
        return unknowns(len(self.times) - 1, guided)

    @property
    def ends(self) -> list[Tensor]:
        """Where the shares end, from what is said of x_0 at the last time above 0."""
        return [steered_end(stop.prediction, self.last) for stop in self.stops[-1]]


Chosen = Callable[[int, Sequence[Stop]], Numbers]
"""The numbers of a step, from its place and where the shares are before it."""


def ran(
    shares: Sequence[Share],
    times: Sequence[float],
    numbers: Chosen,
    like: Trial | None = None,
    first: int = 0,
    last: float = 0.0,
) -> Trial:
    """The run with these times and numbers, up to the step `first` that of `like`. last: the last step's steering."""
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
            said, aside = stop.prediction.x0, guided_aside(stop.prediction)
            x = fitted_step(stop.x, levels[k], levels[k + 1], said, stop.before, taken[k], aside)
            after.append(Stop(x, share.denoise(x, clock[k + 1]), stop.prediction.x0))
        stops.append(tuple(after))
    ends = (steered_end(stop.prediction, last) for stop in stops[-1])
    errors = (_rms(end - share.truth(0.0)) for end, share in zip(ends, shares, strict=True))
    return Trial(tuple(times), tuple(taken), last, tuple(stops), tuple(errors))


Kind = Literal["kept", "gain", "change", "steering", "time"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """One of what is sought.

    what: of the step, how much is kept of x (p), the gain of x_0 (q), that of its change (q g) or of what the prompt
    changes in it (q w); or half the log-SNR of the time that it leads to. x_s is linear in the first four.
    """

    step: int
    what: Kind


def unknowns(steps: int, guided: bool) -> list[Unknown]:
    """Those of a run; the last step takes x_0 and has but steering, the first has no change of x_0."""
    kinds: tuple[Kind, ...] = ("kept", "gain", "change", *(("steering",) if guided else ()), "time")
    found = [Unknown(step, what) for step in range(steps - 1) for what in kinds if step or what != "change"]
    return [*found, Unknown(steps - 1, "steering")] if guided else found


def moved(shares: Sequence[Share], trial: Trial, by: Mapping[Unknown, float]) -> Trial | None:
    """The run with some unknowns changed; None where times would not fall, or a number be beyond what is allowed."""
    changes = {(unknown.step, unknown.what): change for unknown, change in by.items()}
    numbers, times, schedule = list(trial.numbers), list(trial.times), shares[0].denoise.schedule
    last = trial.last + changes.get((len(numbers), "steering"), 0.0)
    for k, old in enumerate(trial.numbers):
        kept = old.kept + changes.get((k, "kept"), 0.0)
        gain = old.gain + changes.get((k, "gain"), 0.0)
        strength, share = old.strength, math.inf if gain == 0 else 1 / gain
        if strength is not None:
            strength = share * (old.gain * strength + changes.get((k, "change"), 0.0))
        steering = share * (old.gain * old.steering + changes.get((k, "steering"), 0.0))
        numbers[k] = Numbers(strength, kept, gain, steering)
        if earlier := changes.get((k, "time")):
            log_snr = schedule(torch.tensor(times[k + 1], dtype=torch.float64)).log_snr
            times[k + 1] = float(schedule.time(log_snr + 2 * earlier))
    if not (all(a > b for a, b in pairwise(times)) and all(map(allowed, (*numbers, Numbers(steering=last))))):
        return None
    return ran(shares, times, lambda k, _: numbers[k], trial, min(unknown.step for unknown in by), last)


def allowed(numbers: Numbers) -> bool:
    """Whether `Fitted2M` takes them."""
    values = (numbers.strength or 0.0, numbers.kept, numbers.gain, numbers.steering)
    return all(abs(value) <= MOST for value in values)


def rounded(shares: Sequence[Share], trial: Trial) -> Trial:
    """The run with numbers, and times between its ends, of six digits."""

    def digits(value: float) -> float:
        return float(f"{value:.6g}")

    short = [
        Numbers(
            None if one.strength is None else digits(one.strength), *map(digits, (one.kept, one.gain, one.steering))
        )
        for one in trial.numbers
    ]
    first, *inner, last = trial.times
    times = (first, *map(digits, inner), last)
    times = times if all(a > b for a, b in pairwise(times)) else trial.times
    return ran(shares, times, lambda k, _: short[k], last=digits(trial.last))


def _rms(x: Tensor) -> float:
    return float(x.double().square().mean().sqrt())
