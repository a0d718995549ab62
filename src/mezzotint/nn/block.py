"""The transformer block."""

from torch import Tensor, nn

from mezzotint.nn.attention import Attention, TokensHook, WeightsHook
from mezzotint.nn.feedforward import SwiGLU
from mezzotint.nn.norm import RMSNorm


class Block(nn.Module):
    """`x += attention(norm(x), context)`, then `x += feedforward(norm(x))` (pre-norm, no biases).

    Source: Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture", figure 1b.
    Shapes: x (B, N, width) -> (B, N, width); see `Attention` for context, bias, hook, tokens and
    strengths.
    """

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm_attention = RMSNorm(width)
        self.attention = Attention(width, heads)
        self.norm_feedforward = RMSNorm(width)
        self.feedforward = SwiGLU(width, hidden)

    def context(self, tokens: Tensor, strengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """This block's keys and values of read-only tokens (B, M, width)."""
        return self.attention.context(self.norm_attention(tokens), strengths)

    def forward(
        self,
        x: Tensor,
        *,
        rotary: tuple[Tensor, Tensor] | None = None,
        context: tuple[Tensor, Tensor] | None = None,
        bias: Tensor | None = None,
        hook: WeightsHook | None = None,
        tokens: TokensHook | None = None,
        strengths: Tensor | None = None,
    ) -> Tensor:
        normed = self.norm_attention(x)
        seen = self.attention(
            normed, rotary=rotary, context=context, bias=bias, hook=hook, tokens=tokens, strengths=strengths
        )
        x = x + seen
        y: Tensor = x + self.feedforward(self.norm_feedforward(x), strengths)
        return y
