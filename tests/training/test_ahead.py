"""Batches made by worker processes: the same, in order, and with an end."""

import dataclasses
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from mezzotint.errors import TrainingError
from mezzotint.training.ahead import batches_ahead


@dataclass(frozen=True)
class Raw:
    numbers: Tensor
    names: NDArray[np.int64]
    within: tuple[Tensor, int | None]


class Numbers:
    """Batches that tell which process made them."""

    def __init__(self, fails_at: int = -1, waits: float = 0.0) -> None:
        self.fails_at, self.waits = fails_at, waits

    def raw(self, counter: int) -> Raw:
        if counter == self.fails_at:
            raise TrainingError(f"picture {counter} is broken")
        time.sleep(self.waits * (counter % 3))
        numbers = torch.arange(counter, counter + 4)
        return Raw(numbers.double() / 3, numbers.numpy(), (numbers > counter, os.getpid()))

    def ready(self, raw: Raw) -> Raw:
        return dataclasses.replace(raw, numbers=raw.numbers + 1)


def plain(raw: Raw) -> tuple[Any, ...]:
    return raw.numbers.tolist(), raw.names.tolist(), raw.within[0].tolist(), raw.numbers.dtype, raw.within[0].dtype


def children() -> int:
    return len(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_workers_give_the_same_batches_in_the_same_order(workers: int) -> None:
    counters = range(8, 8 + 4 * 7, 4)
    alone = list(batches_ahead(Numbers(), counters, 0))
    made = list(batches_ahead(Numbers(waits=0.01), counters, workers))
    assert [plain(raw) for raw in made] == [plain(raw) for raw in alone]
    assert {raw.within[1] for raw in alone} == {os.getpid()}
    assert len({raw.within[1] for raw in made}) == workers
    assert os.getpid() not in {raw.within[1] for raw in made}


@pytest.mark.parametrize(("workers", "count"), [(1, 7), (2, 7), (3, 12)])
def test_batches_that_belong_together_are_made_by_one_process(workers: int, count: int) -> None:
    counters = range(8, 8 + 4 * count, 4)
    made = list(batches_ahead(Numbers(), counters, workers, together=3))
    assert [plain(raw) for raw in made] == [plain(raw) for raw in batches_ahead(Numbers(), counters, 0, together=3)]
    makers = [raw.within[1] for raw in made]
    groups = [set(makers[start : start + 3]) for start in range(0, count, 3)]
    assert all(len(group) == 1 for group in groups)
    assert len(set.union(*groups)) == min(workers, len(groups))


@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_group_that_has_begun_is_ended_first(done: int) -> None:
    counters = range(4 * done, 4 * 12, 4)
    made = list(batches_ahead(Numbers(), counters, 2, together=3, done=done))
    assert [int(raw.names[0]) for raw in made] == list(counters)
    makers = [0] * done + [raw.within[1] for raw in made]
    groups = [set(makers[start : start + 3]) - {0} for start in range(0, 12, 3)]
    assert [len(group) for group in groups] == [1, 1, 1, 1]
    assert groups[0] == groups[2] != groups[1] == groups[3]


def test_what_came_before_a_broken_batch_of_its_group_still_comes() -> None:
    batches = batches_ahead(Numbers(fails_at=20), range(0, 40, 4), 2, together=3)
    assert [int(next(batches).names[0]) for _ in range(5)] == [0, 4, 8, 12, 16]
    with pytest.raises(TrainingError, match="picture 20 is broken"):
        next(batches)


def test_what_a_worker_raises_is_raised_where_its_batch_was_due() -> None:
    batches = batches_ahead(Numbers(fails_at=8), range(0, 40, 4), 2)
    assert [int(next(batches).names[0]) for _ in range(2)] == [0, 4]
    with pytest.raises(TrainingError, match="picture 8 is broken"):
        next(batches)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts processes through /proc")
def test_closing_ends_the_workers() -> None:
    before = children()
    batches = batches_ahead(Numbers(), range(0, 4_000_000, 4), 3)
    next(batches)
    assert children() == before + 3
    batches.close()
    assert children() == before


def test_a_worker_that_was_killed_is_one_sentence_and_one_that_is_asked_to_stop_goes_on() -> None:
    batches = batches_ahead(Numbers(), range(0, 4_000, 4), 1)
    worker = next(batches).within[1]
    assert worker is not None
    os.kill(worker, signal.SIGTERM)  # as to a whole group of processes: the parent is the one to stop
    os.kill(worker, signal.SIGINT)
    time.sleep(0.05)
    assert [int(next(batches).names[0]) for _ in range(3)] == [4, 8, 12]
    os.kill(worker, signal.SIGKILL)
    with pytest.raises(TrainingError, match=r"A worker process ended too early.*--workers"):
        list(batches)


class Shared(Numbers):
    """Batches that have a tensor in common."""

    def __init__(self) -> None:
        super().__init__()
        self.common = torch.arange(1000)

    def raw(self, counter: int) -> Raw:
        own = super().raw(counter)
        return dataclasses.replace(own, within=(self.common, own.within[1]))


def test_what_batches_of_a_group_have_in_common_is_sent_once() -> None:
    first, second, third = list(batches_ahead(Shared(), range(0, 12, 4), 1, together=2))
    assert first.within[0].data_ptr() == second.within[0].data_ptr() != third.within[0].data_ptr()
    assert all(raw.within[0].equal(torch.arange(1000)) for raw in (first, second, third))
    assert first.numbers.data_ptr() != second.numbers.data_ptr()
