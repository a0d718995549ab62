"""Likelihoods against closed forms: Gaussians and mixtures, on every schedule."""

import itertools
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from mezzotint.diffusion import (
    EDM,
    Bound,
    Gaussian,
    GaussianMixture,
    PhiloxNoise,
    RectifiedFlow,
    Schedule,
    VPCosine,
    VPLinear,
)
from mezzotint.diffusion.likelihood import _Flow, bits_per_dimension, log_likelihood
from mezzotint.errors import InvalidOption

from .order import float64

SCHEDULES = {"rf": RectifiedFlow(), "cos": VPCosine(), "vp-linear": VPLinear(), "edm": EDM()}
schedules = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=list(SCHEDULES))
X = float64([[0.2, -0.5, 0.9], [1.4, 0.1, -1.0]])
MEANS, VARIANCES, WEIGHTS = float64([[-0.8, 0.3, 0.1], [0.6, -0.4, 0.5]]), float64([0.05, 0.2]), float64([0.3, 0.7])


def bound(exact: Any) -> Bound[Any]:
    return Bound(exact, {})


def smoothed(schedule: Schedule, start: float, x: Tensor) -> tuple[Tensor, Tensor]:
    """x_start and log alpha^D: the density asked for is that of x_start = alpha x, as a density of x."""
    alpha = schedule(start).alpha
    return alpha * x, x.shape[1] * alpha.log()


def log_gaussian(schedule: Schedule, t: float, x: Tensor) -> Tensor:
    """log p_t of the Gaussian of mean 0.3 and variance 0.25, (B,)."""
    level = schedule(t)
    spread = (level.alpha**2 * 0.25 + level.sigma**2).sqrt()
    return Normal(level.alpha * 0.3, spread).log_prob(x).sum(1)


def log_mixture(schedule: Schedule, t: float, x: Tensor) -> Tensor:
    level = schedule(t)
    spread = (level.alpha**2 * VARIANCES + level.sigma**2).sqrt()[:, None].expand(2, 3)
    parts = Independent(Normal(level.alpha * MEANS, spread), 1)
    return MixtureSameFamily(Categorical(WEIGHTS), parts).log_prob(x)


def exact(log_density: Callable[[Schedule, float, Tensor], Tensor], schedule: Schedule, start: float) -> Tensor:
    x, log_alpha = smoothed(schedule, start, X)
    return log_density(schedule, start, x) + log_alpha


def mismatch(log_density: Callable[[Schedule, float, Tensor], Tensor], schedule: Schedule, z: Tensor) -> Tensor:
    """What the prior N(0, sigma²) at t = 1 says too much of pictures z there; 0 where alpha is 0."""
    return Normal(0.0, schedule(1.0).sigma).log_prob(z).sum(1) - log_density(schedule, 1.0, z)


@schedules
@pytest.mark.parametrize("low", [1e-3, 0.02])
def test_a_gaussian_has_its_density(schedule: Schedule, low: float) -> None:
    start = float(schedule.time(-2 * math.log(low)))
    gaussian = Gaussian(schedule, 0.3, 0.25)
    result = log_likelihood(bound(gaussian), X, start=start, steps=100)
    latents = gaussian.flow(smoothed(schedule, start, X)[0], float64(start), float64(1.0))
    expected = exact(log_gaussian, schedule, start) + mismatch(log_gaussian, schedule, latents)
    torch.testing.assert_close(result.log_density, expected, rtol=0, atol=1e-5)
    assert result.evaluations == 400


