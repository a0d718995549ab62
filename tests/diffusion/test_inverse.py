"""Inverse problems on exact Gaussians, whose posterior is N(m + K (y − A m), V − K A V), K = V A* (S + A V A*)⁻¹."""

from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    CFG,
    DDIM,
    EDM,
    Bound,
    Gaussian,
    GaussianMixture,
    Heun,
    PhiloxNoise,
    Prediction,
    RectifiedFlow,
    Schedule,
    VPCosine,
    from_times,
    guided,
    sample,
)
from mezzotint.diffusion.guidance.cfg_pp import CFGpp
from mezzotint.diffusion.inverse import Blur, Downscale, FixedPointDDIM, Grey, Mask, Matrix, Posterior, Projected
from mezzotint.diffusion.inverse.operators import conjugate_gradients, minimal_residual
from mezzotint.errors import InvalidOption

from .conditional import SHARES, Mixed
from .order import float64

MEAN, VARIANCE = float64([0.3, -0.5, 0.1, 0.8]), float64([0.25, 0.6, 0.1, 1.2])
A = float64([[1.0, 0.5, 0.0, -0.3], [0.2, -0.7, 1.0, 0.4]])
Y, NOISE = float64([[0.9, -0.6]]), 0.2
MATRIX = Matrix(A, (4,))
schedules = pytest.mark.parametrize("schedule", [RectifiedFlow(), VPCosine(), EDM()], ids=["rf", "cos", "edm"])


def conditioned(mean: Tensor, covariance: Tensor, noise: float = NOISE) -> tuple[Tensor, Tensor]:
    """Mean and covariance of x given y, for x ~ N(mean, covariance)."""
    gain = covariance @ A.T @ torch.linalg.inv(noise**2 * torch.eye(2).double() + A @ covariance @ A.T)
    return mean + gain @ (Y[0] - A @ mean), covariance - gain @ A @ covariance


@schedules
@pytest.mark.parametrize("t", [0.2, 0.6, 0.95])
def test_mmps_is_the_exact_posterior_mean_at_every_noise_level(schedule: Schedule, t: float) -> None:
    level = schedule(t)
    x_t = level.noised(float64([[0.5, 0.0, -0.2, 1.0], [-1.0, 1.0, 0.3, 0.0]]), float64([[1.0, -1, 0.5, 0]]))
    prior = Gaussian(schedule, MEAN, VARIANCE)
    prediction = Posterior(prior, MATRIX, Y, NOISE)(x_t, float64(t), {})
    for row in range(2):  # x_0 given x_t, then given y as well
        precision = 1 / VARIANCE + (level.alpha / level.sigma) ** 2
        mean = (MEAN / VARIANCE + level.alpha / level.sigma**2 * x_t[row]) / precision
        expected, _ = conditioned(mean, torch.diag(1 / precision))
        torch.testing.assert_close(prediction.x0[row], expected, rtol=1e-6, atol=1e-6)
    assert prediction.evaluations == 1
    torch.testing.assert_close(prediction.branches["prior"].x0, prior(x_t, float64(t)).x0)


@pytest.mark.parametrize("schedule", [RectifiedFlow(), VPCosine()], ids=["rf", "cos"])
def test_sampling_reaches_the_posterior_distribution(schedule: Schedule) -> None:
    """From pure noise the flow is affine: its offset is the posterior's mean, its matrix squared the covariance."""
    starts = torch.cat([torch.zeros(1, 4), torch.eye(4)]).double()
    model = Bound(Posterior(Gaussian(schedule, MEAN, VARIANCE), MATRIX, Y, NOISE), {})
    grid = from_times([(1 - i / 300) ** 2 for i in range(301)])
    *_, last = sample(model, starts, grid, Heun(), PhiloxNoise(range(5)))
    offset, matrix = last.x[0], (last.x[1:] - last.x[0]).T
    mean, covariance = conditioned(MEAN, torch.diag(VARIANCE))
    torch.testing.assert_close(offset, mean, rtol=0, atol=5e-3)
    torch.testing.assert_close(matrix @ matrix.T, covariance, rtol=0, atol=5e-3)
    assert float((torch.diag(VARIANCE) - covariance).abs().max()) > 0.2


