"""What the methods of distillation share: jumps along a trajectory, a guided teacher, and how a student is told.

A student is a flow map in the sense of `diffusion.solvers.consistency`: of x_t and a time `to` it says that x_0 for
which alpha_to x_0 + sigma_to eps is where the trajectory through x_t is at `to`. Along the probability-flow ODE

    d(x_t / sigma_t) = x_0(x_t, t) d(alpha_t / sigma_t),      x_0(x_t, t) = E[x_0 | x_t]

(Lu et al. 2022, DPM-Solver++, arXiv 2211.01095, in alpha/sigma = exp(lambda)), so the x_0 of a jump is the mean over
alpha/sigma of what a denoiser says on the way: long jumps are means of short ones, on every schedule, and a jump
of length zero is the denoiser itself.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.guidance.base import evaluate
from mezzotint.diffusion.noise import Purpose, normal_at, philox_uniform
from mezzotint.diffusion.schedule import Level, Schedule
from mezzotint.errors import InvalidOption

__all__ = ["Examples", "Lesson", "frozen_copy", "joined", "jump", "shared"]

C = TypeVar("C")
C_co = TypeVar("C_co", covariant=True)

# draws of Purpose.TRAIN_TIME; draw 0 is the start of the sequence of times (`training.batches.times_at`)
TO_DRAW, LONG_DRAW, GUIDANCE_DRAW, CRITIC_DRAW = 1, 2, 3, 4


class Examples(Protocol[C_co]):
    """A batch to distil with: pictures x_0 (B, ...), their conditioning, times (B,), and the draws of their noise."""

    @property
    def pictures(self) -> Tensor: ...

    @property
    def cond(self) -> C_co: ...

    @property
    def t(self) -> Tensor: ...

    @property
    def draws(self) -> Tensor: ...


def jump(x_t: Tensor, x0: Tensor, t: Level, s: Level) -> Tensor:
    """x_s = (sigma_s/sigma_t) x_t + (alpha_s − alpha_t sigma_s/sigma_t) x_0, which is alpha_s x_0 + sigma_s eps.

    x_t, x0: (B, ...); levels of shape () or (B,), sigma_t > 0. At s = 0 it is x_0 where alpha_0 = 1.
    """
    high, low = t.like(x_t), s.like(x_t)
    ratio = low.sigma / high.sigma
    return ratio * x_t + (low.alpha - ratio * high.alpha) * x0


def shared(t: Level, s: Level, u: Level) -> Tensor:
    """The share of the jump t → s in the jump t → u, t > s >= u: (r_s − r_t) / (r_u − r_t) with r = alpha/sigma.

    Written without infinities: 0 where u = 0 < s, and 1 where s = u. Of the levels' shape, float64.
    """
    ratio = torch.where(s.sigma == u.sigma, torch.ones_like(s.sigma), u.sigma / s.sigma)
    start = t.alpha * u.sigma / t.sigma
    return (s.alpha * ratio - start) / (u.alpha - start)


def joined(first: Tensor, second: Tensor, t: Level, s: Level, u: Level) -> Tensor:
    """The x_0 of the jump t → u from those of its parts: `first` of t → s, `second` of s → u; where s = u, `first`.

    x_0 = share first + (1 − share) second, share = `shared(t, s, u)`; for u = 0 it is `second`. With two DDIM steps it
    is the target of Salimans & Ho 2022, arXiv 2202.00512, algorithm 2; with u fixed, that of consistency models.
    """
    share = shared(t, s, u)
    scale = Level(share, share).like(first).alpha
    # `second` was asked at t = 0 where s = u = 0, and a network need not have an answer there
    return torch.where(scale == 1, first, scale * first + (1 - scale) * second)


def frozen_copy(network: nn.Module) -> nn.Module:
    """A copy of a network that is not trained."""
    return copy.deepcopy(network).requires_grad_(False)


@dataclass(frozen=True, slots=True)
class Lesson(Generic[C]):
    """Who teaches what: the same for every method of distillation.

    teacher   the denoiser whose guided flow is learned; it is never changed
    leaf      makes a denoiser of a student's network; on the teacher's schedule
    uncond    a batch's conditioning with nothing asked for, as the teacher's guidance needs it
    told      a conditioning whose `distilled_guidance` (B,) is this: how the student hears of the guidance
    guidance  the lowest and the highest guidance that are taught; each picture of a batch has its own, uniform between
    seed      of the noise
    normal    makes it, as `normal_at` does: a compiled form of that, where there is one

    Guidance as an input: Meng et al. 2023, arXiv 2210.03142 (their w is guidance − 1).
    Raises InvalidOption unless 0 < lowest <= highest < infinity.
    """

    teacher: Denoiser[C]
    leaf: Callable[[nn.Module], Denoiser[C]]
    uncond: Callable[[C], C]
    told: Callable[[C, Tensor], C]
    guidance: tuple[float, float] = (1.0, 1.0)
    seed: int = 0
    normal: Callable[[int, Tensor, Purpose, Sequence[int]], Tensor] = normal_at

    def __post_init__(self) -> None:
        low, high = self.guidance
        if not 0 < low <= high < math.inf:
            raise InvalidOption(
                f"The guidance to distil is from {low:g} to {high:g}; it must be two finite numbers above 0, the lower "
                "one first."
            )

    @property
    def schedule(self) -> Schedule:
        return self.teacher.schedule

    def scales(self, draws: Tensor) -> Tensor:
        """The guidance of each picture, (B,) float32, for pictures number `draws` (B,)."""
        low, high = self.guidance
        return (low + (high - low) * self.uniform(draws, GUIDANCE_DRAW)).float()

    def uniform(self, draws: Tensor, which: int) -> Tensor:
        """A number in (0, 1) for each picture, (B,) float64."""
        return philox_uniform(self.seed, draws, Purpose.TRAIN_TIME, which)

    def noise(self, draws: Tensor, like: Tensor, count: int = 1) -> Tensor:
        """Standard normals, `count` of the shape of `like`, (count, B, ...); the first are those of pretraining."""
        shape = (count, *like.shape[1:])
        return self.normal(self.seed, draws, Purpose.TRAIN_NOISE, shape).to(like).transpose(0, 1)

    @torch.no_grad()
    def x0(self, x_t: Tensor, t: Tensor, cond: C, guidance: Tensor) -> Tensor:
        """What the teacher says of x_0 under guidance (B,): uncond + guidance (cond − uncond), of the shape of x_t."""
        if bool((guidance == 1).all()):
            return self.teacher(x_t, t, {"cond": cond}).x0
        both = {"cond": cond, "uncond": self.uncond(cond)}
        said = evaluate(self.teacher, x_t, t, both, ("cond", "uncond"), "apart")
        scale = guidance.to(x_t).reshape(-1, *[1] * (x_t.ndim - 1))
        return said["uncond"].x0.lerp(said["cond"].x0, scale)

    @torch.no_grad()
    def step(self, x_t: Tensor, t: Tensor, s: Tensor, cond: C, guidance: Tensor, *, heun: bool = True) -> Tensor:
        """The x_0 of the teacher's jump t → s by one step of a solver; t, s (B,), t > s.

        DDIM: x_0(x_t, t). Heun: the mean of that and x_0 at its end, the trapezoid in alpha/sigma, of second order;
        where s = 0 it is DDIM, since t = 0 is not evaluated.
        """
        first = self.x0(x_t, t, cond, guidance)
        if not heun or bool((s == 0).all()):
            return first
        end = jump(x_t, first, self.schedule(t), self.schedule(s))
        second = self.x0(end, s, cond, guidance)
        inside = (s > 0).reshape(-1, *[1] * (x_t.ndim - 1))
        return torch.where(inside, (first + second) / 2, first)

    @torch.no_grad()
    def path(self, x: Tensor, cond: C, guidance: Tensor, steps: int) -> Tensor:
        """Where the teacher's trajectory from pure noise x = x_1 (B, ...) ends, in `steps` Heun steps, uniform in t."""
        for i in range(steps, 0, -1):
            t, s = (torch.full((len(x),), k / steps, dtype=torch.float64, device=x.device) for k in (i, i - 1))
            x = jump(x, self.step(x, t, s, cond, guidance), self.schedule(t), self.schedule(s))
        return x
