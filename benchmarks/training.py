"""Pictures a second of the house run's training step, with and without tcmalloc, beside the processor's peak.

    python -m benchmarks.training

A picture costs 6 × (parameters in blocks) × (tokens that pass through them) floating-point operations.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.report import spread, write
from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.families.pixel_dit import PixelDiT, initialise
from mezzotint.runs import icons
from mezzotint.training.batches import Batch
from mezzotint.training.ema import PowerEMA
from mezzotint.training.methods import Pretrain
from mezzotint.training.optim import Optimizer

STEPS, WARM = 12, 3


def gemm_peak(size: int = 2048, repeats: int = 8) -> float:
    """GFLOP/s of a bfloat16 matrix product, the best of some."""
    a = torch.ones(size, size, dtype=torch.bfloat16)
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - begin)
    return 2 * size**3 / min(times) / 1e9


def flops(network: PixelDiT, words: int) -> float:
    """Floating-point operations of one training picture, without attention's own products."""
    c = network.config
    block = sum(p.numel() for p in network.blocks[0].parameters())
    own = (c.size // c.patch) ** 2 + c.time_tokens
    return 6.0 * block * (c.depth * own + c.text_depth * (words + 1)) + 6.0 * c.depth * 2 * c.width**2 * (words + 1)


def measure() -> dict[str, float]:
    """Seconds of a whole update (forward, backward, optimiser, averages) on made-up pictures."""
    run = icons()
    run = replace(run, network=replace(run.network, styles=25))
    network = PixelDiT(run.network)
    initialise(network, 0)
    method, optimizer = Pretrain(run, network), Optimizer(network, run.optim)
    averages = [PowerEMA(network, width) for width in run.ema]
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand((run.batch, 4, 1, 64, 64), generator=generator) * 2 - 1
    words = run.conditions.text_length
    cond = Conditioning(
        torch.randn((run.batch, words, run.network.text_width), generator=generator),
        torch.ones(run.batch, words, dtype=torch.bool),
        torch.ones(run.batch, dtype=torch.int64),
    )
    t = torch.rand(run.batch, generator=generator)
    seconds = []
    for step in range(1, STEPS + WARM + 1):
        begin = time.perf_counter()
        network.zero_grad(set_to_none=True)
        draws = torch.arange(run.batch) + step * run.batch
        torch.autograd.backward(method.losses(Batch(pictures, cond, t, draws, draws.numpy())).mean())
        optimizer.step(step, run.steps)
        for average in averages:
            average.update(network, step)
        seconds.append(time.perf_counter() - begin)
    rate = spread([run.batch / s for s in seconds[WARM:]])
    return {**rate, "batch": run.batch, "gflop_per_picture": flops(network, words) / 1e9}


def main() -> None:
    if "--one" in sys.argv:
        print(json.dumps(measure()))
        return
    peak = gemm_peak()
    parameters = sum(p.numel() for p in PixelDiT(icons().network).parameters())
    figures: dict[str, object] = {"parameters": parameters, "bf16_gemm_gflops": peak}
    library = next(iter(sorted(Path("/usr/lib").glob("*/libtcmalloc_minimal.so.4"))), None)
    for name, preload in (("plain", None), ("tcmalloc", library)):
        if name == "tcmalloc" and preload is None:
            continue
        environment = {**os.environ, "LD_PRELOAD": str(preload or "")}
        command = [sys.executable, "-m", "benchmarks.training", "--one"]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        result = json.loads(done.stdout.splitlines()[-1])
        gflops = result["median"] * result["gflop_per_picture"]
        figures[name] = {"pictures_per_second": result, "gflops": gflops, "share_of_peak": gflops / peak}
    write("training", figures)


if __name__ == "__main__":
    main()
