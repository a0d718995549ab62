"""Nearest neighbours by Euclidean distance, exact, in chunks that fit in memory."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from mezzotint.evaluation.features import Matrix

__all__ = ["distances", "nearest", "radii"]

_PAIRS = 2**24
"""Distances at a time, 128 MiB of them: it bounds the memory."""


def distances(a: Matrix, b: Matrix) -> Iterator[tuple[slice, Matrix]]:
    """The distances from a (M, D) to b (N, D), some rows of `a` at a time: which rows, and (rows, N).

    |x − y| is summed from differences. |x|² + |y|² − 2 x·y would be quicker, but leaves a rest between equal pictures
    and differs between (x, y) and (y, x), and who compares distances with radii needs ties to be ties.
    """
    step = max(1, _PAIRS // len(b))
    for start in range(0, len(a), step):
        rows = slice(start, min(start + step, len(a)))
        found = torch.cdist(torch.from_numpy(a[rows]), torch.from_numpy(b), compute_mode="donot_use_mm_for_euclid_dist")
        yield rows, found.numpy()


def radii(points: Matrix, k: int) -> Matrix:
    """The distance of each point to its k-th nearest other point, (N,). A copy of it is another point."""
    assert 1 <= k < len(points)
    found = np.empty(len(points))
    for rows, chunk in distances(points, points):
        chunk[np.arange(len(chunk)), np.arange(rows.start, rows.stop)] = np.inf  # itself
        found[rows] = np.partition(chunk, k - 1, axis=1)[:, k - 1]
    return found


def nearest(a: Matrix, b: Matrix) -> tuple[Matrix, NDArray[np.int64]]:
    """The distance from each point of `a` to the nearest of `b`, (M,), and its row in `b`; the first of several."""
    found, where = np.empty(len(a)), np.empty(len(a), np.int64)
    for rows, chunk in distances(a, b):
        where[rows] = chunk.argmin(axis=1)
        found[rows] = chunk.min(axis=1)
    return found, where
