"""The table of docs/few-steps.md, from what `python -m benchmarks.few_steps` measured."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["NOTHING", "few_steps_table"]

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
NOTHING = "No student was measured yet: there are no numbers."
ROWS = (
    ("evaluations", "evaluations", ".0f"),
    ("seconds", "seconds for a picture of 64 pixels", ".3f"),
    ("file_seconds", "seconds from the prompt to a PNG of 256 pixels", ".3f"),
    ("frechet", "Fréchet distance, ↓", ".4f"),
    ("precision", "precision, ↑", ".3f"),
    ("recall", "recall, ↑", ".3f"),
    ("coverage", "coverage, ↑", ".3f"),
    ("alignment", "agreement with the prompt (cosine), ↑", ".3f"),
    ("distance", "distance to the teacher's pictures (root mean square; from black to white it is 1), ↓", ".3f"),
)
"""What is told, how it is called, and with how many digits; arrows say which way is better."""


def few_steps_table(folder: Path = BENCHMARKS) -> str:
    """What each way costs, and how good it is."""
    path = folder / "few_steps.json"
    if not path.is_file():
        return NOTHING
    found = json.loads(path.read_text("utf-8"))
    ways: Mapping[str, Mapping[str, Any]] = found["ways"]
    lines = ["| | " + " | ".join(ways) + " |", "|---|" + "---:|" * len(ways)]
    for key, label, digits in ROWS:
        values = [way[key]["median"] if isinstance(way[key], Mapping) else way[key] for way in ways.values()]
        if None not in values:
            lines.append(f"| {label} | " + " | ".join(format(value, digits) for value in values) + " |")
    for task in next(iter(ways.values()))["iconeval"]:
        cells = (way["iconeval"][task] for way in ways.values())
        shown = (f"{one['score']:.3f} ({one['low']:.3f} to {one['high']:.3f})" for one in cells)
        lines.append(f"| IconEval, {task}, ↑ | " + " | ".join(shown) + " |")
    return "\n".join([*lines, "", _measured(found)])


def _measured(found: Mapping[str, Any]) -> str:
    machine, prompts, seeds = found["machine"], found["prompts"], found["seeds"]
    each = "1 picture" if seeds == 1 else f"{seeds} pictures"
    return (
        f"{prompts} prompts of each task and {each} of each, {found['pictures']:,} pictures for held-out "
        f"captions; {machine['processor']}, {machine['threads']} threads, torch {machine['torch']}."
    )
