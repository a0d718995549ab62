"""Every solver × time grid × schedule × prediction target draws the true distribution of an exact mixture.

A run starts from exact samples at its first time and goes to t = 0, guidance neutral. What it draws is compared with
fresh samples of the mixture by the energy distance, and that with the energy distances between fresh samples. By
default the runs cover every pair of choices; `-m slow` runs all. What cannot be combined is refused, in one list.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    CFG,
    EDM,
    GRIDS,
    SOLVERS,
    Bound,
    GaussianMixture,
    NetworkDenoiser,
    PhiloxNoise,
    Purpose,
    RectifiedFlow,
    Schedule,
    TimeGrid,
    VPCosine,
    VPLinear,
    VPScaledLinear,
    guided,
    listeners,
    sample,
)
from mezzotint.diffusion.schedule import HyperbolicSecant, Laplace, ZeroTerminal
from mezzotint.errors import InvalidOption

from .order import float64

MEANS, VARIANCES, WEIGHTS = (
    float64([[-1.0, 0.4], [0.6, -0.5], [0.7, 0.9]]),
    float64([0.05, 0.1, 0.2]),
    float64([0.3, 0.5, 0.2]),
)
COUNT, STEPS = 500, 32

SCHEDULES: dict[str, Schedule] = {
    "rectified-flow": RectifiedFlow(),
    "vp-cosine": VPCosine(),
    "vp-linear": VPLinear(),
    "vp-scaled-linear": VPScaledLinear(),
    "zero-terminal": ZeroTerminal(VPScaledLinear()),
    "laplace": Laplace(width=2.0),  # of width 0.5 half of t has sigma > 0.3 alpha: a uniform grid jumps from there
    "secant": HyperbolicSecant(1.0, 2.0),
    "edm": EDM(),
}
TARGETS = ("x0", "eps", "v", "velocity")

FLOW_MAPS = {"lcm", "tcd"}
"""Solvers for networks that say where a trajectory ends, not E[x_0 | x_t]; tested with an exact flow map elsewhere."""
SAMPLERS = [name for name in SOLVERS if name not in FLOW_MAPS]
FACTORS: tuple[tuple[str, ...], ...] = (tuple(SAMPLERS), tuple(GRIDS), tuple(SCHEDULES), TARGETS)
Combination = tuple[str, str, str, str]


@dataclass(frozen=True)
class Cloud:
    """A network that is exact in a target; one picture (1, 2, COUNT) holds COUNT points of the plane."""

    exact: GaussianMixture
    target: str

    def __call__(self, x_t: Tensor, t: Tensor, cond: None, *, to: Any = None, probe: Any = None) -> Tensor:
        prediction = self.exact(x_t[0].T, t[0].double())
        output: Tensor = getattr(prediction, self.target)
        return output.T[None]


def leaf(schedule: Schedule, target: str) -> NetworkDenoiser[None]:
    exact = GaussianMixture(schedule, MEANS, VARIANCES, WEIGHTS)
    return NetworkDenoiser(Cloud(exact, target), schedule, target, dtype=torch.float64)  # type: ignore[arg-type]


def fresh(seed: int, count: int = COUNT) -> Tensor:
    """Samples of the mixture, (count, 2)."""
    generator = torch.Generator().manual_seed(seed)
    which = torch.multinomial(WEIGHTS, count, replacement=True, generator=generator)
    normal = torch.randn(count, 2, generator=generator, dtype=torch.float64)
    return MEANS[which] + VARIANCES[which].sqrt()[:, None] * normal


@dataclass
class Path:
    """Noise whose Brownian motion is drawn where it is asked for, by bridges between known points."""

    seed: int

    def __post_init__(self) -> None:
        self.known: dict[float, Tensor] = {}
        self.generator = torch.Generator().manual_seed(self.seed)

    def normal(self, shape: Any, purpose: Purpose, draw: int) -> Tensor:
        return PhiloxNoise([self.seed]).normal(shape, purpose, draw)

    def brownian(self, shape: Any, t: float, s: float) -> Tensor:
        return (self._at(shape, s) - self._at(shape, t)).float()

    def _at(self, shape: Any, at: float) -> Tensor:
        known = self.known
        if at not in known:
            below = max((u for u in known if u < at), default=None)
            above = min((u for u in known if u > at), default=None)
            normal = torch.randn(shape, generator=self.generator, dtype=torch.float64)
            if below is not None and above is not None:
                share = (at - below) / (above - below)
                spread = ((at - below) * (above - at) / (above - below)) ** 0.5
                known[at] = torch.lerp(known[below], known[above], share) + spread * normal
            elif below is None and above is None:
                known[at] = torch.zeros(shape, dtype=torch.float64)
            else:
                near = below if above is None else above
                known[at] = known[near] + abs(at - near) ** 0.5 * normal  # type: ignore[index, operator]
        return known[at]


def energy_distance(a: Tensor, b: Tensor) -> float:
    """2 E|a − b| − E|a − a'| − E|b − b'|, without bias; 0 for equal distributions, negative by chance."""

    def within(x: Tensor) -> Tensor:
        return torch.cdist(x, x).sum() / (len(x) * (len(x) - 1))

    return float(2 * torch.cdist(a, b).mean() - within(a) - within(b))


@pytest.fixture(scope="module")
def null() -> Tensor:
    """Energy distances between fresh samples of the size of a run and of the reference, sorted."""
    reference = fresh(0, 4 * COUNT)
    return torch.tensor([energy_distance(fresh(seed), reference) for seed in range(1, 101)]).sort().values


def alpha_at_start(schedule: str) -> float:
    return float(SCHEDULES[schedule](1.0).alpha)


@dataclass(frozen=True)
class Refusal:
    """A kind of combination that is refused at pure noise, and by which sentence. Below t = 1 it is legal."""

    name: str
    applies: Callable[[str, str, str, str], bool]
    sentence: str


REFUSALS = (
    Refusal(
        "a network that predicts eps, at alpha = 0",
        lambda solver, grid, schedule, target: target == "eps" and alpha_at_start(schedule) == 0,
        "predicts eps cannot be used at alpha = 0",
    ),
)


def draw(combination: Combination, start: float, seed: int) -> Tensor:
    """COUNT points at t = 0, (COUNT, 2)."""
    solver, grid_name, schedule_name, target = combination
    schedule = SCHEDULES[schedule_name]
    grid: TimeGrid = GRIDS[grid_name](STEPS, schedule, start=start)
    denoise = Bound(guided(leaf(schedule, target), CFG(1.0)), {"cond": None})
    noise = Path(seed)
    eps = noise.normal((1, 2, COUNT), Purpose.START, 0).double()
    x = schedule(start).noised(fresh(1000 + seed).T[None], eps)
    *_, last = sample(denoise, x, grid, SOLVERS[solver].make(), noise, told=listeners(denoise))
    return last.x[0].T


UNFIT = {("beta", "edm"), ("leading", "edm"), ("quadratic", "edm")}
"""Grids and schedules that do not suit each other at all: they visit sigma/alpha below 1e-10 before they end."""


def test_the_unfit_grids_are_those_that_go_below_all_noise() -> None:
    def lowest(grid: str, schedule: str) -> float:
        moves = GRIDS[grid](STEPS, SCHEDULES[schedule], start=1.0)[1:]
        return max(float(SCHEDULES[schedule](move.t).log_snr) for move in moves)

    assert {pair for pair in itertools.product(GRIDS, SCHEDULES) if lowest(*pair) > 46} == UNFIT


def check(combination: Combination, null: Tensor) -> None:
    if combination[1:3] in UNFIT:
        return
    refusals = [refusal for refusal in REFUSALS if refusal.applies(*combination)]
    seed = sum(map(ord, "".join(combination)))
    start = 1.0
    if refusals:
        with pytest.raises(InvalidOption) as error:
            draw(combination, 1.0, seed)
        assert any(refusal.sentence in str(error.value) for refusal in refusals)
        start = float(SCHEDULES[combination[2]].time(-8.0))  # sigma / alpha = 55
    drawn = draw(combination, start, seed)
    assert torch.isfinite(drawn).all(), combination
    distance = energy_distance(drawn, fresh(0, 4 * COUNT))
    # what fresh samples may have, and what 32 steps of a solver of first order may add
    allowed = float(null[-1]) + ALLOWED if longest_step(combination, start) < LONG else 1.0
    assert distance < allowed, (combination, distance, allowed)


ALLOWED = 0.013
LONG = 1.2
"""Steps of log(sigma/alpha) beyond this are no fair trial: a grid made for another schedule. There, solvers that look
back on earlier steps swing (DPM++ 3M SDE on the shifted grid of EDM: 0.67), and are only held to stay bounded."""


def longest_step(combination: Combination, start: float) -> float:
    """The longest step of log(sigma/alpha) between the first and the last move."""
    schedule = SCHEDULES[combination[2]]
    moves = GRIDS[combination[1]](STEPS, schedule, start=start)[1:-1]
    return max(abs(float(schedule(move.t).log_snr - schedule(move.s).log_snr)) / 2 for move in moves)


def pairs(row: Combination) -> set[tuple[int, str, int, str]]:
    return {(i, row[i], j, row[j]) for i, j in itertools.combinations(range(4), 2)}


def covering() -> list[Combination]:
    """Rows in which every two choices of different factors meet: every solver with every grid, the rest in turn."""
    solvers, grids, schedules, targets = FACTORS
    rows: list[Combination] = [
        (solver, grid, schedules[(i + j) % len(schedules)], targets[(i + j // 2) % len(targets)])
        for i, solver in enumerate(solvers)
        for j, grid in enumerate(grids)
    ]
    missing = set().union(*map(pairs, _all())) - set().union(*map(pairs, rows))
    while missing:
        i, first, j, second = min(missing)
        best = max(
            (row for row in _all() if row[i] == first and row[j] == second), key=lambda row: len(pairs(row) & missing)
        )
        rows.append(best)
        missing -= pairs(best)
    return rows


def _all() -> Iterator[Combination]:
    return itertools.product(*FACTORS)  # type: ignore[return-value]


@pytest.mark.parametrize("solver", SAMPLERS)
def test_every_pair_of_choices_draws_the_true_distribution(solver: str, null: Tensor) -> None:
    for row in ROWS[solver]:
        check(row, null)


def by_solver() -> Mapping[str, list[Combination]]:
    rows = covering()
    return {solver: [row for row in rows if row[0] == solver] for solver in SAMPLERS}


ROWS = by_solver()


def test_the_default_rows_cover_every_pair() -> None:
    covered = set().union(*(pairs(row) for rows in ROWS.values() for row in rows))
    expected = set().union(*(pairs(row) for row in _all()))
    assert covered == expected


@pytest.mark.slow
@pytest.mark.parametrize("combination", list(_all()), ids="-".join)
def test_every_combination_draws_the_true_distribution(combination: Combination, null: Tensor) -> None:
    check(combination, null)


def test_the_measure_sees_what_is_wrong(null: Tensor) -> None:
    """Moved samples, other weights, and a network on another schedule than its own are all outside."""
    reference, allowed = fresh(0, 4 * COUNT), float(null[-1]) + ALLOWED
    moved = fresh(7) + float64([0.15, 0.0])
    assert energy_distance(moved, reference) > allowed
    other = fresh(7)[(fresh(7)[:, 0] > 0) | (torch.arange(COUNT) % 2 == 0)]  # half of the left component is missing
    assert energy_distance(other, reference) > allowed
    grid = GRIDS["uniform"](STEPS, RectifiedFlow(), start=1.0)
    wrong = Bound(leaf(VPCosine(), "x0"), {"cond": None})
    object.__setattr__(wrong.denoiser, "schedule", RectifiedFlow())  # the network was made for another schedule
    x = PhiloxNoise([3]).normal((1, 2, COUNT), Purpose.START, 0).double()
    *_, last = sample(wrong, x, grid, SOLVERS["ddim"].make(), PhiloxNoise([3]))
    assert energy_distance(last.x[0].T, reference) > allowed