@schedules
def test_pigdm_is_mmps_for_white_data_of_unit_variance(schedule: Schedule) -> None:
    x_t, t = float64([[0.5, 0.0, -0.2, 1.0]]), float64(0.5)
    prior = Gaussian(schedule, 0.0, 1.0)
    a, b = (Posterior(prior, MATRIX, Y, NOISE, method)(x_t, t, {}).x0 for method in ("pigdm", "mmps"))  # type: ignore[arg-type]
    torch.testing.assert_close(a, b)


@schedules
def test_dps_is_the_gradient_of_the_squared_residual(schedule: Schedule) -> None:
    """x_0 − strength (sigma²/alpha) ∇ |y − A x_0(x_t)|² / (2 noise²), the gradient by finite differences."""
    prior, t = (
        GaussianMixture(schedule, torch.stack([MEAN, -MEAN]), float64([0.2, 0.5]), float64([0.4, 0.6])),
        float64(0.5),
    )
    level = schedule(t)
    x_t = float64([[0.5, 0.0, -0.2, 1.0]]) * torch.hypot(level.alpha, level.sigma)

    def misfit(x: Tensor) -> Tensor:
        return (Y - prior(x, t).x0 @ A.T).square().sum() / (2 * NOISE**2)

    h = 1e-6 * float(torch.hypot(level.alpha, level.sigma))
    gradient = torch.stack([(misfit(x_t + h * e) - misfit(x_t - h * e)) / (2 * h) for e in torch.eye(4).double()])
    expected = prior(x_t, t).x0 - 0.3 * level.sigma**2 / level.alpha * gradient
    result = Posterior(prior, MATRIX, Y, NOISE, "dps", strength=0.3)(x_t, t, {})
    torch.testing.assert_close(result.x0, expected, rtol=1e-5, atol=1e-6)


def test_the_more_exact_covariance_is_nearer_to_the_truth() -> None:
    """On a mixture, where none is exact: the mean of x_0 given x_t and y, by Bayes' rule over the components."""
    means, variances, weights = torch.stack([MEAN, -MEAN]), float64([0.2, 0.5]), float64([0.4, 0.6])
    schedule, t = VPCosine(), float64(0.4)
    level, x_t = schedule(t), float64([[0.4, -0.2, 0.1, 0.5]])
    # the pair (x_t, y) is a linear measurement of x_0 with independent noise
    both = torch.cat([level.alpha * torch.eye(4).double(), A])
    noise = torch.diag(torch.cat([level.sigma.expand(4), float64([NOISE, NOISE])]) ** 2)
    seen = torch.cat([x_t[0], Y[0]])
    truth, total = torch.zeros(4).double(), 0.0
    for mean, variance, weight in zip(means, variances, weights, strict=True):
        spread = noise + variance * both @ both.T
        rest = seen - both @ mean
        share = weight * torch.exp(-0.5 * rest @ torch.linalg.solve(spread, rest)) / torch.linalg.det(spread).sqrt()
        truth, total = truth + share * (mean + variance * both.T @ torch.linalg.solve(spread, rest)), total + share
    prior = GaussianMixture(schedule, means, variances, weights)
    errors = {
        m: float((Posterior(prior, MATRIX, Y, NOISE, m)(x_t, t, {}).x0[0] - truth / total).norm()) for m in METHODS
    }
    nothing = float((prior(x_t, t).x0[0] - truth / total).norm())
    assert errors["mmps"] < errors["pigdm"] < nothing < errors["dps"]
    assert errors["mmps"] < 0.25 * nothing


METHODS: Any = ("mmps", "pigdm", "dps")


def test_a_posterior_holds_at_pure_noise_and_knows_times_of_its_pictures() -> None:
    model = Posterior(Gaussian(RectifiedFlow(), MEAN, VARIANCE), MATRIX, Y, NOISE)
    x = float64([[0.5, 0.0, -0.2, 1.0]]).expand(2, 4)
    mean, _ = conditioned(MEAN, torch.diag(VARIANCE))
    torch.testing.assert_close(model(x, float64(1.0), {}).x0[0], mean, rtol=0, atol=5e-3)
    both = model(x, float64([1.0, 0.4]), {}).x0
    for row, t in enumerate((1.0, 0.4)):
        torch.testing.assert_close(both[row], model(x[:1], float64(t), {}).x0[0])


