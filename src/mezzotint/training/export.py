"""From a training run to a model that can be drawn with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mezzotint.checkpoints.model_folder import Storage, write_model_folder
from mezzotint.errors import InvalidCheckpoint, InvalidOption
from mezzotint.families.twin_encoder import FAMILY
from mezzotint.training import state
from mezzotint.training.card import encoder_card, model_card, read_metrics

__all__ = ["draws", "export"]


def export(
    run_folder: Path,
    out: Path,
    *,
    name: str,
    text: Path,
    ema: float = 0.05,
    storage: Storage = "int8",
    licence: str = "not stated",
    data_folder: Path | None = None,
    defaults: Mapping[str, Any],
) -> Path:
    """Write the averaged weights of a run's newest checkpoint as a model's folder, with its card.

    `defaults` is what a model draws with; an encoder draws nothing and has none.
    `data_folder` is the built data set; if it is the one the run used, its summary joins the card and its attribution
    the folder.
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
    training = {key: snapshot.facts[key] for key in ("run", "step", "pictures", "data", "warm_start", "sessions")}
    training |= {"earlier": snapshot.facts.get("earlier", []), "ema": ema}
    encoder = snapshot.facts.get("family") == FAMILY
    about = _measuring(snapshot.facts) if encoder else _drawing(snapshot.facts, defaults)
    description = {"name": name, "licence": licence, **about, "training": training}
    parameters = sum(t.numel() for t in snapshot.tensors[average].values())
    summary, attribution = _data(data_folder, snapshot.facts["data"])
    write = encoder_card if encoder else model_card
    card = write(name, training, parameters, read_metrics(run_folder / "metrics.jsonl"), summary, licence)
    documents = {"README.md": card, **({"ATTRIBUTION.md": attribution} if attribution else {})}
    write_model_folder(out, snapshot.tensors[average], text, description, storage, documents)
    return out


def draws(run_folder: Path) -> bool:
    """Whether the run's newest checkpoint is of a network that draws; also if it has none."""
    path = state.newest(run_folder / "checkpoints")
    return path is None or state.read_facts(path).get("family") != FAMILY


def _drawing(facts: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What `model.json` says of a network that draws."""
    run = facts["run"]
    size = [run["network"]["size"]] * 2
    return {
        "family": "pixel_dit",
        "network": run["network"],
        "schedule": "rectified_flow",
        "target": "x0",
        "size": size,
        "styles": facts["styles"],
        "text_length": run["conditions"]["text_length"],
        "defaults": {"size": size, **defaults},
    }


def _measuring(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What `model.json` says of an encoder. It reads no drawing styles, and has no defaults."""
    run = facts["run"]
    return {
        "family": facts["family"],
        "network": run["network"],
        "size": [run["network"]["size"]] * 2,
        "styles": [],
        "text_length": run["text_length"],
        "defaults": {},
    }


def _data(folder: Path | None, digest: str) -> tuple[Mapping[str, Any] | None, str]:
    """Summary and attribution of a built data set, if it is the one of this digest."""
    if folder is None or not (folder / "summary.json").is_file():
        return None, ""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    if summary["digest"] != digest:
        return None, ""
    return summary, (folder / "ATTRIBUTION.md").read_text(encoding="utf-8")
