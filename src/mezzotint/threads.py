"""How many threads to draw with, by measurement.

A small network's products are over in a tenth of a millisecond, and after each all threads wait for the last. Where
another process has a core, that is the one whose turn is to come: two threads beside a busy core can be many times
slower than one. What counts is therefore the time that passes, over longer than the system's turns, and not the best
of many.

The number is for `--threads auto` and not the default, because sums are split between threads: the last bits of a
picture depend on it (`benchmarks/speed.json` says by how much), and a command would not always give the same file.
"""

import time
from collections.abc import Callable, Sequence

__all__ = ["candidates", "fastest", "measured_threads"]

ROUNDS = 3
TURN = 0.004
"""Seconds of each measurement: about a turn of Linux' scheduler."""
GAIN = 0.9
"""More threads are taken where they need at most this part of the time: they also take cores from others."""


def candidates(cores: int) -> tuple[int, ...]:
    """1, 2, 4, … up to the cores that the process may use, and these themselves."""
    powers = [2**k for k in range(cores.bit_length()) if 2**k < cores]
    return (*powers, cores)


def fastest(seconds: Callable[[int], float], counts: Sequence[int]) -> int:
    """The number of threads, rising, whose product takes the least time, by the sum of `ROUNDS` measurements in turn.

    `seconds(count)` measures. Threads that do not gain (`GAIN`) over the best of fewer are not taken.
    """
    total = dict.fromkeys(counts, 0.0)
    for _ in range(ROUNDS):
        for count in counts:
            total[count] += seconds(count)
    best = counts[0]
    for count in counts[1:]:
        if total[count] <= GAIN * total[best]:
            best = count
    return best


def measured_threads(cores: int) -> int:
    """The number of threads that is the fastest now, of a small network's matrix products, in some hundredths of a
    second; torch's own number stays as it is."""
    import torch

    before = torch.get_num_threads()
    x, w = torch.ones(136, 256), torch.ones(256, 1360)  # one feed-forward layer of the house model, with guidance

    def seconds(count: int) -> float:
        torch.set_num_threads(count)
        with torch.inference_mode():
            torch.mm(x, w)  # wakes the threads
            begin, done = time.perf_counter(), 0
            while (passed := time.perf_counter() - begin) < TURN:
                torch.mm(x, w)
                done += 1
        return passed / done

    try:
        return fastest(seconds, candidates(cores)) if cores > 1 else 1
    finally:
        torch.set_num_threads(before)
