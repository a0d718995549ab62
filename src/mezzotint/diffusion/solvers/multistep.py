"""The core that solvers with a memory share: exact integrals of the polynomial through earlier predictions.

Between t and s a solver knows the solution up to an integral of x_0 or of eps. It replaces that function by the
polynomial through what it has already seen, at nodes r_j (r = 0 at t, r = 1 at s; earlier predictions have r < 0,
a corrector's r = 1). The integral is then sum_j w_j value_j, where

    w_j = sum_k c_jk M_k,   L_j(r) = sum_k c_jk r^k the Lagrange polynomials,   M_k = ∫ kernel(r) r^k dr

and solvers differ in the kernel, hence in the moments M_k, in what is interpolated, and in the variable r stands for:

    x_0 in half the log-SNR, kernel e^lambda         DPM-Solver++, RES, UniPC, SA-Solver, SEEDS      `x0_step`
    eps in half the log-SNR, kernel e^−lambda        DEIS                                            `eps_step`
    eps in sigma/alpha, kernel 1                     LMS; PNDM with weights of a uniform grid        `eps_step`
    x_0 in sigma/alpha, kernel of a noise scale      ER-SDE                                          `er_sde.py`

Coefficients are Python floats: a step costs a few tensor operations and no more.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mezzotint.diffusion.noise import Noise
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.schedule import Level, Schedule, VPTable
from mezzotint.diffusion.solvers.base import check_falling
from mezzotint.errors import InvalidOption

__all__ = [
    "REACH",
    "History",
    "Past",
    "Point",
    "check_end",
    "combined",
    "effective",
    "eps_step",
    "exponential_moments",
    "flow_moments",
    "increment",
    "lagrange_weights",
    "law",
    "noise_of",
    "point",
    "point_at",
    "remember",
    "x0_step",
]


@dataclass(frozen=True, slots=True)
class Point:
    """A level of shape (), as floats."""

    alpha: float
    sigma: float

    @property
    def half_log_snr(self) -> float:
        """lambda = log(alpha / sigma); −inf at alpha = 0."""
        return math.log(self.alpha / self.sigma) if self.alpha > 0 else -math.inf

    @property
    def ratio(self) -> float:
        """sigma / alpha; inf at alpha = 0."""
        return self.sigma / self.alpha if self.alpha > 0 else math.inf


def point(level: Level) -> Point:
    """A level of shape () as floats."""
    return Point(float(level.alpha), float(level.sigma))


def point_at(schedule: Schedule, t: Tensor) -> Point:
    """`point(schedule(t))`, for a t of shape (); of a table without a tensor in between."""
    table = getattr(schedule, "table", schedule)
    numbers = table.numbers(t) if isinstance(table, VPTable) else None
    return point(schedule(t)) if numbers is None else Point(*numbers)


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier prediction: x_0 or eps, and where it was made (half the log-SNR, or sigma/alpha)."""

    at: float
    value: Tensor


History = tuple[Past, ...]
"""Predictions, the newest first."""


def remember(history: History, now: Past, order: int) -> History:
    """The newest `order` predictions. One made at alpha = 0 gets a finite place behind the first prediction after it.

    Near alpha = 0 a prediction is a + b alpha/sigma = a + b e^lambda. Its slope at the next lambda, b e^lambda, is the
    plain difference of the two predictions, as if they were 1 apart in lambda; in u = sigma/alpha, as if u apart.
    """
    return (now, *(_placed(past, now.at) for past in history[: order - 1]))


def _placed(past: Past, now: float) -> Past:
    if math.isfinite(past.at) or not math.isfinite(now):
        return past
    return Past(now - 1 if past.at < 0 else 2 * now, past.value)


def effective(prediction: Prediction) -> Tensor:
    """x_t, or what stands for it where guidance sets the noise to put back: alpha x_0 + sigma eps_for_update."""
    if prediction.eps_for_update is None:
        return prediction.x_t
    return prediction.level.noised(prediction.x0, prediction.eps_for_update)


