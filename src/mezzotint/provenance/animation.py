"""How many pictures a file shows one after the other, counted without decoding any.

Sources: PNG Specification, Third Edition, section 11.3.2 (acTL, fcTL); WebP Container Specification, "Animation".
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["PngFrames", "webp_pictures"]

MOVES = 0x02
"""The flag of VP8X that says that a WebP is an animation."""


@dataclass
class PngFrames:
    """What the types of a PNG's chunks, one after the other, say of its pictures."""

    _moves: bool = False
    _frames: int = 0
    _apart: bool | None = None

    def see(self, kind: bytes) -> None:
        """Take the next chunk's type."""
        if kind == b"fcTL":
            self._frames += 1
        elif self._apart is None and kind == b"acTL":  # behind the pixels it means nothing
            self._moves = True
        elif self._apart is None and kind == b"IDAT":
            self._apart = self._frames == 0

    @property
    def pictures(self) -> int:
        """One a frame, and the still one where it is none of them."""
        return self._frames + bool(self._apart) if self._moves and self._frames else 1


def webp_pictures(stream: BinaryIO) -> int:
    """The pictures of a WebP: one, or as many as an animation has frames that are wholly there."""
    end = stream.seek(0, 2)
    stream.seek(12)
    head = stream.read(9)
    if len(head) < 9 or head[:4] != b"VP8X" or not head[8] & MOVES:
        return 1
    here, count = 12, 0
    while here + 8 <= end:
        stream.seek(here)
        kind, length = struct.unpack("<4sI", stream.read(8))
        here += 8 + length + length % 2
        count += kind == b"ANMF" and here <= end
    return max(count, 1)
