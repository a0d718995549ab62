"""Every solver × time grid × schedule × prediction target draws the true distribution of an exact mixture.

A run starts from exact samples at its first time and goes to t = 0, guidance neutral. What it draws is compared with
fresh samples of the mixture by the energy distance, and that with the energy distances between fresh samples; what
misses is drawn four times more, and the median counts: of some 21,000 runs the farthest are so by chance. By
default the runs cover every pair of choices; `-m slow` runs all, the targets side by side from one start and with one
noise. Nothing is left out: what cannot be combined is refused, in the one list of `mezzotint.diffusion.combinations`,
and what needs more than 32 steps is in another, here.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
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
    Prediction,
    Purpose,
    RectifiedFlow,
    Schedule,
    Solver,
    TimeGrid,
    VPCosine,
    VPLinear,
    VPScaledLinear,
    guided,
    listeners,
    sample,
)
from mezzotint.diffusion.combinations import ILLEGAL
from mezzotint.diffusion.combinations import Combination as Asked
from mezzotint.diffusion.schedule import HyperbolicSecant, Laplace, ZeroTerminal
from mezzotint.diffusion.solvers.dpmpp import DPMpp3MSDE
from mezzotint.diffusion.timegrid import GRID_RECORDS
from mezzotint.errors import InvalidOption

from .order import float64
from .paths import Bridge

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
DRAWING = tuple(record.name for record in GRID_RECORDS if record.kind != "rising")
"""Grids that end at the data."""
FACTORS: tuple[tuple[str, ...], ...] = (tuple(SAMPLERS), DRAWING, tuple(SCHEDULES), TARGETS)
Combination = tuple[str, str, str, str]


def mixture(schedule: Schedule) -> GaussianMixture:
    return GaussianMixture(schedule, MEANS, VARIANCES, WEIGHTS)


def points(x: Tensor) -> Tensor:
    """A picture (K, 2, COUNT) holds COUNT points of the plane: (K COUNT, 2)."""
    return x.transpose(1, 2).reshape(-1, 2)


@dataclass(frozen=True)
class Cloud:
    """A network that is exact in a target."""

    exact: GaussianMixture
    target: str

    def __call__(self, x_t: Tensor, t: Tensor, cond: None, *, to: Any = None, probe: Any = None) -> Tensor:
        output: Tensor = getattr(self.exact(points(x_t), t[0].double()), self.target)
        return output.reshape(len(x_t), -1, 2).transpose(1, 2)


def leaf(schedule: Schedule, target: str) -> NetworkDenoiser[None]:
    return NetworkDenoiser(Cloud(mixture(schedule), target), schedule, target, dtype=torch.float64)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Leaves:
    """What `leaf` does, for several networks at once: that of picture k of a batch predicts the k-th target."""

    exact: GaussianMixture
    targets: tuple[str, ...]

    @property
    def schedule(self) -> Schedule:
        return self.exact.schedule

    def __call__(self, x_t: Tensor, t: Tensor, cond: Any, *, to: Any = None, probe: Any = None) -> Prediction:
        level, count = self.schedule(t), x_t.shape[2]
        times = t.repeat_interleave(count) if t.ndim else t  # adaptive solvers have a time per picture
        believed = self.exact(points(x_t), times).x0.reshape(len(x_t), count, 2).transpose(1, 2)
        said = []
        for k, target in enumerate(self.targets):
            x, at = x_t[k : k + 1], self.schedule(t[k : k + 1]) if t.ndim else level
            output = getattr(Prediction(x, at, believed[k : k + 1]), target)
            said.append(Prediction.from_output(output, target, x, at).x0)  # type: ignore[arg-type]
        return Prediction(x_t, level, torch.cat(said))


def fresh(seed: int, count: int = COUNT) -> Tensor:
    """Samples of the mixture, (count, 2)."""
    generator = torch.Generator().manual_seed(seed)
    which = torch.multinomial(WEIGHTS, count, replacement=True, generator=generator)
    normal = torch.randn(count, 2, generator=generator, dtype=torch.float64)
    return MEANS[which] + VARIANCES[which].sqrt()[:, None] * normal


@dataclass
class Cheap:
    """Noise of a request, the same for every picture of a batch; drawn by torch, since Philox takes its time."""

    seed: int
    path: Bridge = field(init=False)

    def __post_init__(self) -> None:
        self.path = Bridge(self.seed, draws=self.normal)

    def normal(self, shape: Any, purpose: Purpose, draw: int) -> Tensor:
        generator = torch.Generator().manual_seed(hash((self.seed, int(purpose), draw)) % 2**63)
        return torch.randn((1, *shape[1:]), generator=generator, dtype=torch.float64).expand(tuple(shape))

    def brownian(self, shape: Any, t: float, s: float) -> Tensor:
        return self.path.brownian(shape, t, s)


def within(x: Tensor) -> Tensor:
    """E|x − x'|, without bias."""
    return torch.cdist(x, x).sum() / (len(x) * (len(x) - 1))


