"""Ancestral sampling: a deterministic step to a cleaner level than asked for, then fresh noise up to it."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise, Purpose
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord, check_falling, check_share
from mezzotint.diffusion.solvers.coordinate import coordinate_on
from mezzotint.diffusion.solvers.midpoint import middle_step
from mezzotint.diffusion.solvers.multistep import Point, combined, point, point_at
from mezzotint.diffusion.solvers.singlestep import middle_moments, second_order_step
from mezzotint.errors import unknown_name

__all__ = ["RECORDS", "DPM2Ancestral", "DPMpp2SAncestral", "EulerAncestral", "Split", "split"]


@dataclass(frozen=True, slots=True)
class Split:
    """x_s = kept x_down + fresh z, x_down a sample at the level `down`."""

    down: Point
    kept: float
    fresh: float


def split(high: Point, low: Point, eta: float, coordinate: str = "ratio") -> Split:
    """How a step from `high` to `low` is divided between the solver and fresh noise.

    "ratio", r = sigma/alpha: r_up = min(r_s, eta r_s sqrt(1 − r_s²/r_t²)), r_down = sqrt(r_s² − r_up²), kept = 1.
    "flow", u = sigma/(alpha + sigma): u_down = u_s (1 + eta (u_s/u_t − 1)), kept = (1 − u_s)/(1 − u_down), and noise
    that makes up the variance, as ComfyUI and diffusers do it for rectified flow. Raises InvalidOption if s > t.
    """
    check_falling(low.sigma * high.alpha <= high.sigma * low.alpha)
    if coordinate == "ratio":
        share = low.sigma * high.alpha / (low.alpha * high.sigma)  # r_s / r_t, 0 at alpha_t = 0
        up = min(1.0, eta * math.sqrt(1 - share**2))
        return Split(Point(low.alpha, low.sigma * math.sqrt(1 - up**2)), 1.0, low.sigma * up)
    scale = low.alpha + low.sigma
    u = low.sigma / scale
    down = u * (1 + eta * (u * (high.alpha + high.sigma) / high.sigma - 1))
    kept = (1 - u) / (1 - down)
    fresh = math.sqrt(max(u**2 - (kept * down) ** 2, 0.0))
    return Split(Point(scale * (1 - down), scale * down), kept, scale * fresh)


def _renoised(x: Tensor, parts: Split, noise: Noise) -> Tensor:
    z = noise.normal(x.shape, Purpose.STEP, 0).to(x)
    return combined([(parts.kept, x), (parts.fresh, z)])


def _law(prediction: Prediction, to: Point) -> Tensor:
    return combined([(to.alpha, prediction.x0), (to.sigma, prediction.update_eps)])


@dataclass(frozen=True, slots=True)
class EulerAncestral:
    """x_down = alpha_down x_0 + sigma_down eps, then fresh noise up to s (`split`, in one of two coordinates).

    "ratio" is k-diffusion's "Euler a" (Katherine Crowson's get_ancestral_step), which is DDIM of the same eta: r_up is
    the posterior deviation of Ho et al. 2020, arXiv 2006.11239, eq. 7. "flow" is the form for rectified flow. The
    default, "auto", is what other programs call Euler a: "flow" on rectified flow, "ratio" on other schedules.
    Raises InvalidOption unless eta is in [0, 1] and coordinate one of the three.
    """

    eta: float = 1.0
    coordinate: Literal["auto", "flow", "ratio"] = "auto"
    ramp: ClassVar[Ramp | None] = None

    def __post_init__(self) -> None:
        check_share("eta", self.eta)
        allowed = get_args(EulerAncestral.__annotations__["coordinate"])
        if self.coordinate not in allowed:
            raise unknown_name("coordinate", self.coordinate, allowed)

    @property
    def order(self) -> Order | None:
        return None if self.stochastic else Order(1, 1)

    @property
    def stochastic(self) -> bool:
        return self.eta > 0

    def init(self, x: Tensor) -> None:
        return None

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: None, noise: Noise
    ) -> tuple[Tensor, None]:
        prediction, low = denoise(x, t), point_at(denoise.schedule, s)
        if not self.stochastic:
            return _law(prediction, low), None
        parts = split(point(prediction.level), low, self.eta, coordinate_on(self.coordinate, denoise.schedule))
        return _renoised(_law(prediction, parts.down), parts, noise), None


@dataclass(frozen=True, slots=True)
class DPM2Ancestral:
    """DPM-2 to r_down, then x_s = x_down + alpha_s r_up z, r = sigma/alpha (`split`).

    The middle is that of log r between r_t and r_down. k-diffusion's "DPM2 a", `sample_dpm_2_ancestral`
    (Katherine Crowson).
    Where there is no middle (from alpha = 0) the step is Euler's.
    Raises InvalidOption unless eta is in [0, 1].
    """

    eta: float = 1.0
    coordinate: ClassVar[str] = "ratio"
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
        high = point(first.level)
        parts = Split(low, 1.0, 0.0) if not self.stochastic else split(high, low, self.eta)
        if high.alpha == 0 or parts.down.sigma == 0:
            down = _law(first, parts.down)
        else:
            down = middle_step(denoise, first, parts.down, "ratio", "half_log_snr")
        return (_renoised(down, parts, noise) if self.stochastic else down), None


@dataclass(frozen=True, slots=True)
class DPMpp2SAncestral:
    """DPM-Solver++ 2S to r_down, then x_s = x_down + alpha_s r_up z, r = sigma/alpha (`split`).

    k-diffusion's "DPM++ 2S a"; Lu et al. 2022, arXiv 2211.01095, algorithm 1. Where there is no middle (from alpha = 0)
    the step is Euler's. Raises InvalidOption unless eta is in [0, 1].
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
        high = point(first.level)
        parts = Split(low, 1.0, 0.0) if not self.stochastic else split(high, low, self.eta)
        if high.alpha == 0 or parts.down.sigma == 0:
            down = _law(first, parts.down)
        else:
            h = parts.down.half_log_snr - high.half_log_snr
            down = second_order_step(denoise, first, parts.down, 0.5, middle_moments(h))
        return (_renoised(down, parts, noise) if self.stochastic else down), None


RECORDS = (
    SolverRecord(
        "euler-ancestral",
        EulerAncestral,
        1,
        "k-diffusion, sample_euler_ancestral; on rectified flow diffusers, LTXEulerAncestralRFScheduler",
        aliases=("euler a", "euler ancestral"),
    ),
    SolverRecord(
        "dpm-2-ancestral", DPM2Ancestral, 2, "k-diffusion, sample_dpm_2_ancestral", ("dpm2 a",), from_pure_noise=(1,)
    ),
    SolverRecord(
        "dpmpp-2s-ancestral",
        DPMpp2SAncestral,
        2,
        "k-diffusion, sample_dpmpp_2s_ancestral",
        aliases=("dpm++ 2s a",),
        from_pure_noise=(1,),
    ),
)
