"""Guided sampling follows the guided ODE: every method that is not neutral, on several solvers and schedules.

The reference is dx/dt = alpha' x_0 + sigma' eps with the guided x_0, followed in small Runge–Kutta steps by code of its
own: a solver that took the wrong x_0, another branch's eps, or noise that a modifier left behind would end elsewhere.
By default every method meets every solver and every schedule; `-m slow` runs all three together.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    CFG,
    EDM,
    GUIDANCES,
    SOLVERS,
    Bound,
    Gaussian,
    Interval,
    NetworkDenoiser,
    PhiloxNoise,
    Probe,
    RectifiedFlow,
    Schedule,
    VPCosine,
    from_times,
    guided,
    sample,
)
from mezzotint.diffusion.guidance.apg import APG
from mezzotint.diffusion.guidance.autoguidance import Autoguidance
from mezzotint.diffusion.guidance.cfg_zero import CFGZero
from mezzotint.diffusion.guidance.composable import Composable
from mezzotint.diffusion.guidance.icg import ICG
from mezzotint.diffusion.guidance.pag import PAG
from mezzotint.diffusion.guidance.perp_neg import PerpNeg
from mezzotint.diffusion.guidance.rescale import Rescale
from mezzotint.diffusion.guidance.sag import SAG
from mezzotint.diffusion.guidance.seg import SEG
from mezzotint.diffusion.guidance.slg import SLG
from mezzotint.diffusion.guidance.tcfg import TCFG
from mezzotint.diffusion.guidance.thresholding import DynamicThresholding
from mezzotint.diffusion.guidance.token_dropout import TokenDropout
from tests.support import random_network

from .conditional import SHARES, Mixed
from .order import float64, slope
from .transformer import COND, CONFIG, normal

SCHEDULES: dict[str, Schedule] = {"rf": RectifiedFlow(), "cos": VPCosine(), "edm": EDM()}
FOLLOWED = ("heun", "dpmpp-2m", "unipc-2", "ipndm-3")
"""In sigma/alpha or t, in log-SNR, with a corrector, with a memory of eps."""
EXACT_ENDS, NETWORK_ENDS = (-3.0, 4.0), (-1.0, 1.0)
"""The log-SNR where a run begins and ends."""
X = float64([[0.3, -0.1, 1.2], [0.8, 0.0, -0.7], [-0.5, 0.9, 0.1], [0.0, 1.1, -0.3]])


@dataclass(frozen=True)
class Method:
    """A rule and modifiers; jumps: the shares of the way at which their field does."""

    rule: Any
    modifiers: tuple[Any, ...] = ()
    jumps: tuple[float, ...] = ()


JUMPS = (31 / 120, 85 / 120)
"""A third into a step of grids of 40 and of 160 steps, so that both miss it alike."""


def interval(schedule: Schedule) -> Method:
    high, low = (torch.lerp(*map(float64, ends(schedule, EXACT_ENDS)), share) for share in map(float64, JUMPS))
    return Method(CFG(3.0), (Interval(float(low), float(high)),), JUMPS)


def weak(schedule: Schedule) -> Any:
    return Gaussian(schedule, 0.4, 0.5)


EXACT: Mapping[str, Callable[[Schedule], Method]] = {
    "cfg": lambda _: Method(CFG(3.0)),
    "apg": lambda _: Method(APG(3.0, momentum=0.0)),  # with a memory it is no field
    "cfg-zero": lambda _: Method(CFGZero(3.0, zero_above=1.0)),
    "tcfg": lambda _: Method(TCFG(3.0)),
    "composable": lambda _: Method(Composable({"cond": 3.0, "second": 2.0, "negative": -1.0})),
    "perp-neg": lambda _: Method(PerpNeg(3.0, {"negative": 1.5})),
    "icg": lambda _: Method(ICG(3.0)),
    "interval": interval,
    "rescale": lambda _: Method(CFG(3.0), (Rescale(0.7),)),
    "dynamic-thresholding": lambda _: Method(CFG(3.0), (DynamicThresholding(0.6, 0.5),)),
    "autoguidance": lambda schedule: Method(CFG(3.0), (Autoguidance(2.0, weak(schedule)),)),
    "autoguidance-alone": lambda schedule: Method(CFG(1.0), (Autoguidance(2.0, weak(schedule)),)),
}
ATTENTION: Mapping[str, Method] = {
    "pag": Method(CFG(2.0), (PAG(1.5),)),
    "sag": Method(CFG(2.0), (SAG(1.0, threshold=0.0),)),  # all tokens: the mask of some jumps
    "seg": Method(CFG(2.0), (SEG(1.5),)),
    "slg": Method(CFG(2.0), (SLG(1.5),)),
    "token-dropout": Method(CFG(2.0), (TokenDropout(2.5),)),
}


def followed(field: Any, cond: Any, x: Tensor, times: Sequence[float], steps: int) -> Tensor:
    """x at the last of the times, by the classical Runge–Kutta method of so many steps between any two of them."""
    schedule = field.schedule

    def slope(x: Tensor, t: float) -> Tensor:
        h = 1e-5
        low, high, prediction = schedule(t - h), schedule(t + h), field(x, float64(t), cond)
        return ((high.alpha - low.alpha) * prediction.x0 + (high.sigma - low.sigma) * prediction.eps) / (2 * h)

    for begin, end in pairwise(times):
        h, inside = (end - begin) / steps, 1e-9 * (end - begin)  # where the field jumps, its value is that of this side
        for i in range(steps):
            t = begin + i * h
            k1 = slope(x, t + inside)
            k2 = slope(x + h / 2 * k1, t + h / 2)
            k3 = slope(x + h / 2 * k2, t + h / 2)
            k4 = slope(x + h * k3, t + h - inside)
            x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x


@dataclass(frozen=True)
class Case:
    """A guided field, where it is followed from and to, where that leads, and where it would without this method."""

    field: Any
    cond: Any
    x: Tensor
    ends: tuple[float, float]
    reference: Tensor
    plain: Tensor

    def drawn(self, field: Any, solver: str, steps: int) -> Tensor:
        grid = from_times([float(torch.lerp(*map(float64, self.ends), float64(i / steps))) for i in range(steps + 1)])
        noise = PhiloxNoise(range(len(self.x)))
        *_, last = sample(Bound(field, self.cond), self.x, grid, SOLVERS[solver].make(), noise)
        return last.x

    def errors(self, solver: str, counts: tuple[int, int]) -> list[float]:
        return [rms(self.drawn(self.field, solver, steps) - self.reference) for steps in counts]


def rms(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


def case(leaf: Any, method: Method, cond: Any, x: Tensor, log_snr: tuple[float, float], steps: int) -> Case:
    schedule = leaf.schedule
    field = guided(leaf, method.rule, method.modifiers, calls="apart")
    begin, end = ends(schedule, log_snr)
    level = schedule(begin)
    x = x * float(torch.hypot(level.alpha, level.sigma))
    stops = [begin, *(begin + (end - begin) * share for share in method.jumps), end]
    without = guided(leaf, method.rule if method.modifiers else CFG(1.0), calls="apart")
    plain = followed(without, cond, x, [begin, end], steps)
    return Case(field, cond, x, (begin, end), followed(field, cond, x, stops, steps), plain)


def ends(schedule: Schedule, log_snr: tuple[float, float]) -> tuple[float, float]:
    begin, end = (float(schedule.time(value)) for value in log_snr)
    return begin, end


COUNTS = {"interval": (40, 160), "cfg-zero": (160, 320)}
"""Steps to measure with, where they are not 40 and 80. CFG-Zero* divides by |v|², which gets small on the way."""


@cache
def exact_case(name: str, schedule: str) -> Case:
    process = SCHEDULES[schedule]
    steps = {"cfg-zero": 240, "rescale": 120}.get(name, 64)
    return case(Mixed(process), EXACT[name](process), SHARES, X, EXACT_ENDS, steps)


def in_turn(names: Iterable[str], schedules: Sequence[str]) -> list[Any]:
    """All three choices together, slow but for those in which the schedules take turns."""
    return [
        pytest.param(name, schedule, solver, marks=() if k == (i + j) % len(schedules) else pytest.mark.slow)
        for i, name in enumerate(names)
        for j, solver in enumerate(FOLLOWED)
        for k, schedule in enumerate(schedules)
    ]


@pytest.mark.parametrize(("name", "schedule", "solver"), in_turn(EXACT, list(SCHEDULES)))
def test_sampling_follows_the_guided_ode(name: str, schedule: str, solver: str) -> None:
    """At second order or better, and where the field jumps at first. CFG++ has no ODE: it moves by
    alpha_t guidance (cond − uncond) in every step, however short."""
    followed, counts = exact_case(name, schedule), COUNTS.get(name, (40, 80))
    errors = followed.errors(solver, counts)
    assert errors[1] < 5e-4
    assert slope(errors, counts) > (0.8 if name == "interval" else 1.7), errors
    assert rms(followed.reference - followed.plain) > 0.02  # guidance leads elsewhere


class Timeless:
    """A network at one time whatever the time is: what it says of the time is too rough for measuring orders."""

    def __init__(self) -> None:
        self.network = random_network(replace(CONFIG, depth=2)).double()
        self.blocks = self.network.blocks

    def __call__(self, x_t: Tensor, t: Tensor, cond: Any, *, to: Any = None, probe: Probe | None = None) -> Tensor:
        said: Tensor = self.network(x_t, torch.full_like(t, 0.6), cond, probe=probe)
        return said


@cache
def network_case(name: str, schedule: str) -> Case:
    leaf = NetworkDenoiser(Timeless(), SCHEDULES[schedule], "x0", dtype=torch.float64)
    cond = {key: value[slice(0, 1)] for key, value in COND.items()}
    x = normal(1, 4, 1, 32, 32, seed=1).double()
    return case(leaf, ATTENTION[name], cond, x, NETWORK_ENDS, 12)


@torch.inference_mode()
@pytest.mark.parametrize(("name", "schedule", "solver"), in_turn(ATTENTION, ["rf", "edm"]))
def test_sampling_follows_the_ode_of_guidance_by_attention(name: str, schedule: str, solver: str) -> None:
    followed = network_case(name, schedule)
    errors = followed.errors(solver, (8, 16))
    assert errors[1] < 2e-3
    assert slope(errors, (8, 16)) > 1.8, errors
    assert rms(followed.reference - followed.plain) > 0.02


def test_every_method_that_is_a_field_is_followed() -> None:
    assert {*EXACT, *ATTENTION} - {"autoguidance-alone"} == GUIDANCES.keys() - {"cfg++"}
