"""Time grids: which times a sampler visits, as a tuple of typed moves.

`Denoise(t, s)` takes x_t to x_s with a solver; `Renoise(s, t)` adds fresh noise and goes back up. RePaint's jumps and
Restart are grids that hold both; inversion is a grid of rising `Denoise` moves. A grid is plain data in float64.

A grid function has the signature (steps, schedule, *, start=1.0, ...) -> TimeGrid: `steps` moves from `start` to 0.
`GRIDS` lists them by name.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import torch

from mezzotint.diffusion.schedule import Schedule
from mezzotint.errors import InvalidOption

__all__ = [
    "GRIDS",
    "Denoise",
    "Move",
    "Renoise",
    "TimeGrid",
    "check_grid",
    "from_times",
    "karras",
    "shifted",
    "trailing",
    "uniform",
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
            raise InvalidOption(f"Move {index} of the time grid, {move}, leaves the interval [0, 1].")
        if begin == end or (isinstance(move, Renoise) and end < begin):
            raise InvalidOption(f"Move {index} of the time grid, {move}, goes nowhere or the wrong way.")
        if isinstance(move, Denoise) and begin == 0:
            raise InvalidOption(f"Move {index} of the time grid, {move}, begins at t = 0, where there is no noise.")
        if index and begin != (before := _ends(grid[index - 1])[1]):
            raise InvalidOption(f"Move {index} of the time grid begins at t = {begin}, but the last ended at {before}.")
    return grid


def from_times(times: Sequence[float]) -> TimeGrid:
    """The grid of Denoise moves through these times. Raises InvalidOption where `check_grid` does."""
    return check_grid(tuple(Denoise(t, s) for t, s in pairwise(times)))


def _check(steps: int, start: float) -> None:
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise InvalidOption(f"The number of steps must be a whole number of at least 1, not {steps!r}.")
    if not 0 < start <= 1:
        raise InvalidOption(f"The start of a time grid must be above 0 and at most 1, not {start!r}.")


def uniform(steps: int, schedule: Schedule, *, start: float = 1.0) -> TimeGrid:
    """t_i = start (1 − i / steps), i = 0 ... steps."""
    _check(steps, start)
    return from_times([start * (steps - i) / steps for i in range(steps + 1)])


def trailing(steps: int, schedule: Schedule, *, start: float = 1.0, chain: int = 1000) -> TimeGrid:
    """The uniform grid, rounded to the steps of a discrete chain: t_i = round(chain start (1 − i / steps)) / chain.

    It begins at the last step of the chain, pure noise. Lin et al. 2023, arXiv 2305.08891, section 3.3 and table 2
    (their step n is our t = (n + 1) / chain). Raises InvalidOption if there are more steps than the chain has.
    """
    _check(steps, start)
    if steps > chain * start:
        raise InvalidOption(f"A trailing grid from t = {start} has at most {int(chain * start)} steps, not {steps}.")
    return from_times([round(chain * start * (steps - i) / steps) / chain for i in range(steps + 1)])


def karras(
    steps: int,
    schedule: Schedule,
    *,
    start: float = 1.0,
    rho: float = 7.0,
    sigma_min: float | None = None,
    sigma_max: float = 80.0,
) -> TimeGrid:
    """Uniform in r^(1/rho), r = sigma/alpha, from r_max to r_min, then 0. Karras et al. 2022, arXiv 2206.00364, eq. 5.

    r_max is that of `start`, but at most sigma_max; the first time is `start` itself, whatever its r. r_min defaults
    to the schedule's r at t = 0.001, but is at least 0.002 (EDM's value). Raises InvalidOption if r_min >= r_max.
    """
    _check(steps, start)
    highest = min(sigma_max, _ratio(schedule, start))
    lowest = max(0.002, _ratio(schedule, 0.001)) if sigma_min is None else sigma_min
    if not (0 < lowest < highest and rho > 0):
        raise InvalidOption(
            f"A Karras grid needs 0 < sigma_min < sigma_max and rho > 0, not {lowest}, {highest}, {rho}."
        )
    share = torch.arange(1, steps, dtype=torch.float64) / max(steps - 1, 1)
    root = highest ** (1 / rho) + share * (lowest ** (1 / rho) - highest ** (1 / rho))
    return from_times([start, *schedule.time(-2 * rho * root.log()).tolist(), 0.0])


def _ratio(schedule: Schedule, t: float) -> float:
    return math.exp(float(-schedule(t).log_snr) / 2) if float(schedule(t).alpha) > 0 else math.inf


def shifted(steps: int, schedule: Schedule, *, start: float = 1.0, shift: float = 3.0) -> TimeGrid:
    """t = shift u / (1 + (shift − 1) u), u uniform; shift > 1 spends more steps on noisy times.

    Esser et al. 2024 (SD3), arXiv 2403.03206, eq. 23. On rectified flow this lowers every log-SNR by 2 log(shift).
    Raises InvalidOption for a shift that is not positive.
    """
    _check(steps, start)
    if not 0 < shift < math.inf:
        raise InvalidOption(f"The shift of a time grid must be a positive number, not {shift!r}.")
    top = start / (shift - (shift - 1) * start)  # the u whose shifted time is `start`
    uniforms = [top * (steps - i) / steps for i in range(1, steps + 1)]
    return from_times([start, *(shift * u / (1 + (shift - 1) * u) for u in uniforms)])


GRIDS: Mapping[str, Callable[..., TimeGrid]] = MappingProxyType(
    {"karras": karras, "shifted": shifted, "trailing": trailing, "uniform": uniform}
)
