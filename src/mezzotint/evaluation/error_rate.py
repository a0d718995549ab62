"""How far what is written in a picture is from what should be written there."""

__all__ = ["edits", "error_rate", "exact"]


def error_rate(read: str, wanted: str, ignore_case: bool = False) -> float:
    """The character error rate: edits from `read` to `wanted`, divided by max(1, the characters of `wanted`).

    0 is right; more than 1 if more is written than was wanted. Characters are code points. ignore_case: both sides are
    case-folded first, and the length is the folded one.
    """
    found, asked = _folded(read, ignore_case), _folded(wanted, ignore_case)
    return edits(found, asked) / max(1, len(asked))


def exact(read: str, wanted: str, ignore_case: bool = False) -> bool:
    """Whether `read` is `wanted`, character for character."""
    return _folded(read, ignore_case) == _folded(wanted, ignore_case)


def edits(a: str, b: str) -> int:
    """The fewest insertions, deletions and replacements of single characters that turn `a` into `b`.

    d(i, j) = min(d(i − 1, j) + 1, d(i, j − 1) + 1, d(i − 1, j − 1) + [a_i ≠ b_j]), one row at a time. Source:
    Levenshtein 1966, "Binary codes capable of correcting deletions, insertions, and reversals"; Wagner & Fischer 1974,
    "The string-to-string correction problem".
    """
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        above, row = row, [i]
        for j, other in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other)))
    return row[-1]


def _folded(text: str, ignore_case: bool) -> str:
    return text.casefold() if ignore_case else text
