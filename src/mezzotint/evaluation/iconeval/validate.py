"""How far a detector's verdicts can be trusted: their ceiling and their floor, task by task.

Real composites that the detector never saw are judged. Each must be found right when it is held against its own facts
(the ceiling: what a perfect drawer would score), and wrong when it is held against those of another (the floor: what a
drawer that ignores its prompt would score). What prompts can ask for decides: composites of nine things, of eight
letters, or before a scenery that no prompt names say what the detector can do at large, not what the scores are worth.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice
from statistics import fmean

import torch
from torch import Tensor

from mezzotint.codecs.images import to_signed
from mezzotint.data.scenes import Scene, Scenes
from mezzotint.data.scenes.relate import POSITIONS
from mezzotint.evaluation.detector import Detector, Sight
from mezzotint.evaluation.iconeval.prompts import TASKS, IconPrompt, Wanted
from mezzotint.evaluation.iconeval.verdict import DEFAULT, Thresholds, judge

__all__ = ["LEAST_CEILING", "UNSEEN", "Asked", "Trust", "facts_as_prompts", "trust_of"]

LEAST_CEILING = 0.97
"""A task whose ceiling is lower is reported as not measurable."""
_CHUNK = 256
"""Composites in memory at a time."""
UNSEEN = 2**41
"""The first number of the scenes that are judged; no training and no validation comes so far."""


@dataclass(frozen=True, slots=True)
class Trust:
    """ceiling, floor: shares of composites that are judged right against their own facts, and against others'.

    of: how many composites, all of them such as the prompts ask for. at_large: the ceiling on composites of every sort,
    or None.
    """

    ceiling: float
    floor: float
    of: int
    at_large: float | None = None

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


@dataclass(frozen=True, slots=True)
class Asked:
    """What prompts can ask for: these things, these counts, words of these lengths. What they say nothing of is as
    training captions have it that say nothing of it."""

    things: frozenset[str]
    counts: frozenset[int]
    lengths: frozenset[int]

    @classmethod
    def by(cls, prompts: Sequence[IconPrompt]) -> "Asked":
        """What these prompts ask for, and all that lies between."""
        things = frozenset(wanted.thing for prompt in prompts for wanted in prompt.wanted)
        counts = [wanted.count for prompt in prompts if prompt.task == "counting" for wanted in prompt.wanted]
        lengths = [len(prompt.word) for prompt in prompts if prompt.word]
        return cls(things, frozenset(_between(counts)), frozenset(_between(lengths)))

    def fits(self, prompt: IconPrompt, scene: Scene) -> bool:
        """Whether a prompt of a scene's facts is such as these, and the scene shows nothing that it leaves unsaid:

        a ground, an arrangement, colours, letters of another form. Words are in one case, as the prompts' are.
        """
        if scene.backdrop.kind != "transparent":
            return False
        if prompt.task == "spelling":
            usual = scene.lettering is not None and scene.lettering.usual
            return usual and len(prompt.word) in self.lengths and (prompt.word.isupper() or prompt.word.islower())
        colours = {group.one: group.colour for group in scene.groups}
        if any(one.thing not in self.things or colours[one.thing] != one.colour for one in prompt.wanted):
            return False
        return prompt.task != "counting" or (prompt.wanted[0].count in self.counts and scene.layout == "rows")


def trust_of(
    detector: Detector,
    scenes: Sequence[Scenes],
    prompts: Sequence[IconPrompt],
    composites: int = 2000,
    thresholds: Thresholds = DEFAULT,
) -> dict[str, Trust]:
    """Ceiling and floor of every task, on scenes of these sources in turn.

    At large: on the first `composites` of every sort. As `prompts` ask: on up to a tenth as many of each task, of the
    first ten times as many. A task without two of these has no trust.
    """
    large = _judged(detector, islice(_composites(scenes), composites))
    many = islice(_composites(scenes), 10 * composites)
    asked = _judged(detector, _as_asked(many, Asked.by(prompts), max(composites // 10, 2)))
    found = {}
    for task in (task for task in TASKS if len(asked.get(task, ())) > 1):
        pairs = asked[task]
        others = [(prompt, sight) for (prompt, _), (_, sight) in zip(pairs, [*pairs[1:], pairs[0]], strict=True)]
        at_large = _right(large[task], thresholds) if task in large else None
        found[task] = Trust(_right(pairs, thresholds), _right(others, thresholds), len(pairs), at_large)
    return found


@dataclass(frozen=True, slots=True)
class _Composite:
    """A scene that is not drawn yet, and what is asked of it."""

    source: Scenes
    scene: Scene
    prompts: tuple[IconPrompt, ...]

    def drawn(self) -> Tensor:
        """Its picture."""
        return torch.from_numpy(self.source.drawn(self.scene))


_Pairs = Sequence[tuple[IconPrompt, Sight]]


def _composites(scenes: Sequence[Scenes]) -> Iterator[_Composite]:
    """Scenes that nothing was trained on, of every source in turn, with all that can be asked of them."""
    for number in count(UNSEEN):
        source = scenes[number % len(scenes)]
        scene = source.plan(number)
        yield _Composite(source, scene, tuple(facts_as_prompts(scene)))


def _as_asked(composites: Iterable[_Composite], asked: Asked, most: int) -> Iterator[_Composite]:
    """Those that show what is asked, until there are `most` of every task."""
    missing = dict.fromkeys((task for task in TASKS if task != "hands"), most)
    for one in composites:
        fitting = tuple(prompt for prompt in one.prompts if missing[prompt.task] and asked.fits(prompt, one.scene))
        for prompt in fitting:
            missing[prompt.task] -= 1
        if fitting:
            yield replace(one, prompts=fitting)
        if not any(missing.values()):
            return


def _judged(detector: Detector, composites: Iterator[_Composite]) -> Mapping[str, _Pairs]:
    """What is asked of composites, with what is seen in them, task by task; a part of them is in memory at a time."""
    by_task: dict[str, list[tuple[IconPrompt, Sight]]] = {}
    while part := list(islice(composites, _CHUNK)):
        sights = detector.pictures(to_signed(torch.stack([one.drawn() for one in part])))
        for one, sight in zip(part, sights, strict=True):
            for prompt in one.prompts:
                by_task.setdefault(prompt.task, []).append((prompt, sight))
    return by_task


def _right(pairs: _Pairs, thresholds: Thresholds) -> float:
    return fmean(judge(prompt, sight, thresholds).right for prompt, sight in pairs)


def _between(values: Sequence[int]) -> range:
    return range(min(values), max(values) + 1) if values else range(0)
