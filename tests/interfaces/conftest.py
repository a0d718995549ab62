"""The command line in this process, and small models and pictures for it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from mezzotint.interfaces.cli.main import cli
from tests.support import SMALL, model_folder, picture_folder

Run = Callable[..., Result]
SMALL_NETWORK = tuple(
    part
    for name in ("size", "patch", "width", "heads", "hidden", "bottleneck")
    for part in ("--set", f"network.{name}={getattr(SMALL, name)}")
)
"""The settings that make the network of the run `tiny` as small as those in tests."""


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command line sets the number of threads; no test may leave it changed."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty working folder; the user's cache folder is one that all tests share, that for data is empty."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
    return tmp_path


@pytest.fixture
def run() -> Run:
    """`run("imagine", "a cat", ...)` as a user would type it."""

    def call(*args: object) -> Result:
        return CliRunner().invoke(cli, [str(arg) for arg in args])

    return call


def sentence(result: Result) -> str:
    """The one sentence on stderr of a refusal with exit code 2."""
    assert result.exit_code == 2, (result.exit_code, result.output, result.exception)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    return lines[0]


def parsed(result: Result) -> Any:
    """The JSON object on stdout."""
    assert result.exit_code == 0, (result.exit_code, result.output, result.exception)
    return json.loads(result.stdout)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with random weights that draws 32×32 pixels in 4 steps."""
    return model_folder(tmp_path_factory.mktemp("models") / "random")


@pytest.fixture(scope="session")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with other weights."""
    return model_folder(tmp_path_factory.mktemp("models") / "other", replace(SMALL), seed=1)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 80 captioned squares."""
    return picture_folder(tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def tiny(pictures: Path) -> tuple[str, ...]:
    """Arguments of a run of 12 steps on that folder."""
    return (
        *("train", "tiny", "--threads", "1", *SMALL_NETWORK),
        *("--set", "data.source=folder", "--set", f"data.path={pictures}"),
        *("--set", "steps=12", "--set", "batch=4", "--set", "validation=4"),
        *("--set", "checkpoint_every=5", "--set", "validate_every=6", "--set", "sample_every=100"),
    )
