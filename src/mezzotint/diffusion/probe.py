"""A request to look at, or change, the attention of one network call.

Guidance by perturbed attention, skipped layers, prompt-to-prompt, heat maps and style references all ask for the same
thing: an attention matrix, at a known place. They pass a `Probe`; a network that has attention honours it, and one
that has none refuses it by name.
"""

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass

from torch import Tensor

from mezzotint.errors import InvalidOption

__all__ = ["AttentionEdit", "AttentionSite", "Further", "Probe", "TokensEdit", "blocks_of", "refuse_probe"]


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
class Further:
    """Keys and values that the queries of one block read besides its own: another picture's, seen in the same block.

    keys, values: (R, heads, M, head_width), as a `TokensEdit` received them; R divides the batch, row i reads i mod R.
    bias: added to the scores; the logarithm of a weight w multiplies the attention paid by w, before it is normalised.
    placed: the keys are those of the image tokens and stand where these stand; without it they stand nowhere: neither
        side of a score has a position.
    """

    keys: Tensor
    values: Tensor
    bias: float = 0.0
    placed: bool = False


TokensEdit = Callable[[AttentionSite, Tensor, Tensor], Sequence[Further]]
"""Receives the site and the keys and values (B, heads, tokens, head_width) of the network's own tokens in a block, as
they are before positions are put on them; returns what is to be read besides. A network appends it to the keys of the
site, so that `AttentionSite.image` and `text` hold."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What to do inside one network call.

    skip: indices of blocks to leave out (their input becomes their output).
    attention: receives the site and the attention weights (B, heads, queries, keys), rows summing to 1, and returns
        the weights to use; to record only, return them as they came.
    tokens: receives the site, and keys and values; returns further ones to read (see `TokensEdit`), or nothing.
    """

    skip: frozenset[int] = frozenset()
    attention: AttentionEdit | None = None
    tokens: TokensEdit | None = None

    def also(self, other: "Probe | None") -> "Probe":
        """Both requests: what either skips is skipped, other edits the attention after self, and tokens that either
        wants to be read are read."""
        if other is None:
            return self
        first, second = self.attention, other.attention
        attention = first or second
        if first is not None and second is not None:
            attention = lambda site, weights: second(site, first(site, weights))  # noqa: E731
        mine, theirs = self.tokens, other.tokens
        tokens = mine or theirs
        if mine is not None and theirs is not None:
            tokens = lambda site, keys, values: (*mine(site, keys, values), *theirs(site, keys, values))  # noqa: E731
        return Probe(self.skip | other.skip, attention, tokens)


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
