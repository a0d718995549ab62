"""The lines that a training run leaves: `metrics.jsonl`, one JSON object for each update."""

import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from mezzotint.errors import OutOfSpace
from mezzotint.provenance.files import write_atomically

if TYPE_CHECKING:
    from mezzotint.training.trainer import TrainStep

NAME = "metrics.jsonl"


class Metrics:
    """Appends a line for each update. Lines of updates after `step`, the state that training goes on from, are dropped.

    A line has: step, pictures (seen so far), loss, gradient_norm (before clipping), lr_factor (share of the peak
    learning rate), seconds, time (Unix), and validation (numbers by name) where it was measured. JSON has no infinity:
    a number that is not finite is null.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / NAME
        kept = _kept(self.path, step)
        write_atomically(self.path, "".join(kept).encode())
        try:
            self._file = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise OutOfSpace(f"{self.path} cannot be written ({error.strerror}); choose another --out.") from None

    def write(self, step: "TrainStep") -> None:
        """Append the line of an update. Raises OutOfSpace."""
        line: dict[str, Any] = {
            "step": step.step,
            "pictures": step.pictures,
            "loss": finite(step.loss),
            "gradient_norm": finite(step.gradient_norm),
            "lr_factor": step.lr_factor,
            "seconds": round(step.seconds, 4),
            "time": round(time.time(), 2),
        }
        if step.validation:
            line["validation"] = {name: finite(value) for name, value in step.validation.items()}
        try:
            self._file.write(json.dumps(line, allow_nan=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise OutOfSpace(
                f"{self.path} cannot be written ({error.strerror}); free some space and go on with --resume."
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self._file.close()


def finite(number: float | None) -> float | None:
    """A number as JSON can have it: None if it is not finite."""
    return number if number is not None and math.isfinite(number) else None


def _kept(path: Path, step: int) -> list[str]:
    """The whole lines up to an update; a line that was cut off by a crash ends the file."""
    kept: list[str] = []
    if not path.is_file():
        return kept
    for line in path.read_text("utf-8", errors="replace").splitlines(keepends=True):
        try:
            if not line.endswith("\n") or int(json.loads(line)["step"]) > step:
                break
        except (ValueError, KeyError, TypeError):
            break
        kept.append(line)
    return kept
