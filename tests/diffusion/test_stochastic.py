"""Stochastic solvers: mean and variance in closed form, strong convergence on one path, exactness of flow maps."""

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    DDIM,
    SOLVERS,
    Bound,
    Gaussian,
    PhiloxNoise,
    Prediction,
    Purpose,
    RectifiedFlow,
    Schedule,
    Solver,
    TimeGrid,
    VPCosine,
    from_times,
    sample,
)
from mezzotint.diffusion.sampling import StepNoise
from mezzotint.diffusion.solvers.ancestral import EulerAncestral
from mezzotint.diffusion.solvers.consistency import TCD
from mezzotint.diffusion.solvers.dpmpp import DPMpp2MSDE, DPMpp3MSDE
from mezzotint.diffusion.solvers.er_sde import ERSDE
from mezzotint.diffusion.solvers.multistep import increment
from mezzotint.diffusion.solvers.seeds import SEEDS, DPMppSDE
from mezzotint.diffusion.solvers.unipc import SASolver
from mezzotint.diffusion.timegrid import restart
from mezzotint.errors import InvalidOption

from .order import SCHEDULES, WEAK_ORDER_2, exact_denoisers, float64, slope, times_between
from .paths import Bridge, OneHot, propagated, propagated_along

schedules = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=list(SCHEDULES))
STOCHASTIC = {n: r.make() for n, r in SOLVERS.items() if r.make().stochastic and n not in ("lcm", "tcd")}


def moments(exact: Gaussian, t: Tensor) -> tuple[float, float]:
    """The true mean and variance of x_t."""
    level = exact.schedule(t)
    return float(level.alpha) * exact.mean, float(level.alpha**2 * exact.variance + level.sigma**2)


def moment_error(solver: Solver[Any], exact: Gaussian, steps: int) -> float:
    times = times_between(exact.schedule, "half_log_snr", steps, interval=(-2.0, 3.0))
    mean, variance = propagated(solver, exact, times, *moments(exact, times[0]))
    true_mean, true_variance = moments(exact, times[-1])
    return math.hypot((mean - true_mean) / math.sqrt(true_variance), variance / true_variance - 1)


@schedules
@pytest.mark.parametrize("name", STOCHASTIC)
def test_mean_and_variance_converge_to_the_true_ones(name: str, schedule: Schedule) -> None:
    """From the true distribution at the start to that at the end, with an error that falls as 1/steps or its square."""
    errors = [moment_error(STOCHASTIC[name], Gaussian(schedule, 0.3, 0.25), steps) for steps in (40, 80)]
    second = name in WEAK_ORDER_2
    assert errors[-1] < (6e-4 if second else 0.04)
    assert slope(errors, (40, 80)) > (1.75 if second else 0.8), errors


@schedules
@pytest.mark.parametrize("name", ["dpmpp-2m-sde", "dpm-2-ancestral", "sa-solver", "er-sde-3", "seeds-3", "ddpm"])
def test_real_noise_has_the_propagated_moments(name: str, schedule: Schedule) -> None:
    """The loop with a real path, on 20 000 numbers, against the closed form of `propagated`."""
    solver, exact, n = STOCHASTIC[name], Gaussian(schedule, 0.3, 0.25), 20_000
    times = times_between(schedule, "flow", 5)
    mean, variance = moments(exact, times[0])
    start = mean + math.sqrt(variance) * PhiloxNoise([3]).normal((1, n), Purpose.START, 0).double()
    *_, end = sample(Bound(exact, {}), start, from_times([float(t) for t in times]), solver, Bridge(4))
    mean, variance = propagated(solver, exact, times, mean, variance)
    assert float(end.x.mean()) == pytest.approx(mean, abs=5 * math.sqrt(variance / n))
    assert float(end.x.var()) == pytest.approx(variance, rel=5 * math.sqrt(2 / n))


