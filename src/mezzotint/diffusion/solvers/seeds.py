"""Exponential Runge–Kutta for the reverse SDE: DPM-Solver++ SDE and SEEDS.

A stage at share c of the step is the SDE's exact solution with x_0 replaced by a polynomial (`multistep.x0_step`), plus
sigma_c n_c, n the noise that has entered since t. Both draw it from the request's Brownian path.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord, check_order, check_share
from mezzotint.diffusion.solvers.multistep import (
    History,
    Past,
    Point,
    combined,
    effective,
    exponential_moments,
    increment,
    point,
    point_at,
    x0_step,
)
from mezzotint.diffusion.solvers.singlestep import middle_moments, time_at

__all__ = ["RECORDS", "SEEDS", "DPMppSDE"]


@dataclass(frozen=True, slots=True)
class _Piece:
    """The path from a to b, half log-SNRs: z of variance 1."""

    a: float
    b: float
    z: Tensor


def _entered(eta: float, pieces: Sequence[_Piece]) -> Tensor | None:
    """n at the end of the last piece: sum_k e^(−eta (end − b_k)) sqrt(1 − e^(−2 eta (b_k − a_k))) z_k.

    This is what an Ornstein–Uhlenbeck process makes of the path, its variance 1 − e^(−2 eta (end − start)).
    """
    if eta == 0:
        return None
    end, terms = pieces[-1].b, []
    for piece in pieces:
        spread = math.sqrt(max(-math.expm1(-2 * eta * (piece.b - piece.a)), 0.0))
        terms.append((math.exp(-eta * (end - piece.b)) * spread, piece.z))
    return combined(terms)


def _piece(noise: Noise, x: Tensor, eta: float, a: float, b: float) -> _Piece:
    return _Piece(a, b, increment(noise, x, a, b) if eta else x)


def _with(x: Tensor, low: Point, entered: Tensor | None) -> Tensor:
    return x if entered is None else x.add(entered, alpha=low.sigma)


@dataclass(frozen=True, slots=True)
class DPMppSDE:
    """x_s = (sigma_s/sigma_t) e^(−eta h) x_t + alpha_s (1 − e^(−(1 + eta) h)) x_0(u) + sigma_s n z, u in the middle.

    DPM-Solver++ 2S for the SDE of noise scale eta, n² = 1 − e^(−2 eta h); u is such a step, at x_0(x_t). z is the
    increment of the Brownian path over the step, and the noise of u that over its first half. As in k-diffusion's
    "DPM++ SDE", `sample_dpmpp_sde` (there eta is that of an ancestral split; they agree at 0 and 1), after DPM-Solver++
    2S of Lu et al. 2022, arXiv 2211.01095, algorithm 1. From alpha = 0, which has no middle, the step is of first
    order. Raises InvalidOption unless eta is in [0, 1].
    """

    eta: float = 1.0
    coordinate: ClassVar[str] = "half_log_snr"
    ramp: ClassVar[Ramp | None] = Ramp(0, 1)

    def __post_init__(self) -> None:
        check_share("eta", self.eta)

    @property
    def order(self) -> Order | None:
        return None if self.stochastic else Order(2, 2)

    @property
    def stochastic(self) -> bool:
        return self.eta > 0

    def init(self, x: Tensor) -> None:
        return None

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: None, noise: Noise
    ) -> tuple[Tensor, None]:
        first, low = denoise(x, t), point_at(denoise.schedule, s)
        x, high = effective(first), point(first.level)
        start, end = high.half_log_snr, low.half_log_snr
        past: History = (Past(start, first.x0),)
        moments = None
        if math.isfinite(start):
            middle = (start + end) / 2
            u, at = _stage(denoise, x, high, middle, past, self.eta)
            inner = denoise(
                _with(u, at, _entered(self.eta, [_piece(noise, x, self.eta, start, middle)])), time_at(denoise, middle)
            )
            past = (Past(middle, inner.x0), *past)
            moments = middle_moments((1 + self.eta) * (end - start))
        y = x0_step(x, high, low, past, self.eta, moments)
        return _with(y, low, _entered(self.eta, [_piece(noise, x, self.eta, start, end)])), None


def _stage(
    denoise: BoundDenoiser, x: Tensor, high: Point, at: float, past: History, eta: float
) -> tuple[Tensor, Point]:
    """The solution at a half log-SNR inside the step, without its noise, and its level."""
    low = point_at(denoise.schedule, time_at(denoise, at))
    return x0_step(x, high, low, past, eta), low


@dataclass(frozen=True, slots=True)
class SEEDS:
    """x_s = (sigma_s/sigma_t) e^(−eta h) x_t + alpha_s (M_0 x_0 + M_1 D) + sigma_s n, an exponential Runge–Kutta step.

    M_0 = 1 − e^−k, M_1 = 1 − M_0/k, k = (1 + eta) h; u_c is such a step to the share c of h, with c h for h.
    The noises n of all stages are those of one Ornstein–Uhlenbeck process.
    stages 2: x_0(u_1/2) for all of x_0 (M_1 = M_0/2, D = 2 (x_0(u_1/2) − x_0)), as DPM-Solver++ SDE, but with the noise
    n = sqrt(1 − e^(−eta h)) (e^(−eta h/2) z_1 + z_2), z_1 and z_2 those of the two halves of the step.
    stages 3: u_1/3 with D = 0, u_2/3 with D = 2 (x_0(u_1/3) − x_0), x_s with D = 3/2 (x_0(u_2/3) − x_0): x_0 linear in
    lambda. The noise at the end of the third i is n_i = e^(−eta h/3) n_(i−1) + sqrt(1 − e^(−2 eta h/3)) z_i, n_0 = 0.
    Gonzalez et al. 2023, arXiv 2305.14267, the algorithms SEEDS-2 and SEEDS-3 (`sample_seeds_2`, `sample_seeds_3` of
    ComfyUI). At eta = 0 they are ODE solvers of order 2 and 3. From alpha = 0 the step is of first order. Raises
    InvalidOption unless eta is in [0, 1] and stages 2 or 3.
    """

    stages: int = 2
    eta: float = 1.0
    coordinate: ClassVar[str] = "half_log_snr"
    ramp: ClassVar[Ramp | None] = Ramp(0, 1)

    def __post_init__(self) -> None:
        check_share("eta", self.eta)
        check_order(self.stages, (2, 3))

    @property
    def order(self) -> Order | None:
        return None if self.stochastic else Order(self.stages, self.stages)

    @property
    def stochastic(self) -> bool:
        return self.eta > 0

    def init(self, x: Tensor) -> None:
        return None

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: None, noise: Noise
    ) -> tuple[Tensor, None]:
        first, low = denoise(x, t), point_at(denoise.schedule, s)
        x, high = effective(first), point(first.level)
        start, end = high.half_log_snr, low.half_log_snr
        now = Past(start, first.x0)
        past: History = (now,)
        reached, pieces = start, list[_Piece]()
        for share in ((1 / 2,) if self.stages == 2 else (1 / 3, 2 / 3)) if math.isfinite(start) else ():
            pieces.append(_piece(noise, x, self.eta, reached, start + share * (end - start)))
            reached = pieces[-1].b
            u, at = _stage(denoise, x, high, reached, past, self.eta)
            inner = denoise(_with(u, at, _entered(self.eta, pieces)), time_at(denoise, reached))
            past = (Past(reached, inner.x0), now)
        length = (1 + self.eta) * (end - start)
        moments = middle_moments(length) if self.stages == 2 else exponential_moments(length, 2)
        y = x0_step(x, high, low, past, self.eta, moments[: len(past)])
        pieces.append(_piece(noise, x, self.eta, reached, end))
        return _with(y, low, _entered(self.eta, pieces)), None


_SEEDS = "Gonzalez et al. 2023, arXiv 2305.14267"
RECORDS = (
    SolverRecord(
        "dpmpp-sde", DPMppSDE, 2, "k-diffusion, sample_dpmpp_sde", aliases=("dpm++ sde",), from_pure_noise=(1,)
    ),
    SolverRecord("seeds-2", SEEDS, 2, f"{_SEEDS}, SEEDS-2", options={"stages": 2}, from_pure_noise=(1,)),
    SolverRecord("seeds-3", SEEDS, 3, f"{_SEEDS}, SEEDS-3", options={"stages": 3}, from_pure_noise=(1,)),
)
