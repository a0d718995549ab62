"""Captions from names and facts: several phrasings a picture, from one word to a dense sentence."""

import re
from collections.abc import Callable, Sequence

from mezzotint.data.colours import Facts

__all__ = ["LONGEST", "NUMBERS", "article", "compose", "join"]

LONGEST = 26  # words of a caption; the rest is cut off

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_VOWEL_SOUND = re.compile(r"^(?:[aeio]|u(?!ni|se|fo\b|s\b|ku|k\b|ra|ti|su|to)|hour|honest|x-ray|sos|rv)")
_PLURAL = re.compile(r"(?:[^sui'])s$")
_SINGULAR_IN_S = ("bus", "gas", "lens", "christmas", "claus", "compass", "swiss")
_MANY = frozenset({"people", "men", "women", "children", "police"})
_DETERMINED = re.compile(r"^(?:the|a|an|two|three|four|five|no|not|keycap|left|right|up|down|flag of)\b")
_HEAD_ENDS = re.compile(r" (?:with|in|on|of|behind|over|at|from|without|facing|and) ")
_LOOK = {"flat": "flat", "gradient": "softly shaded", "3d": "3d"}
_REPEATED = (("3d fluent 3d", "fluent 3d"), ("flat fluent flat", "fluent flat"), ("flat flat", "flat"))


def article(name: str, uncountable: Callable[[str], bool] = lambda word: False) -> str:
    """The name with "a" or "an" where English wants one: not before plurals, masses, names that carry a determiner."""
    head = _HEAD_ENDS.split(name)[0].split()[-1:]
    if not head or name.split()[0] in _MANY or _DETERMINED.match(name):
        return f"the {name}" if name.startswith("flag of") else name
    plural = _PLURAL.search(head[0]) and not head[0].endswith(_SINGULAR_IN_S)
    if plural or uncountable(head[0]):
        return name
    return f"{'an' if _VOWEL_SOUND.match(name) else 'a'} {name}"


def join(words: Sequence[str]) -> str:
    """ "red, green and blue"."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _colours(facts: Facts) -> str:
    if not facts.colours:
        return ""
    if len(facts.colours) == 1:
        return f"all {facts.colours[0]}" if facts.shares[0] > 0.9 else f"mostly {facts.colours[0]}"
    if facts.shares[0] >= 0.55:
        return f"mostly {facts.colours[0]} with some {join(facts.colours[1:3])}"
    return join(facts.colours[:3])


def _medium(facts: Facts, medium: str) -> str:
    text = f"{_LOOK[facts.shading]} {medium or 'picture'}"
    for twice, once in _REPEATED:
        text = text.replace(twice, once)
    return article(text)


def compose(
    name: str,
    *,
    facts: Facts,
    others: Sequence[str] = (),
    keywords: Sequence[str] = (),
    topic: str = "",
    detail: str = "",
    style: str = "",
    medium: str = "",
    countable: bool = True,
    colour: str = "",
    uncountable: Callable[[str], bool] = lambda word: False,
) -> tuple[str, ...]:
    """All captions of a picture, lower case, without repetition, least information first.

    name: what it shows; others: other names; topic: the kind of thing; detail: a trailing remark ("with dark skin
    tone"); style: the drawing style's name; medium: what such a drawing is called ("noto emoji"); countable: whether
    the name takes an article, else it is called "... icon"; colour: one colour that the whole thing has and that may
    stand before the name; uncountable: whether a word takes no article.
    """

    def thing(text: str) -> str:
        return article(text, uncountable) if countable else f"{text} icon"

    full = f"{thing(name)} {detail}".strip()
    colours = _colours(facts)
    lines = [f"{name} {detail}".strip(), full, *(thing(other) for other in others[:2])]
    if words := [word for word in (topic, *keywords) if word and word != name]:
        lines.append(", ".join([name, *words[:4]]))
    if colour:
        lines.append(f"{thing(f'{colour} {name}')} {detail}".strip())
    if style:
        lines.append(f"{full}, {style.replace('-', ' ')} style")
    if facts.shading == "3d":
        lines.append(f"3d render of {full}")
    if colours:
        lines.append(f"{full}, {colours}")
    subject = thing(f"{colour} {name}") if colour and countable else full if countable else f"{colour} {name}".strip()
    parts = [f"{_medium(facts, medium)} of {subject}", topic if topic not in subject else "", colours]
    lines.append(", ".join(filter(None, (*parts, "with dark outlines" if facts.outlined else ""))))
    clipped = (" ".join(line.lower().split()[:LONGEST]).rstrip(",") for line in lines)
    return tuple(dict.fromkeys(clipped))
