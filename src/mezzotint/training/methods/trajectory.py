"""Learning from whole trajectories: every jump along one drawing of the teacher is an example with an exact answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn

from mezzotint.diffusion.noise import PhiloxNoise
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.sampling import sample
from mezzotint.diffusion.schedule import Level, Schedule
from mezzotint.diffusion.solvers.dpmpp import DPMpp2M
from mezzotint.diffusion.timegrid import from_times
from mezzotint.errors import InvalidOption
from mezzotint.training.methods.consistency import pseudo_huber
from mezzotint.training.methods.distil import LONG_DRAW, TO_DRAW, Examples, Lesson
from mezzotint.values import integer, real

__all__ = ["Trajectory", "TrajectoryConfig", "jumped"]


class Rows(Protocol):
    """A conditioning of which some rows can be had, and one row more than once."""

    def __getitem__(self, rows: Tensor, /) -> Self: ...


R = TypeVar("R", bound=Rows)


@dataclass(frozen=True, kw_only=True)
class TrajectoryConfig:
    """What is learned of a trajectory.

    steps    steps of the teacher from noise to data, uniform in t, by DPM-Solver++(2M)
    counts   numbers of steps that a student is to draw in; each divides `steps`. Each jump of such a drawing is learned
             of each trajectory
    others   further jumps of each, from any time of the trajectory to any later one, by chance
    huber    where the loss turns from square to straight, in units of x_0

    Raises `InvalidOption` for values out of range.
    """

    steps: int = 12
    counts: tuple[int, ...] = (1, 2, 4)
    others: int = 1
    huber: float = 0.03

    def __post_init__(self) -> None:
        integer("steps", self.steps, 1)
        integer("others", self.others, 0)
        real("huber", self.huber, 0.0, 1e6)
        for count in self.counts:
            integer("counts", count, 1)
        if (
            not self.counts
            or any(self.steps % count for count in self.counts)
            or len({*self.counts}) < len(self.counts)
        ):
            raise InvalidOption(
                f"counts is {list(self.counts)} and steps {self.steps}; every count must divide the teacher's steps, "
                "so that its drawing passes through the same times, and be there once."
            )

    @property
    def wanted(self) -> tuple[tuple[int, int], ...]:
        """The jumps of drawings in `counts` steps, each once, as states of the trajectory, counted from noise."""
        whole = {(i * self.steps // n, (i + 1) * self.steps // n) for n in self.counts for i in range(n)}
        return tuple(sorted(whole))

    @property
    def jumps(self) -> int:
        """How many jumps are learned of each trajectory; a batch of B is B / jumps trajectories."""
        return len(self.wanted) + self.others


@dataclass(frozen=True, slots=True)
class _Guided(Generic[R]):
    """The teacher as a solver sees it: prompts and their guidance decided."""

    lesson: Lesson[R]
    cond: R
    guidance: Tensor

    @property
    def schedule(self) -> Schedule:
        return self.lesson.schedule

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        return Prediction(x_t, self.schedule(t), self.lesson.x0(x_t, t, self.cond, self.guidance))


def jumped(x_t: Tensor, x_u: Tensor, t: Level, u: Level) -> Tensor:
    """The x_0 of the jump that leads from x_t to x_u, `distil.jump` solved for it: of the shape of x_t.

    x_0 = (x_u − (sigma_u/sigma_t) x_t) / (alpha_u − alpha_t sigma_u/sigma_t); levels of shape (B,), t noisier than u.
    """
    high, low = t.like(x_t), u.like(x_t)
    ratio = low.sigma / high.sigma
    return (x_u - ratio * x_t) / (low.alpha - ratio * high.alpha)


class Trajectory(Generic[R]):
    """`pseudo_huber(student(x_t, t, to=u), x_0 of the jump x_t → x_u)`, x_t and x_u of one trajectory of the teacher.

    From noise the guided teacher draws a picture, and all states on its way are kept: N + 1 states are N (N + 1) / 2
    jumps whose answers are known, however long. Regression on where a teacher's trajectory ends is Luhman & Luhman
    2021, arXiv 2101.02388; on the whole of it, Zheng et al. 2022, DSNO, arXiv 2211.13449; here between any two of its
    times, as flow maps jump (Kim et al. 2024, CTM, arXiv 2310.02279). Nothing is bootstrapped: long jumps learn as
    early as short ones, and the teacher's 2 N evaluations serve many examples. The student draws what the teacher draws
    in N steps, whose error it inherits. The pictures of a batch are not looked at, only the first prompts, and their
    numbers, for noise.
    """

    def __init__(self, network: nn.Module, lesson: Lesson[R], config: TrajectoryConfig | None = None) -> None:
        self.network, self.lesson, self.config = network, lesson, config or TrajectoryConfig()

    def losses(self, batch: Examples[R]) -> Tensor:
        """Loss of every jump, (B,), with gradients; B must be a multiple of the configuration's `jumps`."""
        lesson, schedule, count = self.lesson, self.lesson.schedule, len(batch.draws)
        paths = count // self.config.jumps
        assert paths * self.config.jumps == count, (count, self.config.jumps)
        rows = torch.arange(count, device=batch.draws.device) % paths
        guidance = lesson.scales(batch.draws[:paths])
        states = self._states(batch, paths, guidance)
        start, end = self._ends(batch.draws, paths)
        t, u = (1 - index.double() / self.config.steps for index in (start, end))
        x_t, x_u = states[start, rows], states[end, rows]
        target = jumped(x_t, x_u, schedule(t), schedule(u))
        told = lesson.told(batch.cond[rows], guidance[rows])
        return pseudo_huber(lesson.leaf(self.network)(x_t, t, {"cond": told}, to=u).x0, target, self.config.huber)

    def step(self, lr: float, count: int) -> None:
        """Nothing is trained beside the student."""

    def state(self) -> Mapping[str, Tensor]:
        """Nothing: what is drawn follows from the batches."""
        return {}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` gave."""
        assert not state, "the distillation of another run"

    @torch.no_grad()
    def _states(self, batch: Examples[R], paths: int, guidance: Tensor) -> Tensor:
        """The states of the first pictures' trajectories, (steps + 1, paths, ...), from pure noise to data."""
        lesson, steps, first = self.lesson, self.config.steps, torch.arange(paths, device=batch.draws.device)
        noise = lesson.noise(batch.draws[:paths], batch.pictures[:paths])[0]
        x = lesson.schedule(torch.ones((), dtype=torch.float64)).like(noise).sigma * noise
        teacher = _Guided(lesson, batch.cond[first], guidance)
        grid = from_times([1 - i / steps for i in range(steps + 1)])
        moves = sample(teacher, x, grid, DPMpp2M(), PhiloxNoise(range(paths)))
        return torch.stack([x, *(step.x for step in moves)])

    def _ends(self, draws: Tensor, paths: int) -> tuple[Tensor, Tensor]:
        """Which states each jump leads from and to, (B,) int64 each: the wanted jumps of all trajectories in turn, and
        then the others."""
        steps, wanted = self.config.steps, torch.tensor(self.config.wanted, device=draws.device)
        first, far = (self.lesson.uniform(draws[len(wanted) * paths :], which) for which in (TO_DRAW, LONG_DRAW))
        start = (first * steps).long()
        end = start + 1 + (far * (steps - start)).long()
        wanted = wanted.repeat_interleave(paths, 0)
        return torch.cat([wanted[:, 0], start]), torch.cat([wanted[:, 1], end])
