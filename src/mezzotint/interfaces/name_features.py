"""The features of all names that `describe` knows, kept in the user's cache: to compute them takes seconds.

The cache is never needed: what is not there, broken or cannot be written is computed again. Its folders are named by
the digest of everything that decides the features, so that a change of any of it finds none.
"""

import hashlib
from contextlib import suppress
from functools import singledispatch
from pathlib import Path

import torch
from torch import Tensor

from mezzotint import __version__
from mezzotint.checkpoints.tensors import load_tensors, replacing, save_tensors
from mezzotint.data.icons.fetch import cache_root
from mezzotint.errors import MezzotintError
from mezzotint.evaluation.describing import Describer, Ranker
from mezzotint.evaluation.encoder import Encoder
from mezzotint.evaluation.published import Clip

__all__ = ["remembered"]

FILE = "features.safetensors"
NEAR = 1e-3
"""How far from 1 the length of a feature may be."""


def remembered(teller: Describer, folder: Path | None = None) -> Describer:
    """The describer with the features of its names, from the cache, or computed and put there.

    folder: the cache's, `names` in the user's if not given.
    """
    key = hashlib.sha256("\n".join([*identity(teller.encoder), *teller.called]).encode()).hexdigest()[:24]
    place = (folder or cache_root() / "names") / key
    teller.known = _read(place / FILE, len(teller.vocabulary))
    if teller.known is None:
        found = teller.features()
        with suppress(MezzotintError, OSError), replacing(place) as staging:
            save_tensors(staging / FILE, {"features": found})
    return teller


@singledispatch
def identity(encoder: Ranker) -> tuple[str, ...]:
    """What decides the features of prompts besides their texts."""
    raise NotImplementedError(f"nothing is known of {type(encoder).__name__}")


@identity.register
def _(encoder: Encoder) -> tuple[str, ...]:
    text = hashlib.sha256(encoder.text.tokenizer.to_str().encode())
    for name, tensor in sorted(encoder.text.encoder.state_dict().items()):
        text.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        text.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    where = next(encoder.network.parameters()).device.type
    return ("encoder", encoder.weights_sha256, text.hexdigest(), str(encoder.text.length), where, *_versions())


@identity.register
def _(encoder: Clip) -> tuple[str, ...]:
    from importlib.metadata import version

    read = encoder.published.reader_sha256
    return ("clip", encoder.weights_sha256, read, version("transformers"), *_versions())


def _versions() -> tuple[str, ...]:
    return torch.__version__, __version__


def _read(path: Path, count: int) -> Tensor | None:
    """The features (count, width), of length 1; None for a file that is not there, or holds something else."""
    try:
        found = load_tensors(path)[0]["features"]
    except (MezzotintError, KeyError, OSError):
        return None
    if found.ndim != 2 or len(found) != count or found.dtype != torch.float32:
        return None
    lengths = found.norm(dim=1)
    return found if bool(((lengths - 1).abs() < NEAR).all()) else None
