"""Embedding of scalars."""

import math

import torch
from torch import Tensor, nn


class FourierFeatures(nn.Module):
    """`[cos(2π f_k t), sin(2π f_k t)]` with frequencies geometric from 1/4 to `max_frequency`.

    Fixed (not learned), so that t needs no normalisation and the features are smooth in t: the slowest turn covers a
    quarter of a circle over [0, 1].

    Source: Vaswani et al. 2017, section 3.5, for a time in [0, 1].
    Shapes: (B,) -> (B, width) float32. `width` must be even.
    """

    frequencies: Tensor

    def __init__(self, width: int, *, max_frequency: float = 64.0) -> None:
        super().__init__()
        assert width % 2 == 0, width
        # named, since the default may be "meta" (`nn.filled`), whose arithmetic imports PyTorch's compiler: a second
        cpu = torch.device("cpu")
        exponents = torch.linspace(math.log(0.25), math.log(max_frequency), width // 2, dtype=torch.float64, device=cpu)
        self.register_buffer("frequencies", exponents.exp().float(), persistent=False)

    def forward(self, t: Tensor) -> Tensor:
        angles = 2 * math.pi * t.float()[:, None] * self.frequencies
        return torch.cat([angles.cos(), angles.sin()], dim=-1)