@schedules
def test_a_mixture_has_its_density(schedule: Schedule) -> None:
    start = float(schedule.time(-2 * math.log(0.01)))
    result = log_likelihood(bound(GaussianMixture(schedule, MEANS, VARIANCES, WEIGHTS)), X, start=start, steps=100)
    expected = exact(log_mixture, schedule, start) + mismatch(log_mixture, schedule, result.latents)
    torch.testing.assert_close(result.log_density, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(("schedule", "least"), [(VPLinear(), 1e-3), (EDM(), 1e-3), (RectifiedFlow(), 0.0)])
def test_the_prior_is_a_little_wrong_where_alpha_is_not_0(schedule: Schedule, least: float) -> None:
    wrong = mismatch(log_gaussian, schedule, float(schedule(1.0).sigma) * X)
    assert least <= float(wrong.abs().max()) < 0.03
    assert least > 0 or float(wrong.abs().max()) < 1e-12


def test_it_converges_to_fourth_order() -> None:
    mixture = GaussianMixture(RectifiedFlow(), MEANS, VARIANCES, WEIGHTS)
    truth = exact(log_mixture, RectifiedFlow(), 0.01)
    errors = [
        float((log_likelihood(bound(mixture), X, start=0.01, steps=n).log_density - truth).abs().max())
        for n in (20, 40, 80)
    ]
    assert errors[0] < 0.02
    for coarse, fine in pairwise(errors):
        assert math.log2(coarse / fine) == pytest.approx(4, abs=0.8)


def test_the_latent_is_where_the_flow_ends() -> None:
    exact = Gaussian(VPCosine(), 0.3, 0.25)
    result = log_likelihood(bound(exact), X, start=0.01, steps=100)
    x = VPCosine()(0.01).alpha * X
    torch.testing.assert_close(result.latents, exact.flow(x, float64(0.01), float64(1.0)), rtol=1e-6, atol=1e-6)


def test_hutchinson_is_exact_for_a_diagonal_jacobian() -> None:
    """Signs square to one, so that only correlations between elements make noise."""
    exact = bound(Gaussian(RectifiedFlow(), 0.3, float64([0.1, 0.3, 0.6])))
    whole = log_likelihood(exact, X, start=0.01)
    estimate = log_likelihood(exact, X, start=0.01, divergence="hutchinson", noise=PhiloxNoise([3, 4]))
    torch.testing.assert_close(estimate.log_density, whole.log_density)


def test_hutchinson_is_right_on_average_and_noisy() -> None:
    exact = bound(GaussianMixture(RectifiedFlow(), MEANS, VARIANCES, WEIGHTS))
    copies = X[:1].expand(400, 3)
    estimate = log_likelihood(
        exact, copies, start=0.01, steps=40, divergence="hutchinson", noise=PhiloxNoise(range(400))
    ).log_density
    truth = float(log_likelihood(exact, X[:1], start=0.01, steps=40).log_density)
    error = float(estimate.std()) / 20
    assert error > 1e-3
    assert float(estimate.mean()) == pytest.approx(truth, abs=4 * error)


def test_the_mean_over_all_signs_is_the_trace() -> None:
    """Of a Jacobian without symmetry and with a negative diagonal element."""
    jacobian = float64([[-2.0, 1.5, 0.3], [0.7, 0.5, -4.0], [1.0, 2.0, 1.0]])
    signs = float64(list(itertools.product([-1.0, 1.0], repeat=3)))
    x = torch.zeros(8, 3, dtype=torch.float64, requires_grad=True)
    flow = bound(Gaussian(RectifiedFlow()))
    estimates = _Flow(flow, signs)._trace(x @ jacobian.T, x)
    torch.testing.assert_close(estimates, torch.einsum("bi,ij,bj->b", signs, jacobian, signs))
    torch.testing.assert_close(estimates.mean(), jacobian.trace())
    torch.testing.assert_close(_Flow(flow, None)._trace(x @ jacobian.T, x), jacobian.trace().expand(8))


def test_bits_per_dimension() -> None:
    """Pictures uniform over 256 levels cost 8 bits; a standard normal's bits are its entropy's."""
    uniform = torch.tensor([-12 * math.log(2.0)], dtype=torch.float64)
    assert float(bits_per_dimension(uniform, 12)) == pytest.approx(8)
    assert float(bits_per_dimension(uniform, 12, levels=16)) == pytest.approx(4)
    x = torch.randn(200_000, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    entropy = 0.5 * math.log2(2 * math.pi * math.e)
    bits = bits_per_dimension(Normal(0.0, 1.0).log_prob(x).sum(1), 1)
    assert float(bits.mean()) == pytest.approx(entropy + 7, abs=0.01)


def test_bits_of_dequantised_levels_are_their_entropy() -> None:
    """x = 2 (k + u) / levels − 1 has the density p_k levels / 2, so that the mean is −sum_k p_k log2 p_k exactly."""
    share = float64([0.1, 0.2, 0.3, 0.4])
    bits = bits_per_dimension((share * 4 / 2).log(), 1, levels=4)
    assert float((share * bits).sum()) == pytest.approx(-float((share * share.log2()).sum()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"divergence": "hutchinson"}, "with a source of noise"),
        ({"divergence": "skilling"}, "must be 'exact', or 'hutchinson'"),
        ({"steps": 0}, "at least one step"),
        ({"start": 0.0}, "0 < start < 1"),
    ],
)
def test_what_is_not_allowed_is_refused(options: Any, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        log_likelihood(bound(Gaussian(VPCosine())), X, **options)
