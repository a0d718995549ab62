"""The core that solvers share, against quadrature; and two properties of its users that no order shows."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import EDM, SOLVERS, Bound, Gaussian, PhiloxNoise, Prediction, Solver, VPCosine
from mezzotint.diffusion.solvers.multistep import exponential_moments, lagrange_weights
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
