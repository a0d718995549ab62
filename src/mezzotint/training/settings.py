"""Settings as text: a value of the right type, at its place in a nested configuration."""

import dataclasses
import json
import typing
from collections.abc import Sequence
from typing import Any, Literal, TypeVar

from mezzotint.errors import InvalidOption, unknown_name

__all__ = ["replaced", "with_setting"]

C = TypeVar("C")


def with_setting(config: C, setting: str) -> C:
    """A configuration with a setting `a.b=value`. Raises `InvalidOption` for unknown names, wrong types and values out
    of range, in a sentence with the setting's whole name."""
    path, equals, text = setting.partition("=")
    if not equals:
        raise InvalidOption(f"--set {setting!r} has no value; write it as name=value, for example steps=60.")
    try:
        changed: C = replaced(config, path.split("."), text, path)
    except InvalidOption as error:
        if path in (told := str(error)):
            raise
        # a part of a configuration knows its own names only
        raise InvalidOption(f"{path}={text} does not fit: {told[:1].lower()}{told[1:]}") from error
    return changed


def replaced(config: Any, path: Sequence[str], text: str, whole: str) -> Any:
    """A configuration with another value, given as text, in the field at this path; whole: the path as it was given.

    Raises `InvalidOption` for unknown names and wrong types.
    """
    names = {f.name for f in dataclasses.fields(config)}
    if path[0] not in names:
        raise unknown_name("setting", whole, (f"{whole.removesuffix(path[-1])}{name}" for name in names))
    value = getattr(config, path[0])
    if len(path) > 1:
        if not dataclasses.is_dataclass(value):
            raise InvalidOption(f"{whole} does not exist: {path[0]} has no parts.")
        new = replaced(value, path[1:], text, whole)
    else:
        new = _parsed(typing.get_type_hints(type(config))[path[0]], text, whole)
    return dataclasses.replace(config, **{path[0]: new})


def _parsed(hint: Any, text: str, name: str) -> Any:
    """A value of the hinted type from its text: JSON where it is JSON, else a plain word."""
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    value = tuple(value) if isinstance(value, list) else value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not _fits(hint, value):
        kind = f"{name} is of type {getattr(hint, '__name__', hint)}"
        if typing.get_origin(hint) is Literal:
            kind = f"it must be one of {', '.join(map(str, typing.get_args(hint)))}"
        raise InvalidOption(f"{name}={text} does not fit: {kind}.")
    return value


def _fits(hint: Any, value: Any) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return value in arguments
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(arguments[0], v) for v in value)
    if arguments:  # a union
        return any(_fits(argument, value) for argument in arguments)
    return type(value) is hint
