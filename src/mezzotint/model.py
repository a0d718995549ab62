"""A loaded model: what a pipeline draws with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import torch

from mezzotint.choices import Fitted
from mezzotint.codecs.codec import Codec
from mezzotint.conditioning.prompt import Reading
from mezzotint.conditioning.text import TextConditioner
from mezzotint.diffusion.denoiser import NetworkDenoiser
from mezzotint.errors import InvalidOption
from mezzotint.request import Request

__all__ = ["Model", "check_weak"]


@dataclass(frozen=True)
class Model:
    """A loaded model: its parts, and what it does when a request leaves something open.

    denoiser        the leaf around the network, on its device
    prepare         prompts as the network reads them: a `Conditioning` to whatever the leaf takes
    size            (width, height) of what it draws, in pixels
    defaults        a request with every option resolved
    grids           fitted grids, by solver (its spec), steps and guidance: what a request gets that names no grid
    warnings        what there is to say about the model with every picture
    loras           name and sha256 of the LoRAs in the network, in the order of their strengths
    """

    name: str
    denoiser: NetworkDenoiser[Any]
    codec: Codec
    conditioner: TextConditioner
    size: tuple[int, int]
    schedule_name: str
    weights_sha256: str
    text_encoder_sha256: str
    defaults: Request
    grids: Mapping[tuple[str, int, float], Fitted] = field(default_factory=lambda: MappingProxyType({}))
    warnings: tuple[str, ...] = ()
    loras: tuple[tuple[str, str], ...] = ()

    def prepare(
        self, prompts: Sequence[str | Reading], styles: Sequence[str | None], strengths: Sequence[float] = ()
    ) -> Any:
        """Prompts and styles as this model's network reads them, with the strengths of its LoRAs (none: all zero).

        A text is taken as it is: the prompt language is for requests.
        """
        cond = self.conditioner(prompts, styles)
        if any(strengths):
            assert len(strengths) == len(self.loras), "one strength a LoRA"
            cond = replace(cond, adapters=torch.tensor([list(strengths)] * len(prompts)))
        cond = cond.to(torch.device(self.denoiser.device))
        prepare = getattr(self.denoiser.network, "prepare", None)
        return cond if prepare is None else prepare(cond)


def check_weak(model: Model, weak: Model) -> None:
    """Raises InvalidOption for a weak model that does not take the prompts of a model, or draws another size."""
    for what, ours, theirs in (
        ("text encoder", model.text_encoder_sha256, weak.text_encoder_sha256),
        ("text length", model.conditioner.length, weak.conditioner.length),
        ("letters", model.conditioner.letters, weak.conditioner.letters),
        ("drawing styles", model.conditioner.styles, weak.conditioner.styles),
        ("size", model.size, weak.size),
        ("codec", model.codec.name, weak.codec.name),
    ):
        if ours != theirs:
            raise InvalidOption(
                f"The weak model {weak.name} differs from {model.name} in its {what}; it must take the same "
                "prompts and draw the same size, such as an earlier state of the same training."
            )
