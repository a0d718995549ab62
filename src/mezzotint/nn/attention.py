"""Multi-head attention over a picture's own tokens and read-only context tokens."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint.nn.linear import linear
from mezzotint.nn.norm import RMSNorm
from mezzotint.nn.rope import apply_rotary

EXPLICIT_KEYS = 256
"""Up to this many keys the plain product is faster on a CPU than the fused kernel: 2.3 times, forward and backward,
at 68 queries, 101 keys, 4 heads and bfloat16."""

WeightsHook = Callable[[Tensor], Tensor]
"""Receives attention weights (B, heads, queries, keys) and returns the weights to use instead."""

Rotary = tuple[Tensor, Tensor]
FurtherKeys = tuple[Tensor, Tensor, float, Rotary | None]
"""Keys and values (R, heads, M, head_width), what is added to their scores, and the cos and sin of their places; with
None the scores are taken without positions, of queries too. R divides the batch; row i reads i mod R."""
TokensHook = Callable[[Tensor, Tensor], Sequence[FurtherKeys]]
"""Receives the keys and values (B, heads, N, head_width) of the layer's own tokens, before positions, and returns those
that are to be read after all others."""


class Attention(nn.Module):
    """`softmax(q kᵀ / sqrt(head_width) + bias) v` with RMS-normalised q and k (QK-norm).

    Keys are the layer's own tokens followed by `context` keys, which are given, not computed: `context(tokens)`
    projects a prompt's tokens once with this layer's key and value weights, and the result serves every step.
    `strengths` are those of adapters, see `BlankLinear`. `tokens` may give further keys, such as another picture's.

    Sources: Vaswani et al. 2017, equation 1; QK-norm: Henry et al. 2020 and Dehghani et al. 2023 (ViT-22B), section 2.
    Shapes: x (B, N, width); keys and values (B, heads, M, head_width); bias (B, 1, 1, N + M), 0 or -inf.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        assert width % heads == 0, (width, heads)
        self.heads = heads
        self.qkv = linear(width, 3 * width)
        self.out = linear(width, width)
        self.norm_q = RMSNorm(width // heads)
        self.norm_k = RMSNorm(width // heads)

    def _split(self, x: Tensor) -> Tensor:
        b, n, w = x.shape
        return x.view(b, n, self.heads, w // self.heads).transpose(1, 2)  # (B, heads, N, head_width)

    def context(self, tokens: Tensor, strengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Keys and values of read-only tokens (B, M, width), by this layer's own key and value projections."""
        k, v = self.qkv(tokens, strengths, first=tokens.shape[-1]).chunk(2, dim=-1)
        return self.norm_k(self._split(k)), self._split(v)

    def forward(
        self,
        x: Tensor,
        *,
        rotary: Rotary | None = None,
        context: tuple[Tensor, Tensor] | None = None,
        bias: Tensor | None = None,
        hook: WeightsHook | None = None,
        tokens: TokensHook | None = None,
        strengths: Tensor | None = None,
    ) -> Tensor:
        q, k, v = (self._split(part) for part in self.qkv(x, strengths).chunk(3, dim=-1))
        q, k = self.norm_q(q), self.norm_k(k)
        further, unplaced = () if tokens is None else tokens(k, v), q
        if rotary is not None:
            q, k = apply_rotary(q, *rotary).to(v.dtype), apply_rotary(k, *rotary).to(v.dtype)
        if context is not None:
            k, v = torch.cat([k, context[0]], dim=2), torch.cat([v, context[1]], dim=2)
        if hook is None and not further and (x.device.type != "cpu" or k.shape[2] > EXPLICIT_KEYS):
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=None if bias is None else bias.to(q.dtype))
        else:
            scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
            scores = (scores if bias is None else scores + bias).float()
            for keys, values, more, places in further:
                scores = torch.cat([scores, self._scores(unplaced, q, keys, places).float() + more], dim=-1)
                v = torch.cat([v, _repeated(values, v)], dim=2)
            weights = scores.softmax(dim=-1)
            y = (weights if hook is None else hook(weights)).to(v.dtype) @ v
        b, _, n, _ = y.shape
        out: Tensor = self.out(y.transpose(1, 2).reshape(b, n, -1), strengths)
        return out

    def _scores(self, unplaced: Tensor, q: Tensor, keys: Tensor, places: Rotary | None) -> Tensor:
        """The scores of further keys."""
        if places is not None:
            unplaced, keys = q, apply_rotary(keys, *places).to(q.dtype)
        scores: Tensor = (unplaced * q.shape[-1] ** -0.5) @ _repeated(keys, q).transpose(-1, -2)
        return scores


def _repeated(x: Tensor, like: Tensor) -> Tensor:
    """x (R, ...) for as many rows as `like` has: row i is that of i mod R."""
    return x.repeat(like.shape[0] // x.shape[0], 1, 1, 1).to(like.dtype)
