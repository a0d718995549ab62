"""Weights as what they differ in from another model's: two thin factors for each matrix, and what that lacks whole.

A model that began as another one, such as a student, is a small file then. The difference D = W − W' of a matrix
(rows, columns) is kept as `up`ᵀ `down`, (rank, rows) and (rank, columns). Which product of that rank is the nearest
depends on what is multiplied: for inputs x of a second moment C = E[x xᵀ] = L Lᵀ, `E|(D − up' down) x|²` is least for
the first `rank` parts of the singular value decomposition of D L, times L⁻¹ (Wang et al. 2024, SVD-LLM, arXiv
2403.07378); for C = 1 these are the parts of D itself (Eckart & Young 1936, doi 10.1007/BF02288367).
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from mezzotint.errors import InvalidCheckpoint

__all__ = ["DOWN", "UP", "difference", "sum_with"]

DOWN, UP = ".low_rank_down", ".low_rank_up"


RIDGE = 1e-3
"""What is added to a second moment of mean diagonal 1, so that no direction counts for nothing: inputs seen are few."""


def difference(
    weights: Mapping[str, Tensor],
    base: Mapping[str, Tensor],
    rank: int,
    seen: Mapping[str, Tensor] = MappingProxyType({}),
) -> tuple[dict[str, Tensor], float]:
    """What `sum_with` makes the weights from again, nearly, and the share of the difference that it lacks.

    Tensors that are the base's are left out. Vectors, tensors that the base has not, or in another shape, and matrices
    that factors of the rank would not make smaller are kept whole. A convolution (out, in, height, width) is a matrix
    of its rows `w[i]`. `seen` has second moments (columns, columns) of the inputs of some matrices, of any scale. The
    share is that of the squares' root, of what the difference does to inputs of mean square 1, over all tensors that
    both have.
    """
    kept, lacking, total = dict[str, Tensor](), 0.0, 0.0
    for name, value in weights.items():
        other = base.get(name)
        if other is None or other.shape != value.shape:
            kept[name] = value.float()
            continue
        apart = value.double() - other.double()
        rows = apart.flatten(1) if apart.ndim > 1 else apart[None]
        root = _root(seen[name]) if name in seen else None
        square = float((rows if root is None else rows @ root).square().sum())
        total += square
        if not square:
            continue
        if apart.ndim < 2 or rank * (rows.shape[0] + rows.shape[1]) >= rows.numel():
            kept[name] = value.float()
            continue
        kept[name + UP], kept[name + DOWN], lost = _factors(rows, rank, root)
        lacking += lost
    return kept, math.sqrt(lacking / total) if total else 0.0


def _root(moment: Tensor) -> Tensor:
    """L (columns, columns) of a second moment L Lᵀ, of mean diagonal 1 and with the ridge."""
    moment = moment.double()
    scaled = moment / moment.diagonal().mean().clamp_min(1e-30)
    root: Tensor = torch.linalg.cholesky(scaled + RIDGE * torch.eye(len(moment), dtype=torch.float64))
    return root


def _factors(rows: Tensor, rank: int, root: Tensor | None) -> tuple[Tensor, Tensor, float]:
    """`up` (rank, rows), `down` (rank, columns), and the square that they lack of a difference times a root."""
    left, sizes, right = torch.linalg.svd(rows if root is None else rows @ root, full_matrices=False)
    half, down = sizes[:rank].sqrt()[:, None], right[:rank]
    if root is not None:
        down = torch.linalg.solve_triangular(root, down, upper=False, left=False)  # down L⁻¹
    return (half * left[:, :rank].T).float(), (half * down).float(), float(sizes[rank:].square().sum())


def sum_with(base: Mapping[str, Tensor], kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The base's tensors with what `difference` kept, float32. Raises `InvalidCheckpoint` if factors do not fit."""
    found = {name: value.float() for name, value in base.items()}
    found |= {name: value.float() for name, value in kept.items() if not name.endswith((UP, DOWN))}
    for name in sorted({key.removesuffix(UP).removesuffix(DOWN) for key in kept.keys() - found.keys()}):
        own, up, down = found.get(name), kept.get(name + UP), kept.get(name + DOWN)
        if own is None or up is None or down is None or not _fit(own, up, down):
            raise InvalidCheckpoint(f"The factors of {name} do not fit the model that they belong to; get it again.")
        found[name] = (own.double() + (up.double().T @ down.double()).reshape(own.shape)).float()
    return found


def _fit(own: Tensor, up: Tensor, down: Tensor) -> bool:
    """Whether factors (rank, rows) and (rank, columns) make a matrix of a tensor's rows."""
    sizes = up.ndim == down.ndim == 2 and own.ndim > 1
    return sizes and len(up) == len(down) and (up.shape[1], down.shape[1]) == tuple(own.flatten(1).shape)
