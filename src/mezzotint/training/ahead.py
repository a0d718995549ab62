"""Batches made ahead of their time by worker processes: the same ones, sooner."""

import dataclasses
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Protocol, TypeVar

import torch
from numpy.typing import NDArray
from torch import Tensor

from mezzotint.errors import MezzotintError, TrainingError

__all__ = ["Source", "batches_ahead"]

B = TypeVar("B", covariant=True)


class Source(Protocol[B]):
    """Batches in two parts, each a pure function of how many pictures came before it."""

    def raw(self, counter: int) -> Any:
        """What has to be read, composed and looked up: on the CPU, and picklable."""
        ...

    def ready(self, raw: Any) -> B:
        """The batch, on the device that trains."""
        ...


def batches_ahead(
    source: Source[B], counters: Sequence[int], workers: int, together: int = 1, done: int = 0
) -> Generator[B]:
    """The batches that start with these pictures, in their order; the first parts are made by so many processes.

    Without workers a batch is made when it is asked for. Closing the iterator ends the processes.
    together: so many batches in a row are made by one process, and sent at once: such as have parts in common.
    done: how many of the first one's group came before it.
    Raises `TrainingError` where processes cannot be forked (Windows), and what a worker raised.
    """
    if not workers:
        for counter in counters:
            yield source.ready(source.raw(counter))
        return
    if "fork" not in multiprocessing.get_all_start_methods():
        raise TrainingError("This system cannot fork processes, which --workers needs; leave it at 0.")
    context = multiprocessing.get_context("fork")
    groups = [counters[max(0, at) : at + together] for at in range(-done, len(counters), together)]
    readers: list[Connection] = []
    processes = []
    try:
        for first in range(workers):
            reader, writer = context.Pipe(duplex=False)
            readers.append(reader)
            # a process in daemon mode ends with its parent
            process = context.Process(
                target=_work, args=(source, groups[first::workers], writer, tuple(readers)), daemon=True
            )
            process.start()
            processes.append(process)
            writer.close()
        for place in range(len(groups)):
            made, error = _received(readers[place % workers])
            for raw in made:
                yield source.ready(raw)
            if error is not None:
                raise error
    finally:
        for process in processes:
            process.kill()
        for reader in readers:
            reader.close()
        for process in processes:
            process.join()


@dataclass(frozen=True, slots=True)
class _Sent:
    """A tensor on its way: as such it would be left in shared memory, of which there may be little."""

    array: NDArray[Any]


class _Sender:
    """Makes tensors ready for their way; one that comes up again is sent once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Tensor, _Sent]] = {}  # with the tensor, so that no other one gets its number

    def __call__(self, tensor: Tensor) -> _Sent:
        return self._known.setdefault(id(tensor), (tensor, _Sent(tensor.numpy())))[1]


def _changed(value: Any, kind: type, change: Callable[[Any], Any]) -> Any:
    """The value with everything of a kind in it changed, within dataclasses and tuples."""
    if isinstance(value, kind):
        return change(value)
    if isinstance(value, tuple):
        return tuple(_changed(part, kind, change) for part in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: _changed(getattr(value, f.name), kind, change) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **parts)
    return value


def _received(reader: Connection) -> tuple[tuple[Any, ...], Exception | None]:
    """What a worker made of a group, and what came up before it was done."""
    try:
        made, error = reader.recv()
    except (EOFError, OSError):
        raise TrainingError(
            "A worker process ended too early, perhaps for want of memory; use fewer --workers."
        ) from None
    return _changed(made, _Sent, lambda sent: torch.from_numpy(sent.array)), error


def _work(
    source: Source[Any], groups: Sequence[Sequence[int]], writer: Connection, readers: Sequence[Connection]
) -> None:
    """Make the first parts of these batches, group by group; whoever waits in `send` waits for the training."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # the parent is told too, and ends its workers once it has saved
    for reader in readers:
        reader.close()  # else a worker would outlive a parent that was killed, since somebody could still read
    torch.set_num_threads(1)  # a forked process has no other OpenMP threads, and waits for them for ever
    for group in groups:
        made: list[Any] = []
        error: Exception | None = None
        sender = _Sender()
        try:
            for counter in group:
                made.append(_changed(source.raw(counter), Tensor, sender))
        except MezzotintError as raised:  # told where it can be handled
            error = raised
        except Exception:  # told too, with where it came from, since it may not survive the way itself
            error = RuntimeError(f"A worker process failed:\n{traceback.format_exc()}")
        try:
            writer.send((tuple(made), error))
        except BrokenPipeError:
            return
