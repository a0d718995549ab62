"""A generator is measured like any other model, but for the loss of a denoiser, which it has not."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mezzotint import Pipeline
from mezzotint.checkpoints.model_folder import write_model_folder
from mezzotint.evaluation.suite import evaluate
from mezzotint.evaluation.yardstick import Plan, Tools, yardstick
from mezzotint.families.pixel_gan import PixelGAN, PixelGANConfig, initialise_generator
from mezzotint.load import GAN_DEFAULTS, HOUSE
from mezzotint.request import Request

from .test_suite import Colours, pictures, unwatched


@pytest.fixture
def pipe(tmp_path: Path) -> Pipeline:
    config = PixelGANConfig(widths=(16, 8), blocks=1, group=8, reads=(), heads=2, text_heads=2, width=16, hidden=24)
    network = PixelGAN(config)
    initialise_generator(network, 0)
    description = {
        "name": "generator",
        "family": "pixel_gan",
        "network": asdict(config),
        "schedule": "rectified_flow",
        "target": "x0",
        "size": [64, 64],
        "styles": [],
        "text_length": 32,
        "defaults": {"size": [64, 64], **GAN_DEFAULTS},
    }
    weights = {name: p.detach() for name, p in network.named_parameters()}
    write_model_folder(tmp_path / "m", weights, HOUSE / "text", description, "fp32", {"README.md": "For tests.\n"})
    return Pipeline.load(str(tmp_path / "m"), device="cpu", dtype="float32")


def test_it_is_measured_without_the_loss_of_a_denoiser(pipe: Pipeline) -> None:
    encoder: Any = Colours()
    tools = Tools(encoder=encoder, pictures=pictures())
    plan = Plan(request=Request(prompt="", batching="fast", seed=3), pictures=12)

    def losses(*_: object) -> dict[str, float]:
        raise AssertionError("a generator is no denoiser")

    found = evaluate(pipe, tools, plan, yardstick(tools, plan), unwatched, losses)
    assert found.losses is None
    assert any(said.startswith("the held-out loss") for said in found.left_out)
    assert found.settings["steps"] == 1
    assert found.realism is not None
    assert found.realism.pictures == 12
    again = evaluate(pipe, tools, plan, yardstick(tools, plan), unwatched)
    assert again.realism == found.realism
