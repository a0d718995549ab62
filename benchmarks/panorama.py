"""What drawing 1024x1024 pixels in windows takes of memory, beside the batch of one window.

    python -m benchmarks.panorama [MODEL]         Linux; some minutes of one core with the house model

Each is drawn in a process of its own, in float32 on one thread, from the first import to a PNG in memory:

    window     one picture of the size that the model draws, with its guidance: the batch of one window
    panorama   one picture of 1024x1024 pixels in windows of that size

Counted is resident memory (VmHWM, VmRSS). `peak_mb` is the most that the process had at any time, with Python, torch,
the model and what loading these took: what must be free. `drawing_mb` leaves all that out: the most while drawing, less
what was there just before. `ratio` compares the peaks, and the aim is below 1.5; `drawing_ratio` compares the rest, and
cannot be near 1, since one picture has 256 times the pixels of the other. MB are 2^20 bytes.
Three steps: from the second on a solver has its memory, and more steps take no more. Windows stand side by side, since
how many there are does not matter either: they are drawn one after the other.
"""

import argparse
import io
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import write

AIM, SIDE, STEPS = 1.5, 1024, 3
STATUS = Path("/proc/self/status")


def resident(field: str) -> float:
    """VmRSS, or the peak VmHWM, of this process in MB. (Its `ru_maxrss` would be the parent's where that is larger.)"""
    lines = (line.split() for line in STATUS.read_text().splitlines())
    return next(int(line[1]) for line in lines if line[0] == f"{field}:") / 1024


def drawn(model: str, side: int | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """What drawing takes in this process: a square of this side, or the model's size."""
    import torch

    from mezzotint import Pipeline

    torch.set_num_threads(1)
    pipe = Pipeline.load(model, device="cpu", dtype="float32")
    large = {} if side is None else {"size": (side, side), "window_stride": min(pipe.model.size)}
    before, loading = resident("VmRSS"), resident("VmHWM")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    result = pipe.generate("a forest", seed=7, **{"steps": STEPS, **large, **options})
    result.images[0].save(io.BytesIO(), format="png")
    peak = resident("VmHWM")
    return {
        "size": list(result.images[0].size),
        "solver": result.recipes[0].request.solver,
        "evaluations": result.recipes[0].evaluations,
        "loaded_mb": before,
        "peak_mb": max(peak, loading),
        "drawing_mb": peak - before,
        "weights_sha256": result.recipes[0].weights_sha256,
    }


def measured(model: str, side: int | None, **options: Any) -> dict[str, Any]:
    """`drawn` in a fresh process."""
    code = (
        f"import json; from benchmarks.panorama import drawn; print(json.dumps(drawn({model!r}, {side}, {options!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="house", help="a model's folder or name")
    model = parser.parse_args().model
    window, panorama = measured(model, None), measured(model, SIDE)
    ratio = panorama["peak_mb"] / window["peak_mb"]
    apart = panorama["drawing_mb"] / window["drawing_mb"]
    figures = {"window": window, "panorama": panorama, "ratio": ratio, "aim": AIM, "met": ratio < AIM}
    write("panorama", {"model": model, "steps": STEPS, "solver": panorama["solver"], **figures, "drawing_ratio": apart})


if __name__ == "__main__":
    main()
