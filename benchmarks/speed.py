"""Seconds of a picture, by every way of running the network, and beside diffusers in eager PyTorch.

    python -m benchmarks.speed [--quick]

A picture of the house model's size, 12 guided steps of dpmpp-2m (24 evaluations), the model loaded; medians of rounds
in which every way has its turn. The same from a prompt to the bytes of a PNG of 256 pixels, where an upscaler is
installed. Also one picture by number of threads, alone and beside a busy process, with what
`--threads auto` takes; with tcmalloc, where it is installed; and the command as a fresh process. What the ways cost in
pixels is `benchmarks.precision`'s. It is for an idle machine: --quick takes three rounds and writes nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.drawing import process
from benchmarks.report import house_weights, spread, write
from mezzotint import Pipeline
from mezzotint.compiled import compiler
from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.diffusion import PhiloxNoise, Purpose
from mezzotint.diffusion.probe import Probe
from mezzotint.families.pixel_dit import PixelDiT, PixelDiTContext
from mezzotint.interfaces.cli.doctor import tcmalloc
from mezzotint.interfaces.cli.options import cores
from mezzotint.interfaces.exporting import Form, Run, graphs, written
from mezzotint.load import model_folders
from mezzotint.provenance.png import png_bytes
from mezzotint.threads import candidates, measured_threads
from mezzotint.upscaled import INSTALLED

PROMPT, STEPS, GUIDANCE = "a red apple", 12, 4.0
ROUNDS, COLD_ROUNDS, WARM_UP = 9, 5, 2

Draw = Callable[[int], Tensor]
"""A seed to x after the last step, (1, 4, 1, 64, 64)."""


@dataclass(frozen=True)
class Exported:
    """The network as a graph of another program, in the place of PyTorch's; prompts are prepared in PyTorch."""

    network: PixelDiT
    run: Run
    length: int

    def prepare(self, cond: Conditioning) -> PixelDiTContext:
        """Keys and values, padded to the graph's number of tokens."""
        return self.network.prepare(cond).padded(self.length)

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: PixelDiTContext, *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Tensor:
        assert (to, probe) == (None, None)
        rows = [part.transpose(0, 1).contiguous() for part in (cond.keys, cond.values)]
        return self.run([x_t[:, :, 0].contiguous(), t.contiguous(), *rows, cond.bias.contiguous()])[0][:, :, None]


def by(pipe: Pipeline) -> Draw:
    """Drawing with a pipeline."""

    def draw(seed: int) -> Tensor:
        *_, last = pipe.stream(PROMPT, seed=seed, steps=STEPS, guidance=GUIDANCE, solver="dpmpp-2m", grid="uniform")
        return last.step.x

    return draw


def to_png(pipe: Pipeline) -> Callable[[int], bytes]:
    """A seed to the bytes of a file that the upscaler made four times as wide, with its recipe."""

    def draw(seed: int) -> bytes:
        how = {"steps": STEPS, "guidance": GUIDANCE, "solver": "dpmpp-2m", "grid": "uniform", "upscaler": INSTALLED}
        done = pipe.generate(PROMPT, seed=seed, **how)
        return png_bytes(done.images[0], done.recipes[0])

    return draw


def by_graph(pipe: Pipeline, form: Form, folder: Path) -> Draw:
    """Drawing with the network exported."""
    model = pipe.model
    graph = graphs(model)["network"]
    run = written(graph, folder / {"onnx": "network.onnx", "openvino": "network.xml"}[form], form)
    network = model.denoiser.network
    assert isinstance(network, PixelDiT)
    ours = Exported(network, run, graph.inputs["bias"].shape[-1])
    return by(Pipeline(replace(model, denoiser=replace(model.denoiser, network=ours))))


def by_diffusers(pipe: Pipeline) -> Draw:
    """The same network in eager PyTorch, driven by diffusers' DPM-Solver++(2M) on its flow sigmas as its pipelines do:
    both branches in one batch, the prompt's features made once, and its keys and values in each call."""
    import diffusers

    model, network = pipe.model, pipe.model.denoiser.network
    assert isinstance(network, PixelDiT)

    @torch.inference_mode()
    def draw(seed: int) -> Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scheduler = diffusers.DPMSolverMultistepScheduler(
                prediction_type="flow_prediction", use_flow_sigmas=True, final_sigmas_type="zero"
            )
            scheduler.set_timesteps(STEPS)
        cond = model.conditioner([PROMPT, ""], [None, None])
        x = PhiloxNoise([seed]).normal((1, 4, 1, *reversed(model.size)), Purpose.START, 0)
        for i, t in enumerate(scheduler.timesteps):
            sigma = scheduler.sigmas[i]
            x0, unguided = network(torch.cat([x, x]), sigma.expand(2), cond).chunk(2)
            x0 = unguided + GUIDANCE * (x0 - unguided)
            x = scheduler.step((x - x0) / sigma, t, x).prev_sample
        return x

    return draw


