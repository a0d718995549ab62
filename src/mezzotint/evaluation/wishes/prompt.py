"""From a prompt to a wish, by rule and not by a network, so that everybody can see what was understood.

It knows the words of composed scenes: names of things, numbers up to nine, colours, "to the left of" and its like, one
word in quotation marks. Where a sentence may mean something else it asks for less: nothing after "no", "not" or
"without", no colour from "black and white", no count from "about three", no relation of two things of one name. It
does not understand English, and can be wrong: "a fish bowl" asks for a fish.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from mezzotint.conditioning.letters import ALPHABET, quoted, unquoted
from mezzotint.data.scenes import COLOURS
from mezzotint.data.scenes.nouns import plural_of
from mezzotint.data.scenes.phrases import COUNTS, SIDES
from mezzotint.data.scenes.relate import OPPOSITE
from mezzotint.evaluation.iconeval.prompts import Wanted
from mezzotint.evaluation.wishes.wish import Wish

__all__ = ["wish_of"]

_COUNTS: Mapping[str, int] = {**COUNTS, "single": 1}
_DETERMINERS = frozenset(("a", "an", "another", "the", "some", "many", "several", "few", "these", "those", "his", "her",
                          "my", "your", "their", "its", "each"))  # fmt: skip
_STOPS = frozenset((",", ":", ";", "and", "or", "of", "on", "in", "with", "to", "it", "them", "above", "below", "over",
                    "under", "beneath", "inside", "behind", "around", "beside", "near", "by", "at", "from", "says",
                    "reads", "next", "but"))  # fmt: skip
_NEGATIONS = frozenset(("no", "not", "without", "never", "nor"))
_VAGUE = frozenset(("than", "about", "around", "roughly", "nearly", "almost", "over", "under", "most", "number", "or"))
"""Words before a number that make it no count."""
_SHADES = ("light", "dark")
_BEFORE = 4
"""Words before a name that may belong to it."""
_SETTING = re.compile(
    r"\b(in front of|on|under|by|against) (a|an|the) ([a-z]+ ){0,2}"
    r"(sky|sea|meadow|wall|grass|beach|floor|background)( with clouds| by the sea| of a room)?\b"
)
"""What is behind the things; the clouds of a sky are none."""
_BESIDE = {**SIDES, "over": "above", "under": "below", "beneath": "below"}
_SIDES = {"on the left": "left of", "on the right": "right of", "at the top": "above", "at the bottom": "below"}


@dataclass(frozen=True, slots=True)
class _Mention:
    """A name in the text: the thing, its words from `start` up to `end`, whether in the plural, and what is said of it.

    first: where the words that belong to it begin.
    """

    thing: str
    start: int
    end: int
    plural: bool
    first: int = 0
    count: int = 1
    said: bool = False
    colour: str = ""


def wish_of(prompt: str, things: Iterable[str]) -> Wish:
    """What can be checked of a prompt, of things with these names."""
    words = re.findall(r"[a-z0-9'-]+|[,:;]", _SETTING.sub(" ", unquoted(prompt).lower()))
    words = words[: next((i for i, word in enumerate(words) if word in _NEGATIONS), len(words))]
    mentions = _described(words, _nouns(words, _named(words, things)))
    wanted = tuple(Wanted(one.thing, one.count, one.colour) for one in mentions)
    own = tuple(" ".join(words[one.first : one.end]) for one in mentions)
    return Wish(wanted, tuple(one.said for one in mentions), tuple(_relations(words, mentions)), _word(prompt), own)


def _word(prompt: str) -> str:
    """The one word in quotation marks, if it is all of letters that can be read."""
    texts = quoted(prompt)
    return texts[0] if len(texts) == 1 and all(letter in ALPHABET for letter in texts[0]) else ""


def _named(words: Sequence[str], things: Iterable[str]) -> list[_Mention]:
    """All names from the left, the longest first."""
    names: dict[tuple[str, ...], tuple[str, bool]] = {}
    for thing in things:
        many = plural_of(thing)
        names[tuple(many.split())] = (thing, True)
        names[tuple(thing.split())] = (thing, many == thing)
    longest = max((len(name) for name in names), default=0)
    found, place = list[_Mention](), 0
    while place < len(words):
        lengths = (length for length in range(longest, 0, -1) if tuple(words[place : place + length]) in names)
        length = next(lengths, 0)
        if length:
            thing, plural = names[tuple(words[place : place + length])]
            found.append(_Mention(thing, place, place + length, plural))
        place += max(1, length)
    return found


def _nouns(words: Sequence[str], named: Sequence[_Mention]) -> list[_Mention]:
    """Those that are things of their own, with where their words begin.

    A verb has no article ("a bird can fly"), and of two names in a row the first may only describe the second: these
    are left out. "The cat" is the one that was named before.
    """
    ends = [0, *(one.end for one in named)]
    rows = [i for i, (a, b) in enumerate(pairwise(named)) if a.end == b.start]
    # "a dog house" is no dog; but "a bird flies" is a bird
    left = {i + 1 for i in rows} | {i for i in rows if named[i].plural or not named[i + 1].plural}
    found = list[_Mention]()
    for place, one in enumerate(named):
        first = _first_word(words, ends[place], one.start)
        before = words[first : one.start]
        bare = not any(word in _DETERMINERS or word in _COUNTS for word in before)
        alone = first == one.start and (not first or words[first - 1] in _STOPS - {"to"})
        known = "the" in before and any(other.thing == one.thing for other in found)
        if place in left or known:
            continue
        if not bare or alone or (before and before[-1] in COLOURS):
            found.append(replace(one, first=first))
    return found


def _first_word(words: Sequence[str], after: int, start: int) -> int:
    """Where the words that belong to a name begin: behind the last stop, at its last article or number."""
    first = start
    while first > max(after, start - _BEFORE) and words[first - 1] not in _STOPS:
        first -= 1
        if words[first] in _DETERMINERS or (words[first] in _COUNTS and words[first] != "single"):
            break
    return first


def _described(words: Sequence[str], mentions: Sequence[_Mention]) -> list[_Mention]:
    """The mentions with counts and colours."""
    found = []
    for place, one in enumerate(mentions):
        # one more word, so that "in red boots" is told from "in red"
        end = mentions[place + 1].start + 1 if place + 1 < len(mentions) else len(words)
        after = [word for word in words[one.end : end] if word not in (",", ":")]
        count, said = _count(words, one, after)
        found.append(replace(one, count=count, said=said, colour=_colour(words, one, after)))
    return found


def _count(words: Sequence[str], one: _Mention, after: Sequence[str]) -> tuple[int, bool]:
    """How many, and whether that was said. A number above one needs the plural: in "the 8 ball" it is a name."""
    if len(after) > 2 and after[0] in _COUNTS and list(after[1:3]) in (["in", "all"], ["of", "them"]):
        return _COUNTS[after[0]], True
    places = [place for place in range(one.first, one.start) if words[place] in _COUNTS]
    if not places:
        return 1, False
    place = places[0]
    count, before = _COUNTS[words[place]], words[place - 1] if place else ""
    if (count > 1) != one.plural and not (count == 1 and plural_of(one.thing) == one.thing):
        return 1, False
    if before in _VAGUE or (place > 1 and words[place - 2] in _COUNTS):
        return 1, False
    return count, before != "least"


def _colour(words: Sequence[str], one: _Mention, after: Sequence[str]) -> str:
    """Its one colour; "" if there are several, or one that no detector tells apart, such as light blue."""
    own = words[one.first : one.start]
    colours = {word for word in own if word in COLOURS}
    if colours:
        shaded = any(a in _SHADES and b in COLOURS for a, b in pairwise(own))
        # "black and white cat": the words of a name begin behind the "and"
        listed = one.first > 1 and words[one.first - 1] in (",", "and", "or") and words[one.first - 2] in COLOURS
        several = len(colours) > 1 or (listed and own[0] not in _DETERMINERS and own[0] not in _COUNTS)
        return "" if shaded or several else colours.pop()
    if len(after) < 2 or after[0] not in ("painted", "in") or after[1] not in COLOURS:
        return ""
    rest = after[2:4]
    listed = len(rest) > 1 and rest[0] == "and" and rest[1] in COLOURS
    ends = not rest or rest[0] in _COUNTS or rest[0] in _DETERMINERS or rest[0] == "and"
    return after[1] if ends and not listed else ""


def _relations(words: Sequence[str], mentions: Sequence[_Mention]) -> Iterable[tuple[int, str, int]]:
    """The relations said of neighbours in the text; none of two things of one name that no colour tells apart."""
    sides = [_side(words, one, mentions[place - 1].end if place else 0) for place, one in enumerate(mentions)]
    for place, (a, b) in enumerate(pairwise(mentions)):
        if a.thing == b.thing and (not a.colour or not b.colour or a.colour == b.colour):
            continue
        between = words[a.end : b.first]
        if sides[place] and sides[place + 1] == OPPOSITE[sides[place]]:
            yield place, sides[place], place + 1
        elif said := _beside(between):
            yield (place + 1, said.word, place) if said.turned else (place, said.word, place + 1)


@dataclass(frozen=True, slots=True)
class _Said:
    word: str
    turned: bool


def _beside(between: Sequence[str]) -> _Said | None:
    """ "A to the left of B", or turned: "A, and to the left of it B". Nothing may stand between the words and B."""
    text = " ".join(word for word in between if word != ",")
    for phrase, word in _BESIDE.items():
        for end in ("it", "them"):
            if text.endswith(f"{phrase} {end}"):
                return _Said(word, True)
        if text == phrase or text.endswith(f" {phrase}"):
            return None if "and" in between else _Said(word, False)
    return None


def _side(words: Sequence[str], one: _Mention, after: int) -> str:
    """On which side of the picture a thing is said to be: right behind its name, or right before its words.

    after: the end of the name before. What stands right behind that is said of it.
    """
    behind = _SIDES.get(" ".join(words[one.end : one.end + 3]))
    end = one.first - (one.first > 0 and words[one.first - 1] == ",")
    ahead = _SIDES.get(" ".join(words[max(0, end - 3) : end]))
    return behind or (ahead if ahead and (not after or end - 3 > after) else None) or ""
