"""A model as graphs for ONNX Runtime or OpenVINO, with a JSON file that says how to draw with them."""

import contextlib
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mezzotint.checkpoints.tensors import replacing
from mezzotint.conditioning.bert import BertEncoder
from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.errors import InvalidOption, MezzotintError, MissingDependency
from mezzotint.families.pixel_dit import PixelDiT, PixelDiTContext
from mezzotint.model import Model
from mezzotint.pipeline import Pipeline
from mezzotint.request import Request

__all__ = ["DRIVE", "TOLERANCE", "Form", "Graph", "Run", "export", "graphs", "written"]

Form = Literal["onnx", "openvino"]
Run = Callable[[Sequence[Tensor]], list[Tensor]]

DRIVE = "drive.json"
TOLERANCE = 1e-3
"""The most by which a graph's numbers may differ from the network's; an export that differs by more is refused. Numbers
are up to about 3, and what is measured is some 1e-5."""
SUFFIX: Mapping[Form, str] = {"onnx": ".onnx", "openvino": ".xml"}


@dataclass(frozen=True)
class Graph:
    """One graph: a module, its inputs by name with an example of two rows, and the names of what it gives.

    The number of rows is free, all other sizes are fixed.
    """

    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: tuple[str, ...]


class _Prompt(nn.Module):
    """The features of a prompt to keys, values and bias for every block."""

    def __init__(self, network: PixelDiT) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, tokens: Tensor, mask: Tensor, style: Tensor, letters: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        context = self.network.prepare(Conditioning(tokens, mask, style, letters))
        return context.keys.transpose(0, 1), context.values.transpose(0, 1), context.bias  # rows first, as everywhere


class _Network(nn.Module):
    """A noised picture, its time and a prepared prompt to the network's output; further inputs as `told`."""

    def __init__(self, network: PixelDiT) -> None:
        super().__init__()
        self.network = network

    def forward(self, x_t: Tensor, t: Tensor, keys: Tensor, values: Tensor, bias: Tensor, *told: Tensor) -> Tensor:
        config, rest = self.network.config, list(told)
        to = rest.pop(0) if config.flow_map else None
        guidance = rest.pop(0) if config.distilled_guidance else None
        context = PixelDiTContext(keys.transpose(0, 1), values.transpose(0, 1), bias, None, guidance)
        y: Tensor = self.network(x_t[:, :, None], t, context, to=to)
        return y[:, :, 0]


