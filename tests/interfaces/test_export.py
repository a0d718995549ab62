"""`mezzotint export`: what another program draws by drive.json alone is the picture that Mezzotint draws."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mezzotint.diffusion.noise import PhiloxNoise, Purpose
from mezzotint.errors import InvalidOption, MezzotintError
from mezzotint.interfaces import exporting
from mezzotint.interfaces.exporting import export, graphs
from mezzotint.pipeline import Pipeline
from tests.support import SMALL, model_folder

Array = np.ndarray
Call = Callable[..., list[Array]]


def onnx_runner(path: Path) -> Call:
    """What runs a file of ONNX with inputs by name."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda **inputs: session.run(None, inputs)


def openvino_runner(path: Path) -> Call:
    """What runs a file of OpenVINO with inputs by name."""
    import openvino

    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda **inputs: [compiled(inputs)[port] for port in compiled.outputs]


def drawn(folder: Path, runner: Callable[[Path], Call], prompt: str, noise: Array) -> Array:
    """x after the last step, as drive.json says, without PyTorch and without Mezzotint."""
    from tokenizers import Tokenizer

    drive: dict[str, Any] = json.loads((folder / "drive.json").read_text())
    assert drive["style"] is None  # this model has no usual one
    call = {name: runner(folder / graph["file"]) for name, graph in drive["graphs"].items()}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rows = [tokenizer.encode(text).ids for text in (prompt, "")]
    ids, mask = (np.zeros((2, drive["text_length"]), kind) for kind in (np.int64, bool))
    for row, numbers in enumerate(rows):
        ids[row, : len(numbers)], mask[row, : len(numbers)] = numbers, True
    tokens = call["text"](ids=ids, mask=mask)[0]
    keys, values, bias = call["prompt"](tokens=tokens, mask=mask, style=np.zeros(2, np.int64))
    times, alpha, sigma = (np.float32(drive[name]) for name in ("times", "alpha", "sigma"))
    x = noise * sigma[0]
    for i in range(len(times) - 1):
        t = np.full(2, times[i], np.float32)
        both = np.concatenate([x, x]).astype(np.float32)
        y = call["network"](x_t=both, t=t, keys=keys, values=values, bias=bias)[0]
        assert drive["target"] == "x0"
        x0 = y[1:] + np.float32(drive["guidance"]) * (y[:1] - y[1:])
        x = alpha[i + 1] * x0 + sigma[i + 1] * (x - alpha[i] * x0) / sigma[i]
    return x


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return Pipeline.load(str(model_folder(tmp_path_factory.mktemp("models") / "random")))


@pytest.mark.parametrize(
    ("form", "packages", "runner"),
    [
        ("onnx", ("onnxscript", "onnxruntime"), onnx_runner),
        ("openvino", ("openvino",), openvino_runner),
    ],
)
def test_another_program_draws_the_same_picture(
    form: Any, packages: tuple[str, ...], runner: Callable[[Path], Call], pipe: Pipeline, tmp_path: Path
) -> None:
    for package in packages:
        pytest.importorskip(package)
    drive = export(pipe, tmp_path / form, form)
    assert drive == json.loads((tmp_path / form / "drive.json").read_text())
    assert max(drive["parity"].values()) < 2e-5
    noise = PhiloxNoise([7]).normal((1, 4, 1, 32, 32), Purpose.START, 0)[:, :, 0].numpy()
    *_, last = pipe.stream("a red apple", seed=7, solver="ddim", grid="uniform")
    theirs = drawn(tmp_path / form, runner, "a red apple", noise)
    np.testing.assert_allclose(theirs, last.step.x[:, :, 0].numpy(), atol=1e-3)
    other = drawn(tmp_path / form, runner, "a blue boat", noise)
    assert np.abs(other - theirs).max() > 0.05  # the prompt is read


def test_a_student_is_told_where_it_jumps_and_its_guidance(tmp_path: Path) -> None:
    config = replace(SMALL, flow_map=True, distilled_guidance=True, letters=7, word_length=5)
    model = Pipeline.load(str(model_folder(tmp_path / "student", config))).model
    found = graphs(model)
    assert list(found["network"].inputs) == ["x_t", "t", "keys", "values", "bias", "to", "distilled_guidance"]
    assert list(found["prompt"].inputs) == ["tokens", "mask", "style", "letters"]
    given = list(found["network"].inputs.values())
    with torch.inference_mode():
        plain = found["network"].module(*given)
        for at in (5, 6):
            moved = [value + 0.3 if place == at else value for place, value in enumerate(given)]
            assert float((found["network"].module(*moved) - plain).abs().max()) > 1e-3


def test_a_graph_that_differs_is_not_exported(pipe: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(graph: exporting.Graph, path: Path) -> exporting.Run:
        def run(values: Any) -> list[torch.Tensor]:
            with torch.inference_mode():
                found = graph.module(*values)
                one = found if isinstance(found, torch.Tensor) else found[0]
                one.view(-1)[3] += 0.01
            return [found] if isinstance(found, torch.Tensor) else list(found)

        return run

    monkeypatch.setattr(exporting, "_onnx", wrong)
    with pytest.raises(MezzotintError, match=r"The graph text differs from the network by 0\.01, more than 0\.001;"):
        export(pipe, tmp_path / "out", "onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_exported_is_refused(pipe: Pipeline, tmp_path: Path) -> None:
    half = replace(pipe.model, denoiser=replace(pipe.model.denoiser, dtype=torch.bfloat16))
    with pytest.raises(InvalidOption, match="The model random cannot be exported: only pixel transformers in float32"):
        graphs(half)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(InvalidOption, match="holds something that is not an export; choose a new or empty folder"):
        export(pipe, tmp_path / "full", "onnx")
    assert (tmp_path / "full" / "letter.txt").read_text() == "dear"


def test_a_missing_package_is_named_with_its_extra(
    pipe: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for form, package in (("onnx", "onnxruntime"), ("openvino", "openvino")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(MezzotintError, match=rf"pip install 'mezzotint\[{form}\]'"):
            export(pipe, tmp_path / "out", form)
    assert not (tmp_path / "out").exists()
