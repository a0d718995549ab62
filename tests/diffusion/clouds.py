"""Clouds of points from a mixture in the plane, drawn evenly, and how far a cloud is from the mixture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mezzotint.diffusion import Purpose

from .order import float64
from .paths import Bridge

MEANS, VARIANCES, WEIGHTS = (
    float64([[-1.0, 0.4], [0.6, -0.5], [0.7, 0.9]]),
    float64([0.05, 0.1, 0.2]),
    float64([0.3, 0.5, 0.2]),
)
COUNT = 1000


def fresh(seed: int, count: int = COUNT) -> Tensor:
    """Independent samples of the mixture, (count, 2)."""
    generator = torch.Generator().manual_seed(seed)
    which = torch.multinomial(WEIGHTS, count, replacement=True, generator=generator)
    normal = torch.randn(count, 2, generator=generator, dtype=torch.float64)
    return MEANS[which] + VARIANCES[which].sqrt()[:, None] * normal


def even(seed: int, dimensions: int) -> Tensor:
    """COUNT points of the cube, (COUNT, dimensions), each uniform, and together spread more evenly than by chance.

    Weyl's sequence at a random place, in random order, its steps the powers of 1/p with p^(dimensions + 1) = p + 1.
    """
    generator = torch.Generator().manual_seed(seed)
    p = 1.5
    for _ in range(60):
        p = (1 + p) ** (1 / (dimensions + 1))
    steps = p ** -torch.arange(1, dimensions + 1, dtype=torch.float64)
    place = torch.rand(dimensions, generator=generator, dtype=torch.float64)
    spread = (place + torch.arange(COUNT, dtype=torch.float64)[:, None] * steps) % 1
    return spread.clamp(1e-12, 1 - 1e-12)[torch.randperm(COUNT, generator=generator)]


def pair(seed: int) -> tuple[Tensor, Tensor]:
    """Samples of the mixture and of noise, evenly spread together, each (2, COUNT)."""
    u = even(seed, 5)
    which, normal = torch.bucketize(u[:, 0].contiguous(), WEIGHTS.cumsum(0)[:-1]), torch.special.ndtri(u[:, 1:]).T
    return MEANS[which].T + VARIANCES[which].sqrt() * normal[:2], normal[2:]


@dataclass(slots=True)
class Even:
    """Noise of torch, evenly spread over the points of a draw, and the same for every target of a batch."""

    seed: int
    path: Bridge = field(init=False)

    def __post_init__(self) -> None:
        self.path = Bridge(self.seed, draws=self.normal)

    def normal(self, shape: Sequence[int], purpose: Purpose, draw: int) -> Tensor:
        normal = torch.special.ndtri(even(hash((self.seed, int(purpose), draw)) % 2**63, 2))
        return normal.T[None].expand(tuple(shape))

    def brownian(self, shape: Sequence[int], t: float, s: float) -> Tensor:
        return self.path.brownian(shape, t, s)


ANGLES = torch.arange(16, dtype=torch.float64) * (math.pi / 16)
DIRECTIONS = torch.stack([ANGLES.cos(), ANGLES.sin()])


def distance_to(offset: Tensor, variance: Tensor) -> Tensor:
    """E|offset + N(0, variance)| on a line."""
    deviation = variance.sqrt()
    bell = deviation * math.sqrt(2 / math.pi) * torch.exp(-((offset / deviation) ** 2) / 2)
    return bell + offset * torch.erf(offset / deviation / math.sqrt(2))


def energy_distance(a: Tensor) -> float:
    """2 E|a − b| − E|a − a'| − E|b − b'|, b from the mixture; 0 for its own samples, negative by chance.

    |x| is pi/2 times the mean length of its projections, and on a line all three are sums or closed forms.
    """
    a, centres, n = (a @ DIRECTIONS).sort(0).values, MEANS @ DIRECTIONS, len(a)
    across = (distance_to(a[:, None] - centres, VARIANCES[:, None]) * WEIGHTS[:, None]).sum(1).mean(0)
    rank = torch.arange(1 - n, n, 2, dtype=torch.float64)
    within = 2 * (rank[:, None] * a).sum(0) / (n * (n - 1))
    spread = distance_to(centres[:, None] - centres, (VARIANCES[:, None] + VARIANCES)[..., None])
    spread = (spread * (WEIGHTS[:, None] * WEIGHTS)[..., None]).sum((0, 1))
    return float((2 * across - within - spread).mean() * math.pi / 2)
