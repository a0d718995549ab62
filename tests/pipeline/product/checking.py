"""What is checked of a row: it is drawn, again the same, each picture as alone, nothing ignored, every choice seen."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from PIL import Image

from mezzotint.errors import MezzotintError
from mezzotint.recipe import Result
from tests.pipeline.product.asking import Choice, Row, options
from tests.pipeline.product.levels import LEVELS
from tests.pipeline.product.models import pipeline

__all__ = ["IDLE", "Checker"]

MOST, MOST_OF_SAG = 2, 8
"""Steps of 1/255 by which pictures that share network calls may differ from those that do not. SAG blurs where
attention is above its mean, which the last bit may decide."""

ALL_SOLVERS = {("solver", name) for name in LEVELS["solver"]}
IDLE: Mapping[str, tuple[set[Choice], set[Choice]]] = MappingProxyType(
    {
        "a generator draws in one evaluation, which every solver asks for": (ALL_SOLVERS, {("family", "pixel_gan")}),
        "a generator has no letters": ({("prompt", "letters")}, {("family", "pixel_gan")}),
        "a blend of pictures is one of inversions": ({("edit", "inversion")}, {("edit", "blend of pictures")}),
        "lcm adds nothing but fresh noise, and none of CFG++": ({("rule", "cfg++")}, {("solver", "lcm")}),
    }
)
"""Why choices change nothing, with what they change nothing beside: there, the pixels must be the same without."""

Drawn = tuple[bytes, tuple[int, int]]


@dataclass
class Checker:
    """Checks rows; what is drawn without one of its choices is drawn once for all rows that ask for it."""

    known: dict[str, Drawn] = field(default_factory=dict)

    def faults(self, row: Row, looked_at: Collection[Choice] | None = None) -> list[str]:
        """What is wrong with a row, one sentence each; none if nothing is. looked_at: the choices that are switched
        off, one at a time; None is all."""
        each = row.choices if looked_at is None else [one for one in row.choices if one in looked_at]
        try:
            asked = options(row)
            first = generated(row.family, asked)
            found = [f"ignored is {list(first.ignored)}"] if first.ignored else []
            alone = [generated(row.family, one) for one in singles(asked)]
            found += apart(row, first, alone)
            if row.batch == "two in a call":  # else each is drawn again already, alone
                found += again(first, generated(row.family, asked))
            return [f"{row}: {what}" for what in (*found, *self.unseen(row, each, alone[0]))]
        except MezzotintError as error:
            return [f"{row}: refused: {error}"]

    def unseen(self, row: Row, each: Collection[Choice], whole: Result) -> list[str]:
        """Those of some choices of a row that change no pixel: without them the picture is the same."""
        asked, found = options(row.alone()), []
        for choice in each:
            factor, name = choice
            without = options(row.alone(), choice)
            if factor in ("family", "batch") or without == asked:
                continue
            same = self.drawn(row, without) == seen(whole.images[0])
            if same != bool(reasons(row, choice)):
                found.append(f"{name} changes nothing" if same else f"{name} changes something, though it is in IDLE")
        return found

    def drawn(self, row: Row, asked: dict[str, Any]) -> Drawn:
        """One picture."""
        key = f"{row.family}: {sorted((name, shown(value)) for name, value in asked.items())}"
        if key not in self.known:
            self.known[key] = seen(generated(row.family, asked).images[0])
        return self.known[key]


def generated(family: str, asked: dict[str, Any]) -> Result:
    """What the pipeline gives."""
    return pipeline(family).generate(asked["prompt"], **{name: one for name, one in asked.items() if name != "prompt"})


def singles(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The requests for each picture of one alone."""
    own = {**asked, "n": 1, "batching": "exact"}
    return [{**own, "seed": asked["seed"] + number} for number in range(asked["n"])]


def apart(row: Row, together: Result, alone: list[Result]) -> list[str]:
    """The pictures that are not what they are alone."""
    found = []
    for number, (one, other) in enumerate(zip(together.images, (each.images[0] for each in alone), strict=True)):
        if row.batch == "two in a call":
            if far(one, other) > (MOST_OF_SAG if "sag" in row.modifiers else MOST):
                found.append(f"picture {number} is another one in a call with others")
        elif seen(one) != seen(other):
            found.append(f"picture {number} is not what it is when it is drawn again, alone")
    if len({seen(one) for one in together.images}) < len(together.images):
        found.append("two pictures are the same")
    return found


def again(first: Result, second: Result) -> list[str]:
    """Whether two drawings of a request differ."""
    same = [seen(one) for one in first.images] == [seen(one) for one in second.images]
    return [] if same and first.recipes == second.recipes else ["drawn again it is another picture"]


def far(one: Image.Image, other: Image.Image) -> float:
    """By how many steps of 1/255 two pictures differ at most, premultiplied: where one is clear and the other all but
    clear, neither has a colour to speak of."""
    if one.size != other.size:
        return float("inf")
    a, b = (np.asarray(each.convert("RGBa"), dtype=float) for each in (one, other))
    return float(np.abs(a - b).max())


def seen(image: Image.Image) -> Drawn:
    """The pixels of a picture."""
    return image.tobytes(), image.size


def shown(value: object) -> str:
    """A value as part of a key."""
    if isinstance(value, Image.Image):
        return f"{value.size} {hash(value.tobytes())}"
    return str([shown(one) for one in value]) if isinstance(value, list | tuple) else str(value)


def reasons(row: Row, choice: Choice) -> list[str]:
    """Why a choice has by nature no effect in a row; empty if it has one."""
    return [why for why, (idle, beside) in IDLE.items() if choice in idle and beside & {*row.choices}]
