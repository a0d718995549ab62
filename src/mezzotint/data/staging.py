"""Writing a folder all at once: everything is staged beside it, synced, and moved into place, or nothing is left."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.lib import format as npy

from mezzotint.data.pixels import Bytes
from mezzotint.errors import OutOfSpace

__all__ = ["PictureWriter", "staged_folder"]


@contextmanager
def staged_folder(out: Path) -> Iterator[Path]:
    """A new folder beside `out` to write into; it replaces `out` when the block ends, and vanishes if it raises.

    Raises OutOfSpace for every OSError within: disk full, no permission, not a folder.
    """
    staged: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        yield staged
        staged.chmod(0o755)
        for file in sorted(staged.iterdir()):
            _sync(file)
        _replace(staged, out)
        _sync(out.parent)
    except OSError as error:
        raise OutOfSpace(
            f"The data set cannot be written to {out} ({error.strerror or error}); free space or choose another folder."
        ) from error
    finally:
        if staged is not None:
            shutil.rmtree(staged, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _replace(staged: Path, out: Path) -> None:
    """Put the finished folder in place of the old one, which is moved away first and put back if that fails."""
    if not out.exists():
        staged.rename(out)
        return
    old = out.with_name(f".{out.name}-old-{os.getpid()}")
    out.rename(old)
    try:
        staged.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


class PictureWriter:
    """Appends pictures of one size to a `.npy` file whose count is known only at the end, holding none in memory."""

    def __init__(self, path: Path, size: int) -> None:
        self._shape = (size, size, 4)
        self._count = 0
        self._file = path.open("wb")
        self._header()
        self._start = self._file.tell()

    def _header(self) -> None:
        header = {"descr": "|u1", "fortran_order": False, "shape": (self._count, *self._shape)}
        npy.write_array_header_1_0(self._file, header)

    def append(self, picture: Bytes) -> None:
        """Write one picture, uint8 (size, size, 4)."""
        assert picture.shape == self._shape
        assert picture.dtype == np.uint8
        self._file.write(picture.tobytes())
        self._count += 1

    def __enter__(self) -> "PictureWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the true count into the header; numpy pads it to a length that does not depend on the count."""
        try:
            if kind is None:
                self._file.seek(0)
                self._header()
                assert self._file.tell() == self._start
        finally:
            self._file.close()
