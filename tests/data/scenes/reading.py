"""A small reader of scene captions, written apart from the composer: what does a caption claim?

It knows English for numbers, relations, backdrops and plurals of the toy set, and nothing of the composer's code.
"""

import re
from dataclasses import dataclass, field

from tests.data.scenes.toy import HELD, TRAINED

COLOURS = (
    "light blue", "dark blue", "red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "brown", "beige",
    "black", "white", "grey",
)  # fmt: skip
NUMBERS = {w: i for i, w in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], 1)}
NUMBERS |= {str(i): i for i in range(1, 10)} | {"a": 1, "an": 1, "a single": 1, "exactly one": 1}
NAMES = (*TRAINED, *HELD, "mouse")
PLURALS = {"mice": "mouse", "fish": "fish", "buses": "bus"}
SCENERY = {
    "in front of a blue sky with clouds": "sky", "in front of a green meadow": "grass", "in front of the sea": "sea",
    "in front of a wall": "room", "in front of a starry night sky": "night", "on the grass": "grass",
    "on a beach by the sea": "sea", "on the floor of a room": "room",
}  # fmt: skip
# words between two things -> (relation of the first to the second); longest first
RELATIONS = {
    "to the left of": "left of", "to the right of": "right of", "partly hidden behind": "behind", "left of": "left of",
    "right of": "right of", "in front of": "in front of", "on top of": "on", "above": "above", "below": "below",
    "under": "below", "behind": "behind", "inside": "inside", "on": "on",
}  # fmt: skip
ITS = {
    "to its left": "left of", "to its right": "right of", "above it": "above", "below it": "below",
    "to the left of it": "left of", "to the right of it": "right of",
}  # fmt: skip
PLACES = (
    "in the top left corner", "at the top", "in the top right corner", "on the left", "in the middle", "on the right",
    "in the bottom left corner", "at the bottom", "in the bottom right corner",
)  # fmt: skip
BEFORE = (
    "a picture of", "a drawing of", "an icon of", "an emoji of", "an image of", "a simple drawing of", "a picture with",
    "please draw", "draw", "show me", "I want", "this is", "give me", "make", "can you draw", "I would like",
    "a sticker of", "clip art of", "a cute drawing of", "only", "nothing but", "there should be",
)  # fmt: skip
AFTER = (", please", ", nothing else", " and nothing else", ", as an icon", ", drawn simply", ", that is all", "?")
ARRANGED = {
    "row": "in a row", "column": "in a column", "circle": "in a circle", "grid": "in a loose grid",
    "scattered": "scattered about",
}  # fmt: skip
FORMS = ("circle", "square", "hexagon", "triangle", "diamond")
SUPPORTS = ("sign", "sticker", "round badge", "label", "banner", "speech bubble")


@dataclass
class Claims:
    """What a caption says: things as (count or None, colour or "", name), relations between names, and the rest."""

    things: set[tuple[int | None, str, str]] = field(default_factory=set)
    relations: set[tuple[str, str, str]] = field(default_factory=set)
    style: str = ""
    backdrop: tuple[str, str] | None = None
    text: str = ""
    size: str = ""
    place: str = ""
    layout: str = ""
    support: tuple[str, str] | None = None
    letters: tuple[str, str] | None = None


def bare(caption: str) -> str:
    """Without the words that people write around what they want."""
    before = next((words for words in BEFORE if caption.startswith(f"{words} ")), "")
    after = next((words for words in AFTER if caption.endswith(words)), "")
    return caption.removeprefix(f"{before} ").removesuffix(after)


def thing(text: str) -> tuple[int | None, str, str]:
    """ "three red apples" -> (3, "red", "apple"). Raises AssertionError where a word is left over."""
    if counted := re.fullmatch(r"(.*) x?(\d)", text):
        text = f"{counted[2]} {counted[1]}"
    found = re.fullmatch(rf"(?:exactly )?(?:({'|'.join(sorted(NUMBERS, key=len, reverse=True))}) )?(.*)", text.strip())
    assert found, text
    count = NUMBERS.get(found[1]) if found[1] else None
    rest = found[2]
    said = "(?: coloured|,| whose colour is| which is)"
    if coloured := re.fullmatch(rf"(.*){said} ({'|'.join(COLOURS)})", rest):
        rest = f"{coloured[2]} {coloured[1]}"
    if coloured := re.fullmatch(rf"(.*) with an? ({'|'.join(COLOURS)}) colour", rest):
        rest = f"{coloured[2]} {coloured[1]}"
    colour = next((c for c in COLOURS if rest.startswith(f"{c} ")), "")
    name = rest.removeprefix(colour).strip()
    if count and count > 1:
        assert name in PLURALS or name.endswith("s"), text
        name = PLURALS.get(name, name.removesuffix("s"))
    assert name in NAMES, f"{name!r} is left of {text!r}"
    return count, colour, name


