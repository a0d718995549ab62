"""A small run on a small folder of pictures."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mezzotint.interfaces.warm import warm_started
from mezzotint.load import load_text
from mezzotint.training.config import DataConfig, RunConfig
from mezzotint.training.objective import ObjectiveConfig
from mezzotint.training.prepare import prepare
from mezzotint.training.student import StudentRun
from mezzotint.training.trainer import Trainer
from tests.support import SMALL, model_folder, picture_folder

MakeTrainer = Callable[..., Trainer]
BRIEF: dict[str, Any] = {"batch": 4, "checkpoint_every": 5, "validate_every": 6, "validation": 8}


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return picture_folder(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def small_run(pictures: Path) -> RunConfig:
    return RunConfig(
        name="small",
        network=replace(SMALL, styles=0),
        data=DataConfig(source="folder", path=str(pictures)),
        steps=12,
        **BRIEF,
    )


@pytest.fixture
def make_trainer(
    small_run: RunConfig, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> MakeTrainer:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    conditioner, digest = load_text(small_run.conditions.text_length)

    def make(folder: Path, run: RunConfig = small_run) -> Trainer:
        return prepare(run, conditioner, digest, folder)

    return make


@pytest.fixture(scope="session")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("teacher") / "m")


@pytest.fixture
def student_run(small_run: RunConfig) -> StudentRun:
    network = replace(small_run.network, flow_map=True, distilled_guidance=True)
    return StudentRun(
        name="small",
        network=network,
        data=small_run.data,
        objective=ObjectiveConfig(density="uniform"),
        steps=6,
        **BRIEF,
    )


@pytest.fixture
def begin(make_trainer: MakeTrainer, student_run: StudentRun, teacher: Path) -> MakeTrainer:
    def make(folder: Path, run: StudentRun = student_run) -> Trainer:
        return warm_started(make_trainer(folder, run), str(teacher))

    return make
