"""From a training run to a model that can be drawn with."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from mezzotint.checkpoints.model_folder import ENCODER, WEIGHTS, Beside, ModelFolder, Storage, write_model_folder
from mezzotint.checkpoints.tensors import file_digest
from mezzotint.conditioning.letters import ALPHABET
from mezzotint.errors import InvalidCheckpoint, InvalidOption, unknown_name
from mezzotint.families.icon_detector import FAMILY as DETECTOR_FAMILY
from mezzotint.families.pixel_gan import FAMILY as GAN_FAMILY
from mezzotint.families.pixel_upscaler import FAMILY as UPSCALER_FAMILY
from mezzotint.families.twin_encoder import FAMILY as ENCODER_FAMILY
from mezzotint.training import state
from mezzotint.training.averages import average_of
from mezzotint.training.card import (
    BESIDE_CARD,
    Training,
    detector_card,
    encoder_card,
    gan_card,
    model_card,
    student_card,
    upscaler_card,
)
from mezzotint.training.config import process_names
from mezzotint.training.marks import COLOUR_NAMES
from mezzotint.training.measured import read_metrics
from mezzotint.training.student import drawn_with, evaluations

__all__ = ["draws", "export", "family_of", "learned_defaults"]

Listen = Callable[[ModelFolder], Mapping[str, Tensor]]
"""From a model to second moments of what its matrices are multiplied with."""


def export(
    run_folder: Path,
    out: Path,
    *,
    name: str,
    text: Path,
    ema: float = 0.05,
    storage: Storage = "int8",
    licence: str = "not stated",
    share_text: bool = False,
    data_folder: Path | None = None,
    avatars_folder: Path | None = None,
    beside: Beside | None = None,
    listen: Listen | None = None,
    left_open: Sequence[str] = (),
    defaults: Mapping[str, Any],
) -> Path:
    """Write the averaged weights of a run's newest checkpoint as a model's folder, with its card.

    share_text: an encoder's folder names the text encoder in `text`, which the house model has, and does not hold it.
    `defaults` is what a model draws with; what only measures has none. A detector reads no prompts, and gets no text
    encoder.
    `data_folder` is the built data set; if it is the one the run used, its summary joins the card and its attribution
    the folder. `avatars_folder` is the same of the avatar set.
    beside: only what the weights differ in from this model's is written, by factors of a rank; `listen` finds what the
    model's matrices are multiplied with, for which these factors are the best then.
    `ema` is the width of the average; one that the run does not keep is made from those that it has stored.
    left_open: words whose prompts are drawn without the default style (`Model.open`).
    Raises `InvalidCheckpoint` if the run has no complete checkpoint or its weights are not finite, `InvalidOption` if
    there is no such average.
    """
    path, wrong = state.found(run_folder / "checkpoints")
    if path is None:
        reasons = f" ({'; '.join(wrong)})" if wrong else ""
        raise InvalidCheckpoint(
            f"{run_folder} holds no complete checkpoint{reasons}; train first, or give another run's folder."
        )
    snapshot = state.load(path)
    weights, made_from = average_of(run_folder, snapshot, ema)
    _check_finite(weights, path)
    training = {key: snapshot.facts[key] for key in ("run", "step", "pictures", "data", "warm_start", "sessions")}
    training |= {"earlier": snapshot.facts.get("earlier", []), "ema": ema}
    if made_from:
        training["ema_from"] = made_from
    if snapshot.facts.get("from_student"):
        training["from_student"] = snapshot.facts["from_student"]
    if snapshot.facts.get("avatars"):
        training["avatars"] = snapshot.facts["avatars"]
    family = snapshot.facts.get("family")
    about = _about(snapshot.facts, defaults)
    if share_text and family != ENCODER_FAMILY:
        raise InvalidOption("Only an encoder can do without a text encoder of its own; leave out --share-text.")
    shared = {"text_encoder_sha256": file_digest(text / ENCODER)} if share_text else {}
    opened = {"open": sorted({*left_open})} if left_open else {}
    description = {"name": name, "licence": licence, **about, **opened, **shared, "training": training}
    if beside is not None:
        beside = _told_from(beside, ModelFolder(out, description, weights, {}), text, listen)
    built = [_data(data_folder, training["data"]), _data(avatars_folder, training.get("avatars", ""))]
    parameters = sum(t.numel() for t in weights.values())
    measured = read_metrics(run_folder / "metrics.jsonl")
    facts = Training(name, training, parameters, measured, built[0][0], licence, built[1][0])
    attribution = "\n".join(credits for _, credits in built if credits)
    documents = {"README.md": _card(facts, family, beside), **({"ATTRIBUTION.md": attribution} if attribution else {})}
    reads = None if family in (DETECTOR_FAMILY, UPSCALER_FAMILY) or share_text else text
    write_model_folder(out, weights, reads, description, storage, documents, beside)
    return out


def _check_finite(weights: Mapping[str, Tensor], path: Path) -> None:
    """Raises `InvalidCheckpoint` if the weights of a checkpoint hold what is no number, as of a run that has broken."""
    for name, value in weights.items():
        if not bool(value.isfinite().all()):
            raise InvalidCheckpoint(
                f"The weights in {path} are not finite (such as {name}), so the training broke before it was written; "
                "remove it to pack the checkpoint before it, or train anew with lower learning rates."
            )


def _card(facts: Training, family: str | None, beside: Beside | None) -> str:
    """The card of a model of a family, and of what it stands beside."""
    cards = {ENCODER_FAMILY: encoder_card, DETECTOR_FAMILY: detector_card, UPSCALER_FAMILY: upscaler_card}
    cards[GAN_FAMILY] = gan_card
    plain = student_card if "student" in facts.run else model_card
    card = cards.get(family or "", plain)(facts)
    if beside is not None:
        card += BESIDE_CARD.format(model=beside.name, digest=beside.files.weights_sha256, rank=beside.rank)
    return card


def _told_from(beside: Beside, whole: ModelFolder, text: Path, listen: Listen | None) -> Beside:
    """What a model is told from, with what its matrices are multiplied with, if that is listened for.

    Raises `InvalidOption` if it cannot be told from that.
    """
    about = {**whole.description, "files": {WEIGHTS: "0" * 64}}  # of no file yet
    _check_beside(beside, about["family"], whole.network, file_digest(text / ENCODER))
    if listen is None:
        return beside
    drawn = ModelFolder(whole.root, about, whole.network, beside.files.encoder, (), beside.files)
    return replace(beside, seen=listen(drawn))


def _check_beside(beside: Beside, family: str, weights: Mapping[str, Tensor], text_sha256: str) -> None:
    """Raises `InvalidOption` if a model cannot be told from another one: it lacks what that has, or reads otherwise."""
    files, lacking = beside.files, sorted(beside.files.network.keys() - weights.keys())
    if family in (ENCODER_FAMILY, DETECTOR_FAMILY, UPSCALER_FAMILY) or not files.encoder:
        raise InvalidOption(
            "Only a model that reads prompts can be told from another one that does; leave out --beside."
        )
    if files.description.get("family") != family or lacking:
        what = f", such as {lacking[0]}" if lacking else ""
        raise InvalidOption(
            f"{beside.name} is another network{what}; leave out --beside, or give what the run began as."
        )
    if files.encoder_sha256 != text_sha256:
        raise InvalidOption(f"{beside.name} reads prompts by another text encoder; leave out --beside.")


def draws(run_folder: Path) -> bool:
    """Whether the run's newest checkpoint is of a network that draws; also if it has none."""
    path = state.newest(run_folder / "checkpoints")
    return path is None or state.read_facts(path).get("family") not in (ENCODER_FAMILY, DETECTOR_FAMILY)


