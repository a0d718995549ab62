"""DDPM: ancestral sampling, the reverse of the noising chain."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise, Purpose
from mezzotint.diffusion.schedule import Level
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord
from mezzotint.diffusion.solvers.ddim import transition_variance
from mezzotint.errors import unknown_name

__all__ = ["DDPM", "RECORDS", "Variance"]

Variance = Literal["posterior", "forward"]


@dataclass(frozen=True, slots=True)
class DDPM:
    """x_s = E[x_s | x_t, x_0] + sqrt(variance) z, z standard normal.

    The mean is alpha_s x_0 + (alpha_t sigma_s² / (alpha_s sigma_t)) eps. With F = var(x_t | x_s) the variance is
    "posterior": (sigma_s²/sigma_t²) F, that of x_s given x_t and x_0, right for data that is a single point;
    "forward": F, right for data of unit variance.
    Ho, Jain & Abbeel 2020, arXiv 2006.11239, eqs. 6-7 and section 3.2, written for any (alpha, sigma).
    With the posterior variance it is DDIM of eta = 1.
    """

    variance: Variance = "posterior"
    coordinate: ClassVar[str] = "ratio"
    stochastic: ClassVar[bool] = True
    order: ClassVar[Order | None] = None
    ramp: ClassVar[Ramp | None] = None

    def __post_init__(self) -> None:
        if self.variance not in get_args(Variance):
            raise unknown_name("variance", self.variance, get_args(Variance))

    def init(self, x: Tensor) -> None:
        return None

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: None, noise: Noise
    ) -> tuple[Tensor, None]:
        prediction = denoise(x, t)
        high, low = prediction.level, denoise.schedule(s)
        mean = Level(low.alpha, high.alpha * low.sigma**2 / (low.alpha * high.sigma))
        variance = transition_variance(high, low)
        if self.variance == "posterior":
            variance = variance * (low.sigma / high.sigma) ** 2
        z = noise.normal(x.shape, Purpose.STEP, 0).to(x)
        return mean.noised(prediction.x0, prediction.update_eps) + Level(low.alpha, variance.sqrt()).like(
            x
        ).sigma * z, None


RECORDS = (
    SolverRecord(
        "ddpm",
        DDPM,
        evaluations=1,
        source="Ho, Jain & Abbeel 2020, arXiv 2006.11239, eq. 7",
        aliases=("ancestral",),
        same_as="ddim with eta=1",
    ),
)
