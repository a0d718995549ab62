"""How far a detector's verdicts can be trusted: their ceiling and their floor, task by task.

Real composites that the detector never saw are judged. Each must be found right when it is held against its own facts
(the ceiling: what a perfect drawer would score), and wrong when it is held against those of another (the floor: what a
drawer that ignores its prompt would score).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from mezzotint.codecs.images import to_signed
from mezzotint.data.scenes import ComposedScene, Scene, Scenes
from mezzotint.data.scenes.relate import POSITIONS
from mezzotint.evaluation.detector import Detector, Sight
from mezzotint.evaluation.iconeval.prompts import TASKS, IconPrompt, Wanted
from mezzotint.evaluation.iconeval.verdict import DEFAULT, Thresholds, judge

__all__ = ["LEAST_CEILING", "UNSEEN", "Trust", "facts_as_prompts", "trust_of"]

LEAST_CEILING = 0.97
"""A task whose ceiling is lower is reported as not measurable."""
_CHUNK = 256
"""Composites in memory at a time."""
UNSEEN = 2**41
"""The first number of the scenes that are judged; no training and no validation comes so far."""


@dataclass(frozen=True, slots=True)
class Trust:
    """ceiling, floor: shares of composites that are judged right against their own facts, and against others'.

    of: how many composites.
    """

    ceiling: float
    floor: float
    of: int

    @property
    def measurable(self) -> bool:
        """Whether the task can be measured with this detector."""
        return self.ceiling >= LEAST_CEILING


def facts_as_prompts(scene: Scene) -> Iterator[IconPrompt]:
    """What can be asked of a scene's picture, in every task that it fits."""
    groups = scene.groups
    wanted = tuple(Wanted(group.one, len(group.boxes), group.colour) for group in groups)
    plain = tuple(Wanted(thing.thing) for thing in wanted)
    if scene.kind == "lettering" and scene.lettering is not None:
        yield IconPrompt("spelling", "", word=scene.lettering.text)
    elif scene.kind == "single":
        yield IconPrompt("single", "", plain)
    elif scene.kind == "counting":
        yield IconPrompt("counting", "", (Wanted(wanted[0].thing, wanted[0].count),))
    elif scene.kind == "colour":
        yield IconPrompt("colours", "", wanted)
    elif scene.kind == "attribution":
        yield IconPrompt("attribution", "", wanted)
        yield IconPrompt("two", "", plain)
    elif scene.kind == "relations" and len(groups) == 2 and scene.relations[0].word in POSITIONS:
        first = scene.relations[0]
        ends = (plain[first.subject], plain[first.object])
        yield IconPrompt("position", "", ends, relation=first.word)
        yield IconPrompt("two", "", plain)


def trust_of(
    detector: Detector, scenes: Scenes, count: int = 2000, thresholds: Thresholds = DEFAULT
) -> dict[str, Trust]:
    """Ceiling and floor of every task that `count` scenes have, most of which should be of held-out combinations."""
    by_task: dict[str, list[tuple[IconPrompt, Sight]]] = {}
    for first in range(UNSEEN, UNSEEN + count, _CHUNK):
        composed = [scenes.at(number) for number in range(first, min(first + _CHUNK, UNSEEN + count))]
        for scene, sight in zip(composed, _sights(detector, composed), strict=True):
            for prompt in facts_as_prompts(scene.scene):
                by_task.setdefault(prompt.task, []).append((prompt, sight))
    return {task: _trust(by_task[task], thresholds) for task in TASKS if len(by_task.get(task, ())) > 1}


def _sights(detector: Detector, composed: Sequence[ComposedScene]) -> list[Sight]:
    pictures = torch.stack([torch.from_numpy(scene.picture) for scene in composed])
    return detector.pictures(to_signed(pictures))


def _trust(pairs: Sequence[tuple[IconPrompt, Sight]], thresholds: Thresholds) -> Trust:
    own = [judge(prompt, sight, thresholds).right for prompt, sight in pairs]
    others = [
        judge(prompt, sight, thresholds).right
        for (prompt, _), (_, sight) in zip(pairs, [*pairs[1:], pairs[0]], strict=True)
    ]
    return Trust(sum(own) / len(own), sum(others) / len(others), len(pairs))
