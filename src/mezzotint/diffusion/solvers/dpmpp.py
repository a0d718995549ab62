"""DPM-Solver++ with a memory: exponential integrators in half the log-SNR, with x_0 as the function to integrate.

With lambda = log(alpha/sigma) the probability-flow ODE has the exact solution

    x_s = (sigma_s/sigma_t) x_t + sigma_s ∫ e^lambda x_0(lambda) dlambda   (Lu et al. 2022, arXiv 2211.01095, section 4)

With x_0 held constant that is the law x_s = alpha_s x_0 + sigma_s eps. Methods of higher order interpolate x_0 through
earlier predictions. The SDE forms follow the reverse SDE with noise scale eta instead.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord, check_share, memory
from mezzotint.diffusion.solvers.multistep import (
    History,
    Past,
    effective,
    exponential_moments,
    increment,
    point,
    point_at,
    remember,
    x0_step,
)
from mezzotint.errors import unknown_name

__all__ = ["RECORDS", "Correction", "DPMpp2M", "DPMpp2MSDE", "DPMpp3M", "DPMpp3MSDE", "Parabola"]

Correction = Literal["midpoint", "heun"]
Parabola = Literal["whole", "half"]


def _step(
    denoise: BoundDenoiser,
    x: Tensor,
    t: Tensor,
    s: Tensor,
    state: History,
    noise: Noise,
    *,
    order: int,
    eta: float = 0.0,
    correction: Correction = "heun",
    parabola: Parabola = "whole",
) -> tuple[Tensor, History]:
    """One step of any of them. "midpoint" takes half of M_0 for the moment M_1, that is, x_0 at the middle.

    "half" takes half of M_2, and with it half of the second difference.
    """
    prediction = denoise(x, t)
    high, low = point(prediction.level), point_at(denoise.schedule, s)
    start, end = high.half_log_snr, low.half_log_snr
    past = remember(state, Past(start, prediction.x0), order)
    moments = exponential_moments((1 + eta) * (end - start), len(past))
    if correction == "midpoint" and len(past) == 2:
        moments[1] = moments[0] / 2
    if parabola == "half" and len(past) == 3:
        moments[2] /= 2
    y = x0_step(effective(prediction), high, low, past, eta, moments)
    if eta:
        spread = low.sigma * math.sqrt(max(-math.expm1(-2 * eta * (end - start)), 0.0))
        y = y.add(increment(noise, x, start, end), alpha=spread)
    return y, past


@dataclass(frozen=True, slots=True)
class DPMpp2M:
    """x_s = (sigma_s/sigma_t) x_t + alpha_s (1 − e^−h) (x_0(t) + (h / 2 h') (x_0(t) − x_0(t'))), t' the time before t.

    h and h' are the steps of lambda from t to s and from t' to t. Lu et al. 2022, arXiv 2211.01095, algorithm 2 (second
    order, multistep). The first step has no history and is DDIM. After a first step from alpha = 0, where lambda is
    infinite, h' is 1 (`multistep.remember`).
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
        return _step(denoise, x, t, s, state, noise, order=2, correction="midpoint")


def _check_parabola(parabola: str) -> None:
    if parabola not in get_args(Parabola):
        raise unknown_name("parabola", parabola, get_args(Parabola))


@dataclass(frozen=True, slots=True)
class DPMpp3M:
    """x_s = (sigma_s/sigma_t) x_t + alpha_s (M_0 x_0 + M_1 D_1 + M_2 D_2): x_0 a parabola, integrated exactly.

    M_0 = 1 − e^−h, M_1 = 1 − M_0/h, M_2 = 1 − 2 M_1/h. With the steps of lambda h (this one), h' and h'' before,
    a = (x_0 − x_0') h/h' and b = (x_0' − x_0'') h/h'': D_2 = (a − b) h/(h' + h'') and D_1 = a + D_2 h'/h.
    The multistep solver of third order in the released code of Lu et al. 2022, arXiv 2211.01095
    (`multistep_dpm_solver_third_update`), for the integral of section 4 there. In that code, and in all that follow it,
    D_2 has half its weight (M_2/2): parabola "half", which is of second order. The integral has the whole.
    Raises InvalidOption for another parabola.
    """

    parabola: Parabola = "whole"
    coordinate: ClassVar[str] = "half_log_snr"
    stochastic: ClassVar[bool] = False
    ramp: ClassVar[Ramp | None] = memory(2)

    def __post_init__(self) -> None:
        _check_parabola(self.parabola)

    @property
    def order(self) -> Order | None:
        return Order(3 if self.parabola == "whole" else 2, 2)

    def init(self, x: Tensor) -> History:
        return ()

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: History, noise: Noise
    ) -> tuple[Tensor, History]:
        return _step(denoise, x, t, s, state, noise, order=3, parabola=self.parabola)


