"""A model as a folder: `model.json`, `network.safetensors`, and `text/` with the text encoder, if it reads prompts.

`model.json` names the family, its sizes, the schedule and target it was trained with, its drawing styles, its
defaults for drawing, and the sha256 of every other file, which is checked when the model is loaded. Time grids that
were fitted to the model later are in `grids.json`: see `checkpoints.grids`.

A folder may hold only what its weights differ in from another model's (`checkpoints.low_rank`), which `beside` in
`model.json` names: that model's weights are needed then, and its text encoder.
"""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from mezzotint.checkpoints.grids import FittedGrid, read_grids
from mezzotint.checkpoints.low_rank import DOWN, UP, difference, sum_with
from mezzotint.checkpoints.quantise import dequantise, quantise
from mezzotint.checkpoints.tensors import file_digest, full_disk, load_tensors, replacing, save_tensors
from mezzotint.errors import InvalidCheckpoint, InvalidOption
from mezzotint.values import show

FORMAT = 1
DESCRIPTION = "model.json"
WEIGHTS = "network.safetensors"
TEXT = "text"
ENCODER = "encoder.safetensors"

BESIDE = "beside"

LARGEST = 10_000_000
"""Bytes of a description. One has a few thousand."""
_PLAIN = re.compile(r"[^\\/:\x00-\x1f]{1,255}")
"""A part of a path that stays in its folder on every system, unless it is all dots."""
_DIGEST = re.compile(r"[0-9a-f]{64}")

Storage = Literal["int8", "bf16", "fp32"]


@dataclass(frozen=True)
class ModelFolder:
    """What a model's folder holds, read and checked. `network` and `encoder` are float32; a model that reads no prompts
    has an empty `encoder`.

    `grids` are all that were fitted, also those that belong to other weights. `base` is the model that this one is
    told from, if it holds only what it differs in.
    """

    root: Path
    description: Mapping[str, Any]
    network: Mapping[str, Tensor]
    encoder: Mapping[str, Tensor]
    grids: tuple[FittedGrid, ...] = ()
    base: "ModelFolder | None" = None

    @property
    def text_root(self) -> Path:
        """The folder of the text encoder."""
        return self.root / TEXT if self.base is None else self.base.text_root

    @property
    def weights_sha256(self) -> str:
        """Digest of the network's weights file; if that holds a difference, it names the base's digest too."""
        return str(self.description["files"][WEIGHTS])

    @property
    def encoder_sha256(self) -> str:
        """Digest of the text encoder's weights file."""
        own = self if self.base is None else self.base
        return str(own.description["files"][f"{TEXT}/{ENCODER}"])


@dataclass(frozen=True)
class Beside:
    """The model that another one is written as the difference from, and the rank of that.

    name: that of an installed model, or the path from the other one's folder to its own. seen: second moments of what
    the other one's matrices are multiplied with, by name, as far as they are known.
    """

    name: str
    files: ModelFolder
    rank: int
    seen: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def told(self) -> dict[str, Any]:
        """What the other one's description says of it."""
        digests = {"weights_sha256": self.files.weights_sha256, "text_encoder_sha256": self.files.encoder_sha256}
        return {"model": self.name, **digests, "rank": self.rank}


