"""PNDM: Adams–Bashforth of order 4 whose first steps are pseudo Runge–Kutta steps."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.solvers.adams import ADAMS_BASHFORTH
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord
from mezzotint.diffusion.solvers.multistep import History, Past, combined, eps_step, noise_of, point, point_at
from mezzotint.errors import unknown_name

__all__ = ["PNDM", "RECORDS", "WarmUp"]

WarmUp = Literal["runge-kutta", "heun"]


@dataclass(frozen=True, slots=True)
class PNDM:
    """DDIM with eps' = (55 eps_0 − 59 eps_1 + 37 eps_2 − 9 eps_3) / 24, after a warm-up with more evaluations.

    warm_up "runge-kutta" (the paper's F-PNDM): the first three steps take
    eps' = (e_1 + 2 e_2 + 2 e_3 + e_4) / 6, the e_i found by DDIM steps to the middle in t (twice) and to the end.
    warm_up "heun" (Stable Diffusion's PLMS): the first step takes eps' = (e_1 + e_4) / 2, the next two the formulas of
    order 2 and 3. Liu et al. 2022, arXiv 2202.09778, eqs. 9, 12 and 13 and algorithm 2.
    From alpha = 0 the first step is DDIM. On grids whose steps differ in sigma/alpha the order is 2, as for iPNDM.
    """

    warm_up: WarmUp = "runge-kutta"
    coordinate: ClassVar[str] = "ratio"
    stochastic: ClassVar[bool] = False
    order: ClassVar[Order | None] = Order(4, 2)

    def __post_init__(self) -> None:
        if self.warm_up not in get_args(WarmUp):
            raise unknown_name("warm_up", self.warm_up, get_args(WarmUp))

    @property
    def ramp(self) -> Ramp | None:
        # Runge–Kutta steps have the order of the formula; that from alpha = 0 is DDIM
        return Ramp(0, 1) if self.warm_up == "runge-kutta" else Ramp(3, 3, ddim=0)

    def init(self, x: Tensor) -> History:
        return ()

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: History, noise: Noise
    ) -> tuple[Tensor, History]:
        prediction = denoise(x, t)
        past = (Past(0.0, noise_of(prediction, point(prediction.level))), *state)[:4]
        low = point_at(denoise.schedule, s)
        warming = len(past) < (4 if self.warm_up == "runge-kutta" else 2)
        if warming and float(prediction.level.alpha) > 0:
            mean = self._slope(denoise, prediction, t, s)
            return _moved(prediction, denoise, s, mean), past
        return eps_step(prediction, low, ADAMS_BASHFORTH[len(past) - 1], past), past

    def _slope(self, denoise: BoundDenoiser, first: Prediction, t: Tensor, s: Tensor) -> Tensor:
        """The eps' of a warm-up step."""
        e1 = first.update_eps
        if self.warm_up == "heun":
            return combined([(0.5, e1), (0.5, denoise(_moved(first, denoise, s, e1), s).update_eps)])
        middle = (t + s) / 2
        e2 = denoise(_moved(first, denoise, middle, e1), middle).update_eps
        e3 = denoise(_moved(first, denoise, middle, e2), middle).update_eps
        e4 = denoise(_moved(first, denoise, s, e3), s).update_eps
        return combined([(1 / 6, e1), (1 / 3, e2), (1 / 3, e3), (1 / 6, e4)])


def _moved(first: Prediction, denoise: BoundDenoiser, to: Tensor, eps: Tensor) -> Tensor:
    """The DDIM step from a prediction to another time, with this eps."""
    return eps_step(first, point_at(denoise.schedule, to), (1.0, 0.0), (Past(0.0, eps), Past(0.0, eps)))


_PAPER = "Liu et al. 2022, arXiv 2202.09778"
RECORDS = (
    SolverRecord(
        "pndm", PNDM, 1, f"{_PAPER}, algorithm 2", aliases=("f-pndm",), warm_up=(4, 4, 4), from_pure_noise=(1, 4, 4)
    ),
    SolverRecord("plms", PNDM, 1, f"{_PAPER}, eq. 12", options={"warm_up": "heun"}, warm_up=(2,), from_pure_noise=()),
)