@cache
def reference() -> tuple[Tensor, Tensor]:
    """Fresh samples to compare with, and E|b − b'| of them."""
    b = fresh(0, 4 * COUNT)
    return b, within(b)


def energy_distance(a: Tensor) -> float:
    """2 E|a − b| − E|a − a'| − E|b − b'|, b the reference; 0 for equal distributions, negative by chance."""
    b, spread = reference()
    return float(2 * torch.cdist(a, b).mean() - within(a) - spread)


@pytest.fixture(scope="module")
def null() -> Tensor:
    """Energy distances of fresh samples of the size of a run, sorted."""
    return torch.tensor([energy_distance(fresh(seed)) for seed in range(1, 101)]).sort().values


GRID_OPTIONS: Mapping[str, Mapping[str, Any]] = {"repaint": {"times": 2}}  # ten, its default, only take longer


def grid_of(name: str, schedule: str, start: float, steps: int) -> TimeGrid:
    grid: TimeGrid = GRIDS[name](steps, SCHEDULES[schedule], start=start, **GRID_OPTIONS.get(name, {}))
    return grid


def draw(
    solver: str | Solver[Any],
    grid: str,
    schedule: str,
    targets: tuple[str, ...],
    start: float,
    seed: int,
    steps: int = STEPS,
) -> Tensor:
    """COUNT points at t = 0 for every target, from one start and with one noise, (K, COUNT, 2)."""
    process = SCHEDULES[schedule]
    network: Any = leaf(process, targets[0]) if len(targets) == 1 else Leaves(mixture(process), targets)
    denoise = Bound(guided(network, CFG(1.0)), {"cond": None})
    noise = Cheap(seed)
    eps = noise.normal((len(targets), 2, COUNT), Purpose.START, 0)
    x = process(start).noised(fresh(1000 + seed).T[None].expand(eps.shape), eps)
    moves = grid_of(grid, schedule, start, steps)
    chosen = SOLVERS[solver].make() if isinstance(solver, str) else solver
    *_, last = sample(denoise, x, moves, chosen, noise, told=listeners(denoise))
    return last.x.transpose(1, 2)


ALLOWED = 0.013
"""What 32 steps of a solver of first order may add to the energy distance of fresh samples."""

LONG_STEPS = {
    *(("leading", schedule) for schedule in SCHEDULES),
    *(("kl-optimal", schedule) for schedule in SCHEDULES if schedule not in ("vp-scaled-linear", "zero-terminal")),
    *((grid, "edm") for grid in ("beta", "linear-quadratic", "shifted", "shifted-dynamic")),
}
"""Grids whose steps of log(sigma/alpha) on this schedule are above 1 and grow towards the data, at 32 steps.

Most solvers take them all the same. Those that look ahead from several predictions at once swing, as they are
published (k-diffusion's DPM++ 3M SDE beside ours: `solvers.dpmpp`), and need more steps before they are right.
"""
FAR_SIGHTED = {"dpmpp-2m-sde", "dpmpp-2m-sde-heun", "dpmpp-3m", "dpmpp-3m-sde", "sa-solver", "unipc-2-bh1", "unipc-3"}


def steps_for(solver: str, grid: str, schedule: str) -> int:
    if (grid, schedule) in LONG_STEPS and solver in FAR_SIGHTED:
        return 4 * STEPS
    # half of its steps stay at pure noise, and its last is the longest: first order needs more of them
    return 2 * STEPS if grid == "linear-quadratic" else STEPS


def limit(null: Tensor) -> float:
    return float(null[-1]) + ALLOWED


def refusals(combination: Asked) -> set[str]:
    """The names of what is illegal in a combination."""
    return {name for name, refuse in ILLEGAL.items() if refuse(combination)}


