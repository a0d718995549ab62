"""Adams–Bashforth in sigma/alpha: LMS and iPNDM, and gradient estimation, which weighs two slopes in its own way.

dy/du = eps with y = x/alpha and u = sigma/alpha, so that a step is DDIM with a weighted sum of the last few eps.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord, check_order, memory
from mezzotint.diffusion.solvers.multistep import (
    History,
    Past,
    check_end,
    eps_step,
    lagrange_weights,
    noise_of,
    point,
    point_at,
    remember,
)
from mezzotint.errors import InvalidOption

__all__ = ["ADAMS_BASHFORTH", "IPNDM", "LMS", "RECORDS", "GradientEstimation"]

ADAMS_BASHFORTH = ((1.0,), (3 / 2, -1 / 2), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))
"""The weights of the last 1, 2, 3, 4 slopes on a uniform grid, the newest first."""

_ORDERS = {1: Order(1, 1), 2: Order(2, 2), 3: Order(3, 2), 4: Order(4, 2)}


@dataclass(frozen=True, slots=True)
class LMS:
    """x_s = (alpha_s/alpha_t) x_t + alpha_s ∫ eps(u) du, eps the polynomial in u through the last `order` values.

    Linear multistep on any grid: the integrals are exact. (Adams–Bashforth of variable step; the sampler "LMS" of
    Katherine Crowson's k-diffusion, `sample_lms`; rhoAB-DEIS of Zhang & Chen 2022, arXiv 2204.13902, section 4, whose
    rho is sigma/alpha.)
    The first steps have lower order, so that the whole is of order 2.
    Raises InvalidOption unless formula_order is 1, 2, 3 or 4.
    """

    formula_order: int = 4
    coordinate: ClassVar[str] = "ratio"
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_order(self.formula_order, range(1, 5))

    @property
    def order(self) -> Order | None:
        return _ORDERS[self.formula_order]

    @property
    def ramp(self) -> Ramp | None:
        return memory(self.formula_order - 1) if self.formula_order > 1 else None

    def init(self, x: Tensor) -> History:
        return ()

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: History, noise: Noise
    ) -> tuple[Tensor, History]:
        prediction = denoise(x, t)
        high, low = point(prediction.level), point_at(denoise.schedule, s)
        check_end(low)
        past = remember(state, Past(high.ratio, noise_of(prediction, high)), self.formula_order)
        if len(past) == 1:
            return eps_step(prediction, low, (1.0,), past), past
        nodes = [(node.at - high.ratio) / (low.ratio - high.ratio) for node in past]
        weights = lagrange_weights(nodes, [1 / (k + 1) for k in range(len(past))])
        return eps_step(prediction, low, weights, past), past


@dataclass(frozen=True, slots=True)
class IPNDM:
    """DDIM with eps' = sum_j w_j eps_j, w the Adams–Bashforth weights of a uniform grid, whatever the grid.

    Order 4: eps' = (55 eps_0 − 59 eps_1 + 37 eps_2 − 9 eps_3) / 24. Liu et al. 2022 (PNDM), arXiv 2202.09778, eq. 12,
    without its Runge–Kutta steps: the first steps use lower orders (iPNDM of Zhang & Chen 2022, arXiv 2204.13902).
    The order is that of the formula where steps are equal in sigma/alpha; on other grids it is 2.
    Raises InvalidOption unless formula_order is 1, 2, 3 or 4; 1 is DDIM.
    """

    formula_order: int = 4
    coordinate: ClassVar[str] = "ratio"
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_order(self.formula_order, range(1, 5))

    @property
    def order(self) -> Order | None:
        return _ORDERS[self.formula_order]

    @property
    def ramp(self) -> Ramp | None:
        return memory(self.formula_order - 1) if self.formula_order > 1 else None

    def init(self, x: Tensor) -> History:
        return ()

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: History, noise: Noise
    ) -> tuple[Tensor, History]:
        prediction = denoise(x, t)
        # eps at alpha = 0 is finite, and equal weights do not ask where it was
        past = (Past(0.0, noise_of(prediction, point(prediction.level))), *state)[: self.formula_order]
        return eps_step(prediction, point_at(denoise.schedule, s), ADAMS_BASHFORTH[len(past) - 1], past), past


@dataclass(frozen=True, slots=True)
class GradientEstimation:
    """DDIM with eps' = gamma eps_0 + (1 − gamma) eps_1, eps_1 of the step before; the first step is DDIM.

    Permenter & Yuan 2023, arXiv 2306.04848, algorithm 2 (gamma = 2 by default). It damps the error of a learned
    denoiser; as an integrator it is of first order unless gamma = 3/2, which is iPNDM-2.
    Raises InvalidOption unless gamma is finite and at least 1.
    """

    gamma: float = 2.0
    coordinate: ClassVar[str] = "ratio"
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.gamma) and self.gamma >= 1):
            raise InvalidOption(f"The option gamma must be a number of at least 1, not {self.gamma!r}.")

    @property
    def order(self) -> Order | None:
        return Order(2, 2) if self.gamma == 1.5 else Order(1, 1)

    @property
    def ramp(self) -> Ramp | None:
        return memory(1) if self.gamma != 1 else None

    def init(self, x: Tensor) -> History:
        return ()

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: History, noise: Noise
    ) -> tuple[Tensor, History]:
        prediction = denoise(x, t)
        past = (Past(0.0, noise_of(prediction, point(prediction.level))), *state)[:2]
        weights = (self.gamma, 1 - self.gamma) if state else (1.0,)
        return eps_step(prediction, point_at(denoise.schedule, s), weights, past), past


_PNDM = "Liu et al. 2022, arXiv 2202.09778, eq. 12"
RECORDS = (
    SolverRecord("lms", LMS, 1, "Zhang & Chen 2022, arXiv 2204.13902 (rhoAB-DEIS)", aliases=("ipndm-v", "lms-4")),
    SolverRecord("ipndm-2", IPNDM, 1, _PNDM, options={"formula_order": 2}),
    SolverRecord("ipndm-3", IPNDM, 1, _PNDM, options={"formula_order": 3}),
    SolverRecord("ipndm-4", IPNDM, 1, _PNDM, aliases=("ipndm",), options={"formula_order": 4}),
    SolverRecord("gradient-estimation", GradientEstimation, 1, "Permenter & Yuan 2023, arXiv 2306.04848, algorithm 2"),
)
