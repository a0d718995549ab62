"""Checkpoints of a run: which are kept, and what is left of them when something goes wrong."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mezzotint.checkpoints.tensors import replacing
from mezzotint.errors import InvalidCheckpoint, OutOfSpace
from mezzotint.training import state


def save(folder: Path, step: int, keep: int = 1) -> Path:
    """A checkpoint whose weights say of which step they are."""
    facts = {"step": step, "run": {"name": "r"}}
    return state.save(folder, state.Snapshot(facts, {"network": {"w": torch.full((4,), float(step))}}), keep)


def damage(path: Path) -> None:
    file = path / "network.safetensors"
    file.write_bytes(file.read_bytes()[:-3])


def names(folder: Path) -> list[int]:
    return [int(path.name[-8:]) for path in state.steps(folder)]


def newest_step(folder: Path) -> int:
    """Of the newest whole checkpoint, whose weights are looked at too."""
    path = state.newest(folder)
    assert path is not None
    snapshot = state.load(path)
    assert torch.equal(snapshot.tensors["network"]["w"], torch.full((4,), float(snapshot.facts["step"])))
    return int(snapshot.facts["step"])


def test_what_was_just_saved_is_kept_beside_a_damaged_newer_one(tmp_path: Path) -> None:
    save(tmp_path, 5, keep=2)
    damage(save(tmp_path, 10, keep=2))
    save(tmp_path, 7)
    assert names(tmp_path) == [7, 10]
    assert newest_step(tmp_path) == 7
    save(tmp_path, 10)
    assert (names(tmp_path), newest_step(tmp_path)) == ([10], 10)


def test_damaged_checkpoints_do_not_count(tmp_path: Path) -> None:
    for step in (1, 2, 3, 4):
        save(tmp_path, step, keep=9)
    damage(tmp_path / "step-00000003")
    (tmp_path / "step-00000004" / "state.json").write_text("{")
    save(tmp_path, 5, keep=2)
    assert names(tmp_path) == [2, 3, 4, 5]
    save(tmp_path, 6, keep=2)
    assert names(tmp_path) == [5, 6]


class Killed(BaseException):
    """The end of the process, as far as the disk can tell: nothing changes there any more."""


def killed_at(number: int, patch: pytest.MonkeyPatch, folder: Path) -> bool:
    """Save step 10, and end before change number `number` of the disk; whether there were so many."""
    left = [number]

    def dying(change: Callable[..., Any]) -> Callable[..., Any]:
        def once(*args: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and change is shutil.rmtree:
                next(iter(Path(args[0]).iterdir())).unlink()  # half-way
            if left[0] <= 0:
                raise Killed
            return change(*args, **options)

        return once

    with patch.context() as on:
        for owner, name in ((os, "fsync"), (os, "replace"), (shutil, "rmtree"), (Path, "write_text"), (Path, "chmod")):
            on.setattr(owner, name, dying(getattr(owner, name)))
        try:
            save(folder, 10)
        except Killed:
            return True
    return False


@pytest.mark.parametrize("over", [False, True], ids=["new", "over a damaged one"])
def test_a_kill_at_any_point_leaves_a_whole_newest_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, over: bool
) -> None:
    seen = []
    for number in range(1, 100):
        folder = tmp_path / str(number)
        save(folder, 5)
        if over:
            damage(save(folder, 10, keep=2))
        killed = killed_at(number, monkeypatch, folder)
        seen.append(newest_step(folder))
        if not killed:
            break
        save(folder, 15)
        assert [path.name for path in folder.iterdir()] == ["step-00000015"], "nothing is left of the killed one"
        assert newest_step(folder) == 15
    assert len(seen) > 8
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (5, 10)


def test_what_is_being_written_is_not_taken_for_abandoned(tmp_path: Path) -> None:
    abandoned = tmp_path / ".staged-before"
    abandoned.mkdir()
    (abandoned / "network.safetensors").write_bytes(b"half")
    with replacing(tmp_path / "step-00000009") as staging:
        save(tmp_path, 10)
        assert staging.is_dir()
        assert not abandoned.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000009", "step-00000010"]


def test_a_step_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    save(tmp_path, 5, keep=2)
    path = save(tmp_path, 10, keep=2) / "state.json"
    written = path.read_text()
    assert "sha256" not in state.read_facts(path.parent)
    path.write_text(written.replace('"step": 10', '"step": 11'))
    with pytest.raises(InvalidCheckpoint, match=r"state\.json differs from what was written"):
        state.load(path.parent)
    assert newest_step(tmp_path) == 5
    path.write_text(json.dumps(json.loads(written)))
    assert newest_step(tmp_path) == 10, "the same in another layout"


def test_checkpoints_from_before_there_was_a_digest_are_read(tmp_path: Path) -> None:
    path = save(tmp_path, 5) / "state.json"
    facts = json.loads(path.read_text())
    del facts["sha256"]
    path.write_text(json.dumps(facts))
    assert newest_step(tmp_path) == 5


def test_what_is_passed_over_has_a_reason(tmp_path: Path) -> None:
    assert state.found(tmp_path) == (None, [])
    for step in (1, 2, 3, 4):
        save(tmp_path, step, keep=4)
    assert state.found(tmp_path) == (tmp_path / "step-00000004", [])
    weights = tmp_path / "step-00000004" / "network.safetensors"
    whole = bytearray(weights.read_bytes())
    whole[-1] ^= 1
    weights.write_bytes(whole)
    cut, emptied = tmp_path / "step-00000003", tmp_path / "step-00000002"
    damage(cut)
    (emptied / "state.json").unlink()
    assert state.found(tmp_path) == (
        tmp_path / "step-00000001",
        [
            f"{weights.parent} is damaged: network.safetensors differs from what was written",
            f"{cut} is damaged: network.safetensors is missing or only a part of what was written",
            f"{emptied} is not a complete checkpoint: state.json is missing or damaged",
        ],
    )


def test_a_save_that_fails_removes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 5)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            with pytest.raises(OutOfSpace):
                save(tmp_path, 10)
        assert [path.name for path in tmp_path.iterdir()] == ["step-00000005"]
        assert newest_step(tmp_path) == 5


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "[]",
        "null",
        "{}",
        '{"files": []}',
        '{"files": {"a": {}}}',
        '{"files": {"../a": {"bytes": 0, "sha256": ""}}}',
    ],
    ids=["lists", "a list", "null", "no files", "files in a list", "files without digests", "files elsewhere"],
)
def test_a_damaged_state_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "step-00000001").mkdir()
    (tmp_path / "a").touch()
    (tmp_path / "step-00000001" / "state.json").write_text(text)
    with pytest.raises(InvalidCheckpoint, match=r"state\.json is missing or damaged"):
        state.load(tmp_path / "step-00000001")
    assert state.newest(tmp_path) is None
