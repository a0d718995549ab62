from pathlib import Path

import pytest

from mezzotint.data.icons import Summary, build
from tests.data import packages


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of made-up icon packages."""
    return packages.make(tmp_path_factory.mktemp("node_modules"))


@pytest.fixture(scope="session")
def built(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Summary]:
    """The data set built from them."""
    out = tmp_path_factory.mktemp("data") / "icons"
    return out, build(out, size=32, packages=modules, workers=1, sets=packages.SETS)
