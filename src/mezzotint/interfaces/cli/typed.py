"""Sentences about options, with the names that the command line has for them in the place of a `Request`'s."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from types import MappingProxyType

import click

from mezzotint.request import Request

__all__ = ["all_as_typed", "as_typed", "option_of"]

OTHERWISE: Mapping[str, str] = MappingProxyType(
    {
        "blend_images": "--blend-image",
        "blend_weights": "--weights",
        "guidance_methods": "--guidance-method",
        "region_masks": "--region",
        "upscale_to": "--size",
    }
)
"""What fields are called that do not give their options their names, unless a command has a parameter of that name."""
FIELDS = frozenset(item.name for item in fields(Request))
# a word with _ is no other word of a sentence; what is quoted, or a part of a path or a setting, is somebody's own text
_NAMES = "|".join(sorted(name for name in FIELDS if "_" in name and name != "original_prompt"))
_QUOTED = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)")
_WORD = re.compile(rf"(?<![\w.'\"/\\=-])({_NAMES})(?:\[([0-9]+)\])?(?![\w(=/]|\.\w)")


def option_of(name: str, command: click.Command | None = None) -> str:
    """The option that gives a field of a `Request` its value, such as --style-ref for "style_ref".

    command: whose option it is; without one, or where that has none of this name, what drawing commands call it.
    """
    for one in () if command is None else command.params:
        if one.name == name and isinstance(one, click.Option):
            return max(one.opts, key=len)
    return OTHERWISE.get(name, f"--{name.replace('_', '-')}")


def as_typed(sentence: str, command: click.Command | None) -> str:
    """A sentence with `option_of` in the place of every field's name that has a _ in it; "mask 2 of --region" in that
    of "region_masks[1]". Sentences of commands without any option of a `Request` stay as they are: what they name is
    not that."""
    if command is None or not any(one.name in FIELDS for one in command.params):
        return sentence

    quoted = [found.span() for found in _QUOTED.finditer(sentence)]

    def option(found: re.Match[str]) -> str:
        name, number = found.groups()
        if any(begin < found.start() < end for begin, end in quoted):
            return found.group()
        if number is None:
            return option_of(name, command)
        kind = "mask" if name == "region_masks" else "picture"
        return f"{kind} {int(number) + 1} of {option_of(name, command)}"

    return _WORD.sub(option, sentence)


def all_as_typed(sentences: Iterable[str]) -> list[str]:
    """Sentences `as_typed` to the command that runs, if one does."""
    context = click.get_current_context(silent=True)
    return [as_typed(one, None if context is None else context.command) for one in sentences]
