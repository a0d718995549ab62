"""The sides of two things, however they are said, as one thing on a side of the other."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from mezzotint.data.scenes.phrases import SIDES

__all__ = ["PLACED", "SIDE", "as_pair"]

PLACED: Mapping[str, str] = MappingProxyType(
    {
        **SIDES, "on the left of": "left of", "on the right of": "right of",
        "under": "below", "underneath": "below", "beneath": "below",
    }
)  # fmt: skip
"""How a side of another thing is said, and which it is."""
SIDE = "|".join(sorted(map(re.escape, PLACED), key=len, reverse=True))
"""A pattern of all of them, the longest first."""
_PARTS = {"left": ("left of", "right"), "right": ("right of", "left"), "top": ("above", "bottom"),
          "bottom": ("below", "top")}  # fmt: skip
_PART = rf"(?:on|at|to) the (?P<{{}}>{'|'.join(_PARTS)})(?: side)?"
_HALVES = (
    re.compile(
        rf"(?P<one>.+?),? {_PART.format('first')}(?: and|, and|,) (?P<other>.+?),? {_PART.format('second')}", re.I
    ),
    re.compile(
        rf"{_PART.format('first')},? (?P<one>.+?)(?: and|, and|,) {_PART.format('second')},? (?P<other>.+)", re.I
    ),
)
_ITS = re.compile(
    r"(?P<one>.+?),? (?:with|that has|and) (?P<other>.+?) "
    r"(?:(?:to|on|at) (?:its|their) (?P<side>left|right)|(?P<above>above|below|under|beneath) (?:it|them))",
    re.I,
)
_THERE = re.compile(rf"(?P<side>{SIDE}) (?P<one>.+?),? (?:there )?(?:is|are|stands?) (?P<other>.+)", re.I)
_IS = re.compile(rf"(?P<one>.+?) (?:is|are) (?P<side>{SIDE}) (?P<other>.+)", re.I)


def as_pair(words: str) -> str:
    """A prompt that says the sides of two things, as "the one SIDE the other"; any other prompt as it is.

    "A on the left and B on the right", "on the left A, on the right B"; "A with B to its left"; "above A there is B";
    "A is above B".
    """
    for pattern in _HALVES:
        if found := pattern.fullmatch(words):
            side, opposite = _PARTS[found["first"].lower()]
            return f"{found['one']} {side} {found['other']}" if found["second"].lower() == opposite else words
    if found := _ITS.fullmatch(words):
        side = f"{found['side']} of" if found["side"] else found["above"]
        return f"{found['other']} {side} {found['one']}"
    if found := _THERE.fullmatch(words):
        return f"{found['other']} {found['side']} {found['one']}"
    if found := _IS.fullmatch(words):
        return f"{found['one']} {found['side']} {found['other']}"
    return words
