"""Spelling by a second reader, which shares nothing with our detector: its scores, and how far it can be trusted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from statistics import fmean
from typing import TYPE_CHECKING, Any

import torch

from mezzotint.codecs.images import to_image, to_signed
from mezzotint.data.scenes import Scenes
from mezzotint.evaluation.bootstrap import Groups, interval
from mezzotint.evaluation.error_rate import error_rate, exact
from mezzotint.evaluation.iconeval.prompts import IconPrompt
from mezzotint.evaluation.iconeval.validate import UNSEEN
from mezzotint.evaluation.reader import Reader

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Reading", "Witness", "reading_of", "witness_of"]


@dataclass(frozen=True, slots=True)
class Witness:
    """A reader by name and version. ceiling: the share of real composites that it reads right; None if not measured."""

    name: str
    version: str
    ceiling: float | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a witness reads in the pictures of spelling prompts.

    score, low, high   share that says the word, letter for letter, and its 95 % interval over prompts
    ignoring_case      the share if capital and small letters are the same
    errors             the mean character error rate
    """

    witness: Witness
    score: float
    low: float
    high: float
    ignoring_case: float
    errors: float

    def to_json_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.witness.name,
            "version": self.witness.version,
            "score": self.score,
            "low": self.low,
            "high": self.high,
            "score_ignoring_case": self.ignoring_case,
            "character_error_rate": self.errors,
            "ceiling": self.witness.ceiling,
        }


def reading_of(read: Sequence[tuple[IconPrompt, str]], witness: Witness) -> Reading:
    """The scores of what was read: (prompt, text) of every picture. Means are over prompts, of means over pictures.

    Raises `InvalidOption` for fewer than two prompts.
    """
    right: dict[str, list[float]] = {}
    folded: dict[str, list[float]] = {}
    errors: dict[str, list[float]] = {}
    for prompt, text in read:
        right.setdefault(prompt.text, []).append(float(exact(text, prompt.word)))
        folded.setdefault(prompt.text, []).append(float(exact(text, prompt.word, ignore_case=True)))
        errors.setdefault(prompt.text, []).append(error_rate(text, prompt.word))
    return Reading(witness, *interval(right), _mean(folded), _mean(errors))


def witness_of(reader: Reader, scenes: Scenes | None, composites: int = 300) -> Witness:
    """The reader with its ceiling, on the first words among the scenes that `trust_of` judges; without scenes, none."""
    if scenes is None:
        return Witness(reader.name, reader.version, None)
    rights = [exact(reader.read([image])[0], text) for text, image in islice(_lettered(scenes), composites)]
    return Witness(reader.name, reader.version, fmean(rights))


def _lettered(scenes: Scenes) -> "Iterator[tuple[str, Image]]":
    """Words and pictures of the scenes with lettering from `UNSEEN` on, without end."""
    assert any(kind.name == "lettering" for kind in scenes.kinds), "no scene has a word"
    for scene in map(scenes.plan, count(UNSEEN)):
        if scene.kind == "lettering" and scene.lettering is not None:
            yield scene.lettering.text, to_image(to_signed(torch.from_numpy(scenes.drawn(scene)[None]))[0])


def _mean(groups: Groups) -> float:
    return fmean(fmean(values) for values in groups.values())
