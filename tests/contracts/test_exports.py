"""The public names of the package. Adding one is a decision; removing one breaks people's programs."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import mezzotint
import mezzotint.errors

PUBLIC = [
    "InvalidCheckpoint",
    "InvalidFile",
    "InvalidOption",
    "MezzotintError",
    "MissingDependency",
    "OutOfSpace",
    "Pipeline",
    "Recipe",
    "Request",
    "Result",
    "TrainingError",
]
HOME = {"Pipeline": "pipeline", "Recipe": "request", "Request": "request", "Result": "request"}


def test_the_public_names_are_frozen_and_sorted() -> None:
    assert list(mezzotint.__all__) == PUBLIC
    assert sorted(PUBLIC) == PUBLIC


def test_every_error_is_public() -> None:
    errors = {name for name in mezzotint.errors.__all__ if isinstance(getattr(mezzotint.errors, name), type)}
    assert errors == set(PUBLIC) - set(HOME)


@pytest.mark.parametrize("name", PUBLIC)
def test_each_can_be_imported_and_is_the_real_thing(name: str) -> None:
    home = importlib.import_module(f"mezzotint.{HOME.get(name, 'errors')}")
    assert getattr(mezzotint, name) is getattr(home, name)
    assert name in dir(mezzotint)


def test_an_unknown_name_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Pipelin"):
        _ = mezzotint.Pipelin  # type: ignore[attr-defined]
    assert not hasattr(mezzotint, "torch")


def test_a_star_import_gives_the_public_names(tmp_path: Path) -> None:
    code = "from mezzotint import *; print(' '.join(sorted(n for n in dir() if not n.startswith('__'))))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, cwd=tmp_path)
    assert done.stdout.split() == PUBLIC