def family_of(run_folder: Path) -> str:
    """What the network of the run's newest checkpoint is; that of the house model if there is none, or nothing says."""
    path = state.newest(run_folder / "checkpoints")
    return "pixel_dit" if path is None else state.read_facts(path).get("family") or "pixel_dit"


def learned_defaults(run_folder: Path) -> dict[str, Any]:
    """What the student in the run's newest checkpoint draws with; empty if there is none, or it is no student."""
    path = state.newest(run_folder / "checkpoints")
    facts = {} if path is None else state.read_facts(path)
    return drawn_with(facts["run"], facts["step"]) if "student" in facts.get("run", {}) else {}


def _about(facts: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What `model.json` says of the network of a checkpoint."""
    family = facts.get("family")
    if family == DETECTOR_FAMILY:
        return _detecting(facts)
    if family == UPSCALER_FAMILY:
        return _enlarging(facts, defaults)
    if family == GAN_FAMILY:
        return _generating(facts, defaults)
    return _measuring(facts) if family == ENCODER_FAMILY else _drawing(facts, defaults)


def _drawing(facts: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What `model.json` says of a network that draws."""
    run = facts["run"]
    size = [run["network"]["size"]] * 2
    style, known = defaults.get("style"), facts["styles"]
    if style is not None and not known:
        raise InvalidOption(f"style is {style!r}, but the run has no drawing styles; leave it out of --defaults.")
    if style not in (None, *known):
        raise unknown_name("style", str(style), known)
    schedule, target = process_names(run)
    learned = _learned(facts, defaults) if "student" in run else {}
    return {
        "family": "pixel_dit",
        "network": run["network"],
        "schedule": schedule,
        "target": target,
        "size": size,
        "styles": facts["styles"],
        "text_length": run["conditions"]["text_length"],
        **learned,
        "defaults": {"size": size, **defaults},
    }


def _learned(facts: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What `model.json` says of a student: which distilled guidance it was taught, and for how many evaluations it is.

    Raises `InvalidOption` for defaults that it could not be drawn with.
    """
    low, high = facts["run"]["student"]["guidance"]
    told = defaults["distilled_guidance"]
    if defaults["guidance"] != 1 or told is None or not low <= told <= high:
        raise InvalidOption(
            f"The defaults have guidance {defaults['guidance']} and distilled_guidance {told}; a student has guidance "
            f"1, and this one distilled_guidance from {low:g} to {high:g}."
        )
    return {"taught": [low, high], "evaluations": evaluations(facts["run"], facts["step"])}


def _enlarging(facts: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What `model.json` says of a network that enlarges; its size is that of the windows that it draws in."""
    network = facts["run"]["network"]
    return {
        "family": facts["family"],
        "network": network,
        "schedule": "rectified_flow",
        "target": "x0",
        "size": [network["size"]] * 2,
        "styles": [],
        "text_length": 0,
        "defaults": {"size": [network["size"]] * 2, **defaults},
    }


def _generating(facts: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What `model.json` says of a generator: on rectified flow, x_1 is pure noise.

    Raises `InvalidOption` for defaults that it cannot be drawn with.
    """
    for name, only in (("steps", 1), ("guidance", 1)):
        if defaults.get(name, only) != only:
            raise InvalidOption(
                f"The default {name} is {defaults[name]}, but a generator draws in one evaluation, without guidance; "
                f"leave it out, or make it {only}."
            )
    return {**_drawing(facts, defaults), "family": GAN_FAMILY}


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


def _detecting(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What `model.json` says of a detector: also what its numbers mean."""
    network, things = facts["run"]["network"], facts["things"]
    counts = {"things": len(things), "colours": len(COLOUR_NAMES), "letters": len(ALPHABET)}
    return {
        "family": facts["family"],
        "network": {**network, **counts},
        "size": [network["size"]] * 2,
        "styles": [],
        "things": things,
        "colours": list(COLOUR_NAMES),
        "alphabet": ALPHABET,
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
