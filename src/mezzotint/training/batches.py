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
from mezzotint.diffusion.objective import TimeDensity
from mezzotint.training.augment import augmented
from mezzotint.training.avatar_feed import AvatarFeed
from mezzotint.training.config import RunConfig
from mezzotint.training.features import CaptionFeatures
from mezzotint.training.objective import density_of
from mezzotint.training.scene_feed import SceneFeed, Served, Unread
from mezzotint.training.transfer import sent, sent_prompt

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


@dataclass(frozen=True, slots=True)
class RawBatch:
    """What a batch is made of, on the CPU, before anything is embedded.

    draws, t as in `Batch`; places (B,): rows among the run's pictures; captions, styles (B,): their numbers;
    choice, no_text, no_style (B,): how captions are picked, and which of them and of the styles are left out;
    scenes: which pictures are scenes, and what the feed gave for them.
    """

    draws: Tensor
    t: Tensor
    places: Tensor
    captions: Tensor
    styles: Tensor
    choice: Tensor
    no_text: Tensor
    no_style: Tensor
    scenes: tuple[Tensor, tuple[Tensor, Unread, Tensor]] | None


class Batches:
    """Batches of a run. `at(counter)` depends on the run's seed and the counter only, so a resumed run sees the same.

    Times come from the golden-ratio sequence `u_n = frac(u_0 + n (√5 − 1)/2)` through the density's quantile function:
    every stretch of it is spread evenly, which lowers the variance of the loss (Kingma et al. 2021, VDM, app. I.1).
    scenes: where the share `data.scenes` of the pictures comes from; the number of a scene is that of its draw, or with
    `data.echo` that of the draw in its place of the first of so many updates.
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
        self.density = density_of(run.objective, run.process.schedule)
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
        return self.ready(self.raw(counter))

    def raw(self, counter: int) -> RawBatch:
        """What that batch is made of: all the work that needs neither the text encoder nor the run's device."""
        run, seed = self.run, self.run.seed
        places = torch.from_numpy(rows_at(seed, counter, run.batch, len(self.rows)))
        draws = torch.arange(counter, counter + run.batch)
        choice = philox_uniform(seed, draws, Purpose.CAPTION)
        captions = self._captions[self._first[places] + (choice * self._counts[places]).long()]
        neither, text, style = (philox_uniform(seed, draws, Purpose.DROPOUT, which) for which in range(3))
        bare = neither < run.conditions.drop_both
        no_text = bare | (text < run.conditions.drop_text)
        no_style = bare | (style < run.conditions.drop_style)
        scenes = None
        if self.scenes is not None:
            first = self._shown_first(draws)
            chosen = torch.nonzero(philox_uniform(seed, first, Purpose.CAPTION, 1) < run.data.scenes)[:, 0]
            if len(chosen):
                numbers = first[chosen].tolist()
                scenes = chosen, self.scenes.raw(numbers, choice[chosen], no_text[chosen], no_style[chosen])
        return RawBatch(
            draws=draws,
            t=times_at(seed, draws, self.density).float(),
            places=places,
            captions=torch.where(no_text, self.features.index[""], captions),
            styles=torch.where(no_style, 0, self._styles[places]),
            choice=choice,
            no_text=no_text,
            no_style=no_style,
            scenes=scenes,
        )

    def ready(self, raw: RawBatch) -> Batch:
        """The batch, on the run's device."""
        run, device = self.run, self.device
        rows = self.rows[raw.places.numpy()]
        pictures = (
            torch.from_numpy(self.pictures.pictures[rows])
            if self._resident is None
            else self._resident[sent(raw.places, device)]
        )
        tokens, mask = self.features.batch(sent(raw.captions, device), run.conditions.text_length)
        # captions of icons quote names, not what is to be written: they have no letters
        letters = torch.zeros(run.batch, run.network.word_length, dtype=torch.int64) if run.network.letters else None
        signed, labels = to_signed(pictures), None
        if run.augment.share:
            signed, labels = augmented(signed, run.seed, raw.draws, run.augment)
        elif run.network.augments:
            labels = torch.zeros(run.batch, run.network.augments)  # not changed
        batch = Batch(
            pictures=signed,
            cond=sent_prompt(Conditioning(tokens, mask, raw.styles, letters, labels), device),
            t=sent(raw.t, device),
            draws=sent(raw.draws, device),
            rows=rows,
        )
        if self.avatars is not None:
            chosen = torch.nonzero(philox_uniform(run.seed, raw.draws, Purpose.CAPTION, 2) < run.data.avatars)[:, 0]
            numbers = raw.draws[chosen].tolist()
            if numbers:
                served = self.avatars(numbers, raw.choice[chosen], raw.no_text[chosen], raw.no_style[chosen])
                batch = _with(batch, chosen, served, len(self.pictures) + np.array(self.avatars.rows(numbers)))
        if raw.scenes is not None:  # last, in place of avatars too
            assert self.scenes is not None
            chosen, composed = raw.scenes
            first = self._shown_first(raw.draws)[chosen]
            batch = _with(batch, chosen, self.scenes.ready(composed), -1 - first.numpy())
        return batch

    def _shown_first(self, draws: Tensor) -> Tensor:
        """The draws (B,) in whose places the scenes of a batch's draws (B,) were shown first."""
        batch = self.run.batch
        return draws - batch * (int(draws[0]) // batch % self.run.data.echo)

    def named(self, row: int) -> str:
        """What the picture of a batch's row is called, for messages."""
        if self.avatars is not None and row >= len(self.pictures):
            return self.avatars.pictures.records[row - len(self.pictures)].id
        return self.pictures.records[row].id if row >= 0 else f"scene {-1 - row}"


def _with(batch: Batch, chosen: Tensor, served: Served, rows: NDArray[np.int64]) -> Batch:
    """The batch with what a feed served in the chosen places (n,), where its rows are `rows` (n,)."""
    device = batch.pictures.device
    there = sent(chosen, device)
    batch.pictures[there] = to_signed(sent(served.pictures, device))
    for ours, theirs in (
        (batch.cond.tokens, served.cond.tokens),
        (batch.cond.mask, served.cond.mask),
        (batch.cond.style, served.cond.style),
        (batch.cond.letters, served.cond.letters),
    ):
        if ours is not None and theirs is not None:
            ours[there] = sent(theirs, device)
    if batch.cond.augment is not None:
        batch.cond.augment[there] = 0
    changed = batch.rows.copy()
    changed[chosen.numpy()] = rows
    return replace(batch, rows=changed)


def times_at(seed: int, draws: Tensor, density: TimeDensity) -> Tensor:
    """The times of pictures number `draws` (B,) of a training, float64: see `Batches`."""
    first = philox_uniform(seed, torch.zeros(1, dtype=torch.int64), Purpose.TRAIN_TIME)
    return density.quantile((first + draws.double() * GOLDEN).frac().clamp(1e-6, 1 - 1e-6))
