"""IconEval's prompts: what is asked, and what must then be seen.

The tasks are GenEval's (Ghosh et al. 2023, arXiv 2310.11513), in the world of icons, spelling, and hands. The prompts
are data, in `prompts.json` beside this file, so that a score means the same tomorrow; `compose.py` made them. In
counting, colours, position, attribution, spelling and hands each has a combination that training scenes never show: a
count of a thing, a colour of a thing (of two, one at least), two things in a relation, a word, a number of fingers on a
hand of a skin tone and a side.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

__all__ = ["TASKS", "VERSION", "IconPrompt", "Wanted", "load_prompts"]

VERSION = 1
TASKS = ("single", "two", "counting", "colours", "position", "attribution", "spelling", "hands")
"""The first six are GenEval's, whose unweighted mean is the overall score. A task more changes none of the others,
so it is no new version."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A thing that must be seen: what, how many, and in which colour ("" for any)."""

    thing: str
    count: int = 1
    colour: str = ""


@dataclass(frozen=True, slots=True)
class IconPrompt:
    """One prompt.

    wanted: the things; relation: where the first must be, seen from the second ("left of", "right of", "above",
    "below"), or ""; word: what must be written, or ""; known: whether the phrasing is one of training's; fingers: how
    many a hand must hold up, None where no hand is wanted.
    """

    task: str
    text: str
    wanted: tuple[Wanted, ...] = ()
    relation: str = ""
    word: str = ""
    known: bool = True
    fingers: int | None = None

    def to_json_dict(self) -> dict[str, Any]:
        """Plain data; of prompts without a hand nothing is said of fingers."""
        return {name: value for name, value in asdict(self).items() if name != "fingers" or value is not None}

    @classmethod
    def from_json_dict(cls, data: Mapping[str, Any]) -> "IconPrompt":
        """The inverse of `to_json_dict`."""
        return cls(**{**data, "wanted": tuple(Wanted(**thing) for thing in data["wanted"])})


def load_prompts() -> tuple[IconPrompt, ...]:
    """All prompts, task by task."""
    text = files("mezzotint.evaluation.iconeval").joinpath("prompts.json").read_text("utf-8")
    data = json.loads(text)
    assert data["version"] == VERSION, "prompts.json is of another version"
    return tuple(IconPrompt.from_json_dict(line) for line in data["prompts"])
