"""What a run minimises: a target, a weighting, a density of times, and what joins the loss, by name.

Weightings and densities are those of `diffusion.objective`; a name may have options, as in `min-snr:gamma=4`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from torch import Tensor

from mezzotint.diffusion.objective import (
    WEIGHTINGS,
    LogitNormal,
    LogNormalSigma,
    Mode,
    TimeDensity,
    Uniform,
    Weighting,
    contrastive_loss,
    loss,
    velocity_weight,
)
from mezzotint.diffusion.process import PLAIN, known_target
from mezzotint.diffusion.schedule import Level, Schedule
from mezzotint.errors import InvalidOption, unknown_name
from mezzotint.spec import Spec, option_types, typed
from mezzotint.values import real

__all__ = ["DENSITIES", "ObjectiveConfig", "check_given", "density_of", "picture_losses", "weighting_of"]

DENSITIES: Mapping[str, type[Any]] = MappingProxyType(
    {"log-normal-sigma": LogNormalSigma, "logit-normal": LogitNormal, "mode": Mode, "uniform": Uniform}
)
"""Densities of training times by name; a field called schedule is the run's, not an option."""


@dataclass(frozen=True, kw_only=True)
class ObjectiveConfig:
    """What the network predicts, where in time training looks, and how much an error there counts. t = 1 is noise.

    target           what its output means: x0, v, eps or velocity (`diffusion.prediction`); the loss is that of the x_0
                     that follows from it, so that a weighting means the same for all of them
    density          how often each t comes (`DENSITIES`), with options, as in mode:scale=1
    time_mean, time_std   of logit-normal, the default density: logit(t) ~ N(time_mean, time_std²)
    weighting        how much an error in x_0 counts at each t (`WEIGHTINGS`), with options, as in min-snr:gamma=5
    floor            of velocity, the default weighting, 1 / max(t, floor)²
    contrastive      how strongly a picture's flow is driven away from another's in the batch; 0: not at all
    perturbation     how much more noise x_t has than the network is told, a share; 0: none
    learned_weight   divide the loss by what it is expected to be at its t, which is learned too: all t weigh alike then

    Raises `InvalidOption` for unknown names and options, with the nearest, and for what does not go together.
    """

    time_mean: float = 0.0
    time_std: float = 1.0
    floor: float = 0.05
    target: str = "x0"
    learned_weight: bool = False
    density: str = "logit-normal"
    weighting: str = "velocity"
    contrastive: float = 0.0
    perturbation: float = 0.0

    def __post_init__(self) -> None:
        # one text for one meaning, so that runs that are the same compare equal
        object.__setattr__(self, "density", str(Spec.parse("objective.density", self.density)))
        object.__setattr__(self, "weighting", str(Spec.parse("objective.weighting", self.weighting)))
        known_target(self.target)
        density_of(self, PLAIN.schedule)
        weighting_of(self)
        real("objective.perturbation", self.perturbation, 0.0, 1.0)
        if not 0 <= self.contrastive < 1:
            raise InvalidOption(
                f"objective.contrastive is {self.contrastive!r}; it must be at least 0 (off) and below 1, where the "
                "loss has no minimum any more."
            )
        if self.contrastive and self.learned_weight:
            raise InvalidOption(
                f"objective.contrastive is {self.contrastive} and objective.learned_weight true, but a contrastive "
                "loss can be negative, and then has no logarithm to learn; choose one of them."
            )


def weighting_of(config: ObjectiveConfig) -> Weighting:
    """The weighting that a configuration names. Raises `InvalidOption`."""
    spec = Spec.parse("objective.weighting", config.weighting)
    if spec.name not in WEIGHTINGS:
        raise unknown_name("weighting", spec.name, WEIGHTINGS)
    found = WEIGHTINGS[spec.name]
    if not is_dataclass(found) or isinstance(found, type):
        if spec.name == "velocity" and spec.options:
            raise InvalidOption("The weighting velocity takes no options; set its floor by objective.floor.")
        typed("weighting", spec, {})
        return partial(velocity_weight, floor=config.floor) if found is velocity_weight else found
    types = option_types(type(found), [item.name for item in fields(found)])
    changed: Weighting = replace(found, **typed("weighting", spec, types))
    return changed


def density_of(config: ObjectiveConfig, schedule: Schedule) -> TimeDensity:
    """The density of times that a configuration names, on a run's schedule. Raises `InvalidOption`."""
    spec = Spec.parse("objective.density", config.density)
    if spec.name not in DENSITIES:
        raise unknown_name("density of times", spec.name, DENSITIES)
    build = DENSITIES[spec.name]
    if build is LogitNormal:
        if spec.options:
            raise InvalidOption(
                "The density logit-normal takes no options; set objective.time_mean and objective.time_std."
            )
        return LogitNormal(config.time_mean, config.time_std)
    names = [item.name for item in fields(build)]
    options = typed("density of times", spec, option_types(build, [name for name in names if name != "schedule"]))
    if "schedule" in names:
        options["schedule"] = schedule
    density: TimeDensity = build(**options)
    return density


def picture_losses(
    predicted: Tensor, x0: Tensor, eps: Tensor, level: Level, weighting: Weighting, contrastive: float = 0.0
) -> Tensor:
    """The loss of every picture (B,) under a weighting; predicted: of x_0, whatever the network's target is; level of
    shape (B,).

        w(t) mean |x̂_0 − x_0|²                                                      without contrast
        w(t) / w_v(t) (mean |v̂ − v|² − contrastive mean |v̂ − v'|²)                  with

    where w_v = ((alpha + sigma) / sigma)² is the weight of the velocity's own loss: both terms are weighed alike, so
    that no weighting moves the minimum at a t, and contrast has the strength that its paper gives it at every t.
    x0, eps: the picture, and the noise of the velocity v; v' that of the next picture (`contrastive_loss`).
    """
    if not contrastive:
        return loss(predicted, x0, level, weighting)
    losses = contrastive_loss(predicted, x0, eps, level, contrastive)
    return losses * (weighting(level) / velocity_weight(level, 0.0)).to(losses.dtype)


def check_given(config: ObjectiveConfig, settings: Sequence[str]) -> None:
    """Raises `InvalidOption` if a setting that was given, by its name in a run, has no effect."""
    density, weighting = (text.partition(":")[0] for text in (config.density, config.weighting))
    for name in ("time_mean", "time_std"):
        if f"objective.{name}" in settings and density != "logit-normal":
            raise InvalidOption(
                f"objective.{name} is given, but it belongs to the density logit-normal, and objective.density is "
                f"{config.density}; leave one of them out."
            )
    if "objective.floor" in settings and weighting != "velocity":
        raise InvalidOption(
            f"objective.floor is given, but it belongs to the weighting velocity, and objective.weighting is "
            f"{config.weighting}; leave one of them out."
        )
