"""Variations: the noise of a picture, mixed with that of another seed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from mezzotint.diffusion.noise import Noise, PhiloxNoise, Purpose
from mezzotint.editing.edit import Edit

__all__ = ["Mixed", "Vary", "nearest_seed"]

SEEDS = 2**64


@dataclass(frozen=True, slots=True)
class Mixed:
    """cos(θ) own + sin(θ) other, θ = share · π / 2, for every normal and for the increments of Brownian paths alike.

    Both noises are independent, so that the mixture has their law: standard normals, and a Brownian path. Its
    correlation with the first is cos(θ). (The circle through two samples on which Song et al. 2020, arXiv 2010.02502,
    section 5.3, go from one to the other; slerp takes the angle between them for θ's right angle, which it nearly is.)
    """

    own: Noise
    other: Noise
    share: float

    def normal(self, shape: Sequence[int], purpose: Purpose, draw: int) -> Tensor:
        return self._mixed(*(noise.normal(shape, purpose, draw) for noise in (self.own, self.other)))

    def brownian(self, shape: Sequence[int], t: float, s: float) -> Tensor:
        return self._mixed(*(noise.brownian(shape, t, s) for noise in (self.own, self.other)))

    def _mixed(self, own: Tensor, other: Tensor) -> Tensor:
        angle = self.share * math.pi / 2
        return math.cos(angle) * own + math.sin(angle) * other


@dataclass(frozen=True, slots=True)
class Vary(Edit):
    """Mixes the noise of a request with that of other seeds, one after the other: a variation, and variations of it.

    toward: (share, how far the other seed lies from the picture's own, mod 2^64). A share of 0 leaves the noise as it
    is and one of 1 is the other seed's, both bit for bit.
    """

    toward: tuple[tuple[float, int], ...]

    def noise(self, noise: Noise) -> Noise:
        """The mixture. It comes first of all edits, while a noise still is that of seeds."""
        assert isinstance(noise, PhiloxNoise), "variations are of seeds"
        mixed: Noise = noise
        for share, away in self.toward:
            if share:
                other = PhiloxNoise([(seed + away) % SEEDS for seed in noise.seeds])
                mixed = other if share == 1 else Mixed(mixed, other, share)
        return mixed


def nearest_seed(seed: int, toward: Sequence[tuple[float, int]]) -> int:
    """The seed that decides what cannot be mixed, such as a choice of words: the other one from a share of 0.5 on.

    toward: (share, seed).
    """
    for share, other in toward:
        seed = other if share >= 0.5 else seed
    return seed
