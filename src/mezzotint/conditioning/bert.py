"""The BERT text encoder: token embeddings in the context of their sentence."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint.nn import linear


@dataclass(frozen=True)
class BertConfig:
    """Sizes of a BERT encoder. `vocabulary` counts word pieces, `positions` the longest sentence in word pieces."""

    vocabulary: int = 30522
    width: int = 384
    layers: int = 6
    heads: int = 12
    hidden: int = 1536
    positions: int = 512
    norm_eps: float = 1e-12


class LayerNorm(nn.Module):
    """`(x - mean) / sqrt(variance + eps) · weight + bias` over the last axis."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


class BertLayer(nn.Module):
    """Post-norm transformer layer: `x = norm(x + attention(x))`, `x = norm(x + W_out gelu(W_in x))`."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = linear(config.width, 3 * config.width, bias=True)
        self.out = linear(config.width, config.width, bias=True)
        self.norm_attention = LayerNorm(config.width, config.norm_eps)
        self.up = linear(config.width, config.hidden, bias=True)
        self.down = linear(config.hidden, config.width, bias=True)
        self.norm_feedforward = LayerNorm(config.width, config.norm_eps)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        b, n, w = x.shape
        q, k, v = (p.view(b, n, self.heads, -1).transpose(1, 2) for p in self.qkv(x).chunk(3, dim=-1))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(x.dtype))
        x = self.norm_attention(x + self.out(y.transpose(1, 2).reshape(b, n, w)))
        z: Tensor = self.norm_feedforward(x + self.down(F.gelu(self.up(x))))
        return z


class BertEncoder(nn.Module):
    """Word pieces to embeddings in context: the encoder of Devlin et al. 2018, section 3, without its pooler.

    Shapes: ids (B, N) int64 and mask (B, N) bool (True = a word piece, False = padding) -> (B, N, width).
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.words = nn.Parameter(torch.zeros(config.vocabulary, config.width))
        self.positions = nn.Parameter(torch.zeros(config.positions, config.width))
        self.norm = LayerNorm(config.width, config.norm_eps)
        self.layers = nn.ModuleList(BertLayer(config) for _ in range(config.layers))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x: Tensor = self.norm(self.words[ids] + self.positions[: ids.shape[1]])
        bias = torch.zeros(mask.shape, device=x.device).masked_fill(~mask, float("-inf"))[:, None, None, :]
        for layer in self.layers:
            x = layer(x, bias)
        return x
