"""What a prompt becomes before it meets a network."""

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
    """

    tokens: Tensor
    mask: Tensor
    style: Tensor
    letters: Tensor | None = None

    def __len__(self) -> int:
        return self.tokens.shape[0]

    def __getitem__(self, rows: slice) -> Self:
        """The conditioning of some pictures."""
        return replace(self, **{name: value[rows] for name, value in self._given().items()})

    def cat(self, other: Self) -> Self:
        """Both batches, one after the other, padded to the longer prompt."""
        length = max(self.tokens.shape[1], other.tokens.shape[1])
        spelled = max(self._spelled(), other._spelled())
        a, b = self.padded(length, spelled)._given(), other.padded(length, spelled)._given()
        assert a.keys() == b.keys(), "prompts of different models"
        return replace(self, **{name: torch.cat([value, b[name]]) for name, value in a.items()})

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
        )

    def to(self, device: torch.device) -> Self:
        """The same values on another device."""
        return replace(self, **{name: value.to(device) for name, value in self._given().items()})

    def _given(self) -> dict[str, Tensor]:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def _spelled(self) -> int:
        return 0 if self.letters is None else self.letters.shape[1]