@schedules
@pytest.mark.parametrize(
    "solver",
    [
        *(DPMpp2MSDE(), DPMpp3MSDE(), DPMppSDE(), SEEDS(2), SEEDS(3)),
        *(SASolver(between=(0.0, 1.0)), EulerAncestral(coordinate="ratio"), ERSDE(1, "sde")),
    ],
    ids=["2m-sde", "3m-sde", "sde", "seeds-2", "seeds-3", "sa-solver", "euler-a", "er-sde with the usual noise"],
)
def test_a_first_step_at_full_noise_is_the_posterior(solver: Solver[Any], schedule: Schedule) -> None:
    """q(x_s | x_t, x_0) by Bayes' rule, with precisions: the reverse SDE with x_0 held fixed has no other law."""
    exact = Gaussian(schedule, 0.3, 0.0)  # one point: x_0 does not depend on x_t
    t, s = schedule.time(-1.0), schedule.time(0.5)
    high, low = schedule(t), schedule(s)
    ratio = float(high.alpha / low.alpha)
    step_variance = float(high.sigma**2) - ratio**2 * float(low.sigma**2)
    precision = 1 / float(low.sigma**2) + ratio**2 / step_variance
    expected = (ratio / step_variance * 0.8 + float(low.alpha / low.sigma**2) * 0.3) / precision
    mean, variance = propagated(solver, exact, [t, s], 0.8, 0.0)
    assert mean == pytest.approx(expected, rel=1e-9)
    assert variance == pytest.approx(1 / precision, rel=1e-9)


@schedules
def test_er_sde_adds_what_its_noise_scale_says(schedule: Schedule) -> None:
    """At fixed x_0 the variance of x/alpha is r_s² − r_t² (phi_s/phi_t)², phi = r (e^(r^0.3) + 10)."""
    exact, t, s = Gaussian(schedule, 0.3, 0.0), schedule.time(-1.0), schedule.time(0.5)
    r, phi = [], []
    for level in (schedule(t), schedule(s)):
        r.append(float(level.sigma / level.alpha))
        phi.append(r[-1] * (math.exp(r[-1] ** 0.3) + 10))
    alpha = [float(schedule(time).alpha) for time in (t, s)]
    mean, variance = propagated(ERSDE(), exact, [t, s], 0.8, 0.0)
    share = phi[1] / phi[0]
    assert mean == pytest.approx(alpha[1] * (share * 0.8 / alpha[0] + (1 - share) * 0.3), rel=1e-9)
    assert variance == pytest.approx(alpha[1] ** 2 * (r[1] ** 2 - r[0] ** 2 * share**2), rel=1e-9)


PATHS = ("dpmpp-2m-sde", "dpmpp-3m-sde", "dpmpp-sde", "seeds-2", "seeds-3")
"""Solvers that take their noise from the Brownian path of the request."""


