"""Update formulas in closed form, the variance that stochastic solvers keep, and the common law of a step."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    DDIM,
    DDPM,
    EDM,
    SOLVERS,
    Bound,
    DPMpp2M,
    Euler,
    FiniteSet,
    Gaussian,
    Heun,
    Level,
    PhiloxNoise,
    Prediction,
    Purpose,
    RectifiedFlow,
    Schedule,
    Solver,
    VPCosine,
    VPScaledLinear,
    find_solver,
    from_times,
    sample,
)
from mezzotint.diffusion.solvers.ancestral import EulerAncestral
from mezzotint.diffusion.solvers.fixed_point import FixedPointDDIM
from mezzotint.diffusion.solvers.midpoint import Midpoint
from mezzotint.diffusion.timegrid import inversion
from mezzotint.errors import InvalidOption

from .order import SCHEDULES, float64, times_between
from .paths import Bridge, propagated

schedules = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=list(SCHEDULES))


class Constant:
    """Noise that is the same number everywhere, to read off the coefficient of z."""

    def __init__(self, z: float) -> None:
        self.z = z

    def normal(self, shape: Sequence[int], purpose: Purpose, draw: int) -> Tensor:
        return torch.full(tuple(shape), self.z)

    def brownian(self, shape: Sequence[int], t: float, s: float) -> Tensor:
        raise AssertionError


def affine(solver: Solver[Any], exact: Gaussian, t: Tensor, s: Tensor) -> tuple[float, float, float]:
    """A step on a Gaussian is x_s = a x + b + c z; read off a, b and c."""

    def step(x: float, z: float) -> float:
        start = float64([[x]])
        return float(solver.step(Bound(exact, {}), start, t, s, solver.init(start), Constant(z))[0])

    b = step(0, 0)
    return step(1, 0) - b, b, step(0, 1) - b


def posterior_step(high: Level, low: Level, eta: float, forward: bool) -> tuple[float, float, float]:
    """E[x_s | x_t, x_0] = p x_t + q x_0 and the noise, by Bayes' rule on q(x_s | x_0) and q(x_t | x_s).

    Written with precisions, unlike the code. For eta != 1 the noise is a share of it and p, q follow from the marginal.
    """
    a = float(high.alpha / low.alpha)
    step_variance = float(high.sigma**2) - a**2 * float(low.sigma**2)
    precision = 1 / float(low.sigma**2) + a**2 / step_variance
    if eta == 1:
        noise = step_variance if forward else 1 / precision
        return a / step_variance / precision, float(low.alpha / low.sigma**2) / precision, math.sqrt(noise)
    noise = eta**2 / precision
    p = math.sqrt((float(low.sigma**2) - noise) / float(high.sigma**2))
    return p, float(low.alpha) - p * float(high.alpha), math.sqrt(noise)


STOCHASTIC: dict[str, tuple[Solver[Any], float, bool]] = {
    "ddpm": (DDPM(), 1.0, False),
    "ddpm-forward": (DDPM("forward"), 1.0, True),
    "ddim-1": (DDIM(1.0), 1.0, False),
    "ddim-0.6": (DDIM(0.6), 0.6, False),
}


@schedules
@pytest.mark.parametrize("name", STOCHASTIC)
def test_a_stochastic_step_is_its_closed_form(name: str, schedule: Schedule) -> None:
    solver, eta, forward = STOCHASTIC[name]
    mean, variance = 0.3, 0.25
    exact = Gaussian(schedule, mean, variance)
    t, s = schedule.time(-1.0), schedule.time(0.5)
    high, low = schedule(t), schedule(s)
    gain = float(high.alpha * variance / (high.alpha**2 * variance + high.sigma**2))
    p, q, noise = posterior_step(high, low, eta, forward)
    expected = (p + q * gain, q * mean * (1 - gain * float(high.alpha)), noise)
    assert affine(solver, exact, t, s) == pytest.approx(expected, rel=1e-6)


@schedules
@pytest.mark.parametrize("name", STOCHASTIC)
def test_mean_and_variance_propagate_in_closed_form(name: str, schedule: Schedule) -> None:
    """The sampling loop with real noise, on 100 000 numbers, has the moments that the affine steps multiply up to."""
    solver, _, _ = STOCHASTIC[name]
    exact, n = Gaussian(schedule, 0.3, 0.25), 100_000
    times = times_between(schedule, "half_log_snr", 6)
    level = schedule(times[0])
    mean, variance = float(level.alpha) * 0.3, float(level.alpha**2 * 0.25 + level.sigma**2)
    start = mean + math.sqrt(variance) * PhiloxNoise([3]).normal((1, n), Purpose.START, 0).double()
    *_, end = sample(Bound(exact, {}), start, from_times([float(t) for t in times]), solver, PhiloxNoise([3]))
    for t, s in pairwise(times):
        a, b, c = affine(solver, exact, t, s)
        mean, variance = a * mean + b, a * a * variance + c * c
    assert float(end.x.mean()) == pytest.approx(mean, abs=5 * math.sqrt(variance / n))
    assert float(end.x.var()) == pytest.approx(variance, rel=5 * math.sqrt(2 / n))


@schedules
@pytest.mark.parametrize("name", STOCHASTIC)
def test_many_small_steps_reach_the_true_distribution(name: str, schedule: Schedule) -> None:
    """The error of the variance falls as 1/steps, for a variance of data that none of the formulas assumes."""
    solver, exact = STOCHASTIC[name][0], Gaussian(schedule, 0.3, 0.25)
    errors = []
    for steps in (100, 200):
        times = times_between(schedule, "half_log_snr", steps)
        level = schedule(times[0])
        mean, variance = float(level.alpha) * 0.3, float(level.alpha**2 * 0.25 + level.sigma**2)
        for t, s in pairwise(times):
            a, b, c = affine(solver, exact, t, s)
            mean, variance = a * mean + b, a * a * variance + c * c
        last = schedule(times[-1])
        truth = float(last.alpha**2 * 0.25 + last.sigma**2)
        assert mean == pytest.approx(float(last.alpha) * 0.3, rel=0.02)
        errors.append(abs(variance / truth - 1))
    assert errors[1] < 0.02
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.25)


@schedules
def test_names_for_one_map(schedule: Schedule) -> None:
    """DDPM with the posterior variance is DDIM of eta 1; Euler in ratio and in flow is DDIM of eta 0."""
    exact, t, s = Gaussian(schedule, 0.3, 0.25), schedule.time(-1.0), schedule.time(0.5)
    assert affine(DDPM(), exact, t, s) == pytest.approx(affine(DDIM(1.0), exact, t, s), rel=1e-12)
    for euler in (Euler("ratio"), Euler("flow")):
        assert affine(euler, exact, t, s) == affine(DDIM(), exact, t, s)
    for other in (Euler("angle"), Euler("half_log_snr"), Heun("flow"), Heun("ratio")):
        assert affine(other, exact, t, s) != pytest.approx(affine(DDIM(), exact, t, s), rel=1e-3)
    usual = "flow" if isinstance(schedule, RectifiedFlow) else "ratio"
    assert affine(Heun(), exact, t, s) == affine(Heun(usual), exact, t, s)
    for eta in (0.4, 1.0):
        assert affine(EulerAncestral(eta), exact, t, s) == affine(EulerAncestral(eta, usual), exact, t, s)
        assert affine(EulerAncestral(eta, "flow"), exact, t, s) != pytest.approx(
            affine(EulerAncestral(eta, "ratio"), exact, t, s), rel=1e-3
        )


@pytest.mark.parametrize(("start", "end"), [(1.0, 0.5), (0.5, 1.0)])
def test_heun_from_and_to_pure_noise_is_finite_by_default(start: float, end: float) -> None:
    """There sigma/alpha is infinite, and the default takes the coordinate "flow", on every schedule."""
    exact, x = Gaussian(VPCosine(), 0.3, 0.25), float64([[0.7]])
    found = [
        Heun(name).step(Bound(exact, {}), x, float64(start), float64(end), None, Constant(0))[0]
        for name in ("auto", "flow")
    ]
    assert torch.equal(*found)


@pytest.mark.parametrize(("schedule", "coordinate"), [(RectifiedFlow(), "flow"), (VPCosine(), "angle")])
def test_euler_is_euler_of_the_ode_where_its_coordinate_is_t(schedule: Schedule, coordinate: str) -> None:
    exact, t, s, h = Gaussian(schedule, 0.3, 0.25), float64(0.7), float64(0.6), 1e-6
    x = float64([[0.8], [-0.4]])
    slope = (exact.flow(x, t, t + h) - exact.flow(x, t, t - h)) / (2 * h)
    got, _ = Euler(coordinate).step(Bound(exact, {}), x, t, s, None, Constant(0))
    torch.testing.assert_close(got, x + (s - t) * slope, rtol=1e-8, atol=1e-8)


class Believer:
    """Believes the same x_0 and puts back the same noise everywhere, not the eps of its x_t."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.x0, self.eps = float64([[0.5, -0.2]]), float64([[1.5, 0.7]])

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        return Prediction(x_t, self.schedule(t), self.x0, eps_for_update=self.eps)


