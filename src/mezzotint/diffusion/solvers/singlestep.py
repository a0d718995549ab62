"""Exponential Runge–Kutta: second-order steps with a prediction inside the step.

DPM-Solver++ 2S and RES integrate x_0 in half the log-SNR with the core of `multistep`, with other moments. RES with a
memory instead of the inner prediction is here too, since it is the same formula.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord, memory
from mezzotint.diffusion.solvers.multistep import (
    History,
    Past,
    Point,
    effective,
    exponential_moments,
    point,
    point_at,
    remember,
    x0_step,
)

__all__ = ["RECORDS", "DPMpp2S", "RESMultistep", "RESSingleStep", "middle_moments", "second_order_step", "time_at"]


def time_at(denoise: BoundDenoiser, half_log_snr: float) -> Tensor:
    """The time with this half log-SNR."""
    return denoise.schedule.time(torch.tensor(2 * half_log_snr, dtype=torch.float64))


def middle_moments(x: float) -> list[float]:
    """M_0 and M_0 / 2: the prediction at the middle of the step stands for the whole of it."""
    return [-math.expm1(-x), -math.expm1(-x) / 2]


def second_order_step(
    denoise: BoundDenoiser, first: Prediction, low: Point, share: float, moments: list[float]
) -> Tensor:
    """The ODE from a prediction to `low`, with a second prediction at `share` of the way in half the log-SNR."""
    x, high = effective(first), point(first.level)
    start = high.half_log_snr
    now = Past(start, first.x0)
    at = start + share * (low.half_log_snr - start)
    t = time_at(denoise, at)
    inner = denoise(x0_step(x, high, point_at(denoise.schedule, t), (now,)), t)
    return x0_step(x, high, low, (Past(at, inner.x0), now), moments=moments)


@dataclass(frozen=True, slots=True)
class DPMpp2S:
    """u = DDIM to the middle lambda;   x_s = (sigma_s/sigma_t) x_t + alpha_s (1 − e^−h) x_0(u).

    Lu et al. 2022, arXiv 2211.01095, algorithm 1 with r_1 = 1/2 (second order, singlestep).
    From alpha = 0, which has no middle, the step is DDIM.
    """

    coordinate: ClassVar[str] = "half_log_snr"
    stochastic: ClassVar[bool] = False
    order: ClassVar[Order | None] = Order(2, 2)
    ramp: ClassVar[Ramp | None] = Ramp(0, 1)

    def init(self, x: Tensor) -> None:
        return None

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: None, noise: Noise
    ) -> tuple[Tensor, None]:
        first = denoise(x, t)
        if float(first.level.alpha) == 0:
            return denoise.schedule(s).noised(first.x0, first.update_eps), None
        end = point_at(denoise.schedule, s)
        h = end.half_log_snr - point(first.level).half_log_snr
        return second_order_step(denoise, first, end, 0.5, middle_moments(h)), None


@dataclass(frozen=True, slots=True)
class RESSingleStep:
    """u = DDIM to lambda_t + h/2;   x_s = (sigma_s/sigma_t) x_t + alpha_s h (b_1 x_0(t) + b_2 x_0(u)).

    b_2 = 2 phi_2(−h), b_1 = phi_1(−h) − b_2. Zhang et al. 2023 (refined exponential solver), arXiv 2308.02157,
    algorithm 1 with c_2 = 1/2. From alpha = 0 the step is DDIM.
    """

    coordinate: ClassVar[str] = "half_log_snr"
    stochastic: ClassVar[bool] = False
    order: ClassVar[Order | None] = Order(2, 2)
    ramp: ClassVar[Ramp | None] = Ramp(0, 1)

    def init(self, x: Tensor) -> None:
        return None

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: None, noise: Noise
    ) -> tuple[Tensor, None]:
        first = denoise(x, t)
        if float(first.level.alpha) == 0:
            return denoise.schedule(s).noised(first.x0, first.update_eps), None
        end = point_at(denoise.schedule, s)
        h = end.half_log_snr - point(first.level).half_log_snr
        return second_order_step(denoise, first, end, 0.5, exponential_moments(h, 2)), None


@dataclass(frozen=True, slots=True)
class RESMultistep:
    """x_s = DDIM + alpha_s M_1 (x_0 − x_0') h/h',   M_1 = 1 − (1 − e^−h)/h: x_0 linear in lambda, integrated exactly.

    Zhang et al. 2023 (refined exponential solver), arXiv 2308.02157, its multistep form (`sample_res_multistep` of
    ComfyUI): b_2 = phi_2(−h)/c_2 with c_2 = −h'/h, M_1 = h phi_2(−h). DPM-Solver++ 2M has M_1 = M_0/2 instead. The
    first step is DDIM.
    """

    coordinate: ClassVar[str] = "half_log_snr"
    stochastic: ClassVar[bool] = False
    order: ClassVar[Order | None] = Order(2, 2)
    ramp: ClassVar[Ramp | None] = memory(1)

    def init(self, x: Tensor) -> History:
        return ()

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: History, noise: Noise
    ) -> tuple[Tensor, History]:
        prediction = denoise(x, t)
        high = point(prediction.level)
        past = remember(state, Past(high.half_log_snr, prediction.x0), 2)
        return x0_step(effective(prediction), high, point_at(denoise.schedule, s), past), past


_RES = "Zhang et al. 2023, arXiv 2308.02157"
RECORDS = (
    SolverRecord(
        "dpmpp-2s",
        DPMpp2S,
        2,
        "Lu et al. 2022, arXiv 2211.01095, algorithm 1",
        aliases=("dpm++ 2s",),
        from_pure_noise=(1,),
    ),
    SolverRecord("res-singlestep", RESSingleStep, 2, f"{_RES}, algorithm 1", aliases=("res-2s",), from_pure_noise=(1,)),
    SolverRecord("res-multistep", RESMultistep, 1, f"{_RES} (multistep)", aliases=("res-2m",)),
)
