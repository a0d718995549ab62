"""Eight-bit storage of weights."""

from collections.abc import Mapping

import torch
from torch import Tensor

_SCALE = ".int8_scale"


def quantise(tensors: Mapping[str, Tensor], *, smallest: int = 4096) -> dict[str, Tensor]:
    """Store matrices and convolutions of at least `smallest` values in int8 with one scale a row; the rest in float32.

    `q = round(w / s)`, `s = max|w_row| / 127`: an error of at most s / 2 a value. A row is what makes one output: of
    a convolution (out, in, height, width), all of `w[i]`. The scales (float32) are stored under the tensor's name with
    the suffix `.int8_scale`.
    """
    stored: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if value.ndim in (2, 4) and value.numel() >= smallest:
            rows = value.float().flatten(1)
            scale = rows.abs().amax(1).clamp_min(1e-12) / 127
            stored[name] = torch.round(rows / scale[:, None]).to(torch.int8).reshape(value.shape)
            stored[name + _SCALE] = scale
        else:
            stored[name] = value.float()
    return stored


def dequantise(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Undo `quantise`; floating tensors of any width come back as float32."""
    return {
        name: _by_rows(value.float(), tensors[name + _SCALE]) if name + _SCALE in tensors else value.float()
        for name, value in tensors.items()
        if not name.endswith(_SCALE)
    }


def _by_rows(values: Tensor, scale: Tensor) -> Tensor:
    return values * scale.reshape(-1, *[1] * (values.ndim - 1))
