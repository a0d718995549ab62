"""Fitted grids: the shortest path against all paths, and a grid that beats the usual ones on its own model."""

import math
from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Any

import pytest
import torch

from mezzotint.diffusion import (
    DDIM,
    Bound,
    GaussianMixture,
    PhiloxNoise,
    Purpose,
    RectifiedFlow,
    VPCosine,
    from_times,
    sample,
)
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.diffusion.solvers.adams import IPNDM
from mezzotint.diffusion.timegrid import FALLING_GRIDS, inversion, repaint, times_of, uniform
from mezzotint.diffusion.timegrid.fit import Counted, Runs, fit_grid, refined, shortest_path, step_costs
from mezzotint.errors import InvalidOption

from .order import float64


@pytest.mark.parametrize("growth", [1.0, 1.3])
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_the_shortest_path_is_the_shortest_of_all(steps: int, growth: float) -> None:
    values = PhiloxNoise([3]).normal((1, 9, 9), Purpose.START, 0)[0].double().abs()
    costs = torch.where(torch.ones(9, 9).triu(1) > 0, values, torch.inf)

    def length(path: tuple[int, ...]) -> float:
        return sum(growth ** (steps - k) * float(costs[a, b]) for k, (a, b) in enumerate(pairwise(path), start=1))

    every = [(0, *inside, 8) for inside in combinations(range(1, 8), steps - 1)]
    assert tuple(shortest_path(costs, steps, growth)) == min(every, key=length)


def mixture() -> GaussianMixture:
    means = PhiloxNoise([11]).normal((1, 5, 8), Purpose.START, 0)[0].double()
    return GaussianMixture(VPCosine(), means, torch.full((5,), 0.1).double(), torch.full((5,), 0.2).double())


def test_a_cost_is_the_error_of_one_step() -> None:
    exact = mixture()
    starts = PhiloxNoise(range(6)).normal((6, 8), Purpose.START, 0).double()
    fine = uniform(6, exact.schedule)
    t = times_of(fine)
    steps = list(sample(Bound(exact, {}), starts, fine, DDIM(), PhiloxNoise(range(6))))
    costs = step_costs(Bound(exact, {}), [step.prediction for step in steps if step.prediction], t)
    (jump,) = sample(Bound(exact, {}), steps[1].x, from_times([t[2], t[5]]), DDIM(), PhiloxNoise(range(6)))
    assert float(costs[2, 5]) == pytest.approx(float((jump.x - steps[4].x).square().mean().sqrt()), rel=1e-9)
    assert float(costs[3, 4]) == pytest.approx(0, abs=1e-12)  # the fine grid's own steps are the truth
    assert costs.isinf().equal(torch.ones(7, 7).triu(1) == 0)


def test_a_fitted_grid_beats_the_usual_ones_on_other_starts() -> None:
    steps = 6
    exact, solver = mixture(), IPNDM(3)
    denoise = Bound(exact, {})
    tune = PhiloxNoise(range(1024)).normal((1024, 8), Purpose.START, 0).double()
    test = PhiloxNoise(range(5000, 6024)).normal((1024, 8), Purpose.START, 0).double()
    fine = from_times([1.0, *torch.linspace(0.99, 0.01, 99, dtype=torch.float64).tolist(), 0.0])
    fit = fit_grid(denoise, tune, fine, solver, steps, PhiloxNoise(range(1024)), sweeps=2)
    assert len(fit.grid) == steps
    assert set(times_of(fit.grid)) <= set(times_of(fine))
    assert fit.error <= fit.error_before_refinement

    noise = PhiloxNoise(range(5000, 6024))
    *_, truth = sample(denoise, test, uniform(400, exact.schedule), solver, noise)

    def error(grid) -> float:  # type: ignore[no-untyped-def]
        *_, end = sample(denoise, test, grid, solver, noise)
        return float((end.x - truth.x).square().mean().sqrt())

    usual = {name: error(build(steps, exact.schedule)) for name, build in FALLING_GRIDS.items()}
    assert error(fit.grid) < 0.8 * min(usual.values()), (error(fit.grid), usual)


