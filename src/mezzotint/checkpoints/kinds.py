"""What other kinds of files weights come in, told by their first bytes."""

import struct
from pathlib import Path

__all__ = ["kind_of", "weights_in"]

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"GGUF", "a GGUF file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "an array of NumPy"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive, which may hold a pickle, and that can run code when opened"),
    (b"PK\x03\x04", "a zip archive as torch.save makes them, with a pickle in it that can run code when opened"),
    *(
        (start, "a pickle, which can run code when opened")
        for start in (b"\x80\2", b"\x80\3", b"\x80\4", b"\x80\5", b"(lp", b"(dp", b"cos\n", b"c__")
    ),
)


def kind_of(head: bytes) -> str | None:
    """What a file that begins with these 8 bytes is, with its article; None for all else, also for safetensors, whose
    first bytes are a number."""
    return next((kind for start, kind in _STARTS if head.startswith(start)), None)


def weights_in(path: Path) -> str | None:
    """What kind of weights a file holds, with its article, by its first bytes; None if it holds none, or is none."""
    try:
        with path.open("rb") as file:
            head = file.read(9)
            size = file.seek(0, 2)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    if len(head) == 9 and head.endswith(b"{") and struct.unpack("<Q", head[:8])[0] <= size - 8:
        return "a safetensors file"
    return kind_of(head[:8])
