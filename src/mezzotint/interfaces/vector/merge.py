"""Fewer regions: one that the picture hardly shows joins a neighbour, small and pale ones first.

A region costs its border. It joins a neighbour when the border that goes saves more than the colour that changes costs
(the piecewise constant model of Mumford and Shah, 1989, minimised by merging as in Koepfler, Lopez and Morel, 1994).
"""

import numpy as np
import numpy.typing as npt

from mezzotint.interfaces.vector.palette import Floats, Labels, features

__all__ = ["components", "merged"]

Indices = npt.NDArray[np.intp]

PASSES = 6


def merged(labels: Labels, rgba: Floats, colours: Floats, border: float, scale: int) -> Labels:
    """Labels (H, W) after joining. rgba: the picture, (H, W, 4) premultiplied; border: what a pixel of border costs, in
    squared distances of `features` on a pixel of area; scale: places a pixel is wide."""
    points, ends = features(rgba).reshape(-1, 4), features(colours)
    for _ in range(PASSES):
        parts, of = components(labels)
        count = len(of)
        area = np.bincount(parts.ravel(), minlength=count)
        mean = np.stack([np.bincount(parts.ravel(), points[:, k], count) for k in range(4)], -1) / area[:, None]
        now = ((mean - ends[of]) ** 2).sum(-1)
        one, other, length = _borders(parts)
        then = ((mean[one] - ends[of[other]]) ** 2).sum(-1)
        gain = border * length / scale - area[one] / scale**2 * (then - now[one])
        smaller = (area[one] < area[other]) | ((area[one] == area[other]) & (one < other))
        good = (gain > 0) & smaller
        order = np.lexsort((gain[good], one[good]))  # of each part the last is the best
        to = np.full(count, -1)
        to[one[good][order]] = other[good][order]
        moving = to >= 0
        moving[to[moving]] = False  # what others join stays as it is for now
        if not moving.any():
            break
        of[moving] = of[to[moving]]
        labels = of[parts].astype(np.uint8)
    return labels


def components(labels: Labels) -> tuple[Indices, Indices]:
    """The connected parts of equal labels, over edges: for each place its part, and the label of each part."""
    height, width = labels.shape
    begins = np.ones((height, width), dtype=bool)
    begins[:, 1:] = labels[:, 1:] != labels[:, :-1]
    runs = begins.ravel().cumsum().reshape(height, width) - 1
    same = labels[1:] == labels[:-1]
    count = int(runs[-1, -1]) + 1
    pairs = np.unique(runs[:-1][same] * count + runs[1:][same])
    roots = list(range(count))

    def root(one: int) -> int:
        while roots[one] != one:
            roots[one] = roots[roots[one]]
            one = roots[one]
        return one

    for pair in pairs.tolist():
        a, b = root(pair // count), root(pair % count)
        if a != b:
            roots[max(a, b)] = min(a, b)
    found, parts = np.unique([root(one) for one in range(len(roots))], return_inverse=True)
    return parts[runs], labels[begins][found].astype(np.intp)


def _borders(parts: Indices) -> tuple[Indices, Indices, Indices]:
    """Each pair of parts that touch, in both orders: one part, the other, the length of their border."""
    count = int(parts.max()) + 1
    keys = []
    for a, b in ((parts[:, 1:], parts[:, :-1]), (parts[1:], parts[:-1])):
        differ = a != b
        keys += [a[differ] * count + b[differ], b[differ] * count + a[differ]]
    found, lengths = np.unique(np.concatenate(keys), return_counts=True)
    return found // count, found % count, lengths
