"""Every solver × time grid × schedule × prediction target draws the true distribution of an exact mixture.

A run starts from exact samples at its first time and goes to t = 0, guidance neutral. What it draws is compared with
the mixture by the energy distance, and that with the energy distances of its own samples; what misses is drawn four
times more, and the median counts: of some 26,000 runs the farthest are so by chance. Start and noise are spread more
evenly than chance would, so that a thousand points tell more. By default the runs cover every pair of choices;
`-m slow` runs all, the targets side by side from one start and with one noise. Nothing is left out: what cannot be
combined is refused, in the one list of `mezzotint.diffusion.combinations`, and what needs more than 32 steps is in
others, here.
"""

import itertools
from collections.abc import Iterator, Mapping
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
    Level,
    NetworkDenoiser,
    PhiloxNoise,
    Preconditioned,
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
from mezzotint.diffusion.solvers import er_sde
from mezzotint.diffusion.solvers.dpmpp import DPMpp3MSDE
from mezzotint.diffusion.timegrid import GRID_RECORDS
from mezzotint.errors import InvalidOption

from .clouds import COUNT, MEANS, VARIANCES, WEIGHTS, Even, energy_distance, fresh, pair
from .order import WEAK_ORDER_2, float64

STEPS = 32

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
TARGETS = ("x0", "eps", "v", "velocity", "edm")
"""What the network predicts; "edm" is the output of a preconditioned one."""

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


@dataclass(frozen=True)
class Ratio:
    """alpha = 1 and sigma = t."""

    def __call__(self, t: Tensor) -> Level:
        return Level(torch.ones_like(t), t)


@dataclass(frozen=True)
class EDMCloud:
    """A network for `Preconditioned` that is exact: F = (x_0 − c_skip y) / c_out, y = x / alpha with noise of
    sigma / alpha = e^(4 c_noise), from its input c_in y."""

    exact: GaussianMixture

    def __call__(self, x_t: Tensor, t: Tensor, cond: None, *, to: Any = None, probe: Any = None) -> Tensor:
        r = (4 * t.double()).exp()
        spread = torch.hypot(r, float64(0.5))
        y = x_t * spread[:, None, None]
        x0 = self.exact(points(y), r.repeat_interleave(x_t.shape[2])).x0.reshape(len(x_t), -1, 2).transpose(1, 2)
        return (x0 - 0.25 / (spread**2)[:, None, None] * y) * (spread / (0.5 * r))[:, None, None]


def leaf(schedule: Schedule, target: str) -> Any:
    if target == "edm":
        return Preconditioned(EDMCloud(mixture(Ratio())), schedule, dtype=torch.float64)  # type: ignore[arg-type]
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
            x, time = x_t[k : k + 1], t[k : k + 1] if t.ndim else t
            at = self.schedule(time)
            if target == "edm":
                said.append(leaf(self.schedule, target)(x, time, {"cond": None}).x0)
                continue
            output = getattr(Prediction(x, at, believed[k : k + 1]), target)
            said.append(Prediction.from_output(output, target, x, at).x0)  # type: ignore[arg-type]
        return Prediction(x_t, level, torch.cat(said))


@pytest.fixture(scope="module")
def null() -> float:
    """The largest energy distance of a hundred evenly spread samples of the size of a run."""
    return max(energy_distance(pair(seed)[0].T) for seed in range(1, 101))


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
    noise = Even(seed)
    x0, eps = (half[None].expand(len(targets), 2, COUNT) for half in pair(seed))
    x = process(start).noised(x0, eps)
    moves = grid_of(grid, schedule, start, steps)
    chosen = SOLVERS[solver].make() if isinstance(solver, str) else solver
    *_, last = sample(denoise, x, moves, chosen, noise, told=listeners(denoise))
    return last.x.transpose(1, 2)


ALLOWED = {1: 0.02, 2: 0.002}
"""What 32 steps may add to the energy distance, as those of first order do, and what more of them may."""

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


ROUGH = {("sa-solver", "kl-optimal", "edm")}
"""Where 512 steps are not yet enough for a finer measure."""


def order(solver: str) -> int:
    made = SOLVERS[solver].make()
    if made.stochastic:
        return 2 if solver in WEAK_ORDER_2 else 1
    return 1 if made.order is not None and made.order.end_to_end == 1 else 2


def steps_for(solver: str, grid: str, schedule: str) -> int:
    if (grid, schedule) in LONG_STEPS and solver in FAR_SIGHTED:
        return 4 * STEPS
    # half of its steps stay at pure noise, and its last is the longest: first order needs more of them
    return 2 * STEPS if grid == "linear-quadratic" else STEPS


def limit(null: float, order: int = 1) -> float:
    return null + ALLOWED[order]


def refusals(combination: Asked) -> set[str]:
    """The names of what is illegal in a combination."""
    return {name for name, refuse in ILLEGAL.items() if refuse(combination)}


