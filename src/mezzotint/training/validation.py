"""The loss on held-out pictures, at fixed noise."""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import replace

import torch
from torch import nn

from mezzotint.codecs.images import to_signed
from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.conditioning.text import TextConditioner
from mezzotint.data.heldout import densest_caption, heldout_rows
from mezzotint.data.sources import PictureSet
from mezzotint.diffusion.noise import Purpose, normal_at
from mezzotint.diffusion.process import PLAIN, Process
from mezzotint.diffusion.schedule import Schedule
from mezzotint.diffusion.solvers.coordinate import COORDINATES
from mezzotint.training.avatar_feed import AvatarFeed
from mezzotint.training.config import RunConfig
from mezzotint.training.features import CaptionFeatures
from mezzotint.training.methods.pretrain import noised_loss
from mezzotint.training.scene_feed import SceneFeed, Served

TIMES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""The noise levels, as sigma / (alpha + sigma): t on rectified flow, and the same noise on every other schedule."""
_SEED = 20_240_229
_CHUNK = 64


class Validation:
    """Loss by noise level over a fixed choice of held-out pictures, each with its densest caption and its style. It is
    the velocity's, whatever weighting a run minimises: at one noise level they differ by a factor only.

    Pictures, captions, noise and its levels never change, so two numbers differ only by the weights; noise and choice
    have a seed of their own, so that runs with other seeds, schedules and targets can be compared too. scenes, avatars:
    of held-out combinations; half as many of each are looked at as of pictures.
    """

    def __init__(
        self,
        run: RunConfig,
        pictures: PictureSet,
        features: CaptionFeatures,
        chunk: int = 64,
        scenes: SceneFeed | None = None,
        avatars: AvatarFeed | None = None,
    ) -> None:
        self.rows = heldout_rows(pictures, run.validation)
        self.run, self.pictures, self.features, self.chunk = run, pictures, features, chunk
        known = pictures.styles if avatars is None else avatars.styles
        self.styles = {style: i + 1 for i, style in enumerate(known)}
        feeds = {"scenes": scenes, "avatars": avatars}
        half = max(1, run.validation // 2)
        self.beside = {name: feed.fixed(half) for name, feed in feeds.items() if feed is not None}

    def __call__(self, network: nn.Module) -> dict[str, float]:
        """`{"0.1": loss, ..., "mean": loss}` of pictures, and "scenes" and "avatars", the means of those; empty if
        nothing is held out."""
        if not len(self.rows):
            return {}
        means = self._means(network, self.held_out())
        found = {**means, "mean": sum(means.values()) / len(means)}
        for name, served in self.beside.items():
            if len(served.pictures):
                losses = self._means(network, self._parts(served))
                found[name] = sum(losses.values()) / len(losses)
        return found

    def held_out(self) -> Iterator[Served]:
        """The held-out pictures, a chunk at a time."""
        network = self.run.network
        for start in range(0, len(self.rows), self.chunk):
            rows = self.rows[start : start + self.chunk]
            records = [self.pictures.records[int(row)] for row in rows]
            numbers = torch.tensor([self.features.index[densest_caption(r.captions)] for r in records])
            tokens, mask = self.features.batch(numbers, self.run.conditions.text_length)
            style = torch.tensor([self.styles.get(r.style or "", 0) for r in records])
            letters = torch.zeros(len(rows), network.word_length, dtype=torch.int64) if network.letters else None
            yield Served(torch.from_numpy(self.pictures.pictures[rows]), Conditioning(tokens, mask, style, letters))

    def _parts(self, served: Served) -> Iterator[Served]:
        for start in range(0, len(served.pictures), self.chunk):
            part = slice(start, start + self.chunk)
            yield Served(served.pictures[part], served.cond[part])

    def _means(self, network: nn.Module, chunks: Iterable[Served]) -> dict[str, float]:
        return mean_losses(network, chunks, self.run.precision, self.run.objective.floor, self.run.process)


def times_on(schedule: Schedule) -> tuple[float, ...]:
    """The times at which a schedule has the noise levels of `TIMES`; 1 for those beyond its noisiest."""
    levels = torch.tensor(TIMES, dtype=torch.float64)
    found = schedule.time(COORDINATES["flow"].log_snr(levels)).clamp_max(1.0)
    return tuple(float(t) for t in found)


def mean_losses(
    network: nn.Module, chunks: Iterable[Served], precision: str, floor: float, process: Process = PLAIN
) -> dict[str, float]:
    """The mean loss at each of `TIMES`. Noise is a function of the place among the pictures, so that it never changes,
    and a picture that comes again has other noise."""
    device = next(network.parameters()).device
    totals, count = dict.fromkeys(TIMES, 0.0), 0
    with torch.inference_mode():
        for chunk in chunks:
            x0, cond = to_signed(chunk.pictures).to(device), chunk.cond.to(device)
            numbers = count + torch.arange(len(x0), device=device)
            for level, t in enumerate(times_on(process.schedule)):
                eps = normal_at(_SEED, numbers * len(TIMES) + level, Purpose.EVALUATION, x0.shape[1:])
                times = torch.full((len(x0),), t, device=device)
                losses = noised_loss(network, x0, eps, times, cond, precision, floor, process)
                totals[TIMES[level]] += float(losses.sum())
            count += len(x0)
    return {str(t): total / count for t, total in totals.items()}


def heldout_losses(
    network: nn.Module,
    text: TextConditioner,
    pictures: PictureSet,
    count: int = 1024,
    floor: float = 0.05,
    process: Process = PLAIN,
) -> dict[str, float]:
    """`{"0.1": loss, ..., "mean": loss}` of a finished network, as `Validation` measures it in training.

    text gives captions and styles as the network reads them. In float32, over `count` pictures. Two networks' numbers
    differ by the networks only, whatever trained them.
    """
    if any(parameter.dtype != torch.float32 for parameter in network.parameters()):
        network = deepcopy(network).float()  # a model that draws in half precision is measured in full
    means = mean_losses(network, _captioned(text, pictures, count), "fp32", floor, process)
    return {**means, "mean": sum(means.values()) / len(means)}


def _captioned(text: TextConditioner, pictures: PictureSet, count: int) -> Iterator[Served]:
    rows, known = heldout_rows(pictures, count), set(text.styles)
    for start in range(0, len(rows), _CHUNK):
        some = rows[start : start + _CHUNK]
        records = [pictures.records[int(row)] for row in some]
        captions = [densest_caption(record.captions) for record in records]
        cond = text(captions, [r.style if r.style in known else None for r in records])
        # captions of icons quote names, not what is to be written: they have no letters
        letters = None if cond.letters is None else torch.zeros_like(cond.letters)
        yield Served(torch.from_numpy(pictures.pictures[some]), replace(cond, letters=letters))
