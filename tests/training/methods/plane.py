"""Students in the plane: a conditional mixture whose guided flow is exact, and a small network that learns it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import torch
from torch import Tensor, nn

from mezzotint.diffusion import (
    Bound,
    GaussianMixture,
    NetworkDenoiser,
    Prediction,
    Purpose,
    RectifiedFlow,
    Schedule,
    from_times,
    sample,
)
from mezzotint.diffusion.solvers import Solver
from mezzotint.diffusion.solvers.consistency import TCD
from mezzotint.nn import linear
from mezzotint.training.methods.distil import Lesson
from tests.diffusion.clouds import MEANS, VARIANCES, WEIGHTS

KINDS = torch.tensor([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
"""The components' weights for each of three prompts; without a prompt they are `WEIGHTS`."""


@dataclass(frozen=True)
class Asked:
    """A conditioning: the weights of the components (B, 3), and the guidance (B,) that a student is told."""

    weights: Tensor
    guidance: Tensor | None = None

    def __len__(self) -> int:
        return len(self.weights)

    def __getitem__(self, rows: slice) -> Self:
        return replace(self, weights=self.weights[rows])


def told(asked: Asked, guidance: Tensor) -> Asked:
    return replace(asked, guidance=guidance)


def nothing(asked: Asked) -> Asked:
    return Asked(WEIGHTS.to(asked.weights).expand(len(asked), 3))


@dataclass(frozen=True)
class Exact:
    """The exact denoiser of the mixture with the asked weights."""

    schedule: Schedule

    def __call__(self, x_t: Tensor, t: Tensor, cond: Any, *, to: Tensor | None = None, probe: Any = None) -> Prediction:
        return GaussianMixture(self.schedule, MEANS, VARIANCES, cond["cond"].weights)(x_t, t)


def flow(schedule: Schedule, x: Tensor, asked: Asked, guidance: float, start: float = 1.0, steps: int = 100) -> Tensor:
    """Where the guided trajectory through x (B, 2) at time `start` ends, by the classical Runge–Kutta method.

    dx/dt is the velocity on rectified flow, and pi/2 times v where (alpha, sigma) turn by a quarter of a circle.
    """
    exact, y, end = Exact(schedule), x.double(), 1e-3

    def slope(y: Tensor, t: float) -> Tensor:
        cond, uncond = (
            exact(y, torch.tensor(t, dtype=torch.float64), {"cond": one}) for one in (asked, nothing(asked))
        )
        both = cond.replace(x0=uncond.x0 + guidance * (cond.x0 - uncond.x0))
        if t == end:
            return both.x0
        return both.velocity if isinstance(schedule, RectifiedFlow) else math.pi / 2 * both.v

    h = (end - start) / steps
    for i in range(steps):
        t = start + i * h
        a = slope(y, t)
        b = slope(y + h / 2 * a, t + h / 2)
        c = slope(y + h / 2 * b, t + h / 2)
        d = slope(y + h * c, t + h * (1 - 1e-9))
        y = y + h / 6 * (a + 2 * b + 2 * c + d)
    return slope(y, end)


class Small(nn.Module):
    """Three hidden layers that say x_0 of x_t, t, the jump's length, the prompt and the guidance."""

    def __init__(self, width: int = 96, seed: int = 0) -> None:
        super().__init__()
        sizes = [2 + 5 + 4 + 3 + 1, width, width, width]
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [linear(before, after, bias=True), nn.SiLU()]
        self.layers = nn.Sequential(*layers, linear(width, 2, bias=True))
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, value in self.named_parameters():
                if name.endswith("weight"):
                    value.normal_(0.0, 1.4 * value.shape[1] ** -0.5, generator=generator)

    def forward(
        self, x_t: Tensor, t: Tensor, cond: Asked, *, to: Tensor | None = None, probe: object | None = None
    ) -> Tensor:
        length = torch.zeros_like(t) if to is None else t - to
        turns = [f(math.pi * k * t) for k in (1, 2) for f in (torch.sin, torch.cos)]
        jumps = [length, length**2, torch.sqrt(length.clamp_min(1e-9)), torch.cos(math.pi * length)]
        scale = torch.zeros_like(t) if cond.guidance is None else cond.guidance.log2()
        told = torch.stack([t, *turns, *jumps, scale], dim=1)
        said: Tensor = self.layers(torch.cat([x_t, told, cond.weights * 2], dim=1))
        return said


