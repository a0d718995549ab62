"""Readable names from the file names of icons."""

import re

from mezzotint.data.icons.words import NOISE, SPELLING

__all__ = ["clean", "slug"]

_COUNTS = frozenset({"one", "two", "three", "four", "five", "bold", "light", "regular"})


def slug(name: str) -> str:
    """The form in which names are compared: lower-case words joined by hyphens."""
    return "-".join(re.findall(r"[a-z0-9']+", name.lower().replace("’", "").replace("'", "")))


def clean(raw: str) -> str:
    """A readable name: separators to spaces, spelling repaired, file noise, stray numbers and repetitions dropped.

    "shopping-cart-2-flat" is "shopping cart", "labtop-duo" is "laptop".
    """
    raw = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", raw).lower()
    words = " ".join(SPELLING.get(word, word) for word in re.split(r"[-_\s]+", raw)).split()
    words = [re.sub(r"(?<=[a-z]{3})\d+$", "", word) for word in words]
    words = [SPELLING.get(word, word) for word in words]
    first, rest = words[:1], words[1:]
    if rest and first[0] in NOISE and first[0] not in _COUNTS:
        first = []
    kept = first + [word for word in rest if word not in NOISE and not word.isdigit()]
    return " ".join(word for i, word in enumerate(kept) if i == 0 or word != kept[i - 1])