def check(solver: str, grid: str, schedule: str, targets: tuple[str, ...], null: Tensor) -> list[str]:
    """What is wrong with these combinations, which differ in their target; empty if nothing is."""
    steps, seed = steps_for(solver, grid, schedule), sum(map(ord, solver + grid + schedule))
    moves, process = grid_of(grid, schedule, 1.0, steps), SCHEDULES[schedule]
    said = {t: refusals(Asked(SOLVERS[solver].make(), moves, process, t)) for t in targets}
    refused = tuple(t for t in targets if said[t])
    runs = {1.0: tuple(t for t in targets if t not in refused)}
    for target in refused:
        assert said[target] == {"a network that predicts eps, at alpha = 0"}  # below t = 1 it is legal
        with pytest.raises(InvalidOption, match="predicts eps cannot be used at alpha = 0"):
            draw(solver, grid, schedule, (target,), 1.0, seed, steps)
        runs[float(SCHEDULES[schedule].time(-8.0))] = refused  # sigma / alpha = 55
    wrong = []
    for start, together in runs.items():
        if together:
            drawn = draw(solver, grid, schedule, together, start, seed, steps)
            distance = energy_distance(drawn[0])
            for target, cloud in zip(together, drawn, strict=True):
                if not bool(((cloud - drawn[0]).abs() < 1e-6).all()):  # else it is the same cloud
                    distance = energy_distance(cloud)
                if not distance < limit(null):  # it may be chance, with 500 points: the middle of five draws is less so
                    others = [
                        draw(solver, grid, schedule, (target,), start, seed + 10_000 * k, steps) for k in range(1, 5)
                    ]
                    again = [distance, *(energy_distance(one[0]) for one in others)]
                    distance = float(float64(again).median())
                if not distance < limit(null):  # nan is wrong too
                    wrong.append(f"{solver}, {grid}, {schedule}, {target}: {distance:.4f}")
    return wrong


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
    rows = ROWS[solver]
    assert not [line for _, grid, schedule, target in rows for line in check(solver, grid, schedule, (target,), null)]


def by_solver() -> Mapping[str, list[Combination]]:
    rows = covering()
    return {solver: [row for row in rows if row[0] == solver] for solver in SAMPLERS}


ROWS = by_solver()


def test_the_default_rows_cover_every_pair() -> None:
    covered = set().union(*(pairs(row) for rows in ROWS.values() for row in rows))
    expected = set().union(*(pairs(row) for row in _all()))
    assert covered == expected


@pytest.mark.slow
@pytest.mark.parametrize("grid", DRAWING)
@pytest.mark.parametrize("solver", SAMPLERS)
def test_every_combination_draws_the_true_distribution(solver: str, grid: str, null: Tensor) -> None:
    assert not [line for schedule in SCHEDULES for line in check(solver, grid, schedule, TARGETS, null)]


@pytest.mark.slow
def test_the_grids_of_long_steps_are_those_that_the_whole_parabola_cannot_take(null: Tensor) -> None:
    """The list is neither too long nor too short: at 32 steps DPM++ 3M SDE of the exact integral misses there alone."""
    solver = DPMpp3MSDE(parabola="whole")
    missed = set()
    for grid, schedule in itertools.product(DRAWING, SCHEDULES):
        (drawn,) = draw(solver, grid, schedule, ("x0",), 1.0, 7)
        if not energy_distance(drawn) < limit(null):
            missed.add((grid, schedule))
    assert missed == LONG_STEPS


def test_the_measure_sees_what_is_wrong(null: Tensor) -> None:
    """Moved samples, other weights, and a network on another schedule than its own are all outside."""
    allowed = limit(null)
    moved = fresh(7) + float64([0.15, 0.0])
    assert energy_distance(moved) > allowed
    other = fresh(7)[(fresh(7)[:, 0] > 0) | (torch.arange(COUNT) % 2 == 0)]  # half of the left component is missing
    assert energy_distance(other) > allowed
    grid = GRIDS["uniform"](STEPS, RectifiedFlow(), start=1.0)
    wrong = Bound(leaf(VPCosine(), "x0"), {"cond": None})
    object.__setattr__(wrong.denoiser, "schedule", RectifiedFlow())  # the network was made for another schedule
    x = PhiloxNoise([3]).normal((1, 2, COUNT), Purpose.START, 0).double()
    *_, last = sample(wrong, x, grid, SOLVERS["ddim"].make(), PhiloxNoise([3]))
    assert energy_distance(last.x[0].T) > allowed
