"""The public names of the package. Adding one is a decision; removing one breaks people's programs."""

import importlib
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import mezzotint
import mezzotint.errors

PUBLIC = ["MezzotintError", "Pipeline", "Recipe", "Request", "Result", "expanded_prompts"]
HOME = {
    "MezzotintError": "errors",
    "Pipeline": "pipeline",
    "Recipe": "recipe",
    "Request": "request",
    "Result": "recipe",
    "expanded_prompts": "conditioning.prompt.expand",
}
ERRORS = [
    "InvalidCheckpoint",
    "InvalidFile",
    "InvalidOption",
    "MezzotintError",
    "MissingDependency",
    "OutOfSpace",
    "TrainingError",
]


def test_the_public_names_are_frozen_and_sorted() -> None:
    assert list(mezzotint.__all__) == PUBLIC
    assert sorted(PUBLIC) == PUBLIC


def test_the_errors_are_frozen_and_of_one_family() -> None:
    errors = [name for name in mezzotint.errors.__all__ if isinstance(getattr(mezzotint.errors, name), type)]
    assert errors == ERRORS
    assert all(issubclass(getattr(mezzotint.errors, name), mezzotint.MezzotintError) for name in errors)


def test_the_version_is_the_installed_one() -> None:
    assert mezzotint.__version__ == importlib.metadata.version("mezzotint")


@pytest.mark.parametrize("name", PUBLIC)
def test_each_can_be_imported_and_is_the_real_thing(name: str) -> None:
    home = importlib.import_module(f"mezzotint.{HOME[name]}")
    assert getattr(mezzotint, name) is getattr(home, name)
    assert name in dir(mezzotint)


def test_an_unknown_name_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Pipelin"):
        _ = mezzotint.Pipelin
    assert not hasattr(mezzotint, "torch")


def test_a_star_import_gives_the_public_names(tmp_path: Path) -> None:
    code = "from mezzotint import *; print(' '.join(sorted(n for n in dir() if not n.startswith('__'))))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, cwd=tmp_path)
    assert done.stdout.split() == PUBLIC
