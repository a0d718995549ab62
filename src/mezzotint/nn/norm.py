"""Root-mean-square normalisation."""

import torch
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """`y = x / sqrt(mean(x²) + eps) · weight`, over the last axis, computed in float32.

    Source: Zhang & Sennrich 2019, "Root Mean Square Layer Normalization", equation 4.
    Shapes: (..., width) -> (..., width), in the input's dtype.
    """

    def __init__(self, width: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        x32 = x.float()
        scale = torch.rsqrt(x32.square().mean(-1, keepdim=True) + self.eps)
        return (x32 * scale * self.weight).to(x.dtype)
