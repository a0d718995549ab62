"""Distribution matching: a generator moved by the difference of two scores, of the data and of what it draws."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from mezzotint.diffusion.objective import loss
from mezzotint.errors import InvalidOption
from mezzotint.training.methods.beside import Beside
from mezzotint.training.methods.distil import CRITIC_DRAW, LONG_DRAW, TO_DRAW, Examples, Lesson
from mezzotint.values import integer, real

__all__ = ["DistributionMatching", "MatchingConfig", "matching_gradient"]

C = TypeVar("C")


@dataclass(frozen=True, kw_only=True)
class MatchingConfig:
    """How a generator is matched to its teacher's distribution.

    times             where it is evaluated when it draws, falling from 1: one time for one evaluation, four for four
    critic_updates    updates of the critic for each of the generator
    critic_lr         the critic's learning rate, as a multiple of the generator's
    low, high         the times at which the two scores are compared, uniform between
    regression        weight of the distance to where the teacher's trajectory ends; 0: none, as in DMD2
    regression_steps  Heun steps of that trajectory

    Raises `InvalidOption` for values out of range.
    """

    times: tuple[float, ...] = (1.0,)
    critic_updates: int = 5
    critic_lr: float = 1.0
    low: float = 0.02
    high: float = 0.98
    regression: float = 0.0
    regression_steps: int = 16

    def __post_init__(self) -> None:
        falling = all(a > b > 0 for a, b in zip(self.times, self.times[1:], strict=False))
        if not self.times or self.times[0] != 1 or not falling:
            raise InvalidOption(f"times is {self.times!r}; it must begin with 1 and fall, staying above 0.")
        integer("critic_updates", self.critic_updates, 1)
        integer("regression_steps", self.regression_steps, 1)
        real("critic_lr", self.critic_lr, 0.0, 1e6)
        real("regression", self.regression, 0.0, 1e6)
        if not 0 < self.low < self.high <= 1:
            raise InvalidOption(
                f"low is {self.low!r} and high {self.high!r}; times of comparison need 0 < low < high <= 1."
            )


def matching_gradient(x: Tensor, real: Tensor, fake: Tensor) -> Tensor:
    """(fake − real) / mean |x − real|, of the shape of x: the gradient of KL(drawn ‖ data) in x, each picture scaled.

    real, fake: what the teacher and the critic say of x_0, given x noised to some x_t. With scores −(x_t − alpha x_0) /
    sigma², s_fake − s_real = alpha (fake − real) / sigma². Yin et al. 2024 (DMD), arXiv 2311.18828, section 3.2, whose
    weight leaves a factor alpha on top; without it all times count alike.
    """
    scale = (x - real).abs().flatten(1).mean(1).clamp_min(1e-6)
    return (fake - real) / scale.reshape(-1, *[1] * (x.ndim - 1))


@dataclass(frozen=True, slots=True)
class _Drawn(Generic[C]):
    """What the generator drew last and where, with the noise of each of the critic's turns, (turns, B, ...)."""

    x: Tensor
    where: Tensor | None
    cond: C
    draws: Tensor
    noise: Tensor


