"""The exact denoisers against definitions that they do not share: quadrature, automatic differentiation, the ODE."""

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from mezzotint.diffusion import FiniteSet, Gaussian, GaussianMixture, Schedule

from .order import SCHEDULES, exact_denoisers, float64, starts

TIMES = (0.15, 0.5, 0.9)
schedules = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=list(SCHEDULES))


@schedules
@pytest.mark.parametrize("t", TIMES)
@pytest.mark.parametrize("name", ["gaussian", "mixture"])
def test_the_mean_is_that_of_the_posterior_by_quadrature(schedule: Schedule, t: float, name: str) -> None:
    density = {
        "gaussian": lambda x: torch.exp(Normal(0.3, 0.5).log_prob(x)),
        "mixture": lambda x: (
            0.4 * torch.exp(Normal(-1.0, math.sqrt(0.05)).log_prob(x))
            + 0.6 * torch.exp(Normal(0.6, math.sqrt(0.1)).log_prob(x))
        ),
    }[name]
    level = schedule(t)
    x_t = level.alpha * float64([-1.2, 0.1, 0.9]) + level.sigma * float64([0.4, -0.7, 0.2])
    grid = torch.linspace(-6, 6, 200_001, dtype=torch.float64)
    log_likelihood = -0.5 * ((x_t[:, None] - level.alpha * grid) / level.sigma) ** 2
    posterior = density(grid) * torch.exp(log_likelihood - log_likelihood.max(1, keepdim=True).values)
    expected = (posterior * grid).sum(1) / posterior.sum(1)
    torch.testing.assert_close(exact_denoisers(schedule)[name](x_t[:, None], float64(t)).x0[:, 0], expected)


@schedules
@pytest.mark.parametrize("t", TIMES)
def test_the_score_of_a_mixture_is_the_gradient_of_its_density(schedule: Schedule, t: float) -> None:
    means, variances, weights = float64([[0.5, -1, 2], [1, 1, 0]]), float64([0.3, 0.7]), float64([0.25, 0.75])
    level = schedule(t)
    spread = (level.alpha**2 * variances + level.sigma**2).sqrt()[:, None].expand(2, 3)
    marginal = MixtureSameFamily(Categorical(weights), Independent(Normal(level.alpha * means, spread), 1))
    x = (float64([[0.2, 0.4, -1.0], [1.0, -2.0, 0.3]]) * torch.hypot(level.alpha, level.sigma)).requires_grad_()
    (score,) = torch.autograd.grad(marginal.log_prob(x).sum(), x)
    x = x.detach()
    prediction = GaussianMixture(schedule, means, variances, weights)(x, float64(t))
    torch.testing.assert_close(prediction.score, score)


@schedules
@pytest.mark.parametrize("weights", [None, [0.2, 0.5, 0.3]])
def test_a_finite_set_is_a_mixture_without_width(schedule: Schedule, weights: list[float] | None) -> None:
    points = float64([[0.5, -1], [1, 1], [0, 0.2]])
    share = float64(weights or [1 / 3] * 3)
    x, t = float64([[0.1, -0.4], [0.7, 0.6]]), float64([0.6, 0.8])
    narrow = GaussianMixture(schedule, points, torch.zeros(3).double(), share)(x, t)
    exact = FiniteSet(schedule, points, None if weights is None else share)(x, t)
    torch.testing.assert_close(exact.x0, narrow.x0)


@schedules
@pytest.mark.parametrize("name", ["gaussian", "mixture"])
@pytest.mark.parametrize("log_snr", [-3.0, 0.0, 3.0])
def test_the_flow_solves_the_probability_flow_equation(schedule: Schedule, name: str, log_snr: float) -> None:
    """dx/dt = alpha' x_0 + sigma' eps, by central differences; and the flow goes there and back."""
    exact = exact_denoisers(schedule)[name]
    time, h = schedule.time(log_snr), 1e-5
    x = starts(schedule(time))

    def derivative(low: Tensor, high: Tensor) -> Tensor:
        return (high - low) / (2 * h)

    below, above = schedule(time - h), schedule(time + h)
    prediction = exact(x, time)
    expected = (
        derivative(below.alpha, above.alpha) * prediction.x0 + derivative(below.sigma, above.sigma) * prediction.eps
    )
    measured = derivative(exact.flow(x, time, time - h), exact.flow(x, time, time + h))
    torch.testing.assert_close(measured, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))
    torch.testing.assert_close(
        exact.flow(exact.flow(x, time, schedule.time(1.0)), schedule.time(1.0), time), x, rtol=1e-7, atol=1e-7
    )


def test_times_per_picture_and_per_frame() -> None:
    """A batch with its own times gives what each picture, and each frame, gives alone."""
    exact = Gaussian(SCHEDULES["rectified-flow"], mean=0.3, variance=0.25)
    x = torch.linspace(-2, 2, 24, dtype=torch.float64).reshape(2, 1, 3, 2, 2)
    t = float64([[0.2, 0.4, 0.6], [0.1, 0.5, 0.9]])
    whole = exact(x, t).x0
    for b in range(2):
        for f in range(3):
            assert torch.equal(whole[b : b + 1, :, f], exact(x[b : b + 1, :, f], t[b, f]).x0)
    pictures = exact(x, t[:, 0]).x0
    assert torch.equal(pictures[1:], exact(x[1:], t[1, 0]).x0)
