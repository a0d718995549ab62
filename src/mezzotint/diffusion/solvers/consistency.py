"""Sampling with networks that jump: consistency models (LCM) and trajectory consistency (TCD).

Such a network says of x_t where the whole trajectory through x_t goes. Its prediction is not E[x_0 | x_t] but that x_0
for which the law alpha_u x_0 + sigma_u eps is the trajectory at the target time u.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise, Purpose
from mezzotint.diffusion.schedule import Level
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord, check_share
from mezzotint.diffusion.solvers.ddim import transition_variance

__all__ = ["RECORDS", "TCD"]


@dataclass(frozen=True, slots=True)
class TCD:
    """x_u = alpha_u x_0 + sigma_u eps at u = (1 − gamma) s, then fresh noise from u up to s.

    x_s = (alpha_s/alpha_u) x_u + sqrt(sigma_s² − (alpha_s sigma_u/alpha_u)²) z. Zheng et al. 2024, arXiv 2402.19159,
    algorithm 4 (strategic stochastic sampling). gamma = 1 is multistep consistency sampling, Song et al. 2023,
    arXiv 2303.01469, algorithm 1, and of LCM, Luo et al. 2023, arXiv 2310.04378:
    x_s = alpha_s x_0 + sigma_s z.
    gamma = 0 draws no noise. tell: give the network the target time u (shortcut models, CTM); LCM and TCD networks
    are not told. It has no order: with an exact network every step is exact.
    Raises InvalidOption unless gamma is in [0, 1].
    """

    gamma: float = 0.3
    tell: bool = False
    coordinate: ClassVar[str] = "ratio"
    order: ClassVar[Order | None] = None
    ramp: ClassVar[Ramp | None] = None

    def __post_init__(self) -> None:
        check_share("gamma", self.gamma)

    @property
    def stochastic(self) -> bool:
        return self.gamma > 0

    def init(self, x: Tensor) -> None:
        return None

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: None, noise: Noise
    ) -> tuple[Tensor, None]:
        u = (1 - self.gamma) * s
        prediction = denoise(x, t, to=u) if self.tell else denoise(x, t)
        target, low = denoise.schedule(u), denoise.schedule(s)
        jumped = prediction.x0 if float(target.sigma) == 0 else target.noised(prediction.x0, prediction.update_eps)
        if not self.stochastic:
            return jumped, None
        z = noise.normal(x.shape, Purpose.STEP, 0).to(x)
        return Level(low.alpha / target.alpha, transition_variance(low, target).sqrt()).noised(jumped, z), None


RECORDS = (
    SolverRecord(
        "lcm",
        TCD,
        1,
        "Luo et al. 2023, arXiv 2310.04378 (multistep sampling)",
        aliases=("consistency",),
        options={"gamma": 1.0},
    ),
    SolverRecord("tcd", TCD, 1, "Zheng et al. 2024, arXiv 2402.19159, algorithm 4"),
)