@dataclass(frozen=True, slots=True)
class DPMpp2MSDE:
    """x_s = (sigma_s/sigma_t) e^(−eta h) x_t + alpha_s (M_0 x_0 + M_1 (x_0 − x_0') h/h') + sigma_s n z.

    n² = 1 − e^(−2 eta h). M_0 = 1 − e^(−(1 + eta) h). correction "midpoint": M_1 = M_0/2, as in 2M; "heun": exact,
    M_1 = 1 − M_0 / ((1 + eta) h). z is an increment of one Brownian path, whatever the number of steps.
    SDE-DPM-Solver++ of Lu et al. 2022, arXiv 2211.01095, second order as k-diffusion's `sample_dpmpp_2m_sde`.
    Raises InvalidOption unless eta is in [0, 1].
    """

    eta: float = 1.0
    correction: Correction = "midpoint"
    coordinate: ClassVar[str] = "half_log_snr"
    ramp: ClassVar[Ramp | None] = memory(1)

    def __post_init__(self) -> None:
        check_share("eta", self.eta)
        if self.correction not in get_args(Correction):
            raise unknown_name("correction", self.correction, get_args(Correction))

    @property
    def order(self) -> Order | None:
        return None if self.stochastic else Order(2, 2)

    @property
    def stochastic(self) -> bool:
        return self.eta > 0

    def init(self, x: Tensor) -> History:
        return ()

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: History, noise: Noise
    ) -> tuple[Tensor, History]:
        return _step(denoise, x, t, s, state, noise, order=2, eta=self.eta, correction=self.correction)


@dataclass(frozen=True, slots=True)
class DPMpp3MSDE:
    """x_s = (sigma_s/sigma_t) e^(−eta h) x_t + alpha_s (M_0 x_0 + M_1 D_1 + p M_2 D_2) + sigma_s n z, p 1/2 or 1.

    DPM-Solver++ 3M for the SDE of noise scale eta: D_1 and D_2 as in 3M, M_0 = 1 − e^−k, M_1 = 1 − M_0/k and
    M_2 = 1 − 2 M_1/k with k = (1 + eta) h, n² = 1 − e^(−2 eta h), z as in 2M SDE; p is 1/2 for parabola "half".
    k-diffusion's `sample_dpmpp_3m_sde` (Katherine Crowson), whose parabola is "half". The whole one is the exact
    integral, but gains no order beside the noise, and swings more. It looks far ahead from what it has seen: where
    steps of lambda are longer than about 1 and grow towards the data, both forms throw points off. (On an exact mixture
    with EDM's schedule at 32 steps, energy distances of half, whole and 2M SDE: Karras 0.00, 0.00, 0.00; shifted 0.03,
    0.59, 0.02; KL-optimal 0.16, 0.60, 0.01. At 64 steps half is at 0.01 or below.) There 2M SDE is the better choice.
    Raises InvalidOption unless eta is in [0, 1], and for another parabola.
    """

    eta: float = 1.0
    parabola: Parabola = "half"
    coordinate: ClassVar[str] = "half_log_snr"
    ramp: ClassVar[Ramp | None] = memory(2)

    def __post_init__(self) -> None:
        check_share("eta", self.eta)
        _check_parabola(self.parabola)

    @property
    def order(self) -> Order | None:
        return None if self.stochastic else Order(3 if self.parabola == "whole" else 2, 2)

    @property
    def stochastic(self) -> bool:
        return self.eta > 0

    def init(self, x: Tensor) -> History:
        return ()

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: History, noise: Noise
    ) -> tuple[Tensor, History]:
        return _step(denoise, x, t, s, state, noise, order=3, eta=self.eta, parabola=self.parabola)


_PAPER = "Lu et al. 2022, arXiv 2211.01095"
RECORDS = (
    SolverRecord("dpmpp-2m", DPMpp2M, 1, f"{_PAPER}, algorithm 2", aliases=("dpm++ 2m",)),
    SolverRecord("dpmpp-3m", DPMpp3M, 1, f"{_PAPER}, released code", aliases=("dpm++ 3m",)),
    SolverRecord("dpmpp-2m-sde", DPMpp2MSDE, 1, f"{_PAPER} (SDE-DPM-Solver++)", aliases=("dpm++ 2m sde",)),
    SolverRecord(
        "dpmpp-2m-sde-heun",
        DPMpp2MSDE,
        1,
        f"{_PAPER} (SDE-DPM-Solver++)",
        aliases=("dpm++ 2m sde heun",),
        options={"correction": "heun"},
    ),
    SolverRecord("dpmpp-3m-sde", DPMpp3MSDE, 1, "k-diffusion, sample_dpmpp_3m_sde", aliases=("dpm++ 3m sde",)),
)
