"""LoRA files: the factors as safetensors, and what they belong to as JSON in its metadata.

A layer's factors are the tensors `NAME.down` (parts, rank, inputs) and `NAME.up` (parts, outputs / parts, rank), see
`adapters.lora`. The metadata has one key, `mezzotint`, so that equal content has equal bytes.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from mezzotint.adapters import Factors
from mezzotint.checkpoints.tensors import file_digest, load_tensors
from mezzotint.errors import InvalidCheckpoint

__all__ = ["LoRAFacts", "LoRAFile", "lora_bytes", "read_lora"]

FORMAT = 1
METADATA = "mezzotint"
DOWN, UP = ".down", ".up"


@dataclass(frozen=True, kw_only=True)
class LoRAFacts:
    """What a LoRA is.

    base, base_weights_sha256   the model that it was made for: its name, and the digest of its weights file
    rank, alpha                 of its factors; they act with alpha / rank
    word                        the word in a prompt that it teaches
    training                    what it learned from, and how: plain JSON
    """

    base: str
    base_weights_sha256: str
    rank: int
    alpha: float
    word: str
    training: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LoRAFile:
    """A LoRA that was read. name: what it is called, which is its file's name without the ending."""

    name: str
    sha256: str
    facts: LoRAFacts
    factors: Mapping[str, Factors]


def lora_bytes(factors: Mapping[str, Factors], facts: LoRAFacts) -> bytes:
    """The content of a LoRA file; the same for the same values."""
    from safetensors.torch import save

    pairs = {name: {DOWN: one.down, UP: one.up} for name, one in factors.items()}
    tensors = {name + end: t.detach().float().cpu().contiguous() for name, p in pairs.items() for end, t in p.items()}
    text = json.dumps({"format": FORMAT, "kind": "lora", **asdict(facts)}, sort_keys=True, allow_nan=False)
    content: bytes = save(tensors, {METADATA: text})
    return content


def read_lora(path: Path) -> LoRAFile:
    """Read and check a LoRA file. Raises `InvalidCheckpoint` for one that is unreadable, or not of this kind."""
    tensors, metadata = load_tensors(path)
    return LoRAFile(path.stem, file_digest(path), _facts(path, metadata), _factors(path, tensors))


def _facts(path: Path, metadata: Mapping[str, str]) -> LoRAFacts:
    try:
        said = json.loads(metadata[METADATA])
        version, kind = said.pop("format"), said.pop("kind")
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        raise InvalidCheckpoint(
            f"{path} is not a LoRA made by mezzotint teach: it does not say which model it belongs to; teach one."
        ) from None
    if version != FORMAT or kind != "lora":
        raise InvalidCheckpoint(
            f"{path} is a {kind} of format {version}; this Mezzotint reads a lora of format {FORMAT}."
        )
    try:
        facts = LoRAFacts(**said)
        sound = (
            isinstance(facts.base, str)
            and isinstance(facts.word, str)
            and re.fullmatch(r"[0-9a-f]{64}", facts.base_weights_sha256) is not None
            and math.isfinite(facts.alpha)
            and isinstance(facts.training, dict)
        )
    except TypeError:
        sound = False
    if not sound:
        raise InvalidCheckpoint(f"{path} does not say what it is in the way of format {FORMAT}; get it again.")
    return facts


def _factors(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, Factors]:
    names = {key.removesuffix(DOWN) for key in tensors if key.endswith(DOWN)}
    expected = {name + end for name in names for end in (DOWN, UP)}
    wrong = sorted(expected ^ tensors.keys())
    if wrong or not names:
        what = f"{wrong[0]} is {'missing' if wrong[0] in expected else 'not known'}" if wrong else "it has no factors"
        raise InvalidCheckpoint(f"{path} is not a whole LoRA: {what}; get it again.")
    return {name: Factors(tensors[name + DOWN], tensors[name + UP]) for name in sorted(names)}
