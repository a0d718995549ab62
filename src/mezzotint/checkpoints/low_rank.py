"""Weights as what they differ in from another model's: two thin factors for each matrix, and what that lacks whole.

A model that began as another one, such as a student, is a small file then. The difference D = W − W' of a matrix
(rows, columns) is kept as `up`ᵀ `down`, (rank, rows) and (rank, columns): the first `rank` parts of its singular value
decomposition, which is nearest to it of all matrices of that rank (Eckart & Young 1936, doi 10.1007/BF02288367).
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from mezzotint.errors import InvalidCheckpoint

__all__ = ["DOWN", "UP", "difference", "sum_with"]

DOWN, UP = ".low_rank_down", ".low_rank_up"


def difference(weights: Mapping[str, Tensor], base: Mapping[str, Tensor], rank: int) -> tuple[dict[str, Tensor], float]:
    """What `sum_with` makes the weights from again, nearly, and the share of the difference that it lacks.

    Tensors that are the base's are left out. Vectors, tensors that the base has not, or in another shape, and matrices
    that factors of the rank would not make smaller are kept whole. A convolution (out, in, height, width) is a matrix
    of its rows `w[i]`. The share is that of the squares' root, over all tensors that both have.
    """
    kept, lacking, total = dict[str, Tensor](), 0.0, 0.0
    for name, value in weights.items():
        other = base.get(name)
        if other is None or other.shape != value.shape:
            kept[name] = value.float()
            continue
        apart = value.double() - other.double()
        square = float(apart.square().sum())
        total += square
        if not square:
            continue
        rows = apart.flatten(1) if apart.ndim > 1 else apart[None]
        if apart.ndim < 2 or rank * (rows.shape[0] + rows.shape[1]) >= rows.numel():
            kept[name] = value.float()
            continue
        left, sizes, right = torch.linalg.svd(rows, full_matrices=False)
        root = sizes[:rank].sqrt()[:, None]
        kept[name + UP], kept[name + DOWN] = (root * left[:, :rank].T).float(), (root * right[:rank]).float()
        lacking += float(sizes[rank:].square().sum())
    return kept, math.sqrt(lacking / total) if total else 0.0


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
