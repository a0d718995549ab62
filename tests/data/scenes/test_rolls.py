"""The stream of decisions."""

import numpy as np
import pytest

from mezzotint.data.scenes.rolls import Rolls


def words(*key: int) -> list[int]:
    rolls = Rolls(*key)
    return [rolls.word() for _ in range(70)]


def test_the_words_are_philox_blocks_of_the_documented_key_and_counter() -> None:
    bits = np.random.Philox(key=9 + (2 << 64), counter=(4 << 64) + (77 << 128))
    assert words(9, 77, 4, 2)[:64] == bits.random_raw(64).tolist()
    assert words(9, 77, 4, 2)[64:] == bits.random_raw(6).tolist()


@pytest.mark.parametrize(
    "other", [(1, 5, 0, 0), (0, 6, 0, 0), (0, 5, 1, 0), (0, 5, 0, 1), (2**63 + 1, 5), (2**64 - 1, 5)]
)
def test_every_part_of_the_key_counts(other: tuple[int, ...]) -> None:
    assert words(*other) != words(0, 5, 0, 0)
    assert not set(words(*other)) & set(words(0, 5, 0, 0))


def test_large_seeds_and_numbers_keep_all_their_bits() -> None:
    assert words(2**63, 0) != words(2**63 + 1, 0)
    assert words(0, 2**63) != words(0, 2**63 + 1)
    assert words(-1, 0) == words(2**64 - 1, 0)


def test_choices_are_as_frequent_as_they_should_be() -> None:
    rolls = Rolls(3, 1)
    n = 4000
    found = [rolls.below(6) for _ in range(n)]
    assert set(found) == set(range(6))
    chi = sum((found.count(i) - n / 6) ** 2 / (n / 6) for i in range(6))
    assert chi < 20.5  # 5 degrees of freedom, one in a thousand
    weighted = [rolls.weighted((("a", 1), ("b", 3), ("c", 0))) for _ in range(n)]
    assert "c" not in weighted
    assert abs(weighted.count("b") / n - 0.75) < 0.03
    assert {rolls.between(3, 5) for _ in range(100)} == {3, 4, 5}
    assert rolls.between(5, 5) == rolls.between(5, 2) == 5
    orders = {tuple(rolls.sample("abc", 3)) for _ in range(100)}
    assert len(orders) == 6
    assert sorted(rolls.sample("abc", 9)) == ["a", "b", "c"]
