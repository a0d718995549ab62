"""Shared attention: while a picture is drawn, its tokens also read those of a reference picture."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.guidance.base import steered
from mezzotint.diffusion.noise import Noise, Purpose
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import AttentionSite, Further, Probe, blocks_of
from mezzotint.diffusion.schedule import Schedule
from mezzotint.editing.edit import Canvas, Edit
from mezzotint.editing.windows import flat
from mezzotint.errors import InvalidOption

__all__ = ["REFERENCE", "Seen", "SharedAttention"]

REFERENCE = "reference"
"""The branch under which references are seen: an empty prompt, as nobody says what they show."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A reference for one group of pictures. leaf: the denoiser without guidance; cond: what it is told, under "cond";
    latents, eps: the reference and its noise, (B, C, 1, H, W)."""

    leaf: Denoiser[Any]
    cond: Mapping[str, Any]
    latents: Tensor
    eps: Tensor


@dataclass(frozen=True, eq=False)
class SharedAttention(Edit):
    """In every block the queries read the keys and values of a reference, noised to the same t, after all others.

        softmax([q k^T, q k_ref^T + log weight]) [v, v_ref]

    so that the attention paid to the reference is multiplied by `weight` before it is normalised; 0 is off, to the bit.
    name: the branch under which its prediction is found, and its evaluation counted: one more in each prediction.
    pixels: the reference, (C, 1, H, W) in [-1, 1], of the size that the network draws at once. placed: its keys stand
    where its tokens stand; otherwise nowhere, see `Further`. late: in the second half of the blocks alone. draw: which
    noise of `Purpose.REFERENCE` it gets.
    Every branch of the guidance reads it, so that guidance keeps pulling to the prompt alone.
    Sources: Hertz et al. 2024 (StyleAligned, arXiv 2312.02133), section 3, without its normalisation of queries and
    keys (RMS-normalised ones have little to normalise); the weight as in Hertz et al. 2022, arXiv 2208.01626.
    """

    name: str
    pixels: Tensor
    weight: float
    placed: bool
    late: bool
    draw: int

    def wrap(self, denoiser: Denoiser[Any]) -> Denoiser[Any]:
        """The denoiser that reads the reference. Raises InvalidOption for a network without attention."""
        if self.weight == 0:
            return denoiser
        depth = blocks_of(denoiser)
        if depth is None:
            raise InvalidOption(
                f"{self.name} needs a network with attention blocks, and this model has none; begin with the picture "
                "instead, as image with a strength, or follow its layout, as structure_ref."
            )
        return _Reading(denoiser, self, depth // 2 if self.late else 0)

    def condition(self, branches: Mapping[str, Any], canvas: Canvas, noise: Noise) -> Mapping[str, Any]:
        """The branches, and under `name` the reference."""
        if self.weight == 0 or canvas.plain is None:
            return branches
        latents = canvas.codec.encode(self.pixels[None], noise)
        latents = latents.expand(canvas.shape[0], *latents.shape[1:])
        eps = noise.normal(latents.shape, Purpose.REFERENCE, self.draw)
        told = {"cond": canvas.plain.branches[REFERENCE]}
        leaf = flat(canvas.plain.leaf)  # a reference is no tile: it is seen at once, and not window by window
        return {**branches, self.name: Seen(leaf, told, latents, eps)}


@dataclass(frozen=True, slots=True)
class _Reading:
    denoiser: Denoiser[Any]
    options: SharedAttention
    first: int

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, Any], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        rest = {name: told for name, told in cond.items() if name != self.options.name}
        seen: Seen = cond[self.options.name]
        store: dict[int, tuple[Tensor, Tensor]] = {}

        def look(site: AttentionSite, keys: Tensor, values: Tensor) -> Sequence[Further]:
            if site.block >= self.first:
                store[site.block] = keys[:, :, site.image], values[:, :, site.image]
            return ()

        with torch.no_grad():  # where a gradient is taken, it is of x_t, and the reference does not depend on it
            noised = self.schedule(t).noised(seen.latents.to(x_t), seen.eps.to(x_t))
            reference = seen.leaf(noised, t, seen.cond, to=to, probe=Probe(tokens=look))
        bias, placed = math.log(self.options.weight), self.options.placed

        def read(site: AttentionSite, keys: Tensor, values: Tensor) -> Sequence[Further]:
            return (Further(*store[site.block], bias, placed),) if site.block in store else ()

        asked = Probe(tokens=read).also(probe)
        prediction = self.denoiser(x_t, t, rest, to=to, probe=asked)
        return steered(prediction, prediction.x0, **{self.options.name: reference})
