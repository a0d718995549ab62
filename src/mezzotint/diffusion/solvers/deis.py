"""DEIS: eps interpolated in the log-SNR, integrated exactly."""

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
    exponential_moments,
    lagrange_weights,
    noise_of,
    point,
    point_at,
    remember,
)

__all__ = ["DEIS", "RECORDS"]


@dataclass(frozen=True, slots=True)
class DEIS:
    """x_s = (alpha_s/alpha_t) x_t + alpha_s ∫ eps dr, r = sigma/alpha, eps a polynomial in log r.

    With lambda = −log r and h = lambda_s − lambda_t the step is that of DDIM with eps' = sum_j w_j eps_j:
    x_s = (alpha_s/alpha_t) x_t + (sigma_s − sigma_t alpha_s/alpha_t) eps', where the w_j integrate the Lagrange
    polynomials in rho = (lambda − lambda_t)/h against e^(h (1 − rho)), over the integral of that kernel alone. Order 2:
    eps' = eps_0 + m (eps_0 − eps_1) h/h', m = 1/h − 1/(e^h − 1), h' the step before.
    Zhang & Chen 2022, arXiv 2204.13902, algorithm 1 (tAB-DEIS) with log r for their t, as in diffusers' "logrho"; in
    the variable r it is LMS. The first steps have lower order.
    Raises InvalidOption unless formula_order is 1, 2 or 3; 1 is DDIM.
    """

    formula_order: int = 3
    coordinate: ClassVar[str] = "half_log_snr"
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_order(self.formula_order, (1, 2, 3))

    @property
    def order(self) -> Order | None:
        return Order(self.formula_order, min(self.formula_order, 2))

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
        past = remember(state, Past(high.half_log_snr, noise_of(prediction, high)), self.formula_order)
        if len(past) == 1:
            return eps_step(prediction, low, (1.0,), past), past
        h = low.half_log_snr - high.half_log_snr
        moments = exponential_moments(-h, len(past))
        # moments over M_0, so that the weights sum to 1: the length of the step is then that of DDIM
        nodes = [(node.at - high.half_log_snr) / h for node in past]
        weights = lagrange_weights(nodes, [moment / moments[0] for moment in moments])
        return eps_step(prediction, low, weights, past), past


_SOURCE = "Zhang & Chen 2022, arXiv 2204.13902 (tAB-DEIS)"
RECORDS = (
    SolverRecord("deis-2", DEIS, 1, _SOURCE, options={"formula_order": 2}),
    SolverRecord("deis-3", DEIS, 1, _SOURCE, aliases=("deis",), options={"formula_order": 3}),
)
