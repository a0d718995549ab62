"""Noisy steps of SEEDS, ER-SDE and SA-Solver, one by one, against their formulas written anew.

The denoiser is an exact mixture, so that x_0 bends; the noise is known. Integrals of polynomials that the solvers take
by recursion or quadrature are closed forms here (phi functions), or sums over twenty thousand pieces of the way.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import Bound, Purpose, Schedule, Solver
from mezzotint.diffusion.solvers.er_sde import ERSDE
from mezzotint.diffusion.solvers.seeds import SEEDS, DPMppSDE
from mezzotint.diffusion.solvers.unipc import SASolver

from .order import SCHEDULES, exact_denoisers, float64, starts

schedules = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=list(SCHEDULES))
LOG_SNR = (-2.0, -0.7, 0.2, 1.5, 2.1, 3.4)
"""Steps of unequal length."""


@dataclass
class Known:
    """Noise that can be asked again: the k-th normals, and one path."""

    drawn: list[Tensor] = field(default_factory=list)

    def normal(self, shape: Sequence[int], purpose: Purpose, draw: int) -> Tensor:
        self.drawn.append(_wave(shape, 1.3 + len(self.drawn)))
        return self.drawn[-1]

    def brownian(self, shape: Sequence[int], t: float, s: float) -> Tensor:
        return self.path(shape, s) - self.path(shape, t)

    def path(self, shape: Sequence[int], at: float) -> Tensor:
        return _wave(shape, 2.0) * math.sin(3 * at) + _wave(shape, 5.0) * at


def _wave(shape: Sequence[int], rate: float) -> Tensor:
    return torch.arange(1, math.prod(shape) + 1, dtype=torch.float64).mul(rate).sin().reshape(tuple(shape)) * 1.4


@dataclass(frozen=True)
class At:
    """A level as floats."""

    alpha: float
    sigma: float

    @property
    def half(self) -> float:
        return math.log(self.alpha / self.sigma)

    @property
    def ratio(self) -> float:
        return self.sigma / self.alpha


def at(schedule: Schedule, half_log_snr: float) -> At:
    level = schedule(schedule.time(2 * half_log_snr))
    return At(float(level.alpha), float(level.sigma))


def taken(
    solver: Solver[Any], schedule: Schedule, log_snr: Sequence[float], noise: Known
) -> tuple[Tensor, list[Tensor]]:
    """The start, and where each step of the solver ends."""
    denoise, times = Bound(exact_denoisers(schedule)["mixture"], {}), [schedule.time(value) for value in log_snr]
    start = x = starts(schedule(times[0]))[::8]
    state, path = solver.init(x), []
    for t, s in pairwise(times):
        x, state = solver.step(denoise, x, t, s, state, noise)
        path.append(x)
    return start, path


def belief(schedule: Schedule, x: Tensor, half_log_snr: float) -> Tensor:
    return exact_denoisers(schedule)["mixture"](x, schedule.time(2 * half_log_snr)).x0


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-7)


def piece(noise: Known, shape: Sequence[int], a: float, b: float) -> Tensor:
    return noise.brownian(shape, a, b) / math.sqrt(b - a)


def linear(x: float) -> float:
    """∫_0^1 x e^(−x (1 − r)) r dr = x phi_2(−x)."""
    return 1 - (1 - math.exp(-x)) / x


@schedules
@pytest.mark.parametrize("eta", [0.4, 1.0])
def test_a_step_of_seeds_2(eta: float, schedule: Schedule) -> None:
    """Two halves, each with its own noise; DPM-Solver++ SDE has the same stage and the noise of the whole step."""
    noise = Known()
    start, (found,) = taken(SEEDS(2, eta), schedule, LOG_SNR[1:3], noise)
    _, (sde,) = taken(DPMppSDE(eta), schedule, LOG_SNR[1:3], noise)
    a, b = LOG_SNR[1] / 2, LOG_SNR[2] / 2
    h, middle = b - a, (a + b) / 2
    high, mid, low = at(schedule, a), at(schedule, middle), at(schedule, b)
    z1, z2 = piece(noise, start.shape, a, middle), piece(noise, start.shape, middle, b)
    spread = math.sqrt(1 - math.exp(-eta * h))
    u = mid.sigma / high.sigma * math.exp(-eta * h / 2) * start
    u = u + mid.alpha * (1 - math.exp(-(1 + eta) * h / 2)) * belief(schedule, start, a) + mid.sigma * spread * z1
    x = low.sigma / high.sigma * math.exp(-eta * h) * start
    x = x + low.alpha * (1 - math.exp(-(1 + eta) * h)) * belief(schedule, u, middle)
    close(found, x + low.sigma * spread * (math.exp(-eta * h / 2) * z1 + z2))
    whole = piece(noise, start.shape, a, b)
    close(sde, x + low.sigma * math.sqrt(1 - math.exp(-2 * eta * h)) * whole)


@schedules
@pytest.mark.parametrize("eta", [0.4, 1.0])
def test_a_step_of_seeds_3(eta: float, schedule: Schedule) -> None:
    """Stages at 1/3 and 2/3; the noise of an Ornstein–Uhlenbeck process that is read three times."""
    noise = Known()
    start, (found,) = taken(SEEDS(3, eta), schedule, LOG_SNR[1:3], noise)
    a, h = LOG_SNR[1] / 2, (LOG_SNR[2] - LOG_SNR[1]) / 2
    levels = [at(schedule, a + k * h / 3) for k in range(4)]
    z = [piece(noise, start.shape, a + k * h / 3, a + (k + 1) * h / 3) for k in range(3)]
    decay = math.exp(-eta * h / 3)
    entered = [math.sqrt(1 - decay**2) * z[0]]
    for k in (1, 2):
        entered.append(decay * entered[-1] + math.sqrt(1 - decay**2) * z[k])

    def stage(k: int, x0: Tensor, slope: Tensor) -> Tensor:
        """x at k/3 of the step, x_0 + slope r with r from 0 to 1 over that stage."""
        x = (1 + eta) * k * h / 3
        y = levels[k].sigma / levels[0].sigma * decay**k * start + levels[k].sigma * entered[k - 1]
        return y + levels[k].alpha * ((1 - math.exp(-x)) * x0 + linear(x) * slope)

    now = belief(schedule, start, a)
    first = belief(schedule, stage(1, now, torch.zeros_like(now)), a + h / 3)
    second = belief(schedule, stage(2, now, 2 * (first - now)), a + 2 * h / 3)
    close(found, stage(3, now, 3 / 2 * (second - now)))


def summed(
    nodes: Sequence[float], values: Sequence[Tensor], measure: Callable[[Tensor], Tensor], a: float, b: float
) -> Tensor:
    """∫_a^b P d measure, P the polynomial through the values at the nodes, as a sum."""
    place = torch.linspace(a, b, 20_001, dtype=torch.float64)
    middle, mass = (place[1:] + place[:-1]) / 2, measure(place).diff()
    total = torch.zeros_like(values[0])
    for j, value in enumerate(values):
        shape = torch.ones_like(middle)
        for k, node in enumerate(nodes):
            if k != j:
                shape = shape * (middle - node) / (nodes[j] - node)
        total = total + float((shape * mass).sum()) * value
    return total


PHI: dict[str, Callable[[Tensor], Tensor]] = {
    "er-sde-5": lambda r: r * ((r**0.3).exp() + 10),
    "sde": lambda r: r**2,
}


@schedules
@pytest.mark.parametrize("scale", PHI)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_steps_of_er_sde(order: int, scale: Any, schedule: Schedule) -> None:
    """x_0 a polynomial in r = sigma/alpha, against d(phi_s/phi(r)); noise of variance r_s² − r_t² (phi_s/phi_t)²."""
    noise, phi = Known(), PHI[scale]
    x, found = taken(ERSDE(order, scale), schedule, LOG_SNR, noise)
    nodes: list[float] = []
    values: list[Tensor] = []
    for step, (t, s) in enumerate(pairwise(LOG_SNR)):
        high, low = at(schedule, t / 2), at(schedule, s / 2)
        nodes, values = [high.ratio, *nodes][:order], [belief(schedule, x, t / 2), *values][:order]
        end = phi(float64(low.ratio))
        share = float(end / phi(float64(high.ratio)))
        integral = summed(nodes, values, lambda r, end=end: end / phi(r), high.ratio, low.ratio)  # type: ignore[misc]
        spread = math.sqrt(low.ratio**2 - (high.ratio * share) ** 2)
        x = low.alpha * (share * x / high.alpha + integral + spread * noise.drawn[step])
        close(found[step], x)


@schedules
@pytest.mark.parametrize(("predictor", "corrector"), [(3, 4), (2, 0), (1, 2), (3, 2), (2, 4)])
@pytest.mark.parametrize("tau", [0.6, 1.0])
def test_steps_of_sa_solver(tau: float, predictor: int, corrector: int, schedule: Schedule) -> None:
    """x_0 a polynomial in lambda, against d e^(−(1 + tau²)(lambda_s − lambda)): as far as the past reaches, then with
    the new prediction as well, and the same noise."""
    noise, eta = Known(), tau**2
    between = (float(schedule.time(LOG_SNR[4] - 0.1)), float(schedule.time(LOG_SNR[0] - 0.1)))  # not the last step
    solver = SASolver(tau, between, predictor, corrector)
    x, found = taken(solver, schedule, LOG_SNR, noise)
    nodes: list[float] = []
    values: list[Tensor] = []

    def step(x: Tensor, t: float, s: float, count: int, z: Tensor | None) -> Tensor:
        """From t to s with the newest `count` nodes."""
        rate = 1 + (0 if z is None else eta)
        high, low = at(schedule, t), at(schedule, s)
        x0 = summed(nodes[:count], values[:count], lambda u: (-rate * (s - u)).exp(), t, s)
        y = low.sigma / high.sigma * math.exp((1 - rate) * (s - t)) * x + low.alpha * x0
        return y if z is None else y + low.sigma * math.sqrt(1 - math.exp(-2 * eta * (s - t))) * z

    halves = [value / 2 for value in LOG_SNR]
    predicted, last = x, len(halves) - 2
    for k, (t, s) in enumerate(pairwise(halves)):
        nodes, values = [t, *nodes], [belief(schedule, predicted, t), *values]
        if k and corrector:
            x = step(x, halves[k - 1], t, min(corrector, k + 1), noise.drawn[k - 1])
        elif k:
            x = predicted
        predicted = step(x, t, s, min(predictor, k + 1), None if k == last else noise.drawn[k])
        close(found[k], predicted)
    assert len(noise.drawn) == last
