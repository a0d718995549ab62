"""A small transformer without a zero parameter, its prompts, and a second implementation of its attention."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.families.pixel_dit import PixelDiT, PixelDiTConfig
from mezzotint.nn import apply_rotary
from mezzotint.nn.attention import Attention

CONFIG = PixelDiTConfig(size=32, patch=8, width=32, depth=3, heads=2, hidden=48, bottleneck=16, styles=2)
TIME, PATCHES = CONFIG.time_tokens, 16
T = torch.tensor(0.6, dtype=torch.float64)


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


X = normal(2, 4, 1, 32, 32, seed=1)


def conditionings() -> dict[str, Conditioning]:
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    tokens = [normal(2, 5, 384, seed=seed) * mask[..., None] for seed in (5, 6)]
    return {
        "cond": Conditioning(tokens[0], mask, torch.tensor([1, 2])),
        "uncond": Conditioning(tokens[1], mask, torch.tensor([0, 0])),
    }


COND = conditionings()
Scores = Callable[[Attention, Tensor, Tensor], Tensor]
"""q and k, (B, heads, N, width), to scores."""


@contextmanager
def attention_by_hand(module: Attention, scores: Scores) -> Iterator[None]:
    """Another attention in one block: softmax(scores(q, k)) v."""

    def forward(
        x: Tensor,
        *,
        rotary: Any = None,
        context: Any = None,
        bias: Any = None,
        hook: Any = None,
        tokens: Any = None,
        strengths: Any = None,
    ) -> Tensor:
        assert strengths is None, "no LoRA here"
        assert tokens is None, "no other picture here"
        b, n, width = x.shape
        q, k, v = (y.view(b, n, module.heads, -1).transpose(1, 2) for y in module.qkv(x).chunk(3, dim=-1))
        q, k = apply_rotary(module.norm_q(q), *rotary), apply_rotary(module.norm_k(k), *rotary)
        k, v = torch.cat([k, context[0]], dim=2), torch.cat([v, context[1]], dim=2)
        weights = torch.softmax(scores(module, q, k) + bias, dim=-1)
        return module.out((weights @ v).transpose(1, 2).reshape(b, n, width))

    module.forward = forward  # type: ignore[method-assign]
    try:
        yield
    finally:
        del module.forward


def plain_scores(module: Attention, q: Tensor, k: Tensor) -> Tensor:
    return q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])


def attention(network: PixelDiT, block: int) -> Attention:
    module = network.blocks[block].attention
    assert isinstance(module, Attention)
    return module