def check(solver: str, grid: str, schedule: str, targets: tuple[str, ...], null: float) -> list[str]:
    """What is wrong with these combinations, which differ in their target; empty if nothing is."""
    steps, seed = steps_for(solver, grid, schedule), sum(map(ord, solver + grid + schedule))
    moves, process = grid_of(grid, schedule, 1.0, steps), SCHEDULES[schedule]
    said = {t: refusals(Asked(SOLVERS[solver].make(), moves, process, t)) for t in targets}
    refused = tuple(t for t in targets if said[t])
    runs = {1.0: tuple(t for t in targets if t not in refused)}
    for target in refused:
        network = "preconditioned" if target == "edm" else "predicts eps"
        assert len(said[target]) == 1  # below t = 1 it is legal
        with pytest.raises(InvalidOption, match=f"{network} .*cannot be used at alpha = 0"):
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
                run = Run(solver, grid, schedule, target, start, seed)
                if not run.is_right(distance, steps, null):
                    wrong.append(f"{solver}, {grid}, {schedule}, {target}: {distance:.4f}")
    return wrong


@dataclass(frozen=True)
class Run:
    """A combination with its start and noise."""

    solver: str
    grid: str
    schedule: str
    target: str
    start: float
    seed: int

    def is_right(self, distance: float, steps: int, null: float) -> bool:
        """Whether it is near enough at so many steps, at this distance: within the finer limit, or within the other
        and, at four times the steps (first order: sixteen), within the finer one."""
        fine = limit(null, 2)
        if distance < fine or not self.within(limit(null), steps, distance):
            return distance < fine
        finer = steps * (16 if order(self.solver) == 1 else 4)
        if self.grid == "leading":  # it takes whole steps of a chain of 1000: with 512 it would begin in the middle
            finer = min(finer, 500)
        return (self.solver, self.grid, self.schedule) in ROUGH or self.within(fine, finer)

    def within(self, allowed: float, steps: int, distance: float | None = None) -> bool:
        """It may be chance that a run is not: the middle of five draws is less so. nan is not."""
        distance = self.distance(steps, 0) if distance is None else distance
        if distance < allowed:
            return True
        again = [distance, *(self.distance(steps, k) for k in range(1, 5))]
        return float(float64(again).median()) < allowed

    def distance(self, steps: int, again: int) -> float:
        seed = self.seed + 10_000 * again
        return energy_distance(draw(self.solver, self.grid, self.schedule, (self.target,), self.start, seed, steps)[0])


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
def test_every_pair_of_choices_draws_the_true_distribution(solver: str, null: float) -> None:
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
def test_every_combination_draws_the_true_distribution(solver: str, grid: str, null: float) -> None:
    assert not [line for schedule in SCHEDULES for line in check(solver, grid, schedule, TARGETS, null)]


@pytest.mark.slow
def test_the_grids_of_long_steps_are_those_that_the_whole_parabola_cannot_take(null: float) -> None:
    """The list is neither too long nor too short: at 32 steps DPM++ 3M SDE of the exact integral misses there alone."""
    solver = DPMpp3MSDE(parabola="whole")
    missed = set()
    for grid, schedule in itertools.product(DRAWING, SCHEDULES):
        (drawn,) = draw(solver, grid, schedule, ("x0",), 1.0, 7)
        if not energy_distance(drawn) < limit(null):
            missed.add((grid, schedule))
    assert missed == LONG_STEPS


def test_the_measure_is_the_energy_distance() -> None:
    """Against its definition in the plane, with many samples of the mixture."""
    a, b = fresh(1), fresh(2, 6000)
    within = [torch.pdist(x).mean() for x in (a, b)]
    expected = float(2 * torch.cdist(a + 0.5, b).mean() - sum(within))
    assert energy_distance(a + 0.5) == pytest.approx(expected, abs=0.01)
    assert expected > 0.1


def test_the_measure_sees_what_is_wrong(null: float) -> None:
    """Moved or narrower samples, other weights, and a network on another schedule than its own are all outside."""
    allowed = limit(null, 2)
    for seed in range(5):
        samples = pair(seed)[0].T
        assert energy_distance(samples + float64([0.1, 0.0])) > allowed
        assert energy_distance(samples * 0.85) > allowed
        other = samples[(samples[:, 0] > 0) | (torch.arange(COUNT) % 2 == 0)]  # half of the left component is missing
        assert energy_distance(other) > limit(null)
    grid = GRIDS["uniform"](STEPS, RectifiedFlow(), start=1.0)
    wrong = Bound(leaf(VPCosine(), "x0"), {"cond": None})
    object.__setattr__(wrong.denoiser, "schedule", RectifiedFlow())  # the network was made for another schedule
    x = PhiloxNoise([3]).normal((1, 2, COUNT), Purpose.START, 0).double()
    *_, last = sample(wrong, x, grid, SOLVERS["ddim"].make(), PhiloxNoise([3]))
    assert energy_distance(last.x[0].T) > limit(null)


@pytest.mark.parametrize("solver", ["er-sde-1", "er-sde-2", "er-sde-3"])
def test_a_tenth_too_little_noise_is_seen(solver: str, null: float, monkeypatch: pytest.MonkeyPatch) -> None:
    def middle() -> float:
        return float(
            float64([energy_distance(draw(solver, "uniform", "edm", ("x0",), 1.0, k)[0]) for k in range(5)]).median()
        )

    whole = middle()
    monkeypatch.setattr(er_sde, "_spread", lambda *ends, spread=er_sde._spread: 0.9 * spread(*ends))
    assert middle() > max(whole + 0.001, limit(null, 2)), whole
