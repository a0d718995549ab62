"""Stopping work between two steps: signals that ask, and a lock that keeps a folder to one process."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from mezzotint.errors import OutOfSpace, TrainingError

_SAME = 0.5
"""Seconds within which a SIGTERM after another is the same one, sent to the process and then to its whole group, as
`timeout` does."""


class StopSignals:
    """While the block runs, the first SIGTERM or Ctrl-C only sets `asked`. A second one interrupts at once.

    number: of the first signal that asked; None if none did.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[int, object] = {}
        self._at = 0.0

    @property
    def asked(self) -> bool:
        """Whether a signal asked to stop."""
        return self.number is not None

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._ask)
        return self

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.number is None:
            self.number, self._at = number, time.monotonic()
        elif number == signal.SIGINT or self.number != number or time.monotonic() > self._at + _SAME:
            raise KeyboardInterrupt

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]


@contextlib.contextmanager
def finishing() -> Iterator[None]:
    """What the block does is done whole: SIGTERM or a first Ctrl-C that comes meanwhile takes effect after it, unless
    it fails. Only the main thread hears signals; in another one this does nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with StopSignals() as stop:
        yield
    if stop.number is not None:
        signal.raise_signal(stop.number)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a run's folder to this process until the block ends; the system lifts the lock of a process that dies.

    A folder that was made for it and in which nothing was written, since the run was refused, is not left behind.
    Raises TrainingError if another process has it, OutOfSpace if the folder cannot be written.
    """
    fresh = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise OutOfSpace(f"{folder} cannot be written ({error.strerror}); choose another with --out.") from None
    try:
        _lock(handle, folder)
        yield
    finally:
        with contextlib.suppress(OSError):
            if fresh and os.listdir(folder) == [".lock"]:
                (folder / ".lock").unlink()
                folder.rmdir()
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # a system without it: there is no lock
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise TrainingError(
            f"Another process is training in {folder}; stop it first, or choose another --out."
        ) from None
    except OSError:  # a file system without locks
        return
