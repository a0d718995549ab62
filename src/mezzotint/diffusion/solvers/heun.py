"""Heun: the slope at the beginning and at the predicted end, averaged."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord
from mezzotint.diffusion.solvers.coordinate import AUTO, Start, coordinate_on, find_coordinate, finite_place
from mezzotint.diffusion.solvers.multistep import point

__all__ = ["RECORDS", "Heun"]


@dataclass(frozen=True, slots=True)
class Heun:
    """y' = y_t + h k_t,   y_s = y_t + (h/2) (k_t + k_s),   k the slope dy/du, h = u_s − u_t, k_s taken at y'.

    Karras et al. 2022, arXiv 2206.00364, algorithm 1, which is coordinate "ratio". The default, "auto", is what other
    programs call Heun: "flow" on rectified flow, where it is Heun in t, and "ratio" on other schedules (from and to
    alpha = 0, where that is infinite, "flow": `coordinate.coordinate_on`). Raises InvalidOption for an unknown
    coordinate, and at alpha = 0 for "ratio" and "half_log_snr".
    """

    coordinate: str = AUTO
    stochastic: ClassVar[bool] = False
    order: ClassVar[Order | None] = Order(2, 2)
    ramp: ClassVar[Ramp | None] = Ramp()

    def __post_init__(self) -> None:
        if self.coordinate != AUTO:
            find_coordinate(self.coordinate)

    def init(self, x: Tensor) -> None:
        return None

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: None, noise: Noise
    ) -> tuple[Tensor, None]:
        first = denoise(x, t)
        low = denoise.schedule(s)
        coordinate = coordinate_on(self.coordinate, denoise.schedule, first.level, low)
        high, end = point(first.level), point(low)
        here, there = finite_place(coordinate, high), finite_place(coordinate, end)
        length = there.value - here.value
        start = Start.of(first, high, here)
        second = denoise(start.step(there.scale, length), s)
        return start.step(there.scale, length / 2, Start.of(second, end, there), length / 2), None


RECORDS = (SolverRecord("heun", Heun, evaluations=2, source="Karras et al. 2022, arXiv 2206.00364, algorithm 1"),)
