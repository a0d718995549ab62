"""Captions embedded once, before training."""

import hashlib
from collections.abc import Callable, Sequence
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

    tokens (total, width) float16, memory-mapped; index: caption -> i.
    """

    tokens: NDArray[np.float16]
    offsets: NDArray[np.int64]
    index: dict[str, int]

    def batch(self, captions: Sequence[str], length: int) -> tuple[Tensor, Tensor]:
        """Tokens (B, length, width) float32 and mask (B, length) of some captions, padded with zeros."""
        width = self.tokens.shape[1]
        tokens = np.zeros((len(captions), length, width), dtype=np.float32)
        mask = np.zeros((len(captions), length), dtype=np.bool_)
        for row, caption in enumerate(captions):
            i = self.index[caption]
            begin, end = int(self.offsets[i]), int(self.offsets[i + 1])
            tokens[row, : end - begin] = self.tokens[begin:end]
            mask[row, : end - begin] = True
        return torch.from_numpy(tokens), torch.from_numpy(mask)


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
        with replacing(folder) as staging:
            _write(conditioner, distinct, staging, progress)
    return CaptionFeatures(
        tokens=np.load(folder / "tokens.npy", mmap_mode="r"),
        offsets=np.load(folder / "offsets.npy"),
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
        cond = conditioner([captions[i] for i in chosen])
        for row, i in enumerate(chosen):
            rows[i] = cond.tokens[row, cond.mask[row]].numpy().astype(np.float16)
        if progress is not None:
            progress(min(start + 128, len(order)), len(order))
    np.save(folder / "tokens.npy", np.concatenate(rows))
    np.save(folder / "offsets.npy", np.cumsum([0, *(len(r) for r in rows)]).astype(np.int64))
