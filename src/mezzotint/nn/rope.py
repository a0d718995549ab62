"""Rotary position embedding on a two-dimensional grid."""

import torch
from torch import Tensor


def rotary_grid(height: int, width: int, head_width: int, *, base: float = 100.0) -> Tensor:
    """Rotation angles of every cell of a grid: half of the pairs turn with the row, half with the column.

    Pair k of an axis has frequency `base^(-k / pairs)` with `pairs = head_width / 4`, so the angle of a cell in
    row r is `r · base^(-k / pairs)`. The base is small because the grid is: with 100 the slowest pair still turns
    visibly over 8 to 32 cells.

    Source: Su et al. 2021 (RoFormer), section 3.2; the split by axis as in Heo et al. 2024 (RoPE-ViT, "axial").
    Returns (height · width, head_width / 2) float32, row-major. `head_width` must be a multiple of 4.
    """
    assert head_width % 4 == 0, head_width
    pairs = head_width // 4
    # on the CPU by name: see `FourierFeatures`
    pair, row, column = (torch.arange(n, dtype=torch.float64, device="cpu") for n in (pairs, height, width))
    frequencies = base ** (-pair / pairs)
    rows = row[:, None] * frequencies  # (H, pairs)
    columns = column[:, None] * frequencies  # (W, pairs)
    angles = torch.cat(
        [rows[:, None, :].expand(height, width, pairs), columns[None, :, :].expand(height, width, pairs)], dim=-1
    )
    return angles.reshape(height * width, 2 * pairs).float()


def apply_rotary(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate the pairs (x[i], x[i + w/2]) of x (B, heads, N, w) by the angles whose cos and sin (N, w/2) are given."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
