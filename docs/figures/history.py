"""The training of one model over one or several runs, each begun with the weights of the one before."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mezzotint.errors import InvalidFile
from mezzotint.training import state
from mezzotint.training.measured import read_metrics

__all__ = ["metrics", "rows", "sheets"]

Part = tuple[Path, int, float]
"""A run's folder, the views that its weights had at its start, and how many views of its own count."""


def rows(runs: Sequence[Path]) -> list[Mapping[str, Any]]:
    """The lines of all runs, `pictures` being all views of the weights, those of earlier runs included.

    Raises InvalidFile if a run has no line, or if it is none of those that the last one says it comes from.
    """
    return [
        {**row, "pictures": before + row["pictures"]}
        for run, before, own in _parts(runs)
        for row in metrics(file(run, "metrics.jsonl"))
        if row["pictures"] <= own
    ]


def sheets(runs: Sequence[Path]) -> list[tuple[int, Path]]:
    """The sheets of samples of all runs, each with the views that its weights had behind them."""
    found = []
    for run, before, own in _parts(runs):
        views = {row["step"]: row["pictures"] for row in metrics(file(run, "metrics.jsonl"))}
        for path in sorted(file(run, "samples").glob("step-*.png")):
            if views[step_of(path)] <= own:
                found.append((before + views[step_of(path)], path))
    if not found:
        raise InvalidFile(f"The folder {runs[-1] / 'samples'} has no sheets; train up to the first of them.")
    return found


def metrics(path: Path) -> Sequence[Mapping[str, Any]]:
    """The rows of a metrics file. Raises InvalidFile if it has none."""
    found = read_metrics(path)
    if not found:
        raise InvalidFile(f"{path} has no line yet; train some steps first.")
    return found


def step_of(path: Path) -> int:
    """The step that a sheet's name says."""
    return int(path.stem.removeprefix("step-"))


def file(run: Path, name: str) -> Path:
    """A file or folder of a run. Raises InvalidFile if it is not there."""
    path = run / name
    if not path.exists():
        raise InvalidFile(f"The run {run} has no {name}; give the folder of a training run with --run.")
    return path


def _parts(runs: Sequence[Path]) -> list[Part]:
    """The place of every run in the training that the last one records: each begins with other weights."""
    facts = [_facts(run) for run in runs]
    parts: list[Part] = []
    earlier = facts[-1].get("earlier", ())
    for run, own in zip(runs[:-1], facts[:-1], strict=True):
        place = [part["weights"] for part in earlier].index(own["warm_start"]) if _among(own, earlier) else None
        if place is None:
            raise InvalidFile(
                f"{run} is none of the runs that {runs[-1]} comes from; give these with --run, the last one last."
            )
        parts.append((run, sum(part["pictures"] for part in earlier[:place]), earlier[place]["pictures"]))
    return [*parts, (runs[-1], sum(part["pictures"] for part in earlier), float("inf"))]


def _among(own: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> bool:
    return "warm_start" in own and any(part["weights"] == own["warm_start"] for part in earlier)


def _facts(run: Path) -> Mapping[str, Any]:
    """What the newest checkpoint of a run says of it; nothing if there is none."""
    path = state.newest(run / "checkpoints")
    return {} if path is None else state.read_facts(path)
