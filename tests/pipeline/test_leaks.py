"""Many requests, cancelled and refused ones among them, leave nothing behind."""

import gc
import os
import resource
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from mezzotint import Pipeline
from mezzotint.errors import InvalidOption

WARM, REQUESTS = 30, 270
MOST_GROWTH = 30 * 2**20


def one_of_many(pipe: Pipeline, number: int) -> None:
    """Every third is drawn, every third given up after a step, every third refused."""
    options: dict[str, Any] = {"seed": number, "steps": 2, "guidance": (1.0, 3.0)[number % 2]}
    if number % 3 == 0:
        pipe.generate("a red apple", **options)
    elif number % 3 == 1:
        stream = pipe.stream("a cat", n=2, **options)
        next(stream)
        del stream
    else:
        with pytest.raises(InvalidOption):
            pipe.generate("a cat", solver="eulr", **options)


def tensors() -> int:
    gc.collect()
    return sum(issubclass(type(found), torch.Tensor) for found in gc.get_objects())


def memory() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def files() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(sys.platform != "linux", reason="it is counted as Linux tells it")
def test_many_requests_leave_nothing_behind(pipe: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for number in range(WARM):
        one_of_many(pipe, number)
    before = tensors(), threading.active_count(), len(files()), memory()
    for number in range(WARM, WARM + REQUESTS):
        one_of_many(pipe, number)
    after = tensors(), threading.active_count(), len(files()), memory()
    assert after[:3] == before[:3]
    assert after[3] - before[3] < MOST_GROWTH
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", [1, 2, 3])
def test_after_a_cancelled_picture_the_next_is_as_if_there_had_been_none(pipe: Pipeline, step: int) -> None:
    options: dict[str, Any] = {"seed": 5, "steps": 4, "solver": "dpmpp-2m-sde"}
    undisturbed = pipe.generate("a red apple", **options).recipes[0]
    stream = pipe.stream("a cat", n=2, batching="fast", **options)
    for _ in range(step):
        next(stream)
    stream.close()
    assert list(stream) == []
    assert pipe.generate("a red apple", **options).recipes[0] == undisturbed
