"""Moves: what a time grid is made of, and when it is legal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mezzotint.errors import InvalidOption

__all__ = [
    "Denoise",
    "Move",
    "Renoise",
    "TimeGrid",
    "check_grid",
    "check_steps",
    "first_part",
    "from_times",
    "last_part",
    "times_of",
]


@dataclass(frozen=True, slots=True)
class Denoise:
    """One step of a solver from time t to time s; s < t removes noise, s > t inverts."""

    t: float
    s: float


@dataclass(frozen=True, slots=True)
class Renoise:
    """Fresh noise, from time s up to time t > s."""

    s: float
    t: float


Move = Denoise | Renoise
TimeGrid = tuple[Move, ...]


def _ends(move: Move) -> tuple[float, float]:
    """Where a move begins and where it ends."""
    return (move.t, move.s) if isinstance(move, Denoise) else (move.s, move.t)


def check_grid(grid: TimeGrid) -> TimeGrid:
    """The grid itself, if it is legal.

    Raises InvalidOption for an empty grid, times outside [0, 1], moves that do not connect or go nowhere, a Renoise
    that goes down, and a Denoise that begins at t = 0, where there is no noise to remove.
    """
    if not grid:
        raise InvalidOption("A time grid needs at least one move.")
    for index, move in enumerate(grid):
        begin, end = _ends(move)
        if not (0 <= begin <= 1 and 0 <= end <= 1):
            raise InvalidOption(
                f"Move {index} of the time grid, {move}, leaves [0, 1]; times go from 1 (noise) to 0 (data)."
            )
        if begin == end or (isinstance(move, Renoise) and end < begin):
            raise InvalidOption(
                f"Move {index} of the time grid, {move}, goes nowhere or the wrong way; a Denoise needs two different "
                "times, and a Renoise goes up, from s to t > s."
            )
        if isinstance(move, Denoise) and begin == 0:
            raise InvalidOption(
                f"Move {index} of the time grid, {move}, begins at t = 0, where there is no noise; begin above 0, "
                "or go up from there with a Renoise."
            )
        if index and begin != (before := _ends(grid[index - 1])[1]):
            raise InvalidOption(
                f"Move {index} of the time grid begins at t = {begin}, but the last ended at {before}; every move must "
                "begin where the last one ended."
            )
    return grid


def from_times(times: Sequence[float]) -> TimeGrid:
    """The grid of Denoise moves through these times. Raises InvalidOption where `check_grid` does."""
    return check_grid(tuple(Denoise(t, s) for t, s in pairwise(times)))


def times_of(grid: TimeGrid) -> list[float]:
    """The times that a grid visits, first and last included. Raises InvalidOption for one with a Renoise."""
    if any(isinstance(move, Renoise) for move in grid):
        raise InvalidOption("A falling time grid is needed here, not one that jumps back with fresh noise.")
    return [_ends(grid[0])[0], *(_ends(move)[1] for move in grid)]


def last_part(grid: TimeGrid, share: float) -> TimeGrid:
    """The last `share · N` of a grid's N moves, rounded to the nearest number, but at least one; none at share 0.

    Raises InvalidOption for a grid that jumps: which part of it is the last, nobody can say.
    """
    assert 0 <= share <= 1, share
    if share < 1:
        times_of(grid)
    count = max(1, math.floor(share * len(grid) + 0.5)) if share else 0
    return grid[len(grid) - count :]


def first_part(grid: TimeGrid, share: float) -> TimeGrid:
    """The first `share · N` of a grid's N moves, rounded to the nearest number, but at least one; the last of them goes
    all the way to t = 0, so that what comes out is what is believed of x_0 by then.

    Raises InvalidOption for a grid that jumps, as `last_part` does.
    """
    assert 0 < share <= 1, share
    if share == 1 or not grid:
        return grid
    times_of(grid)
    kept = grid[: max(1, math.floor(share * len(grid) + 0.5))]
    return (*kept[:-1], Denoise(_ends(kept[-1])[0], _ends(grid[-1])[1]))


def check_steps(steps: int, start: float) -> None:
    """Raises InvalidOption unless steps is a whole number of at least 1 and start is in (0, 1]."""
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise InvalidOption(f"The number of steps must be a whole number of at least 1, not {steps!r}.")
    if not 0 < start <= 1:
        raise InvalidOption(f"The start of a time grid must be above 0 and at most 1, not {start!r}.")
