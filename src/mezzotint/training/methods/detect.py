"""The losses of a detector, a picture at a time."""

import contextlib
from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from mezzotint.families.icon_detector import IconDetector, Maps
from mezzotint.training.config import DetectorRun
from mezzotint.training.marks import UNSAID, Marks

__all__ = ["Detect", "detection_losses", "overlap", "peak_loss", "peaks_wanted"]


def peaks_wanted(marks: Marks, count: int, rows: int, columns: int) -> Tensor:
    """What a map of peaks should be, (count, rows, columns): `max exp(−d² / 2s²)` over a picture's marks, 1 at middles.

    d: distance to the cell of the mark's middle; s: a sixth of the shorter side of its box, at least 0.6 cells.
    Source: Zhou et al. 2019 (CenterNet), section 3.
    """
    device = marks.box.device
    wanted = torch.zeros(count, rows * columns, device=device)
    if not len(marks.picture):
        return wanted.reshape(count, rows, columns)
    sides = (marks.box[:, 2:] - marks.box[:, :2]).amin(1)
    spread = (sides / 6).clamp_min(0.6)[:, None, None]
    x, y = (marks.middle[:, axis, None, None] for axis in (0, 1))
    row = torch.arange(rows, device=device)[None, :, None]
    column = torch.arange(columns, device=device)[None, None, :]
    bumps = torch.exp(-((row - y) ** 2 + (column - x) ** 2) / (2 * spread**2)).flatten(1)
    wanted.scatter_reduce_(0, marks.picture[:, None].expand_as(bumps), bumps, "amax")
    return wanted.reshape(count, rows, columns)


def peak_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Focal loss of peaks, (B,): `−(1 − p)² log p` at middles, `−(1 − y)⁴ p² log(1 − p)` elsewhere, summed.

    logits, wanted (B, rows, columns). Divided by the number of middles of a picture (at least 1).
    Source: Zhou et al. 2019 (CenterNet), equation 1, with its alpha = 2 and beta = 4.
    """
    p = logits.sigmoid()
    middle = wanted == 1
    at = -((1 - p) ** 2) * F.logsigmoid(logits)
    elsewhere = -((1 - wanted) ** 4) * p**2 * F.logsigmoid(-logits)
    total = torch.where(middle, at, elsewhere).flatten(1).sum(1)
    return total / middle.flatten(1).sum(1).clamp_min(1)


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of boxes (M, 4), given as distances from a common point to the four sides."""
    common = torch.minimum(a, b)
    shared = (common[:, 0] + common[:, 2]).clamp_min(0) * (common[:, 1] + common[:, 3]).clamp_min(0)
    areas = [(box[:, 0] + box[:, 2]) * (box[:, 1] + box[:, 3]) for box in (a, b)]
    return shared / (areas[0] + areas[1] - shared).clamp_min(1e-6)


def _reach(marks: Marks) -> Tensor:
    """Distances (M, 4) from the middle of a mark's cell to the four sides of its box."""
    centre = marks.middle.float() + 0.5
    return torch.cat([centre - marks.box[:, :2], marks.box[:, 2:] - centre], dim=1)


def _spread(values: Tensor, marks: Marks, count: int) -> Tensor:
    """The mean of marks' values (M,) for every picture, (count,)."""
    total = torch.zeros(count, device=values.device).index_add(0, marks.picture, values)
    return total / torch.bincount(marks.picture, minlength=count).clamp_min(1)


def detection_losses(network: IconDetector, maps: Maps, things: Marks, letters: Marks) -> Tensor:
    """The loss of every picture, (B,): both maps of peaks, boxes, and what things, colours and letters are.

    peaks + (1 − IoU) + cross entropy of the thing + cross entropy of its colour where one was said; the same for
    letters, without colours. IoU: Yu et al. 2016 (UnitBox), as in FCOS.
    """
    count, _, rows, columns = maps.peaks.shape
    losses = torch.zeros(count, device=maps.peaks.device)
    for sort, marks in enumerate((things, letters)):
        losses = losses + peak_loss(maps.peaks[:, sort], peaks_wanted(marks, count, rows, columns))
        # without any marks all that follows is empty, but every weight still gets a gradient
        column, row = marks.middle.unbind(1)
        said = network.described(maps.features[marks.picture, :, row, column])
        apart = 1 - overlap(maps.boxes[marks.picture, :, row, column], _reach(marks))
        kinds = F.cross_entropy(said.things if sort == 0 else said.letters, marks.kind, reduction="none")
        losses = losses + _spread(apart + kinds, marks, count)
        if sort == 0:
            colours = F.cross_entropy(said.colours, marks.colour, ignore_index=UNSAID, reduction="none")
            losses = losses + _spread(colours, marks, count)
    return losses


class Marked(Protocol):
    """Pictures with everything in them."""

    @property
    def pictures(self) -> Tensor: ...

    @property
    def things(self) -> Marks: ...

    @property
    def letters(self) -> Marks: ...


class Detect:
    """The losses of a batch of pictures with marks. The network is compiled; how many marks there are varies."""

    def __init__(self, run: DetectorRun, network: IconDetector) -> None:
        self.network, self.precision = network, run.precision
        self._compiled = torch.compile(self._maps, dynamic=False) if run.compiled else self._maps

    def losses(self, batch: Marked) -> Tensor:
        """Loss of every picture, (B,), with gradients."""
        return detection_losses(self.network, Maps(*self._compiled(batch.pictures)), batch.things, batch.letters)

    def step(self, lr: float, count: int) -> None:
        """Nothing is trained beside the network."""

    def state(self) -> Mapping[str, Tensor]:
        """Empty."""
        return {}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Nothing to restore."""

    def _maps(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        half = torch.autocast(pictures.device.type, torch.bfloat16) if self.precision == "bf16" else None
        with half or contextlib.nullcontext():
            maps = self.network(pictures)
        return maps.peaks, maps.boxes, maps.features.float()