def test_errors_are_told_of_both_halves_of_the_starts() -> None:
    exact, solver, noise = mixture(), SOLVERS["dpmpp-2m"].make(), PhiloxNoise(range(6))
    starts = noise.normal((6, 8), Purpose.START, 0).double()
    times = [1.0, 0.8, 0.5, 0.2, 0.0]
    ends = torch.zeros(6, 8, dtype=torch.float64)
    runs = Runs(Counted(Bound(exact, {}), None, 100), starts, times, solver, noise, ends)
    *_, last = sample(Bound(exact, {}), starts, from_times([1.0, 0.5, 0.0]), solver, noise)
    rms = [float(last.x[first::2].square().mean().sqrt()) for first in (0, 1)]
    assert runs.halves([0, 2, 4]) == pytest.approx(rms)
    assert runs.error([0, 2, 4]) == pytest.approx(math.hypot(*rms) / math.sqrt(2))


class Scripted:
    """Runs whose errors are known; a move is good for one half or for both."""

    def __init__(self, errors: dict[tuple[int, ...], tuple[float, float]]) -> None:
        self.errors = errors

    def halves(self, indices: Sequence[int]) -> tuple[float, float]:
        return self.errors.get(tuple(indices), (9.0, 9.0))

    def keep(self, indices: Sequence[int]) -> None:
        pass


def test_a_move_must_help_both_halves() -> None:
    for helped, kept in (((0.5, 1.1), [0, 4, 8]), ((1.1, 0.5), [0, 4, 8]), ((0.9, 0.9), [0, 3, 8])):
        runs: Any = Scripted({(0, 4, 8): (1.0, 1.0), (0, 3, 8): helped})
        assert refined([0, 4, 8], runs, 1, 3) == kept


def test_what_cannot_be_fitted_is_refused() -> None:
    denoise, starts = Bound(mixture(), {}), float64([[0.0] * 8])
    for fine in (uniform(3, RectifiedFlow()), inversion(8, RectifiedFlow())):
        with pytest.raises(InvalidOption, match="cannot be fitted"):
            fit_grid(denoise, starts, fine, DDIM(), 5, PhiloxNoise([0]))
    with pytest.raises(InvalidOption, match="falling"):
        fit_grid(denoise, starts, repaint(30, RectifiedFlow()), DDIM(), 5, PhiloxNoise([0]))


@pytest.mark.parametrize("name", ["unipc-2", "ipndm-3", "heun"])
def test_what_runs_share_is_computed_once_and_changes_nothing(name: str) -> None:
    exact, solver = mixture(), SOLVERS[name].make()
    starts = PhiloxNoise(range(16)).normal((16, 8), Purpose.START, 0).double()
    told: list[tuple[int, int]] = []
    noise = PhiloxNoise(range(16))
    fit = fit_grid(
        Bound(exact, {}), starts, uniform(40, exact.schedule), solver, 5, noise, sweeps=2,
        told=lambda done, most: told.append((done, most)),
    )  # fmt: skip
    *_, end = sample(Bound(exact, {}), starts, fit.grid, solver, noise)
    assert float((end.x - fit.ends).square().mean().sqrt()) == fit.error
    *_, fine = sample(Bound(exact, {}), starts, uniform(40, exact.schedule), solver, noise)
    assert torch.equal(fine.x, fit.ends)
    done = [pair[0] for pair in told]
    assert done == [*range(1, done[-1] + 1), done[-1]]
    assert all(pair[0] <= pair[1] for pair in told)
    assert told[-1][0] == told[-1][1]
    trials = 16 + 2 * 4 * 6 * 2  # the usual grids, and two rounds of four times by 4, 2, 1, both ways, alone or not
    assert done[-1] < 40 * (2 if name == "heun" else 1) + 0.7 * trials * (9 if name == "heun" else 5)
