"""A run on icons learns from captions in frames; a run on somebody's own folder from what is written there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mezzotint.data.frames import unframed
from mezzotint.data.sources import FolderSource
from mezzotint.training import prepare as preparing
from mezzotint.training.batches import Batches
from mezzotint.training.config import DataConfig, RunConfig
from mezzotint.training.trainer import Trainer


def test_only_runs_on_icons_have_captions_in_frames(
    make_trainer: Callable[..., Trainer],
    small_run: RunConfig,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = make_trainer(tmp_path / "own").batches
    monkeypatch.setattr(preparing, "load_pictures", lambda *given, **options: FolderSource(pictures).load(32))
    icons = make_trainer(tmp_path / "icons", replace(small_run, data=DataConfig())).batches
    assert isinstance(plain, Batches)
    assert isinstance(icons, Batches)
    more = icons.features.index.keys() - plain.features.index.keys()
    assert len(more) > 10
    assert {unframed(text) for text in more} <= plain.features.index.keys()
    assert not [text for text in plain.features.index if unframed(text) != text]
    assert int(icons._counts.sum()) > int(plain._counts.sum()), "they are drawn from, not only embedded"
