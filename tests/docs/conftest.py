"""A place in which commands and code of the guides run: an empty folder, and a small model called house."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import mezzotint.load
from mezzotint.load import load_model
from mezzotint.model import Model
from tests.docs.house import house_folder
from tests.support import picture_folder, zorp_folder
from tests.upscalers import NETWORK, upscaler_folder


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in for the house model."""
    return house_folder(tmp_path_factory.mktemp("models") / "house")


@pytest.fixture(scope="session")
def upscaler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in for the upscaler."""
    return upscaler_folder(tmp_path_factory.mktemp("models") / "upscaler", replace(NETWORK, size=256), name="upscaler")


@pytest.fixture(scope="session")
def load_once() -> Callable[..., Model]:
    """`load_model`, but what is installed is read once for each device and dtype: models are immutable, reading is
    slow."""
    loaded: dict[tuple[str, str, str], Model] = {}

    def load(name: str = "house", *, device: str = "auto", dtype: str = "auto", **compiling: Any) -> Model:
        if name not in ("house", "upscaler") or compiling.get("compiled"):
            return load_model(name, device=device, dtype=dtype, **compiling)
        if (name, device, dtype) not in loaded:
            loaded[name, device, dtype] = load_model(name, device=device, dtype=dtype)
        return loaded[name, device, dtype]

    return load


@pytest.fixture
def place(
    house: Path, upscaler: Path, load_once: Callable[..., Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The working folder, with `my-pictures/` and `my-zorps/` in it; caches are inside it too."""
    here = tmp_path / "here"
    picture_folder(here / "my-pictures", 80, 64)
    zorp_folder(here / "my-zorps", 10, 64)
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(mezzotint.load, "HOUSE", house)
    monkeypatch.setattr(mezzotint.load, "UPSCALER", upscaler)
    monkeypatch.setattr(mezzotint.load, "load_model", load_once)
    threads = torch.get_num_threads()
    yield here
    torch.set_num_threads(threads)
