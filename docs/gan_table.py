"""The tables of docs/diffusion-vs-gan.md, from what `python -m benchmarks.diffusion_vs_gan` measured."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["FOUND", "gan_tables"]

FOUND = Path(__file__).parent.parent / "benchmarks" / "diffusion_vs_gan.json"
ROWS = (
    ("frechet", "Fréchet distance, ↓", ".4f"),
    ("kernel", "kernel distance, ↓", ".4f"),
    ("precision", "precision, ↑", ".3f"),
    ("density", "density", ".3f"),
    ("alignment", "agreement with the prompt (cosine), ↑", ".3f"),
    ("iconeval", "IconEval, overall, ↑", ".3f"),
    ("recall", "recall, ↑", ".3f"),
    ("coverage", "coverage, ↑", ".3f"),
    ("variety", "distance between pictures of one prompt", ".3f"),
    ("evenness", "longest step between two seeds, in mean steps, ↓", ".2f"),
    ("alignment_at_ends", "agreement at the ends of that way", ".3f"),
    ("alignment_in_the_middle", "agreement in its middle", ".3f"),
    ("evaluations", "evaluations of the network for a picture", ".0f"),
    ("seconds", "seconds for a picture", ".3f"),
)
"""What is told, how it is called, and with how many digits; arrows say which way is better."""
NOTHING = "The comparison is still to be run: there are no numbers yet."


def gan_tables(path: Path | None = None) -> str:
    """What each arm cost, and what it draws; means over the seeds, with the least and the greatest."""
    path = path or FOUND
    if not path.is_file():
        return NOTHING
    found = json.loads(path.read_text("utf-8"))
    return "\n".join([*_cost(found["training"]), "", *_drawn(found), "", *_lost(found["drawn"]), "", _where(found)])


def _cost(runs: list[Mapping[str, Any]]) -> list[str]:
    lines = [
        "| run | seed | parameters | updates | views | GFLOP a view | PFLOP | hours |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        lines.append(
            f"| {run['arm']} | {run['seed']} | {run['parameters'] / 1e6:.2f} M | {run['updates']:,} | "
            f"{run['views']:,} | {run['gflop_per_picture']:.1f} | {run['pflop']:.3f} | {_hours(run['seconds'])} |"
        )
    return lines


def _hours(seconds: float | None) -> str:
    """How long a run took; None where its metrics were lost, with the machine that it ran on."""
    return "not kept" if seconds is None else f"{seconds / 3600:.2f}"


def _drawn(found: Mapping[str, Any]) -> list[str]:
    names, real = list(found["summary"]), found.get("real", {})
    lines = ["| | " + " | ".join(names) + " | real pictures |", "|---|" + "---|" * (len(names) + 1)]
    for key, label, digits in ROWS:
        cells = [_cell(found["summary"][name].get(key), digits) for name in names]
        if any(cells):
            truth = format(real[key], digits) if key in real else ""
            lines.append(f"| {label} | " + " | ".join([*cells, truth]) + " |")
    lost = [f"{found['summary'][name]['collapsed']} of {found['summary'][name]['seeds']}" for name in names]
    return [*lines, "| collapsed runs | " + " | ".join([*lost, ""]) + " |"]


def _cell(value: Mapping[str, float] | None, digits: str) -> str:
    """Mean, and between which values the seeds are."""
    if value is None:
        return ""
    return f"{value['mean']:{digits}} ({value['min']:{digits}} to {value['max']:{digits}})"


def _lost(drawn: Mapping[str, list[Mapping[str, Any]]]) -> list[str]:
    lost = [
        f"- {name}, seed {row['seed']}: {row['collapsed']}"
        for name, rows in drawn.items()
        for row in rows
        if row["collapsed"]
    ]
    return ["Collapsed:", "", *lost] if lost else ["No run collapsed."]


def _where(found: Mapping[str, Any]) -> str:
    on, machine = found["on"], found["machine"]
    by = sorted({run["on"] for run in found["training"]})
    return f"Measured on: {on}, {machine['threads']} threads, torch {machine['torch']}; trained on: {', '.join(by)}."
