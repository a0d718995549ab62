"""A request to look at, or change, the attention of one network call.

Guidance by perturbed attention, skipped layers, prompt-to-prompt, heat maps and style references all ask for the same
thing: an attention matrix, at a known place. They pass a `Probe`; a network that has attention honours it, and one
that has none refuses it by name.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

__all__ = ["AttentionSite", "Probe"]


@dataclass(frozen=True, slots=True)
class AttentionSite:
    """Where an attention matrix comes from.

    block: index of the transformer block. heads: number of heads. image, text: which keys are image tokens and which
    are text tokens (an empty slice if there are none). The queries are the image tokens.
    """

    block: int
    heads: int
    image: slice
    text: slice


@dataclass(frozen=True, slots=True)
class Probe:
    """What to do inside one network call.

    skip: indices of blocks to leave out (their input becomes their output).
    attention: receives the site and the attention weights (B, heads, queries, keys), rows summing to 1, and returns
        the weights to use; to record only, return them as they came.
    """

    skip: frozenset[int] = frozenset()
    attention: Callable[[AttentionSite, Tensor], Tensor] | None = None
