"""The variables in which a solver may integrate the probability-flow ODE.

Rescale the sample, y = x / scale, and take a function u of the level as the time. The ODE is then dy/du = slope with a
slope that needs no derivative of the schedule. Solvers of the same formula in two coordinates differ (all are exact in
the limit), so the coordinate is part of a solver's definition.

    name          u                    scale                   slope
    ratio         sigma/alpha          alpha                   eps                        k-diffusion, DDIM
    flow          sigma/(alpha+sigma)  alpha+sigma             eps − x_0                  t itself on rectified flow
    angle         atan(sigma/alpha)    sqrt(alpha²+sigma²)     cos(u) eps − sin(u) x_0    v; pi t/2 on VP cosine
    half_log_snr  log(alpha/sigma)     sigma                   (alpha/sigma) x_0          DPM-Solver++
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.schedule import Level, RectifiedFlow, Schedule
from mezzotint.errors import InvalidOption, unknown_name

__all__ = ["AUTO", "COORDINATES", "Coordinate", "coordinate_on", "find_coordinate", "finite_value"]


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One row of the table. `log_snr` is the inverse of `value`. `slope` takes (level like x, x_0, eps)."""

    name: str
    value: Callable[[Level], Tensor]
    log_snr: Callable[[Tensor], Tensor]
    scale: Callable[[Level], Tensor]
    slope: Callable[[Level, Tensor, Tensor], Tensor]

    def slope_of(self, prediction: Prediction) -> Tensor:
        """dy/du at a prediction, with the noise that the update puts back."""
        return self.slope(prediction.level.like(prediction.x_t), prediction.x0, prediction.update_eps)


def _hypot(level: Level) -> Tensor:
    return torch.hypot(level.alpha, level.sigma)


def _angular(level: Level, x0: Tensor, eps: Tensor) -> Tensor:
    return (level.alpha * eps - level.sigma * x0) / _hypot(level)


_ALL = (
    Coordinate(
        "ratio",
        value=lambda level: level.sigma / level.alpha,
        log_snr=lambda u: -2 * u.log(),
        scale=lambda level: level.alpha,
        slope=lambda level, x0, eps: eps,
    ),
    Coordinate(
        "flow",
        value=lambda level: level.sigma / (level.alpha + level.sigma),
        log_snr=lambda u: 2 * ((1 - u) / u).log(),
        scale=lambda level: level.alpha + level.sigma,
        slope=lambda level, x0, eps: eps - x0,
    ),
    Coordinate(
        "angle",
        value=lambda level: torch.atan2(level.sigma, level.alpha),
        log_snr=lambda u: -2 * u.tan().log(),
        scale=_hypot,
        slope=_angular,
    ),
    Coordinate(
        "half_log_snr",
        value=lambda level: level.log_snr / 2,
        log_snr=lambda u: 2 * u,
        scale=lambda level: level.sigma,
        slope=lambda level, x0, eps: level.alpha / level.sigma * x0,
    ),
)

COORDINATES: Mapping[str, Coordinate] = MappingProxyType({coordinate.name: coordinate for coordinate in _ALL})


AUTO = "auto"
"""The coordinate in which a method is published for a schedule: `coordinate_on`."""


def coordinate_on(name: str, schedule: Schedule, *levels: Level) -> str:
    """The name itself; of "auto" it is "flow" on rectified flow, where that is t, and "ratio" on all other schedules.

    "auto" is "flow" as well for a step with one of its levels at alpha = 0, where "ratio" is infinite.
    """
    if name != AUTO:
        return name
    infinite = any(float(level.alpha) == 0 for level in levels)
    return "flow" if infinite or isinstance(schedule, RectifiedFlow) else "ratio"


def find_coordinate(name: str) -> Coordinate:
    """The coordinate of this name. Raises InvalidOption for a name that is not in the table."""
    if name not in COORDINATES:
        raise unknown_name("coordinate", name, COORDINATES)
    return COORDINATES[name]


def finite_value(coordinate: Coordinate, level: Level) -> Tensor:
    """The value at a level. Raises InvalidOption where it is infinite: at alpha = 0, in ratio and half_log_snr."""
    value = coordinate.value(level)
    if not bool(torch.isfinite(value).all()):
        raise InvalidOption(
            f"The coordinate {coordinate.name!r} is infinite at alpha = 0 (pure noise); "
            "use the coordinate 'flow' or 'angle', or a time grid that starts below t = 1."
        )
    return value
