"""Captions from names and facts: several phrasings a picture, from one word to a dense sentence, lower case, at most 26 words."""

import re
from collections.abc import Callable, Sequence

from mezzotint.data.colours import Facts

__all__ = ["LONGEST", "article", "compose", "join"]

LONGEST = 26  # words
_VOWEL_SOUND = re.compile(r"^(?:[aeio]|u(?!ni|se|fo\b|s\b|ku|k\b|ra|ti|su|to)|hour|honest|x-ray|sos|rv)")
_PLURAL = re.compile(r"(?:[^sui'])s$")
_MANY = frozenset(("people", "men", "women", "children", "police"))
_NO_ARTICLE = re.compile(r"^(?:the|a|an|two|three|four|five|no|not|keycap|left|right|up|down|flag of|man's|woman's)\b")


def article(name: str, uncountable: Callable[[str], bool] = lambda word: False) -> str:
    """The name with "a" or "an" where English wants one: not before plurals, masses, names that carry a determiner."""
    head = re.split(r" (?:with|in|on|of|behind|over|at|from|without|facing|and) ", name)[0].split()[-1:]
    if not head or name.split()[0] in _MANY or _NO_ARTICLE.match(name) and not re.match(r"^(?:man|woman)'s", name):
        return f"the {name}" if name.startswith("flag of") else name
    if _PLURAL.search(head[0]) and not head[0].endswith(("bus", "gas", "lens", "christmas", "claus", "compass", "swiss")) or uncountable(head[0]):
        return name
    return f"{'an' if _VOWEL_SOUND.match(name) else 'a'} {name}"


def join(words: Sequence[str]) -> str:
    """"red, green and blue"."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _colours(facts: Facts) -> str:
    if not facts.colours:
        return ""
    if len(facts.colours) == 1:
        return f"all {facts.colours[0]}" if facts.shares[0] > 0.9 else f"mostly {facts.colours[0]}"
    if facts.shares[0] >= 0.55:
        return f"mostly {facts.colours[0]} with some {join(facts.colours[1:3])}"
    return join(facts.colours[:3])


_LOOK = {"flat": "flat", "gradient": "softly shaded", "3d": "3d"}


def compose(
    name: str, *, others: Sequence[str] = (), keywords: Sequence[str] = (), topic: str = "", detail: str = "", style: str = "", medium: str = "",
    facts: Facts, countable: bool = True, colour: str = "", uncountable: Callable[[str], bool] = lambda word: False,
) -> tuple[str, ...]:
    """All captions of a picture, without repetition, shortest information first.

    name: what it shows; others: other names; detail: a trailing remark ("with dark skin tone"); style: the drawing
    style's name; medium: what such a drawing is called ("noto emoji"); countable: whether the name takes an article (else it is called "... icon"); colour: one colour that
    the whole thing has and that may stand before the name.
    """
    def thing(text: str) -> str:
        return article(text, uncountable) if countable else f"{text} icon"

    full = f"{thing(name)} {detail}".strip()
    look, colours = _LOOK[facts.shading], _colours(facts)
    lines = [f"{name} {detail}".strip(), full]
    lines += [thing(other) for other in others[:2]]
    words = [w for w in (topic, *keywords) if w and w != name]
    if words:
        lines.append(", ".join([name, *words[:4]]))
    if colour:
        lines.append(thing(f"{colour} {name}") + (f" {detail}" if detail else ""))
    if style:
        lines.append(f"{full}, {style.replace('-', ' ')} style")
    if facts.shading == "3d":
        lines.append(f"3d render of {full}")
    if colours:
        lines.append(f"{full}, {colours}")
    medium = f"{look} {medium or 'picture'}"
    medium = medium.replace("3d fluent 3d", "fluent 3d").replace("flat fluent flat", "fluent flat").replace("flat flat", "flat")
    outline = ", with dark outlines" if facts.outlined else ""
    subject = f"{colour} {name}".strip() if not countable else thing(f"{colour} {name}") if colour else full
    dense = f"{article(medium)} of {subject}" + (f", {topic}" if topic and topic not in subject else "")
    lines.append(dense + (f", {colours}" if colours else "") + outline)
    clipped = [" ".join(line.lower().split()[:LONGEST]).rstrip(",") for line in lines]
    return tuple(dict.fromkeys(clipped))