def test_a_posterior_goes_around_guidance_and_under_inference_mode() -> None:
    model = guided(Mixed(VPCosine()), CFG(2.0), calls="apart")
    operator, y = Matrix(A[:, :3], (3,)), Y
    x, t = float64([[0.5, 0.0, -0.2]]), float64(0.5)
    plain = Posterior(model, operator, y, NOISE)(x, t, SHARES)
    assert plain.evaluations == 2
    with torch.inference_mode():
        again = Posterior(model, operator, y, NOISE)(x.clone(), t, SHARES)
    assert torch.equal(again.x0, plain.x0)
    assert not plain.x0.requires_grad
    assert torch.equal(Posterior(model, operator, y, NOISE, strength=0.0)(x, t, SHARES).x0, model(x, t, SHARES).x0)


@pytest.mark.parametrize("wrap", [Projected, lambda *rest: Posterior(*rest, NOISE)], ids=["projected", "posterior"])
def test_the_noise_that_a_rule_asked_for_stays(wrap: Any) -> None:
    """CFG++ puts the unconditional noise back, also where a measurement has moved x_0."""
    model, x, t = guided(Mixed(VPCosine()), CFGpp(0.6), calls="apart"), float64([[0.5, 0.0, -0.2]]), float64(0.5)
    prediction = wrap(model, Matrix(A[:, :3], (3,)), Y)(x, t, SHARES)
    assert torch.equal(prediction.update_eps, prediction.branches["uncond"].eps)
    assert not torch.equal(prediction.x0, model(x, t, SHARES).x0)


PICTURE = (2, 3, 1, 8, 12)
OPERATORS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "mask": (Mask((torch.arange(12) > 4).double()), PICTURE),
    "blur": (Blur(1.3), PICTURE),
    "downscale": (Downscale(4), (2, 3, 1, 2, 3)),
    "grey": (Grey(), (2, 1, 1, 8, 12)),
    "matrix": (Matrix(torch.cos(7.0 * torch.arange(5 * 288).double() ** 1.5).reshape(5, 288), (3, 1, 8, 12)), (2, 5)),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_has_its_adjoint(name: str) -> None:
    operator, shape = OPERATORS[name]
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(PICTURE, generator=generator, dtype=torch.float64)
    y = torch.randn(shape, generator=generator, dtype=torch.float64)
    assert operator(x).shape == shape
    assert operator.adjoint(y).shape == PICTURE
    torch.testing.assert_close((operator(x) * y).sum(), (x * operator.adjoint(y)).sum())


def test_what_the_operators_measure() -> None:
    x = torch.arange(2 * 3 * 4 * 4, dtype=torch.float64).reshape(2, 3, 1, 4, 4)
    torch.testing.assert_close(Downscale(2)(x)[0, 0, 0, 0, 0], x[0, 0, 0, :2, :2].mean())
    torch.testing.assert_close(Grey((0.5, 0.3, 0.2))(x)[1, 0], 0.5 * x[1, 0] + 0.3 * x[1, 1] + 0.2 * x[1, 2])
    torch.testing.assert_close(Blur(2.0)(torch.ones_like(x)), torch.ones_like(x))


def test_conjugate_gradients_solve_each_picture_in_as_many_steps_as_it_has_eigenvalues() -> None:
    matrix = torch.diag(float64([1.0, 3.0, 7.0, 20.0])) + 0.1
    right = float64([[1.0, 2, 3, 4], [0, 0, 0, 0], [1e-9, 0, 2e-9, 0]])
    solved = conjugate_gradients(lambda z: z @ matrix, right, 4, tolerance=1e-14)
    torch.testing.assert_close(solved, torch.linalg.solve(matrix, right.T).T, rtol=1e-8, atol=1e-20)
    singular = torch.diag(float64([2.0, 0.0]))
    least = conjugate_gradients(lambda z: z @ singular, float64([[3.0, 0.0]]), 10)
    torch.testing.assert_close(least, float64([[1.5, 0.0]]))


