"""The batch number n of a run, as a pure function of n."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.data.order import rows_at
from mezzotint.data.sources import PictureSet
from mezzotint.diffusion.noise import Purpose, philox_uniform
from mezzotint.diffusion.objective import LogitNormal
from mezzotint.training.config import RunConfig
from mezzotint.training.features import CaptionFeatures

GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch of training: pictures, prompts, times, and the draws that name their noise.

    pictures (B, 4, 1, H, W) in [-1, 1]; t (B,) float32; draws (B,) int64: the numbers of the pictures since training
    began; rows (B,): their rows in the data set, for messages.
    """

    pictures: Tensor
    cond: Conditioning
    t: Tensor
    draws: Tensor
    rows: NDArray[np.int64]


class Batches:
    """Batches of a run. `at(counter)` depends on the run's seed and the counter only, so a resumed run sees the same.

    Times come from the golden-ratio sequence `u_n = frac(u_0 + n (√5 − 1)/2)` through the density's quantile function:
    every stretch of it is spread evenly, which lowers the variance of the loss (Kingma et al. 2021, VDM, app. I.1).
    """

    def __init__(
        self, run: RunConfig, pictures: PictureSet, features: CaptionFeatures, rows: NDArray[np.int64]
    ) -> None:
        self.run = run
        self.pictures = pictures
        self.features = features
        self.rows = rows
        self.styles = {style: i + 1 for i, style in enumerate(pictures.styles)}
        self.density = LogitNormal(run.objective.time_mean, run.objective.time_std)

    def at(self, counter: int) -> Batch:
        """The batch that starts with picture number `counter` since training began."""
        run, seed = self.run, self.run.seed
        rows = self.rows[rows_at(seed, counter, run.batch, len(self.rows))]
        draws = torch.arange(counter, counter + run.batch)
        choose = philox_uniform(seed, draws, Purpose.CAPTION)
        no_text = philox_uniform(seed, draws, Purpose.DROPOUT, 0) < run.conditions.drop_text
        no_style = philox_uniform(seed, draws, Purpose.DROPOUT, 1) < run.conditions.drop_style
        captions, styles = [], []
        for i, row in enumerate(rows):
            record = self.pictures.records[int(row)]
            caption = record.captions[int(choose[i] * len(record.captions))]
            captions.append("" if no_text[i] else caption)
            styles.append(0 if no_style[i] or record.style is None else self.styles[record.style])
        tokens, mask = self.features.batch(captions, run.conditions.text_length)
        first = philox_uniform(seed, torch.zeros(1, dtype=torch.int64), Purpose.TRAIN_TIME)
        u = (first + draws.double() * GOLDEN).frac().clamp(1e-6, 1 - 1e-6)
        return Batch(
            pictures=to_signed(self.pictures.pictures[rows]),
            cond=Conditioning(tokens=tokens, mask=mask, style=torch.tensor(styles)),
            t=self.density.quantile(u).float(),
            draws=draws,
            rows=rows,
        )


def to_signed(pictures: NDArray[np.uint8]) -> Tensor:
    """uint8 (B, H, W, C) to float32 (B, C, 1, H, W) in [-1, 1]: `x = p / 127.5 - 1`."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)[:, :, None].float() / 127.5 - 1
