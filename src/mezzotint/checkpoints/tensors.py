"""Reading and writing tensors: safetensors only, decided by content, never by suffix."""

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import Tensor

from mezzotint.checkpoints.header import read_header
from mezzotint.errors import InvalidCheckpoint, OutOfSpace

STAGED, RETIRED = ".staged-", ".retired-"
"""How the folders begin that `replacing` makes beside a folder: of what comes, and of what was there."""


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file, in memory of its own.

    Raises `InvalidCheckpoint` for a missing, truncated or foreign file; a pickle is refused under any suffix and
    never opened by an unpickler.
    """
    from safetensors import SafetensorError, safe_open

    read_header(path)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            return tensors, dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError) as error:
        raise InvalidCheckpoint(f"{path} is not a readable safetensors file ({error}); get it again.") from None


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file and sync it to disk. Not atomic by itself: see `replacing`."""
    from safetensors.torch import save_file

    with full_disk(path):
        save_file({n: t.detach().contiguous() for n, t in tensors.items()}, path, metadata=dict(metadata or {}))
        sync(path)


def sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """Turn a full disk or a folder without write permission into `OutOfSpace`."""
    try:
        yield
    except Exception as error:
        text = str(error)
        if (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)) or "No space left" in text:
            raise OutOfSpace(f"The disk is full while writing {path}; free some space and try again.") from None
        denied = isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
        if denied or "Permission denied" in text or "Read-only file system" in text:
            raise OutOfSpace(f"{path} cannot be written; choose another folder with --out.") from None
        raise


@contextlib.contextmanager
def replacing(folder: Path, *, same: bool = False) -> Iterator[Path]:
    """A staging folder that takes the place of `folder` when the block ends well, and vanishes when it does not.

    Files are synced before the rename, so that a folder of that name is always complete. same: whoever writes this
    folder writes the same into it, so that one which another process has finished meanwhile stays, and is never absent.
    """
    with full_disk(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=STAGED, dir=folder.parent))
    with _held(staging):
        try:
            yield staging
            with full_disk(folder):
                for file in [*staging.rglob("*"), staging]:
                    file.chmod(0o755 if file.is_dir() else 0o644)  # staging folders are made for the owner alone
                    sync(file)
                if same and folder.exists():
                    shutil.rmtree(staging, ignore_errors=True)
                elif folder.exists():
                    _exchange(staging, folder)
                else:
                    _move(staging, folder, same)
                sync(folder.parent)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise


def remove_abandoned(folder: Path, kind: str) -> None:
    """Remove the `STAGED` or `RETIRED` folders in a folder that a killed process has left, and no living one holds.

    Where the system or the file system has no locks, nobody can say that of them, and they stay.
    """
    for path in folder.glob(f"{kind}*"):
        with contextlib.suppress(OSError), _held(path) as alone:
            if alone:
                shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Lock a folder, wherever it is moved, until the block ends or the process dies; whether that could be done."""
    try:
        import fcntl
    except ImportError:  # a system without it
        yield False
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # another process has it, or this file system has no locks
            alone = False
        else:
            alone = True
        yield alone
    finally:
        os.close(handle)


def _exchange(staging: Path, folder: Path) -> None:
    """Put `staging` in the place of `folder`, which is there again if that fails."""
    with _held(folder):
        retired = Path(tempfile.mkdtemp(prefix=RETIRED, dir=folder.parent))
        os.replace(folder, retired)
        try:
            os.replace(staging, folder)
        except BaseException:
            os.replace(retired, folder)
            raise
        shutil.rmtree(retired, ignore_errors=True)


def _move(staging: Path, folder: Path, same: bool) -> None:
    try:
        os.replace(staging, folder)
    except OSError as error:
        # another process was quicker by less than this function takes
        if not same or error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        shutil.rmtree(staging, ignore_errors=True)


def file_digest(path: Path) -> str:
    """sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
