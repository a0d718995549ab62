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

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.schedule import Level, RectifiedFlow, Schedule
from mezzotint.diffusion.solvers.multistep import Point, combined
from mezzotint.errors import InvalidOption, unknown_name

__all__ = [
    "AUTO",
    "COORDINATES",
    "Coordinate",
    "Place",
    "Start",
    "coordinate_on",
    "find_coordinate",
    "finite_place",
    "finite_value",
    "half_way",
    "place_in",
]


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
        raise _infinite(coordinate.name)
    return value


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the table at one level, in Python's numbers: slope = clean x_0 + noise eps."""

    value: float
    scale: float
    clean: float
    noise: float


def place_in(coordinate: str, at: Point) -> Place:
    """A coordinate, by its name, at a level."""
    a, s = at.alpha, at.sigma
    if coordinate == "ratio":
        return Place(at.ratio, a, 0.0, 1.0)
    if coordinate == "flow":
        return Place(s / (a + s), a + s, -1.0, 1.0)
    if coordinate == "angle":
        scale = math.hypot(a, s)
        return Place(math.atan2(s, a), scale, -s / scale, a / scale)
    assert coordinate == "half_log_snr", coordinate
    return Place(at.half_log_snr, s, a / s, 0.0)


def half_way(coordinate: str, a: Point, b: Point) -> float:
    """The log-SNR in the middle of two levels, in a coordinate. Raises InvalidOption as `finite_value` does."""
    u = (finite_place(coordinate, a).value + finite_place(coordinate, b).value) / 2
    if coordinate == "ratio":
        return -2 * math.log(u)
    if coordinate == "flow":
        return 2 * math.log((1 - u) / u)
    if coordinate == "angle":
        return -2 * math.log(math.tan(u))
    assert coordinate == "half_log_snr", coordinate
    return 2 * u


def finite_place(coordinate: str, at: Point) -> Place:
    """The same. Raises InvalidOption as `finite_value` does."""
    found = place_in(coordinate, at)
    if not math.isfinite(found.value):
        raise _infinite(coordinate)
    return found


@dataclass(frozen=True, slots=True)
class Start:
    """y and its slope at a prediction, both linear in two tensors, with numbers: a step then is one sum of tensors.

    The tensors are x_t and x_0; or, where guidance sets the noise to put back, that noise and x_0.
    """

    tensors: tuple[Tensor, Tensor]
    y: tuple[float, float]
    slope: tuple[float, float]

    @classmethod
    def of(cls, prediction: Prediction, at: Point, place: Place) -> "Start":
        """at, place: where the prediction was made."""
        if prediction.eps_for_update is not None:
            tensors, y = (prediction.eps_for_update, prediction.x0), (at.sigma / place.scale, at.alpha / place.scale)
            return cls(tensors, y, (place.noise, place.clean))
        slope = place.noise / at.sigma, place.clean - place.noise * at.alpha / at.sigma
        return cls((prediction.x_t, prediction.x0), (1 / place.scale, 0.0), slope)

    def step(self, scale: float, length: float, second: "Start | None" = None, second_length: float = 0.0) -> Tensor:
        """scale (y + length slope + second_length slope of the second)."""
        weights = [scale * (self.y[k] + length * self.slope[k]) for k in (0, 1)]
        tensors: tuple[Tensor, ...] = self.tensors
        if second is not None:
            weights += [scale * second_length * slope for slope in second.slope]
            tensors += second.tensors
        return combined([term for term in zip(weights, tensors, strict=True) if term[0]])


def _infinite(coordinate: str) -> InvalidOption:
    return InvalidOption(
        f"The coordinate {coordinate!r} is infinite at alpha = 0 (pure noise); "
        "use the coordinate 'flow' or 'angle', or a time grid that starts below t = 1."
    )
