"""Conditionings that change while a picture is drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, Self, TypeVar, runtime_checkable

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.schedule import Schedule

__all__ = ["ByTime", "Timeline", "settled"]


class Joins(Protocol):
    """A conditioning of a batch, which can be put behind another."""

    def cat(self, other: Self) -> Self:
        """Both batches, one after the other."""
        ...


@runtime_checkable
class Changes(Protocol):
    """A conditioning that depends on the time, or has parts that do."""

    def at(self, t: Tensor) -> Self:
        """What it is at t, of shape () or (B,), from then on at all times."""
        ...


C = TypeVar("C", bound=Joins)


def settled(cond: Any, t: Tensor) -> Any:
    """A conditioning that reads what is due at t whatever time the leaf is asked for; itself if it never changes."""
    return cond.at(t) if isinstance(cond, Changes) else cond


@dataclass(frozen=True, slots=True)
class Timeline(Generic[C]):
    """Which conditioning is read at which time.

    each    the different ones
    which   for each step of the time grid, from noise to data, its number in `each`
    times   where the steps after the first begin, falling: step k is read at times[k − 1] >= t > times[k]
    steps   what is read whatever t is: the number of the step for each picture, or one for all; none: t decides
    """

    each: tuple[C, ...]
    which: tuple[int, ...]
    times: tuple[float, ...]
    steps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        assert len(self.which) == len(self.times) + 1, (self.which, self.times)

    def cat(self, other: "Timeline[C]") -> "Timeline[C]":
        """Both batches, one after the other; they have the same times, and are both at a certain step or neither is."""
        assert self.times == other.times, "timelines of different grids"
        assert bool(self.steps) == bool(other.steps), "one is at a certain step, the other at none"
        alike = len({*self.steps, *other.steps}) == 1
        pairs = list(zip(self.which, other.which, strict=True))
        unique = list(dict.fromkeys(pairs))
        both = tuple(self.each[a].cat(other.each[b]) for a, b in unique)
        steps = self.steps[:1] if alike else self.steps + other.steps
        return Timeline(both, tuple(map(unique.index, pairs)), self.times, steps)

    def at(self, t: Tensor) -> "Timeline[C]":
        """What is read at t, of shape () or (B,), from then on at all times."""
        steps = tuple(self._steps(t))
        return replace(self, steps=steps[:1] if len(set(steps)) == 1 else steps)

    def numbers(self, t: Tensor) -> list[int]:
        """Which conditioning is read at these times, of any shape."""
        return [self.which[step] for step in self.steps or self._steps(t)]

    def _steps(self, t: Tensor) -> list[int]:
        return [sum(time >= at for time in self.times) for at in t.double().flatten().tolist()]


@dataclass(frozen=True, slots=True)
class ByTime(Generic[C]):
    """A leaf that reads of every `Timeline` what is due at t; what is none is read at all times.

    Pictures that are at different times of the grid (adaptive solvers), where something else is due, have an evaluation
    for each of these.
    """

    denoiser: Denoiser[C]

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self,
        x_t: Tensor,
        t: Tensor,
        cond: Mapping[str, Timeline[C] | C],
        *,
        to: Tensor | None = None,
        probe: Probe | None = None,
    ) -> Prediction:
        (name, line), *more = cond.items()
        assert not more, f"the leaf takes one conditioning, not {sorted(cond)}"
        if not isinstance(line, Timeline):
            return self.denoiser(x_t, t, {name: line}, to=to, probe=probe)
        due = line.numbers(t)
        said = {n: self.denoiser(x_t, t, {name: line.each[n]}, to=to, probe=probe) for n in dict.fromkeys(due)}
        if len(said) == 1:
            return next(iter(said.values()))
        assert len(due) == len(x_t), "one time a picture"
        x0 = torch.stack([said[n].x0[row] for row, n in enumerate(due)])
        return Prediction(x_t, self.schedule(t), x0)