def test_the_least_residual_is_that_of_the_krylov_space_also_without_symmetry() -> None:
    matrix = float64([[2.0, 1.0, 0.0, 0.3], [-1.5, 1.0, 0.7, 0.0], [0.0, 0.4, -3.0, 1.0], [0.2, 0.0, 0.1, 5.0]])
    right = float64([[1.0, 2, 3, 4], [0, 0, 0, 0], [1e-9, 0, 2e-9, 0]])
    solved = minimal_residual(lambda z: z @ matrix, right, 4)
    torch.testing.assert_close(solved, torch.linalg.solve(matrix.T, right.T).T, rtol=1e-8, atol=1e-18)
    residuals = []
    for count in range(1, 5):
        z = minimal_residual(lambda z: z @ matrix, right, count)
        space = torch.stack([right[0] @ torch.linalg.matrix_power(matrix, k) for k in range(count)], 1)
        best = torch.linalg.lstsq(matrix.T @ space, right[0][:, None]).solution
        torch.testing.assert_close(z[0], (space @ best)[:, 0], rtol=1e-7, atol=1e-10)
        torch.testing.assert_close(minimal_residual(lambda z: z @ matrix, right[:1], count), z[:1], rtol=1e-9, atol=0)
        residuals.append(float((right[0] - z[0] @ matrix).norm()))
    assert residuals == sorted(residuals, reverse=True)
    assert residuals[0] > 1
    singular = torch.diag(float64([2.0, 0.0]))
    torch.testing.assert_close(minimal_residual(lambda z: z @ singular, float64([[3.0, 0.0]]), 10), float64([[1.5, 0]]))


@pytest.mark.parametrize("name", ["mask", "downscale", "grey", "matrix"])
def test_projection_makes_the_measurement_exact_and_leaves_the_rest(name: str) -> None:
    operator, _ = OPERATORS[name]
    generator = torch.Generator().manual_seed(1)
    truth, x = torch.randn(2, *PICTURE, generator=generator, dtype=torch.float64)
    prior = Gaussian(RectifiedFlow(), 0.1, 0.4)
    y = operator(truth)
    prediction = Projected(prior, operator, y)(x, float64(0.5), {})
    before = prior(x, float64(0.5)).x0
    torch.testing.assert_close(operator(prediction.x0), y, rtol=1e-6, atol=1e-6)
    # the change lies in the range of A*: it is orthogonal to all that A does not see
    unseen = (
        truth
        - x
        - operator.adjoint(conjugate_gradients(lambda z: operator(operator.adjoint(z)), operator(truth - x), 50))
    )
    assert abs(float(((prediction.x0 - before) * unseen).sum())) < 1e-6
    grid = from_times([1.0, 0.6, 0.3, 0.0])
    *_, last = sample(Bound(Projected(prior, operator, y), {}), x, grid, DDIM(), PhiloxNoise([0, 1]))
    torch.testing.assert_close(operator(last.x), y, rtol=1e-6, atol=1e-6)
    assert last.evaluations == 1


QUICK = 16


@schedules
@pytest.mark.parametrize("name", ["gaussian", "mixture"])
def test_a_fixed_point_inversion_returns_the_picture(schedule: Schedule, name: str) -> None:
    """Up 12 steps and down again: to the tolerance, where plain DDIM is off by its error."""
    exact = {
        "gaussian": Gaussian(schedule, MEAN, VARIANCE),
        "mixture": GaussianMixture(schedule, torch.stack([MEAN, -MEAN]), float64([0.2, 0.5]), float64([0.4, 0.6])),
    }[name]
    times = [float(schedule.time(log_snr)) for log_snr in torch.linspace(5, -4, 13).tolist()]
    x = schedule(times[0]).noised(float64([[0.5, 0.0, -0.2, 1.0], [-1.0, 1.0, 0.3, 0.0]]), float64([[0.1, 0, -1, 1]]))
    errors = {}
    for label, solver in (("fixed", FixedPointDDIM(tolerance=1e-10)), ("plain", DDIM())):
        *_, top = sample(Bound(exact, {}), x, from_times(times), solver, PhiloxNoise([0, 1]))
        *_, back = sample(Bound(exact, {}), top.x, from_times(times[::-1]), solver, PhiloxNoise([0, 1]))
        errors[label] = float((back.x - x).abs().max())
        if label == "fixed":
            quick = max(
                step.evaluations for step in sample(Bound(exact, {}), x, from_times(times), solver, PhiloxNoise([0, 1]))
            )
    assert errors["fixed"] < 1e-8
    assert quick <= QUICK  # the right correction settles in few iterations
    assert errors["plain"] > 1e-2


