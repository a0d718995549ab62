"""Edits of words that everyone knows, and of short strings against a search through all of them."""

import functools
import itertools

import pytest

from mezzotint.evaluation.error_rate import edits, error_rate, exact


@pytest.mark.parametrize(
    ("read", "wanted", "expected"),
    [
        ("kitten", "sitting", 3),
        ("saturday", "sunday", 3),
        ("intention", "execution", 5),
        ("flaw", "lawn", 2),
        ("STOP", "SPOT", 2),  # a swap is two edits
        ("", "abc", 3),
        ("abc", "", 3),
        ("same", "same", 0),
    ],
)
def test_known_words(read: str, wanted: str, expected: int) -> None:
    assert edits(read, wanted) == edits(wanted, read) == expected
    assert error_rate(read, wanted) == pytest.approx(expected / max(1, len(wanted)))


def test_edits_are_the_recursion() -> None:
    @functools.cache
    def fewest(a: str, b: str) -> int:
        if not a or not b:
            return len(a) + len(b)
        if a[0] == b[0]:
            return fewest(a[1:], b[1:])
        return 1 + min(fewest(a[1:], b), fewest(a, b[1:]), fewest(a[1:], b[1:]))

    words = ["".join(letters) for length in range(5) for letters in itertools.product("ab", repeat=length)]
    for a, b in itertools.product(words, repeat=2):
        assert edits(a, b) == fewest(a, b), (a, b)


def test_the_rate_is_per_wanted_character() -> None:
    assert error_rate("STQP", "STOP") == 0.25
    assert error_rate("STOPSTOPSTOP", "STOP") == 2.0
    assert error_rate("abc", "") == 3.0
    assert error_rate("", "") == 0.0


def test_case_counts_unless_it_is_ignored() -> None:
    assert error_rate("Stop", "STOP") == 0.75
    assert error_rate("Stop", "sTOP", ignore_case=True) == 0.0
    assert error_rate("Stxp", "STOP", ignore_case=True) == 0.25
    assert not exact("Stop", "STOP")
    assert exact("Stop", "STOP", ignore_case=True)
    assert exact("STOP", "STOP")
    assert not exact("STOP ", "STOP", ignore_case=True)
    assert exact("Straße", "STRASSE", ignore_case=True)
    assert error_rate("x", "ß", ignore_case=True) == 1.0  # two edits of the two letters that ß folds to
