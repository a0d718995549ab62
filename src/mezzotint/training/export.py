"""From a training run to a model that can be drawn with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mezzotint.checkpoints.model_folder import Storage, write_model_folder
from mezzotint.errors import InvalidCheckpoint, InvalidOption
from mezzotint.training import state


def export(
    run_folder: Path,
    out: Path,
    *,
    name: str,
    text: Path,
    ema: float = 0.05,
    storage: Storage = "int8",
    card: str = "",
    defaults: Mapping[str, Any],
) -> Path:
    """Write the averaged weights of a run's newest checkpoint as a model's folder.

    Raises `InvalidCheckpoint` if the run has no complete checkpoint, `InvalidOption` if it keeps no such average.
    """
    path = state.newest(run_folder / "checkpoints")
    if path is None:
        raise InvalidCheckpoint(
            f"{run_folder} holds no complete checkpoint; train first, or give another run's folder."
        )
    snapshot = state.load(path)
    average = f"ema-{ema:.3f}"
    if average not in snapshot.tensors:
        kept = sorted(n.removeprefix("ema-") for n in snapshot.tensors if n.startswith("ema-"))
        raise InvalidOption(f"The run keeps no average of width {ema}; it keeps {', '.join(kept)}.")
    run = snapshot.facts["run"]
    side = run["network"]["size"]
    description = {
        "name": name,
        "family": "pixel_dit",
        "network": run["network"],
        "schedule": "rectified_flow",
        "target": "x0",
        "size": [side, side],
        "styles": snapshot.facts["styles"],
        "text_length": run["conditions"]["text_length"],
        "defaults": {"size": [side, side], **defaults},
        "training": {
            "run": run,
            "step": snapshot.facts["step"],
            "pictures": snapshot.facts["pictures"],
            "data": snapshot.facts["data"],
            "warm_start": snapshot.facts["warm_start"],
            "sessions": snapshot.facts["sessions"],
            "ema": ema,
        },
    }
    write_model_folder(out, snapshot.tensors[average], text, description, storage, card)
    return out
