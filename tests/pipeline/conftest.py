"""Small models that the tests of the pipeline share."""

from dataclasses import replace
from pathlib import Path

import pytest

from mezzotint import Pipeline
from tests.support import SMALL, model_folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("models") / "random")


@pytest.fixture(scope="session")
def weak_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another network for the same prompts and size, with one block less."""
    return model_folder(tmp_path_factory.mktemp("models") / "weak", replace(SMALL, depth=1), seed=1)


@pytest.fixture(scope="session")
def pipe(folder: Path) -> Pipeline:
    return Pipeline.load(str(folder))
