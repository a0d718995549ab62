"""Drawn pictures beside the real ones that they are asked to be like: distances, coverage, alignment, repetition."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from mezzotint.conditioning.prompt import escaped
from mezzotint.data.heldout import densest_caption, heldout_rows
from mezzotint.data.order import epoch_order
from mezzotint.data.pixels import fit
from mezzotint.data.sources import PictureSet
from mezzotint.evaluation.bank import Bank
from mezzotint.evaluation.coverage import Coverage, coverage_of
from mezzotint.evaluation.distances import Estimate, frechet, kernel
from mezzotint.evaluation.memorisation import Memorisation, memorisation_of
from mezzotint.evaluation.published import Published
from mezzotint.pipeline import Pipeline
from mezzotint.request import Request

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Asked", "Elsewhere", "Likeness", "Realism", "asked_of", "drawn", "elsewhere", "realism"]

_SEED = 20_261_125
_SHOWN = 16
"""Pairs of a sample and the training picture nearest to it that are kept for showing."""


@dataclass(frozen=True)
class Asked:
    """What is drawn: the row of a held-out picture, its caption and its drawing style."""

    row: int
    caption: str
    style: str | None


@dataclass(frozen=True)
class Likeness:
    """How pictures compare with held-out real ones: `distances.frechet`, `distances.kernel`, `coverage.coverage_of`."""

    frechet: float
    kernel: Estimate
    coverage: Coverage


@dataclass(frozen=True)
class Realism:
    """drawn: the model's pictures. real: as many training pictures, what a perfect drawer of training's kind would get.

    alignment            the mean cosine of a picture's features and its caption's
    alignment_real       that of the real pictures with these captions
    alignment_shuffled   that of the drawn pictures with each other's captions
    memorisation         by distance of features, with the closest pairs
    """

    pictures: int
    drawn: Likeness
    real: Likeness
    alignment: float
    alignment_real: float
    alignment_shuffled: float
    memorisation: Memorisation

    def to_json_dict(self) -> dict[str, Any]:
        """Plain data; of the pairs only the closest."""
        plain = asdict(self)
        plain["memorisation"]["pairs"] = plain["memorisation"]["pairs"][:_SHOWN]
        return plain


@dataclass(frozen=True)
class Elsewhere:
    """The same in the features of a published network. alignment, alignment_real: None if it reads no prompts."""

    weights_sha256: str
    pictures: int
    drawn: Likeness
    real: Likeness
    alignment: float | None
    alignment_real: float | None


def asked_of(pictures: PictureSet, count: int, styles: Sequence[str]) -> tuple[Asked, ...]:
    """A fixed choice of `count` held-out pictures (all, if there are fewer), each with its densest caption."""
    known = set(styles)
    found = []
    for row in heldout_rows(pictures, count).tolist():
        record = pictures.records[row]
        style = record.style if record.style in known else None
        found.append(Asked(row, densest_caption(record.captions), style))
    return tuple(found)


def drawn(
    pipe: Pipeline, asked: Sequence[Asked], request: Request, told: Callable[[int, int], None] | None = None
) -> Iterator["Image"]:
    """A picture of each; number i has the seed `request.seed + i`, and the rest is as `request` says."""
    for number, one in enumerate(asked):
        wish = replace(request, prompt=escaped(one.caption), style=one.style or "none", seed=request.seed + number, n=1)
        yield from pipe.generate(wish).images
        if told is not None:
            told(number + 1, len(asked))


def realism(bank: Bank, images: Sequence["Image"], asked: Sequence[Asked]) -> Realism:
    """What the bank's encoder says of drawn pictures of held-out captions.

    Distances are to the held-out pictures that were asked for; `real` compares a fixed choice of training pictures with
    them. Raises `InvalidOption` for fewer pictures than a Fréchet distance needs.
    """
    samples, targets = bank.encoder.images(images), bank.rows([one.row for one in asked])
    some = bank.train[epoch_order(_SEED, 0, len(bank.train))[: len(samples)].tolist()]
    prompts = bank.encoder.prompts([one.caption for one in asked])
    concepts = {
        split: [bank.pictures.records[row].concept for row in bank.pictures.split(split).tolist()]
        for split in ("train", "heldout")
    }
    memory = memorisation_of(
        samples, bank.train, bank.heldout, train_groups=concepts["train"], held_out_groups=concepts["heldout"]
    )
    return Realism(
        pictures=len(samples),
        drawn=_likeness(samples, targets),
        real=_likeness(some, targets),
        alignment=_cosine(samples, prompts),
        alignment_real=_cosine(targets, prompts),
        alignment_shuffled=_cosine(samples, prompts.roll(1, 0)),
        memorisation=memory,
    )


def elsewhere(network: Published, pictures: PictureSet, images: Sequence["Image"], asked: Sequence[Asked]) -> Elsewhere:
    """What a published network says of drawn pictures of held-out captions; the pictures are those of `realism`."""
    side = pictures.pictures.shape[1]
    train = pictures.split("train")
    some = train[epoch_order(_SEED, 0, len(train))[: len(images)]]
    samples = network.pictures([fit(image, side) for image in images])
    targets, trained = (
        network.pictures([np.asarray(pictures.pictures[int(row)]) for row in rows])
        for rows in ([one.row for one in asked], some)
    )
    prompts = None if network.prompts is None else network.prompts([one.caption for one in asked])
    return Elsewhere(
        weights_sha256=network.weights_sha256,
        pictures=len(samples),
        drawn=_likeness(samples, targets),
        real=_likeness(trained, targets),
        alignment=None if prompts is None else _cosine(samples, prompts),
        alignment_real=None if prompts is None else _cosine(targets, prompts),
    )


def _likeness(some: Tensor, real: Tensor) -> Likeness:
    return Likeness(frechet(some, real), kernel(some, real), coverage_of(some, real))


def _cosine(pictures: Tensor, prompts: Tensor) -> float:
    return float((pictures.double() * prompts.double()).sum(1).mean())
