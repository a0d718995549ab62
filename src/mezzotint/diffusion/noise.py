"""Randomness as a pure function of (seed, purpose, draw, element).

The generator is Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3),
written in integer tensor arithmetic from its published definition: the same bits on every device, batch size and
number of threads. Normals are within 1e-6 of each other across devices, since `log` and `sin` round differently.

    key     = (seed mod 2^32, seed / 2^32)          seed mod 2^64; picture i of a request has seed + i
    counter = (draw, 0, element, purpose)           each below 2^32
    normal  = sqrt(−2 ln u) sin(v)                  u = (w0 + ½) / 2^32, v = 2 pi (w1 + ½) / 2^32, one normal a block

A Brownian path needs some twenty normals an element and step, so there, and only there, a block gives four: element
4 k + j has the block of k, j = 0, 1 the sine and the cosine of words 0 and 1, j = 2, 3 those of words 2 and 3.

`NOISE_VERSION` names this construction. It travels in every recipe: to change it, or a value of `Purpose`,
is to change everyone's pictures.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

import torch
from torch import Tensor

__all__ = [
    "NOISE_VERSION",
    "Noise",
    "PhiloxNoise",
    "Purpose",
    "normal_at",
    "philox_4x32",
    "philox_normal",
    "philox_uniform",
]

NOISE_VERSION = 1

_MASK = 0xFFFFFFFF
_MULTIPLY = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_PART = 2**17
"""Elements that are drawn at once: making one takes some 80 bytes, twenty times its own size, so that the noise of a
large picture, made whole, would be what drawing it takes most memory for."""

Word = Tensor | int
Words = tuple[Tensor, Tensor, Tensor, Tensor]


class Purpose(IntEnum):
    """What a random number is for, so that two uses never share one. The values are frozen; new ones are appended."""

    START = 0
    STEP = 1
    CODEC = 2
    TRAIN_NOISE = 3
    TRAIN_TIME = 4
    CAPTION = 5
    DROPOUT = 6
    ORDER = 7
    BROWNIAN = 8
    RENOISE = 9
    AUGMENT = 10
    EVALUATION = 11
    PROMPT = 12
    REFERENCE = 13


class Noise(Protocol):
    """Where a sampler gets its randomness. Picture i of a batch gets what it would get alone."""

    def normal(self, shape: Sequence[int], purpose: Purpose, draw: int) -> Tensor:
        """Standard normals of the given shape (B, ...), float32."""
        ...

    def brownian(self, shape: Sequence[int], t: float, s: float) -> Tensor:
        """The increment W(s) − W(t) of one Brownian path per element; the path does not depend on the queries."""
        ...


def philox_4x32(counter: tuple[Word, Word, Word, Word], key: tuple[Word, Word]) -> Words:
    """Philox 4x32-10: four words of random bits for each counter.

    counter, key: int64 tensors (or ints) holding values below 2^32; they broadcast. Returns four int64 tensors.
    """
    c0, c1, c2, c3 = (torch.as_tensor(word, dtype=torch.int64) for word in counter)
    k0, k1 = key
    for _ in range(_ROUNDS):
        # the int64 product wraps mod 2^64, whose two halves are the words that we want; c1 and c3 keep stray high bits
        # until they meet c0 and c2, which is two operations saved
        p0, p1 = c0 * _MULTIPLY[0], c2 * _MULTIPLY[1]
        c0, c1, c2, c3 = (p1 >> 32 ^ c1 ^ k0) & _MASK, p1, (p0 >> 32 ^ c3 ^ k1) & _MASK, p0
        k0, k1 = (k0 + _WEYL[0]) & _MASK, (k1 + _WEYL[1]) & _MASK
    return c0, c1 & _MASK, c2, c3 & _MASK


def _key(seed: int) -> tuple[int, int]:
    seed %= 1 << 64
    return seed & _MASK, seed >> 32


def _unit(word: Tensor) -> Tensor:
    """A word as a float64 strictly inside (0, 1)."""
    return (word.to(torch.float64) + 0.5) / 2**32


def _polar(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Radius and angle of Box and Muller (1958); in float64, since rounding to float32 hides what devices differ in."""
    return torch.sqrt(-2 * torch.log(_unit(first))), 2 * math.pi * _unit(second)


