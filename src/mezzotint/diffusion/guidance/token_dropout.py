"""Token dropout: away from what the model says of a prompt that it reads only in part."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number
from mezzotint.diffusion.guidance.contrast import Contrast, chosen_blocks
from mezzotint.diffusion.noise import Purpose, philox_uniform
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import AttentionSite, Probe
from mezzotint.diffusion.schedule import Schedule
from mezzotint.errors import InvalidOption

__all__ = ["RECORD", "TokenDropout", "without_tokens"]

C = TypeVar("C")

_DRAW = 1
"""Draw 0 of Purpose.PROMPT chooses the words of the guidance icg."""


@dataclass(frozen=True, slots=True)
class TokenDropout:
    """x_0 + scale (x_0(cond) − x_0(partial)); partial: some text tokens of the prompt get no attention. 0 = off.

    That is partial + (1 + scale) (cond − partial) if the rule is off. Of the n text tokens of a picture (padding is
    none) the ⌈share n⌉ with the smallest uniforms of (seed, place of the token) are hidden, in all blocks and the same
    in every call, but for one at least: a prompt of a single token is read whole, and changes nothing. share 0 = off.

    It is our reading of "self-guidance by conditional dropout": what a network would say of a condition dropped in part
    stands for the unconditional branch, so that, as with ICG (Sadat et al. 2024, arXiv 2407.02687), it need never have
    seen an empty prompt, and the weak branch is the network itself with other attention, as with PAG (Ahn et al. 2024,
    arXiv 2403.17377). Raises InvalidOption for a scale below 0, a share outside [0, 1], a seed that is not a whole
    number of at least 0, and for a model without attention, or none to text.
    """

    scale: float = 0.0
    share: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        check_number("token-dropout", "scale", self.scale)
        check_number("token-dropout", "share", self.share, 0, 1)
        if type(self.seed) is not int or self.seed < 0:
            raise InvalidOption(
                "The option seed of the guidance token-dropout must be a whole number of at least 0, not "
                f"{self.seed!r}."
            )

    def wrap(self, denoiser: Denoiser[C], plain: Denoiser[C]) -> Denoiser[C]:
        if self.scale == 0 or self.share == 0:
            return denoiser
        chosen_blocks("token-dropout", plain, None)  # refuses a network without attention
        return Contrast(denoiser, _Partial(plain, self.share, self.seed), "token-dropout", self.scale)


def without_tokens(weights: Tensor, share: float, seed: int) -> Tensor:
    """Weights of text keys (B, heads, queries, tokens) with 0 for those that are hidden; rows no longer sum to 1."""
    uniforms = philox_uniform(seed, torch.arange(weights.shape[-1]), Purpose.PROMPT, _DRAW).to(weights.device)
    there = (weights > 0).flatten(1, 2).any(dim=1)  # (B, tokens); no query attends to padding
    count = there.sum(1, keepdim=True)
    hidden = torch.minimum((share * count).ceil(), count - 1)
    rank = torch.where(there, uniforms, math.inf).argsort(dim=1).argsort(dim=1)
    return weights * (rank >= hidden)[:, None, None, :]


@dataclass(slots=True)
class _Hide:
    """The edit of one call; remembers whether it saw text."""

    share: float
    seed: int
    seen: list[int] = field(default_factory=list)

    def __call__(self, site: AttentionSite, weights: Tensor) -> Tensor:
        if site.text.stop == site.text.start:
            return weights
        self.seen.append(site.block)
        out = weights.clone()
        out[..., site.text] = without_tokens(weights[..., site.text], self.share, self.seed)
        total = out.sum(-1, keepdim=True)
        # a query that had eyes for hidden tokens alone sees all others alike
        kept = (out > 0).flatten(1, 2).any(dim=1)[:, None, None, :].to(out)
        out = torch.where(total < torch.finfo(out.dtype).tiny, kept, out)
        return out / out.sum(-1, keepdim=True)


@dataclass(frozen=True, slots=True)
class _Partial(Generic[C]):
    """A denoiser that reads its prompt in part."""

    denoiser: Denoiser[C]
    share: float
    seed: int

    @property
    def schedule(self) -> Schedule:
        return self.denoiser.schedule

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, C], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        hide = _Hide(self.share, self.seed)
        own = Probe(attention=hide)
        prediction = self.denoiser(x_t, t, cond, to=to, probe=own if probe is None else probe.also(own))
        if not hide.seen:
            raise InvalidOption(
                "The guidance token-dropout saw no attention to text tokens in this network; use pag, which needs none."
            )
        return prediction


RECORD = GuidanceRecord(
    "token-dropout",
    "modifier",
    TokenDropout,
    evaluations=1,
    source="after Sadat et al. 2024, arXiv 2407.02687, and Ahn et al. 2024, arXiv 2403.17377",
    needs=("attention",),
    aliases=("conditional-dropout",),
)
