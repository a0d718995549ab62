"""Grids that are spaced in the noise level: the same levels on every schedule, t being what the schedule calls them."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import torch
from torch import Tensor

from mezzotint.diffusion.schedule import EDM, Schedule
from mezzotint.diffusion.timegrid.moves import TimeGrid, check_steps, from_times
from mezzotint.errors import InvalidOption, unknown_name

__all__ = ["AYS_TABLES", "align_your_steps", "exponential", "karras", "kl_optimal", "polyexponential"]


def ratio_at(schedule: Schedule, t: float) -> float:
    """r = sigma/alpha at a time; inf at alpha = 0."""
    level = schedule(torch.tensor(t, dtype=torch.float64))  # a bare float would be rounded to float32 on its way
    return math.exp(float(-level.log_snr) / 2) if float(level.alpha) > 0 else math.inf


def _spaced(
    name: str,
    steps: int,
    schedule: Schedule,
    start: float,
    sigma_min: float | None,
    sigma_max: float,
    ratios: Callable[[Tensor, float, float], Tensor],
) -> TimeGrid:
    """`steps` values of r from r_max to r_min, then 0. ratios: (shares in [0, 1], r_max, r_min) -> r.

    r_max is that of `start`, but at most sigma_max; the first time is `start` itself, whatever its r. r_min defaults
    to the schedule's own smallest noise: EDM's sigma_min, elsewhere r at t = 0.001, but at least 0.002.
    """
    check_steps(steps, start)
    highest = min(sigma_max, ratio_at(schedule, start))
    lowest = sigma_min
    if lowest is None:
        lowest = schedule.sigma_min if isinstance(schedule, EDM) else max(0.002, ratio_at(schedule, 0.001))
    if not 0 < lowest < highest:
        raise InvalidOption(f"A {name} grid needs 0 < sigma_min < sigma_max, not {lowest} and {highest}.")
    share = torch.arange(1, steps, dtype=torch.float64) / max(steps - 1, 1)
    return from_times([start, *schedule.time(-2 * ratios(share, highest, lowest).log()).tolist(), 0.0])


def _check_rho(rho: float) -> None:
    if not 0 < rho < math.inf:
        raise InvalidOption(f"The option rho of a time grid must be a positive number, not {rho!r}.")


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
    to the schedule's own smallest noise: EDM's sigma_min, elsewhere r at t = 0.001, but at least 0.002.
    Raises InvalidOption unless rho is positive, and if r_min >= r_max.
    """
    _check_rho(rho)

    def ratios(share: Tensor, highest: float, lowest: float) -> Tensor:
        root: Tensor = highest ** (1 / rho) + share * (lowest ** (1 / rho) - highest ** (1 / rho))
        return root**rho

    return _spaced("Karras", steps, schedule, start, sigma_min, sigma_max, ratios)


def polyexponential(
    steps: int,
    schedule: Schedule,
    *,
    start: float = 1.0,
    rho: float = 1.5,
    sigma_min: float | None = None,
    sigma_max: float = 80.0,
) -> TimeGrid:
    """log r = log r_min + (1 − share)^rho (log r_max − log r_min), then 0; rho > 1 spends more steps on clean times.

    k-diffusion's get_sigmas_polyexponential (Katherine Crowson); rho = 1, its default, is `exponential`.
    Ends of the range as for `karras`. Raises InvalidOption unless rho is positive, and if r_min >= r_max.
    """
    _check_rho(rho)
    return _spaced("polyexponential", steps, schedule, start, sigma_min, sigma_max, partial(_in_log, rho=rho))


def _in_log(share: Tensor, highest: float, lowest: float, rho: float) -> Tensor:
    return torch.exp(math.log(lowest) + (1 - share) ** rho * math.log(highest / lowest))


def exponential(
    steps: int,
    schedule: Schedule,
    *,
    start: float = 1.0,
    sigma_min: float | None = None,
    sigma_max: float = 80.0,
) -> TimeGrid:
    """Uniform in the log-SNR, which is uniform in log r, from r_max to r_min, then 0.

    Lu et al. 2022, arXiv 2206.00927 ("uniform in lambda"). Ends of the range as for `karras`.
    Raises InvalidOption if r_min >= r_max.
    """
    return _spaced("exponential", steps, schedule, start, sigma_min, sigma_max, partial(_in_log, rho=1.0))


def kl_optimal(
    steps: int,
    schedule: Schedule,
    *,
    start: float = 1.0,
    sigma_min: float | None = None,
    sigma_max: float = 80.0,
) -> TimeGrid:
    """Uniform in atan(r), from r_max to r_min, then 0.

    Sabour et al. 2024 (Align Your Steps), arXiv 2404.14507, theorem 3.1 with c = 1: the optimum in closed form for
    Gaussian data of unit variance and first-order steps. Ends of the range as for `karras`. Raises InvalidOption if
    r_min >= r_max.
    """

    def ratios(share: Tensor, highest: float, lowest: float) -> Tensor:
        return torch.tan(share * math.atan(lowest) + (1 - share) * math.atan(highest))

    return _spaced("KL-optimal", steps, schedule, start, sigma_min, sigma_max, ratios)


AYS_TABLES: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "sd1.5": (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029),
        "sdxl": (14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029),
        "svd": (700.00, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002),
    }
)
"""sigma/alpha of ten steps for three models, as published with Align Your Steps (the project's page)."""


def align_your_steps(steps: int, schedule: Schedule, *, start: float = 1.0, table: str = "sd1.5") -> TimeGrid:
    """The published levels of a model, log r interpolated linearly to another number of steps, the last set to 0.

    Sabour et al. 2024, arXiv 2404.14507 (the project's page has the tables and the interpolation). From a start
    inside the table its cleaner part is used; the first time is `start` itself.
    Raises InvalidOption for an unknown table and for a start cleaner than all of it.
    """
    check_steps(steps, start)
    if table not in AYS_TABLES:
        raise unknown_name("table", table, AYS_TABLES)
    logs = [math.log(r) for r in AYS_TABLES[table]]
    ratio = ratio_at(schedule, start)
    top = _place(logs, math.log(ratio) if ratio > 0 else -math.inf)
    if top >= len(logs) - 1:
        raise InvalidOption(f"The Align-Your-Steps table {table} ends above t = {start}; use another time grid.")
    places = [top + (len(logs) - 1 - top) * i / steps for i in range(1, steps)]
    log_ratio = torch.tensor([_interpolated(logs, place) for place in places], dtype=torch.float64)
    return from_times([start, *schedule.time(-2 * log_ratio).tolist(), 0.0])


def _interpolated(values: list[float], place: float) -> float:
    low = min(int(place), len(values) - 2)
    return values[low] + (place - low) * (values[low + 1] - values[low])


def _place(values: list[float], value: float) -> float:
    """Where a falling list takes this value, as an index; 0 above all of it, the last index below."""
    if value >= values[0]:
        return 0.0
    for low in range(len(values) - 1):
        if value >= values[low + 1]:
            return low + (values[low] - value) / (values[low] - values[low + 1])
    return float(len(values) - 1)
