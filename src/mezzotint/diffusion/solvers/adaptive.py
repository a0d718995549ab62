"""Embedded Runge–Kutta methods that choose their own steps inside a move, for every picture by itself."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.schedule import Level
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord
from mezzotint.diffusion.solvers.coordinate import Coordinate, find_coordinate, finite_value
from mezzotint.diffusion.solvers.euler import rescaled
from mezzotint.errors import InvalidOption, unknown_name

__all__ = ["DOPRI5", "HEUN_EULER", "RECORDS", "Adaptive", "Field", "Pair", "Tableau", "slope_field", "stages"]


@dataclass(frozen=True, slots=True)
class Tableau:
    """An explicit embedded pair. Slope i is taken at share c_i of the step, at y + h sum_j a_ij k_j.

    b: the weights of the solution. e: b minus those of the embedded solution of order `lower`. Where the last row of a
    is b, the last slope is the first of the next step.
    """

    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    e: tuple[float, ...]
    lower: int

    @property
    def c(self) -> tuple[float, ...]:
        """The shares of the step; every slope is at the sum of its row."""
        return tuple(sum(row) for row in self.a)


HEUN_EULER = Tableau(a=((), (1.0,)), b=(1 / 2, 1 / 2), e=(-1 / 2, 1 / 2), lower=1)
"""Heun's method with Euler's inside: order 2(1)."""

_FIFTH = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)
_FOURTH = (5179 / 57600, 0.0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40)
DOPRI5 = Tableau(
    a=(
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        _FIFTH,
    ),
    b=(*_FIFTH, 0.0),
    e=tuple(high - low for high, low in zip((*_FIFTH, 0.0), _FOURTH, strict=True)),
    lower=4,
)
"""Dormand & Prince 1980, J. Comput. Appl. Math. 6, table 2: order 5(4)."""

Pair = Literal["heun", "dopri5"]
_PAIRS = {"heun": HEUN_EULER, "dopri5": DOPRI5}
_MOST_TRIALS = 3000


@dataclass(frozen=True, slots=True)
class Field:
    """dy/du of a denoiser in a coordinate, at a u per picture."""

    denoise: BoundDenoiser
    coordinate: Coordinate

    def __call__(self, y: Tensor, u: Tensor) -> Tensor:
        t = self.denoise.schedule.time(self.coordinate.log_snr(u))
        scale = self.coordinate.scale(self.denoise.schedule(t).like(y))
        return self.coordinate.slope_of(self.denoise(scale * y, t))


def slope_field(denoise: BoundDenoiser, coordinate: str) -> Field:
    """The field of a denoiser in a coordinate, by its name."""
    return Field(denoise, find_coordinate(coordinate))


def stages(field: Field, tableau: Tableau, y: Tensor, u: Tensor, h: Tensor, first: Tensor) -> list[Tensor]:
    """All slopes of a step from y (B, ...) at u (B,) of length h (B,), the first being known."""
    slopes = [first]
    for row, share in zip(tableau.a[1:], tableau.c[1:], strict=True):
        slopes.append(field(y + _like(h, y) * _sum(row, slopes), u + share * h))
    return slopes


def _sum(weights: tuple[float, ...], slopes: list[Tensor]) -> Tensor:
    total = slopes[0] * weights[0]
    for weight, slope in zip(weights[1:], slopes[1:], strict=False):
        total = total.add(slope, alpha=weight)
    return total


def _like(value: Tensor, y: Tensor) -> Tensor:
    return Level(value, value).like(y).alpha


def _rms(x: Tensor) -> Tensor:
    """Of each picture, (B,) float64; each reduced alone, so that a batch changes no bit of it."""
    return torch.stack([row.double().square().mean().sqrt() for row in x]).cpu()


@dataclass(frozen=True, slots=True)
class Adaptive:
    """y_new = y + h sum_i b_i k_i in sub-steps from t to s, k_i the slopes dy/du of the pair's stages.

    Each is accepted if |h sum_i e_i k_i| <= tolerance max(1, |y|, |y_new|), |.| the root mean square.

    y is the sample in the coordinate (of size 1 in "flow", the default). After a trial with error ratio r the next
    step is h times 0.9 r^(−1/(lower + 1)), within [0.2, 5]. Every picture has its own error, its own steps and its own
    times; those that are done wait, and the evaluations of a move are those of the slowest. The step length is
    remembered from move to move. pair: "heun" (order 2 with 1) or "dopri5" (5 with 4).
    Hairer, Nørsett & Wanner 1993, Solving ODEs I, section II.4. It declares no order: its error follows the tolerance.
    Raises InvalidOption for a tolerance that is not positive or too small to reach, and an infinite coordinate.
    """

    pair: Pair = "dopri5"
    tolerance: float = 1e-3
    coordinate: str = "flow"
    stochastic: ClassVar[bool] = False
    order: ClassVar[Order | None] = None
    ramp: ClassVar[Ramp | None] = Ramp()

    def __post_init__(self) -> None:
        find_coordinate(self.coordinate)
        if self.pair not in get_args(Pair):
            raise unknown_name("pair", self.pair, get_args(Pair))
        if not 0 < self.tolerance < math.inf:
            raise InvalidOption(f"The option tolerance must be a positive number, not {self.tolerance!r}.")

    def init(self, x: Tensor) -> Tensor | None:
        return None

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: Tensor | None, noise: Noise
    ) -> tuple[Tensor, Tensor | None]:
        if self.tolerance < (least := torch.finfo(x.dtype).eps):
            raise InvalidOption(
                f"The tolerance {self.tolerance:g} is finer than the sample's own digits, {least:.1e} in "
                f"{str(x.dtype).removeprefix('torch.')}; raise it."
            )
        coordinate, tableau = find_coordinate(self.coordinate), _PAIRS[self.pair]
        field = slope_field(denoise, self.coordinate)
        begin, end = (finite_value(coordinate, denoise.schedule(time)).expand(x.shape[0]) for time in (t, s))
        first = denoise(x, t)
        u, y, slope = begin, rescaled(first, coordinate), coordinate.slope_of(first)
        length = (end - begin).abs() if state is None else state
        for _ in range(_MOST_TRIALS):
            left = (end - u).abs()
            if not bool((left > 0).any()):
                return coordinate.scale(denoise.schedule(s).like(y)) * y, length
            h = torch.minimum(length, left) * (end - begin).sign()
            slopes = stages(field, tableau, y, u, h, slope)
            new = y + _like(h, y) * _sum(tableau.b, slopes)
            error = _rms(_like(h, y) * _sum(tableau.e, slopes))
            ratio = error / (self.tolerance * torch.maximum(_rms(y), _rms(new)).clamp_min(1))
            good = ratio <= 1
            moved = good & (left > 0)
            reached = torch.where(length >= left, end, u + h)
            u = torch.where(moved, reached, u)
            kept = _like(moved.to(torch.float64), y) > 0
            y = torch.where(kept, new, y)
            if tableau.a[-1] == tableau.b[:-1]:
                slope = torch.where(kept, slopes[-1], slope)
            elif bool(moved.any()) and bool((u != end).any()):
                slope = field(y, u)
            length = _next(length, h.abs(), ratio, left, tableau.lower)
        raise InvalidOption(f"The tolerance {self.tolerance} cannot be reached in {_MOST_TRIALS} steps; raise it.")


def _next(length: Tensor, tried: Tensor, ratio: Tensor, left: Tensor, lower: int) -> Tensor:
    """The length of the next trial, (B,). A step cut short by the end of the move does not shorten the next one."""
    factor = (0.9 * ratio.clamp_min(1e-12) ** (-1 / (lower + 1))).nan_to_num(0.2).clamp(0.2, 5.0)
    proposed = torch.where((ratio <= 1) & (tried < length), torch.maximum(length, tried * factor), tried * factor)
    return torch.where(left > 0, proposed, length)


_HAIRER = "Hairer, Nørsett & Wanner 1993, section II.4"
RECORDS = (
    SolverRecord("adaptive-heun", Adaptive, None, _HAIRER, options={"pair": "heun"}),
    SolverRecord("dopri5", Adaptive, None, "Dormand & Prince 1980, table 2", options={"pair": "dopri5"}),
)
