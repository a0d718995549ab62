"""Consistency tuning: a student learns to jump by agreeing with itself one step of its teacher further on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from mezzotint.errors import InvalidOption
from mezzotint.training.methods.distil import LONG_DRAW, TO_DRAW, Examples, Lesson, frozen_copy, joined, jump
from mezzotint.values import integer, real

__all__ = ["Consistency", "ConsistencyConfig", "pseudo_huber"]

C = TypeVar("C")


@dataclass(frozen=True, kw_only=True)
class ConsistencyConfig:
    """How a flow map is tuned.

    first_steps, steps   a step of the teacher is 1/first_steps long at first and 1/steps in the end
    double_every         updates after which the steps are halved, until they are that short (ECT's shrinking Δt)
    heun                 the teacher steps by Heun's method, two evaluations; else by DDIM, one
    to_data              the share of jumps that end at t = 0; the others end anywhere below t
    average              the target's weights are a running average, this share of them kept at each update; 0: they are
                         the student's own, as in ECT
    huber                where the loss turns from square to straight, in units of x_0

    Raises `InvalidOption` for values out of range.
    """

    first_steps: int = 8
    steps: int = 64
    double_every: int = 1000
    heun: bool = True
    to_data: float = 0.5
    average: float = 0.0
    huber: float = 0.03

    def __post_init__(self) -> None:
        integer("first_steps", self.first_steps, 1)
        integer("steps", self.steps, self.first_steps)
        integer("double_every", self.double_every, 1)
        real("to_data", self.to_data, 0.0, 1.0)
        real("huber", self.huber, 0.0, 1e6)
        if not 0 <= self.average < 1:
            raise InvalidOption(f"average is {self.average!r}; it must be at least 0 and below 1, which never moves.")

    def steps_at(self, count: int) -> int:
        """How many steps of the teacher make up the whole way, after `count` updates."""
        return min(self.steps, self.first_steps << min(count // self.double_every, 31))


def pseudo_huber(predicted: Tensor, target: Tensor, c: float) -> Tensor:
    """sqrt(mean |predicted − target|² + c²) − c, one number per picture (B,).

    Song & Dhariwal 2023, arXiv 2310.14189, with the mean in place of their sum.
    """
    square = (predicted.float() - target.float()).square().flatten(1).mean(1)
    # the slope of a root at 0 is infinite
    return (square + max(c, 1e-6) ** 2).sqrt() - c


class Consistency(Generic[C]):
    """Flow maps by consistency: the jump t → u is the teacher's step t → s and the student's own jump s → u.

    x_s = teacher's solver step from x_t, s = max(u, t − 1/steps)
    loss = pseudo_huber(student(x_t, t, to=u), sg[joined x_0 of t → s and s → u])

    u = 0 is consistency distillation (Song et al. 2023, arXiv 2303.01469, eq. 7) with guidance in the teacher's step
    and told to the student (Luo et al. 2023, LCM, arXiv 2310.04378); any u below t makes it a flow map (Kim et
    al. 2024, CTM, arXiv 2310.02279, without their GAN). The target is a second forward without gradients, and no
    derivative of the network is taken; the step shrinks as training goes on (Geng et al. 2024, ECT, arXiv 2406.14548).
    Where s = u, the target is the teacher's alone: that is what holds the student to the teacher's flow.
    """

    def __init__(self, network: nn.Module, lesson: Lesson[C], config: ConsistencyConfig | None = None) -> None:
        self.network, self.lesson, self.config = network, lesson, config or ConsistencyConfig()
        self.target = frozen_copy(network) if self.config.average else network
        self.count = 0

    def losses(self, batch: Examples[C]) -> Tensor:
        """Loss of every picture, (B,), with gradients. Its times lie in (0, 1]."""
        lesson, schedule, t = self.lesson, self.lesson.schedule, batch.t.double()
        to = self._to(t, batch.draws)
        guidance = lesson.scales(batch.draws)
        told = lesson.told(batch.cond, guidance)
        x_t = schedule(t).noised(batch.pictures, lesson.noise(batch.draws, batch.pictures)[0])
        target = self._target(x_t, t, to, batch.cond, guidance, told)
        said = lesson.leaf(self.network)(x_t, t, {"cond": told}, to=to).x0
        return pseudo_huber(said, target, self.config.huber)

    def step(self, lr: float, count: int) -> None:
        """Update number `count` (from 1): the target's weights follow, and the steps shorten."""
        self.count = count
        if self.target is not self.network:
            own, new = ([p.detach() for p in network.parameters()] for network in (self.target, self.network))
            torch._foreach_lerp_(own, new, 1 - self.config.average)

    def state(self) -> Mapping[str, Tensor]:
        """How far training is, and the target's weights if they are an average."""
        own = {} if self.target is self.network else dict(self.target.named_parameters())
        weights = {f"target.{name}": value.detach() for name, value in own.items()}
        return {"count": torch.tensor(self.count), **weights}

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` gave."""
        assert self.state().keys() == state.keys(), "the distillation of another run"
        self.count = int(state["count"])
        for name, value in self.target.named_parameters():
            if self.target is not self.network:
                value.copy_(state[f"target.{name}"])

    def _to(self, t: Tensor, draws: Tensor) -> Tensor:
        """Where each jump ends, (B,) float64: at 0, or anywhere below t."""
        long = self.lesson.uniform(draws, LONG_DRAW) < self.config.to_data
        return torch.where(long, torch.zeros_like(t), self.lesson.uniform(draws, TO_DRAW) * t)

    @torch.no_grad()
    def _target(self, x_t: Tensor, t: Tensor, to: Tensor, cond: C, guidance: Tensor, told: C) -> Tensor:
        lesson, schedule = self.lesson, self.lesson.schedule
        s = torch.maximum(to, t - 1 / self.config.steps_at(self.count))
        high, middle, low = schedule(t), schedule(s), schedule(to)
        first = lesson.step(x_t, t, s, cond, guidance, heun=self.config.heun)
        x_s = jump(x_t, first, high, middle)
        second = lesson.leaf(self.target)(x_s, s, {"cond": told}, to=to).x0
        return joined(first, second, high, middle, low)
