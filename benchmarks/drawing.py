"""Seconds and memory of drawing with the house model.

    python -m benchmarks.drawing

Warm: one 64×64 picture with 12 steps of guidance (24 evaluations), the model loaded. Cold: the whole command, beside
`python -c "import torch"`, in turn, as fresh processes.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from benchmarks.report import house_weights, spread, write
from mezzotint import Pipeline

WARM_RUNS, COLD_RUNS = 9, 5


def warm() -> dict[str, object]:
    """Seconds of a picture, by dtype, and of one evaluation."""
    figures: dict[str, object] = {}
    for dtype in ("float32", "bfloat16"):
        pipe = Pipeline.load("house", dtype=dtype)
        pipe.generate("a red apple", steps=12, seed=0)
        seconds = []
        for seed in range(WARM_RUNS):
            begin = time.perf_counter()
            result = pipe.generate("a red apple", steps=12, seed=seed)
            seconds.append(time.perf_counter() - begin)
        figures[dtype] = {"seconds": spread(seconds), "evaluations": result.evaluations}
    return figures


def process(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak memory (MB) of a fresh process."""
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, command
    return time.perf_counter() - begin, usage.ru_maxrss / 1024


def cold() -> dict[str, object]:
    """The command from nothing to a file, beside importing torch alone."""
    times: dict[str, list[float]] = {"import_torch": [], "imagine": []}
    memory = []
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            "import_torch": [sys.executable, "-c", "import torch"],
            "imagine": [
                *(sys.executable, "-m", "mezzotint", "imagine", "a red apple"),
                *("--seed", "7", "--out", str(Path(folder) / "a.png")),
            ],
        }
        for _ in range(COLD_RUNS):
            for name, command in commands.items():
                seconds, megabytes = process(command)
                times[name].append(seconds)
                if name == "imagine":
                    memory.append(megabytes)
    ratio = statistics.median(times["imagine"]) / statistics.median(times["import_torch"])
    return {
        **{name: {"seconds": spread(values)} for name, values in times.items()},
        "imagine_over_import_torch": ratio,
        "peak_memory_mb": max(memory),
    }


def main() -> None:
    figures = {"warm_12_steps": warm(), "cold": cold(), "threads": torch.get_num_threads()}
    figures["own_peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    write("drawing", {**house_weights(), **figures})


if __name__ == "__main__":
    main()
