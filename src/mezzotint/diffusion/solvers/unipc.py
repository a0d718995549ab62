"""Predictor–corrector with a memory: UniPC, and for the SDE SA-Solver.

The prediction at s that the next step makes anyway also tells how the step to s should have gone: before the next step
x_s is taken again, from the polynomial that includes x_0(s). That costs no evaluation.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise, Purpose
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.solvers.base import Order, Ramp, SolverRecord, check_falling, check_order, memory
from mezzotint.diffusion.solvers.multistep import (
    History,
    Past,
    Point,
    effective,
    exponential_moments,
    flow_moments,
    point,
    point_at,
    remember,
    x0_step,
)
from mezzotint.errors import InvalidOption, unknown_name

__all__ = ["RECORDS", "Pending", "SASolver", "UniPC", "Variant"]

Variant = Literal["bh1", "bh2"]


@dataclass(frozen=True, slots=True)
class Pending:
    """A step to be corrected: where it began, the predictions it used, the noise scale and what that added."""

    x: Tensor
    high: Point
    past: History
    eta: float = 0.0
    added: Tensor | None = None


def _again(pending: Pending, prediction: Prediction, past: History, moments: list[float] | None = None) -> Tensor:
    """The pending step taken anew with the newest prediction as a node. past: the newest first, at most as it was."""
    x = x0_step(pending.x, pending.high, point(prediction.level), past, pending.eta, moments)
    if pending.added is not None:
        x = x + pending.added
    if prediction.eps_for_update is None:
        return x
    return x + (effective(prediction) - prediction.x_t)


def _nodes_of(pending: Pending, now: Past, count: int) -> History:
    """The `count` newest nodes of the corrector, ordered so that the pending step's own prediction comes first."""
    return (*pending.past[: count - 1], now)


@dataclass(frozen=True, slots=True)
class UniPC:
    """x_s = (sigma_s/sigma_t) x_t + alpha_s sum_j w_j x0_j, x_0 the polynomial in lambda through the x0_j.

    Predictor: through the last p predictions. Corrector: through these and the new one.
    Both are integrated exactly (`multistep.x0_step`), except where one moment besides M_0 is needed: there the paper
    takes M_1 = B(h)/2 with B(h) = h ("bh1") or 1 − e^−h ("bh2"). With more nodes B(h) cancels.
    Zhao et al. 2023, arXiv 2302.04867, algorithms 1 and 2, data prediction. With the corrector its order is
    p + 1; the predictor of order 2 with bh2 is DPM-Solver++ 2M. The first steps have lower order.
    A step from alpha = 0 is corrected with M_1 = 1/2: x_0 linear in alpha/sigma. Raises InvalidOption unless
    predictor_order is 1, 2 or 3.
    """

    predictor_order: int = 2
    variant: Variant = "bh2"
    coordinate: ClassVar[str] = "half_log_snr"
    stochastic: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_order(self.predictor_order, (1, 2, 3))
        if self.variant not in get_args(Variant):
            raise unknown_name("variant", self.variant, get_args(Variant))

    @property
    def order(self) -> Order | None:
        return Order(self.predictor_order + 1, min(self.predictor_order + 1, 3))

    @property
    def ramp(self) -> Ramp | None:
        # the corrector needs one node more than the predictor, and has it a step later
        return memory(self.predictor_order)

    def init(self, x: Tensor) -> Pending | None:
        return None

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: Pending | None, noise: Noise
    ) -> tuple[Tensor, Pending | None]:
        prediction = denoise(x, t)
        high, low = point(prediction.level), point_at(denoise.schedule, s)
        now = Past(high.half_log_snr, prediction.x0)
        x = effective(prediction)
        if state is not None:
            nodes = _nodes_of(state, now, len(state.past) + 1)
            x = _again(state, prediction, nodes, self._moments(now.at - state.high.half_log_snr, len(nodes)))
        past = remember(state.past if state else (), now, self.predictor_order)
        moments = self._moments(low.half_log_snr - now.at, len(past))
        return x0_step(x, high, low, past, moments=moments), Pending(x, high, past)

    def _moments(self, h: float, count: int) -> list[float]:
        if math.isinf(h):
            return flow_moments(0.0, count)
        moments = exponential_moments(h, count)
        if count == 2:
            moments[1] = (h if self.variant == "bh1" else moments[0]) / 2
        return moments


