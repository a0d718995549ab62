"""Fitted time grids: `grids.json` in a model's folder, beside the weights that they were fitted to.

The file is `{"format": 1, "grids": [...]}`, one entry for each solver, number of steps and guidance. It is written by
`mezzotint fit-grid`, after the model, so it is not among the files whose digests `model.json` holds; each entry names
the weights that it belongs to instead.
"""

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from mezzotint.checkpoints.tensors import sync
from mezzotint.errors import InvalidCheckpoint, InvalidOption, OutOfSpace
from mezzotint.spec import Spec
from mezzotint.values import check_digest, check_name, integer, known_keys, real, texts

__all__ = ["GRIDS", "FittedGrid", "check_writable", "foreign", "read_grids", "store_grid"]

FORMAT = 1
GRIDS = "grids.json"
LARGEST = 10_000_000
"""Bytes. A grid has about a thousand."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, kw_only=True)
class FittedGrid:
    """The times that suit a model, a solver and a number of steps best, and how that was found.

    solver: the spec that it was fitted for. times: steps + 1 of them, from at most 1 (noise) down to 0 (data).
    strengths, kept, gains, steering: the numbers of fitted-2m, which were fitted with them; none for other solvers.
    error: RMS distance of where the grid ends to where `fine_steps` steps end, over `starts` pictures whose seeds begin
    at `seed`, in units of x_0 in [-1, 1]; picture i has prompt i, and the first again after the last. Of four or more,
    numbers are fitted to three in four, and the error is that of every fourth. default_error: that of `default_grid`
    with as many steps, from the same starts. Raises InvalidOption.
    """

    solver: str
    steps: int
    guidance: float
    times: tuple[float, ...]
    error: float
    default_grid: str
    default_error: float
    starts: int
    seed: int
    fine_steps: int
    prompts: tuple[str, ...]
    weights_sha256: str
    mezzotint: str
    strengths: tuple[float, ...] = ()
    kept: tuple[float, ...] = ()
    gains: tuple[float, ...] = ()
    steering: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("solver", "default_grid", "mezzotint"):
            check_name(name, getattr(self, name))
        for name, high in (("steps", 1000), ("starts", 100_000), ("fine_steps", 10_000)):
            integer(name, getattr(self, name), 1, high)
        integer("seed", self.seed, 0, 2**64 - 1, "2^64 - 1")
        real("guidance", self.guidance, 0.0, 100.0)
        for name in ("error", "default_error"):
            real(name, getattr(self, name), 0.0, 1e9)
        check_digest("weights_sha256", self.weights_sha256)
        object.__setattr__(self, "prompts", texts("prompts", self.prompts))
        object.__setattr__(self, "times", _times(self.times, self.steps))
        each = self.steps - 1
        for name, count in (("strengths", each - 1), ("kept", each), ("gains", each), ("steering", each + 1)):
            values = getattr(self, name)
            if not isinstance(values, list | tuple) or len(values) not in (0, max(0, count)):
                raise InvalidOption(f"{name} must be a list of {count} numbers for {self.steps} steps, or empty.")
            object.__setattr__(self, name, tuple(real(name, value, -10.0, 10.0) for value in values))

    @property
    def key(self) -> tuple[str, int, float]:
        """What it was fitted to: there is one grid for each."""
        return self.solver, self.steps, self.guidance

    @property
    def drawn_with(self) -> str:
        """The spec of the solver, with its numbers and the times of the steps that they belong to."""
        names = ("gains", "kept", "steering", "strengths")
        numbers = [(name, getattr(self, name)) for name in names]
        given = tuple((name, values) for name, values in numbers if values)
        return str(Spec(self.solver, (*given, ("times", self.times)) if given else ()))

    def to_json_dict(self) -> dict[str, Any]:
        """Plain JSON values under the field names."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_json_dict(cls, data: object) -> Self:
        """The inverse of `to_json_dict`. An unknown, missing or bad key raises `InvalidOption`."""
        return cls(**known_keys(cls, "fitted grid's key", data))


def _times(value: object, steps: int) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or len(value) != steps + 1:
        raise InvalidOption(f"times must be a list of {steps + 1} numbers for {steps} steps.")
    times = tuple(real("times", time, 0.0, 1.0) for time in value)
    if times[-1] != 0 or any(a <= b for a, b in pairwise(times)):
        raise InvalidOption("times must fall from at most 1 to 0.")
    return times


def read_grids(root: Path) -> tuple[FittedGrid, ...]:
    """The fitted grids of a model's folder, none if it has no `grids.json`. Raises `InvalidCheckpoint`."""
    path = root / GRIDS
    try:
        if path.stat().st_size > LARGEST:
            raise InvalidOption(f"it has {path.stat().st_size} bytes")
        data = json.loads(path.read_text(encoding="utf-8"))
        version = integer("format", data["format"], 1)
        if version > FORMAT:
            raise InvalidOption(f"it has format {version}, and this Mezzotint reads up to {FORMAT}")
        found = tuple(FittedGrid.from_json_dict(entry) for entry in data["grids"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        what = str(error).rstrip(".") if isinstance(error, InvalidOption) else "it is not what fit-grid writes"
        raise InvalidCheckpoint(
            f"{path} cannot be used: {what}; delete it, and fit the grids again with mezzotint fit-grid."
        ) from None
    if len({grid.key for grid in found}) < len(found):
        raise InvalidCheckpoint(
            f"{path} has two grids for one solver, number of steps and guidance; delete one of them."
        )
    return found


def foreign(grids: Iterable[FittedGrid], weights_sha256: str) -> str:
    """Names those that were fitted to other weights, as "SOLVER with N steps"; empty if there are none."""
    return ", ".join(
        f"{grid.solver} with {grid.steps} steps" for grid in grids if grid.weights_sha256 != weights_sha256
    )


def store_grid(root: Path, grid: FittedGrid) -> Path:
    """Put a grid into `grids.json`, in place of one for the same solver, steps and guidance; returns the file.

    The file is staged, synced and renamed: a reader sees the old one or the new one. Raises `OutOfSpace`, and then the
    old one is still there; `InvalidCheckpoint` for an old one that cannot be read.
    """
    others = [old for old in read_grids(root) if old.key != grid.key]
    kept = sorted([*others, grid], key=lambda item: item.key)
    content = {"format": FORMAT, "grids": [item.to_json_dict() for item in kept]}
    try:
        _replace(root / GRIDS, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())
    except OSError as error:
        raise _refused(root, error) from None
    return root / GRIDS


def check_writable(root: Path) -> None:
    """Raises `OutOfSpace` if no file can be made in a model's folder; better known before a long fit than after it."""
    try:
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        raise _refused(root, error) from None


def _replace(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=".grids-", suffix=".tmp", dir=path.parent)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)  # mkstemp makes it for the owner alone
        os.replace(name, path)
        with contextlib.suppress(OSError):  # some file systems refuse to sync a folder; the file itself is safe then
            sync(path.parent)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)


def _refused(root: Path, error: OSError) -> OutOfSpace:
    if error.errno in FULL:
        return OutOfSpace(f"There is no space left for {GRIDS} in {root}; free some space and try again.")
    return OutOfSpace(
        f"{GRIDS} cannot be written in {root} ({error.strerror or error}); copy the model's folder to where you may "
        "write, and fit the copy."
    )
