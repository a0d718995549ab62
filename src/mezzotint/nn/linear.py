"""Linear layers that draw no random numbers when they are made."""

import torch
from torch import nn
from torch.nn.utils import skip_init


def linear(inputs: int, outputs: int, *, bias: bool = False) -> nn.Linear:
    """An `nn.Linear` whose weights are zero until a checkpoint or an explicit initialisation fills them.

    PyTorch's own constructor draws from the global generator, which Mezzotint never touches.
    """
    layer = skip_init(nn.Linear, inputs, outputs, bias=bias)  # type: ignore[no-untyped-call]
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
    return layer
