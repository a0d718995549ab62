"""Whether a picture shows what its prompt asks for, by GenEval's rules.

Source: Ghosh et al. 2023, "GenEval: An object-focused framework for evaluating text-to-image alignment"
(arXiv 2310.11513), and its released `evaluate_images.py`. Presence: at least as many sightings as wanted; more, and
other things, are not punished, except in counting. Position: the two surest sightings of the two things.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mezzotint.evaluation.detector import Sight, SightOf
from mezzotint.evaluation.error_rate import error_rate
from mezzotint.evaluation.iconeval.prompts import TASKS, IconPrompt, Wanted

__all__ = [
    "DEFAULT",
    "GENEVAL",
    "Thresholds",
    "Verdict",
    "judge",
    "overall",
    "relations",
    "task_scores",
]

GENEVAL = TASKS[:6]
"""The tasks of the overall score."""
MARGIN, ALONG = 0.1, 0.5
"""Share of the two sizes by which centres must be apart, and least part of what remains that points the named way."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How sure a detector must be of a thing: in general, and where things are counted.

    GenEval has 0.3 and 0.9, for detectors that see too much; ours sees too little, and was right most often with 0.4 of
    composites that validate nothing.
    """

    presence: float = 0.3
    counting: float = 0.4


DEFAULT = Thresholds()


@dataclass(frozen=True, slots=True)
class Verdict:
    """right, and if not, why: one sentence a fault. errors: the character error rate of a text, for spelling."""

    right: bool
    faults: tuple[str, ...] = ()
    errors: float | None = None


def judge(prompt: IconPrompt, sight: Sight, thresholds: Thresholds = DEFAULT) -> Verdict:
    """The verdict on one picture."""
    if prompt.task == "spelling":
        errors = error_rate(sight.text, prompt.word)
        fault = () if sight.text == prompt.word else (f'it says "{sight.text}", not "{prompt.word}"',)
        return Verdict(not fault, fault, errors)
    if prompt.task == "hands":
        shows = "no hand" if sight.fingers is None else f"{sight.fingers} raised fingers"
        right = sight.fingers == prompt.fingers
        return Verdict(right, () if right else (f"it shows {shows}, not {prompt.fingers}",))
    least = thresholds.counting if prompt.task == "counting" else thresholds.presence
    seen = [thing for thing in sight.things if thing.score >= least]
    faults = [fault for wanted in prompt.wanted for fault in _missing(prompt.task, wanted, seen)]
    if prompt.relation and not faults:
        a, b = (_surest(wanted.thing, seen) for wanted in prompt.wanted)
        found = relations(a.box, b.box)
        if prompt.relation not in found:
            said = " and ".join(sorted(found)) or "nowhere near clearly beside"
            faults.append(f"the {a.thing} is {said} the {b.thing}, not {prompt.relation} it")
    return Verdict(not faults, tuple(faults))


def _missing(task: str, wanted: Wanted, seen: Sequence[SightOf]) -> list[str]:
    """What is wrong with the sightings of one wanted thing."""
    mine = [thing for thing in seen if thing.thing == wanted.thing]
    if len(mine) < wanted.count or (task == "counting" and len(mine) != wanted.count):
        return [f"it shows {len(mine)} of {wanted.thing}, not {wanted.count}"]
    wrong = [thing.colour for thing in mine[: wanted.count] if wanted.colour and thing.colour != wanted.colour]
    return [f"the {wanted.thing} is {wrong[0]}, not {wanted.colour}"] if wrong else []


def _surest(thing: str, seen: Sequence[SightOf]) -> SightOf:
    return max((one for one in seen if one.thing == thing), key=lambda one: one.score)


def relations(a: Sequence[float], b: Sequence[float]) -> set[str]:
    """Where box `a` is, seen from box `b`; a diagonal satisfies two, near centres none.

    o = centre_a − centre_b; each coordinate loses 0.1 of the two sizes; the rest, divided by |o|, must be above 0.5.
    Boxes are (left, top, right, bottom).
    """
    offset = [(a[i] + a[i + 2] - b[i] - b[i + 2]) / 2 for i in (0, 1)]
    sizes = [a[i + 2] - a[i] + b[i + 2] - b[i] for i in (0, 1)]
    left = [math.copysign(max(abs(o) - MARGIN * s, 0.0), o) for o, s in zip(offset, sizes, strict=True)]
    length = math.hypot(*offset)
    if not any(left) or not length:
        return set()
    x, y = left[0] / length, left[1] / length
    named = {"left of": x < -ALONG, "right of": x > ALONG, "above": y < -ALONG, "below": y > ALONG}
    return {name for name, holds in named.items() if holds}


def task_scores(judged: Sequence[tuple[IconPrompt, Verdict]]) -> dict[str, float]:
    """The share of right pictures of every task that there are pictures of."""
    shares: dict[str, list[bool]] = {}
    for prompt, verdict in judged:
        shares.setdefault(prompt.task, []).append(verdict.right)
    return {task: sum(shares[task]) / len(shares[task]) for task in TASKS if task in shares}


def overall(scores: Mapping[str, float]) -> float:
    """The unweighted mean of the six tasks. Raises KeyError if one is missing."""
    return sum(scores[task] for task in GENEVAL) / len(GENEVAL)