def _normal(seed: int, draw: Word, index: Tensor, purpose: Purpose) -> Tensor:
    w0, w1, _, _ = philox_4x32((draw, 0, index, int(purpose)), _key(seed))
    radius, angle = _polar(w0, w1)
    return (radius * torch.sin(angle)).to(torch.float32)


def _brownian_normals(seed: int, nodes: Tensor, count: int, first: int = 0) -> Tensor:
    """The normals of nodes (N,) of a Brownian tree, of `count` elements of the picture from the first on, (N, count):
    four a block, of which `first` is a multiple."""
    index = torch.arange(first // 4, (first + count + 3) // 4)
    w0, w1, w2, w3 = philox_4x32((nodes[:, None], 0, index, int(Purpose.BROWNIAN)), _key(seed))
    pairs = [f(angle) * radius for radius, angle in (_polar(w0, w1), _polar(w2, w3)) for f in (torch.sin, torch.cos)]
    return torch.stack(pairs, dim=-1).flatten(1)[:, :count].to(torch.float32)


def philox_uniform(seed: int, index: Tensor, purpose: Purpose, draw: Tensor | int = 0) -> Tensor:
    """Uniforms in (0, 1), float64, of the broadcast shape of `index` and `draw` (int64, each below 2^32)."""
    return _unit(philox_4x32((draw, 0, index, int(purpose)), _key(seed))[0])


def philox_normal(
    seed: int, shape: Sequence[int], purpose: Purpose, draw: int = 0, device: torch.device | str = "cpu"
) -> Tensor:
    """Standard normals of one picture, of the given shape, float32; the element is the index in row-major order."""
    assert 0 <= draw <= _MASK, "a draw is below 2^32"
    drawn = torch.empty(math.prod(shape), dtype=torch.float32, device=device)
    for first in range(0, len(drawn), _PART):
        part = drawn[first : first + _PART]
        part.copy_(_normal(seed, draw, torch.arange(first, first + len(part), device=device), purpose))
    return drawn.reshape(tuple(shape))


def normal_at(seed: int, draws: Tensor, purpose: Purpose, shape: Sequence[int]) -> Tensor:
    """Standard normals for a batch of pictures with one seed, the training run's, and a draw for each.

    draws: (B,) int64 on the device that will use the noise, each below 2^32 (the counter of pictures seen, which a
    run of four billion views would exhaust). shape: of one picture. Returns (B, *shape), float32. Row i equals
    `philox_normal(seed, shape, purpose, draws[i])`. Tensor operations only, so that `torch.compile` fuses them.
    """
    index = torch.arange(math.prod(shape), device=draws.device)
    return _normal(seed, draws[:, None], index[None, :], purpose).reshape(draws.shape[0], *shape)


# The Brownian path lives on this interval of the coordinate (log-SNR or its half), and is halved this often.
_BROWNIAN_REACH = 64.0
_BROWNIAN_DEPTH = 24
_KEPT = 2**19
"""Elements of the largest picture whose branches are kept, 100 MB of them. A larger one's are drawn for each step anew,
some elements at a time: at 1024x1024 pixels they took 2.4 GB. That is 5 CPU seconds of a step, which takes the house
network minutes."""


@dataclass(frozen=True, slots=True)
class _Branch:
    """An interval of the Brownian tree that is being halved: its node, its ends, and the path at them, float64."""

    node: int
    low: float
    high: float
    left: Tensor
    right: Tensor

    def half(self, node: int, normal: Tensor) -> "_Branch":
        """The half of it that has this number, 2 n or 2 n + 1; normal: that of n."""
        middle = (self.low + self.high) / 2
        value = (self.left + self.right) / 2 + math.sqrt(self.high - self.low) / 2 * normal
        if node == 2 * self.node:
            return _Branch(node, self.low, middle, self.left, value)
        return _Branch(node, middle, self.high, value, self.right)

    def value(self, at: float) -> Tensor:
        """The path at a point of the interval, as if it were linear there."""
        return torch.lerp(self.left, self.right, (at - self.low) / (self.high - self.low))


def _root(normal: Tensor) -> _Branch:
    """The whole interval. normal: that of draw 0, float64."""
    end = math.sqrt(2 * _BROWNIAN_REACH) * normal
    return _Branch(1, -_BROWNIAN_REACH, _BROWNIAN_REACH, torch.zeros_like(end), end)


@dataclass(frozen=True, slots=True)
class PhiloxNoise:
    """One seed per picture; what is drawn for picture i is a function of seeds[i] alone. Lives on the CPU."""

    seeds: Sequence[int]
    _latest: list[tuple[_Branch, ...]] = field(default_factory=list, init=False, repr=False, compare=False)

    def normal(self, shape: Sequence[int], purpose: Purpose, draw: int) -> Tensor:
        """Standard normals (B, ...), float32. `draw` counts the draws of a purpose: the step's index, say."""
        assert shape[0] == len(self.seeds), f"{shape[0]} pictures but {len(self.seeds)} seeds"
        each = [philox_normal(seed, shape[1:], purpose, draw) for seed in self.seeds]
        return torch.stack(each) if len(each) > 1 else each[0][None]  # a copy is as large as the picture

    def brownian(self, shape: Sequence[int], t: float, s: float) -> Tensor:
        """W(s) − W(t), float32, variance |s − t|; additive over intervals, whatever points are asked for.

        W is a virtual Brownian tree on [−64, 64]: W(−64) = 0, W(64) = sqrt(128) N_0, and the middle of a dyadic
        interval of length h with ends W_a, W_b is (W_a + W_b)/2 + sqrt(h)/2 N_n, n its number in the binary heap,
        N_n the normals of draw n. After 24 halvings (length 7.6e-6) the path is linear.
        (Jelinčič, Foster & Kidger 2024, arXiv 2405.06464, describe such trees.)
        """
        assert shape[0] == len(self.seeds), f"{shape[0]} pictures but {len(self.seeds)} seeds"
        for at in (t, s):
            assert abs(at) <= _BROWNIAN_REACH, f"the Brownian path is defined on [-64, 64], not at {at}"
        if (count := math.prod(shape[1:])) > _KEPT:
            return torch.stack([_increment(seed, count, t, s) for seed in self.seeds]).reshape(tuple(shape))
        start = self._path(shape, t)
        return (self._path(shape, s) - start).to(torch.float32)

    def _path(self, shape: Sequence[int], at: float) -> Tensor:
        """W(at). The branches on the way to the latest point are kept: the next point shares most of them."""
        nodes = _way(at)
        known = self._latest[-1] if self._latest else ()  # one read: another thread may replace it, never change it
        if not known or known[0].right.shape != tuple(shape):
            known = (_root(next(self._normals(shape, [0]))),)
        way = [branch for branch, node in zip(known, nodes, strict=False) if branch.node == node]
        for normal in self._normals(shape, nodes[len(way) - 1 : -1]):
            way.append(way[-1].half(nodes[len(way)], normal))
        self._latest[:] = [tuple(way)]
        return way[-1].value(at)

    def _normals(self, shape: Sequence[int], nodes: Sequence[int]) -> Iterator[Tensor]:
        """The normals (B, ...) of each node, float64; several nodes a call, which saves a third of the time."""
        count = math.prod(shape[1:])
        for some in torch.split(torch.tensor(nodes), max(1, 2**19 // count)):
            drawn = torch.stack([_brownian_normals(seed, some, count) for seed in self.seeds], dim=1)
            yield from drawn.double().reshape(len(some), *shape)


def _increment(seed: int, count: int, t: float, s: float) -> Tensor:
    """`PhiloxNoise.brownian` of one picture, (count,), in parts: the same bits, and no branch is kept."""
    found = torch.empty(count)
    for first in range(0, count, _PART // 8):  # 24 nodes of these are as many normals as three whole parts
        part = found[first : first + _PART // 8]
        start, end = (_point(seed, len(part), first, at) for at in (t, s))
        part.copy_(end - start)
    return found


def _point(seed: int, count: int, first: int, at: float) -> Tensor:
    """W(at) of `count` elements from the first on, float64."""
    nodes = _way(at)
    root, *drawn = _brownian_normals(seed, torch.tensor([0, *nodes[:-1]]), count, first).double()
    branch = _root(root)
    for node, normal in zip(nodes[1:], drawn, strict=True):
        branch = branch.half(node, normal)
    return branch.value(at)


def _way(at: float) -> list[int]:
    """The nodes of the branches that hold a point, from the root, which is 1, to the leaf."""
    leaf = math.floor((at + _BROWNIAN_REACH) / (2 * _BROWNIAN_REACH) * 2**_BROWNIAN_DEPTH)
    leaf = 2**_BROWNIAN_DEPTH + min(leaf, 2**_BROWNIAN_DEPTH - 1)
    return [leaf >> up for up in range(_BROWNIAN_DEPTH, -1, -1)]
