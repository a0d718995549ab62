"""From a prompt's meaning back to its text: `parse(written(p)) == p`."""

import re
from decimal import Decimal

from mezzotint.conditioning.prompt.tree import Alternate, Item, Items, Part, Prompt, Switch, Weighted, Words

__all__ = ["escaped", "written"]

_ALWAYS = r"[(){}\[\]\\]|\b(?:AND|BREAK)\b|(?<!\S)(?:--|—|–)(?=\w)|<(?=lora|\w+:)|__"
_OUTSIDE = re.compile(rf"{_ALWAYS}|:(?=:|\s*[-+.\d]|\s*$)")
_INSIDE = re.compile(rf"{_ALWAYS}|[|:]")


def escaped(text: str) -> str:
    """A text that `parse` reads as nothing but these words.

    >>> print(escaped("O button (blood type)"))
    O button \\(blood type\\)
    """
    return _OUTSIDE.sub(_behind, text)


def _behind(match: re.Match[str]) -> str:
    mark = match[0]
    return r"\_\_" if mark == "__" else f"\\{mark}"


def written(prompt: Prompt) -> str:
    """The canonical text of a prompt: every weight in figures, single spaces around AND and BREAK."""
    if prompt.shared:
        text = " ".join(f"{_part(part)}::{_figures(part.weight)}" for part in prompt.parts)
    elif len(prompt.parts) > 1:
        text = " AND ".join(f"{_part(part)} :{_figures(part.weight)}".lstrip() for part in prompt.parts)
    else:
        text = "".join(map(_part, prompt.parts))
    return " ".join(filter(None, (text, *(f"--{flag.name} {flag.value}".rstrip() for flag in prompt.flags))))


def _figures(number: float) -> str:
    """The shortest decimal that reads back as this number, without an exponent."""
    return format(Decimal(repr(float(number))), "f").removesuffix(".0")


def _part(part: Part) -> str:
    return " BREAK ".join("".join(_item(item, inside=False) for item in chunk) for chunk in part.chunks)


def _items(items: Items) -> str:
    return "".join(_item(item, inside=True) for item in items)


def _item(item: Item, inside: bool) -> str:
    match item:
        case Words(text):
            return (_INSIDE if inside else _OUTSIDE).sub(_behind, text)
        case Weighted(items, weight):
            return f"({_items(items)}:{_figures(weight)})"
        case Switch(before, after, when, in_steps):
            return f"[{_items(before)}:{_items(after)}:{_figures(when)}{'.0' if when == 1 and not in_steps else ''}]"
        case Alternate(options):
            return f"[{'|'.join(map(_items, options))}]"
