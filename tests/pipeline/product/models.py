"""Tiny networks of every family, no parameter of which is zero, each with a weaker one beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from mezzotint import Pipeline
from mezzotint.conditioning.bert import BertConfig, BertEncoder
from mezzotint.conditioning.letters import KINDS
from mezzotint.conditioning.minilm import make_tokenizer
from mezzotint.conditioning.text import TextConditioner
from mezzotint.conditioning.unread import reads_nothing
from mezzotint.families.pixel_upscaler import PixelUpscalerConfig
from mezzotint.load import FAMILIES, UPSCALING_DEFAULTS, live_model
from mezzotint.model import Model
from tests.pipeline.test_without_attention import convolutional
from tests.upscalers import random_upscaler

__all__ = ["FAMILY", "SIDE", "STYLES", "WEAK", "Family", "pipeline", "zero_parameters"]

SIDE = 16
STYLES = ("flat", "noto")
DAMPED = 0.25
"""The share of their usual size that the last weights of networks that draw in steps have."""
WEAK = "weak"
"""The name of the weaker network beside each."""
WORDS = ("cat", "dog", "fox", "hat", "bus", "red", "blue", "big", "sign", "hi", "over", "under")
_PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", '"', ",", *WORDS)
_TEXT = BertConfig(vocabulary=len(_PIECES), width=16, layers=1, heads=2, hidden=24, positions=32)
_READS = {"text_width": 16, "width": 16, "heads": 2, "hidden": 24, "styles": len(STYLES)}
_DIT: Mapping[str, Any] = MappingProxyType(
    _READS
    | {"size": SIDE, "patch": 4, "bottleneck": 12, "depth": 2, "time_tokens": 2, "letters": KINDS, "word_length": 8}
)
_GAN: Mapping[str, Any] = MappingProxyType(
    _READS | {"size": SIDE, "widths": (16, 8), "blocks": 1, "group": 8, "reads": (8,), "text_heads": 2}
)


@dataclass(frozen=True)
class Family:
    """Networks of one kind. family: its name in `FAMILIES`, empty for what stands in for families to come.
    sizes: what it is built with; taught: see `Model`."""

    family: str
    sizes: Mapping[str, Any]
    taught: tuple[float, float] | None = None


def filled(network: nn.Module, seed: int) -> Any:
    """The network with random weights, none of them zero, so that every path matters; what it says is damped, so that
    inversions settle."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            scale = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.3
            of_norm = parameter.ndim == 1 and not name.endswith("bias")
            scale *= DAMPED if name.startswith(("patch_out.", "detailer.out.", "out.")) else 1.0
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale + of_norm)
    return network.eval().requires_grad_(False)


def text() -> TextConditioner:
    """A tiny text encoder with a vocabulary of a few words."""
    return TextConditioner(make_tokenizer(list(_PIECES)), filled(BertEncoder(_TEXT), 7), (), _TEXT.positions)


def model_of(name: str, family: Family, seed: int) -> Model:
    """A network of a family, as a model that draws."""
    network: Any
    if not family.family:
        found = convolutional(model_of(name, FAMILY["pixel_dit"], seed), seed)
        network = found.denoiser.network
        for layer, share in ((network.inner, 0.03), (network.out, 0.45)):  # it has no norms
            for values in layer.parameters():
                values.data.mul_(share)
        with torch.inference_mode():  # a picture that is clear or white all over would hide what it says
            said = network(torch.zeros(1, 4, 1, SIDE, SIDE), torch.tensor([0.5]), found.prepare(["a cat"], [None]))
        network.out.bias.data -= said.mean((0, 2, 3, 4))
        return found
    if family.family == "pixel_upscaler":
        network = random_upscaler(PixelUpscalerConfig(**family.sizes), seed)
        model = live_model(network, name, (), reads_nothing(), drawn_with=UPSCALING_DEFAULTS)
        return replace(model, text_encoder_sha256=None, enlarges=network.enlarges)
    network = filled(FAMILIES[family.family](family.sizes), seed)
    told = {"distilled_guidance": family.taught[0], "guidance": 1.0} if family.taught else {}
    return live_model(network, name, STYLES, text(), drawn_with=told, taught=family.taught)


FAMILY: Mapping[str, Family] = MappingProxyType(
    {
        "pixel_dit": Family("pixel_dit", _DIT),
        "pixel_dit, detailed": Family("pixel_dit", {**_DIT, "detail": 8, "detail_depth": 1}),
        "pixel_dit, distilled": Family("pixel_dit", {**_DIT, "distilled_guidance": True}, (1.0, 8.0)),
        "pixel_dit, flow map": Family("pixel_dit", {**_DIT, "flow_map": True}),
        "without attention": Family("", {}),
        "pixel_gan": Family("pixel_gan", _GAN),
        "pixel_upscaler": Family(
            "pixel_upscaler",
            {"size": SIDE, "width": 8, "depth": 1, "inner_width": 16, "inner_depth": 1, "time_width": 16},
        ),
    }
)
"""Every family that draws, with what its networks may have besides; a new one in `FAMILIES` is a line here."""


@cache
def model(name: str, seed: int) -> Model:
    """The network of a family in `FAMILY`, made once."""
    return model_of(name if not seed else WEAK, FAMILY[name], seed)


@cache
def pipeline(name: str) -> Pipeline:
    """A pipeline of a family in `FAMILY`, which finds a weaker network of it under the name `WEAK`."""
    return Pipeline(model(name, 0), lambda _: model(name, 1))


def zero_parameters(name: str) -> list[str]:
    """The parameters of a family's networks that have a zero, of which there is to be none."""
    return [
        f"{name}: {label}"
        for seed in (0, 1)
        for label, parameter in model(name, seed).denoiser.network.named_parameters()
        if not bool(parameter.all())
    ]
