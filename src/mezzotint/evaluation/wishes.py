"""What of a prompt can be checked: which things, how many, in which colours, where, and what is written.

The prompt is read by rule, not by a network, so that everybody can see what was understood. It knows the words of
composed scenes: names of things, numbers up to nine, colour names, "to the left of", "above", text in quotation marks.
What it does not know it leaves out; it never asks for what the prompt does not say.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mezzotint.data.scenes import COLOURS
from mezzotint.data.scenes.nouns import plural_of
from mezzotint.data.scenes.phrases import NUMBERS
from mezzotint.evaluation.detector import Sight, SightOf
from mezzotint.evaluation.iconeval.prompts import Wanted
from mezzotint.evaluation.iconeval.verdict import DEFAULT, Thresholds, Verdict, relations

__all__ = ["Wish", "fulfilled", "wish_of"]

_ONE = {"a": 1, "an": 1, "one": 1, "single": 1, "1": 1}
_COUNTS: Mapping[str, int] = {
    **_ONE,
    **{word: value for value, word in enumerate(NUMBERS) if value > 1},
    **{str(value): value for value in range(2, 10)},
}
_SAID_AS_ONE = {"one", "single", "1"}
_STOPS = frozenset((",", ":", "and", "of", "on", "in", "with", "the", "to", "it", "them", "above", "below", "over",
                    "under", "beneath", "inside", "behind", "around", "beside", "near", "by", "at", "from", "says",
                    "reads", "next"))  # fmt: skip
_SHADES = ("light", "dark")
_BEFORE = 4
"""Words before a name that may be its number, its colours, or others about it."""
_SETTING = re.compile(
    r"\b(in front of|on|under|by|against) (a|an|the) ([a-z]+ ){0,2}"
    r"(sky|sea|meadow|wall|grass|beach|floor|background)( with clouds| by the sea| of a room)?\b"
)
"""What is behind the things; the clouds of a sky are none."""
_QUOTED = re.compile(r'["“”]([^"“”]{1,40})["“”]')


@dataclass(frozen=True, slots=True)
class Wish:
    """wanted: the things; exact: of each, whether its count was said, so that more would be wrong too.

    relations: (place in `wanted`, "left of" or another, place): the first as seen from the second. word: what must be
    written, or "".
    """

    wanted: tuple[Wanted, ...] = ()
    exact: tuple[bool, ...] = ()
    relations: tuple[tuple[int, str, int], ...] = ()
    word: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """In words, one a fact; empty if there is nothing to check."""
        said = []
        for wanted, exact in zip(self.wanted, self.exact, strict=True):
            count = f"exactly {wanted.count}" if exact else "at least 1"
            said.append(f"{count} {wanted.thing}" + (f" in {wanted.colour}" if wanted.colour else ""))
        said += [f"{self.wanted[a].thing} {word} {self.wanted[b].thing}" for a, word, b in self.relations]
        return (*said, *([f'the text "{self.word}"'] if self.word else []))


@dataclass(frozen=True, slots=True)
class _Mention:
    """A name in the text: what, and its words from `start` up to `end`."""

    thing: str
    start: int
    end: int


def wish_of(prompt: str, things: Iterable[str]) -> Wish:
    """What can be checked of a prompt, of things with these names."""
    quoted = _QUOTED.search(prompt)
    words = re.findall(r"[a-z0-9'-]+|[,:]", _SETTING.sub(" ", _QUOTED.sub(" ", prompt).lower()))
    mentions = _mentions(words, _names(things))
    wanted, exact = [], []
    for place, mention in enumerate(mentions):
        after = mentions[place + 1].start if place + 1 < len(mentions) else len(words)
        before = words[mentions[place - 1].end if place else 0 : mention.start][-_BEFORE:]
        # one more word, so that "in red boots" is told from "in red"
        count, colour, said = _described(before, words[mention.end : after + 1])
        wanted.append(Wanted(mention.thing, count, colour))
        exact.append(said)
    found = []
    for place, (first, second) in enumerate(pairwise(mentions)):
        word = _relation(words[: first.start] if not place else (), words[first.end : second.start])
        if word:
            found.append((place, word.strip("-"), place + 1) if word[0] != "-" else (place + 1, word[1:], place))
    return Wish(tuple(wanted), tuple(exact), tuple(found), quoted[1].strip() if quoted else "")


def fulfilled(wish: Wish, sight: Sight, thresholds: Thresholds = DEFAULT) -> Verdict:
    """Whether what was seen is what was wished for; `iconeval.verdict`'s rules, all of them at once."""
    faults = []
    places: list[tuple[float, ...] | None] = []
    for wanted, exact in zip(wish.wanted, wish.exact, strict=True):
        least = thresholds.counting if exact and wanted.count > 1 else thresholds.presence
        mine = [thing for thing in sight.things if thing.thing == wanted.thing and thing.score >= least]
        if wanted.colour:  # of several of a kind, those in the wanted colour are meant
            mine.sort(key=lambda thing: thing.colour != wanted.colour)
        enough = len(mine) == wanted.count if exact else len(mine) >= wanted.count
        places.append(_hull(mine[: wanted.count]) if len(mine) >= wanted.count else None)
        if not enough:
            faults.append(f"it shows {len(mine)} of {wanted.thing}, not {wanted.count}")
        elif wrong := [thing.colour for thing in mine[: wanted.count] if wanted.colour not in ("", thing.colour)]:
            faults.append(f"the {wanted.thing} is {wrong[0]}, not {wanted.colour}")
    for a, word, b in wish.relations:
        first, second = places[a], places[b]
        if first and second and word not in relations(first, second):
            faults.append(f"the {wish.wanted[a].thing} is not {word} the {wish.wanted[b].thing}")
    if wish.word and sight.text != wish.word:
        faults.append(f'it says "{sight.text}", not "{wish.word}"')
    return Verdict(not faults, tuple(faults))


