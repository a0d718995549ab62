"""Guidance away from a weakened copy of the model: what autoguidance, PAG, SEG and skip-layer guidance share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.guidance.base import conditional, only, steered
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import AttentionEdit, Probe, blocks_of
from mezzotint.diffusion.schedule import Schedule
from mezzotint.errors import InvalidOption

__all__ = ["WITHOUT_ATTENTION", "Contrast", "EditedAttention", "chosen_blocks"]

WITHOUT_ATTENTION = ("cfg", "apg", "autoguidance")
"""What one takes instead where a network has no attention; others need none either."""

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Contrast(Generic[C]):
    """x_0 + scale (x_0(cond) − x_0(weak)). Costs one evaluation more than `denoiser`.

    weak: the same network with something missing, or another one; called with the branch "cond" alone.
    weaken: how the attention and the blocks of the weak call differ, if that is how it is weakened; receives x_t.
    own_network: whether a probe that came with the call is meant for the weak network too.
    """

    denoiser: Denoiser[C]
    weak: Denoiser[C]
    name: str
    scale: float
    weaken: Callable[[Tensor], Probe] | None = None
    own_network: bool = True

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, C], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        strong = self.denoiser(x_t, t, cond, to=to, probe=probe)
        request = probe if self.own_network else None
        if self.weaken is not None:
            request = self.weaken(x_t) if request is None else request.also(self.weaken(x_t))
        weak = self.weak(x_t, t, only(cond), to=to, probe=request)
        x0 = strong.x0 + self.scale * (conditional(strong).x0 - weak.x0)
        return steered(strong, x0, **{self.name: weak})


@dataclass(frozen=True, slots=True)
class EditedAttention:
    """A probe's edit that leaves all blocks but some alone."""

    blocks: frozenset[int]
    edit: AttentionEdit

    def probe(self, x_t: Tensor) -> Probe:
        return Probe(attention=lambda site, weights: self.edit(site, weights) if site.block in self.blocks else weights)


def chosen_blocks(guidance: str, denoiser: object, blocks: tuple[int, ...] | None) -> frozenset[int]:
    """The blocks to weaken; the middle one, if None. A negative index counts from the end.

    Raises InvalidOption if no probe reaches the network, for a block that it does not have, and for none.
    """
    depth = blocks_of(denoiser)
    if depth is None:
        raise InvalidOption(
            f"The guidance {guidance} needs a network with attention blocks, and this model has none; "
            f"{', '.join(WITHOUT_ATTENTION[:-1])} and {WITHOUT_ATTENTION[-1]} need none."
        )
    if blocks == ():
        raise InvalidOption(
            f"The guidance {guidance} was given no block; name some of 0 to {depth - 1}, or leave it out."
        )
    for block in blocks or ():
        if isinstance(block, bool) or not isinstance(block, int) or not -depth <= block < depth:
            raise InvalidOption(
                f"The guidance {guidance} was given the block {block!r}; this network has the blocks 0 to {depth - 1}."
            )
    return frozenset({depth // 2} if blocks is None else {block % depth for block in blocks})
