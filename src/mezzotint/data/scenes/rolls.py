"""Decisions of a scene: a stream of whole numbers that depends on the seed and the scene's number alone."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

__all__ = ["Rolls"]

T = TypeVar("T")
_BLOCK = 64
_FULL = 2**64


class Rolls:
    """Words of Philox 4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).

    The key is (seed, purpose), the counter starts at (0, attempt, number, 0). Only whole numbers are made of them, so
    the decisions are the same on every machine and in every release of NumPy.
    """

    def __init__(self, seed: int, number: int, attempt: int = 0, purpose: int = 0) -> None:
        key = np.array([seed % _FULL, purpose], dtype=np.uint64)
        counter = np.array([0, attempt, number % _FULL, 0], dtype=np.uint64)
        self._bits = np.random.Philox(key=key, counter=counter)
        self._words: list[int] = []

    def word(self) -> int:
        """The next 64 bits."""
        if not self._words:
            self._words = self._bits.random_raw(_BLOCK).tolist()[::-1]
        return self._words.pop()

    def below(self, count: int) -> int:
        """A whole number in [0, count)."""
        assert count > 0
        return self.word() * count // _FULL

    def between(self, low: int, high: int) -> int:
        """A whole number in [low, high]; `low` if the range is empty."""
        return low + self.below(high - low + 1) if high > low else low

    def chance(self, percent: int) -> bool:
        """True in so many of a hundred cases."""
        return self.below(100) < percent

    def choice(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]

    def weighted(self, items: Sequence[tuple[T, int]]) -> T:
        """One of the items, each as often as its weight says."""
        left = self.below(sum(weight for _, weight in items))
        for item, weight in items:
            if left < weight:
                return item
            left -= weight
        raise AssertionError("the weights are not positive")

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different items in random order; all of them if there are fewer."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(min(count, len(left)))]
