"""The loss of a finished model on held-out pictures, by noise level."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import nn

from mezzotint.data.sources import PictureSet
from mezzotint.pipeline import Model
from mezzotint.training.scene_feed import Served
from mezzotint.training.validation import mean_losses, validation_caption, validation_rows

__all__ = ["held_out_losses"]

_CHUNK = 64


def held_out_losses(model: Model, pictures: PictureSet, count: int = 1024, floor: float = 0.05) -> dict[str, float]:
    """`{"0.1": loss, ..., "mean": loss}`: what training calls its held-out loss, of a model whatever trained it.

    The loss is |x̂_0 − x_0|² / max(t, floor)², the velocity's, over `count` pictures with captions and styles, at fixed
    noise; pictures, captions and noise never change. So two models' numbers differ by the models only.
    """
    network = model.denoiser.network
    assert isinstance(network, nn.Module)
    means = mean_losses(network, _served(model, pictures, count), "fp32", floor)
    return {**means, "mean": sum(means.values()) / len(means)}


def _served(model: Model, pictures: PictureSet, count: int) -> Iterator[Served]:
    rows = validation_rows(pictures, count)
    known = set(model.conditioner.styles)
    for start in range(0, len(rows), _CHUNK):
        some = rows[start : start + _CHUNK]
        records = [pictures.records[int(row)] for row in some]
        captions = [validation_caption(record.captions) for record in records]
        cond = model.conditioner(captions, [r.style if r.style in known else None for r in records])
        # captions of icons quote names, not what is to be written: they have no letters
        letters = None if cond.letters is None else torch.zeros_like(cond.letters)
        yield Served(torch.from_numpy(pictures.pictures[some]), replace(cond, letters=letters))
