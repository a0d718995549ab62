"""The core that solvers share, against quadrature; and two properties of its users that no order shows."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import EDM, SOLVERS, Bound, Gaussian, PhiloxNoise, Prediction, RectifiedFlow, Solver, VPCosine
from mezzotint.diffusion.solvers.multistep import Past, exponential_moments, flow_moments, lagrange_weights, remember
from mezzotint.diffusion.solvers.pndm import PNDM
from mezzotint.diffusion.solvers.unipc import SASolver

from .order import float64, slope


@pytest.mark.parametrize("x", [-6.0, -1.5, -1.0, -0.4, 1e-9, 0.003, 0.9, 1.0, 1.1, 4.0, 30.0])
def test_exponential_moments_are_their_integrals(x: float) -> None:
    points, weights = np.polynomial.legendre.leggauss(60)
    r = (1 + points) / 2
    for k, moment in enumerate(exponential_moments(x, 5)):
        integral = float((weights / 2 * x * np.exp(-x * (1 - r)) * r**k).sum())
        assert moment == pytest.approx(integral, rel=1e-11)


def test_moments_of_an_infinite_step_put_all_weight_at_its_end() -> None:
    assert exponential_moments(math.inf, 1) == [1.0]


@pytest.mark.parametrize("eta", [0.0, 0.7])
def test_moments_from_pure_noise_are_their_integrals_in_alpha_over_sigma(eta: float) -> None:
    """∫ (1 + eta) e^(−(1 + eta)(end − lambda)) r^k dlambda from −inf to the end, with r = e^(lambda − end)."""
    points, weights = np.polynomial.legendre.leggauss(200)
    depth = 60 * (1 + points) / 2  # end − lambda
    for k, moment in enumerate(flow_moments(eta, 4)):
        kernel = (1 + eta) * np.exp(-(1 + eta) * depth) * np.exp(-depth) ** k
        assert moment == pytest.approx(float((weights * 30 * kernel).sum()), rel=1e-9)


@pytest.mark.parametrize(("infinite", "value_at"), [(-math.inf, math.exp), (math.inf, lambda u: 1 / u)])
def test_a_prediction_at_pure_noise_gives_the_slope_that_it_has_near_it(infinite: float, value_at: Any) -> None:
    """For a + b alpha/sigma the divided difference is the derivative, in lambda and in sigma/alpha."""
    a, b, now, width = 0.3, -1.7, 1.3, 1e-5
    first, second = float64([a]), float64([a + b * value_at(now)])
    newest, older = remember((Past(infinite, first),), Past(now, second), 2)
    found = (newest.value - older.value) / (newest.at - older.at)
    true = b * (value_at(now + width) - value_at(now - width)) / (2 * width)
    assert float(found) == pytest.approx(true, rel=1e-8)
    # where it was placed it stays, and it makes room as any other
    assert remember((newest, older), Past(2.0, first), 3)[2] == older
    assert len(remember((newest, older), Past(2.0, first), 2)) == 2


class Rising:
    """x_0 = a + b alpha/sigma whatever the picture, so that the flow from pure noise is known.

    x_s/sigma_s = x_1 + ∫ (a + b r) dr = x_1 + a r + b r²/2, r = alpha_s/sigma_s (`half_log_snr` in `coordinate`).
    """

    schedule = RectifiedFlow()
    a, b = float64([[0.5, -0.2]]), float64([[-1.1, 0.8]])

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        level = self.schedule(t)
        return Prediction(x_t, level, self.a + self.b * level.alpha / level.sigma)

    def flow(self, x: Tensor, s: Tensor) -> Tensor:
        """Where the flow from x at pure noise is at time s."""
        level = self.schedule(s)
        r = level.alpha / level.sigma
        return level.sigma * (x + self.a * r + self.b * r**2 / 2)


@pytest.mark.parametrize("name", ["unipc-1", "unipc-2", "unipc-2-bh1", "unipc-3"])
def test_unipc_corrects_its_step_from_pure_noise_exactly(name: str) -> None:
    solver, belief = SOLVERS[name].make(), Rising()
    x, t, s = float64([[0.4, 1.2]]), float64(1.0), float64(0.7)
    y, state = solver.step(belief, x, t, s, solver.init(x), PhiloxNoise([0]))
    assert float((y - belief.flow(x, s)).abs().max()) > 0.05  # the predictor alone is DDIM's
    # a step to almost where it begins leaves the corrected x
    again, _ = solver.step(belief, y, s, s - 1e-12, state, PhiloxNoise([0]))
    torch.testing.assert_close(again, belief.flow(x, s), rtol=0, atol=1e-10)


def test_a_memory_of_pure_noise_serves_the_second_step() -> None:
    """The exact line through both: what is left of the error is that of a line in lambda, not of a constant."""
    belief, x = Rising(), float64([[0.4, 1.2]])
    times = [float64(t) for t in (1.0, 0.8, 0.75)]
    errors = {}
    for name in ("ddim", "res-multistep"):
        solver = SOLVERS[name].make()
        y, state = solver.step(belief, x, times[0], times[1], solver.init(x), PhiloxNoise([0]))
        y, _ = solver.step(belief, belief.flow(x, times[1]), times[1], times[2], state, PhiloxNoise([0]))
        errors[name] = float((y - belief.flow(x, times[2])).abs().max())
    assert errors["res-multistep"] < errors["ddim"] / 8


def test_lagrange_weights_integrate_polynomials_exactly() -> None:
    """For any moments, sum_j w_j r_j^k = M_k, k below the number of nodes."""
    nodes, moments = [0.0, -0.7, -1.9, 1.0], [0.8, 0.3, -0.2, 0.5]
    weights = lagrange_weights(nodes, moments)
    for k, moment in enumerate(moments):
        assert sum(w * r**k for w, r in zip(weights, nodes, strict=True)) == pytest.approx(moment, rel=1e-12)


class Turning:
    """Believes one x_0, and puts back a noise that turns with t, as guidance in the manner of CFG++ may."""

    schedule = VPCosine()
    x0 = float64([[0.5, -0.2]])

    def eps(self, t: float) -> Tensor:
        return float64([[1.5 + t, 0.7 - t * t]])

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        return Prediction(x_t, self.schedule(t), self.x0, eps_for_update=self.eps(float(t)))


INTERPOLATE_X0: dict[str, Solver[Any]] = {
    **{name: SOLVERS[name].make() for name in ("ddim", "dpmpp-2m", "dpmpp-3m", "res-multistep", "unipc-1", "unipc-3")},
    "sa-solver": SASolver(tau=0.0),
}


@pytest.mark.parametrize("name", INTERPOLATE_X0)
def test_the_noise_put_back_is_that_of_the_step(name: str) -> None:
    """x_s = alpha_s x_0 + sigma_s eps_for_update(t), also where a corrector takes the step before once more."""
    solver, belief = INTERPOLATE_X0[name], Turning()
    x = float64([[3.0, -3.0]])
    state = solver.init(x)
    times = [float64(t) for t in (0.9, 0.7, 0.6, 0.4, 0.3, 0.1)]
    for t, s in itertools.pairwise(times):
        x, state = solver.step(belief, x, t, s, state, PhiloxNoise([0]))
        torch.testing.assert_close(x, belief.schedule(s).noised(belief.x0, belief.eps(float(t))))


def test_pndm_starts_with_a_runge_kutta_step_of_fourth_order() -> None:
    """On a schedule whose t is sigma itself the pseudo step is Runge's own: the error of one step falls as h^5."""
    exact = Gaussian(EDM(sigma_max=4.0, rho=1.0), 0.3, 0.25)
    t, x, errors, counts = float64(0.3), float64([[0.9], [-0.4], [1.7]]), [], (2, 4)
    for count in counts:
        s = t - 0.1 / count
        y, _ = PNDM().step(Bound(exact, {}), x, t, s, (), PhiloxNoise(range(3)))
        errors.append(float((y - exact.flow(x, t, s)).square().mean().sqrt()))
    assert slope(errors, counts) == pytest.approx(5, abs=0.4)
