"""Read the header and the text chunks of a PNG without decoding its pixels, with a cap on everything.

Source: Portable Network Graphics (PNG) Specification, Third Edition, sections 5 and 11.3.3.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from mezzotint.provenance.animation import PngFrames

__all__ = ["MAX_TEXT_BYTES", "SIGNATURE", "BrokenChunk", "PngText", "read_png_inputs", "read_png_text"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_TEXT_BYTES = 8 * 2**20
"""Of one text chunk after decompression, and of all of them together."""
MAX_CHUNKS = 200_000
INPUT_TYPE = b"mzIN"
"""A picture that this one was made from, as PNG: an ancillary, private chunk that is not copied to a changed one."""
MAX_INPUTS = 40
MAX_INPUT_BYTES = 64 * 2**20
"""Of all of them together."""
TEXT_TYPES = (b"tEXt", b"zTXt", b"iTXt")


class BrokenChunk(Exception):
    """What is wrong with the file, as the end of a sentence that begins with its name."""


@dataclass(frozen=True)
class PngText:
    """The size in pixels from IHDR, the text chunks as (keyword, text) in the order of the file, and the number of
    pictures, above 1 for an animation."""

    size: tuple[int, int]
    texts: tuple[tuple[str, str], ...]
    pictures: int


def read_png_text(stream: BinaryIO) -> PngText:
    """Walk the chunks from just behind the signature to IEND. Raises `BrokenChunk`."""
    size: tuple[int, int] | None = None
    texts: list[tuple[str, str]] = []
    total, frames = 0, PngFrames()
    for kind, data in _chunks(stream):
        frames.see(kind)
        if kind == b"IHDR" and size is None:
            if len(data) != 13:
                raise BrokenChunk("has a broken header")
            size = struct.unpack(">II", data[:8])
        elif size is None:
            raise BrokenChunk("has no header")
        elif kind in TEXT_TYPES:
            keyword, text = _text(kind, data, MAX_TEXT_BYTES - total)
            total += len(text)
            texts.append((keyword, text.decode("utf-8" if kind == b"iTXt" else "latin-1")))
        elif kind == b"IEND":
            return PngText(size, tuple(texts), frames.pictures)
    raise BrokenChunk("is cut off")


def read_png_inputs(stream: BinaryIO) -> tuple[bytes, ...]:
    """The pictures that a PNG holds as what it was made from, from just behind the signature. Raises `BrokenChunk`."""
    found: list[bytes] = []
    for kind, data in _chunks(stream, (INPUT_TYPE,), MAX_INPUT_BYTES):
        if kind == INPUT_TYPE:
            found.append(data)
            if len(found) > MAX_INPUTS or sum(map(len, found)) > MAX_INPUT_BYTES:
                raise BrokenChunk(
                    f"holds more than {MAX_INPUTS} pictures, or {MAX_INPUT_BYTES // 2**20} MiB, that it was made from"
                )
        elif kind == b"IEND":
            return tuple(found)
    raise BrokenChunk("is cut off")


def _chunks(
    stream: BinaryIO, wanted: tuple[bytes, ...] = (b"IHDR", *TEXT_TYPES), most: int = MAX_TEXT_BYTES
) -> Iterator[tuple[bytes, bytes]]:
    """The chunks as (type, data); data is read and checked for those wanted, skipped for all others."""
    here = stream.tell()
    end = stream.seek(0, 2)
    for _ in range(MAX_CHUNKS):
        stream.seek(here)
        head = stream.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        here += 12 + length
        if here > end:
            raise BrokenChunk("is cut off")
        data = b""
        if kind in wanted:
            if length > most:
                what = "picture in it" if kind == INPUT_TYPE else "text chunk"
                raise BrokenChunk(f"has a {what} of more than {most // 2**20} MiB")
            data = stream.read(length)
            if struct.unpack(">I", stream.read(4))[0] != zlib.crc32(kind + data):
                raise BrokenChunk(f"is damaged: the checksum of its {kind.decode('latin-1')} chunk is wrong")
        yield kind, data
    raise BrokenChunk(f"has more than {MAX_CHUNKS} chunks")


def _text(kind: bytes, data: bytes, room: int) -> tuple[str, bytes]:
    """Keyword and text bytes of a text chunk; at most `room` bytes of text."""
    keyword, nul, rest = data.partition(b"\0")
    if not nul or not 1 <= len(keyword) <= 79:
        raise BrokenChunk("has a broken text chunk: it has no keyword")
    compressed = kind == b"zTXt"
    if kind == b"zTXt":
        if rest[:1] != b"\0":
            raise BrokenChunk("has a text chunk with an unknown compression")
        rest = rest[1:]
    elif kind == b"iTXt":
        parts = rest[2:].split(b"\0", 2)  # language tag, translated keyword, text
        if rest[:2] not in (b"\0\0", b"\1\0") or len(parts) != 3:
            raise BrokenChunk("has a broken iTXt chunk")
        compressed, rest = rest[:1] == b"\1", parts[2]
    text = _inflate(rest, room) if compressed else rest
    if len(text) > room:
        raise BrokenChunk(f"has more than {MAX_TEXT_BYTES // 2**20} MiB of text")
    if kind == b"iTXt":
        try:
            text.decode()
        except UnicodeDecodeError:
            raise BrokenChunk("has an iTXt chunk that is not UTF-8") from None
    return keyword.decode("latin-1"), text


def _inflate(data: bytes, room: int) -> bytes:
    """At most room + 1 bytes of what `data` decompresses to."""
    machine = zlib.decompressobj()
    try:
        text = machine.decompress(data, room + 1)
    except zlib.error:
        raise BrokenChunk("has a compressed text chunk that is damaged") from None
    if not machine.eof and len(text) <= room:
        raise BrokenChunk("has a compressed text chunk that is cut off")
    return text
