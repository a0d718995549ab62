"""What a prompt says of several things: what each is, how many of it, and on which side of another.

Rules and no network, so that everybody can see what was understood; a prompt with anything besides ("a cat on a
beach", "a fox with a hat") is not taken apart at all, since that part would be lost.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mezzotint.conditioning.prompt import plain_words
from mezzotint.data.captions import article
from mezzotint.data.icons.words import MASS
from mezzotint.data.scenes import COLOURS
from mezzotint.data.scenes.nouns import plural_of
from mezzotint.data.scenes.phrases import COUNTS
from mezzotint.errors import InvalidOption
from mezzotint.interfaces.layout.sides import PLACED, SIDE, as_pair
from mezzotint.interfaces.layout.words import PEOPLE, is_adjective, plurals, singulars

__all__ = ["MOST", "Named", "Told", "told_of"]

MOST = 9
"""Things that find a place in one picture."""
_SINGLE = ("a", "an", "one", "another", "the")
_LEAD = re.compile(
    r"(?:(?:here (?:is|are)|there (?:is|are|should be)|both|just|only|nothing but|an? (?:picture|group|image) of"
    r"|a picture with|(?:please |can you )?(?:draw|make|show me|give me)|I want|I would like|I'd like)\s+)+",
    re.I,
)
_END = re.compile(r",?\s+(?:please|nothing else|and nothing else|that is all)", re.I)
_BETWEEN = re.compile(
    rf",?\s+(?:and\s+)?(?P<turned>{SIDE})\s+(?:it|them)\s+"  # "A, and above it B"
    rf"|\s+(?P<side>{SIDE})\s+"
    r"|\s+(?:next to|beside|alongside)\s+|,?\s+and\s+(?:also\s+)?|,\s+(?:also\s+)?",
    re.I,
)
_IN_ALL = re.compile(r"(\w+) (?:in all|of them|in total)", re.I)
_COLOURED = re.compile(r"(.+?)\s+(?:in|painted)\s+(\w+)", re.I)
_LONGEST = 4
"""Words of a thing's name."""


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


def _plain(text: str) -> str | None:
    """The words of a plain prompt; None also for what is no prompt, such as one with an unknown flag."""
    try:
        return plain_words(text)
    except InvalidOption:
        return None


def told_of(prompt: str, taught: Collection[str] = ()) -> Told | None:
    """What a prompt says, if it says nothing but two to `MOST` things, with their numbers and sides; else None.

    Every word of it must be understood: things that the training captions name, or common ones, and common adjectives;
    and the `taught` words, which are things too.
    Where a side is said of some things and not of all, or "it" may be several, it is not understood.
    """
    text = " ".join(prompt.strip().rstrip(".!?,").replace(" & ", " and ").split())
    words = None if re.search(r"[^\w\s,'’-]|_", text) else _plain(text)
    if words is None:
        return None
    lead, end = _LEAD.match(words), next((one for one in _END.finditer(words) if one.end() == len(words)), None)
    words = as_pair(words[lead.end() if lead else 0 : end.start() if end else None])
    things, relations, turns = list[Named](), list[tuple[int, str, int]](), 0
    for part, side, turned in _parts(words):
        if tail := _IN_ALL.fullmatch(part):  # "pears, 6 in all"
            count = COUNTS.get(tail[1].lower())
            if count is None or side or not things or things[-1].count:
                return None
            things[-1] = Named(things[-1].words, count)
            continue
        found = _named(part, {word.lower() for word in taught})
        if found is None:
            return None
        here, turns = len(things), turns + turned
        things.append(found)
        if side:
            relations.append((here, side, here - 1) if turned else (here - 1, side, here))
    told = Told(tuple(things), tuple(relations))
    said = {number for a, _, b in relations for number in (a, b)}
    loose = bool(relations) and len(said) < len(things)
    if loose or turns > 1 or not all(one.count for one in things):
        return None
    return told if 2 <= told.total <= MOST else None


def _parts(text: str) -> Iterator[tuple[str, str, bool]]:
    """What lies between the words that join things; of each, the side that those before it say, and whether it is the
    side of the thing before ("A, and above it B")."""
    begin, side, turned = 0, "", False
    for joint in _BETWEEN.finditer(text):
        yield text[begin : joint.start()], side, turned
        said = joint["turned"] or joint["side"]
        begin, side, turned = joint.end(), PLACED[said.lower()] if said else "", bool(joint["turned"])
    yield text[begin:], side, turned


def _named(part: str, taught: Collection[str]) -> Named | None:
    """A thing with its number: "a red apple", "three cats", "a mango painted yellow"; None if it is anything else. The
    number is 0 where it is still to come: "pears", of "pears, 6 in all"."""
    coloured = _COLOURED.fullmatch(part)
    colour = coloured[2].lower() if coloured else ""
    if coloured and colour not in COLOURS:
        return None
    words = (coloured[1] if coloured else part).lower().split()
    if words[:1] == ["the"] and words[1:2] and words[1] in COUNTS:
        words = words[1:]
    count = COUNTS.get(words[0], int(words[0] in _SINGLE)) if words else 0
    if count:
        words = words[1:]
    known = {name: name for name in (*singulars(), *taught)} if count == 1 else _several(taught)
    one = _one_of(words, known)
    if one is None or (coloured and one.split()[-1] in PEOPLE):  # a man in black wears it
        return None
    return Named(article(f"{colour} {one}".strip(), MASS.__contains__), count)


def _several(taught: Collection[str]) -> Mapping[str, str]:
    """The name of one thing, by that of several."""
    return {**{plural_of(word): word for word in taught}, **plurals()}


def _one_of(words: Sequence[str], known: Mapping[str, str]) -> str | None:
    """Adjectives and a known thing, as those of a single one; None for anything else."""
    for start in range(max(0, len(words) - _LONGEST), len(words)):
        name = known.get(" ".join(words[start:]))
        if name is not None and all(map(is_adjective, words[:start])):
            return " ".join((*words[:start], name))
    return None
