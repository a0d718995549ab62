"""What a prompt says of several things: what each is, how many of it, and on which side of another.

Rules and no network, so that everybody can see what was understood; a prompt with anything besides ("a cat on a
beach", "a fox with a hat") is not taken apart at all, since that part would be lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from mezzotint.conditioning.prompt import plain_words
from mezzotint.data.captions import article
from mezzotint.data.icons.lexicon import lexicon
from mezzotint.data.icons.words import MASS
from mezzotint.data.scenes import COLOURS
from mezzotint.data.scenes.nouns import nouns, plural_of
from mezzotint.data.scenes.phrases import NUMBERS

__all__ = ["MOST", "Named", "Told", "told_of"]

MOST = 9
"""Things that find a place in one picture."""
_COUNTS = {**{word: value for value, word in enumerate(NUMBERS) if value}, **{str(n): n for n in range(1, 10)}}
_SINGLE = ("a", "an", "one", "another", "the")
_NO_PART = frozenset(
    (
        *("with", "without", "on", "in", "at", "by", "for", "from", "to", "into", "under", "inside", "behind", "near"),
        *("around", "between", "through", "that", "who", "which", "is", "are", "has", "have", "wearing", "holding"),
        *("eating", "or", "not", "no", "and", "as", "like", "his", "her", "its", "their", "says", "reading"),
    )
)
"""Words that say more of a thing than its name, or of several."""
_LEAD = re.compile(r"(?:(?:here (?:is|are)|there (?:is|are)|both|just|an? (?:picture|drawing|group) of)\s+)+", re.I)
_SIDES = {
    "to the left of": "left of", "left of": "left of", "on the left of": "left of",
    "to the right of": "right of", "right of": "right of", "on the right of": "right of",
    "above": "above", "on top of": "above", "over": "above",
    "below": "below", "under": "below", "underneath": "below", "beneath": "below",
}  # fmt: skip
_SIDE = "|".join(sorted(map(re.escape, _SIDES), key=len, reverse=True))
_BETWEEN = re.compile(
    rf",?\s+(?:and\s+)?(?P<turned>{_SIDE})\s+(?:it|them)\s+"  # "A, and above it B"
    rf"|\s+(?P<side>{_SIDE})\s+"
    r"|\s+(?:next to|beside|alongside)\s+|,?\s+and\s+(?:also\s+)?|,\s+(?:also\s+)?",
    re.I,
)
_IN_ALL = re.compile(r"(\w+) (?:in all|of them|in total)", re.I)
_COLOURED = re.compile(r"(.+?)\s+(?:in|painted)\s+(\w+)", re.I)
_LONGEST = 5


@dataclass(frozen=True, slots=True)
class Named:
    """One thing, in words that draw a single one ("a red apple"), and how many of it."""

    words: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Told:
    """Things in the order of the prompt. relations: (number of a thing, "left of" or another side, number of the thing
    that it is on that side of)."""

    things: tuple[Named, ...]
    relations: tuple[tuple[int, str, int], ...] = ()

    @property
    def total(self) -> int:
        """How many things there are in all."""
        return sum(one.count for one in self.things)


def told_of(prompt: str) -> Told | None:
    """What a prompt says, if it says nothing but two to `MOST` things, with their numbers and sides; else None."""
    if re.search(r"[^\w\s,'’&-]|_", prompt.strip().rstrip(".")) or (text := plain_words(prompt)) is None:
        return None
    text = " ".join(text.strip().rstrip(".").split())
    lead = _LEAD.match(text)
    parts = list(_parts(text[lead.end() :] if lead else text))
    things, relations = list[Named](), list[tuple[int, str, int]]()
    for place, (part, side, turned) in enumerate(parts):
        if tail := _IN_ALL.fullmatch(part):  # "pears, 6 in all"
            count, known = _COUNTS.get(tail[1].lower()), place == len(things) and bool(things)
            if count is None or not known or side or not things[-1].words.startswith(_PLURAL):
                return None
            things[-1] = Named(_one_of(things[-1].words.removeprefix(_PLURAL)) or "", count)
            continue
        found = _named(part)
        if found is None:
            return None
        here = len(things)
        things.append(found)
        if side:
            relations.append((here, side, here - 1) if turned else (here - 1, side, here))
    told = Told(tuple(things), tuple(relations))
    bare = any(not one.words or one.words.startswith(_PLURAL) for one in things)
    return None if bare or not 2 <= told.total <= MOST else told


_PLURAL = "\0"
"""Begins the words of a plural whose number is still to come."""


def _parts(text: str) -> Iterator[tuple[str, str, bool]]:
    """What lies between the words that join things; of each, the side that those before it say, and whether it is the
    side of the thing before ("A, and above it B")."""
    begin, side, turned = 0, "", False
    for joint in _BETWEEN.finditer(text):
        yield text[begin : joint.start()], side, turned
        said = joint["turned"] or joint["side"]
        begin, side, turned = joint.end(), _SIDES[said.lower()] if said else "", bool(joint["turned"])
    yield text[begin:], side, turned


def _named(part: str) -> Named | None:
    """A thing with its number: "a red apple", "three cats", "a mango painted yellow"; None if it is anything else."""
    coloured = _COLOURED.fullmatch(part)
    colour = coloured[2].lower() if coloured else ""
    if coloured and colour in COLOURS:
        part = coloured[1]
    if not part.strip():
        return None
    first, *rest = part.split()
    words = " ".join(rest)
    if not rest or len(rest) > _LONGEST or any(word.lower() in _NO_PART for word in rest):
        known = _one_of(part) is not None and first.lower() not in (*_SINGLE, *_COUNTS)
        return Named(_PLURAL + part) if known and not coloured else None
    if rest[-1].lower() in COLOURS:  # "a black and a white cat"
        return None
    count = 1 if first.lower() in _SINGLE else _COUNTS.get(first.lower(), 0)
    if count == 0:
        return Named(_PLURAL + part) if _one_of(part) is not None and not coloured else None
    if count > 1:
        words = _one_of(words, bare=True) or ""
    shade = f"{colour} " if coloured and colour in COLOURS else ""
    return Named(_single(shade + words), count) if words else None


def _one_of(words: str, bare: bool = False) -> str | None:
    """Of words that end with a plural those for a single thing, with its article unless bare; None without a plural."""
    parts = words.lower().split()
    for start in range(max(0, len(parts) - 3), len(parts)):
        name = " ".join(parts[start:])
        one = _singulars().get(name) or (_by_rule(name) if start == len(parts) - 1 else None)
        if one is not None:
            found = " ".join((*words.split()[:start], one))
            return found if bare else _single(found)
    return None


def _by_rule(word: str) -> str | None:
    """One of what no training picture shows: "knife" of "knives", "zorp" of "zorps"."""
    endings = (("ves", "fe"), ("ves", "f"), ("ies", "y"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("sses", "ss"))
    for many, one in (*endings, ("s", "")):
        if word.endswith(many) and plural_of(found := word.removesuffix(many) + one) == word:
            return found
    return None


def _single(words: str) -> str:
    return article(words, MASS.__contains__)


@cache
def _singulars() -> dict[str, str]:
    """The name of one, by that of several, for everything that the training pictures show."""
    found = {plural_of(name): name for name in lexicon()}
    return found | {noun.many: noun.one for noun in nouns()}
