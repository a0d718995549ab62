"""The loss on held-out pictures, at fixed noise."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.data.order import epoch_order
from mezzotint.data.sources import PictureSet
from mezzotint.diffusion.noise import Purpose, normal_at
from mezzotint.training.batches import to_signed
from mezzotint.training.config import RunConfig
from mezzotint.training.features import CaptionFeatures
from mezzotint.training.methods.pretrain import noised_loss

TIMES = (0.1, 0.3, 0.5, 0.7, 0.9)
_SEED = 20_240_229


class Validation:
    """Loss by noise level over a fixed choice of held-out pictures, each with its densest caption and its style.

    Pictures, captions and noise never change, so two numbers differ only by the weights; noise and choice have a seed
    of their own, so that runs with different seeds can be compared too.
    """

    def __init__(self, run: RunConfig, pictures: PictureSet, features: CaptionFeatures, chunk: int = 64) -> None:
        self.rows = validation_rows(pictures, run.validation)
        self.run, self.pictures, self.features, self.chunk = run, pictures, features, chunk
        self.styles = {style: i + 1 for i, style in enumerate(pictures.styles)}

    def __call__(self, network: nn.Module) -> dict[str, float]:
        """`{"0.1": loss, ..., "mean": loss}`; empty if nothing is held out."""
        if not len(self.rows):
            return {}
        device = next(network.parameters()).device
        totals = dict.fromkeys(TIMES, 0.0)
        with torch.inference_mode():
            for start in range(0, len(self.rows), self.chunk):
                rows = self.rows[start : start + self.chunk]
                records = [self.pictures.records[int(row)] for row in rows]
                numbers = torch.tensor([self.features.index[validation_caption(r.captions)] for r in records])
                tokens, mask = self.features.batch(numbers, self.run.conditions.text_length)
                style = torch.tensor([self.styles.get(r.style or "", 0) for r in records])
                cond = Conditioning(tokens, mask, style).to(device)
                x0 = to_signed(torch.from_numpy(self.pictures.pictures[rows])).to(device)
                for level, t in enumerate(TIMES):
                    draws = (start + torch.arange(len(rows), device=device)) * len(TIMES) + level
                    eps = normal_at(_SEED, draws, Purpose.EVALUATION, x0.shape[1:])
                    times = torch.full((len(rows),), t, device=device)
                    args = (x0, eps, times, cond, self.run.precision, self.run.objective.floor)
                    totals[t] += float(noised_loss(network, *args).sum())
        means = {str(t): total / len(self.rows) for t, total in totals.items()}
        return {**means, "mean": sum(means.values()) / len(means)}


def validation_rows(pictures: PictureSet, count: int) -> NDArray[np.int64]:
    """The held-out pictures that validation looks at: a fixed choice of at most `count`."""
    rows = pictures.split("heldout")
    return rows[epoch_order(_SEED, 0, len(rows))[:count]]


def validation_caption(captions: tuple[str, ...]) -> str:
    """The caption that validation gives: the longest."""
    return max(captions, key=len)
