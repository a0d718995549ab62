"""Euler: one slope a step."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord
from mezzotint.diffusion.solvers.coordinate import Coordinate, find_coordinate, finite_value
from mezzotint.diffusion.solvers.multistep import law_to

__all__ = ["RECORDS", "Euler", "rescaled"]


def rescaled(prediction: Prediction, coordinate: Coordinate) -> Tensor:
    """y = x / scale at a prediction; x is alpha x_0 + sigma eps_for_update, which without one is x_t itself."""
    x = prediction.x_t
    if prediction.eps_for_update is not None:
        x = prediction.level.noised(prediction.x0, prediction.eps_for_update)
    return x / coordinate.scale(prediction.level.like(x))


@dataclass(frozen=True, slots=True)
class Euler:
    """y_s = y_t + (u_s − u_t) dy/du, in one of the coordinates of `coordinate.COORDINATES`.

    In "ratio" (Karras et al. 2022, arXiv 2206.00364, algorithm 1 without its correction) and in "flow" (rectified
    flow's own step) y is linear in u at fixed x_0 and eps, so both are the law x_s = alpha_s x_0 + sigma_s eps and
    coincide with DDIM of eta = 0; they are written so, which holds at alpha = 0 too. "angle" and "half_log_snr" are
    other maps. Raises InvalidOption for an unknown coordinate, and for "half_log_snr" at alpha = 0.
    """

    coordinate: str = "ratio"
    stochastic: ClassVar[bool] = False
    order: ClassVar[Order | None] = Order(1, 1)

    def __post_init__(self) -> None:
        find_coordinate(self.coordinate)

    @property
    def ramp(self) -> Ramp | None:
        # in the other two a step to t = 0 would not be the one from x_0
        return None if self.coordinate in ("ratio", "flow") else Ramp()

    def init(self, x: Tensor) -> None:
        return None

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: None, noise: Noise
    ) -> tuple[Tensor, None]:
        prediction = denoise(x, t)
        low = denoise.schedule(s)
        if self.coordinate in ("ratio", "flow"):
            return law_to(prediction, low), None
        coordinate = find_coordinate(self.coordinate)
        length = (finite_value(coordinate, low) - finite_value(coordinate, prediction.level)).to(x)
        y = rescaled(prediction, coordinate) + length * coordinate.slope_of(prediction)
        return coordinate.scale(low.like(x)) * y, None


RECORDS = (
    SolverRecord(
        "euler",
        Euler,
        evaluations=1,
        source="Karras et al. 2022, arXiv 2206.00364, algorithm 1, line 5",
        same_as="ddim",
    ),
)