@schedules
@pytest.mark.parametrize("name", [name for name, record in SOLVERS.items() if not record.make().stochastic])
def test_the_law_of_a_step(name: str, schedule: Schedule) -> None:
    """x_s = alpha_s x_0 + sigma_s eps_for_update, whatever x_t was, for every deterministic solver."""
    solver, belief = SOLVERS[name].make(), Believer(schedule)
    x = float64([[10.0, -10.0]])
    state = solver.init(x)
    for t, s in ((-2.0, -1.0), (-1.0, 0.5), (0.5, 1.0), (1.0, 1.5), (1.5, 1.7)):
        x, state = solver.step(belief, x, schedule.time(t), schedule.time(s), state, Constant(0))
        torch.testing.assert_close(x, schedule(schedule.time(s)).noised(belief.x0, belief.eps))


@pytest.mark.parametrize("schedule", [RectifiedFlow(), VPCosine()], ids=["rectified-flow", "vp-cosine"])
@pytest.mark.parametrize("name", sorted(SOLVERS.keys() - {"lcm", "tcd"}))  # they need a flow map, in test_stochastic
def test_every_default_starts_from_pure_noise(name: str, schedule: Schedule) -> None:
    """From alpha = 0 in float32, 40 steps come near the exact flow, or near the true spread if they are stochastic."""
    exact = Gaussian(schedule, 0.3, 0.25)
    x = torch.linspace(-2, 2, 9)[None] if not SOLVERS[name].make().stochastic else torch.zeros(1, 4000)
    grid = from_times([1 - i / 40 for i in range(41)])
    *_, end = sample(Bound(exact, {}), x, grid, SOLVERS[name].make(), Bridge(1))
    assert end.x.dtype == torch.float32
    if SOLVERS[name].make().stochastic:
        assert float(end.x.mean()) == pytest.approx(0.3, abs=0.08)
        assert float(end.x.var()) == pytest.approx(0.25, rel=0.25)
    else:
        truth = exact.flow(x.double(), float64(1.0), float64(0.0))
        torch.testing.assert_close(end.x.double(), truth, rtol=0, atol=0.06)


