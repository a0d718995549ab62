"""The file of fitted grids: what it keeps, what it replaces, and what it refuses."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from mezzotint.checkpoints import grids
from mezzotint.checkpoints.grids import GRIDS, FittedGrid, check_writable, foreign, read_grids, store_grid
from mezzotint.errors import InvalidCheckpoint, InvalidOption, OutOfSpace

GRID = FittedGrid(
    solver="dpmpp-2m", steps=3, guidance=4.0, times=(1.0, 0.7, 0.2, 0.0), error=0.01, default_grid="uniform",
    default_error=0.02, starts=8, seed=1_000_000, fine_steps=100, prompts=("a cat",), weights_sha256="a" * 64,
    mezzotint="0.1.0",
)  # fmt: skip


def test_a_folder_without_grids_has_none(tmp_path: Path) -> None:
    assert read_grids(tmp_path) == ()


def test_grids_are_kept_apart_by_what_they_are_for_and_a_refit_takes_the_old_ones_place(tmp_path: Path) -> None:
    other = replace(GRID, steps=2, times=(1.0, 0.5, 0.0))
    third, fourth = replace(GRID, solver="ddim"), replace(GRID, guidance=7.5)
    for grid in (GRID, fourth, third, other):
        store_grid(tmp_path, grid)
    assert read_grids(tmp_path) == (third, other, GRID, fourth)
    again = replace(GRID, times=(1.0, 0.6, 0.1, 0.0), error=0.005)
    path = store_grid(tmp_path, again)
    assert read_grids(tmp_path) == (third, other, again, fourth)
    assert [file.name for file in tmp_path.iterdir()] == [path.name] == ["grids.json"]


def test_grids_of_other_weights_are_named(tmp_path: Path) -> None:
    old = replace(GRID, solver="heun", weights_sha256="b" * 64)
    assert foreign((GRID, old), "a" * 64) == "heun with 3 steps"
    assert foreign((GRID,), "a" * 64) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"times": [1.0, 0.7, 0.2]}, "a list of 4 numbers"),
        ({"times": [1.0, 0.2, 0.7, 0.0]}, "must fall"),
        ({"times": [1.0, 0.7, 0.2, 0.1]}, "must fall from at most 1 to 0"),
        ({"times": [1.5, 0.7, 0.2, 0.0]}, "number from 0 to 1"),
        ({"times": "1,0"}, "a list of 4 numbers"),
        ({"steps": 0}, "steps is 0"),
        ({"error": float("nan")}, "error is nan"),
        ({"guidance": -1}, "guidance is -1"),
        ({"weights_sha256": "xyz"}, "SHA-256"),
        ({"solver": ""}, "solver is ''"),
        ({"prompts": "a cat"}, "list of texts"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_entry_is_refused_and_the_sentence_says_which_file(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    entry = {**GRID.to_json_dict(), **change}
    with pytest.raises(InvalidOption):
        FittedGrid.from_json_dict(entry)
    (tmp_path / GRIDS).write_text(json.dumps({"format": 1, "grids": [entry]}))
    with pytest.raises(InvalidCheckpoint, match="delete it") as refused:
        read_grids(tmp_path)
    assert words in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path / GRIDS))


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"format": 1}', '{"format": 2, "grids": []}', '{"format": 1, "grids": 3}', "[" * 100_000]
)
def test_a_broken_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / GRIDS).write_text(text)
    with pytest.raises(InvalidCheckpoint, match="cannot be used"):
        read_grids(tmp_path)
    (tmp_path / GRIDS).write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidCheckpoint, match="cannot be used"):
        read_grids(tmp_path)


def test_two_grids_for_the_same_steps_are_refused(tmp_path: Path) -> None:
    entries = [GRID.to_json_dict(), replace(GRID, error=0.5).to_json_dict()]
    (tmp_path / GRIDS).write_text(json.dumps({"format": 1, "grids": entries}))
    with pytest.raises(InvalidCheckpoint, match="two grids"):
        read_grids(tmp_path)


@pytest.mark.parametrize("number", [28, 13, 30])  # full, forbidden, read-only
def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    store_grid(tmp_path, GRID)

    def fail(*args: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(grids.os, "replace", fail)
    with pytest.raises(OutOfSpace, match="no space left" if number == 28 else "copy the model's folder"):
        store_grid(tmp_path, replace(GRID, error=0.5))
    assert read_grids(tmp_path) == (GRID,)
    assert [file.name for file in tmp_path.iterdir()] == [GRIDS]


def test_a_folder_is_tried_before_it_is_needed(tmp_path: Path) -> None:
    check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OutOfSpace, match="cannot be written"):
        check_writable(tmp_path / "file")