def noise_of(prediction: Prediction, high: Point) -> Tensor:
    """The eps that a solver puts back, `Prediction.update_eps`, in two tensor operations. high: its level."""
    if prediction.eps_for_update is not None:
        return prediction.eps_for_update
    return combined([(1 / high.sigma, prediction.x_t), (-high.alpha / high.sigma, prediction.x0)])


def law(prediction: Prediction, high: Point, low: Point) -> Tensor:
    """alpha_s x_0 + sigma_s eps_for_update; with eps itself it is (sigma_s/sigma_t) x_t + (1 − e^−h) alpha_s x_0."""
    return _law(prediction, high.alpha, high.sigma, low.alpha, low.sigma)


def law_to(prediction: Prediction, low: Level) -> Tensor:
    """`law` from a prediction's own level, without points: making them is a twentieth of a step that does no more."""
    high = prediction.level
    return _law(prediction, float(high.alpha), float(high.sigma), float(low.alpha), float(low.sigma))


def _law(prediction: Prediction, a: float, sigma: float, low_a: float, low_sigma: float) -> Tensor:
    if prediction.eps_for_update is not None:
        return combined([(low_a, prediction.x0), (low_sigma, prediction.eps_for_update)])
    ratio = low_sigma / sigma
    return (prediction.x_t * ratio).add_(prediction.x0, alpha=low_a - ratio * a)


def combined(terms: Sequence[tuple[float, Tensor]]) -> Tensor:
    """sum_j weight_j value_j, in the dtype of the values."""
    total: Tensor | None = None
    for weight, value in terms:
        total = value * weight if total is None else total.add_(value, alpha=weight)
    assert total is not None, "a sum of nothing"
    return total


def check_end(low: Point) -> None:
    """Raises InvalidOption for a step that ends at alpha = 0, where log(alpha/sigma) and sigma/alpha are infinite."""
    if low.alpha == 0:
        raise InvalidOption(
            "This solver cannot go up to alpha = 0 (pure noise), where its variable is infinite; end the inversion "
            "below t = 1, or use ddim, heun, midpoint or dopri5."
        )


def lagrange_weights(nodes: Sequence[float], moments: Sequence[float]) -> list[float]:
    """w_j = sum_k c_jk M_k for the Lagrange polynomials of the nodes; as many moments as nodes."""
    weights = []
    for j, here in enumerate(nodes):
        c = [1.0]
        for k, other in enumerate(nodes):
            if k != j:  # multiply with (r − other) / (here − other)
                c = [(a - other * b) / (here - other) for a, b in zip([0.0, *c], [*c, 0.0], strict=True)]
        weights.append(sum(a * m for a, m in zip(c, moments, strict=True)))
    return weights


def exponential_moments(x: float, count: int) -> list[float]:
    """M_k = ∫_0^1 x e^(−x (1 − r)) r^k dr for k < count: 1 − e^−x, and M_k = 1 − (k / x) M_{k−1}.

    These are x k! phi_{k+1}(−x). The recursion loses digits where x is small; there the series
    M_k = x sum_n (−x)^n k! / (k + n + 1)! takes over.
    """
    first = -math.expm1(-x)
    if abs(x) > 1:
        moments = [first]
        for k in range(1, count):
            moments.append(1 - k * moments[-1] / x)
        return moments
    moments = [first]
    for k in range(1, count):
        term = x / (k + 1)
        total = term
        for n in range(1, 24):
            term *= -x / (k + n + 1)
            total += term
        moments.append(total)
    return moments


def flow_moments(eta: float, count: int) -> list[float]:
    """M_k = (1 + eta)/(k + 1 + eta): the moments of a step from alpha = 0 in r = e^(lambda − lambda_s).

    There the kernel (1 + eta) e^(−(1 + eta)(lambda_s − lambda)) dlambda is (1 + eta) r^eta dr, and r goes from 0 to 1.
    """
    return [(1 + eta) / (k + 1 + eta) for k in range(count)]


