"""A request to look at, or change, the attention of one network call.

Guidance by perturbed attention, skipped layers, prompt-to-prompt, heat maps and style references all ask for the same
thing: an attention matrix, at a known place. They pass a `Probe`; a network that has attention honours it, and one
that has none refuses it by name.
"""

from collections.abc import Callable, Sized
from dataclasses import dataclass

from torch import Tensor

from mezzotint.errors import InvalidOption

__all__ = ["AttentionEdit", "AttentionSite", "Probe", "blocks_of", "refuse_probe"]


@dataclass(frozen=True, slots=True)
class AttentionSite:
    """Where an attention matrix comes from.

    block: index of the transformer block. heads: number of heads. image, text: which keys are image tokens and which
    are text tokens (an empty slice if there are none). The queries are the image tokens, or all of the network's own
    tokens in the order of the keys; `image_queries` tells which of them are image tokens.
    """

    block: int
    heads: int
    image: slice
    text: slice

    def image_queries(self, queries: int) -> slice:
        """Which of this many queries are image tokens."""
        count = self.image.stop - self.image.start
        return slice(0, queries) if queries == count else self.image


AttentionEdit = Callable[[AttentionSite, Tensor], Tensor]
"""Receives the site and the attention weights (B, heads, queries, keys); returns those to use."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What to do inside one network call.

    skip: indices of blocks to leave out (their input becomes their output).
    attention: receives the site and the attention weights (B, heads, queries, keys), rows summing to 1, and returns
        the weights to use; to record only, return them as they came.
    """

    skip: frozenset[int] = frozenset()
    attention: AttentionEdit | None = None

    def also(self, other: "Probe | None") -> "Probe":
        """Both requests: what either skips is skipped, and other edits the attention after self."""
        if other is None:
            return self
        first, second = self.attention, other.attention
        if first is None or second is None:
            return Probe(self.skip | other.skip, first or second)
        return Probe(self.skip | other.skip, lambda site, weights: second(site, first(site, weights)))


def blocks_of(denoiser: object) -> int | None:
    """How many blocks with attention a probe reaches in the network inside a denoiser; None if it reaches none.

    A network that honours probes keeps its blocks in a sequence called `blocks`; `Probe.skip` and `AttentionSite.block`
    count in it. The network is the field `network` of the innermost denoiser.
    """
    while hasattr(denoiser, "denoiser"):
        denoiser = denoiser.denoiser
    blocks = getattr(getattr(denoiser, "network", None), "blocks", None)
    return len(blocks) if isinstance(blocks, Sized) and len(blocks) else None


def refuse_probe(probe: Probe | None, who: str) -> None:
    """For denoisers without attention. Raises InvalidOption if there is a probe."""
    if probe is not None:
        raise InvalidOption(f"{who} has no attention to look at or to change; use a network with attention.")
