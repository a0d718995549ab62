"""Averages of a run's weights of any width, after training: from those that it stored on the way."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from mezzotint.checkpoints.tensors import load_tensors
from mezzotint.errors import InvalidCheckpoint, InvalidOption
from mezzotint.training import state
from mezzotint.training.ema import Profile, reconstruct, reconstruction_error
from mezzotint.training.objective import ObjectiveConfig

__all__ = ["FOLDER", "average_name", "average_of", "stored_averages"]

FOLDER = "averages"
"""Where a run with `keep_ema` puts its averages, beside its checkpoints."""
WORST = 0.1
"""The largest error with which an average is still reconstructed."""
NARROWEST, WIDEST = 0.01, 0.28
"""Widths that can be asked for; at 0.289 all updates weigh alike, and no power function is wider."""
_OWN = ("network", "seed", "batch", "ema")


def average_name(width: float) -> str:
    """The name of an average's file, without its ending."""
    return f"ema-{width:.3f}"


def average_of(run_folder: Path, snapshot: state.Snapshot, width: float) -> tuple[Mapping[str, Tensor], dict[str, Any]]:
    """The average of a width at a snapshot's step, and what it was made from: empty if the run keeps it as it is.

    Otherwise "averages" (how many), "steps" (of the first and last of them) and "error", see `reconstruction_error`.
    Karras et al. 2024 (EDM2, arXiv 2312.02696), section 3.2. Raises `InvalidOption` for a width that cannot be had.
    """
    if average_name(width) in snapshot.tensors:
        return snapshot.tensors[average_name(width)], {}
    if not NARROWEST <= width <= WIDEST:
        raise InvalidOption(
            f"ema is {width}; the width of an average must be from {NARROWEST} to {WIDEST}, a share of the run."
        )
    files = stored_averages(run_folder, snapshot.facts)
    wanted = Profile(snapshot.facts["step"], width)
    error = reconstruction_error(list(files), wanted)
    if error > WORST:
        kept = sorted(name.removeprefix("ema-") for name in snapshot.tensors if name.startswith("ema-"))
        raise InvalidOption(
            f"The run keeps no average of width {width}; it keeps {', '.join(kept)}, and the {len(files)} stored "
            f"averages give it with an error of {error:.0%} only: ask for a width nearer to these, or train with "
            "--set keep_ema=STEPS, which stores more."
        )
    weights = reconstruct([(profile, load_tensors(path)[0]) for profile, path in files.items()], wanted)
    steps = sorted(profile.step for profile in files)
    return weights, {"averages": len(files), "steps": [steps[0], steps[-1]], "error": round(error, 6)}


def stored_averages(run_folder: Path, facts: Mapping[str, Any]) -> dict[Profile, Path]:
    """The averages that a run has stored up to a state's step, in its checkpoints and beside them, each once.

    facts: of the state. Damaged ones, and those of another run that was in this folder, are passed over.
    """
    found: dict[Profile, Path] = {}
    for place in (*state.steps(run_folder / FOLDER), *state.steps(run_folder / "checkpoints")):
        try:
            theirs = state.read_facts(place)
        except InvalidCheckpoint:
            continue
        if theirs["step"] > facts["step"] or _identity(theirs) != _identity(facts):
            continue
        for width in theirs["run"]["ema"]:
            path = place / f"{average_name(width)}.safetensors"
            if path.name in theirs["files"]:
                found[Profile(theirs["step"], width)] = path
    return found


def _identity(facts: Mapping[str, Any]) -> list[Any]:
    """What two states of one training have in common; its number of steps may have been shortened in between."""
    run = facts["run"]
    # a setting that came later had its default before there was one
    objective = ObjectiveConfig(**run["objective"]) if "objective" in run else None
    return [objective, *(run.get(name) for name in _OWN), *(facts.get(name) for name in ("data", "text", "warm_start"))]
