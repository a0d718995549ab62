"""From a detector's maps to a list of what it found."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from mezzotint.families.icon_detector.model import IconDetector, Maps

__all__ = ["Found", "Sighting", "around", "decoded", "read"]

CELL = 2
"""Pixels of a cell."""
SAME = 0.5
"""Two boxes of one kind that overlap more than this (intersection over union) are one sighting."""
THINGS, LETTERS = 0, 1


@dataclass(frozen=True, slots=True)
class Sighting:
    """One thing or letter. kind, colour: their numbers; score: how sure it is that something is there, times how sure
    of its kind; box: left, top, right, bottom in pixels."""

    kind: int
    score: float
    box: tuple[float, float, float, float]
    colour: int
    colour_score: float


@dataclass(frozen=True, slots=True)
class Found:
    """What is in a picture, the surest first."""

    things: tuple[Sighting, ...]
    letters: tuple[Sighting, ...]


@torch.inference_mode()
def decoded(network: IconDetector, maps: Maps, least: float = 0.3) -> list[Found]:
    """What is in every picture, with a score of at least `least`."""
    things, letters = (_sightings(network, maps, sort, least) for sort in (THINGS, LETTERS))
    return [Found(a, b) for a, b in zip(things, letters, strict=True)]


def _sightings(network: IconDetector, maps: Maps, sort: int, least: float) -> list[tuple[Sighting, ...]]:
    chance = maps.peaks[:, sort].sigmoid()
    highest = F.max_pool2d(chance[:, None], 3, stride=1, padding=1)[:, 0]
    picture, row, column = torch.nonzero((chance == highest) & (chance >= least), as_tuple=True)
    said = network.described(maps.features[picture, :, row, column])
    kinds = (said.things if sort == THINGS else said.letters).softmax(1).max(1)
    colours = said.colours.softmax(1).max(1)
    scores = chance[picture, row, column] * kinds.values
    boxes = _boxes(maps.boxes[picture, :, row, column], row, column)
    best = scores.argsort(descending=True)
    best = best[scores[best] >= least]
    # all at once: a GPU takes as long to say one number as to say all of them
    where, kind, score, box, colour, surety = (
        values[best].tolist() for values in (picture, kinds.indices, scores, boxes, colours.indices, colours.values)
    )
    found: list[list[Sighting]] = [[] for _ in range(len(chance))]
    for i in range(len(best)):
        sighting = Sighting(kind[i], score[i], tuple(box[i]), colour[i], surety[i])
        here = found[where[i]]
        if not any(other.kind == sighting.kind and iou(other.box, sighting.box) > SAME for other in here):
            here.append(sighting)
    return [tuple(some) for some in found]


def _boxes(reach: Tensor, row: Tensor, column: Tensor) -> Tensor:
    centre = torch.stack([column, row], dim=1).float() + 0.5
    return torch.cat([centre - reach[:, :2], centre + reach[:, 2:]], dim=1) * CELL


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes (left, top, right, bottom)."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(wide, 0.0) * max(high, 0.0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return shared / max(areas - shared, 1e-9)


def around(sightings: Sequence[Sighting]) -> tuple[float, float, float, float] | None:
    """The box around some; None if there are none."""
    if not sightings:
        return None
    left, top, right, bottom = zip(*(one.box for one in sightings), strict=True)
    return min(left), min(top), max(right), max(bottom)


def read(letters: Sequence[Sighting], alphabet: str) -> str:
    """The text of letters: lines from top to bottom, each from left to right.

    A letter is on the line whose middle its own box spans; a gap of more than 0.8 of the usual width of a letter is a
    space, and so is the end of a line.
    """
    lines: list[list[Sighting]] = []
    for letter in sorted(letters, key=lambda sighting: sighting.box[1]):
        line = next((some for some in lines if letter.box[1] < _middle(some) < letter.box[3]), None)
        if line is None:
            lines.append([letter])
        else:
            line.append(letter)
    return " ".join(_spelled(line, alphabet) for line in lines)


def _middle(line: Sequence[Sighting]) -> float:
    return sum(letter.box[1] + letter.box[3] for letter in line) / (2 * len(line))


def _spelled(line: Sequence[Sighting], alphabet: str) -> str:
    row = sorted(line, key=lambda sighting: sighting.box[0] + sighting.box[2])
    usual = sorted(letter.box[2] - letter.box[0] for letter in row)[len(row) // 2]
    text = alphabet[row[0].kind]
    for before, letter in itertools.pairwise(row):
        text += (" " if letter.box[0] - before.box[2] > 0.8 * usual else "") + alphabet[letter.kind]
    return text
