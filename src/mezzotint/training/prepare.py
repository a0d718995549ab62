"""From a run's configuration to a trainer that is ready to go."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from mezzotint.conditioning.text import TextConditioner
from mezzotint.data.icons import default_folder
from mezzotint.data.scenes import Fonts, load_fonts
from mezzotint.data.sources import FolderSource, IconSource, PictureSet
from mezzotint.errors import InvalidCheckpoint, InvalidOption
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.training.config import DataConfig, RunConfig
from mezzotint.training.features import embed_captions
from mezzotint.training.scene_feed import scene_feeds
from mezzotint.training.trainer import Trainer
from mezzotint.training.validation import validation_caption, validation_rows

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
    warm_start: tuple[str, Mapping[str, Tensor]] | None = None,
    progress: Progress | None = None,
    fonts: Fonts | None = None,
) -> Trainer:
    """Load the pictures, embed their captions, build the network; sizes that the data knows are read from the data.

    `warm_start` is the digest and the weights of a model to start from, instead of from a seed; it is recorded.
    fonts: for the words of scenes, if the run has scenes; those in the user's cache if not given.
    Raises `InvalidCheckpoint` if the weights are of another network.
    """
    pictures = load_pictures(run.data, run.network.size)
    run = replace(run, network=replace(run.network, styles=len(pictures.styles), text_width=conditioner.width))
    rows = pictures.split("train")[: run.data.limit or None]
    held_out = validation_rows(pictures, run.validation)
    captions = ["", *(caption for row in rows for caption in pictures.records[int(row)].captions)]
    captions += [validation_caption(pictures.records[int(row)].captions) for row in held_out]
    report = None if progress is None else lambda done, total: progress("captions", done, total)
    features = embed_captions(conditioner, captions, cache_folder() / "captions", text_digest, report)
    network = None if warm_start is None else _warm(run, warm_start[1])
    return Trainer(
        *(run, pictures, features, folder),
        text_digest=text_digest,
        network=network,
        warm_start=None if warm_start is None else warm_start[0],
        device=device,
        scenes=scene_feeds(run, pictures, fonts or load_fonts(), conditioner) if run.data.scenes else None,
    )


def _warm(run: RunConfig, weights: Mapping[str, Tensor]) -> PixelDiT:
    network = PixelDiT(run.network)
    expected = {name: p.shape for name, p in network.named_parameters()}
    if expected != {name: w.shape for name, w in weights.items()}:
        raise InvalidCheckpoint(
            "The weights to start from are of another network than this run's; choose the run they were made with."
        )
    network.load_state_dict(dict(weights))
    return network
