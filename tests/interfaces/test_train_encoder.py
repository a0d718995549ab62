"""`mezzotint train encoder` and `mezzotint pack`, on a folder of coloured squares."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mezzotint.errors import InvalidCheckpoint
from mezzotint.evaluation.encoder import load_encoder
from tests.interfaces.conftest import Run, parsed, sentence

SMALL = {"size": 32, "width": 32, "depth": 1, "heads": 2, "hidden": 48, "text_depth": 1, "features": 24}


@pytest.fixture
def small(pictures: Path) -> tuple[str, ...]:
    """Arguments of a run of 6 steps on that folder."""
    settings = {**{f"network.{name}": value for name, value in SMALL.items()}, "data.source": "folder"}
    settings |= {"data.path": pictures, "data.scenes": 0, "steps": 6, "batch": 4, "validation": 4, "validate_every": 3}
    settings |= {"compiled": "false", "precision": "fp32"}
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    return ("train", "encoder", "--threads", "1", *words)


def test_an_encoder_is_trained_stopped_resumed_packed_and_loaded(run: Run, small: tuple[str, ...], here: Path) -> None:
    parsed(run(*small, "--out", "whole", "--format", "json"))
    first = parsed(run(*small, "--out", "r", "--stop-after", 2, "--format", "json"))
    assert (first["step"], first["finished"], first["samples"]) == (2, False, None)
    resumed = run("train", "encoder", "--threads", 1, "--out", "r", "--resume")
    assert "Finished at step 6 of 6 in r." in resumed.stdout
    for name in ("network", "optimizer", "ema-0.050"):
        one, other = (
            load_file(here / f"{place}/checkpoints/step-00000006/{name}.safetensors") for place in ("whole", "r")
        )
        assert all(torch.equal(one[key], other[key]) for key in one)
    lines = [json.loads(line) for line in (here / "r/metrics.jsonl").read_text().splitlines()]
    measured = [line["step"] for line in lines if "validation" in line]
    assert measured == [2, 3, 6]
    assert sorted(lines[-1]["validation"]) == ["mean", "recall@1", "recall@5"]
    assert not (here / "r/samples").exists()

    assert "draws nothing; leave out --defaults" in sentence(run("pack", "r", "--out", "m", "--defaults", "steps=3"))
    packed = run("pack", "r", "--out", "m", "--storage", "fp32", "--name", "eye")
    assert packed.exit_code == 0, packed.output
    assert "try it" not in packed.stdout
    encoder = load_encoder("m", device="cpu")
    average = load_file(here / "r/checkpoints/step-00000006/ema-0.050.safetensors")
    for name, parameter in encoder.network.named_parameters():
        assert torch.equal(parameter, average[name]), name
    card = (here / "m/README.md").read_text()
    assert "An image–text encoder of" in card
    assert f"{lines[-1]['validation']['recall@1']:.1%}" in card
    assert "twin_encoder" in run("models", "m").stdout
    run("pack", "r", "--out", "lean", "--storage", "fp32", "--share-text")
    assert not (here / "lean/text").exists()
    assert torch.equal(load_encoder("lean", device="cpu").prompts(["a red square"]), encoder.prompts(["a red square"]))
    description = json.loads((here / "lean/model.json").read_text())
    other = {**description, "text_encoder_sha256": "0" * 64}
    (here / "lean/model.json").write_text(json.dumps(other))
    with pytest.raises(InvalidCheckpoint, match="not the one that it was trained with"):
        load_encoder("lean", device="cpu")
    assert "measures and cannot draw" in sentence(run("imagine", "a red square", "--model", "m"))


def test_an_encoder_begins_with_no_weights_of_drawing_and_has_no_settings_of_it(
    run: Run, small: tuple[str, ...], model: Path
) -> None:
    assert "do not fit the run encoder" in sentence(run(*small, "--out", "r", "--warm-start", model))
    assert "no setting called 'objective.floor'" in sentence(run(*small, "--set", "objective.floor=1"))
    run(*small, "--out", "r", "--stop-after", 1)
    assert "holds the run encoder, not tiny" in sentence(run("train", "tiny", "--resume", "--out", "r"))
