"""Linear layers that draw no random numbers when they are made."""

import torch
from torch import nn


class BlankLinear(nn.Linear):
    """`y = x Wᵀ + b`, zero until a checkpoint or an explicit initialisation fills it.

    PyTorch's own constructor draws from the global generator, which Mezzotint never touches; its `skip_init` takes half
    a second of imports.
    """

    def reset_parameters(self) -> None:
        """Zero, instead of random."""
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.zero_()


def linear(inputs: int, outputs: int, *, bias: bool = False) -> nn.Linear:
    """A `BlankLinear`, without a bias unless asked."""
    return BlankLinear(inputs, outputs, bias=bias)
