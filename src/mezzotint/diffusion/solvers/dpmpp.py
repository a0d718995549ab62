"""DPM-Solver++: exponential integrators in half the log-SNR, with x_0 as the function to integrate.

With lambda = log(alpha/sigma) the probability-flow ODE has the exact solution

    x_s = (sigma_s/sigma_t) x_t + sigma_s ∫ e^lambda x_0(lambda) dlambda       (Lu et al. 2022, arXiv 2211.01095, eq. 8)

With x_0 held constant that is the law x_s = alpha_s x_0 + sigma_s eps. Methods of higher order add a correction of x_0
drawn from earlier or intermediate predictions, weighted with alpha_s − alpha_t sigma_s/sigma_t = alpha_s (1 − e^−h).
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.schedule import Level
from mezzotint.diffusion.solvers.base import Order, SolverRecord

__all__ = ["RECORD", "DPMpp2M", "History", "Past", "corrected"]


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier prediction: x_0 and the half log-SNR where it was made."""

    at: Tensor
    x0: Tensor


History = tuple[Past, ...]
"""Earlier predictions, the newest first."""


def corrected(prediction: Prediction, low: Level, correction: Tensor | None) -> Tensor:
    """alpha_s x_0 + sigma_s eps + (alpha_s − alpha_t sigma_s/sigma_t) correction: the step of x_0 + correction."""
    x = low.noised(prediction.x0, prediction.update_eps)
    if correction is None:
        return x
    weight = low.alpha - prediction.level.alpha * low.sigma / prediction.level.sigma
    return x + Level(weight, weight).like(x).alpha * correction


@dataclass(frozen=True, slots=True)
class DPMpp2M:
    """x_s as if x_0 were x_0(t) + (h / 2 h') (x_0(t) − x_0(t')), where t' came before t; h' and h are the two steps.

    Lu et al. 2022, arXiv 2211.01095, algorithm 2 (second order, multistep). The first step has no history and is DDIM.
    A first step from alpha = 0 has h' = ∞: the step after it is of first order too.
    """

    coordinate: ClassVar[str] = "half_log_snr"
    stochastic: ClassVar[bool] = False
    order: ClassVar[Order | None] = Order(2, 2)

    def init(self, x: Tensor) -> History:
        return ()

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: History, noise: Noise
    ) -> tuple[Tensor, History]:
        prediction = denoise(x, t)
        low = denoise.schedule(s)
        now = Past(prediction.level.log_snr / 2, prediction.x0)
        correction = None
        if state:
            before = state[0]
            share = (low.log_snr / 2 - now.at) / (2 * (now.at - before.at))
            correction = share.to(x.dtype) * (now.x0 - before.x0)
        return corrected(prediction, low, correction), (now,)


RECORD = SolverRecord(
    "dpmpp-2m", DPMpp2M, evaluations=1, source="Lu et al. 2022, arXiv 2211.01095, algorithm 2", aliases=("dpm++ 2m",)
)
