"""The header of a safetensors file: what it says of its tensors, checked before anything believes it.

A file is the header's length (8 bytes, little-endian), the header (a JSON object), and the tensors' bytes.
"""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mezzotint.checkpoints.kinds import kind_of
from mezzotint.errors import InvalidCheckpoint

__all__ = ["LARGEST_HEADER", "Entry", "read_header"]

LARGEST_HEADER = 2**20
"""Bytes. A tensor takes about a hundred; more would cost a stranger's reader time and memory to parse."""

METADATA = "__metadata__"
WIDTHS: Mapping[str, int] = MappingProxyType(
    {
        "BOOL": 1,
        "U8": 1,
        "I8": 1,
        "F8_E4M3": 1,
        "F8_E5M2": 1,
        "U16": 2,
        "I16": 2,
        "F16": 2,
        "BF16": 2,
        "U32": 4,
        "I32": 4,
        "F32": 4,
        "U64": 8,
        "I64": 8,
        "F64": 8,
    }
)
"""Bytes of a value, by the name of its type."""
_KEYS = {"dtype", "shape", "data_offsets"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A tensor in a file: its type's name, its shape, and where its bytes begin and end behind the header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def read_header(path: Path) -> dict[str, Entry]:
    """What a whole safetensors file says of its tensors, by name.

    Raises `InvalidCheckpoint` for a file of another kind, half of one, and a header that is larger than
    `LARGEST_HEADER`, not the JSON it should be, or not what the file's bytes are: every byte behind the header belongs
    to one tensor.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(8)
            length = struct.unpack("<Q", head.ljust(8, b"\0"))[0]
            if not 2 <= length <= min(LARGEST_HEADER, size - 8):
                raise InvalidCheckpoint(_foreign(path, head, length, size))
            text = file.read(length)
    except OSError as error:
        raise InvalidCheckpoint(f"{path} cannot be read ({error.strerror}); check the path and its rights.") from None
    entries = _entries(path, text, size)
    end = max((entry.end for entry in entries.values()), default=0)
    if 8 + length + end != size:
        raise InvalidCheckpoint(f"{path} is half-written: it has {size} of {8 + length + end} bytes; get it again.")
    _cover(path, entries)
    return entries


def _foreign(path: Path, head: bytes, length: int, size: int) -> str:
    kind = kind_of(head)
    if kind is not None:
        return f"{path} is {kind}, and weights are read from safetensors only; convert it where you trust it."
    if length <= size - 8 and length > LARGEST_HEADER:
        return f"{path} has a header of {length} bytes, and at most {LARGEST_HEADER} are read; get other weights."
    return f"{path} is not a safetensors file, or only half of one; get it again."


def _entries(path: Path, text: bytes, size: int) -> dict[str, Entry]:
    try:
        said = json.loads(text.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise _broken(path, "it is not JSON in UTF-8 with each name once") from None
    if not isinstance(said, dict):
        raise _broken(path, "it is not a JSON object")
    texts = said.pop(METADATA, {})
    if not isinstance(texts, dict) or not all(isinstance(one, str) and _whole(one) for one in texts.values()):
        raise _broken(path, f"its {METADATA} are not texts by name")
    if not all(map(_whole, [*said, *texts])):
        raise _broken(path, "a name in it is not valid Unicode")
    return {name: _entry(path, name, entry, size) for name, entry in said.items()}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name twice")
    return found


def _whole(text: str) -> bool:
    """Whether a text has no half of a surrogate pair, which JSON can say and UTF-8 cannot."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _entry(path: Path, name: str, said: object, size: int) -> Entry:
    if not isinstance(said, dict) or said.keys() != _KEYS:
        raise _broken(path, f"{name[:60]!r} has not a dtype, a shape and data_offsets")
    dtype, shape, offsets = said["dtype"], said["shape"], said["data_offsets"]
    if not isinstance(dtype, str) or dtype not in WIDTHS:
        raise _broken(path, f"the dtype of {name[:60]!r} is none that is known")
    if not _numbers(offsets, 2**63) or len(offsets) != 2:
        raise _broken(path, f"the data_offsets of {name[:60]!r} are not two numbers")
    if offsets[1] > size:
        raise InvalidCheckpoint(f"{path} is half-written: {name[:60]!r} lies beyond its end; get it again.")
    # no side of a tensor is longer than the file, unless it holds nothing
    if not _numbers(shape, size) or len(shape) > 8:
        raise _broken(path, f"the shape of {name[:60]!r} is not a list of up to 8 sizes")
    begin, end = offsets
    if end - begin != math.prod(shape) * WIDTHS[dtype]:
        raise _broken(path, f"{name[:60]!r} has {end - begin} bytes, which is not what its shape and dtype say")
    return Entry(dtype, tuple(shape), begin, end)


def _numbers(values: object, high: int) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value <= high for value in values)


def _cover(path: Path, entries: Mapping[str, Entry]) -> None:
    """Raises `InvalidCheckpoint` where bytes belong to no tensor, or to two."""
    reached = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != reached:
            what = "overlaps another tensor" if entry.begin < reached else "has unused bytes before it"
            raise _broken(path, f"{name[:60]!r} {what}")
        reached = entry.end


def _broken(path: Path, why: str) -> InvalidCheckpoint:
    return InvalidCheckpoint(f"{path} has a broken safetensors header: {why}; get it again.")
