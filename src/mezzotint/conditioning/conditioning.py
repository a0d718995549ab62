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
    """

    tokens: Tensor
    mask: Tensor
    style: Tensor

    def __len__(self) -> int:
        return self.tokens.shape[0]

    def __getitem__(self, rows: slice) -> Self:
        """The conditioning of some pictures."""
        return replace(self, tokens=self.tokens[rows], mask=self.mask[rows], style=self.style[rows])

    def cat(self, other: Self) -> Self:
        """Both batches, one after the other, padded to the longer prompt."""
        length = max(self.tokens.shape[1], other.tokens.shape[1])
        a, b = self.padded(length), other.padded(length)
        return replace(self, **{f.name: torch.cat([getattr(a, f.name), getattr(b, f.name)]) for f in fields(self)})

    def padded(self, length: int) -> Self:
        """The same conditioning with room for `length` word pieces (at least as many as now)."""
        missing = length - self.tokens.shape[1]
        assert missing >= 0, (length, self.tokens.shape)
        return replace(self, tokens=F.pad(self.tokens, (0, 0, 0, missing)), mask=F.pad(self.mask, (0, missing)))

    def to(self, device: torch.device) -> Self:
        """The same values on another device."""
        return replace(self, **{f.name: getattr(self, f.name).to(device) for f in fields(self)})