def read_description(root: Path) -> dict[str, Any]:
    """The `model.json` of a model's folder. Raises `InvalidCheckpoint`."""
    path = root / DESCRIPTION
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError("too large")
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = description["format"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise InvalidCheckpoint(f"{root} is not a model's folder: {DESCRIPTION} is missing or damaged.") from None
    if version != FORMAT:
        raise InvalidCheckpoint(f"{root} has model format {show(version)}; this Mezzotint reads format {FORMAT}.")
    files = description.get("files")
    if not isinstance(files, dict) or WEIGHTS not in files:
        raise InvalidCheckpoint(f"{path} is not complete: it names no digest of {WEIGHTS}; get the model again.")
    for name, digest in files.items():
        if not all(part.strip(". ") and _PLAIN.fullmatch(part) for part in name.split("/")):
            raise InvalidCheckpoint(f"{path} names a file {name[:60]!r} outside of its folder; get another model.")
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise InvalidCheckpoint(f"{path} has no digest of {name[:60]!r}; get the model again.")
    return description


def read_model_folder(root: Path, find: Callable[[str], Path] | None = None) -> ModelFolder:
    """Read and check a model's folder. Raises `InvalidCheckpoint` if a file is missing, changed or of another kind.

    find: the folder of a model by its name, which one that holds only a difference needs; without it such a model is
    refused, as it is if the other model has other weights now.
    """
    description = read_description(root)
    for name in description["files"]:
        _check_file(root, description, name)
    grids = read_grids(root)
    network = dequantise(load_tensors(root / WEIGHTS)[0])
    if BESIDE in description:
        base = _base(root, description[BESIDE], find)
        return ModelFolder(root, description, sum_with(base.network, network), base.encoder, grids, base)
    reads = f"{TEXT}/{ENCODER}" in description["files"]
    encoder = dequantise(load_tensors(root / TEXT / ENCODER)[0]) if reads else {}
    return ModelFolder(root, description, network, encoder, grids)


def read_difference(root: Path) -> tuple[dict[str, Any], dict[str, Tensor], str]:
    """What a folder says of its model, the tensors that are in it, for `low_rank.sum_with` to add to any weights of the
    same shapes, and the digest of its own file; of a whole model all its tensors. Raises `InvalidCheckpoint` as
    `read_model_folder` does."""
    description = read_description(root)
    _check_file(root, description, WEIGHTS)
    return description, dequantise(load_tensors(root / WEIGHTS)[0]), description["files"][WEIGHTS]


def _check_file(root: Path, description: Mapping[str, Any], name: str) -> None:
    """Raises `InvalidCheckpoint` if a file of a model's folder is missing or is not the one that it names."""
    path = root / name
    if not path.is_file():
        raise InvalidCheckpoint(f"{root} lacks {name}; get the model again.")
    if file_digest(path) != description["files"].get(name):
        raise InvalidCheckpoint(f"{path} is not the file that {DESCRIPTION} names; get the model again.")


def _base(root: Path, told: Any, find: Callable[[str], Path] | None) -> ModelFolder:
    """The model that another one holds the difference from, by its name or by its place beside that one's folder."""
    try:
        name, digest = str(told["model"]), str(told["weights_sha256"])
    except (KeyError, TypeError):
        raise InvalidCheckpoint(
            f"{root}/{DESCRIPTION} does not say which model it stands beside; get it again."
        ) from None
    needs = f"{root} holds only what its weights differ in from those of {name} ({digest[:10]})"
    if find is None:
        raise InvalidCheckpoint(f"{needs}; give a model that is whole.")
    try:
        place = root / name if (root / name).is_dir() else find(name)
    except InvalidOption:
        raise InvalidCheckpoint(f"{needs}, and there is no such model; put it there again.") from None
    base = read_model_folder(place)
    if base.weights_sha256 != digest:
        raise InvalidCheckpoint(
            f"{needs}, but {name} has {base.weights_sha256[:10]} now; get the one that belongs to it."
        )
    return base


def stored(tensors: Mapping[str, Tensor], storage: Storage) -> dict[str, Tensor]:
    """Weights as a file holds them: int8 by row, bfloat16 for matrices, or float32."""
    if storage == "int8":
        return quantise(tensors)
    kind = torch.bfloat16 if storage == "bf16" else torch.float32
    return {n: t.to(kind) if t.ndim > 1 else t.float() for n, t in tensors.items()}


def _stored_beside(network: Mapping[str, Tensor], beside: Beside, storage: Storage) -> tuple[dict[str, Tensor], float]:
    """The difference from a model as a file holds it, and the share of it that is lacking."""
    kept, lacking = difference(network, beside.files.network, beside.rank, beside.seen)
    factors = {key: value for key, value in kept.items() if key.endswith((UP, DOWN))}
    tensors = stored({key: value for key, value in kept.items() if key not in factors}, storage)
    # factors are small matrices in the place of large ones
    return tensors | (quantise(factors, smallest=256) if storage == "int8" else stored(factors, storage)), lacking


def write_model_folder(
    root: Path,
    network: Mapping[str, Tensor],
    text: Path | None,
    description: Mapping[str, Any],
    storage: Storage,
    documents: Mapping[str, str],
    beside: Beside | None = None,
) -> None:
    """Write a model's folder, whole or not at all; an older model there is replaced.

    Raises `InvalidOption` if the folder holds something that is not a model, and `OutOfSpace`.

    `text` is the folder of the text encoder, copied as it is, or None for a model that reads no prompts; `documents`
    are files by name: the card, the attribution. beside: only the difference from a model is written, and no text
    encoder.
    """
    if root.exists() and not (root.is_dir() and ((root / DESCRIPTION).is_file() or not any(root.iterdir()))):
        raise InvalidOption(f"{root} holds something that is not a model; choose a new or empty folder.")
    with replacing(root) as staging, full_disk(root):
        if beside is None:
            save_tensors(staging / WEIGHTS, stored(network, storage))
        else:
            tensors, lacking = _stored_beside(network, beside, storage)
            save_tensors(staging / WEIGHTS, tensors, {BESIDE: beside.files.weights_sha256})
            description, text = {**description, BESIDE: {**beside.told, "lacking": lacking}}, None
        if text is not None:
            shutil.copytree(text, staging / TEXT)
        for name, content in documents.items():
            (staging / name).write_text(content, encoding="utf-8")
        names = [WEIGHTS, *(str(p.relative_to(staging)) for p in sorted((staging / TEXT).glob("*")))]
        files = {name: file_digest(staging / name) for name in names}
        whole = {"format": FORMAT, **description, "storage": storage, "files": files}
        (staging / DESCRIPTION).write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
