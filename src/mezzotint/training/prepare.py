"""From a run's configuration to a trainer that is ready to go."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from mezzotint.conditioning.text import TextConditioner
from mezzotint.data.avatars import default_folder as avatars_folder
from mezzotint.data.captions import LONGEST
from mezzotint.data.frames import framed_captions
from mezzotint.data.heldout import densest_caption, heldout_rows
from mezzotint.data.icons import default_folder
from mezzotint.data.large import large_folder
from mezzotint.data.scenes import Fonts, load_fonts
from mezzotint.data.sources import FolderSource, IconSource, PictureSet, styles_of
from mezzotint.errors import InvalidOption
from mezzotint.training.avatar_feed import avatar_captions, avatar_feeds
from mezzotint.training.config import DataConfig, DetectorRun, EncoderRun, GanRun, Run, RunConfig, UpscalerRun
from mezzotint.training.features import embed_captions
from mezzotint.training.scene_feed import scene_feeds
from mezzotint.training.task import Supplies
from mezzotint.training.trainer import Trainer

Progress = Callable[[str, int, int], None]
"""Told (what, done, total) while a run is prepared."""


def cache_folder() -> Path:
    """Where run state and embeddings live: `$XDG_CACHE_HOME/mezzotint`, else `~/.cache/mezzotint`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mezzotint"


def run_folder(run: Run) -> Path:
    """Where a run's state lives unless the user says otherwise."""
    return cache_folder() / "runs" / run.name


def load_pictures(data: DataConfig, size: int, large: bool = False) -> PictureSet:
    """The pictures that a run asks for; of the house set or the large one, where it names no folder."""
    if data.source == "folder":
        if data.path is None:
            raise InvalidOption("data.source=folder needs data.path; add --set data.path=FOLDER.")
        return FolderSource(Path(data.path)).load(size)
    home, name = (large_folder(), "large") if large else (default_folder(), "icons")
    return IconSource(Path(data.path) if data.path else home, name).load(size)


def prepare(
    run: Run,
    conditioner: TextConditioner,
    text_digest: str,
    folder: Path,
    *,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
    fonts: Fonts | None = None,
) -> Trainer:
    """Load the pictures, embed their captions, build the network; sizes that the data knows are read from the data.

    fonts: for the words of scenes, if the run has scenes; those in the user's cache if not given.
    """
    pictures = load_pictures(run.data, run.network.size, large=isinstance(run, UpscalerRun))
    if run.data.source == "icons":
        pictures = framed_captions(pictures, LONGEST)
    avatars = IconSource(avatars_folder(), "avatars").load(run.network.size) if run.data.avatars else None
    styles = pictures.styles if avatars is None else styles_of(pictures, avatars)
    run = _fitted(run, len(styles), conditioner.width)
    rows = pictures.split("train")[: run.data.limit or None]
    held_out = heldout_rows(pictures, run.validation)
    # every run that reads captions asks for the same ones, so that all share one cache
    captions = ["", *(caption for row in rows for caption in pictures.records[int(row)].captions)]
    captions += [densest_caption(pictures.records[int(row)].captions) for row in held_out]
    if isinstance(run, DetectorRun | UpscalerRun):
        captions = [""]  # they read none
    report = None if progress is None else lambda done, total: progress("captions", done, total)
    cache = cache_folder() / "captions"
    embedder = conditioner.on(torch.device(device))
    features = embed_captions(embedder, captions, cache, text_digest, report)
    scenes = scene_feeds(run, pictures, fonts or load_fonts(), conditioner, styles, device) if run.data.scenes else {}
    supplies = Supplies(pictures, features, conditioner, text_digest, scenes)
    if avatars is not None and isinstance(run, RunConfig):
        # embedded by themselves, so that the other captions are read from the cache of runs without avatars
        known = embed_captions(embedder, avatar_captions(avatars), cache, text_digest, report)
        supplies = replace(supplies, avatars=avatar_feeds(run, avatars, known, styles, device))
    return Trainer(run, supplies, folder, device=device)


def _fitted(run: Run, styles: int, text_width: int) -> Run:
    """The run with the sizes of its data."""
    if isinstance(run, DetectorRun | UpscalerRun):
        return run
    if isinstance(run, EncoderRun):
        return replace(run, network=replace(run.network, text_width=text_width))
    if isinstance(run, GanRun):
        return replace(run, network=replace(run.network, styles=styles, text_width=text_width))
    return replace(run, network=replace(run.network, styles=styles, text_width=text_width))