UPWARDS = {n: r.make() for n, r in SOLVERS.items() if n not in ("lcm", "tcd") and not r.make().stochastic}


@pytest.mark.parametrize("schedule", [RectifiedFlow(), VPCosine()], ids=["rectified-flow", "vp-cosine"])
@pytest.mark.parametrize("solver", [*UPWARDS.values(), Euler("half_log_snr")], ids=[*UPWARDS, "euler-half-log-snr"])
def test_up_to_pure_noise_is_near_the_flow_or_refused(solver: Solver[Any], schedule: Schedule) -> None:
    """Inversion to alpha = 0: no solver ends in NaN, and those whose variable is infinite there say so."""
    exact, x = Gaussian(schedule, 0.3, 0.25), torch.linspace(-1, 1, 5, dtype=torch.float64)[None]
    # a first step to 25 times the noise is too long for an iteration
    clean = 0.02 if isinstance(solver, FixedPointDDIM) else 0.001
    grid = inversion(40, schedule, clean=clean)
    up = sample(Bound(exact, {}), x, grid, solver, PhiloxNoise([0]))
    infinite = solver.coordinate == "half_log_snr" or solver == SOLVERS["lms"].make() or isinstance(solver, Midpoint)
    if infinite and solver != Midpoint():
        with pytest.raises(InvalidOption, match=r"alpha = 0 \(pure noise\)"):
            list(up)
    else:
        *_, top = up
        truth = exact.flow(x, float64(grid[0].t), float64(1.0))
        torch.testing.assert_close(top.x, truth, rtol=0, atol=0.15)


@pytest.mark.parametrize("solver", [Heun("ratio"), Heun("half_log_snr"), Euler("half_log_snr")])
def test_a_coordinate_that_is_infinite_at_pure_noise_is_refused(solver: Solver[Any]) -> None:
    x = torch.zeros(1, 1)
    with pytest.raises(InvalidOption, match="infinite at alpha = 0"):
        solver.step(Bound(Gaussian(RectifiedFlow()), {}), x, float64(1.0), float64(0.5), None, Constant(0))


