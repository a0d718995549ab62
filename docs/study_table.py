"""The table of the study in docs/training.md, from what `benchmarks.study` measured."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["NOTHING", "study_table"]

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
NOTHING = "The study is still to be run: there are no numbers yet."
LEVELS = ("mean", "0.1", "0.5", "0.9", "scenes")
"""Held-out losses that are told: the mean over noise levels, three of them, and that of held-out scenes."""


def study_table(folder: Path = BENCHMARKS) -> str:
    """The held-out losses of every variant, beside those of the run as it is."""
    path = folder / "study.json"
    if not path.is_file():
        return NOTHING
    rows: Mapping[str, Mapping[str, Any]] = json.loads(path.read_text("utf-8"))["variants"]
    heads = ("mean", "t = 0.1", "t = 0.5", "t = 0.9", "scenes")
    lines = [f"| changed | parameters | {' | '.join(heads)} |", "|---|---:|" + "---:|" * len(heads)]
    for name, row in rows.items():
        losses = (row["held-out loss"].get(level) for level in LEVELS)
        cells = ("" if loss is None else f"{loss:.4f}" for loss in losses)
        lines.append(f"| {name} | {row['parameters'] / 1e6:.1f} M | {' | '.join(cells)} |")
    spent = sorted({(row["updates"], row["pictures"]) for row in rows.values()})
    views = " or ".join(f"{updates:,} updates, {pictures:,} views" for updates, pictures in spent)
    return "\n".join([*lines, "", f"{views}; trained on: {', '.join(sorted({row['on'] for row in rows.values()}))}."])