class DistributionMatching(Generic[C]):
    """x = generator(x_t, t, to=0) is moved against `matching_gradient`; the critic learns to denoise what it draws.

    loss = ½ mean |x − sg[x − gradient]|² + the critic's own mean |critic(x_t) − x|² ((alpha + sigma)/sigma)², x fixed

    so that both networks have their gradients from one backward pass; the loop updates the generator, `step` the
    critic, which then gets the rest of its `critic_updates` on the same pictures with fresh noise (the two time scales
    of DMD2; there the pictures are fresh as well). With several `times` the generator is trained where it will be
    used: on x_t made by itself, x_t = alpha x + sigma z of x from the time before (backward simulation). It is told
    `to=0` and its guidance; the critic its guidance and, in the place of `to`, at which of several times a picture was
    drawn: one that is not told matches the mixture of the times, in which the mistakes of one hide those of another.

    Yin et al. 2024: DMD, arXiv 2311.18828; DMD2, arXiv 2405.14867, without its GAN loss.
    The critic should begin as the teacher. It matches distributions: which noise becomes which picture is free, unless
    `regression` holds it to the teacher's trajectories.
    """

    def __init__(
        self, network: nn.Module, critic: nn.Module, lesson: Lesson[C], config: MatchingConfig | None = None
    ) -> None:
        assert network is not critic, "the critic is a network of its own"
        self.network, self.critic, self.lesson = network, critic, lesson
        self.config = config or MatchingConfig()
        self.beside = Beside(critic)
        self._latest: _Drawn[C] | None = None

    def losses(self, batch: Examples[C]) -> Tensor:
        """Loss of every picture, (B,), with gradients of both networks. Of the pictures only the shape is used."""
        lesson, config, draws = self.lesson, self.config, batch.draws
        guidance = lesson.scales(draws)
        told = lesson.told(batch.cond, guidance)
        before = len(config.times) - 1
        noise = lesson.noise(draws, batch.pictures, 2 + before + config.critic_updates)
        start = lesson.schedule(_ones(draws)).like(noise[0]).sigma * noise[0]
        chosen = (lesson.uniform(draws, TO_DRAW) * len(config.times)).long()
        where = torch.tensor(config.times, dtype=torch.float64, device=start.device)[chosen]
        x = self._drawn(start, noise[2 : 2 + before], where, told)
        latest = _Drawn(x.detach(), where if before else None, told, draws, noise[2 + before :])
        gradient = self._gradient(latest, noise[1], batch.cond, guidance)
        losses = 0.5 * (x - (latest.x - gradient)).square().flatten(1).mean(1)
        if config.regression:
            end = lesson.path(start, batch.cond, guidance, config.regression_steps)
            apart = (x - end).square().flatten(1).mean(1)
            losses = losses + config.regression * apart * (where == 1)
        self._latest = latest
        return losses + self._critic_losses(latest, 0)

    def step(self, lr: float, count: int) -> None:
        """Update number `count` (from 1): the critic's updates, the first from the gradients of the backward pass."""
        assert self._latest is not None, "no losses before the step"
        for turn in range(self.config.critic_updates):
            if turn:
                torch.autograd.backward(self._critic_losses(self._latest, turn).mean())
            self.beside.step(self.config.critic_lr * lr, (count - 1) * self.config.critic_updates + turn + 1)

    def state(self) -> Mapping[str, Tensor]:
        """The critic's weights and their moments."""
        return self.beside.state()

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` gave."""
        self.beside.load(state)

    def _drawn(self, start: Tensor, noise: Tensor, where: Tensor, cond: C) -> Tensor:
        """What the generator draws from pure noise, each picture at the time `where` (B,), one of its times.

        The times before are gone through without gradients; noise: what they put back, (times − 1, B, ...).
        """
        times, schedule = self.config.times, self.lesson.schedule
        generator, x_t, entry = self.lesson.leaf(self.network), start, start

        def drawn(x_t: Tensor, t: Tensor) -> Tensor:
            return generator(x_t, t, {"cond": cond}, to=torch.zeros_like(t)).x0

        for index, z in enumerate(noise):
            with torch.no_grad():
                x = drawn(x_t, times[index] * _ones(x_t))
            x_t = schedule(times[index + 1] * _ones(x_t)).noised(x, z)
            entry = torch.where((where <= times[index + 1]).reshape(-1, *[1] * (x.ndim - 1)), x_t, entry)
        return drawn(entry, where)

    @torch.no_grad()
    def _gradient(self, drawn: _Drawn[C], eps: Tensor, cond: C, guidance: Tensor) -> Tensor:
        t = self._time(drawn.draws, LONG_DRAW)
        x_t = self.lesson.schedule(t).noised(drawn.x, eps)
        return matching_gradient(drawn.x, self.lesson.x0(x_t, t, cond, guidance), self._fake(x_t, t, drawn))

    def _critic_losses(self, drawn: _Drawn[C], turn: int) -> Tensor:
        """The critic's losses (B,) on what was drawn, in its turn number `turn`, with noise of that turn's own."""
        t = self._time(drawn.draws, CRITIC_DRAW + turn)
        level = self.lesson.schedule(t)
        return loss(self._fake(level.noised(drawn.x, drawn.noise[turn]), t, drawn), drawn.x, level)

    def _fake(self, x_t: Tensor, t: Tensor, drawn: _Drawn[C]) -> Tensor:
        """What the critic says of x_0."""
        return self.lesson.leaf(self.critic)(x_t, t, {"cond": drawn.cond}, to=drawn.where).x0

    def _time(self, draws: Tensor, which: int) -> Tensor:
        low, high = self.config.low, self.config.high
        return low + (high - low) * self.lesson.uniform(draws, which)


def _ones(rows: Tensor) -> Tensor:
    """Times of 1, one a row, (B,) float64."""
    return torch.ones(len(rows), dtype=torch.float64, device=rows.device)
