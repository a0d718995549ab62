"""From a run's configuration to a trainer that is ready to go."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from mezzotint.conditioning.text import TextConditioner
from mezzotint.data.icons import default_folder
from mezzotint.data.sources import FolderSource, IconSource, PictureSet
from mezzotint.errors import InvalidOption
from mezzotint.training.config import DataConfig, RunConfig
from mezzotint.training.features import embed_captions
from mezzotint.training.trainer import Trainer

Progress = Callable[[str, int, int], None]
"""Told (what, done, total) while a run is prepared."""


def cache_folder() -> Path:
    """Where run state and embeddings live: `$XDG_CACHE_HOME/mezzotint`, else `~/.cache/mezzotint`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mezzotint"


def run_folder(run: RunConfig) -> Path:
    """Where a run's state lives unless the user says otherwise."""
    return cache_folder() / "runs" / run.name


def load_pictures(data: DataConfig, size: int) -> PictureSet:
    """The pictures that a run asks for."""
    if data.source == "folder":
        if data.path is None:
            raise InvalidOption("data.source=folder needs data.path; add --set data.path=FOLDER.")
        return FolderSource(Path(data.path)).load(size)
    return IconSource(Path(data.path) if data.path else default_folder()).load(size)


def prepare(
    run: RunConfig,
    conditioner: TextConditioner,
    text_digest: str,
    folder: Path,
    *,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Trainer:
    """Load the pictures, embed their captions, build the network; sizes that the data knows are read from the data."""
    pictures = load_pictures(run.data, run.network.size)
    run = replace(run, network=replace(run.network, styles=len(pictures.styles), text_width=conditioner.width))
    rows = pictures.split("train")[: run.data.limit or None]
    records = [pictures.records[int(row)] for row in [*rows, *pictures.split("heldout")]]
    captions = ["", *(caption for record in records for caption in record.captions)]
    report = None if progress is None else lambda done, total: progress("captions", done, total)
    features = embed_captions(conditioner, captions, cache_folder() / "captions", text_digest, report)
    return Trainer(run, pictures, features, folder, text_digest=text_digest, device=device)
