"""Midpoint methods: one slope at the beginning to find the middle of the step, one at the middle to take it."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord
from mezzotint.diffusion.solvers.coordinate import Start, find_coordinate, finite_place, half_way, place_in
from mezzotint.diffusion.solvers.multistep import Point, point, point_at

__all__ = ["RECORDS", "Midpoint", "middle_step"]


def middle_step(denoise: BoundDenoiser, first: Prediction, to: Point, coordinate: str, middle: str) -> Tensor:
    """From a prediction to a level, in `coordinate`, with the second slope half way in the coordinate `middle`."""
    high = point(first.level)
    here, there = finite_place(coordinate, high), finite_place(coordinate, to)
    t = denoise.schedule.time(half_way(middle, high, to))
    level = point_at(denoise.schedule, t)
    half, start = place_in(coordinate, level), Start.of(first, high, here)
    second = denoise(start.step(half.scale, half.value - here.value), t)
    return start.step(there.scale, 0.0, Start.of(second, level, half), there.value - here.value)


@dataclass(frozen=True, slots=True)
class Midpoint:
    """y' = y_t + (u_m − u_t) k_t,   y_s = y_t + (u_s − u_t) k_m,   k the slope dy/du, k_m taken at y'.

    u_m is the middle of the step in the coordinate `middle` ("" for the same as u). Runge's method of second order.
    "dpm-2" is u = sigma/alpha with the middle of log(sigma/alpha): k-diffusion's "DPM2" (Katherine Crowson, after
    algorithm 2 of Karras et al. 2022, arXiv 2206.00364, and DPM-Solver-2; the latter, Lu et al. 2022, arXiv 2206.00927,
    algorithm 1, gives eps another weight).
    Raises InvalidOption for an unknown coordinate; from alpha = 0 a step in a coordinate infinite there is DDIM.
    """

    coordinate: str = "flow"
    middle: str = ""
    stochastic: ClassVar[bool] = False
    order: ClassVar[Order | None] = Order(2, 2)

    def __post_init__(self) -> None:
        find_coordinate(self.coordinate)
        find_coordinate(self.middle or self.coordinate)

    @property
    def ramp(self) -> Ramp | None:
        return Ramp(0, int(self.infinite))

    @property
    def infinite(self) -> bool:
        """Whether a coordinate of the step is infinite at alpha = 0."""
        return bool({self.coordinate, self.middle or self.coordinate} & {"ratio", "half_log_snr"})

    def init(self, x: Tensor) -> None:
        return None

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: None, noise: Noise
    ) -> tuple[Tensor, None]:
        first, middle = denoise(x, t), self.middle or self.coordinate
        if float(first.level.alpha) == 0 and self.infinite:
            return denoise.schedule(s).noised(first.x0, first.update_eps), None
        return middle_step(denoise, first, point_at(denoise.schedule, s), self.coordinate, middle), None


RECORDS = (
    SolverRecord("midpoint", Midpoint, 2, "Runge 1895"),
    SolverRecord(
        "dpm-2",
        Midpoint,
        2,
        "k-diffusion, sample_dpm_2",
        aliases=("dpm2",),
        options={"coordinate": "ratio", "middle": "half_log_snr"},
        from_pure_noise=(1,),
    ),
)