@contextmanager
def ways() -> Iterator[dict[str, Draw]]:
    """Every way of drawing that this machine has."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Pipeline.load("house", dtype="float32")
        found = {"float32": by(plain), "bfloat16": by(Pipeline.load("house", dtype="bfloat16"))}
        if compiler() is not None:
            for dtype in ("float32", "bfloat16"):
                found[f"{dtype}, compiled"] = by(Pipeline.load("house", dtype=dtype, compiled=True, said=print))
        if find_spec("onnxscript") and find_spec("onnxruntime"):
            found["ONNX Runtime"] = by_graph(plain, "onnx", Path(folder))
        if find_spec("openvino"):
            found["OpenVINO"] = by_graph(plain, "openvino", Path(folder))
        found["diffusers, eager PyTorch"] = by_diffusers(plain)
        yield found


def large(rounds: int) -> dict[str, dict[str, float]] | None:
    """Seconds from a prompt to a large file, the model loaded; None without an upscaler."""
    if INSTALLED not in model_folders():
        return None
    files = {"float32": to_png(Pipeline.load("house", dtype="float32"))}
    if compiler() is not None:
        files["float32, compiled"] = to_png(Pipeline.load("house", dtype="float32", compiled=True, said=print))
    return timed(files, rounds)


def timed(draws: Mapping[str, Callable[[int], object]], rounds: int) -> dict[str, dict[str, float]]:
    """Seconds of each way, in turn."""
    for draw in draws.values():
        for seed in range(WARM_UP):
            draw(seed)
    seconds: dict[str, list[float]] = {name: [] for name in draws}
    for seed in range(rounds):
        for name, draw in draws.items():
            begin = time.perf_counter()
            draw(seed)
            seconds[name].append(time.perf_counter() - begin)
    return {name: spread(values) for name, values in seconds.items()}


@contextmanager
def busy_process() -> Iterator[None]:
    """Another process that takes a core, all the time."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as child:
        try:
            yield
        finally:
            child.kill()


def by_threads(rounds: int) -> dict[str, Any]:
    """Seconds by number of threads, and which number would be taken."""
    draw, before, found = by(Pipeline.load("house", dtype="float32")), torch.get_num_threads(), {}
    for count in candidates(cores()):
        torch.set_num_threads(count)
        found[str(count)] = timed({"": draw}, rounds)[""]["median"]
    torch.set_num_threads(before)
    begin = time.perf_counter()
    taken = measured_threads(cores())
    return {"seconds": found, "auto": taken, "seconds_of_measuring": time.perf_counter() - begin}


def child(environment: dict[str, str]) -> float:
    """The median seconds of a picture in a process with such an environment."""
    code = (
        "from benchmarks.speed import *; import json; p = Pipeline.load('house', dtype='float32');"
        "print(json.dumps(timed({'': by(p)}, 5)['']))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)["median"])


def with_allocator() -> dict[str, float] | None:
    """Seconds with the C library's memory allocator and with tcmalloc; None where that is not installed."""
    library = tcmalloc()["library"]
    if library is None:
        return None
    return {"plain": child({"LD_PRELOAD": ""}), "tcmalloc": child({"LD_PRELOAD": str(library)})}


def cold(rounds: int) -> dict[str, dict[str, float]]:
    """The command from nothing to a file, 12 steps, in turn; graphs are on disk."""
    seconds: dict[str, list[float]] = {"import torch": [], "imagine": [], "imagine --compile": []}
    with tempfile.TemporaryDirectory() as folder:
        draw = [sys.executable, "-m", "mezzotint", "imagine", PROMPT, "--seed", "7", "--steps", str(STEPS)]
        out = ["--out", str(Path(folder) / "a.png")]
        commands = {
            "import torch": [sys.executable, "-c", "import torch"],
            "imagine": [*draw, *out],
            "imagine --compile": [*draw, "--compile", *out],
        }
        for round_ in range(rounds + 1):
            for name, command in commands.items():
                passed = process(command)[0]
                if round_:
                    seconds[name].append(passed)
    return {name: spread(values) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="three rounds, no fresh processes, nothing is written")
    quick = parser.parse_args().quick
    rounds = 3 if quick else ROUNDS
    with ways() as found:
        warm = timed(found, rounds)
    baseline = warm["diffusers, eager PyTorch"]["median"]
    figures: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "steps": STEPS,
        "seconds": warm,
        "times_as_fast_as_diffusers": {name: baseline / each["median"] for name, each in warm.items()},
        "large": large(rounds),
        "by_threads": by_threads(rounds),
    }
    with busy_process():
        figures["by_threads_beside_a_busy_process"] = by_threads(rounds)
    if quick:
        print(json.dumps(figures, indent=2))
        return
    figures["allocator"] = with_allocator()
    figures["cold"] = cold(COLD_ROUNDS)
    write("speed", {**house_weights(), **figures})


if __name__ == "__main__":
    main()
