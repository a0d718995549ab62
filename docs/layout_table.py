"""The table of layouts in docs/drawing.md, from what `benchmarks.layout` measured."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docs.shares import share

__all__ = ["layout_table"]

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
NOTHING = "There are no measurements yet."


def layout_table(folder: Path = BENCHMARKS) -> str:
    """How many pictures of several things are right, drawn as one prompt and laid out."""
    path = folder / "layout.json"
    if not path.is_file():
        return NOTHING
    found: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    rows = []
    for judge, ways in found["right"].items():
        for way, tasks in ways.items():
            cells = (share(one) for one in tasks.values())
            rows.append(f"| {judge} | {way} | {' | '.join(cells)} |")
    tasks = list(next(iter(next(iter(found["right"].values())).values())))
    head = [f"| judge | drawn | {' | '.join(tasks)} |", "|---|---|" + "---|" * len(tasks)]
    spent = found["evaluations of a picture"]
    note = (
        f"{found['prompts of each task']} prompts of each task, one picture each, by the model {found['model']} at its "
        "defaults; intervals of 95 % over prompts. A picture takes "
        + ", ".join(f"{count:.0f} evaluations {way}" for way, count in spent.items())
        + "."
    )
    if all(score is not None for score in found["overall"].values()):
        scores = ", ".join(f"{score:.2f} {way}" for way, score in found["overall"].items())
        note += f" IconEval's mean of six tasks, with those of single things as they are: {scores}."
    return "\n".join([*head, *rows, "", note])
