"""Checks of plain values: what a request, a recipe or a spec may hold, and the sentence that refuses the rest.

Every function raises `InvalidOption` with one sentence: what was given, and what is allowed.
"""

import math
import operator
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, fields
from types import MappingProxyType
from typing import Any

from mezzotint.errors import InvalidOption, unknown_name

__all__ = [
    "MAX_TEXT",
    "check_choice",
    "check_digest",
    "check_name",
    "check_text",
    "integer",
    "known_keys",
    "real",
    "show",
    "texts",
    "whole",
]

MAX_TEXT = 100_000


def show(value: object) -> str:
    """`value` as it appears in an error: its repr, cut so that the sentence stays readable."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def whole(value: object) -> int | None:
    """`value` as int if its type is one of whole numbers (also NumPy's); `None` for True, 3.0 and "3"."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def integer(name: str, value: object, low: int, high: int | None = None, high_text: str = "") -> int:
    """`value` as int if it is a whole number in [low, high]."""
    number = whole(value)
    if number is None or number < low or (high is not None and number > high):
        allowed = f"from {low} to {high_text or high}" if high is not None else f"of {low} or more"
        raise InvalidOption(f"{name} is {show(value)}; it must be a whole number {allowed}.")
    return number


def real(name: str, value: object, low: float, high: float) -> float:
    """`value` as float if it is a finite number in [low, high]; True and "3" are not."""
    number = math.nan
    if not isinstance(value, bool | str | bytes | bytearray):
        with suppress(TypeError, ValueError, OverflowError):
            number = float(value)  # type: ignore[arg-type]
    if not low <= number <= high:  # also true for nan
        raise InvalidOption(f"{name} is {show(value)}; it must be a number from {low:g} to {high:g}.")
    return number


def check_text(name: str, value: object) -> None:
    """Any Unicode text up to MAX_TEXT characters. Half a surrogate pair cannot be stored in a file."""
    if not isinstance(value, str):
        raise InvalidOption(f"{name} is {show(value)}; it must be text.")
    if len(value) > MAX_TEXT:
        raise InvalidOption(f"{name} has {len(value)} characters; at most {MAX_TEXT} are allowed.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidOption(f"{name} is not valid Unicode at character {error.start}; give it as UTF-8.") from None


def check_name(name: str, value: object, longest: int = 200) -> None:
    """One printable line of 1 … `longest` characters. Which names exist is for the registries to say."""
    if not isinstance(value, str) or not value.strip() or len(value) > longest or not value.isprintable():
        raise InvalidOption(f"{name} is {show(value)}; it must be one line of 1 to {longest} printable characters.")


def check_choice(name: str, value: object, allowed: Sequence[str]) -> None:
    if not isinstance(value, str):
        raise InvalidOption(f"{name} is {show(value)}; it must be one of {', '.join(allowed)}.")
    if value not in allowed:
        raise unknown_name(name, value, allowed)


def check_digest(name: str, value: object) -> None:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{64}", value):
        raise InvalidOption(f"{name} is {show(value)}; it must be a SHA-256 digest, 64 lower-case hex digits.")


def texts(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InvalidOption(f"{name} is {show(value)}; it must be a list of texts.")
    for item in value:
        check_text(name, item)
    return tuple(value)


def known_keys(
    cls: type[Any], kind: str, data: object, elsewhere: Mapping[str, str] = MappingProxyType({})
) -> Mapping[str, Any]:
    """`data` if its keys are fields of the dataclass `cls` and no required one is missing.

    elsewhere: keys of other programs, with what they are called here.
    """
    if not isinstance(data, Mapping):
        raise InvalidOption(f"the {kind}s must be a JSON object, not {show(data)}.")
    known = {item.name: item.default is MISSING for item in fields(cls)}
    for key in data:
        if key not in known:
            here = f"here it is {elsewhere[key]}." if key in elsewhere else None
            raise unknown_name(kind, str(key)[:60], known, here)
    missing = [name for name, required in known.items() if required and name not in data]
    if missing:
        raise InvalidOption(f"the {kind}s lack {', '.join(missing)}.")
    return data
