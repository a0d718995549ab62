"""Time grids: which times a sampler visits, as a tuple of typed moves.

`Denoise(t, s)` takes x_t to x_s with a solver; `Renoise(s, t)` adds fresh noise and goes back up. RePaint's jumps and
Restart are grids that hold both; inversion is a grid of rising `Denoise` moves. A grid is plain data in float64.

A grid function has the signature (steps, schedule, *, start=1.0, ...) -> TimeGrid: `steps` moves from `start` to 0
(more, for those that jump; the other way for inversion). `GRIDS` lists them by name; a new one is a function and a
line here. `timegrid.fit.fit_grid` finds the grid that suits a model best.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from mezzotint.diffusion.timegrid.in_noise import align_your_steps, exponential, karras, kl_optimal, polyexponential
from mezzotint.diffusion.timegrid.in_time import (
    beta,
    leading,
    linear_quadratic,
    quadratic,
    sgm_uniform,
    shifted,
    shifted_dynamic,
    trailing,
    uniform,
)
from mezzotint.diffusion.timegrid.jumps import inversion, repaint, restart
from mezzotint.diffusion.timegrid.moves import (
    Denoise,
    Move,
    Renoise,
    TimeGrid,
    check_grid,
    first_part,
    from_times,
    last_part,
    times_of,
)
from mezzotint.errors import unknown_name
from mezzotint.foreign import PROGRAMS, grid_counterpart, their_grids

__all__ = [
    "FALLING_GRIDS",
    "GRIDS",
    "GRID_RECORDS",
    "Denoise",
    "GridRecord",
    "Move",
    "Renoise",
    "TimeGrid",
    "align_your_steps",
    "beta",
    "check_grid",
    "describe",
    "exponential",
    "find_grid",
    "first_part",
    "from_times",
    "inversion",
    "karras",
    "kl_optimal",
    "last_part",
    "leading",
    "linear_quadratic",
    "polyexponential",
    "quadratic",
    "repaint",
    "restart",
    "sgm_uniform",
    "shifted",
    "shifted_dynamic",
    "times_of",
    "trailing",
    "uniform",
]


@dataclass(frozen=True, slots=True)
class GridRecord:
    """A line of the registry. kind: "falling" has exactly `steps` moves, "jumping" goes back up in between, "rising"
    has `steps` moves from a picture up to noise."""

    name: str
    build: Callable[..., TimeGrid]
    spaced_in: str
    source: str
    aliases: tuple[str, ...] = ()
    kind: Literal["falling", "jumping", "rising"] = "falling"

    def describe(self) -> dict[str, Any]:
        """This line as plain data: what `mezzotint grids --format json` prints."""
        parameters = inspect.signature(self.build).parameters.values()
        return {
            "name": self.name,
            "aliases": list(self.aliases),
            "kind": self.kind,
            "spaced_in": self.spaced_in,
            "options": {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "base"},
            "elsewhere": {program: list(names) for program in PROGRAMS if (names := their_grids(program, self.name))},
            "source": self.source,
        }


_AYS = "Sabour et al. 2024, arXiv 2404.14507"
GRID_RECORDS = (
    GridRecord("align-your-steps", align_your_steps, "a table of sigma/alpha", f"{_AYS}, the project's page", ("ays",)),
    GridRecord("beta", beta, "quantiles of Beta(0.6, 0.6) in t", "Lee et al. 2024, arXiv 2407.12173"),
    GridRecord("exponential", exponential, "log-SNR", "Lu et al. 2022, arXiv 2206.00927", ("log-snr", "lambda")),
    GridRecord("inversion", inversion, "t, upwards", "Song et al. 2020, arXiv 2010.02502, section 4.3", kind="rising"),
    GridRecord("karras", karras, "(sigma/alpha)^(1/7)", "Karras et al. 2022, arXiv 2206.00364, eq. 5"),
    GridRecord("kl-optimal", kl_optimal, "atan(sigma/alpha)", f"{_AYS}, theorem 3.1"),
    GridRecord("leading", leading, "t, whole steps of a chain", "Lin et al. 2023, arXiv 2305.08891, table 2"),
    GridRecord("linear-quadratic", linear_quadratic, "t", "Polyak et al. 2024, arXiv 2410.13720"),
    GridRecord("polyexponential", polyexponential, "powers in log-SNR", "k-diffusion, get_sigmas_polyexponential"),
    GridRecord("quadratic", quadratic, "sqrt(t)", "Song et al. 2020, arXiv 2010.02502, appendix D.2"),
    GridRecord(
        "repaint", repaint, "t, with jumps", "Lugmayr et al. 2022, arXiv 2201.09865, algorithm 1", kind="jumping"
    ),
    GridRecord(
        "restart", restart, "(sigma/alpha)^(1/7)", "Xu et al. 2023, arXiv 2306.14878, algorithm 1", kind="jumping"
    ),
    GridRecord("sgm-uniform", sgm_uniform, "t", "Stability AI, generative-models"),
    GridRecord("shifted", shifted, "shifted t", "Esser et al. 2024, arXiv 2403.03206, eq. 23"),
    GridRecord("shifted-dynamic", shifted_dynamic, "shifted t", "Black Forest Labs 2024, FLUX.1", ("flux",)),
    GridRecord("trailing", trailing, "t, whole steps of a chain", "Lin et al. 2023, arXiv 2305.08891, section 3.3"),
    GridRecord("uniform", uniform, "t", "equal steps", ("linear",)),
)

GRIDS: Mapping[str, Callable[..., TimeGrid]] = MappingProxyType({record.name: record.build for record in GRID_RECORDS})
FALLING_GRIDS: Mapping[str, Callable[..., TimeGrid]] = MappingProxyType(
    {record.name: record.build for record in GRID_RECORDS if record.kind == "falling"}
)


def find_grid(name: str) -> GridRecord:
    """The record of this name or alias, whatever its case.

    Raises InvalidOption with the nearest names, or with what it is here if it is another program's name.
    """
    names = {known: record for record in GRID_RECORDS for known in (record.name, *record.aliases)}
    if name.lower() not in names:
        raise unknown_name("grid", name, names, grid_counterpart(name))
    return names[name.lower()]


def describe() -> list[dict[str, Any]]:
    """All grids as plain data, sorted by name; what each key means is said in `GridRecord`."""
    return [record.describe() for record in GRID_RECORDS]
