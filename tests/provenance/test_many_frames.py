"""Animations of very many pictures: the first one is read, and nothing else is worked at."""

import io
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest
from PIL import Image

from mezzotint.errors import InvalidFile
from mezzotint.provenance.read import read_metadata, read_picture

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


@pytest.mark.parametrize("data", [apng(90_000), webp(100_000)], ids=["APNG", "WebP"])
def test_the_first_picture_is_read_quickly_and_small(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    with Image.open(path) as image:
        assert getattr(image, "n_frames", 1) >= 90_000
    begin = time.process_time()
    assert read_picture(path, upright=True).getpixel((1, 1)) == FIRST
    assert read_metadata(path).size == (4, 4)
    assert time.process_time() - begin < 2  # .2 on an idle core
    tracemalloc.start()
    read_picture(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 50e6


def test_an_animation_of_more_chunks_than_any_picture_has_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(apng(150_000))
    with pytest.raises(InvalidFile, match="has more than 200000 chunks"):
        read_picture(tmp_path / "a")
