"""The pictures that IconEval judges: every prompt, several seeds, drawn as `imagine` would."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mezzotint.conditioning.prompt import escaped
from mezzotint.evaluation.detector import Detector, Sight
from mezzotint.evaluation.fingers import fingers_of
from mezzotint.evaluation.iconeval.prompts import IconPrompt
from mezzotint.evaluation.iconeval.verdict import DEFAULT, Thresholds, Verdict, judge
from mezzotint.evaluation.reader import Reader
from mezzotint.pipeline import Pipeline
from mezzotint.request import Request

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Judged", "chosen", "gallery", "judged"]

Told = Callable[[int, int], None]
"""Hears how many pictures are done, of how many."""


@dataclass(frozen=True)
class Judged:
    """A picture of a prompt (its number among the prompts), what was seen in it, and whether that is right.

    read: what a second reader reads in it; None if none was asked.
    """

    number: int
    prompt: IconPrompt
    seed: int
    image: "Image"
    sight: Sight
    verdict: Verdict
    read: str | None = None


def chosen(prompts: Sequence[IconPrompt], count: int) -> tuple[IconPrompt, ...]:
    """The first `count` prompts of every task, or all if `count` is 0."""
    if not count:
        return tuple(prompts)
    seen: dict[str, int] = {}
    kept = []
    for prompt in prompts:
        seen[prompt.task] = seen.get(prompt.task, 0) + 1
        if seen[prompt.task] <= count:
            kept.append(prompt)
    return tuple(kept)


def gallery(
    pipe: Pipeline, prompts: Sequence[IconPrompt], seeds: int, request: Request, told: Told | None = None
) -> Iterator[tuple[int, int, "Image"]]:
    """(number of the prompt, seed, picture). Prompt i has the seeds `request.seed + i seeds` and so on, so that no two
    pictures share their noise; the rest of `request` is as it is."""
    total = len(prompts) * seeds
    for number, prompt in enumerate(prompts):
        first = request.seed + number * seeds
        result = pipe.generate(replace(request, prompt=escaped(prompt.text), seed=first, n=seeds))
        for place, image in enumerate(result.images):
            yield number, first + place, image
        if told is not None:
            told((number + 1) * seeds, total)


def judged(
    detector: Detector,
    prompts: Sequence[IconPrompt],
    pictures: Iterator[tuple[int, int, "Image"]],
    thresholds: Thresholds = DEFAULT,
    reader: Reader | None = None,
) -> list[Judged]:
    """Every picture with its verdict. reader: reads those that should show a word, and has no say in the verdict."""
    found = []
    for number, seed, image in pictures:
        prompt = prompts[number]
        # fingers are counted by geometry; the detector knows no hands
        sight = Sight((), "", fingers=fingers_of(image)) if prompt.task == "hands" else detector.images([image])[0]
        read = None if reader is None or not prompt.word else reader.read([image])[0]
        found.append(Judged(number, prompt, seed, image, sight, judge(prompt, sight, thresholds), read))
    return found
