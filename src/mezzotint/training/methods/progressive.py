"""Progressive distillation: one step of the student is two of its teacher, and then the student teaches."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from mezzotint.diffusion.objective import loss
from mezzotint.diffusion.schedule import Level
from mezzotint.errors import InvalidOption
from mezzotint.training.methods.distil import TO_DRAW, Examples, Lesson, frozen_copy, joined, jump
from mezzotint.values import integer

__all__ = ["Progressive", "ProgressiveConfig", "truncated_snr"]

C = TypeVar("C")


@dataclass(frozen=True, kw_only=True)
class ProgressiveConfig:
    """The stages of progressive distillation.

    first    steps of the student in the first stage, whose teacher takes twice as many
    last     steps of the student in the last one; `first` is `last` doubled some times
    updates  updates of a stage
    heun     the first stage's teacher steps by Heun's method, two evaluations and second order; else by DDIM, as in the
             paper, whose error all stages inherit

    Raises `InvalidOption` for numbers of steps that do not halve into each other.
    """

    first: int = 8
    last: int = 1
    updates: int = 2000
    heun: bool = False

    def __post_init__(self) -> None:
        integer("updates", self.updates, 1)
        integer("last", self.last, 1)
        integer("first", self.first, self.last)
        if self.last * 2 ** (self.stages - 1) != self.first:
            raise InvalidOption(
                f"first is {self.first} and last {self.last}; each stage halves the steps, so first must be last times "
                "1, 2, 4, 8, …"
            )

    @property
    def stages(self) -> int:
        """How many stages there are."""
        return (self.first // self.last).bit_length()

    def stage_at(self, count: int) -> int:
        """The number of the stage, from 0, after `count` updates; the last one goes on."""
        return min(count // self.updates, self.stages - 1)

    def steps_at(self, count: int) -> int:
        """How many steps the student takes from noise to data, after `count` updates."""
        return self.first >> self.stage_at(count)


def truncated_snr(level: Level) -> Tensor:
    """max(alpha²/sigma², 1): the weight of an error in x_0. Salimans & Ho 2022, arXiv 2202.00512, section 4."""
    return ((level.alpha / level.sigma) ** 2).clamp_min(1.0)


class Progressive(Generic[C]):
    """`w(t) mean |student(x_t, t, to=u) − x_0*|²`, t = i/N, u = (i − 1)/N, x_0* of two steps t → (t + u)/2 → u.

    In the first stage the teacher takes these steps, with guidance; in every later one the student of the stage before,
    which is told its guidance and where it jumps to. N is halved from stage to stage. Trained to N steps, the student
    is for a uniform grid of N steps. Salimans & Ho 2022, arXiv 2202.00512, algorithm 2; with guidance as an input, Meng
    et al. 2023, arXiv 2210.03142 (their two phases at once: the first stage's teacher is guided).
    """

    def __init__(self, network: nn.Module, lesson: Lesson[C], config: ProgressiveConfig | None = None) -> None:
        self.network, self.lesson, self.config = network, lesson, config or ProgressiveConfig()
        self.before = frozen_copy(network)
        self.count = 0

    def losses(self, batch: Examples[C]) -> Tensor:
        """Loss of every picture, (B,), with gradients. The times are those of the stage's grid, not the batch's."""
        lesson, schedule, steps = self.lesson, self.lesson.schedule, self.config.steps_at(self.count)
        i = (lesson.uniform(batch.draws, TO_DRAW) * steps).floor() + 1
        t, to = i / steps, (i - 1) / steps
        guidance = lesson.scales(batch.draws)
        told = lesson.told(batch.cond, guidance)
        x_t = schedule(t).noised(batch.pictures, lesson.noise(batch.draws, batch.pictures)[0])
        target = self._target(x_t, t, to, batch.cond, guidance, told)
        said = lesson.leaf(self.network)(x_t, t, {"cond": told}, to=to).x0
        return loss(said, target, schedule(t), truncated_snr)

    @torch.no_grad()
    def step(self, lr: float, count: int) -> None:
        """Update number `count` (from 1): at the end of a stage the student becomes the teacher."""
        if self.config.stage_at(count) > self.config.stage_at(self.count):
            for own, new in zip(self.before.parameters(), self.network.parameters(), strict=True):
                own.copy_(new)
        self.count = count

    def state(self) -> Mapping[str, Tensor]:
        """How far training is, and the weights of the stage before."""
        weights = {f"before.{name}": value.detach() for name, value in self.before.named_parameters()}
        return {"count": torch.tensor(self.count), **weights}

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` gave."""
        assert self.state().keys() == state.keys(), "the distillation of another run"
        self.count = int(state["count"])
        for name, value in self.before.named_parameters():
            value.copy_(state[f"before.{name}"])

    @torch.no_grad()
    def _target(self, x_t: Tensor, t: Tensor, to: Tensor, cond: C, guidance: Tensor, told: C) -> Tensor:
        schedule, middle = self.lesson.schedule, (t + to) / 2
        high, half, low = schedule(t), schedule(middle), schedule(to)
        first = self._taught(x_t, t, middle, cond, guidance, told)
        x_s = jump(x_t, first, high, half)
        return joined(first, self._taught(x_s, middle, to, cond, guidance, told), high, half, low)

    def _taught(self, x_t: Tensor, t: Tensor, to: Tensor, cond: C, guidance: Tensor, told: C) -> Tensor:
        """The x_0 of the teacher's step t → to."""
        if self.config.stage_at(self.count) == 0:
            return self.lesson.step(x_t, t, to, cond, guidance, heun=self.config.heun)
        return self.lesson.leaf(self.before)(x_t, t, {"cond": told}, to=to).x0