def restarted(schedule: Schedule, steps: int, times: int) -> TimeGrid:
    """Down through sigma/alpha = 0.5, and from there up to 2 and down again as often as asked."""
    base = times_between(schedule, "half_log_snr", steps, interval=(-2.0, 3.0))
    falling = from_times([float(t) for t in base])
    return restart(steps, schedule, low=0.5, high=2.0, times=times, inner=steps // 2, base=falling)


@schedules
@pytest.mark.parametrize("name", [*PATHS, "euler-ancestral", "er-sde-2", "er-sde-3", "sa-solver"])
def test_levels_visited_again_get_noise_of_their_own(name: str, schedule: Schedule) -> None:
    """Mean and variance after two restarts, in closed form. With one path for all visits it stays 12 % too large."""
    solver, exact = STOCHASTIC[name], Gaussian(schedule, 0.3, 0.25)
    errors = []
    for steps in (40, 80):
        grid = restarted(schedule, steps, 2)
        mean, variance = propagated_along(solver, exact, grid, *moments(exact, float64(grid[0].t)))
        true_mean, true_variance = moments(exact, float64(grid[-1].s))
        errors.append(math.hypot((mean - true_mean) / math.sqrt(true_variance), variance / true_variance - 1))
    second = name in WEAK_ORDER_2
    assert errors[-1] < (6e-4 if second else 0.04)
    assert slope(errors, (40, 80)) > (1.75 if second else 0.8), errors


@pytest.mark.parametrize("name", PATHS)
def test_many_starts_have_the_true_variance_after_a_restart(name: str) -> None:
    """The same with the noise of a request, on 20 000 numbers."""
    exact, n = Gaussian(VPCosine(), 0.3, 0.25), 20_000
    grid, noise = restarted(exact.schedule, 20, 2), PhiloxNoise([11])
    mean, variance = moments(exact, float64(grid[0].t))
    start = mean + math.sqrt(variance) * noise.normal((1, n), Purpose.START, 0).double()
    *_, end = sample(Bound(exact, {}), start, grid, STOCHASTIC[name], noise)
    mean, variance = moments(exact, float64(grid[-1].s))
    assert float(end.x.mean()) == pytest.approx(mean, abs=5 * math.sqrt(variance / n))
    assert float(end.x.var()) == pytest.approx(variance, rel=5 * math.sqrt(2 / n))


def test_a_steps_own_path_is_one_path_and_no_other_steps() -> None:
    """Increments add up, have the variance of their length, and know nothing of the request's path or other steps."""
    noise, shape, n = PhiloxNoise([5]), (1, 40_000), 40_000
    one, two = StepNoise(noise, 3, own_path=True), StepNoise(noise, 4, own_path=True)
    whole, first, second = (one.brownian(shape, *ends) for ends in ((-1.0, 1.0), (-1.0, 0.2), (0.2, 1.0)))
    torch.testing.assert_close(first + second, whole, rtol=0, atol=1e-12)
    later = one.brownian(shape, 1.0, 1.5)
    others = (two.brownian(shape, -1.0, 1.0), noise.brownian(shape, -1.0, 1.0).double())
    for z, length in ((whole, 2.0), (first, 1.2), (second, 0.8), (later, 0.5)):
        assert float(z.var()) == pytest.approx(length, rel=5 * math.sqrt(2 / n))
    for a, b in ((first, second), (whole, later), (whole, others[0]), (whole, others[1])):
        assert abs(float(torch.corrcoef(torch.cat([a, b]))[0, 1])) < 5 / math.sqrt(n)


def test_beyond_all_noise_nothing_enters() -> None:
    """Grids made for another schedule reach sigma/alpha of 1e-18; steps there have no noise, and are no error."""
    x, noise = torch.ones(1, 4, dtype=torch.float64), Bridge(0)
    assert torch.equal(increment(noise, x, 33.0, 40.0), torch.zeros_like(x))
    assert float(increment(noise, x, -math.inf, 2.0).abs().max()) > 0
    with pytest.raises(InvalidOption, match="first step from pure noise"):
        increment(noise, x, -math.inf, -33.0)
    with pytest.raises(InvalidOption, match="only goes from noisy to clean"):
        increment(noise, x, 40.0, 33.0)


STRONG: dict[str, Solver[Any]] = {
    "dpmpp-2m-sde": DPMpp2MSDE(),
    "dpmpp-3m-sde": DPMpp3MSDE(),
    "dpmpp-3m-sde-whole": DPMpp3MSDE(parabola="whole"),
    "dpmpp-2m-sde-half": DPMpp2MSDE(0.5),
    "dpmpp-sde": DPMppSDE(),
    "seeds-2": SEEDS(2),
    "seeds-3": SEEDS(3),
}


@pytest.mark.parametrize("schedule", ["edm"])
@pytest.mark.parametrize("name", STRONG)
def test_more_steps_refine_one_path(name: str, schedule: str) -> None:
    """The end for one Brownian path converges, at first order; with another path it would be somewhere else.

    The mean distance, not its square: some paths end in the other component, ever fewer of them.
    """
    exact = exact_denoisers(SCHEDULES[schedule])["mixture"]
    start, noise = torch.linspace(-2, 2, 400, dtype=torch.float64)[None, :, None], Bridge(5)
    start = start.reshape(400, 1) * float(torch.hypot(*_level(exact.schedule, -2.0)))

    def end(steps: int, path: Bridge) -> Tensor:
        times = times_between(exact.schedule, "half_log_snr", steps, interval=(-2.0, 3.0))
        *_, last = sample(Bound(exact, {}), start, from_times([float(t) for t in times]), STRONG[name], path)
        return last.x

    limit = end(360, noise)
    errors = [float((end(steps, noise) - limit).abs().mean()) for steps in (15, 30, 60)]
    other = float((end(60, Bridge(6)) - limit).abs().mean())
    assert slope(errors, (15, 30, 60)) > 0.65, errors
    assert errors[-1] < other / 8


def _level(schedule: Schedule, log_snr: float) -> tuple[Tensor, Tensor]:
    level = schedule(schedule.time(log_snr))
    return level.alpha, level.sigma


def test_the_philox_tree_is_such_a_path() -> None:
    """The same, once, with the noise that requests have: doubling the steps halves the change of the picture."""
    exact = exact_denoisers(VPCosine())["mixture"]
    noise, start = PhiloxNoise([7]), torch.linspace(-2, 2, 64)[None]
    wide = Gaussian(exact.schedule, 0.3, 0.25)
    ends = []
    for steps in (8, 16, 32):
        times = times_between(exact.schedule, "half_log_snr", steps, interval=(-2.0, 3.0))
        *_, last = sample(Bound(wide, {}), start, from_times([float(t) for t in times]), DPMpp2MSDE(), noise)
        ends.append(last.x)
    first, second = (float((b - a).square().mean().sqrt()) for a, b in pairwise(ends))
    assert second < 0.7 * first < 0.2


class Oracle:
    """The exact flow map of a Gaussian: its x_0 is the one whose law at `to` (0 if not told) is the trajectory."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule, self.exact = schedule, Gaussian(schedule, 0.3, 0.25)

    def __call__(self, x_t: Tensor, t: Tensor, cond: object = None, *, to: Tensor | None = None) -> Prediction:
        target = float64(0.0) if to is None else to
        here, there = self.schedule(t), self.schedule(target)
        reached = self.exact.flow(x_t, t, target)
        ratio = there.sigma / here.sigma
        return Prediction(x_t, here, (reached - ratio * x_t) / (there.alpha - ratio * here.alpha))


@schedules
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_jumps_with_an_exact_flow_map_follow_the_trajectory(steps: int, schedule: Schedule) -> None:
    """gamma = 0 draws nothing: every step, and so every number of steps, is exact."""
    times = times_between(schedule, "flow", steps)
    start = torch.linspace(-1, 1, 9, dtype=torch.float64)[None]
    solver = TCD(gamma=0.0, tell=True)
    *_, end = sample(Oracle(schedule), start, from_times([float(t) for t in times]), solver, PhiloxNoise([0]))
    truth = Oracle(schedule).exact.flow(start, times[0], times[-1])
    torch.testing.assert_close(end.x, truth, rtol=1e-9, atol=1e-9)


@schedules
@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("solver", [TCD(1.0), TCD(1.0, tell=True), TCD(0.3, tell=True)], ids=["lcm", "lcm-told", "tcd"])
def test_jumps_with_noise_keep_the_true_distribution(solver: TCD, steps: int, schedule: Schedule) -> None:
    """With an exact map every step lands in the true marginal: mean and variance are right at once."""
    oracle, times = Oracle(schedule), times_between(schedule, "flow", steps)
    mean, variance = propagated(solver, oracle, times, *moments(oracle.exact, times[0]))  # type: ignore[arg-type]
    true_mean, true_variance = moments(oracle.exact, times[-1])
    assert mean == pytest.approx(true_mean, rel=1e-9)
    assert variance == pytest.approx(true_variance, rel=1e-9)


def test_lcm_forgets_where_it_came_from_and_tcd_does_not() -> None:
    """x_s = alpha_s x_0 + sigma_s z of LCM; of TCD the share (1 − gamma) of the way down is deterministic."""
    schedule, t, s = RectifiedFlow(), float64(0.8), float64(0.5)
    exact = Gaussian(schedule, 0.3, 0.25)
    x = float64([[0.7]])
    belief = exact(x, t)
    lcm, _ = SOLVERS["lcm"].make().step(Bound(exact, {}), x, t, s, None, OneHot())
    torch.testing.assert_close(lcm, 0.5 * belief.x0)
    u = 0.7 * 0.5
    tcd, _ = TCD(0.3).step(Bound(exact, {}), x, t, s, None, OneHot())
    torch.testing.assert_close(tcd, 0.5 / (1 - u) * ((1 - u) * belief.x0 + u * belief.eps))


def test_a_told_map_is_told_of_the_data_too() -> None:
    """The last step is written by the loop; a network that is told its target must hear that it is 0."""
    heard: list[float | None] = []

    class Ear(Oracle):
        def __call__(self, x_t: Tensor, t: Tensor, cond: object = None, *, to: Tensor | None = None) -> Prediction:
            heard.append(None if to is None else float(to))
            return super().__call__(x_t, t, to=to)

    grid = from_times([0.9, 0.5, 0.0])
    list(sample(Ear(RectifiedFlow()), torch.zeros(1, 1), grid, TCD(0.0, tell=True), PhiloxNoise([0])))
    list(sample(Ear(RectifiedFlow()), torch.zeros(1, 1), grid, TCD(0.0), PhiloxNoise([0])))
    assert heard == [0.5, 0.0, None, None]


@pytest.mark.parametrize("solver", [*STOCHASTIC.values(), DDIM(0.5)], ids=[*STOCHASTIC, "ddim, eta 0.5"])
def test_noise_is_refused_on_the_way_up(solver: Solver[Any]) -> None:
    exact, x = Gaussian(VPCosine()), torch.zeros(1, 1)
    with pytest.raises(InvalidOption, match="only goes from noisy to clean"):
        list(sample(Bound(exact, {}), x, from_times([0.3, 0.6]), solver, PhiloxNoise([0])))