def _names(things: Iterable[str]) -> dict[tuple[str, ...], str]:
    """Words of a name, singular or plural -> the thing."""
    found = {}
    for thing in things:
        for name in (thing, plural_of(thing)):
            found[tuple(name.split())] = thing
    return found


def _mentions(words: Sequence[str], names: Mapping[tuple[str, ...], str]) -> list[_Mention]:
    """All names from the left, the longest first; a colour before a name is not the thing "orange"."""
    longest = max((len(name) for name in names), default=0)
    found, place = [], 0
    while place < len(words):
        for length in range(longest, 0, -1):
            name = names.get(tuple(words[place : place + length]))
            if name is not None:
                found.append(_Mention(name, place, place + length))
                place += length - 1
                break
        place += 1
    return found


def _described(before: Sequence[str], after: Sequence[str]) -> tuple[int, str, bool]:
    """Count and colour of a name from the words around it, and whether the count was said."""
    close = list(before)
    for place in range(len(close) - 1, -1, -1):
        if close[place] in _STOPS:
            close = close[place + 1 :]
            break
    counts = [place for place, word in enumerate(close) if word in _COUNTS]
    count, said = 1, False
    if counts:
        word = close[counts[-1]]
        count, said = _COUNTS[word], _COUNTS[word] > 1 or word in _SAID_AS_ONE
        close = close[counts[-1] + 1 :]  # what was before it is said of something else
    colour = _colour_at_end(close)
    tail = [word for word in after if word not in (",", ":")]
    if not colour and tail and tail[0] in ("painted", "in"):
        colour = _colour_at_start(tail[1:])
    if len(tail) > 2 and tail[0] in _COUNTS and tail[1:3] in (["in", "all"], ["of", "them"]):
        count, said = _COUNTS[tail[0]], True
    return count, colour, said


def _colour_at_end(words: Sequence[str]) -> str:
    """The last colour; "" for one that no detector tells apart, such as light blue."""
    for place in range(len(words) - 1, -1, -1):
        if words[place] in COLOURS:
            return "" if place and words[place - 1] in _SHADES else words[place]
    return ""


def _colour_at_start(words: Sequence[str]) -> str:
    """A colour that ends there: "in red", but not "in red boots"."""
    ends = len(words) < 2 or words[1] in (*_COUNTS, "and")
    return words[0] if words and words[0] in COLOURS and ends else ""


_SAYS = (
    ("to the left of", "left of"), ("left of", "left of"), ("to the right of", "right of"), ("right of", "right of"),
    ("above", "above"), ("on top of", "above"), ("over", "above"), ("below", "below"), ("under", "below"),
    ("beneath", "below"),
)  # fmt: skip
_AT = {"on the left": "left of", "on the right": "right of", "at the top": "above", "at the bottom": "below"}


def _relation(before: Sequence[str], between: Sequence[str]) -> str:
    """The relation said of two names, by the words before and between; "" if none.

    With "-" before it if it is that of the second to the first.
    """
    text, start = f" {' '.join(between)} ", f" {' '.join(before)} "
    for phrase, word in _SAYS:
        if f" {phrase} " in text:
            turned = f" {phrase} it " in text or f" {phrase} them " in text
            return f"-{word}" if turned else word
    first = next((word for phrase, word in _AT.items() if f" {phrase} " in start), "")
    return first or next((word for phrase, word in _AT.items() if f" {phrase} " in text), "")


def _hull(things: Sequence[SightOf]) -> tuple[float, float, float, float]:
    boxes = [thing.box for thing in things]
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
