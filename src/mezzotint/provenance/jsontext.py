"""JSON in the text of a stranger's picture: objects read with care, values shown as text."""

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

__all__ = ["object_of", "text_of", "texts_of"]


def object_of(text: object) -> dict[str, Any]:
    """The JSON object that a text is; empty if it is none."""
    if not isinstance(text, str) or not text.lstrip().startswith("{"):
        return {}
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def text_of(value: Any) -> str:
    """A value as people read it: numbers without a fraction of 0, lists and objects as JSON; "" for nothing."""
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def texts_of(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    """Values as text under our option names where `names` has one, else under their own; those that say nothing left
    out, and width and height joined as size."""
    found = {names.get(key, str(key)): text for key, value in values.items() if (text := text_of(value))}
    if "width" in found and "height" in found:
        found["size"] = f"{found.pop('width')}x{found.pop('height')}"
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
