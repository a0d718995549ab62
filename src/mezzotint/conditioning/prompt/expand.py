"""One text that stands for several prompts: `{red, green} apple`, or with `|`, and `__name__` for a line of the file
name.txt."""

import re
from collections.abc import Callable, Sequence
from itertools import product

from mezzotint.conditioning.prompt.grammar import DEEPEST
from mezzotint.conditioning.prompt.scan import ESCAPE, complaint, unescaped_matches
from mezzotint.errors import InvalidOption

__all__ = ["MOST", "Pick", "expanded_prompts", "wildcards", "with_wildcards"]

MOST = 1000
"""How many prompts one text may stand for."""
WILDCARD = r"__(?P<name>[A-Za-z0-9][\w/-]*?)__"
_SEVERAL = re.compile(r"\s*[\d-]+\$\$")
Pick = Callable[[str, int], str]
"""From the name of a wildcard and its place among all of them to a text."""


def expanded_prompts(text: str) -> tuple[str, ...]:
    """Every prompt that a text with `{a, b}` stands for: all combinations, the last braces changing fastest.

    What braces hold is apart by `|` where there is one outside of brackets, so that it may have commas; else by commas.
    Braces may stand inside one another, at most `DEEPEST` deep. Raises InvalidOption for braces that do not close, for
    `{2$$a|b}` (several at once, as Dynamic Prompts has it), and for more than `MOST`.

    >>> expanded_prompts("a {red, green} {apple|pear}")
    ('a red apple', 'a red pear', 'a green apple', 'a green pear')
    """
    texts, at = _sequence(text, 0, "")
    assert at == len(text), at
    return tuple(texts)


def _sequence(text: str, at: int, stops: str, depth: int = 0) -> tuple[list[str], int]:
    """The texts that stand for what is here, up to one of `stops` or the end, and the place of that. depth: of how many
    braces it stands inside."""
    parts: list[Sequence[str]] = []
    begun, brackets = at, 0
    while at < len(text) and not (text[at] in stops and (text[at] != "|" or not brackets)):
        brackets = max(0, brackets + (text[at] == "[") - (text[at] == "]"))
        if escape := ESCAPE.match(text, at):
            at = escape.end()
        elif text[at] == "{":
            parts.append([text[begun:at]])
            options, at = _braces(text, at, depth + 1)
            parts.append(options)
            begun = at
        elif text[at] == "}":
            raise complaint(text, at, 'a "}" that closes nothing; write \\} for the mark itself')
        else:
            at += 1
    parts.append([text[begun:at]])
    count = 1
    for part in parts:
        count *= len(part)
        if count > MOST:
            raise InvalidOption(f"The prompt stands for more than {MOST} prompts; take out some of its braces.")
    return ["".join(choice) for choice in product(*parts)], at


def _braces(text: str, begun: int, depth: int) -> tuple[list[str], int]:
    if depth > DEEPEST:
        raise complaint(text, begun, f"more than {DEEPEST} braces inside one another")
    if several := _SEVERAL.match(text, begun + 1):
        number = several.group().strip()
        raise complaint(text, begun, f"{number}, several options at once; leave it out: braces stand for one at a time")
    between = _between(text, begun)
    options: list[str] = []
    at = begun
    while at == begun or text[at] == between:
        found, at = _sequence(text, at + 1, f"{between}}}", depth)
        if at == len(text):
            raise complaint(text, begun, 'a "{" that is not closed; write \\{ for the mark itself')
        options += (option.strip() for option in found)
    return options, at + 1


def _between(text: str, begun: int) -> str:
    """What the options of these braces are apart by."""
    at, braces, brackets = begun + 1, 1, 0
    while at < len(text) and braces:
        if escape := ESCAPE.match(text, at):
            at = escape.end()
            continue
        mark = text[at]
        braces += (mark == "{") - (mark == "}")
        brackets = max(0, brackets + (mark == "[") - (mark == "]"))
        if mark == "|" and braces == 1 and not brackets:
            return "|"
        at += 1
    return ","


def wildcards(text: str) -> tuple[str, ...]:
    """The names of the wildcards in a text, in their order."""
    return tuple(match["name"] for match in unescaped_matches(WILDCARD, text))


def with_wildcards(text: str, pick: Pick) -> str:
    """The text with a pick for every wildcard. What is picked may hold no wildcards."""
    found, at = "", 0
    for place, match in enumerate(unescaped_matches(WILDCARD, text)):
        chosen = pick(match["name"], place)
        if re.search(WILDCARD, chosen):
            raise InvalidOption(f"A line of the wildcard {match['name']} holds a wildcard itself; take it out.")
        found += text[at : match.start()] + chosen
        at = match.end()
    return found + text[at:]
