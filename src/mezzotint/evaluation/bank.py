"""The features of a picture set by an encoder, computed once for everything that is compared with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from mezzotint.codecs.images import to_signed
from mezzotint.data.sources import PictureSet
from mezzotint.evaluation.encoder import Encoder

__all__ = ["Bank"]

_CHUNK = 512
"""Pictures in memory at a time."""


@dataclass(frozen=True)
class Bank:
    """An encoder and a picture set of its size."""

    encoder: Encoder
    pictures: PictureSet

    @cached_property
    def train(self) -> Tensor:
        """Features (N, width) of the training split, in the order of its rows."""
        return self.rows(self.pictures.split("train").tolist())

    @cached_property
    def heldout(self) -> Tensor:
        """Features (N, width) of the held-out split."""
        return self.rows(self.pictures.split("heldout").tolist())

    def rows(self, rows: Sequence[int]) -> Tensor:
        """Features (len(rows), width) of these rows."""
        parts = [
            self.encoder.pictures(to_signed(torch.from_numpy(self.pictures.pictures[rows[i : i + _CHUNK]])))
            for i in range(0, len(rows), _CHUNK)
        ]
        return torch.cat(parts)
