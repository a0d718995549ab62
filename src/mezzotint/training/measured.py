"""What a training run has measured on its way: the lines of `metrics.jsonl`, read."""

import json
import math
from pathlib import Path
from typing import Any

__all__ = ["read_metrics"]


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a run's `metrics.jsonl`; an unfinished last line is left out. Empty if there is no file.

    A held-out loss that was not finite is null there, and NaN here.
    """
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if measured := row.get("validation"):
            row["validation"] = {name: math.nan if value is None else value for name, value in measured.items()}
        rows.append(row)
    return rows
