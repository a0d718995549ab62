"""Files are whole or absent: write beside the target, sync, rename."""

import contextlib
import errno
import os
import secrets
from pathlib import Path

from mezzotint.errors import OutOfSpace

__all__ = ["write_atomically"]

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def write_atomically(path: Path | str, data: bytes) -> None:
    """Write `data` to `path` so that a reader sees the old file, or the whole new one, and nothing between.

    The bytes go to a temporary file in the same folder, are synced, and take the name by a rename. On any failure,
    also an interruption, the temporary file is removed and an old file at `path` stays as it was.
    Raises `OutOfSpace` if the disk is full or the folder cannot be written.
    """
    path = Path(path)
    staged = path.with_name(f".mezzotint-{secrets.token_hex(8)}.tmp")  # short: the target's name may be at the limit
    try:
        # 0o666 and the umask, as for any new file; tempfile would make a picture that only its owner can read
        handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        with open(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(staged, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise OutOfSpace(_sentence(path, error)) from error
    finally:
        with contextlib.suppress(OSError):
            staged.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the rename durable. Some file systems refuse to sync a folder; the file itself is safe then too."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sentence(path: Path, error: OSError) -> str:
    if error.errno in FULL:
        return f"There is no space left to write {path}; nothing was written, so free some space and try again."
    if error.errno in FORBIDDEN:
        return f"The folder {path.parent} cannot be written; choose another one for {path.name}."
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return f"The folder {path.parent} does not exist; create it or choose another one for {path.name}."
    if path.is_dir():
        return f"{path} is a folder; give the name of a file."
    return f"{path} cannot be written ({error.strerror or error}); choose another name or folder."
