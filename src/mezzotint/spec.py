"""Specs: how a solver, a time grid or a guidance method is asked for, in one short text.

    spec   = name [":" option *("," option)]         ddim   repaint:length=5,times=3   pag:blocks=1+2,scale=2
    option = key "=" value
    value  = number | "true" | "false" | word | value "+" value         a + makes a list

The canonical text has the options sorted by name, and each value in its shortest form. Which names and options there
are is for the registries to say; `typed` checks a spec against the types that one of them declares.
"""

import inspect
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from mezzotint.errors import InvalidOption, nearest, unknown_name
from mezzotint.values import show

__all__ = ["Scalar", "Spec", "Value", "option_types", "typed"]

Scalar = int | float | bool | str
Value = Scalar | tuple[Scalar, ...]

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
WORD = re.compile(r"[A-Za-z][\w.-]*")
KEY = re.compile(r"[A-Za-z]\w*")
MAX_NAME = 60


@dataclass(frozen=True, slots=True)
class Spec:
    """A name with options, sorted by key, so that equal specs compare equal; `str` of it is the canonical text."""

    name: str
    options: tuple[tuple[str, Value], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", tuple(sorted(self.options)))

    @classmethod
    def parse(cls, kind: str, text: object) -> Self:
        """The spec of `NAME` or `NAME:option=value,option=value`. `kind` is what errors call it. Raises InvalidOption.

        >>> str(Spec.parse("guidance", "apg: momentum=-0.50, eta=0"))
        'apg:eta=0,momentum=-0.5'
        """
        if not isinstance(text, str) or not text.isprintable():
            raise _malformed(kind, text)
        name, colon, rest = text.partition(":")
        name = name.strip()
        if not 0 < len(name) <= MAX_NAME or set(name) & set(",="):
            raise _malformed(kind, text)
        options: dict[str, Value] = {}
        for part in rest.split(",") if colon else ():
            key, equals, value = (piece.strip() for piece in part.partition("="))
            if not equals or not KEY.fullmatch(key):
                raise _malformed(kind, text)
            if key in options:
                raise InvalidOption(f"The {kind} {name} is given its option {key} twice; give it once.")
            options[key] = _read(kind, name, key, value)
        return cls(name, tuple(options.items()))

    def __str__(self) -> str:
        options = ",".join(f"{key}={_written(value)}" for key, value in self.options)
        return f"{self.name}:{options}" if options else self.name


def _malformed(kind: str, text: object) -> InvalidOption:
    return InvalidOption(
        f"{kind} is {show(text)}; it must be NAME or NAME:option=value,option=value, such as dpmpp-2m or ddim:eta=0.5."
    )


def _read(kind: str, name: str, key: str, text: str) -> Value:
    """A value as Python has it."""
    parts = [text] if NUMBER.fullmatch(text) else text.split("+")
    values = [_scalar(part.strip()) for part in parts]
    if any(value is None for value in values):
        raise InvalidOption(
            f"The option {key} of the {kind} {name} is {show(text)}; it must be a number, true, false or a word, or "
            "several with + between them."
        )
    found = tuple(value for value in values if value is not None)
    return found if len(found) > 1 else found[0]


def _scalar(text: str) -> Scalar | None:
    if text in ("true", "false"):
        return text == "true"
    if WHOLE.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else None
    return text if WORD.fullmatch(text) else None


def _written(value: Value) -> str:
    if isinstance(value, tuple):
        return "+".join(_written(part) for part in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    # -0.0 becomes 0, and an exponent loses the + that would make a list
    return repr(value or 0).removesuffix(".0").replace("e+", "e") if isinstance(value, int | float) else value


def option_types(build: Callable[..., Any], names: Collection[str]) -> dict[str, Any]:
    """The declared types of a class's fields, or a function's parameters, of these names."""
    hints, parameters = _declared(build)
    return {name: hints[name] for name in parameters if name in names}


@lru_cache(maxsize=256)
def _declared(build: Callable[..., Any]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The type hints and the parameters, which every picture asks for a dozen times."""
    return get_type_hints(build), tuple(inspect.signature(build).parameters)


def typed(kind: str, spec: Spec, types: Mapping[str, Any]) -> dict[str, Any]:
    """The spec's options as a registry's builder takes them: numbers as its types say, a lone value where it wants a
    list, the word none where it allows None.

    Raises InvalidOption for an option that is not among `types`, with the nearest, and for a value of another type.
    """
    found: dict[str, Any] = {}
    for key, value in spec.options:
        if key not in types:
            near = nearest(key, types)
            legal = f"did you mean {near[0]}?" if near else f"it takes {', '.join(sorted(types)) or 'none'}."
            raise InvalidOption(f"The {kind} {spec.name} has no option {key!r}; {legal}")
        fits, converted = _as(types[key], value)
        if not fits:
            words = _words(types[key])
            if words and isinstance(value, str):
                raise unknown_name(f"{key} of the {kind} {spec.name}", value, words)
            raise InvalidOption(
                f"The option {key} of the {kind} {spec.name} must be {_called(types[key])}, not {_written(value)}."
            )
        found[key] = converted
    return found


def _as(kind: Any, value: Value) -> tuple[bool, Any]:
    """Whether a value is of a declared type, and what it is then."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        answers = [_as(part, value) for part in parts]
        return next((answer for answer in answers if answer[0]), (False, None))
    if origin is Literal:
        return value in parts, value
    if origin is tuple:
        values = value if isinstance(value, tuple) else (value,)
        wanted = [parts[0]] * len(values) if parts[-1] is Ellipsis else list(parts)
        answers = [_as(part, item) for part, item in zip(wanted, values, strict=False)]
        return len(wanted) == len(values) and all(fits for fits, _ in answers), tuple(item for _, item in answers)
    if kind is NoneType:
        return value == "none", None
    if kind is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number, float(value) if isinstance(value, int | float) else None
    return type(value) is kind, value


def _words(kind: Any) -> tuple[str, ...]:
    """The words that a type allows, if it allows some and no others."""
    if get_origin(kind) in (Union, UnionType):
        return tuple(word for part in get_args(kind) for word in _words(part))
    return tuple(word for word in get_args(kind) if isinstance(word, str)) if get_origin(kind) is Literal else ()


def _called(kind: Any) -> str:
    """A type in words."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_called(part) for part in parts))
    if origin is tuple:
        count = "" if parts[-1] is Ellipsis else f" of {len(parts)}"
        return f"a list{count} with + between, each {_called(parts[0])}"
    if origin is Literal:
        return f"one of {', '.join(map(str, parts))}"
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a word", NoneType: "none"}
    return names.get(kind, "left out, since no text can give it")
