"""The batch number n of a run, as a pure function of n."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mezzotint.codecs.images import to_signed
from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.data.order import rows_at
from mezzotint.data.sources import PictureSet
from mezzotint.diffusion.noise import Purpose, philox_uniform
from mezzotint.diffusion.objective import LogitNormal, TimeDensity
from mezzotint.training.augment import augmented
from mezzotint.training.avatar_feed import AvatarFeed
from mezzotint.training.config import RunConfig
from mezzotint.training.features import CaptionFeatures
from mezzotint.training.scene_feed import SceneFeed

GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch of training: pictures, prompts, times, and the draws that name their noise.

    pictures (B, 4, 1, H, W) in [-1, 1]; t (B,) float32; draws (B,) int64: the numbers of the pictures since training
    began; rows (B,): their rows in the data set, for messages; an avatar has the size of the set + its own row, a
    composed scene -1 - its number.
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
    scenes: where the share `data.scenes` of the pictures comes from; the number of a scene is that of its draw.
    avatars: where the share `data.avatars` of the others comes from.
    """

    def __init__(
        self,
        run: RunConfig,
        pictures: PictureSet,
        features: CaptionFeatures,
        rows: NDArray[np.int64],
        device: torch.device,
        scenes: SceneFeed | None = None,
        avatars: AvatarFeed | None = None,
    ) -> None:
        self.run, self.pictures, self.rows, self.device = run, pictures, rows, device
        self.scenes, self.avatars = scenes, avatars
        self.density = LogitNormal(run.objective.time_mean, run.objective.time_std)
        self.features = features.to(device)
        known = pictures.styles if avatars is None else avatars.styles
        styles = {style: i + 1 for i, style in enumerate(known)}
        records = [pictures.records[int(row)] for row in rows]
        self._styles = torch.tensor([styles[r.style] if r.style else 0 for r in records])
        self._counts = torch.tensor([len(r.captions) for r in records])
        self._first = torch.cumsum(self._counts, 0) - self._counts
        self._captions = torch.tensor([features.index[c] for r in records for c in r.captions])
        # a GPU keeps the whole set in its memory; a CPU reads it from the page cache
        self._resident = torch.from_numpy(pictures.pictures[rows]).to(device) if device.type != "cpu" else None

    def at(self, counter: int) -> Batch:
        """The batch that starts with picture number `counter` since training began."""
        run, seed = self.run, self.run.seed
        places = torch.from_numpy(rows_at(seed, counter, run.batch, len(self.rows)))
        draws = torch.arange(counter, counter + run.batch)
        choice = philox_uniform(seed, draws, Purpose.CAPTION)
        captions = self._captions[self._first[places] + (choice * self._counts[places]).long()]
        neither, text, style = (philox_uniform(seed, draws, Purpose.DROPOUT, which) for which in range(3))
        bare = neither < run.conditions.drop_both
        no_text = bare | (text < run.conditions.drop_text)
        no_style = bare | (style < run.conditions.drop_style)
        captions = torch.where(no_text, self.features.index[""], captions).to(self.device)
        styles = torch.where(no_style, 0, self._styles[places]).to(self.device)
        rows = self.rows[places.numpy()]
        pictures = (
            torch.from_numpy(self.pictures.pictures[rows])
            if self._resident is None
            else self._resident[places.to(self.device)]
        )
        tokens, mask = self.features.batch(captions, run.conditions.text_length)
        # captions of icons quote names, not what is to be written: they have no letters
        letters = torch.zeros(run.batch, run.network.word_length, dtype=torch.int64) if run.network.letters else None
        signed, labels = to_signed(pictures), None
        if run.augment.share:
            signed, labels = augmented(signed, seed, draws, run.augment)
        batch = Batch(
            pictures=signed,
            cond=Conditioning(tokens, mask, styles, letters, labels).to(self.device),
            t=times_at(seed, draws, self.density).float().to(self.device),
            draws=draws.to(self.device),
            rows=rows,
        )
        for feed, which, share in ((self.avatars, 2, run.data.avatars), (self.scenes, 1, run.data.scenes)):
            if feed is not None:  # scenes come last, in place of avatars too
                chosen = torch.nonzero(philox_uniform(seed, draws, Purpose.CAPTION, which) < share)[:, 0]
                batch = self._with(feed, batch, chosen, (choice, no_text, no_style))
        return batch

    def named(self, row: int) -> str:
        """What the picture of a batch's row is called, for messages."""
        if self.avatars is not None and row >= len(self.pictures):
            return self.avatars.pictures.records[row - len(self.pictures)].id
        return self.pictures.records[row].id if row >= 0 else f"scene {-1 - row}"

    def _with(
        self, feed: SceneFeed | AvatarFeed, batch: Batch, chosen: Tensor, how: tuple[Tensor, Tensor, Tensor]
    ) -> Batch:
        """The batch with what a feed serves in the chosen places. how: choice, no_text, no_style of the whole batch."""
        if not len(chosen):
            return batch
        numbers = batch.draws.cpu()[chosen]
        choice, no_text, no_style = how
        served = feed(numbers.tolist(), choice[chosen], no_text[chosen], no_style[chosen])
        there = chosen.to(self.device)
        batch.pictures[there] = to_signed(served.pictures.to(self.device))
        for ours, theirs in (
            (batch.cond.tokens, served.cond.tokens),
            (batch.cond.mask, served.cond.mask),
            (batch.cond.style, served.cond.style),
            (batch.cond.letters, served.cond.letters),
        ):
            if ours is not None and theirs is not None:
                ours[there] = theirs.to(self.device)
        if batch.cond.augment is not None:
            batch.cond.augment[there] = 0
        rows = batch.rows.copy()
        if isinstance(feed, AvatarFeed):
            rows[chosen.numpy()] = len(self.pictures) + np.array(feed.rows(numbers.tolist()))
        else:
            rows[chosen.numpy()] = -1 - numbers.numpy()
        return replace(batch, rows=rows)


def times_at(seed: int, draws: Tensor, density: TimeDensity) -> Tensor:
    """The times of pictures number `draws` (B,) of a training, float64: see `Batches`."""
    first = philox_uniform(seed, torch.zeros(1, dtype=torch.int64), Purpose.TRAIN_TIME)
    return density.quantile((first + draws.double() * GOLDEN).frac().clamp(1e-6, 1 - 1e-6))
