"""The order in which training sees its pictures: a pure function of a seed and a counter."""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=4)
def epoch_order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """A permutation of `count` rows for one pass over the data; the same on every machine.

    NumPy's `Generator.permutation` may change between releases, so the permutation sorts random keys of the
    Philox bit generator instead, whose stream is fixed by its definition.
    """
    keys = np.random.Philox(key=[seed % 2**64, epoch]).random_raw(count)
    order = np.argsort(keys, kind="stable").astype(np.int64)
    order.setflags(write=False)
    return order


def rows_at(seed: int, counter: int, batch: int, count: int) -> NDArray[np.int64]:
    """Rows of the pictures number `counter` to `counter + batch - 1` since training began; epochs follow each other."""
    return rows_of(seed, range(counter, counter + batch), count)


def rows_of(seed: int, positions: Iterable[int], count: int) -> NDArray[np.int64]:
    """Rows of the pictures of these numbers since training began."""
    return np.array([epoch_order(seed, p // count, count)[p % count] for p in positions], dtype=np.int64)
