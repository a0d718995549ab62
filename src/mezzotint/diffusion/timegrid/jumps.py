"""Grids that go back up: RePaint and Restart; and inversion, which only goes up."""

import math
from collections.abc import Sequence

import torch

from mezzotint.diffusion.schedule import Schedule
from mezzotint.diffusion.timegrid.in_noise import karras, ratio_at
from mezzotint.diffusion.timegrid.in_time import uniform
from mezzotint.diffusion.timegrid.moves import Denoise, Move, Renoise, TimeGrid, check_grid, from_times, times_of
from mezzotint.errors import InvalidOption

__all__ = ["inversion", "repaint", "restart"]


def repaint(
    steps: int,
    schedule: Schedule,
    *,
    start: float = 1.0,
    length: int = 10,
    times: int = 10,
    base: TimeGrid | None = None,
) -> TimeGrid:
    """Every `length` steps, go back up `length` steps with fresh noise and down again, `times` passes in all.

    Lugmayr et al. 2022, arXiv 2201.09865, algorithm 1; length and times are jump_length and jump_n_sample of its
    released code. base: the grid of `steps` falling moves to jump on; uniform if None. Passes below the last jump
    go to 0 once, and so do those from alpha = 0: fresh noise up to there keeps nothing of the pass before, so that
    repeating it would be a new start at a full price. times = 1 is the base itself. Raises InvalidOption unless
    length and times are at least 1, and where no jump has room.
    """
    if length < 1 or times < 1:
        raise InvalidOption(f"A RePaint grid needs a length and times of at least 1, not {length} and {times}.")
    t = times_of(uniform(steps, schedule, start=start) if base is None else base)
    moves: list[Move] = []
    for first in range(0, len(t) - 1, length):
        last = min(first + length, len(t) - 1)
        down = [Denoise(a, b) for a, b in zip(t[first:last], t[first + 1 : last + 1], strict=True)]
        kept = t[last] > 0 and float(schedule(t[first]).alpha) > 0
        again = times if kept else 1
        for i in range(again):
            moves += [Renoise(t[last], t[first]), *down] if i else down
    if times > 1 and len(moves) < len(t):
        room = max(0, (len(t) - 2) // (2 if float(schedule(t[0]).alpha) == 0 else 1))
        raise InvalidOption(
            f"A RePaint grid of {len(t) - 1} steps has no room for a jump of {length}: it would be at pure noise or "
            "at the picture; " + (f"use a length of at most {room}." if room else "use more steps.")
        )
    return check_grid(tuple(moves))


def restart(
    steps: int,
    schedule: Schedule,
    *,
    start: float = 1.0,
    low: float = 0.06,
    high: float = 0.3,
    times: int = 1,
    inner: int = 3,
    base: TimeGrid | None = None,
) -> TimeGrid:
    """A falling grid; where sigma/alpha first is at most `low`, up to `high` with fresh noise, down in `inner` steps.

    This happens `times` times: fresh noise contracts the errors made before, at the price of times · inner steps.
    Xu et al. 2023, arXiv 2306.14878, algorithm 1, whose t_min and t_max are low and high as sigma/alpha. base: the
    grid of `steps` falling moves; Karras' if None. The inner steps are Karras' too.
    Raises InvalidOption unless low < high are levels inside the grid and times, inner are at least 0 and 1.
    """
    t = times_of(karras(steps, schedule, start=start) if base is None else base)
    if not 0 < low < high < ratio_at(schedule, t[0]) or times < 0 or inner < 1:
        raise InvalidOption(
            "A Restart grid needs 0 < low < high < sigma/alpha at its start, times >= 0 and inner >= 1, not "
            f"low={low}, high={high}, times={times}, inner={inner}."
        )
    turn = next((i for i, time in enumerate(t) if time > 0 and ratio_at(schedule, time) <= low), None)
    if turn is None:
        raise InvalidOption(
            f"A Restart grid of {steps} steps never comes to {low} before 0; use more steps, raise low."
        )
    up = _time(schedule, high)
    loop: list[Move] = [Renoise(t[turn], up), *from_times(_between(schedule, up, t[turn], inner))]
    return check_grid((*from_times(t[: turn + 1]), *(loop * times), *from_times(t[turn:])))


def _between(schedule: Schedule, high: float, low: float, steps: int, rho: float = 7.0) -> list[float]:
    """Times from high to low, uniform in (sigma/alpha)^(1/rho), which is finite below t = 1."""
    root = [ratio_at(schedule, t) ** (1 / rho) for t in (high, low)]
    inside = [root[0] + (root[1] - root[0]) * i / steps for i in range(1, steps)]
    return [high, *(_time(schedule, value**rho) for value in inside), low]


def _time(schedule: Schedule, ratio: float) -> float:
    return float(schedule.time(torch.tensor(-2 * math.log(ratio), dtype=torch.float64)))


def inversion(
    steps: int, schedule: Schedule, *, start: float = 1.0, clean: float = 0.05, base: TimeGrid | None = None
) -> TimeGrid:
    """A falling grid turned round: from the time where sigma/alpha is `clean`, which stands for its 0, to its start.

    A picture is noised along it by the solver itself, to be denoised again from what that gives (DDIM inversion, Song
    et al. 2020, arXiv 2010.02502, section 4.3). base: the grid of `steps` falling moves; uniform if None. `start`, as
    everywhere the noisiest time, is where it ends. Times of the grid with less noise than `clean` are left out: there a
    network that does not quite give back a clean picture, D(x, 0) ≠ x, makes dx/dt = (x − D)/t as large as 1/t.
    Begin at alpha x_0 + sigma eps, with noise of the first time's level: a drawing without any gives little noise (of a
    deviation of 0.3 with the house model, where it should be 1), since its flat areas lie where no noised picture does.
    Raises InvalidOption unless 0 < clean < sigma/alpha at the grid's start.
    """
    t: Sequence[float] = times_of(uniform(steps, schedule, start=start) if base is None else base)
    most = ratio_at(schedule, t[0])
    if not 0 < clean < most:
        raise InvalidOption(
            f"The clean end of an inversion must be a sigma/alpha above 0 and below {most:g}, not {clean!r}."
        )
    inside = [time for time in t if time > 0 and ratio_at(schedule, time) > clean * (1 + 1e-9)]
    return from_times([_time(schedule, clean), *reversed(inside)])