def x0_step(
    x: Tensor, high: Point, low: Point, past: History, eta: float = 0.0, moments: Sequence[float] | None = None
) -> Tensor:
    """x_s = (sigma_s/sigma_t) e^(−eta h) x + alpha_s sum_j w_j x0_j, h = lambda_s − lambda_t: a step without its noise.

    It solves the reverse SDE of noise scale eta (0: the ODE) with x_0 interpolated in lambda; the kernel is
    (1 + eta) e^(−(1 + eta)(lambda_s − lambda)). Lu et al. 2022, arXiv 2211.01095, section 4; with noise Xue et al.
    2023, arXiv 2309.05019, whose tau² is eta. past: at half the log-SNR. moments: others than the exact ones.
    From alpha = 0, where h is infinite, x_0 is interpolated in alpha/sigma (`flow_moments`).
    Raises InvalidOption where `low` has alpha = 0.
    """
    check_end(low)
    h = low.half_log_snr - high.half_log_snr
    if moments is None:
        moments = exponential_moments((1 + eta) * h, len(past)) if high.alpha else flow_moments(eta, len(past))
    weights = lagrange_weights(_nodes(past, high.half_log_snr, h), moments)
    decay = math.exp(-eta * h) if eta else 1.0
    terms = [(low.alpha * weight, node.value) for weight, node in zip(weights, past, strict=True)]
    return combined([(low.sigma / high.sigma * decay, x), *terms])


def _nodes(past: History, at: float, h: float) -> list[float]:
    if math.isinf(h):  # in alpha/sigma the start is 0, the end 1, and nothing lies outside
        assert len(past) <= 2, "a step from alpha = 0 has no history"
        return [0.0, 1.0][: len(past)]
    return [0.0] if len(past) == 1 else [(node.at - at) / h for node in past]


def eps_step(prediction: Prediction, low: Point, weights: Sequence[float], past: History) -> Tensor:
    """x_s = (alpha_s/alpha_t) x_t + (sigma_s − sigma_t alpha_s/alpha_t) eps', eps' = sum_j w_j eps_j.

    The DDIM step (Song et al. 2020, arXiv 2010.02502, eq. 12) with eps' for eps. With one weight of 1 it is written as
    the law x_s = alpha_s x_0 + sigma_s eps, which holds at alpha = 0 too.
    """
    if len(past) == 1 and weights[0] == 1.0:
        return combined([(low.alpha, prediction.x0), (low.sigma, past[0].value)])
    high = point(prediction.level)
    ratio = low.alpha / high.alpha
    length = low.sigma - high.sigma * ratio
    terms = [(length * weight, node.value) for weight, node in zip(weights, past, strict=True)]
    return combined([(ratio, effective(prediction)), *terms])


REACH = 32.0
"""How far the Brownian path of a request goes, in half the log-SNR."""


def increment(noise: Noise, x: Tensor, start: float, end: float) -> Tensor:
    """W(end) − W(start) over its standard deviation: z of a step between two values of half the log-SNR.

    W is the request's Brownian path in half the log-SNR, so that all step counts follow one path. Values beyond ±32
    (alpha = 0) count as ±32; between two values above 32 the noise that enters is below the last bit of float64, and
    z is 0. Raises InvalidOption unless end > start, since noise cannot be added on the way up, and for a step that ends
    below −32.
    """
    check_falling(end > start)
    if end <= -REACH:
        raise InvalidOption(
            f"A step ends at log(alpha/sigma) = {end:.3g}, where this stochastic solver cannot tell noise from pure "
            "noise; choose a time grid whose first step from pure noise goes to sigma/alpha of at most 1e13."
        )
    a, b = max(start, -REACH), min(end, REACH)
    if not b > a:
        return torch.zeros_like(x)
    return noise.brownian(x.shape, a, b).to(x) / math.sqrt(b - a)