@dataclass(frozen=True, slots=True)
class SASolver:
    """Adams predictor and corrector for the reverse SDE with noise scale tau inside `between`, 0 outside.

    x_s = (sigma_s/sigma_t) e^(−tau² h) x_t + alpha_s sum_j w_j x0_j + sigma_s sqrt(1 − e^(−2 tau² h)) z, with exact
    weights of the kernel (1 + tau²) e^(−(1 + tau²)(lambda_s − lambda)); the corrector takes the step again with the new
    prediction and the same z. Xue et al. 2023, arXiv 2309.05019, algorithm 1 (PEC mode).
    between: times t in which noise is added (a step counts by where it begins). corrector_order counts the nodes, the
    new one included; 0: none. With tau = 0 it is an ODE solver of order min(predictor_order + 1, corrector_order), or
    predictor_order without a corrector.
    Raises InvalidOption for a negative tau, orders that are not 1, 2, 3 (predictor) or 0, 2, 3, 4 (corrector), and
    unless 0 <= between[0] < between[1] <= 1.
    """

    tau: float = 1.0
    between: tuple[float, float] = (0.2, 0.8)
    predictor_order: int = 3
    corrector_order: int = 4
    coordinate: ClassVar[str] = "half_log_snr"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tau) and self.tau >= 0):
            raise InvalidOption(f"The option tau must be a number of at least 0, not {self.tau!r}.")
        check_order(self.predictor_order, (1, 2, 3))
        check_order(self.corrector_order, (0, 2, 3, 4))
        low, high = self.between
        if not 0 <= low < high <= 1:
            raise InvalidOption(f"The option between needs two times 0 <= low < high <= 1, not {low!r} and {high!r}.")

    @property
    def order(self) -> Order | None:
        if self.stochastic:
            return None
        # the corrected x is what goes on: its own order, if the prediction in it is good enough
        if self.corrector_order:
            formula = min(self.predictor_order + 1, self.corrector_order)
            return Order(formula, min(formula, 3))
        return Order(self.predictor_order, min(self.predictor_order, 2))

    @property
    def stochastic(self) -> bool:
        return self.tau > 0

    @property
    def ramp(self) -> Ramp | None:
        past = max(self.predictor_order, self.corrector_order) - 1
        return memory(past) if past else None

    def init(self, x: Tensor) -> Pending | None:
        return None

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: Pending | None, noise: Noise
    ) -> tuple[Tensor, Pending | None]:
        prediction = denoise(x, t)
        high, low = point(prediction.level), point_at(denoise.schedule, s)
        now = Past(high.half_log_snr, prediction.x0)
        x = effective(prediction)
        if state is not None and self.corrector_order:
            nodes = _nodes_of(state, now, min(self.corrector_order, len(state.past) + 1))
            x = _again(state, prediction, nodes)
        kept = max(self.predictor_order, self.corrector_order - 1)
        past = remember(state.past if state else (), now, kept)
        eta = self.tau**2 if self.between[0] <= float(t) <= self.between[1] else 0.0
        y = x0_step(x, high, low, past[: self.predictor_order], eta)
        added = None
        if eta:
            check_falling(low.half_log_snr > now.at)
            spread = low.sigma * math.sqrt(max(-math.expm1(-2 * eta * (low.half_log_snr - now.at)), 0.0))
            added = noise.normal(x.shape, Purpose.STEP, 0).to(x) * spread
            y = y + added
        return y, Pending(x, high, past, eta, added)


_UNIPC = "Zhao et al. 2023, arXiv 2302.04867, algorithms 1-2"
RECORDS = (
    SolverRecord("unipc-1", UniPC, 1, _UNIPC, options={"predictor_order": 1}),
    SolverRecord("unipc-2", UniPC, 1, _UNIPC, aliases=("unipc", "unipc-bh2"), options={"predictor_order": 2}),
    SolverRecord("unipc-3", UniPC, 1, _UNIPC, options={"predictor_order": 3}),
    SolverRecord("unipc-1-bh1", UniPC, 1, _UNIPC, options={"predictor_order": 1, "variant": "bh1"}),
    SolverRecord(
        "unipc-2-bh1", UniPC, 1, _UNIPC, aliases=("unipc-bh1",), options={"predictor_order": 2, "variant": "bh1"}
    ),
    SolverRecord("sa-solver", SASolver, 1, "Xue et al. 2023, arXiv 2309.05019, algorithm 1"),
)
