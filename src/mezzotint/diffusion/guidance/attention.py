"""Changes of attention weights that guidance makes, and the picture's shape in tokens."""

import math

import torch
from torch import Tensor

from mezzotint.diffusion.probe import AttentionSite
from mezzotint.errors import InvalidOption

__all__ = ["gaussian_matrix", "identity_attention", "received", "smoothed_attention", "token_grid"]


def token_grid(x_t: Tensor, tokens: int) -> tuple[int, int]:
    """Rows and columns of the image tokens of one frame of x_t (B, C, T, H, W) or (B, C, H, W): tokens of square
    patches, row by row. Raises InvalidOption if that many tokens do not cover it so."""
    height, width = x_t.shape[-2:]
    frames = x_t.shape[2] if x_t.ndim == 5 else 1
    rows = round(math.sqrt(tokens / frames * height / width))
    columns = tokens // (frames * max(rows, 1))
    if rows * columns * frames != tokens or rows * width != columns * height:
        raise InvalidOption(
            f"This guidance needs image tokens on a regular grid; {tokens} tokens are none on {width}x{height} samples."
        )
    return rows, columns


def identity_attention(site: AttentionSite, weights: Tensor) -> Tensor:
    """Every image token attends to itself instead of to the other image tokens; other keys keep their weight.

    weights (B, heads, queries, keys). The rows are normalised again, as if the scores removed had been −∞.
    Ahn et al. 2024 (PAG), arXiv 2403.17377, section 4.2, for layers whose keys are image tokens alone.
    """
    rows, keys = site.image_queries(weights.shape[2]), site.image
    if keys.stop == keys.start:
        return weights
    out = weights.clone()
    own = weights[:, :, rows, keys].diagonal(dim1=-2, dim2=-1)
    out[:, :, rows, keys] = torch.diag_embed(own)
    tiny = torch.finfo(out.dtype).tiny
    # a token whose own weight has underflowed, and who has no other key, attends to itself all the same
    alone = out[:, :, rows].sum(-1) < tiny
    out[:, :, rows, keys] += torch.diag_embed(alone.to(out.dtype))
    out[:, :, rows] /= out[:, :, rows].sum(-1, keepdim=True)
    return out


def gaussian_matrix(size: int, sigma: float) -> Tensor:
    """A blur of `size` points as a matrix: rows G_ij ∝ exp(−(i − j)² / (2 sigma²)), summing to 1; sigma may be ∞."""
    place = torch.arange(size, dtype=torch.float64)
    energy = ((place[:, None] - place) / sigma) ** 2 / 2
    return torch.softmax(-energy, dim=1)


def smoothed_attention(site: AttentionSite, weights: Tensor, grid: tuple[int, int], sigma: float) -> Tensor:
    """Attention as if the image queries had been blurred over the picture with a Gaussian of `sigma` tokens.

    Scores are linear in the queries, so blurred queries are blurred scores; log weights are scores but for a constant
    of each row, which the softmax takes away again. weights: (B, heads, queries, keys). grid: rows and columns of
    tokens. Hong 2024 (SEG), arXiv 2408.00760, proposition 3.1.
    """
    rows = site.image_queries(weights.shape[2])
    seen = weights[:, :, rows]
    scores = seen.clamp_min(torch.finfo(seen.dtype).tiny).log()
    scores = scores.reshape(*seen.shape[:2], -1, *grid, seen.shape[3])  # (B, heads, frames, rows, columns, keys)
    down, across = (gaussian_matrix(size, sigma).to(scores) for size in grid)
    scores = torch.einsum("ij,bhfjwk->bhfiwk", down, scores)
    scores = torch.einsum("ij,bhfyjk->bhfyik", across, scores).flatten(2, 4)
    hidden = (seen == 0).all(dim=2, keepdim=True)  # padding
    out = weights.clone()
    out[:, :, rows] = torch.softmax(scores.masked_fill(hidden, -math.inf), dim=-1)
    return out


def received(site: AttentionSite, weights: Tensor) -> Tensor:
    """How much attention each image token gets from the image tokens, relative to the mean; (B, tokens)."""
    share = weights[:, :, site.image_queries(weights.shape[2]), site.image].mean(1).mean(1)
    return share / share.mean(1, keepdim=True)
