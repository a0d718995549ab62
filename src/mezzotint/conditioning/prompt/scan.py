"""Reading a prompt's text with respect for escapes: what stands after a backslash means itself."""

import re
from collections.abc import Iterator

from mezzotint.errors import InvalidOption
from mezzotint.values import show

__all__ = ["ESCAPE", "NUMBER", "complaint", "unescaped", "unescaped_matches"]

ESCAPE = re.compile(r"\\(AND\b|BREAK\b|[!-/:-@\[-`{-~—–])")
"""A backslash makes the next mark, or the words AND and BREAK, mean themselves. Before anything else it is a
backslash."""
NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)"


def unescaped(text: str) -> str:
    """The text that is meant."""
    return ESCAPE.sub(r"\1", text)


def unescaped_matches(pattern: str, text: str) -> Iterator[re.Match[str]]:
    """The places where a pattern stands in a text without a backslash before it."""
    for match in re.finditer(rf"{ESCAPE.pattern}|(?P<hit>{pattern})", text):
        if match["hit"] is not None:
            yield match


def complaint(text: str, at: int, what: str) -> InvalidOption:
    """The error for something at character `at` of a prompt."""
    around = text[max(0, at - 12) : at + 12].strip()
    return InvalidOption(f"At character {at + 1} (near {show(around)}) the prompt has {what}.")
