"""Models of one kind made into one: sums of their weights."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mezzotint.checkpoints.model_folder import ModelFolder
from mezzotint.errors import InvalidOption

__all__ = ["Part", "card", "merged", "shares", "views"]

OWN = frozenset({"format", "name", "licence", "training", "storage", "files", "beside", "defaults", "open"})
"""What each model may have of its own, as `model.json` calls it; in everything else they must agree."""
MOST = 1e6
"""The largest weight."""


@dataclass(frozen=True)
class Part:
    """A model that goes into a sum: what it is called, its share of the sum, and its files."""

    name: str
    share: float
    files: ModelFolder


def shares(weights: Sequence[float] | None, count: int) -> tuple[float, ...]:
    """The weights of `count` models, divided by their sum; equal if none are given. Raises `InvalidOption`."""
    if weights is None:
        return (1 / count,) * count
    if len(weights) != count:
        raise InvalidOption(f"weights has {len(weights)} numbers for {count} models; give one for each.")
    for weight in weights:
        if not abs(weight) <= MOST:
            raise InvalidOption(f"weights has {weight:g}; it must be numbers from -{MOST:g} to {MOST:g}.")
    total = math.fsum(weights)
    if abs(total) < 1e-6:
        raise InvalidOption(f"weights add up to {total:g}; they are divided by their sum, which must not be 0.")
    return tuple(weight / total for weight in weights)


def merged(parts: Sequence[Part]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The weights W = Σ share_i W_i of models, and what `model.json` says of them: what the first's does, the training
    of the one that has seen most, and every part.

    With equal shares the mean, where ends of one training or of two that began alike draw better than each of them
    (Wortsman et al. 2022, "Model soups", arXiv 2203.05482); with 1, m, −m what the second learned beyond the third,
    added to the first (Ilharco et al. 2023, "Task arithmetic", arXiv 2212.04089). Summed in float64, rounded once.
    Raises `InvalidOption` if the models are not of one kind.
    """
    for part in parts[1:]:
        _check_alike(parts[0], part)
    network = {
        key: torch.stack([part.files.network[key].double() * part.share for part in parts]).sum(dim=0).float()
        for key in parts[0].files.network
    }
    first = parts[0].files.description
    about = {key: value for key, value in first.items() if key not in ("format", "storage", "files", "beside")}
    longest = max(parts, key=lambda part: views(part) or 0)
    return network, {**about, "training": {**_training(longest), "merged_from": [_told(part) for part in parts]}}


def _training(part: Part) -> Mapping[str, Any]:
    """What a model says of its training; empty if nothing."""
    return part.files.description.get("training") or {}


def _told(part: Part) -> dict[str, Any]:
    """What is said of a part; of one that is a sum itself, also its parts."""
    own = _training(part).get("merged_from")
    told = {"name": part.name, "weights_sha256": part.files.weights_sha256, "share": part.share, "views": views(part)}
    return told if own is None else {**told, "merged_from": own}


def views(part: Part) -> int | None:
    """Views of pictures that a model's weights have behind them, those before its last run included; None: not said."""
    training = _training(part)
    if "pictures" not in training:
        return None
    return sum(int(run["pictures"]) for run in (*training.get("earlier", ()), training))


def card(name: str, parts: Sequence[Part], cards: Sequence[str]) -> str:
    """The card of a merged model: what it is a sum of, and the cards of these (empty: it has none), two levels down."""
    rows = [
        f"| {part.name} | {part.share:.4g} | `{part.files.weights_sha256}` | {_count(views(part))} |" for part in parts
    ]
    table = "\n".join(["| model | share | weights | views behind it |", "|---|---|---|---|", *rows])
    about = "Its weights are a sum of those of other models, tensor by tensor. It was not trained as it is."
    own = [
        f"## {part.name}\n\n" + re.sub(r"^(#+ )", r"##\1", text, flags=re.MULTILINE).strip()
        for part, text in zip(parts, cards, strict=True)
        if text
    ]
    return "\n\n".join([f"# {name}", about, table, *own]) + "\n"


def _count(number: int | None) -> str:
    return "not said" if number is None else f"{number:,}"


def _check_alike(first: Part, other: Part) -> None:
    """Raises `InvalidOption` if weights of two models cannot be added."""
    a, b = first.files, other.files
    for name in sorted((a.description.keys() | b.description.keys()) - OWN):
        if a.description.get(name) != b.description.get(name):
            raise InvalidOption(f"{first.name} and {other.name} differ in {name}; only models of one kind are merged.")
    shapes = ({key: value.shape for key, value in files.network.items()} for files in (a, b))
    if next(shapes) != next(shapes):
        raise InvalidOption(
            f"{first.name} and {other.name} have tensors of other names or shapes; only models of one kind are merged."
        )
    if bool(a.encoder) != bool(b.encoder) or (a.encoder and a.encoder_sha256 != b.encoder_sha256):
        raise InvalidOption(
            f"{first.name} and {other.name} read prompts by other text encoders; only models of one kind are merged."
        )