class _Text(nn.Module):
    """Word pieces to their embeddings, zero where there is padding."""

    def __init__(self, encoder: BertEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        tokens: Tensor = self.encoder(ids, mask) * mask[..., None]
        return tokens


def graphs(model: Model) -> dict[str, Graph]:
    """The graphs of a model: "text", "prompt" and "network". Raises InvalidOption for one of another family."""
    network, text = model.denoiser.network, model.conditioner
    if not isinstance(network, PixelDiT) or model.denoiser.dtype != torch.float32:
        raise InvalidOption(
            f"The model {model.name} cannot be exported: only pixel transformers in float32 are; leave out --dtype."
        )
    c, length = network.config, text.length
    ids, mask = text.pieces(["a red apple", "two blue birds on a branch"])
    missing = length - ids.shape[1]
    ids, mask = (nn.functional.pad(part, (0, missing)) for part in (ids, mask))
    tokens = text.embedded(ids, mask)
    letters = {"letters": torch.arange(2 * c.word_length).reshape(2, -1) % 2} if c.letters else {}
    features = {"tokens": tokens, "mask": mask, "style": torch.tensor([0, c.styles]), **letters}
    prompt = _Prompt(network).eval()
    with torch.inference_mode():
        told = prompt(*features.values())
    x_t = torch.linspace(-2, 2, 2 * c.channels * c.size**2).reshape(2, c.channels, c.size, c.size)
    times = {"x_t": x_t, "t": torch.tensor([1.0, 0.4])}
    further = {"to": torch.tensor([0.5, 0.0])} if c.flow_map else {}
    further |= {"distilled_guidance": torch.tensor([1.0, 4.0])} if c.distilled_guidance else {}
    prepared = dict(zip(("keys", "values", "bias"), told, strict=True))
    return {
        "text": Graph(_Text(text.encoder).eval(), {"ids": ids, "mask": mask}, ("tokens",)),
        "prompt": Graph(prompt, features, ("keys", "values", "bias")),
        "network": Graph(_Network(network).eval(), {**times, **prepared, **further}, ("output",)),
    }


def export(pipe: Pipeline, folder: Path, form: Form) -> dict[str, Any]:
    """Write a model's graphs, its tokenizer and `drive.json` into `folder`; what is in that file comes back.

    Each graph is run beside the network, on two rows and on one; by how much they differ is in the file, "parity".
    Raises MissingDependency, InvalidOption for a model that has no graphs or a folder with something else in it, and
    MezzotintError for a graph that differs by more than `TOLERANCE`.
    """
    parts = graphs(pipe.model)
    if folder.exists() and not (folder.is_dir() and ((folder / DRIVE).is_file() or not any(folder.iterdir()))):
        raise InvalidOption(f"{folder} holds something that is not an export; choose a new or empty folder.")
    parity: dict[str, float] = {}
    with replacing(folder) as staging:
        for name, graph in parts.items():
            run = written(graph, staging / f"{name}{SUFFIX[form]}", form)
            parity[name] = _difference(graph, run)
            if not parity[name] <= TOLERANCE:
                raise MezzotintError(
                    f"The graph {name} differs from the network by {parity[name]:.2g}, more than {TOLERANCE:g}; it was "
                    f"not exported: report this, with the versions that `mezzotint doctor` shows."
                )
        (staging / "tokenizer.json").write_text(pipe.model.conditioner.tokenizer.to_str(), encoding="utf-8")
        drive = _drive(pipe, parts, form, parity)
        (staging / DRIVE).write_text(json.dumps(drive, indent=2) + "\n", encoding="utf-8")
    return drive


def written(graph: Graph, path: Path, form: Form) -> Run:
    """Write a graph's file, and give what runs it on a CPU in float32: inputs to outputs, in the graph's order."""
    return {"onnx": _onnx, "openvino": _openvino}[form](graph, path)


def _difference(graph: Graph, run: Run) -> float:
    """The largest absolute difference between a graph and its module, on the example and on its second row alone."""
    worst = 0.0
    for rows in (slice(0, 2), slice(1, 2)):
        given = [value[rows].contiguous() for value in graph.inputs.values()]
        with torch.inference_mode():
            expected = graph.module(*given)
        for ours, theirs in zip([expected] if isinstance(expected, Tensor) else expected, run(given), strict=True):
            finite = torch.isfinite(ours)
            assert torch.equal(finite, torch.isfinite(theirs)), "padding is not where it was"
            worst = max(worst, float((ours[finite] - theirs[finite]).abs().max()))
    return worst


def _program(graph: Graph) -> tuple[tuple[Tensor, ...], Any]:
    """The example, and which of its sizes are free: the rows."""
    rows = torch.export.Dim("rows", min=1, max=256)
    given = tuple(value.clone() for value in graph.inputs.values())
    fixed = [{0: rows} for _ in given]
    if isinstance(graph.module, _Network):  # all after the fifth are one argument, `*told`
        return given, (*fixed[:5], *([tuple(fixed[5:])] if fixed[5:] else []))
    return given, tuple(fixed)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what PyTorch says of itself while it exports."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _onnx(graph: Graph, path: Path) -> Run:
    """Write an ONNX file, and give what runs it."""
    try:
        import onnxruntime
        import onnxscript  # noqa: F401 - torch's exporter is built on it
    except ImportError:
        raise MissingDependency(
            "Exporting to ONNX needs the packages onnx, onnxscript and onnxruntime; install them with "
            "pip install 'mezzotint[onnx]'."
        ) from None
    given, free = _program(graph)
    with _quiet():
        torch.onnx.export(
            graph.module,
            given,
            str(path),
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            dynamic_shapes=free,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(values: Sequence[Tensor]) -> list[Tensor]:
        feed = {name: value.numpy() for name, value in zip(graph.inputs, values, strict=True)}
        return [torch.from_numpy(found) for found in session.run(list(graph.outputs), feed)]

    return run


def _openvino(graph: Graph, path: Path) -> Run:
    """Write OpenVINO's files, and give what runs them."""
    try:
        import openvino
    except ImportError:
        raise MissingDependency(
            "Exporting to OpenVINO needs the package openvino; install it with pip install 'mezzotint[openvino]'."
        ) from None
    given, free = _program(graph)
    with torch.no_grad(), _quiet():
        program = torch.export.export(graph.module, given, dynamic_shapes=free)
        converted = openvino.convert_model(program)
    for port, name in zip(converted.inputs, graph.inputs, strict=True):
        port.get_tensor().set_names({name})
    for port, name in zip(converted.outputs, graph.outputs, strict=True):
        port.get_tensor().set_names({name})
    openvino.save_model(converted, str(path), compress_to_fp16=False)
    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(values: Sequence[Tensor]) -> list[Tensor]:
        found = compiled({name: value.numpy() for name, value in zip(graph.inputs, values, strict=True)})
        return [torch.from_numpy(found[name].copy()) for name in graph.outputs]

    return run


TARGETS: Mapping[str, str] = {
    "x0": "x0 = output",
    "eps": "x0 = (x_t - sigma * output) / alpha",
    "v": "x0 = (alpha * x_t - sigma * output) / (alpha^2 + sigma^2)",
    "velocity": "x0 = (x_t - sigma * output) / (alpha + sigma)",
}


def _drive(pipe: Pipeline, parts: Mapping[str, Graph], form: Form, parity: Mapping[str, float]) -> dict[str, Any]:
    """What a program needs to know that draws with the graphs."""
    model = pipe.model
    asked = Request(prompt="", model=model.name, solver="ddim", grid="uniform")
    request = pipe.resolve(asked)
    grid = pipe.time_grid(request)
    times = [*(move.t for move in grid), 0.0]
    levels = [model.denoiser.schedule(torch.tensor(t, dtype=torch.float64)) for t in times]
    return {
        "format": 1,
        "model": model.name,
        "weights_sha256": model.weights_sha256,
        "graphs": {
            name: {
                "file": f"{name}{SUFFIX[form]}",
                "inputs": {key: _kind(value) for key, value in graph.inputs.items()},
                "outputs": list(graph.outputs),
            }
            for name, graph in parts.items()
        },
        "parity": dict(parity),
        "size": list(model.size),
        "channels": model.codec.channels,
        "text_length": model.conditioner.length,
        "styles": list(model.conditioner.styles),
        "style": request.style,
        "guidance": request.guidance,
        "schedule": model.schedule_name,
        "target": model.denoiser.target,
        "times": times,
        "alpha": [float(level.alpha) for level in levels],
        "sigma": [float(level.sigma) for level in levels],
        "how": [
            "ids: tokenizer.json's numbers of the lower-cased prompt, padded with 0 to text_length; mask: true where "
            "there is a word piece. A model without a prompt reads the empty one.",
            "tokens = text(ids, mask); style: 0, or 1 + the style's place in styles; letters, for a model that reads "
            "them: numbers of the quoted letters, 0 where there is none.",
            "keys, values, bias = prompt(tokens, mask, style), once a picture; the logarithm of a token's weight may "
            "be added to bias.",
            "x starts as standard normal noise, times sigma[0].",
            "For each i with t = times[i], alpha = alpha[i], sigma = sigma[i]: output = network(x, t, keys, values, "
            "bias), for the prompt and for the empty prompt, as one call of two rows.",
            f"{TARGETS[model.denoiser.target]}; x0 = x0_empty + guidance * (x0_prompt - x0_empty).",
            "x = alpha[i+1] * x0 + sigma[i+1] * (x - alpha[i] * x0) / sigma[i] (DDIM).",
            "The picture is x in [-1, 1]: red, green, blue, alpha, the colours multiplied by alpha.",
        ],
    }


def _kind(value: Tensor) -> dict[str, Any]:
    return {"type": str(value.dtype).removeprefix("torch."), "shape": ["rows", *value.shape[1:]]}
