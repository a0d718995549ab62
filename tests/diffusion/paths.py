"""Noise for tests of stochastic solvers: a quick Brownian path, and noise whose effect can be read off."""

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from mezzotint.diffusion import Bound, Gaussian, Purpose, Solver, TimeGrid, from_times, philox_normal, sample


@dataclass
class Bridge:
    """One Brownian path, drawn where it is asked for, from what is known to the left and right."""

    seed: int
    at: list[float] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)
    drawn: int = 0
    draws: Callable[[Sequence[int], Purpose, int], Tensor] | None = None

    def normal(self, shape: Sequence[int], purpose: Purpose, draw: int) -> Tensor:
        draws = self.draws or partial(philox_normal, self.seed)
        return draws(shape, purpose, draw)

    def brownian(self, shape: Sequence[int], t: float, s: float) -> Tensor:
        return self._value(shape, s) - self._value(shape, t)

    def _value(self, shape: Sequence[int], at: float) -> Tensor:
        place = bisect.bisect_left(self.at, at)
        if place < len(self.at) and self.at[place] == at:
            return self.values[place]
        self.drawn += 1
        z = self.normal(shape, Purpose.EVALUATION, self.drawn).double()
        if not self.at:
            value = torch.zeros_like(z)
        elif place in (0, len(self.at)):
            near = 0 if place == 0 else -1
            value = self.values[near] + abs(at - self.at[near]) ** 0.5 * z
        else:
            a, b = self.at[place - 1], self.at[place]
            middle = torch.lerp(self.values[place - 1], self.values[place], (at - a) / (b - a))
            value = middle + ((at - a) * (b - at) / (b - a)) ** 0.5 * z
        self.at.insert(place, at)
        self.values.insert(place, value)
        return value


@dataclass
class OneHot:
    """Row 2 + k of the batch gets draw k as 1, every other as 0; a Brownian increment is a sum of such pieces."""

    draws: dict[tuple[int, int], int] = field(default_factory=dict)
    knots: list[float] = field(default_factory=list)
    asked: set[float] = field(default_factory=set)

    def normal(self, shape: Sequence[int], purpose: Purpose, draw: int) -> Tensor:
        z = torch.zeros(tuple(shape), dtype=torch.float64)
        row = 2 + self.draws.setdefault((int(purpose), draw), len(self.draws))
        if row < len(z):
            z[row] = 1
        return z

    def brownian(self, shape: Sequence[int], t: float, s: float) -> Tensor:
        self.asked |= {t, s}
        z = torch.zeros(tuple(shape), dtype=torch.float64)
        for k, (a, b) in enumerate(zip(self.knots[:-1], self.knots[1:], strict=True)):
            if t <= a and b <= s:
                z[2 + len(self.draws) + k] = (b - a) ** 0.5
        return z


def propagated(solver: Solver[Any], exact: Gaussian, times: Sequence[Tensor], mean: float, variance: float) -> Any:
    """`propagated_along` the grid of these times."""
    return propagated_along(solver, exact, from_times([float(t) for t in times]), mean, variance)


def propagated_along(
    solver: Solver[Any], exact: Gaussian, grid: TimeGrid, mean: float, variance: float, kind: type[OneHot] = OneHot
) -> Any:
    """The mean and variance with which the loop ends, from those of its start, without sampling.

    On a Gaussian every solver is affine in the start and its noise, so the rows of one run give all coefficients.
    """
    first = kind()
    *_, _ = sample(Bound(exact, {}), torch.zeros(1, 1, dtype=torch.float64), grid, solver, first)
    noise = kind(dict(first.draws), sorted(first.asked))
    rows = 2 + len(noise.draws) + max(len(noise.knots) - 1, 0)
    start = torch.zeros(rows, 1, dtype=torch.float64)
    start[1] = 1
    *_, end = sample(Bound(exact, {}), start, grid, solver, noise)
    base, effect = end.x[0, 0], end.x[1:, 0] - end.x[0, 0]
    return float(base + effect[0] * mean), float(effect[0] ** 2 * variance + effect[1:].square().sum())
