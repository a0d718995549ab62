"""A place in which commands and code of the guides run: an empty folder, and a small model called house."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.docs.house import house_folder
from tests.support import picture_folder


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in for the house model."""
    return house_folder(tmp_path_factory.mktemp("models") / "house")


@pytest.fixture
def place(house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder, with `my-pictures/` in it; caches are inside it too."""
    import mezzotint.load

    here = tmp_path / "here"
    picture_folder(here / "my-pictures", 80, 64)
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(mezzotint.load, "HOUSE", house)
    threads = torch.get_num_threads()
    yield here
    torch.set_num_threads(threads)