@pytest.mark.parametrize("name", SOLVERS)
def test_pictures_of_a_batch_do_not_touch(name: str) -> None:
    """Picture i of a batch is, bit for bit, what its seed gives alone."""
    exact = FiniteSet(VPScaledLinear(), torch.linspace(-1, 1, 300).sin().reshape(3, 100))
    noise, solver = PhiloxNoise([7, 8, 9]), SOLVERS[name].make()
    grid = from_times([1.0, 0.8, 0.55, 0.3, 0.1, 0.0])
    start = noise.normal((3, 4, 1, 5, 5), Purpose.START, 0) * torch.tensor([1.0, 4.0, 0.1])[:, None, None, None, None]
    *_, whole = sample(Bound(exact, {}), start, grid, solver, noise)
    for i, seed in enumerate(noise.seeds):
        *_, alone = sample(Bound(exact, {}), start[i : i + 1], grid, solver, PhiloxNoise([seed]))
        assert torch.equal(whole.x[i : i + 1], alone.x)


@pytest.mark.parametrize("name", SOLVERS)
def test_the_record_tells_the_truth(name: str) -> None:
    record = SOLVERS[name]
    solver, exact = record.make(), Gaussian(EDM(), 0.3, 0.25)
    _, variance = propagated(solver, exact, [float64(0.7), float64(0.6)], 0.0, 0.0)
    assert solver.stochastic == (variance > 0)
    times = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    steps = list(sample(Bound(exact, {}), torch.zeros(1, 2), from_times(times), solver, Bridge(0)))
    if record.evaluations is not None:
        later = [record.evaluations] * (5 - len(record.warm_up))
        assert [step.evaluations for step in steps] == [*record.warm_up, *later]
        noise = Bound(Gaussian(RectifiedFlow(), 0.3, 0.25), {})
        first = record.warm_up if record.from_pure_noise is None else record.from_pure_noise
        steps = list(sample(noise, torch.zeros(1, 2), from_times([1.0, *times[1:]]), solver, Bridge(0)))
        assert [step.evaluations for step in steps] == [*first, *[record.evaluations] * (5 - len(first))]
    for alias in (*record.aliases, name.upper()):
        assert find_solver(alias) is record


def test_options_are_checked_by_name_and_value() -> None:
    assert SOLVERS["ddim"].make({"eta": 0.5}) == DDIM(0.5)
    with pytest.raises(InvalidOption, match="did you mean ddim"):
        find_solver("dimm")
    with pytest.raises(InvalidOption, match="heun has no option 'eta'; it takes coordinate"):
        SOLVERS["heun"].make({"eta": 0.5})
    with pytest.raises(InvalidOption, match="dpmpp-2m has no option 'eta'; it takes none"):
        SOLVERS["dpmpp-2m"].make({"eta": 0.5})
    for eta in (-0.1, 1.5, math.nan, True, "0.5", None):
        with pytest.raises(InvalidOption, match="eta must be between 0 and 1"):
            DDIM(eta)  # type: ignore[arg-type]
    for order in (0, 5, 2.0, True, "2"):
        with pytest.raises(InvalidOption, match="must be one of 1, 2, 3, 4"):
            SOLVERS["lms"].make({"formula_order": order})
    for between in ((0.8, 0.2), (5.0, 7.0), (0.2, math.nan)):
        with pytest.raises(InvalidOption, match="between needs two times"):
            SOLVERS["sa-solver"].make({"between": between})
    with pytest.raises(InvalidOption, match="variance"):
        DDPM("small")  # type: ignore[arg-type]
    with pytest.raises(InvalidOption, match="coordinate"):
        Heun("sigma")


def test_dpmpp_2m_forgets_nothing_and_extrapolates() -> None:
    """With x_0 linear in half the log-SNR the second step uses its value at the middle of the step: algorithm 2's D."""

    class Linear:
        schedule = VPCosine()

        def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
            level = self.schedule(t)
            return Prediction(x_t, level, torch.full_like(x_t, float(level.log_snr) / 2))

    model, solver = Linear(), DPMpp2M()
    t = [model.schedule.time(2 * lam) for lam in (-1.0, -0.3, 0.9)]
    x0 = float64([[0.4]])
    x1, state = solver.step(model, x0, t[0], t[1], (), Constant(0))
    x2, _ = solver.step(model, x1, t[1], t[2], state, Constant(0))
    high, low = model.schedule(t[1]), model.schedule(t[2])
    middle = (-0.3 + 0.9) / 2
    expected = low.sigma / high.sigma * x1 - low.alpha * math.expm1(-1.2) * middle
    torch.testing.assert_close(x2, expected)
