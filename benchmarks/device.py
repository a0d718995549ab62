"""Whether another device gives the same noise and the same pictures, and how long it takes.

    python -m benchmarks.device --device cuda [--model house] [--out benchmarks/device.json]

The noise of training must have the same bits (`uniform_equal`; normals within 1e-6 by promise). Pictures are compared
with those of the CPU in float32, as PSNR in dB; identical ones have none.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mezzotint import Pipeline
from mezzotint.diffusion.noise import Purpose, normal_at, philox_uniform

PROMPTS = (
    "a red apple",
    "three red apples to the left of a blue cat",
    'a sign that says "STOP"',
    "a blue cat and a red car",
    "a fox",
    "five yellow stars",
    "a smiling woman with curly hair",
    "a rocket",
)
MANY = 64


def noise(device: str) -> dict[str, Any]:
    """How the noise of a device differs from the CPU's."""
    draws = torch.arange(64)
    here = normal_at(3, draws, Purpose.TRAIN_NOISE, (4, 1, 64, 64))
    there = normal_at(3, draws.to(device), Purpose.TRAIN_NOISE, (4, 1, 64, 64)).cpu()
    even = philox_uniform(3, draws.to(device), Purpose.CAPTION).cpu()
    return {
        "normal_max_difference": float((here - there).abs().max()),
        "normal_equal_share": float((here == there).double().mean()),
        "uniform_equal": torch.equal(philox_uniform(3, draws, Purpose.CAPTION), even),
    }


def psnr(a: np.ndarray, b: np.ndarray) -> float | str:
    """In dB; "identical" where nothing differs."""
    error = float(((a - b) ** 2).mean())
    return round(float(10 * np.log10(255**2 / error)), 2) if error else "identical"


def timed(device: str, work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work gives, and its seconds until the device is done."""
    begin = time.perf_counter()
    found = work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return found, round(time.perf_counter() - begin, 3)


def drawn(pipe: Pipeline) -> list[np.ndarray]:
    """One picture of each prompt."""
    return [np.asarray(pipe.generate(p, seed=i).images[0]).astype(float) for i, p in enumerate(PROMPTS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--model", default="house")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/device.json"))
    given = parser.parse_args()
    name = torch.cuda.get_device_name() if given.device.startswith("cuda") else given.device
    reference, seconds = timed("cpu", lambda: drawn(Pipeline.load(given.model, device="cpu", dtype="float32")))
    found: dict[str, Any] = {
        "model": given.model,
        "torch": torch.__version__,
        "device": name,
        **noise(given.device),
        "cpu_float32_seconds_each": round(seconds / len(PROMPTS), 3),
    }
    for dtype in ("float32", "bfloat16"):
        pipe = Pipeline.load(given.model, device=given.device, dtype=dtype)
        drawn(pipe)  # to warm up
        pictures, seconds = timed(given.device, lambda pipe=pipe: drawn(pipe))  # type: ignore[misc]
        found[f"{dtype}_seconds_each"] = round(seconds / len(PROMPTS), 3)
        found[f"{dtype}_psnr_to_cpu"] = [psnr(a, b) for a, b in zip(reference, pictures, strict=True)]
        many = timed(given.device, lambda pipe=pipe: pipe.generate("a fox", n=MANY, batching="fast"))  # type: ignore[misc]
        found[f"{dtype}_{MANY}_fast_seconds"] = many[1]
    given.out.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
