"""k-diffusion where no steps can be compared: its adaptive solver and its likelihood, beside ours and closed forms.

What differs:
- `sample_dpm_adaptive` is DPM-Solver-3 with DPM-Solver-2 inside it, in half the log-SNR of eps, and chooses one step
  for the whole batch; our `Adaptive` has Runge-Kutta pairs in sigma/(alpha + sigma), and each picture its own steps.
  Both follow the same ODE: on a Gaussian, whose trajectories are known, both errors fall with their tolerances, theirs
  as that of a method of order 3. Ours is right about batches: a picture does not depend on its company.
- `log_likelihood` takes its divergence from random signs, ours (by default) from the diagonal; where the Jacobian is
  diagonal the two are one number, and agree to 1e-5. torchdiffeq integrates it, for which a Runge-Kutta method of
  many steps stands in here.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from mezzotint.diffusion import EDM, Bound, Gaussian, GaussianMixture, PhiloxNoise, from_times, sample
from mezzotint.diffusion.likelihood import log_likelihood
from mezzotint.diffusion.solvers.adaptive import Adaptive

from .kdiffusion import load

theirs = load()

SCHEDULE = EDM(sigma_max=14.6)
LOW, HIGH = 0.03, 14.6
TIMES = [1.0, float(SCHEDULE.time(-2 * math.log(LOW)))]
EXACT = Gaussian(SCHEDULE, 0.3, 0.25)
START = torch.linspace(-2, 2, 24, dtype=torch.float64).reshape(8, 3) * HIGH
END = EXACT.flow(START, *(torch.tensor(t, dtype=torch.float64) for t in TIMES))


def model(exact: Any) -> Callable[[Tensor, Tensor], Tensor]:
    def denoised(x: Tensor, sigma: Tensor) -> Tensor:
        x0: Tensor = exact(x, SCHEDULE.time(-2 * sigma[0].double().log())).x0
        return x0

    return denoised


def adaptive(x: Tensor, tolerance: float, order: int = 3) -> tuple[Tensor, int]:
    """Where theirs leads, and its evaluations, with the same relative and absolute tolerance."""
    options = {"rtol": tolerance, "atol": tolerance, "order": order, "noise_sampler": lambda *_: torch.zeros_like(x)}
    end, info = theirs.sample_dpm_adaptive(model(EXACT), x, LOW, HIGH, disable=True, return_info=True, **options)
    return end, info["nfe"]


def own(x: Tensor, tolerance: float) -> tuple[Tensor, int]:
    solver = Adaptive(tolerance=tolerance)
    (step,) = sample(Bound(EXACT, {}), x, from_times(TIMES), solver, PhiloxNoise(range(len(x))))
    return step.x, step.evaluations


def error(x: Tensor, end: Tensor = END) -> float:
    return float((x - end).abs().max())


def test_both_adaptive_solvers_end_where_the_trajectory_does() -> None:
    for tolerance in (1e-3, 1e-5, 1e-7):
        for solver in (adaptive, own):
            assert error(solver(START, tolerance)[0]) < 30 * tolerance
    # and at a tolerance that both reach they are one sample
    torch.testing.assert_close(own(START, 1e-9)[0], adaptive(START, 1e-7)[0], rtol=1e-5, atol=1e-5)


def test_theirs_is_of_order_3_and_ours_of_order_5() -> None:
    """Error against evaluations, in logarithms."""
    slopes = {}
    for solver, tolerances in ((adaptive, (1e-4, 1e-7)), (own, (1e-5, 1e-9))):
        (first, few), (second, many) = (solver(START, tolerance) for tolerance in tolerances)
        slopes[solver] = math.log(error(first) / error(second)) / math.log(many / few)
    assert slopes[adaptive] == pytest.approx(3, abs=0.7)
    assert slopes[own] > 4


def test_in_theirs_a_picture_depends_on_its_company_and_in_ours_not() -> None:
    alone = START[:1]
    assert torch.equal(own(alone, 1e-3)[0], own(START, 1e-3)[0][:1])
    assert error(adaptive(alone, 1e-3)[0], adaptive(START, 1e-3)[0][:1]) > 1e-7


def runge_kutta(f: Any, y: tuple[Tensor, ...], t: Tensor, **_: Any) -> tuple[Tensor, ...]:
    """`odeint` with the classical method in 400 steps of equal length in log t; the values at both ends."""
    begin, end = t.double().log()
    h, first = (end - begin) / 400, y

    def slope(u: Tensor, y: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(u.exp() * value for value in f(u.exp(), y))

    def moved(y: tuple[Tensor, ...], h: Tensor, *k: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(a + h * sum(parts) for a, *parts in zip(y, *k, strict=True))

    for n in range(400):
        u = begin + n * h
        k1 = slope(u, y)
        k2 = slope(u + h / 2, moved(y, h / 2, k1))
        k3 = slope(u + h / 2, moved(y, h / 2, k2))
        k4 = slope(u + h, moved(y, h, k3))
        y = moved(y, h / 6, k1, k2, k2, k3, k3, k4)
    return tuple(torch.stack(pair) for pair in zip(first, y, strict=True))


LIKELIHOODS: dict[str, tuple[Any, Tensor]] = {
    # elements independent, so that the Jacobian is diagonal
    "gaussian": (EXACT, torch.linspace(-1, 1.5, 12, dtype=torch.float64).reshape(4, 3)),
    "mixture in one dimension": (
        GaussianMixture(
            SCHEDULE, *(torch.tensor(v, dtype=torch.float64) for v in ([[-1.0], [0.6]], [0.05, 0.1], [0.4, 0.6]))
        ),
        torch.linspace(-1.5, 1.5, 6, dtype=torch.float64).reshape(6, 1),
    ),
}


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_likelihoods_agree(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    exact, x = LIKELIHOODS[name]
    monkeypatch.setattr(theirs, "odeint", runge_kutta)
    with torch.random.fork_rng():
        found, _ = theirs.log_likelihood(model(exact), x, LOW, HIGH)
    mine = log_likelihood(Bound(exact, {}), x, start=TIMES[1], steps=150)
    torch.testing.assert_close(mine.log_density, found, rtol=1e-5, atol=1e-5)
    if name == "gaussian":  # both with the prior N(0, sigma_max²), which at sigma_max = 14.6 is not quite its own
        stretch = math.sqrt((0.25 + HIGH**2) / (0.25 + LOW**2))
        latents = 0.3 + stretch * (x - 0.3)
        true = Normal(0.0, HIGH).log_prob(latents).sum(1) + 3 * math.log(stretch)
        torch.testing.assert_close(found, true, rtol=1e-5, atol=1e-5)