def test_an_inverted_picture_does_not_depend_on_its_company() -> None:
    """A hard picture needs more iterations; the easy ones beside it do not take them too."""
    means = torch.stack([MEAN, -MEAN])
    exact = GaussianMixture(VPCosine(), means, float64([0.05, 0.2]), float64([0.5, 0.5]))
    x = VPCosine()(0.5).noised(torch.stack([MEAN, 0 * MEAN, 2 * MEAN]), torch.eye(4).double()[:3])
    grid, solver = from_times([0.5, 0.6, 0.7]), FixedPointDDIM(tolerance=1e-5)
    whole = list(sample(Bound(exact, {}), x, grid, solver, PhiloxNoise(range(3))))
    costs = set()
    for i in range(3):
        alone = list(sample(Bound(exact, {}), x[i : i + 1], grid, solver, PhiloxNoise([i])))
        assert torch.equal(alone[-1].x, whole[-1].x[i : i + 1])
        costs.add(sum(step.evaluations for step in alone))
    assert len(costs) > 1


def test_downwards_the_fixed_point_solver_is_ddim() -> None:
    exact, x = Gaussian(VPCosine(), MEAN, VARIANCE), float64([[0.5, 0.0, -0.2, 1.0]])
    a, b = (
        [step.x for step in sample(Bound(exact, {}), x, from_times([1.0, 0.5, 0.0]), solver, PhiloxNoise([0]))]
        for solver in (FixedPointDDIM(), DDIM())
    )
    assert all(torch.equal(p, q) for p, q in zip(a, b, strict=True))


def test_an_inversion_that_does_not_settle_says_so() -> None:
    schedule, start = VPCosine(), float64([[0.5, 0.1]])
    here, there = (schedule(t).like(start) for t in (0.1, 0.9))
    ratio = there.sigma / here.sigma
    assert float(there.alpha - ratio * here.alpha) < 0

    class Torn:
        """x_0 jumps where the step would have to end, away from it on both sides: there is no fixed point."""

        schedule = VPCosine()

        def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
            return Prediction(x_t, self.schedule(t), torch.where(x_t > ratio * start, 5.0, -5.0).double())

    run = sample(Torn(), start, from_times([0.1, 0.9]), FixedPointDDIM(), PhiloxNoise([0]))
    with pytest.raises(InvalidOption, match=r"from t = 0\.1 to 0\.9 did not settle in 100 iterations; use more steps"):
        list(run)


def test_there_and_back_by_heun_misses_less_with_more_steps_and_the_fixed_point_next_to_nothing() -> None:
    """On a smooth flow; a network's may be too stiff for Heun's method to come back at all."""
    mixture = GaussianMixture(RectifiedFlow(), float64([[-0.8], [0.9]]), float64([0.25, 0.4]), float64([0.3, 0.7]))
    model, start = Bound(mixture, {}), float64([[0.4], [-0.2], [1.1]])
    missed: dict[str, list[float]] = {"heun": [], "fixed point": []}
    for steps in (20, 40, 80):
        times = [0.1 + 0.8 * i / steps for i in range(steps + 1)]
        for name, up in (("heun", Heun()), ("fixed point", FixedPointDDIM())):
            down = Heun() if name == "heun" else DDIM()
            *_, top = sample(model, start, from_times(times), up, PhiloxNoise(range(3)))
            *_, back = sample(model, top.x, from_times(times[::-1]), down, PhiloxNoise(range(3)))
            missed[name].append(float((back.x - start).abs().max()))
    first, second, third = missed["heun"]
    assert first > 6 * second > 36 * third  # there and back, the errors of second order cancel
    assert missed["fixed point"][0] < 1e-6 < first
    assert max(missed["fixed point"]) < 1e-3  # what its tolerance leaves adds up over many steps


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Posterior(Gaussian(VPCosine()), MATRIX, Y, 0.0), "noise above 0"),
        (lambda: Posterior(Gaussian(VPCosine()), MATRIX, Y, 0.1, "dsp"), "did you mean dps"),  # type: ignore[arg-type]
        (lambda: Projected(Gaussian(VPCosine()), MATRIX, Y, 0), "at least one iteration, not 0"),
        (lambda: Blur(0.0), "sigma above 0"),
        (lambda: Downscale(0), "whole number"),
        (lambda: Downscale(3)(torch.zeros(1, 1, 8, 9)), "9x8 cannot be downscaled by 3"),
        (lambda: Grey()(torch.zeros(1, 4, 8, 8)), "3 channels was asked of one with 4"),
        (lambda: FixedPointDDIM(tolerance=0.0), "tolerance between 0 and 1"),
    ],
)
def test_what_is_not_allowed_is_refused(make: Any, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        make()
