"""Dynamic thresholding: keeps a strongly guided x_0 within the range of pictures."""

from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser, Revised
from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number, steered
from mezzotint.diffusion.prediction import Prediction

__all__ = ["RECORD", "DynamicThresholding"]

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class DynamicThresholding:
    """x_0 ← limit clamp(x_0, −s, s) / s,   s = max(limit, the share `percentile` of |x_0| of this picture).

    None (the default) is off. For pixels in [−1, 1]; for latents set `limit` to their range.
    Saharia et al. 2022 (Imagen), arXiv 2205.11487, section 2.3 (percentile 0.995). Raises InvalidOption for a
    percentile outside [0, 1] or a limit that is not positive.
    """

    percentile: float | None = None
    limit: float = 1.0

    def __post_init__(self) -> None:
        if self.percentile is not None:
            check_number("dynamic-thresholding", "percentile", self.percentile, 0, 1)
        check_number("dynamic-thresholding", "limit", self.limit, low=1e-6)

    def wrap(self, denoiser: Denoiser[C], plain: Denoiser[C]) -> Denoiser[C]:
        return (
            denoiser if self.percentile is None else Revised(denoiser, partial(_limited, self.percentile, self.limit))
        )


def _limited(percentile: float, limit: float, whole: Prediction) -> Prediction:
    x0 = whole.x0
    reach = _quantile(x0.abs().flatten(1), percentile).clamp_min(limit)
    reach = reach.reshape(-1, *[1] * (x0.ndim - 1))
    inside = torch.maximum(torch.minimum(x0, reach), -reach)
    return steered(whole, limit / reach * inside)


def _quantile(x: Tensor, share: float) -> Tensor:
    """The share of each row, interpolated between neighbours; `torch.quantile` refuses more than 2^24 elements."""
    ordered = x.sort(dim=1).values
    place = share * (x.shape[1] - 1)
    low = int(place)
    high = min(low + 1, x.shape[1] - 1)
    return torch.lerp(ordered[:, low], ordered[:, high], place - low)


RECORD = GuidanceRecord(
    "dynamic-thresholding",
    "modifier",
    DynamicThresholding,
    evaluations=0,
    source="Saharia et al. 2022, arXiv 2205.11487, section 2.3",
)
