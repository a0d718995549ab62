"""What cannot be combined: solver, time grid, schedule and the network's target. All else is legal.

Every solver goes with every guidance; which guidances do not go together is in `guidance.stack.ILLEGAL`. Options that
no grid or solver could take are refused where these are made, not here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from mezzotint.diffusion.denoiser import Denoiser, Preconditioned
from mezzotint.diffusion.schedule import Schedule
from mezzotint.diffusion.solvers.adams import LMS
from mezzotint.diffusion.solvers.adaptive import Adaptive
from mezzotint.diffusion.solvers.base import Solver
from mezzotint.diffusion.solvers.dpmpp import DPMpp2MSDE, DPMpp3MSDE
from mezzotint.diffusion.solvers.er_sde import ERSDE
from mezzotint.diffusion.solvers.euler import Euler
from mezzotint.diffusion.solvers.heun import Heun
from mezzotint.diffusion.solvers.midpoint import Midpoint
from mezzotint.diffusion.solvers.multistep import REACH, point
from mezzotint.diffusion.solvers.seeds import SEEDS, DPMppSDE
from mezzotint.diffusion.timegrid import Denoise, TimeGrid
from mezzotint.errors import InvalidOption

__all__ = ["ILLEGAL", "Combination", "check_combination", "target_of"]


@dataclass(frozen=True, slots=True)
class Combination:
    """What is to be run. target: what the network predicts, or "edm" of a preconditioned one. draws: from noise to a
    picture, as opposed to inversion."""

    solver: Solver[Any]
    grid: TimeGrid
    schedule: Schedule
    target: str
    draws: bool = True

    def moves(self, *, rising: bool = False) -> tuple[Denoise, ...]:
        """The solver's moves down, or up."""
        return tuple(move for move in self.grid if isinstance(move, Denoise) and (move.s > move.t) == rising)

    def is_pure_noise(self, t: float) -> bool:
        """Whether alpha = 0 at this time."""
        return float(self.schedule(t).alpha) == 0

    @property
    def asks_pure_noise(self) -> bool:
        """Whether the network is asked at alpha = 0: there, or to come back from there."""
        return any(self.is_pure_noise(max(move.t, move.s)) for move in self.grid if isinstance(move, Denoise))


def target_of(leaf: Denoiser[Any]) -> str:
    """What `Combination.target` is of a leaf."""
    return "edm" if isinstance(leaf, Preconditioned) else str(getattr(leaf, "target", "x0"))


def _eps(it: Combination) -> str | None:
    if it.target == "eps" and it.asks_pure_noise:
        return (
            "A network that predicts eps cannot be used at alpha = 0 (pure noise), where eps says nothing of x_0, and "
            "this time grid goes there; start it below t = 1, such as uniform:start=0.99, or use a network that "
            "predicts x0, v or velocity."
        )
    return None


def _preconditioned(it: Combination) -> str | None:
    if it.target == "edm" and it.asks_pure_noise:
        return (
            "A preconditioned (EDM) network cannot be used at alpha = 0 (pure noise), where its noise level is "
            "infinite, and this time grid goes there; start it below t = 1, such as uniform:start=0.99, or use an EDM "
            "schedule."
        )
    return None


_INFINITE = ("ratio", "half_log_snr")


def _stuck(solver: Solver[Any]) -> bool:
    """Whether a solver has no step from alpha = 0. (Euler in sigma/alpha is the law of DDIM, which has.)"""
    return isinstance(solver, Euler | Heun | Adaptive) and solver.coordinate in _INFINITE and solver != Euler()


def _coordinate(it: Combination) -> str | None:
    steps = [move for move in it.grid if isinstance(move, Denoise) and move.s > 0]  # the loop writes that to t = 0
    if _stuck(it.solver) and any(it.is_pure_noise(max(move.t, move.s)) for move in steps):
        return (
            f"The coordinate {it.solver.coordinate} is infinite at alpha = 0 (pure noise), and this time grid goes "
            "there; use the coordinate flow or angle, or start the grid below t = 1, such as uniform:start=0.99."
        )
    return None


def _upwards(it: Combination) -> str | None:
    solver = it.solver
    infinite = solver.coordinate == "half_log_snr" or isinstance(solver, LMS | ERSDE)
    infinite = infinite or (isinstance(solver, Midpoint) and solver.infinite)
    if infinite and any(it.is_pure_noise(move.s) for move in it.moves(rising=True)):
        return (
            "This solver cannot go up to alpha = 0 (pure noise), where its variable is infinite; end the inversion "
            "below t = 1, or use fixed-point-ddim, ddim, heun, midpoint or dopri5."
        )
    return None


def _noise_upwards(it: Combination) -> str | None:
    if it.solver.stochastic and it.moves(rising=True):
        return (
            "A stochastic solver only goes from noisy to clean times; on a rising grid use a deterministic one, such "
            "as fixed-point-ddim or ddim."
        )
    return None


def _beyond(it: Combination) -> str | None:
    if not (isinstance(it.solver, DPMpp2MSDE | DPMpp3MSDE | DPMppSDE | SEEDS) and it.solver.stochastic):
        return None
    for move in it.moves():
        low = point(it.schedule(move.s))
        if move.s > 0 and low.half_log_snr <= -REACH:
            return (
                f"A step ends at log(alpha/sigma) = {low.half_log_snr:.3g}, where this stochastic solver cannot tell "
                "noise from pure noise; choose a time grid whose first step from pure noise goes to sigma/alpha of at "
                "most 1e13."
            )
    return None


def _ends_in_noise(it: Combination) -> str | None:
    end = it.grid[-1].s if isinstance(it.grid[-1], Denoise) else it.grid[-1].t
    if it.draws and end > 0:
        return (
            f"This time grid ends at t = {end:g}, and a picture is at t = 0; rising grids such as inversion lead from "
            "a picture to noise, and to draw one takes a falling or jumping grid, such as uniform."
        )
    return None


ILLEGAL: Mapping[str, Callable[[Combination], str | None]] = MappingProxyType(
    {
        "a rising grid to draw": _ends_in_noise,
        "a network that predicts eps, at alpha = 0": _eps,
        "a preconditioned network, at alpha = 0": _preconditioned,
        "a coordinate that is infinite, at alpha = 0": _coordinate,
        "a solver whose variable is infinite, up to alpha = 0": _upwards,
        "a stochastic solver, upwards": _noise_upwards,
        "a Brownian path, beyond all noise": _beyond,
    }
)
"""What does not go together, by name: a sentence that refuses it and says what is legal, or None."""


def check_combination(combination: Combination) -> None:
    """Raises InvalidOption for what is in `ILLEGAL`."""
    for refuse in ILLEGAL.values():
        sentence = refuse(combination)
        if sentence is not None:
            raise InvalidOption(sentence)
