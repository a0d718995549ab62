"""What a prompt becomes before it meets a network."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Conditioning:
    """Tensors that condition a network, one row a picture.

    tokens  (B, N, width)  embeddings of the prompt's word pieces
    mask    (B, N) bool    True where there is a word piece, False where there is padding
    style   (B,) int64     drawing style; 0 = none given
    letters (B, M) int64   numbers of the quoted letters, 0 = padding (`LetterReader`); None for a model that reads none
    weights (B, N)         how many times as much each word piece counts, above 0; None: all as they are, 1
    letter_weights (B, M)  the same of the letters
    augment (B, K)         how a training picture was changed (`training.augment`); None, as in all drawing: not at all
    adapters (B, n)        how strongly each of the network's n adapters acts, in their order; None: none of them does
    distilled_guidance (B,)   the guidance that a network which takes it as an input is told; None: 1 for all, off
    """

    tokens: Tensor
    mask: Tensor
    style: Tensor
    letters: Tensor | None = None
    augment: Tensor | None = None
    adapters: Tensor | None = None
    weights: Tensor | None = None
    letter_weights: Tensor | None = None
    distilled_guidance: Tensor | None = None

    def __len__(self) -> int:
        return self.tokens.shape[0]

    def __getitem__(self, rows: slice | Tensor) -> Self:
        """The conditioning of some pictures."""
        return replace(self, **{name: value[rows] for name, value in self._given().items()})

    def cat(self, other: Self) -> Self:
        """Both batches, one after the other, padded to the longer prompt."""
        length = max(self.tokens.shape[1], other.tokens.shape[1])
        spelled = max(self._spelled(), other._spelled())
        adapters = cat_strengths(self.adapters, other.adapters, len(self), len(other))
        ones = [name for name in _ONES if any(getattr(one, name) is not None for one in (self, other))]
        a, b = (replace(one._with_ones(ones).padded(length, spelled), adapters=None)._given() for one in (self, other))
        assert a.keys() == b.keys(), "prompts of different models"
        joined = {name: torch.cat([value, b[name]]) for name, value in a.items()}
        return replace(self, **joined, adapters=adapters)

    def padded(self, length: int, letters: int | None = None) -> Self:
        """The same conditioning with room for `length` word pieces and so many letters (at least as many as now)."""
        missing = length - self.tokens.shape[1]
        more = 0 if letters is None else letters - self._spelled()
        assert min(missing, more) >= 0, (length, letters, self.tokens.shape)
        return replace(
            self,
            tokens=F.pad(self.tokens, (0, 0, 0, missing)),
            mask=F.pad(self.mask, (0, missing)),
            letters=None if self.letters is None else F.pad(self.letters, (0, more)),
            weights=None if self.weights is None else F.pad(self.weights, (0, missing), value=1.0),
            letter_weights=None if self.letter_weights is None else F.pad(self.letter_weights, (0, more), value=1.0),
        )

    def to(self, device: torch.device) -> Self:
        """The same values on another device."""
        return self.mapped(lambda value: value.to(device))

    def mapped(self, change: Callable[[Tensor], Tensor]) -> Self:
        """The same with every tensor that is given changed."""
        return replace(self, **{name: change(value) for name, value in self._given().items()})

    def active(self) -> Tensor | None:
        """The strengths of the adapters; None if every one of them is zero, so that their work is left out."""
        return self.adapters if self.adapters is not None and bool(self.adapters.any()) else None

    def _with_ones(self, names: list[str]) -> Self:
        """The same with ones in place of these fields, where they are not given."""
        like = {"weights": self.mask, "letter_weights": self.mask if self.letters is None else self.letters}
        like["distilled_guidance"] = self.style
        ones = {name: torch.ones(like[name].shape, device=self.mask.device) for name in names}
        return replace(self, **{name: one for name, one in ones.items() if getattr(self, name) is None})

    def _given(self) -> dict[str, Tensor]:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def _spelled(self) -> int:
        return 0 if self.letters is None else self.letters.shape[1]


_ONES = ("weights", "letter_weights", "distilled_guidance")
"""What is 1 where it is not given."""


def cat_strengths(first: Tensor | None, second: Tensor | None, rows: int, more: int) -> Tensor | None:
    """The strengths of adapters for two batches of so many pictures, one after the other; None counts as zeros."""
    given = first if first is not None else second
    if given is None:
        return None
    a = given.new_zeros(rows, given.shape[1]) if first is None else first
    b = given.new_zeros(more, given.shape[1]) if second is None else second
    return torch.cat([a, b])