@dataclass(frozen=True)
class Examples:
    pictures: Tensor
    cond: Asked
    t: Tensor
    draws: Tensor


def examples(step: int, count: int) -> Examples:
    """Batch number `step`: prompts, points of the mixtures that they ask for, and times, all from its number."""
    generator = torch.Generator().manual_seed(step)
    weights = KINDS[torch.randint(3, (count,), generator=generator)]
    which = torch.multinomial(weights, 1, generator=generator)[:, 0]
    spread = VARIANCES[which].sqrt()[:, None] * torch.randn(count, 2, generator=generator)
    t = 1 - torch.rand(count, generator=generator)
    return Examples((MEANS[which] + spread).float(), Asked(weights), t, torch.arange(step * count, (step + 1) * count))


def lesson(schedule: Schedule, guidance: tuple[float, float] = (1.0, 1.0)) -> Lesson[Asked]:
    return Lesson(
        teacher=Exact(schedule),
        leaf=lambda network: NetworkDenoiser(network, schedule, "x0"),
        uncond=nothing,
        told=told,
        guidance=guidance,
        seed=3,
    )


def train(method: Any, network: nn.Module, steps: int, count: int = 384, lr: float = 4e-3, first: int = 1) -> None:
    """Updates `first` to `steps` of a method and its network, the learning rate falling to zero."""
    adam = torch.optim.Adam(network.parameters(), lr=lr, betas=(0.9, 0.95))
    for step in range(first, steps + 1):
        now = lr * min(1.0, 2 * (steps - step + 1) / steps)
        adam.param_groups[0]["lr"] = now
        adam.zero_grad()
        torch.autograd.backward(method.losses(examples(step, count)).mean())
        adam.step()
        method.step(now, step)


@dataclass(frozen=True)
class Drawn:
    """Noise of torch for a sampling loop; quicker than a picture's own, of which there are thousands here."""

    seed: int = 7

    def normal(self, shape: Sequence[int], purpose: Purpose, draw: int) -> Tensor:
        return torch.randn(tuple(shape), generator=torch.Generator().manual_seed(self.seed + draw))

    def brownian(self, shape: Sequence[int], t: float, s: float) -> Tensor:
        raise NotImplementedError


def starts(count: int = 600, seed: int = 99) -> tuple[Tensor, Asked]:
    """Pure noise (count, 2), and prompts in turn."""
    noise = torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))
    return noise, Asked(KINDS[torch.arange(count) % 3])


@torch.no_grad()
def drawn(
    network: nn.Module,
    schedule: Schedule,
    x: Tensor,
    asked: Asked,
    evaluations: int,
    guidance: float = 1.0,
    solver: Solver[Any] | None = None,
) -> Tensor:
    """What a student draws with a uniform grid, by the sampling loop, its solver adding no noise if none is given."""
    cond = told(asked, torch.full((len(x),), guidance))
    denoise = Bound(NetworkDenoiser(network, schedule, "x0"), {"cond": cond})
    grid = from_times([1 - i / evaluations for i in range(evaluations + 1)])
    solver = solver or TCD(gamma=0.0, tell=True)
    *_, last = sample(denoise, x, grid, solver, Drawn())
    assert last.total == evaluations
    assert last.evaluations == 1
    return last.x


def distance(a: Tensor, b: Tensor) -> float:
    """Root mean squared distance of points (B, 2)."""
    return float((a.double() - b.double()).square().sum(1).mean().sqrt())
