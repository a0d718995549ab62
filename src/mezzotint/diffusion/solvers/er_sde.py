"""ER-SDE: reverse SDEs with a noise scale of one's choice, x_0 interpolated in sigma/alpha."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise, Purpose
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord, check_falling, check_order, memory
from mezzotint.diffusion.solvers.multistep import (
    History,
    Past,
    check_end,
    combined,
    effective,
    lagrange_weights,
    point,
    point_at,
    remember,
)
from mezzotint.errors import unknown_name

__all__ = ["ERSDE", "NOISE_SCALES", "RECORDS", "NoiseScale"]

NoiseScale = Literal["er-sde-5", "sde", "ode"]

NOISE_SCALES: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {
        "er-sde-5": lambda r: r * (math.exp(min(r, 1e6) ** 0.3) + 10),
        "sde": lambda r: r * r,
        "ode": lambda r: r,
    }
)
"""phi(r), r = sigma/alpha. The paper's fifth and recommended one; that of the usual reverse SDE; that of the ODE."""


@dataclass(frozen=True, slots=True)
class ERSDE:
    """x_s/alpha_s = (phi_s/phi_t) x_t/alpha_t + sum_j w_j x0_j + sqrt(r_s² − r_t² (phi_s/phi_t)²) z.

    The w_j integrate the polynomial in r = sigma/alpha through the last predictions exactly against the kernel
    d(phi_s/phi(r)): M_k = 1 − k ∫ rho^(k−1) phi_s/phi dr/(r_s − r_t), rho = (r − r_t)/(r_s − r_t), by quadrature.
    Cui et al. 2023, arXiv 2309.06169, the sections on VE and VP ER-SDE-Solvers: ER-SDE-Solver-1, 2 and 3. (Their third
    order takes the derivative of x_0 from a backward difference, which is second order; the parabola here is third.)
    scale "ode" adds no noise, and has the order of its formula. The first steps have lower order.
    Raises InvalidOption unless formula_order is 1, 2 or 3, or for an unknown scale; phi(r)/r must not fall with r.
    """

    formula_order: int = 3
    scale: NoiseScale = "er-sde-5"
    coordinate: ClassVar[str] = "ratio"

    def __post_init__(self) -> None:
        check_order(self.formula_order, (1, 2, 3))
        if self.scale not in NOISE_SCALES:
            raise unknown_name("scale", self.scale, NOISE_SCALES)

    @property
    def order(self) -> Order | None:
        return None if self.stochastic else Order(self.formula_order, min(self.formula_order, 2))

    @property
    def stochastic(self) -> bool:
        return self.scale != "ode"

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
        past = remember(state, Past(high.ratio, prediction.x0), self.formula_order)
        if not self.stochastic and not math.isfinite(high.ratio):
            return combined([(low.alpha, prediction.x0), (low.sigma, prediction.update_eps)]), past
        phi = NOISE_SCALES[self.scale]
        # phi_s/phi_t and r_t phi_s/phi_t, whose limits at r_t = inf are 0 where there is noise
        shrink = phi(low.ratio) / phi(high.ratio) if math.isfinite(high.ratio) else 0.0
        kept = low.alpha * shrink / high.alpha if math.isfinite(high.ratio) else 0.0
        moments = _moments(phi, high.ratio, low.ratio, len(past), shrink)
        nodes = [0.0] + [(node.at - high.ratio) / (low.ratio - high.ratio) for node in past[1:]]
        weights = lagrange_weights(nodes, moments)
        terms = [(low.alpha * weight, node.value) for weight, node in zip(weights, past, strict=True)]
        y = combined([(kept, effective(prediction)), *terms])
        if self.stochastic:
            y = y.add(
                noise.normal(x.shape, Purpose.STEP, 0).to(x), alpha=low.alpha * _spread(high.ratio, low.ratio, shrink)
            )
        return y, past


def _spread(start: float, end: float, shrink: float) -> float:
    check_falling(end <= start)
    left = start * shrink if math.isfinite(start) else 0.0
    return math.sqrt(max(end**2 - left**2, 0.0))


_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(24)


def _moments(phi: Callable[[float], float], start: float, end: float, count: int, shrink: float) -> list[float]:
    """M_0 = 1 − phi_s/phi_t and M_k; the quadrature runs in log r, in which phi is smooth however long the step is."""
    moments = [1 - shrink]
    if count == 1:
        return moments
    a, b = math.log(start), math.log(end)
    r = np.exp((a + b) / 2 + (b - a) / 2 * _POINTS)
    share = (r - start) / (end - start)
    density = _WEIGHTS * (b - a) / 2 * r / (end - start) * np.array([phi(end) / phi(value) for value in r.tolist()])
    return moments + [1 - k * float((density * share ** (k - 1)).sum()) for k in range(1, count)]


_PAPER = "Cui et al. 2023, arXiv 2309.06169"
RECORDS = (
    SolverRecord("er-sde-1", ERSDE, 1, f"{_PAPER}, ER-SDE-Solver-1", options={"formula_order": 1}),
    SolverRecord("er-sde-2", ERSDE, 1, f"{_PAPER}, ER-SDE-Solver-2", options={"formula_order": 2}),
    SolverRecord("er-sde-3", ERSDE, 1, f"{_PAPER}, ER-SDE-Solver-3", aliases=("er-sde",), options={"formula_order": 3}),
)
