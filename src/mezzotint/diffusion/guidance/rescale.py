"""Guidance rescale: the contrast of the conditional prediction."""

from dataclasses import dataclass
from typing import TypeVar, get_args

import torch
from torch import Tensor

from mezzotint.diffusion.denoiser import Denoiser, Revised
from mezzotint.diffusion.guidance.base import GuidanceRecord, check_number, conditional, steered
from mezzotint.diffusion.prediction import Prediction, Target
from mezzotint.errors import unknown_name

__all__ = ["RECORD", "Rescale"]

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Rescale:
    """u' = (1 − amount) u + amount u std(cond) / std(u), u the guided prediction; std over one picture. 0 = off.

    Lin et al. 2023, arXiv 2305.08891, section 3.4 (amount 0.7 there). `target` says in what the prediction is taken,
    since the scaling of x_0, of eps and of v differ; the paper's network predicts v. With "eps" InvalidOption at
    alpha = 0, where eps says nothing of x_0. Raises InvalidOption for an amount outside [0, 1] or an unknown target.
    """

    amount: float = 0.0
    target: Target = "v"

    def __post_init__(self) -> None:
        check_number("rescale", "amount", self.amount, 0, 1)
        if self.target not in get_args(Target):
            raise unknown_name("prediction target", self.target, get_args(Target))

    def wrap(self, denoiser: Denoiser[C], plain: Denoiser[C]) -> Denoiser[C]:
        return denoiser if self.amount == 0 else Revised(denoiser, self._rescaled)

    def _rescaled(self, whole: Prediction) -> Prediction:
        plain = conditional(whole)
        if plain is whole:
            return whole  # nothing steered it
        output = _said(whole, self.target)
        ratio = _std(_said(plain, self.target)) / _std(output).clamp_min(1e-30)
        scaled = torch.lerp(output, ratio * output, self.amount)
        return steered(whole, Prediction.from_output(scaled, self.target, whole.x_t, whole.level).x0)


def _said(prediction: Prediction, target: Target) -> Tensor:
    said: Tensor = getattr(prediction, target)
    return said


def _std(x: Tensor) -> Tensor:
    return x.flatten(1).std(1).reshape(-1, *[1] * (x.ndim - 1))


RECORD = GuidanceRecord(
    "rescale", "modifier", Rescale, evaluations=0, source="Lin et al. 2023, arXiv 2305.08891, section 3.4"
)
