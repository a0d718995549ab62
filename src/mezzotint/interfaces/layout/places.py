"""Where several things go: every one a square of its own, in an order that keeps what is said of their sides."""

import math
from collections.abc import Sequence

from mezzotint.interfaces.layout.phrases import Told

__all__ = ["Box", "boxes_of", "grid", "squares"]

Box = tuple[float, float, float, float]
"""(left, top, right, bottom) in shares of the picture."""
_AXIS = {"left of": (0, False), "right of": (0, True), "above": (1, False), "below": (1, True)}
"""Of a side: along which axis it is, and whether the other thing comes first."""


def boxes_of(told: Told, shape: tuple[int, int] = (1, 1), most: float = math.inf) -> tuple[tuple[Box, str], ...] | None:
    """A box for each thing, with its words, in a picture of a shape (width, height), with sides of at most `most` in
    its units; None where sides contradict.

    Without sides, things stand in rows in their order. With sides, things are sorted into columns and rows, each as far
    to the right, or down, as the longest chain of things before it; what nothing is said of comes after all others.
    """
    count = len(told.things)
    if not told.relations:
        whole = squares((0.0, 0.0, 1.0, 1.0), told.total, shape, most)
        names = [one.words for one in told.things for _ in range(one.count)]
        return tuple(zip(whole, names, strict=True))
    ranks = [_ranks(count, _pairs(told, axis)) for axis in (0, 1)]
    if None in ranks:
        return None
    columns, rows = (rank or [] for rank in ranks)
    said = {number for a, _, b in told.relations for number in (a, b)}
    for number in range(count):
        if number not in said:
            columns[number] = max(columns) + 1
    places: dict[tuple[int, int], list[str]] = {}
    for number, one in enumerate(told.things):
        places.setdefault((columns[number], rows[number]), []).extend([one.words] * one.count)
    across, down = max(columns) + 1, max(rows) + 1
    found = list[tuple[Box, str]]()
    for (column, row), names in places.items():
        cell = (column / across, row / down, (column + 1) / across, (row + 1) / down)
        found += zip(squares(cell, len(names), shape, most), names, strict=True)
    return tuple(found)


def _pairs(told: Told, axis: int) -> list[tuple[int, int]]:
    """The things of which one comes before the other along an axis, the first one first."""
    found = []
    for first, side, second in told.relations:
        along, turned = _AXIS[side]
        if along == axis:
            found.append((second, first) if turned else (first, second))
    return found


def _ranks(count: int, pairs: Sequence[tuple[int, int]]) -> list[int] | None:
    """Of every thing the length of the longest chain that ends with it; None if there is a ring."""
    ranks = [0] * count
    for _ in range(count):
        before = list(ranks)
        for first, second in pairs:
            ranks[second] = max(ranks[second], ranks[first] + 1)
        if ranks == before:
            return ranks
    return None


def squares(cell: Box, count: int, shape: tuple[int, int], most: float = math.inf) -> list[Box]:
    """So many equal squares in rows in a part of a picture of a shape, as large as fits and `most` allows; the last row
    is centred."""
    left, top, right, bottom = cell
    width, height = (right - left) * shape[0], (bottom - top) * shape[1]
    columns, rows = grid(count, width, height)
    wide, high = width / columns, height / rows
    side = min(wide, high, most)
    found = []
    for number in range(count):
        row, place = divmod(number, columns)
        here = min(columns, count - row * columns)
        x = left * shape[0] + (width - here * wide) / 2 + (place + 0.5) * wide
        y = top * shape[1] + (row + 0.5) * high
        edges = (
            (x - side / 2) / shape[0],
            (y - side / 2) / shape[1],
            (x + side / 2) / shape[0],
            (y + side / 2) / shape[1],
        )
        found.append((max(0.0, edges[0]), max(0.0, edges[1]), min(1.0, edges[2]), min(1.0, edges[3])))
    return found


def grid(count: int, width: float, height: float) -> tuple[int, int]:
    """Into how many columns and rows so many squares are put to be the largest; of equal ones the fewest places."""
    choices = [(columns, -(-count // columns)) for columns in range(1, count + 1)]
    return max(choices, key=lambda one: (min(width / one[0], height / one[1]), -one[0] * one[1], one[0]))
