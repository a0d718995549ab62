"""A closed outline as few curves: corners are found, and Bézier curves fitted between them.

Source: Philip J. Schneider, "An algorithm for automatically fitting digitized curves", Graphics Gems, 1990.
"""

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from mezzotint.interfaces.vector.trace import Outline

__all__ = ["fitted"]

Points = npt.NDArray[np.float64]
CORNER = 40.0
"""Degrees that the way turns at a corner, between one and a half pixels before and as many behind it."""
AROUND = 1.5
PER_PIXEL, WIDE = 4, 4
"""Points of an outline in a pixel, and those from which a tangent is taken: nearer ones tell of the mask's steps."""
ROUNDS = 4


def fitted(outline: Outline, tolerance: float, pixel: float) -> Outline:
    """An outline that is nowhere more than `tolerance` from the points of the given one, with as few curves.

    pixel: how long a pixel of the picture is in the outline's coordinates.
    """
    points = _even(np.array(outline.points()), pixel / PER_PIXEL)
    if len(points) < 4:
        return outline
    corners = _corners(points, max(2, round(AROUND * PER_PIXEL)))
    if not corners:
        return _closed(points, [*_fit(np.concatenate([points, points[:1]]), *_ends(points), tolerance, 0)])
    points = np.roll(points, -corners[0], axis=0)
    marks = [*(corner - corners[0] for corner in corners), len(points)]
    points = np.concatenate([points, points[:1]])
    curves: list[Points] = []
    for first, last in pairwise(marks):
        run = points[first : last + 1]
        curves += _fit(run, _direction(run), _direction(run[::-1]), tolerance, 0)
    return _closed(points, curves)


def _closed(points: Points, curves: list[Points]) -> Outline:
    return Outline(points[0], np.stack(curves))


def _even(points: Points, step: float) -> Points:
    """Points along a closed way, about `step` apart."""
    closed = np.concatenate([points, points[:1]])
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    at = np.linspace(0, lengths[-1], max(4, math.ceil(lengths[-1] / step)), endpoint=False)
    return np.stack([np.interp(at, lengths, closed[:, axis]) for axis in (0, 1)], -1)


def _corners(points: Points, reach: int) -> list[int]:
    """The places where a closed way turns sharply, the sharpest within `reach` on both sides."""
    reach = min(reach, len(points) // 3)
    before, behind = points - np.roll(points, reach, axis=0), np.roll(points, -reach, axis=0) - points
    cross = before[:, 0] * behind[:, 1] - before[:, 1] * behind[:, 0]
    turns = np.abs(np.degrees(np.arctan2(cross, (before * behind).sum(-1))))
    around = np.stack([np.roll(turns, k) for k in range(-reach, reach + 1)])
    (found,) = np.nonzero((turns >= CORNER) & (turns >= around.max(0)))
    kept: list[int] = []
    for place in found.tolist():  # of a plateau the first
        if not kept or place - kept[-1] > reach:
            kept.append(place)
    return kept


def _ends(points: Points) -> tuple[Points, Points]:
    """The tangents where a closed way without corners begins and ends: opposite ones."""
    along = _unit(points[WIDE % len(points)] - points[-WIDE % len(points)])
    return along, -along


def _direction(run: Points) -> Points:
    """The tangent at the beginning of a way, from the points of the first pixel."""
    return _unit(run[min(WIDE, len(run) - 1)] - run[0])


def _unit(vector: Points) -> Points:
    length = float(np.hypot(*vector))
    return vector / length if length > 0 else vector


def _fit(points: Points, out: Points, back: Points, tolerance: float, depth: int) -> list[Points]:
    """Curves, each (3, 2), through a way from its first to its last point, with tangents `out` and `back` there."""
    chord = points[-1] - points[0]
    length = float(np.hypot(*chord))
    if len(points) < 3 or (length > 0 and _off_line(points, chord / length) <= 0.7 * tolerance):
        return [np.stack([points[0], points[-1], points[-1]])]
    t = _lengths(points)
    for _ in range(ROUNDS):
        curve = _least_squares(points, t, out, back)
        off = ((_at(curve, t) - points) ** 2).sum(-1)
        worst = int(off.argmax())
        if off[worst] <= tolerance**2:
            return [curve[1:]]
        if off[worst] > 16 * tolerance**2:
            break
        t = _nearer(curve, points, t)
    middle = min(max(worst, 1), len(points) - 2)
    if depth > 30:
        return [np.stack([points[0], points[-1], points[-1]])]
    wide = min(WIDE, middle, len(points) - 1 - middle)
    along = _unit(points[middle - wide] - points[middle + wide])
    first = _fit(points[: middle + 1], out, along, tolerance, depth + 1)
    return first + _fit(points[middle:], -along, back, tolerance, depth + 1)


def _off_line(points: Points, along: Points) -> float:
    """How far the points are from the chord, those beside its ends counted from them."""
    moved = points - points[0]
    on = np.clip(moved @ along, 0, float((points[-1] - points[0]) @ along))
    return float(np.sqrt(((moved - on[:, None] * along) ** 2).sum(-1).max()))


def _lengths(points: Points) -> Points:
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    return np.asarray(lengths / lengths[-1])


def _basis(t: Points) -> Points:
    u = 1 - t
    return np.stack([u**3, 3 * u * u * t, 3 * u * t * t, t**3], -1)


def _at(curve: Points, t: Points) -> Points:
    return np.asarray(_basis(t) @ curve)


def _least_squares(points: Points, t: Points, out: Points, back: Points) -> Points:
    """The curve (4, 2) with handles along the tangents that is nearest to the points at the times t."""
    first, last = points[0], points[-1]
    basis = _basis(t)
    one, two = basis[:, 1:2] * out, basis[:, 2:3] * back
    rest = points - (basis[:, :1] + basis[:, 1:2]) * first - (basis[:, 2:3] + basis[:, 3:]) * last
    c00, c01, c11 = (one * one).sum(), (one * two).sum(), (two * two).sum()
    x0, x1 = (one * rest).sum(), (two * rest).sum()
    det = c00 * c11 - c01 * c01
    chord = float(np.hypot(*(last - first)))
    a, b = ((x0 * c11 - x1 * c01) / det, (c00 * x1 - c01 * x0) / det) if abs(det) > 1e-12 else (0.0, 0.0)
    way = float(np.hypot(*np.diff(points, axis=0).T).sum())
    if not (1e-3 * chord < a < way and 1e-3 * chord < b < way):  # as Schneider does where the squares lead astray
        a = b = way / 3
    return np.stack([first, first + a * out, last + b * back, last])


def _nearer(curve: Points, points: Points, t: Points) -> Points:
    """One step of Newton's method for the times at which the curve is nearest to the points."""
    first = 3 * np.diff(curve, axis=0)
    second = 2 * np.diff(first, axis=0)
    u = 1 - t
    off = _at(curve, t) - points
    speed = np.stack([u * u, 2 * u * t, t * t], -1) @ first
    bend = np.stack([u, t], -1) @ second
    below = (speed * speed).sum(-1) + (off * bend).sum(-1)
    moved = np.where(np.abs(below) > 1e-9, t - (off * speed).sum(-1) / np.where(below == 0, 1, below), t)
    return np.maximum.accumulate(np.clip(moved, 0, 1))
