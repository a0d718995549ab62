"""A place in which commands and code of the guides run: an empty folder, and a small model called house."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import mezzotint.load
from mezzotint.load import load_model
from mezzotint.model import Model
from tests.docs.house import house_folder
from tests.support import picture_folder, zorp_folder


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in for the house model."""
    return house_folder(tmp_path_factory.mktemp("models") / "house")


@pytest.fixture(scope="session")
def load_once() -> Callable[..., Model]:
    """`load_model`, but house is read once for each device and dtype: a model is immutable, and reading it is slow."""
    loaded: dict[tuple[str, str], Model] = {}

    def load(name: str = "house", *, device: str = "auto", dtype: str = "auto", **compiling: Any) -> Model:
        if name != "house" or compiling.get("compiled"):
            return load_model(name, device=device, dtype=dtype, **compiling)
        if (device, dtype) not in loaded:
            loaded[device, dtype] = load_model(name, device=device, dtype=dtype)
        return loaded[device, dtype]

    return load


@pytest.fixture
def place(
    house: Path, load_once: Callable[..., Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The working folder, with `my-pictures/` and `my-zorps/` in it; caches are inside it too."""
    here = tmp_path / "here"
    picture_folder(here / "my-pictures", 80, 64)
    zorp_folder(here / "my-zorps", 10, 64)
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(mezzotint.load, "HOUSE", house)
    monkeypatch.setattr(mezzotint.load, "load_model", load_once)
    threads = torch.get_num_threads()
    yield here
    torch.set_num_threads(threads)
