"""Checkpoints of a training run: everything that resuming needs, complete or absent."""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from mezzotint.checkpoints.tensors import (
    RETIRED,
    STAGED,
    file_digest,
    full_disk,
    load_tensors,
    remove_abandoned,
    replacing,
    save_tensors,
)
from mezzotint.errors import InvalidCheckpoint

STATE_VERSION = 1
_NAME = re.compile(r"step-(\d{8})")


@dataclass(frozen=True)
class Snapshot:
    """The state of a run after `step` updates.

    facts    plain data: step, pictures seen, the run's configuration, digests of data and text encoder, sessions
    tensors  by file: "network", "optimizer", "ema-0.050", ...
    """

    facts: dict[str, Any]
    tensors: Mapping[str, Mapping[str, Tensor]]


def save(folder: Path, snapshot: Snapshot, keep: int) -> Path:
    """Write `folder/step-XXXXXXXX`: staged, synced, renamed; keep it and the newest `keep - 1` before it. Returns its
    path.

    Damaged ones do not count; they go with what is older than the oldest that is kept. What is newer than this one was
    passed over, or is of an end that was given up: it stays.
    """
    remove_abandoned(folder, STAGED)  # of a process that was killed, and before this one needs the space
    target = folder / f"step-{snapshot.facts['step']:08d}"
    with replacing(target) as staging:
        files = {}
        for name, tensors in snapshot.tensors.items():
            path = staging / f"{name}.safetensors"
            save_tensors(path, tensors)
            files[path.name] = {"bytes": path.stat().st_size, "sha256": file_digest(path)}
        facts = {"version": STATE_VERSION, **snapshot.facts, "files": files}
        facts = json.loads(json.dumps(facts))  # as it will be read, so that the digest is of that
        with full_disk(target):
            told = {**facts, "sha256": _digest(facts)}
            (staging / "state.json").write_text(json.dumps(told, indent=2) + "\n")
    remove_abandoned(folder, RETIRED)
    _prune(folder, target, keep)
    return target


def _prune(folder: Path, saved: Path, keep: int) -> None:
    """Remove the checkpoints before the newest `keep` whole ones up to the one that was just saved."""
    before = [path for path in steps(folder) if path.name < saved.name]
    whole = 1  # the one that was just saved
    while before and whole < keep:
        whole += _looks_whole(before.pop())
    for path in before:
        shutil.rmtree(path, ignore_errors=True)


def _looks_whole(path: Path) -> bool:
    """Whether a checkpoint has all its files in their lengths; there is no time for their digests at every save."""
    try:
        _listed(path)
    except InvalidCheckpoint:
        return False
    return True


def steps(folder: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted(p for p in folder.glob("step-*") if _NAME.fullmatch(p.name)) if folder.is_dir() else []


def newest(folder: Path) -> Path | None:
    """The newest complete checkpoint of a run; a damaged one is passed over. None if there is none."""
    return found(folder)[0]


def found(folder: Path) -> tuple[Path | None, list[str]]:
    """The newest complete checkpoint of a run, or None, and what is wrong with each newer one, in a sentence."""
    wrong = []
    for path in reversed(steps(folder)):
        try:
            read_facts(path)
        except InvalidCheckpoint as error:
            wrong.append(str(error).rstrip("."))
            continue
        return path, wrong
    return None, wrong


def _digest(facts: Mapping[str, Any]) -> str:
    """sha256 of plain data, whatever the order and the spaces that it is written with."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def read_facts(path: Path) -> dict[str, Any]:
    """The facts of a checkpoint whose files are all there, whole and unchanged. Raises `InvalidCheckpoint`."""
    facts = _listed(path)
    for name, known in facts["files"].items():
        if file_digest(path / name) != known["sha256"]:
            raise InvalidCheckpoint(f"{path} is damaged: {name} differs from what was written.")
    return facts


def _listed(path: Path) -> dict[str, Any]:
    """The facts of a checkpoint whose files are all there, in their lengths. Raises `InvalidCheckpoint`."""
    try:
        facts: dict[str, Any] = json.loads((path / "state.json").read_text())
        files = facts["files"].items()
        known = {name: (file["bytes"], file["sha256"]) for name, file in files if Path(name).name == name}
        if len(known) < len(files):
            raise ValueError("a file beside the checkpoint")
        told = facts.pop("sha256", None)  # those of before have none
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InvalidCheckpoint(f"{path} is not a complete checkpoint: state.json is missing or damaged.") from None
    if told not in (None, _digest(facts)):
        raise InvalidCheckpoint(f"{path} is damaged: state.json differs from what was written.")
    if facts.get("version") != STATE_VERSION:
        raise InvalidCheckpoint(
            f"{path} has checkpoint version {facts.get('version')}; this Mezzotint reads version {STATE_VERSION}."
        )
    for name, (length, _) in known.items():
        file = path / name
        if not file.is_file() or file.stat().st_size != length:
            raise InvalidCheckpoint(f"{path} is damaged: {name} is missing or only a part of what was written.")
    return facts


def load(path: Path) -> Snapshot:
    """Read a checkpoint. Raises `InvalidCheckpoint` if it is not whole."""
    facts = read_facts(path)
    return Snapshot(facts, {Path(name).stem: load_tensors(path / name)[0] for name in facts["files"]})
