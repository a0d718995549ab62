"""DDIM: the first-order step in sigma/alpha, with as much fresh noise as eta asks for."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise, Purpose
from mezzotint.diffusion.schedule import Level
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord, check_falling, check_share
from mezzotint.diffusion.solvers.multistep import law, point

__all__ = ["DDIM", "RECORDS", "transition_variance"]


def transition_variance(high: Level, low: Level) -> Tensor:
    """The variance of x_t given x_s, t > s: sigma_t² − (alpha_t/alpha_s)² sigma_s²; 1 − alpha_t²/alpha_s² if VP.

    Raises InvalidOption where `low` is the noisier level.
    """
    check_falling(bool(low.sigma * high.alpha <= high.sigma * low.alpha))
    return (high.sigma**2 - (high.alpha / low.alpha * low.sigma) ** 2).clamp_min(0)


@dataclass(frozen=True, slots=True)
class DDIM:
    """x_s = alpha_s x_0 + sqrt(sigma_s² − c²) eps + c z,   c = eta (sigma_s/sigma_t) sqrt(var(x_t | x_s)).

    eta = 0 follows the probability-flow ODE, eta = 1 is DDPM with the posterior variance.
    Song, Meng & Ermon 2020, arXiv 2010.02502, eqs. 12 and 16, written for any (alpha, sigma).
    Raises InvalidOption unless eta is in [0, 1].
    """

    eta: float = 0.0
    coordinate: ClassVar[str] = "ratio"
    ramp: ClassVar[Ramp | None] = None

    def __post_init__(self) -> None:
        check_share("eta", self.eta)

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
        prediction = denoise(x, t)
        high, low = prediction.level, denoise.schedule(s)
        if not self.stochastic:
            return law(prediction, point(high), point(low)), None
        fresh = self.eta * low.sigma / high.sigma * transition_variance(high, low).sqrt()
        kept = Level(low.alpha, (low.sigma**2 - fresh**2).clamp_min(0).sqrt())
        z = noise.normal(x.shape, Purpose.STEP, 0).to(x)
        return kept.noised(prediction.x0, prediction.update_eps) + Level(low.alpha, fresh).like(x).sigma * z, None


RECORDS = (
    SolverRecord(
        "ddim",
        DDIM,
        evaluations=1,
        source="Song, Meng & Ermon 2020, arXiv 2010.02502, eq. 12",
        aliases=("deis-1", "dpmpp-1s", "dpm++ 1s", "ipndm-1", "lms-1"),
    ),
)
