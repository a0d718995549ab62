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

__all__ = ["Model", "check_weak", "with_learned_guidance"]


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
    enlarges        how many times as wide as the picture that it is given those are that it draws; 1: it needs none
    compiled        whether the network's blocks are compiled
    open            words of what it knows in other drawing styles than its usual one, `defaults.style`, only
    taught          the lowest and the highest distilled guidance that the network learned; None: it takes none
    """

    name: str
    denoiser: NetworkDenoiser[Any]
    codec: Codec
    conditioner: TextConditioner
    size: tuple[int, int]
    schedule_name: str
    weights_sha256: str
    text_encoder_sha256: str | None
    defaults: Request
    grids: Mapping[tuple[str, int, float], Fitted] = field(default_factory=lambda: MappingProxyType({}))
    warnings: tuple[str, ...] = ()
    loras: tuple[tuple[str, str], ...] = ()
    enlarges: int = 1
    compiled: bool = False
    taught: tuple[float, float] | None = None
    open: frozenset[str] = frozenset()

    def prepare(
        self,
        prompts: Sequence[str | Reading],
        styles: Sequence[str | None],
        strengths: Sequence[float] = (),
        distilled_guidance: float | None = None,
    ) -> Any:
        """Prompts and styles as this model's network reads them, with the strengths of its LoRAs (none: all zero), and
        the guidance that it is told, if it takes one.

        A text is taken as it is: the prompt language is for requests.
        """
        cond = self.conditioner(prompts, styles)
        if distilled_guidance is not None:
            cond = replace(cond, distilled_guidance=torch.full((len(prompts),), distilled_guidance))
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


def with_learned_guidance(model: Model, request: Request) -> Request:
    """A request whose guidance is resolved, with the distilled guidance that the model's network is to be told.

    Raises InvalidOption where a model takes none, for a scale that it never learned, and for any other guidance of one
    that does: each of its steps is one evaluation, and there is nothing to combine.
    """
    asked = request.distilled_guidance
    if model.taught is None:
        if asked is not None:
            raise InvalidOption(
                f"distilled_guidance is {asked:g}, but the model {model.name} did not learn it; give guidance in its "
                "place."
            )
        return request
    low, high = model.taught
    what = f"the model {model.name} learned its guidance, and takes it as distilled_guidance, from {low:g} to {high:g}"
    if request.guidance_methods:
        raise InvalidOption(
            f"guidance_methods is {', '.join(request.guidance_methods)}, but {what}; leave out all methods, and "
            "further prompts (also, AND, ::), which need one."
        )
    if (scale := request.guidance) not in (None, 1.0):
        raise InvalidOption(
            f"guidance is {scale:g}, but {what}; give distilled_guidance {min(max(float(scale), low), high):g} instead."
        )
    told = model.defaults.distilled_guidance if asked is None else asked
    if told is None or not low <= told <= high:
        raise InvalidOption(f"distilled_guidance is {told}, but {what}.")
    return replace(request, distilled_guidance=told)
