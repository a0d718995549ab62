"""Whether samples repeat training pictures: are they nearer to these than other real pictures are?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mezzotint.errors import InvalidOption
from mezzotint.evaluation.features import Features, matrices
from mezzotint.evaluation.neighbours import nearest

__all__ = ["Memorisation", "Pair", "memorisation_of"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A sample and the training picture nearest to it, as rows of their features, and the distance between them."""

    sample: int
    train: int
    distance: float


@dataclass(frozen=True, slots=True)
class Memorisation:
    """rate, held_out_rate: shares of samples, and of real pictures that training did not see, below the threshold.

    pairs: every sample with its nearest training picture, the closest first.
    """

    threshold: float
    rate: float
    held_out_rate: float
    pairs: tuple[Pair, ...]


def memorisation_of(
    samples: Features,
    train: Features,
    held_out: Features,
    quantile: float = 0.05,
    train_groups: Sequence[str] = (),
    held_out_groups: Sequence[str] = (),
) -> Memorisation:
    """The share of samples that are nearer to a training picture than all but few held-out pictures are.

    d(x) = min_j |x − train_j|. The held-out pictures are split in two: groups go, in the order of their first pictures,
    in turn to the first and to the second half; without groups each picture is a group of its own.
        threshold       the `quantile` of d over the first half, between its order statistics at (n + 1) · quantile
        rate            share of samples with d < threshold
        held_out_rate   share of the second half with d < threshold
    On the first half the share is `quantile` by construction; on the second half it is so in expectation, if pictures
    are independent, and differs by chance. So `rate` is to be read against `held_out_rate`: a model that repeats none
    has about that rate, if its samples are of the kinds that held-out pictures are of. A sample below the threshold
    need not be a copy: look at the pairs.

    samples (M, D), train (N, D), held_out (H, D). train_groups, held_out_groups: what each picture is of, such as its
    concept, so that pictures of one thing stay in one half, and none is in both sets.

    Raises `InvalidOption` for a quantile outside (0, 1), no sample or training picture, a half with fewer than
    1 / quantile pictures, groups that are not one a picture, a group that is in training and held out, and for features
    that are not finite or not of one width.
    """
    if not 0 < quantile < 1:
        raise InvalidOption(f"The quantile is {quantile}; it must be between 0 and 1, as 0.05 is.")
    drawn, seen, other = matrices({"samples": samples, "train": train, "held_out": held_out})
    if not len(drawn) or not len(seen):
        raise InvalidOption(f"There are {len(drawn)} samples and {len(seen)} training pictures; give some of both.")
    _check(train_groups, len(seen), held_out_groups, len(other))
    first = _first_half(held_out_groups or range(len(other)), quantile)
    apart, where = nearest(drawn, seen)
    real, _ = nearest(other, seen)
    # of a fresh distance, the share below this order statistic is the quantile in expectation, at any n
    threshold = float(np.quantile(real[first], quantile, method="weibull"))
    order = np.argsort(apart, kind="stable")
    return Memorisation(
        threshold,
        float((apart < threshold).mean()),
        float((real[~first] < threshold).mean()),
        tuple(Pair(int(i), int(where[i]), float(apart[i])) for i in order),
    )


def _check(train: Sequence[str], trained: int, held_out: Sequence[str], held: int) -> None:
    for name, groups, count in (("train_groups", train, trained), ("held_out_groups", held_out, held)):
        if groups and len(groups) != count:
            raise InvalidOption(f"There are {len(groups)} {name} for {count} pictures; give one a picture, or none.")
    both = sorted(set(train) & set(held_out))
    if both:
        raise InvalidOption(
            f"{len(both)} groups are in training and held out, {both[0]!r} among them; leave them out of one."
        )


def _first_half(groups: Sequence[str | int], quantile: float) -> NDArray[np.bool_]:
    """Which pictures are in the first half."""
    order = {group: place for place, group in enumerate(dict.fromkeys(groups))}
    first = np.array([order[group] % 2 == 0 for group in groups], dtype=bool)
    least, counts = math.ceil(1 / quantile - 1e-9), (int(first.sum()), int((~first).sum()))
    if min(counts) < least:
        raise InvalidOption(
            f"The halves of the held-out pictures have {counts[0]} and {counts[1]}; "
            f"for the quantile {quantile} each needs at least {least}."
        )
    return first
