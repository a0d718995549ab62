"""What a network is trained on: a schedule, by name and with options, and the target that its output means.

A name with options, as in `laplace:width=0.5`, is what a run's setting, a model's description and a recipe say.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from mezzotint.diffusion.prediction import Target
from mezzotint.diffusion.schedule import (
    HyperbolicSecant,
    Laplace,
    RectifiedFlow,
    Schedule,
    VPCosine,
    VPLinear,
    VPScaledLinear,
    ZeroTerminal,
)
from mezzotint.errors import unknown_name
from mezzotint.spec import Spec, option_types, typed
from mezzotint.values import integer

__all__ = ["PLAIN", "SCHEDULES", "Process", "known_target", "schedule_of"]


def _vp_linear(
    beta_start: float = 1e-4, beta_end: float = 0.02, steps: int = 1000, zero_terminal: bool = False
) -> Schedule:
    integer("steps of the schedule vp_linear", steps, 2, MAX_CHAIN)
    chain = VPLinear(beta_start, beta_end, steps)
    return ZeroTerminal(chain) if zero_terminal else chain


def _vp_scaled_linear(
    beta_start: float = 0.00085, beta_end: float = 0.012, steps: int = 1000, zero_terminal: bool = False
) -> Schedule:
    integer("steps of the schedule vp_scaled_linear", steps, 2, MAX_CHAIN)
    chain = VPScaledLinear(beta_start, beta_end, steps)
    return ZeroTerminal(chain) if zero_terminal else chain


MAX_CHAIN = 100_000
"""Most steps of a discrete chain."""

SCHEDULES: Mapping[str, Callable[..., Schedule]] = MappingProxyType(
    {
        "hyperbolic_secant": HyperbolicSecant,
        "laplace": Laplace,
        "rectified_flow": RectifiedFlow,
        "vp_cosine": VPCosine,
        "vp_linear": _vp_linear,
        "vp_scaled_linear": _vp_scaled_linear,
    }
)
"""Schedules by name. Not EDM: its x_t is up to 80 times as large as the data, which only a preconditioned network
(`denoiser.Preconditioned`) can read."""


@dataclass(frozen=True, slots=True)
class Process:
    """How x_t was made, and what the output of a network means that was trained on it (`Prediction.from_output`)."""

    schedule: Schedule
    target: Target


PLAIN = Process(RectifiedFlow(), "x0")
"""What networks are trained on unless a run says otherwise."""


def schedule_of(text: object) -> Schedule:
    """The schedule of a spec, such as vp_cosine or vp_linear:zero_terminal=true.

    Raises InvalidOption for unknown names and options, with the nearest, and for values that make no schedule.
    """
    spec = Spec.parse("schedule", text)
    if spec.name not in SCHEDULES:
        raise unknown_name("schedule", spec.name, SCHEDULES)
    build = SCHEDULES[spec.name]
    schedule = build(**typed("schedule", spec, option_types(build, inspect.signature(build).parameters)))
    schedule(0.5)  # a chain looks at its betas when it is first asked
    return schedule


def known_target(text: str) -> Target:
    """A target by its name. Raises InvalidOption with the nearest ones."""
    targets: tuple[Target, ...] = get_args(Target)
    for target in targets:
        if text == target:
            return target
    raise unknown_name("prediction target", text, targets)
