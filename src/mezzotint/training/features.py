"""Captions embedded once, before training."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mezzotint.checkpoints.tensors import replacing
from mezzotint.conditioning.text import TextConditioner


@dataclass(frozen=True)
class CaptionFeatures:
    """Token embeddings of many captions, end to end: caption i has the rows `offsets[i]` to `offsets[i + 1]`.

    tokens (total, width) float16, memory-mapped on a CPU; offsets (captions + 1,) int64; index: caption -> i.
    """

    tokens: Tensor
    offsets: Tensor
    index: Mapping[str, int]

    def to(self, device: torch.device) -> "CaptionFeatures":
        """The same embeddings in the memory of another device."""
        return CaptionFeatures(self.tokens.to(device), self.offsets.to(device), self.index)

    def batch(self, numbers: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """Tokens (B, length, width) float32 and mask (B, length) of the captions of these numbers (B,), zero-padded."""
        begin, end = self.offsets[numbers], self.offsets[numbers + 1]
        places = begin[:, None] + torch.arange(length, device=begin.device)
        mask = places < end[:, None]
        rows = self.tokens[places.clamp_max(len(self.tokens) - 1).flatten()].float()
        return rows.view(len(numbers), length, self.tokens.shape[1]) * mask[..., None], mask


def embed_captions(
    conditioner: TextConditioner,
    captions: Sequence[str],
    cache: Path,
    digest: str,
    progress: Callable[[int, int], None] | None = None,
) -> CaptionFeatures:
    """Embed distinct captions, or read the embeddings that an earlier run left in `cache`.

    `digest` identifies the text encoder; the cache folder's name is the hash of it, the length limit and the captions.
    """
    distinct = sorted(set(captions))
    key = hashlib.sha256("\n".join([digest, str(conditioner.length), *distinct]).encode()).hexdigest()[:24]
    folder = cache / key
    if not folder.is_dir():
        with replacing(folder, same=True) as staging:
            _write(conditioner, distinct, staging, progress)
    return CaptionFeatures(
        tokens=torch.from_numpy(np.load(folder / "tokens.npy", mmap_mode="c")),  # "c": torch wants it writable
        offsets=torch.from_numpy(np.load(folder / "offsets.npy")),
        index={caption: i for i, caption in enumerate(distinct)},
    )


def _write(
    conditioner: TextConditioner, captions: list[str], folder: Path, progress: Callable[[int, int], None] | None
) -> None:
    order = sorted(
        range(len(captions)), key=lambda i: len(captions[i])
    )  # alike lengths share a batch, padding is small
    rows: list[NDArray[np.float16]] = [np.zeros((0, 0), np.float16)] * len(captions)
    for start in range(0, len(order), 128):
        chosen = order[start : start + 128]
        ids, mask = conditioner.pieces([captions[i] for i in chosen])
        tokens = conditioner.embedded(ids, mask).cpu()
        for row, i in enumerate(chosen):
            rows[i] = tokens[row, mask[row]].numpy().astype(np.float16)
        if progress is not None:
            progress(min(start + 128, len(order)), len(order))
    np.save(folder / "tokens.npy", np.concatenate(rows))
    np.save(folder / "offsets.npy", np.cumsum([0, *(len(r) for r in rows)]).astype(np.int64))
