"""Batches and validation of an upscaler's run: parts of large pictures, and what they look like when they are small."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint.codecs.images import to_signed
from mezzotint.data.heldout import heldout_rows
from mezzotint.data.large import partner
from mezzotint.data.order import rows_at
from mezzotint.data.pixels import Bytes
from mezzotint.data.sources import PictureSet
from mezzotint.diffusion.noise import Purpose, normal_at, philox_uniform
from mezzotint.diffusion.objective import LogitNormal
from mezzotint.families.pixel_upscaler import PixelUpscaler, lanczos
from mezzotint.training.batches import times_at
from mezzotint.training.config import UpscalerRun
from mezzotint.training.degrade import degraded
from mezzotint.training.methods.upscale import upscaling_losses
from mezzotint.training.validation import TIMES

__all__ = ["Enlargements", "EnlargingBatches", "EnlargingCheck"]

_SEED = 20_240_229
_CHUNK = 32


@dataclass(frozen=True, slots=True)
class Enlargements:
    """Large pictures (B, 4, 1, crop, crop) and small ones (B, 4, 1, crop / scale, crop / scale), both in [-1, 1].

    t (B,) float32; draws (B,) int64: the numbers of the pictures since training began; rows (B,): their rows in the
    data set, for messages.
    """

    pictures: Tensor
    small: Tensor
    t: Tensor
    draws: Tensor
    rows: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RawParts:
    """Parts of large pictures, uint8 (B, crop, crop, 4), as they are; draws and rows as in `Enlargements`."""

    parts: Tensor
    draws: Tensor
    rows: NDArray[np.int64]


class EnlargingBatches:
    """Batches of a run. `at(counter)` is a pure function of the run's seed and the counter.

    Each large picture is a part of one of the set, anywhere, perhaps mirrored; the small one is its partner (means of
    scale × scale pixels), spoiled (`degraded`).
    """

    def __init__(
        self, run: UpscalerRun, pictures: PictureSet, rows: NDArray[np.int64], device: torch.device | str = "cpu"
    ) -> None:
        self.run, self.pictures, self.rows, self.device = run, pictures, rows, torch.device(device)
        self.density = LogitNormal(run.time_mean, run.time_std)

    def at(self, counter: int) -> Enlargements:
        """The batch that starts with picture number `counter` since training began."""
        return self.ready(self.raw(counter))

    def raw(self, counter: int) -> RawParts:
        """The parts that the batch is made of, on the CPU."""
        run = self.run
        rows = self.rows[rows_at(run.seed, counter, run.batch, len(self.rows))]
        draws = torch.arange(counter, counter + run.batch)
        u = philox_uniform(run.seed, draws[:, None], Purpose.AUGMENT, torch.arange(3)[None]).numpy()
        free = run.network.size - run.crop + 1
        parts = []
        for row, (down, across, mirror) in zip(rows.tolist(), u, strict=True):
            top, left = int(down * free), int(across * free)
            part = self.pictures.pictures[row, top : top + run.crop, left : left + run.crop]
            parts.append(part[:, ::-1] if mirror < 0.5 else part)
        return RawParts(torch.from_numpy(np.stack(parts)), draws, rows)

    def ready(self, raw: RawParts) -> Enlargements:
        """The batch, on the run's device."""
        run, draws = self.run, raw.draws.to(self.device)
        large = raw.parts.to(self.device).permute(0, 3, 1, 2).float() / 255
        u = philox_uniform(run.seed, draws[:, None], Purpose.AUGMENT, 3 + torch.arange(4, device=self.device)[None])
        backed = (u[:, :1] < run.degrade.backed)[:, :, None, None]
        behind = u[:, 1:, None, None].float()
        over = torch.cat([large[:, :3] + (1 - large[:, 3:]) * behind, torch.ones_like(large[:, 3:])], dim=1)
        large = torch.where(backed, over, large)
        small = degraded(F.avg_pool2d(large, run.network.scale), run.seed, draws, run.degrade)
        t = times_at(run.seed, raw.draws, self.density).float().to(self.device)
        return Enlargements((large * 2 - 1)[:, :, None], (small * 2 - 1)[:, :, None], t, draws, raw.rows)

    def named(self, row: int) -> str:
        """What the picture of a batch's row is called, for messages."""
        return self.pictures.records[row].id


class EnlargingCheck:
    """How well held-out pictures are enlarged, the middles of them, from small ones that nothing befell.

    "0.1" to "0.9", "mean": the loss by noise level, at fixed noise. "psnr": of what one evaluation says in pure noise,
    against the large picture, in dB over premultiplied colours and cover; "lanczos": of Lanczos's filter.
    """

    def __init__(self, run: UpscalerRun, pictures: PictureSet) -> None:
        self.run, self.pictures = run, pictures
        self.rows = heldout_rows(pictures, run.validation)

    def __call__(self, network: nn.Module) -> dict[str, float]:
        """The numbers by name; empty if nothing is held out."""
        assert isinstance(network, PixelUpscaler)
        if not len(self.rows):
            return {}
        levels = () if self.run.regression else TIMES
        device = next(network.parameters()).device
        totals = dict.fromkeys((*levels, 1.0), 0.0)
        wrong = {"psnr": 0.0, "lanczos": 0.0}
        with torch.inference_mode():
            for numbers, large, small in self._chunks(device):
                for place, t in enumerate(totals):
                    times = torch.full((len(large),), t, device=device)
                    eps = normal_at(_SEED, numbers * len(totals) + place, Purpose.EVALUATION, large.shape[1:])
                    losses, said = upscaling_losses(network, self.run, large, small, eps, times)
                    totals[t] += float(losses.sum())
                wrong["psnr"] += _error(said, large)  # the last is at t = 1
                wrong["lanczos"] += _error(lanczos(small.squeeze(2), self.run.network.scale)[:, :, None], large)
        count = len(self.rows)
        found = {str(t): total / count for t, total in totals.items() if t in levels or not levels}
        found["mean"] = sum(found.values()) / len(found)
        return found | {name: -10 * float(np.log10(max(total / count, 1e-12))) for name, total in wrong.items()}

    def _chunks(self, device: torch.device) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Numbers, large pictures and small ones."""
        size, crop = self.run.network.size, self.run.crop
        begin = (size - crop) // 2
        middle = slice(begin, begin + crop)
        for start in range(0, len(self.rows), _CHUNK):
            rows = self.rows[start : start + _CHUNK]
            parts = self.pictures.pictures[rows][:, middle, middle]
            small = partner(parts, self.run.network.scale)
            numbers = torch.arange(start, start + len(rows), device=device)
            yield numbers, _signed(parts).to(device), _signed(small).to(device)


def _signed(parts: Bytes) -> Tensor:
    return to_signed(torch.from_numpy(np.ascontiguousarray(parts)))


def _error(said: Tensor, truth: Tensor) -> float:
    """The mean squared errors of pictures, in units of the whole range, summed."""
    return float(((said.clamp(-1, 1) - truth) / 2).square().flatten(1).mean(1).sum())
