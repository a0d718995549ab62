"""Eight-bit storage of weights."""

from collections.abc import Mapping

import torch
from torch import Tensor

_SCALE = ".int8_scale"


def quantise(tensors: Mapping[str, Tensor], *, smallest: int = 4096) -> dict[str, Tensor]:
    """Store every matrix of at least `smallest` values in int8 with one scale a row; keep the rest in float32.

    `q = round(w / s)`, `s = max|w_row| / 127`: an error of at most s / 2 a value. The scales (float32) are stored
    under the tensor's name with the suffix `.int8_scale`.
    """
    stored: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if value.ndim == 2 and value.numel() >= smallest:
            scale = value.float().abs().amax(1).clamp_min(1e-12) / 127
            stored[name] = torch.round(value.float() / scale[:, None]).to(torch.int8)
            stored[name + _SCALE] = scale
        else:
            stored[name] = value.float()
    return stored


def dequantise(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Undo `quantise`; floating tensors of any width come back as float32."""
    return {
        name: value.float() * tensors[name + _SCALE][:, None] if name + _SCALE in tensors else value.float()
        for name, value in tensors.items()
        if not name.endswith(_SCALE)
    }