def _endings(text: str, claims: Claims) -> str:
    if found := re.search(r", ([a-z]+) style$", text):
        claims.style, text = found[1], text[: found.start()]
    if found := re.search(rf" on an? ({'|'.join(COLOURS)}|transparent) background$", text):
        claims.backdrop = ("transparent", "") if found[1] == "transparent" else ("flat", found[1])
        text = text[: found.start()]
    for words, name in SCENERY.items():
        if text.endswith(f" {words}"):
            claims.backdrop, text = ("scenery", name), text.removesuffix(f" {words}")
    return text


def _lettering(text: str, claims: Claims) -> None:
    found = re.search('"([^"]+)"', text)
    assert found
    claims.text = found[1]
    rest = text.replace(found[0], "@")
    if letters := re.search(rf"in ({'|'.join(COLOURS)}) ?([a-z ]*?) ?letters", rest):
        claims.letters = letters[1], letters[2]
        rest = rest.replace(letters[0], "")
    support = re.search(rf"an? ({'|'.join(COLOURS)})? ?({'|'.join(SUPPORTS)})", rest)
    if support:
        claims.support = support[1] or "", support[2]
        rest = rest.replace(support[0], "")
    assert set(rest.split()) <= {"@", "the", "word", "text", "that", "says", "reads", "with"}, text


def _form(text: str) -> tuple[str, str] | None:
    found = re.fullmatch(rf"an? (?:({'|'.join(COLOURS)}) )?({'|'.join(FORMS)})", text)
    return (found[1] or "", found[2]) if found else None


def _single(text: str, claims: Claims) -> str:
    for place in sorted(PLACES, key=len, reverse=True):
        if text.endswith(f" {place}"):
            claims.place, text = place, text.removesuffix(f" {place}")
            break
    for layout, words in ARRANGED.items():
        if text.endswith(f" {words}"):
            claims.layout, text = layout, text.removesuffix(f" {words}")
    if found := re.match("(?:an? )?(small|medium|large)(?:-sized)? ", text):
        claims.size, text = found[1], f"a {text[found.end() :]}"
    return text


def _related(first: str, word: str, second: str, claims: Claims) -> None:
    a, b = thing(first), _form(second) or thing(second)
    claims.things.add(a)
    if len(b) == 2:
        claims.support = b
    else:
        claims.things.add(b)
    claims.relations.add((a[2], word, b[-1]))


def _sentence(text: str, claims: Claims) -> None:
    if found := re.fullmatch(r"(.*) with (.*) inside", text):
        return _related(found[2], "inside", found[1], claims)
    if found := re.fullmatch(r"(.*) to the left of (.*), with (.*) (above|below) them", text):
        _related(found[1], "left of", found[2], claims)
        _related(found[3], found[4], found[1], claims)
        return _related(found[3], found[4], found[2], claims)
    for one, other, word in (("on the left", "on the right", "left of"), ("at the top", "at the bottom", "above")):
        if found := re.fullmatch(rf"(.*) {one} and (.*) {other}", text):
            return _related(found[1], word, found[2], claims)
    for one, other, word in (("left", "right", "left of"), ("top", "bottom", "above")):
        if found := re.fullmatch(rf"{one}: (.*), {other}: (.*)", text):
            return _related(found[1], word, found[2], claims)
    for words, word in ITS.items():
        known = rf"(.*) (?:with|that has) (.*) {words}", rf"there is (.*); {words} is (.*)", rf"(.*)\. (.*) is {words}"
        known = (*known, rf"([^,:]*), ([^,:]*) {words}")
        if found := next(filter(None, (re.fullmatch(pattern, text) for pattern in known)), None):
            return _related(found[2], word, found[1], claims)
    for words, word in RELATIONS.items():
        if found := re.fullmatch(rf"{words} (.*) there is (.*)", text):
            return _related(found[2], word, found[1], claims)
        if found := re.fullmatch(rf"(.*) is {words} (.*)", text):
            return _related(found[1], word, found[2], claims)
    for words, word in RELATIONS.items():
        parts = text.split(f" {words} ")
        if len(parts) == 2 and not parts[1].startswith("the "):  # "on the left" is a place
            return _related(parts[0], word, parts[1], claims)
    text = re.sub("^(a set of|there are|a total of|a bunch of|a collection of|two things:) ", "", text)
    text = re.sub("^half a dozen ", "six ", text)
    text = re.sub("( together|, no more| side by side)$", "", text)
    if found := re.fullmatch("first (.*), then (.*)", text):
        text = f"{found[1]} and {found[2]}"
    if found := re.fullmatch("([a-z]+) times the same (.*)", text):
        claims.things.add((NUMBERS[found[1]], "", found[2]))
        return None
    colour = rf"(?:{'|'.join(COLOURS)})"
    joints = r" and | next to | plus | along with | as well as | & | \+ "
    parts = rf",(?! {colour}$) |{joints}| with (?!an? {colour} colour$)"
    for part in re.split(parts, _single(text, claims)):
        claims.things.add(thing(part))
    return None


def read(caption: str) -> Claims:
    """The claims of a caption. Raises AssertionError if it says something that the reader does not understand."""
    claims = Claims()
    text = _endings(bare(caption), claims)
    if '"' in text:
        _lettering(text, claims)
    else:
        _sentence(text, claims)
    return claims
