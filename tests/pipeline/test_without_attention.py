"""A network of another kind, without attention: what needs none guides it, what does is refused with what to take."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mezzotint import Pipeline
from mezzotint.diffusion.guidance import GUIDANCES
from mezzotint.diffusion.guidance.contrast import WITHOUT_ATTENTION
from mezzotint.diffusion.probe import Probe, refuse_probe
from mezzotint.errors import InvalidOption
from mezzotint.load import load_model
from mezzotint.model import Model

from .test_guidance import ON, drawn

NEEDS = {name for name, record in GUIDANCES.items() if "attention" in record.needs}


class Convolutional(nn.Module):
    """Convolutions, moved by the mean of what the prompt says, its style and its letters, by their weights."""

    def __init__(self, reader: nn.Module, seed: int) -> None:
        super().__init__()
        self._reader = (reader,)  # in a tuple, so that its blocks are not this network's
        generator = torch.Generator().manual_seed(seed)
        self.inner, self.out = nn.Conv2d(4, 8, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1)
        self.told = nn.Linear(self._reader[0].config.width, 8)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.4

    def prepare(self, cond: Any) -> Any:
        return self._reader[0].prepare(cond)  # type: ignore[operator]

    def forward(
        self, x: Tensor, t: Tensor, context: Any, *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Tensor:
        refuse_probe(probe, "A convolutional network")
        shares = context.bias[:, 0].softmax(-1)[..., None]  # (B, 1, tokens, 1)
        values = (context.values[0] * shares).sum(2).flatten(1)
        shift = self.told(values)[:, :, None, None] + t.reshape(-1, 1, 1, 1)
        return self.out(torch.tanh(self.inner(x[:, :, 0]) + shift))[:, :, None]


def convolutional(model: Model, seed: int) -> Model:
    network = Convolutional(model.denoiser.network, seed).eval()
    return replace(model, name="convolutional", denoiser=replace(model.denoiser, network=network))


@pytest.fixture(scope="module")
def pipe(folder: Path) -> Pipeline:
    return Pipeline(convolutional(load_model(str(folder), device="cpu", dtype="float32"), 0))


@pytest.mark.parametrize("name", sorted(set(ON) - NEEDS - {"autoguidance"}))
def test_what_needs_no_attention_guides_it(pipe: Pipeline, name: str) -> None:
    options, evaluations = ON[name]
    recipe = drawn(pipe, **options)
    assert recipe.evaluations == evaluations
    assert recipe.ignored == ()
    others = [drawn(pipe, guidance=1).pixels_sha256] + ([] if name == "cfg" else [drawn(pipe).pixels_sha256])
    assert recipe.pixels_sha256 not in others
    assert drawn(pipe, **options) == recipe


@pytest.mark.parametrize("name", sorted(NEEDS))
def test_what_needs_attention_is_refused_with_what_to_take_instead(pipe: Pipeline, name: str) -> None:
    words = f"The guidance {name} needs a network with attention blocks, and this model has none; cfg, apg and auto"
    with pytest.raises(InvalidOption, match=words):
        drawn(pipe, **ON[name][0])
    assert set(WITHOUT_ATTENTION) <= set(GUIDANCES) - NEEDS


def test_edits_that_need_attention_are_refused_with_what_to_take_instead(pipe: Pipeline) -> None:
    picture = pipe.generate("a cat", steps=2).images[0]
    with pytest.raises(InvalidOption, match=r"style_ref needs a network with attention blocks.*begin with the picture"):
        pipe.generate("a cat", steps=2, style_ref=picture)
    with pytest.raises(InvalidOption, match=r"keep_layout needs a network with attention blocks.*a lower strength"):
        pipe.generate("a cat", steps=2, image=picture, keep_layout=0.5, source_prompt="a dog")
