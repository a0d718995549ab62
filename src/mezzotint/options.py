"""The options of a request that are more than one number or word: sizes, specs, times, prompts with weights.

Every function raises `InvalidOption` with one sentence that names the option.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from mezzotint.errors import InvalidOption
from mezzotint.spec import Spec
from mezzotint.values import check_name, check_text, real, show, whole

__all__ = [
    "MAX_STEPS",
    "canonical",
    "further_prompts",
    "interval",
    "learned_scale",
    "listed",
    "loras",
    "methods",
    "parse_aspect",
    "parse_size",
    "share_of_moves",
    "steps_of",
    "time_grid",
]

MAX_SIDE = 16_384
MAX_STEPS = 1000
MAX_LIST = 16


def parse_size(value: object, name: str = "size") -> tuple[int, int]:
    """A picture size as (width, height) in pixels, from `64`, `"64"`, `"64x48"` or `(64, 48)`.

    Raises `InvalidOption` for anything else, and for sides outside 1 … 16384.
    """
    sides: Sequence[object]
    if isinstance(value, str):
        match = re.fullmatch(r"\s*([0-9]{1,6})(?:\s*[xX×]\s*([0-9]{1,6}))?\s*", value)
        sides = () if match is None else (int(match[1]), int(match[2] or match[1]))
    elif isinstance(value, Sequence):
        sides = tuple(value)
    else:
        sides = (value, value)
    numbers = [whole(side) for side in sides]
    match numbers:
        case [int(width), int(height)] if 1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE:
            return width, height
    raise InvalidOption(
        f"{name} is {show(value)}; it must be one side or WIDTHxHEIGHT in pixels, each from 1 to {MAX_SIDE}, "
        "such as 64 or 64x48."
    )


def parse_aspect(value: object) -> tuple[int, int]:
    """The shape of a picture as (width, height), from `"3:2"` or `(3, 2)`. Raises `InvalidOption` for anything else."""
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,5}\s*:\s*[0-9]{1,5}\s*", value):
        sides: Sequence[object] = tuple(map(int, value.split(":")))
    else:
        sides = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else ()
    match [whole(side) for side in sides]:
        case [int(width), int(height)] if 1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE:
            return width, height
    raise InvalidOption(f"aspect is {show(value)}; it must be WIDTH:HEIGHT in whole numbers above 0, such as 3:2.")


def share_of_moves(value: object) -> float:
    """`stop`: a share of the moves, above 0."""
    if (share := real("stop", value, 0.0, 1.0)) == 0:
        raise InvalidOption(f"stop is {show(value)}; it must be a number above 0, and at most 1.")
    return share


MAX_SPEC = 2000
"""Characters of a spec: fitted-2m has four numbers a step."""


def canonical(name: str, value: object) -> str:
    """The canonical text of a spec."""
    check_name(name, value, MAX_SPEC)
    return str(Spec.parse(name, value))


def time_grid(value: object) -> str | tuple[float, ...]:
    """The canonical spec of a grid, or the times that it goes through."""
    if isinstance(value, str) and ("," not in value or ":" in value):
        return canonical("grid", value)
    listed: Any = value.tolist() if hasattr(value, "tolist") else value  # arrays and tensors
    try:
        times = tuple(real("grid", time, 0.0, 1.0) + 0.0 for time in listed)  # -0.0 becomes 0.0
        if 2 <= len(times) <= MAX_STEPS + 1 and times[-1] == 0 and all(a > b for a, b in pairwise(times)):
            return times
    except (TypeError, ValueError):  # no list, or not of numbers in [0, 1]; InvalidOption is a ValueError too
        pass
    raise InvalidOption(
        f"grid is {show(value)}; it must be the name of a grid, or a list of 2 to {MAX_STEPS + 1} times that fall from "
        "at most 1 (noise) to 0 (data), such as 1,0.7,0.4,0."
    )


def steps_of(times: tuple[float, ...], steps: int | None) -> int:
    """How many steps a grid of explicit times has; `steps`, if given, must agree."""
    if steps not in (None, len(times) - 1):
        raise InvalidOption(
            f"steps is {steps}, but the grid lists {len(times)} times, which makes {len(times) - 1} steps; leave out "
            "one of the two."
        )
    return len(times) - 1


def interval(value: object) -> tuple[float, float]:
    try:
        low, high = (real("guidance_interval", end, 0.0, 1.0) for end in value)  # type: ignore[attr-defined]
        if low < high:
            return low, high
    except (TypeError, ValueError):  # not a pair of numbers; InvalidOption is a ValueError too
        pass
    raise InvalidOption(
        f"guidance_interval is {show(value)}; it must be two times (low, high) with 0 <= low < high <= 1, "
        "where 0 is data and 1 is noise."
    )


def learned_scale(value: object) -> float:
    """`distilled_guidance`: a number above 0."""
    if (scale := real("distilled_guidance", value, 0.0, 100.0)) == 0:
        raise InvalidOption(f"distilled_guidance is {show(value)}; it must be a number above 0, and at most 100.")
    return scale


def methods(value: object) -> tuple[str, ...]:
    """The canonical specs of guidance methods."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > MAX_LIST:
        raise InvalidOption(
            f"guidance_methods is {show(value)}; it must be a list of at most {MAX_LIST} specs, such as "
            '["apg", "pag:scale=2"].'
        )
    return tuple(canonical("guidance_methods", item) for item in value)


def further_prompts(value: object) -> tuple[tuple[str, float], ...]:
    """Further prompts with their weights."""
    sentence = (
        f"also is {show(value)}; it must be a list of at most {MAX_LIST} prompts with weights, such as "
        '[["a hat", 0.7]].'
    )
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > MAX_LIST:
        raise InvalidOption(sentence)
    found = []
    for pair in value:
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise InvalidOption(sentence)
        check_text("also", pair[0])
        if not pair[0].strip():
            raise InvalidOption("also names an empty prompt; give it words, or leave it out.")
        found.append((pair[0], real("the weight in also", pair[1], -100.0, 100.0)))
    return tuple(found)


def loras(value: object) -> tuple[tuple[str, float], ...]:
    """LoRAs with their strengths; a name alone has the strength 1."""
    sentence = (
        f"lora is {show(value)}; it must be a list of at most {MAX_LIST} names or files, each alone or with its "
        'strength, such as [["zorp", 0.8]].'
    )
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > MAX_LIST:
        raise InvalidOption(sentence)
    found: list[tuple[str, float]] = []
    for item in value:
        pair = (item, 1.0) if isinstance(item, str) else item
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise InvalidOption(sentence)
        check_name("lora", pair[0])
        if pair[0] in (name for name, _ in found):
            raise InvalidOption(f"lora names {show(pair[0])} twice; give it once.")
        found.append((pair[0], real("the strength in lora", pair[1], -10.0, 10.0)))
    return tuple(found)


def listed(value: Any) -> Any:
    """Tuples as JSON has them, inner ones too."""
    return [listed(item) for item in value] if isinstance(value, tuple) else value
