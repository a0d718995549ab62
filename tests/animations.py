"""Animated pictures of any number of frames, as bytes."""

import io
import struct
import zlib

from PIL import Image

FIRST, LATER = (9, 8, 7, 255), (1, 2, 3, 255)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def apng(count: int) -> bytes:
    """An animated PNG of 4x4 pixels."""
    first, later = (zlib.compress(4 * (b"\0" + bytes(colour) * 4)) for colour in (FIRST, LATER))
    frame = struct.pack(">IIIIHHBB", 4, 4, 0, 0, 1, 10, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 6, 0, 0, 0))]
    parts += [chunk(b"acTL", struct.pack(">II", count, 0))]
    parts += [chunk(b"fcTL", struct.pack(">I", 0) + frame), chunk(b"IDAT", first)]
    for number in range(1, 2 * count - 1, 2):
        parts += [chunk(b"fcTL", struct.pack(">I", number) + frame)]
        parts += [chunk(b"fdAT", struct.pack(">I", number + 1) + later)]
    return b"".join([*parts, chunk(b"IEND", b"")])


def webp(count: int) -> bytes:
    """An animated WebP of 4x4 pixels."""
    stream = io.BytesIO()
    first, later = (Image.new("RGBA", (4, 4), colour) for colour in (FIRST, LATER))
    first.save(stream, "WEBP", save_all=True, append_images=[later], lossless=True)
    data = stream.getvalue()
    one = data.index(b"ANMF")
    two = data.index(b"ANMF", one + 4)
    body = data[12:two] + data[two:] * (count - 1)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
