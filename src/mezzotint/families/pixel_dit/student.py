"""From a network that predicts means to a student that is told where to jump, and how much guidance."""

from dataclasses import replace

import torch
from torch import Tensor

from mezzotint.families.pixel_dit.model import PixelDiT, PixelDiTContext, initialise

__all__ = ["student_of", "told"]


def student_of(network: PixelDiT, seed: int) -> PixelDiT:
    """A flow map with distilled guidance that begins as this network, whatever it is told: bit for bit the same.

    It has weights of its own, on the same device; the layers that it alone has are drawn from the seed, and their last
    ones are zero.
    """
    config = replace(network.config, flow_map=True, distilled_guidance=True)
    student = PixelDiT(config)
    initialise(student, seed)
    own, given = dict(student.named_parameters()), dict(network.named_parameters())
    with torch.no_grad():
        for name, value in given.items():
            own[name].copy_(value)
    return student.to(next(network.parameters()).device)


def told(context: PixelDiTContext, guidance: Tensor) -> PixelDiTContext:
    """The same prompt with guidance (B,), above 0, for a network that takes it as an input."""
    return replace(context, distilled_guidance=guidance.to(context.bias))
