"""IconEval's scores, with intervals over prompts, beside what they can be compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from mezzotint.evaluation.bootstrap import Groups, Interval, differences, interval, interval_of
from mezzotint.evaluation.iconeval.gallery import Judged
from mezzotint.evaluation.iconeval.hands import HandCheck
from mezzotint.evaluation.iconeval.prompts import TASKS
from mezzotint.evaluation.iconeval.reading import Reading, Witness, reading_of
from mezzotint.evaluation.iconeval.validate import Trust
from mezzotint.evaluation.iconeval.verdict import DEFAULT, GENEVAL, Thresholds, judge, overall

__all__ = ["IconScores", "TaskScore", "compared", "groups_of", "score"]


@dataclass(frozen=True, slots=True)
class TaskScore:
    """One task.

    score, low, high   share of right pictures, and its 95 % interval over prompts
    shuffled           the share if every picture is held against another prompt of the task: what a model that ignores
                       its prompts would get
    known, unknown     shares of the prompts phrased as captions of training are, and of the others
    errors             spelling: the mean character error rate
    reading            spelling: what a second reader finds; None if none was asked
    trust              how far the detector can be trusted; None if that was not measured
    prompts, pictures  how many
    hands              hands: how well fingers are counted, on our hands and on emoji; None if that was not measured
    """

    score: float
    low: float
    high: float
    shuffled: float
    known: float | None
    unknown: float | None
    errors: float | None
    reading: Reading | None
    trust: Trust | None
    prompts: int
    pictures: int
    hands: HandCheck | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """Plain data: `measurable` is None where nothing is known of the detector."""
        trust = self.trust
        found: dict[str, Any] = {
            "score": self.score,
            "low": self.low,
            "high": self.high,
            "ceiling": None if trust is None else trust.ceiling,
            "ceiling_at_large": None if trust is None else trust.at_large,
            "composites": None if trust is None else trust.of,
            "floor": None if trust is None else trust.floor,
            "measurable": None if trust is None else trust.measurable,
            "shuffled": self.shuffled,
            "known_phrasing": self.known,
            "unknown_phrasing": self.unknown,
            "prompts": self.prompts,
            "pictures": self.pictures,
        }
        if self.errors is not None:
            found["character_error_rate"] = self.errors
        if self.hands is not None:
            found["counter"] = self.hands.to_json_dict()
        return found if self.reading is None else {**found, "reader": self.reading.to_json_dict()}


@dataclass(frozen=True, slots=True)
class IconScores:
    """Every task, and the unweighted mean of GenEval's six (None if one is missing) with its 95 % interval."""

    tasks: Mapping[str, TaskScore]
    overall: Interval | None

    def to_json_dict(self) -> dict[str, Any]:
        """`{"overall": {...}, "single": {...}, ...}`."""
        found = {name: task.to_json_dict() for name, task in self.tasks.items()}
        if self.overall is None:
            return found
        unsure = [name for name in GENEVAL if (trust := self.tasks[name].trust) is not None and not trust.measurable]
        mean, low, high = self.overall
        return {"overall": {"score": mean, "low": low, "high": high, "not_measurable": unsure}, **found}


def groups_of(found: Sequence[Judged]) -> dict[str, dict[str, list[float]]]:
    """task -> prompt -> 1 for each right picture, 0 for the others."""
    tables: dict[str, dict[str, list[float]]] = {}
    for one in found:
        tables.setdefault(one.prompt.task, {}).setdefault(one.prompt.text, []).append(float(one.verdict.right))
    return {task: tables[task] for task in TASKS if task in tables}


def compared(found: Sequence[Judged], other: Sequence[Judged]) -> dict[str, Interval]:
    """How much better the first pictures are than the others, task by task and "overall", prompt against prompt."""
    first, second = groups_of(found), groups_of(other)
    tables = {task: differences(first[task], second[task]) for task in first}
    gains = {task: interval(table) for task, table in tables.items()}
    if all(task in tables for task in GENEVAL):
        gains = {"overall": interval_of(overall, {task: tables[task] for task in GENEVAL}), **gains}
    return gains


def score(
    found: Sequence[Judged],
    trust: Mapping[str, Trust] | None = None,
    thresholds: Thresholds = DEFAULT,
    witness: Witness | None = None,
    hands: HandCheck | None = None,
) -> IconScores:
    """The scores of judged pictures. trust: by task, of the detector that judged; witness: who read `Judged.read`;
    hands: how well fingers are counted."""
    groups, mine = groups_of(found), trust or {}
    tasks = {
        task: _task(
            [one for one in found if one.prompt.task == task], groups[task], mine.get(task), thresholds, witness
        )
        for task in groups
    }
    if "hands" in tasks:
        tasks["hands"] = replace(tasks["hands"], hands=hands)
    if any(task not in groups for task in GENEVAL):
        return IconScores(tasks, None)
    return IconScores(tasks, interval_of(overall, {task: groups[task] for task in GENEVAL}))


def _task(
    found: Sequence[Judged], groups: Groups, trust: Trust | None, thresholds: Thresholds, witness: Witness | None
) -> TaskScore:
    middle, low, high = interval(groups)
    prompts = {one.number: one.prompt for one in found}
    numbers = sorted(prompts)
    after = {number: prompts[numbers[(place + 1) % len(numbers)]] for place, number in enumerate(numbers)}
    read = [(one.prompt, one.read) for one in found if one.read is not None]
    errors = [one.verdict.errors for one in found if one.verdict.errors is not None]
    shares = {
        known: fmean(rights) if (rights := [one.verdict.right for one in found if one.prompt.known == known]) else None
        for known in (True, False)
    }
    return TaskScore(
        score=middle,
        low=low,
        high=high,
        shuffled=fmean(judge(after[one.number], one.sight, thresholds).right for one in found),
        known=shares[True],
        unknown=shares[False],
        errors=fmean(errors) if errors else None,
        reading=reading_of(read, witness) if read and witness is not None else None,
        trust=trust,
        prompts=len(prompts),
        pictures=len(found),
    )
