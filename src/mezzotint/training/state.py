"""Checkpoints of a training run: everything that resuming needs, complete or absent."""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from mezzotint.checkpoints.tensors import file_digest, full_disk, load_tensors, replacing, save_tensors
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
    """Write `folder/step-XXXXXXXX`: staged, synced, renamed; keep the newest `keep` of them. Returns its path."""
    target = folder / f"step-{snapshot.facts['step']:08d}"
    with replacing(target) as staging:
        files = {}
        for name, tensors in snapshot.tensors.items():
            path = staging / f"{name}.safetensors"
            save_tensors(path, tensors)
            files[path.name] = {"bytes": path.stat().st_size, "sha256": file_digest(path)}
        facts = {"version": STATE_VERSION, **snapshot.facts, "files": files}
        with full_disk(target):
            (staging / "state.json").write_text(json.dumps(facts, indent=2) + "\n")
    for old in steps(folder)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def steps(folder: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted(p for p in folder.glob("step-*") if _NAME.fullmatch(p.name)) if folder.is_dir() else []


def newest(folder: Path) -> Path | None:
    """The newest complete checkpoint of a run; a damaged one is passed over. None if there is none."""
    for path in reversed(steps(folder)):
        try:
            read_facts(path)
        except InvalidCheckpoint:
            continue
        return path
    return None


def read_facts(path: Path) -> dict[str, Any]:
    """The facts of a checkpoint whose files are all there, whole and unchanged. Raises `InvalidCheckpoint`."""
    try:
        facts: dict[str, Any] = json.loads((path / "state.json").read_text())
        files = facts["files"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InvalidCheckpoint(f"{path} is not a complete checkpoint: state.json is missing or damaged.") from None
    if facts.get("version") != STATE_VERSION:
        raise InvalidCheckpoint(
            f"{path} has checkpoint version {facts.get('version')}; this Mezzotint reads version {STATE_VERSION}."
        )
    for name, known in files.items():
        file = path / name
        if not file.is_file() or file.stat().st_size != known["bytes"] or file_digest(file) != known["sha256"]:
            raise InvalidCheckpoint(f"{path} is damaged: {name} is missing or differs from what was written.")
    return facts


def load(path: Path) -> Snapshot:
    """Read a checkpoint. Raises `InvalidCheckpoint` if it is not whole."""
    facts = read_facts(path)
    return Snapshot(facts, {Path(name).stem: load_tensors(path / name)[0] for name in facts["files"]})
