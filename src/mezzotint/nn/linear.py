"""Linear layers that draw no random numbers when they are made, and to which adapters can add."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class BlankLinear(nn.Linear):
    """`y = x Wᵀ + b`, zero until a checkpoint or an explicit initialisation fills it.

    PyTorch's own constructor draws from the global generator, which Mezzotint never touches; its `skip_init` takes half
    a second of imports.

    added: what adapters add to y, called with (x, strengths, first); None where there is no adapter. It acts where
    strengths (B, adapters) are given only: without them the layer is the plain one, bit for bit.
    """

    added: nn.Module | None

    def __init__(self, inputs: int, outputs: int, *, bias: bool = False) -> None:
        super().__init__(inputs, outputs, bias=bias)
        self.register_module("added", None)

    def reset_parameters(self) -> None:
        """Zero, instead of random."""
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.zero_()

    def forward(self, x: Tensor, strengths: Tensor | None = None, first: int = 0) -> Tensor:
        """The outputs from number `first` on, for x (B, ..., inputs) and what adapters add at these strengths."""
        bias = self.bias if self.bias is None or not first else self.bias[first:]
        y = F.linear(x, self.weight[first:] if first else self.weight, bias)
        if strengths is None or self.added is None:
            return y
        added: Tensor = self.added(x, strengths, first)
        return y + added


def linear(inputs: int, outputs: int, *, bias: bool = False) -> BlankLinear:
    """A `BlankLinear`, without a bias unless asked."""
    return BlankLinear(inputs, outputs, bias=bias)
