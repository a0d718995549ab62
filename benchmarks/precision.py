"""What a picture loses where the network computes in fewer bits, or otherwise: PSNR beside float32, by layer.

    python -m benchmarks.precision [--quick]

24 prompts of IconEval, three of each task, 12 guided steps, one thread. Each way draws the same pictures as PyTorch in
float32 does. A way may be what `--dtype auto` means if all its pictures are the same by `mezzotint reproduce`, which is
from 40 dB on: else the same recipe gives two pictures on two machines. No times are taken.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.report import house_weights, spread, write
from mezzotint import Pipeline
from mezzotint.compiled import compiler
from mezzotint.evaluation.iconeval.prompts import TASKS, load_prompts
from mezzotint.nn import BlankLinear
from mezzotint.provenance.pixels import psnr
from mezzotint.provenance.verdict import SAME_PSNR

EACH = 3
"""Prompts of each task."""
STEPS = 12
KINDS: Mapping[str, Sequence[str]] = {
    "every layer of the blocks": ("qkv", "attention.out", "gate_up", "feedforward.out"),
    "queries, keys and values": ("qkv",),
    "attention's output": ("attention.out",),
    "feed-forward, in": ("gate_up",),
    "feed-forward, out": ("feedforward.out",),
}
"""Layers of all blocks, by what their names end in."""

Layer = Callable[[BlankLinear], Callable[..., Tensor]]


def in_bfloat16(layer: BlankLinear) -> Callable[..., Tensor]:
    """The layer with inputs and weights in bfloat16, and its output in float32, as what is between the layers."""
    weight = layer.weight.bfloat16()

    def forward(x: Tensor, strengths: Tensor | None = None, first: int = 0) -> Tensor:
        y = F.linear(x.bfloat16(), weight[first:]).float()
        return y if layer.bias is None else y + layer.bias[first:]

    return forward


def in_int8(layer: BlankLinear) -> Callable[..., Tensor]:
    """The layer with whole numbers up to 127, one scale for each row of the weights and of the inputs.

    The products are exact, as those of int8 with sums in int32 are.
    """
    scale = layer.weight.abs().amax(1, keepdim=True).clamp_min(1e-12) / 127
    weight = torch.round(layer.weight / scale)

    def forward(x: Tensor, strengths: Tensor | None = None, first: int = 0) -> Tensor:
        own = x.abs().amax(-1, keepdim=True).clamp_min(1e-12) / 127
        y = F.linear(torch.round(x / own), weight[first:]) * own * scale[first:, 0]
        return y if layer.bias is None else y + layer.bias[first:]

    return forward


@contextmanager
def replaced(network: nn.Module, ends: Sequence[str], how: Layer) -> Iterator[None]:
    """The blocks' layers of these names with another forward."""
    found = {n: m for n, m in network.named_modules() if isinstance(m, BlankLinear) and n.startswith("blocks.")}
    layers = [layer for name, layer in found.items() if name.endswith(tuple(ends))]
    assert layers, ends
    for layer in layers:
        layer.forward = how(layer)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def prompts(each: int) -> list[str]:
    """The first prompts of each task."""
    every = load_prompts()
    return [text for task in TASKS for text in [p.text for p in every if p.task == task][:each]]


def pictures(pipe: Pipeline, texts: Sequence[str]) -> list[Any]:
    """A picture for each prompt, of its number as the seed."""
    return [pipe.generate(text, seed=seed, steps=STEPS).images[0] for seed, text in enumerate(texts)]


def beside(found: Sequence[Any], reference: Sequence[Any]) -> dict[str, Any]:
    """PSNR in dB, and the share of pictures that are the same; identical ones are counted and have no PSNR."""
    values = [psnr(one, other) for one, other in zip(found, reference, strict=True)]
    finite = [min(value, 120.0) for value in values]
    same = sum(value >= SAME_PSNR for value in values) / len(values)
    return {"psnr_db": spread(finite), "identical": sum(value > 120 for value in values), "same": same}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="two pictures, and nothing is written")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    texts = prompts(EACH)[:: 16 if quick else 1]
    pipe = Pipeline.load("house", dtype="float32")
    network = pipe.model.denoiser.network
    assert isinstance(network, nn.Module)
    reference = pictures(pipe, texts)
    figures: dict[str, Any] = {"pictures": len(texts), "steps": STEPS, "same_from_db": SAME_PSNR, "beside_float32": {}}
    rows: dict[str, Any] = figures["beside_float32"]

    def row(name: str, found: Sequence[Any]) -> None:
        rows[name] = beside(found, reference)
        print(name, rows[name], flush=True)

    torch.set_num_threads(2)
    row("two threads", pictures(pipe, texts))
    torch.set_num_threads(1)
    if compiler() is not None:
        row("compiled", pictures(Pipeline.load("house", dtype="float32", compiled=True), texts))
    row("bfloat16 throughout (--dtype bfloat16)", pictures(Pipeline.load("house", dtype="bfloat16"), texts))
    for what, how in (("bfloat16", in_bfloat16), ("int8", in_int8)):
        for kind, ends in KINDS.items():
            with replaced(network, ends, how):
                row(f"{what}: {kind}", pictures(pipe, texts))
    if not quick:
        write("precision", {**house_weights(), **figures})


if __name__ == "__main__":
    main()
