"""Gated feed-forward layer."""

from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint.nn.linear import linear


class SwiGLU(nn.Module):
    """`y = W_out (silu(W_gate x) ⊙ W_up x)`, without biases.

    Source: Shazeer 2020, "GLU Variants Improve Transformer", equation 6.
    Shapes: (..., width) -> (..., width); strengths (B, adapters), see `BlankLinear`.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate_up = linear(width, 2 * hidden)
        self.out = linear(hidden, width)

    def forward(self, x: Tensor, strengths: Tensor | None = None) -> Tensor:
        gate, up = self.gate_up(x, strengths).chunk(2, dim=-1)
        y: Tensor = self.out(F.silu(gate) * up, strengths)
        return y
