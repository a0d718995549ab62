"""Bootstrap intervals of means over groups: how far a score would move with other prompts of the same kind.

A group is a prompt, and its values are the verdicts on its pictures, one a seed. Seeds of one prompt resemble each
other, so whole groups are drawn; to draw pictures would make the interval too narrow.

Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3 (the percentile interval).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from mezzotint.errors import InvalidOption
from mezzotint.evaluation.features import Matrix

__all__ = ["Groups", "Interval", "differences", "interval", "interval_of", "paired"]

Groups: TypeAlias = Mapping[str, Sequence[float]]
"""Name of a group -> its values. Groups may differ in size; each weighs the same."""


class Interval(NamedTuple):
    """A mean and the ends of its interval."""

    mean: float
    low: float
    high: float


def interval(groups: Groups, level: float = 0.95, draws: int = 2000, seed: int = 0) -> Interval:
    """The mean of the groups' means, and its percentile interval.

    Each draw takes as many groups as there are, with replacement, and is the mean of their means; low and high are the
    (1 − level) / 2 and (1 + level) / 2 quantiles of the draws. Philox with `seed` as its key draws; the order of the
    groups does not matter. Raises `InvalidOption` for fewer than two groups, an empty group, a value that is not
    finite, and a level, draws or seed out of range.
    """
    return interval_of(lambda means: means["all"], {"all": groups}, level, draws, seed)


def paired(groups_a: Groups, groups_b: Groups, level: float = 0.95, draws: int = 2000, seed: int = 0) -> Interval:
    """The mean of a minus the mean of b, and its interval when the same groups are drawn on both sides.

    What makes a group hard for both cancels, so this is narrower than two intervals side by side. Raises what
    `interval` and `differences` raise.
    """
    return interval(differences(groups_a, groups_b), level, draws, seed)


def differences(groups_a: Groups, groups_b: Groups) -> dict[str, tuple[float]]:
    """Of each group, the mean of its values in a minus that in b: groups of one value, for `interval_of`.

    With them, a composite that is linear in its tables compares two sides by pairs. Raises `InvalidOption` unless both
    sides have the same groups with as many values in each.
    """
    lone = sorted(groups_a.keys() ^ groups_b.keys())
    if lone:
        raise InvalidOption(
            f"{len(lone)} groups are on one side only, {lone[0]!r} among them; both need the same ones."
        )
    for name in groups_a:
        counts = len(groups_a[name]), len(groups_b[name])
        if counts[0] != counts[1]:
            raise InvalidOption(f"The group {name!r} has {counts[0]} and {counts[1]} values; both sides need as many.")
    means_a, means_b = _means(groups_a), _means(groups_b)
    return {name: (float(a - b),) for name, a, b in zip(sorted(groups_a), means_a, means_b, strict=True)}


def interval_of(
    function: Callable[[Mapping[str, float]], float],
    tables: Mapping[str, Groups],
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Interval:
    """A composite of several tables' means, and its percentile interval.

    function: from the mean of each table, which is the mean of its groups' means, to the score; for IconEval's overall
    score, whose tables are tasks, it is `overall`. Groups are drawn within their table, as many as it has. The `mean`
    of the result is the function of the tables' own means. Raises what `interval` raises.
    """
    if not 0 < level < 1:
        raise InvalidOption(f"The level is {level}; it must be between 0 and 1, as 0.95 is.")
    if draws < 1 or not 0 <= seed < 2**128:
        raise InvalidOption(f"There are {draws} draws with seed {seed}; give at least 1, and a seed from 0 on.")
    rng = np.random.Generator(np.random.Philox(key=seed))
    means = {name: _means(tables[name]) for name in sorted(tables)}
    drawn = {name: _draws(values, draws, rng) for name, values in means.items()}
    scores = [function({name: float(values[i]) for name, values in drawn.items()}) for i in range(draws)]
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2])
    return Interval(function({name: float(values.mean()) for name, values in means.items()}), float(low), float(high))


def _means(groups: Groups) -> Matrix:
    """The mean of each group, (groups,), in the order of their names."""
    if len(groups) < 2:
        raise InvalidOption(f"There are {len(groups)} groups; an interval over groups needs at least 2.")
    for name, values in groups.items():
        if not len(values) or not np.isfinite(values).all():
            raise InvalidOption(f"The group {name!r} is empty or holds NaN or infinity; each needs finite values.")
    return np.array([np.mean(groups[name]) for name in sorted(groups)], dtype=np.float64)


def _draws(means: Matrix, draws: int, rng: np.random.Generator) -> Matrix:
    """The mean over groups of each draw, (draws,)."""
    found: Matrix = means[rng.integers(0, len(means), (draws, len(means)))].mean(axis=1)
    return found
