"""Memorisation: a case by hand, planted copies that are found, and rates where nothing is repeated."""

import math

import numpy as np
import pytest

from mezzotint.errors import InvalidOption
from mezzotint.evaluation.features import Matrix
from mezzotint.evaluation.memorisation import Pair, memorisation_of


def normal(seed: int, *shape: int) -> Matrix:
    return np.random.Generator(np.random.Philox(key=seed)).standard_normal(shape)


def column(*values: float) -> Matrix:
    return np.array(values, dtype=np.float64)[:, None]


FIRST = [float(i) for i in range(39, 0, -1)]
"""Distances of the first half: order statistic (39 + 1) · 0.05 = 2 is 2."""
SECOND = [0.5, 1.0, 1.9, 2.0, *range(3, 38)]
"""Distances of the second half, of which 3 are below 2."""


def test_a_case_by_hand() -> None:
    train, samples = column(0, 1000), column(500, 1.5, 1003, 998, -1.9)
    held_out = column(*(value for both in zip(FIRST, SECOND, strict=True) for value in both))
    found = memorisation_of(samples, train, held_out)
    assert found.threshold == pytest.approx(2.0)
    assert found.rate == 2 / 5  # 1.5 and −1.9; 998 is at the threshold, and not below it
    assert found.held_out_rate == 3 / 39
    expected = [(1, 0, 1.5), (4, 0, 1.9), (3, 1, 2.0), (2, 1, 3.0), (0, 0, 500.0)]
    assert [(pair.sample, pair.train) for pair in found.pairs] == [pair[:2] for pair in expected]
    assert [pair.distance for pair in found.pairs] == pytest.approx([pair[2] for pair in expected])


def test_pictures_of_a_group_stay_in_one_half() -> None:
    """The same distances in another order, and groups that say which are in which half: a and c, b and d."""
    train, samples = column(0, 1000), column(1.5, 3)
    values, groups = [*FIRST[:3], *SECOND[:4]], ["a", "a", "a", "b", "b", "b", "b"]
    values += [*FIRST[3:], *SECOND[4:]]
    groups += ["c"] * len(FIRST[3:]) + ["d"] * len(SECOND[4:])
    found = memorisation_of(samples, train, column(*values), held_out_groups=groups, train_groups=["x", "y"])
    assert (found.threshold, found.rate, found.held_out_rate) == pytest.approx((2.0, 1 / 2, 3 / 39))
    assert memorisation_of(samples, train, column(*values)).held_out_rate != found.held_out_rate


def test_planted_copies_are_found() -> None:
    train, held_out = normal(1, 300, 8), normal(2, 400, 8)
    samples, planted = normal(3, 100, 8), {int(row): int(row) * 3 for row in range(5, 100, 10)}
    for sample, row in planted.items():
        samples[sample] = train[row] + normal(1000 + sample, 8) * 1e-3
    found = memorisation_of(samples, train, held_out)
    assert {pair.sample: pair.train for pair in found.pairs[: len(planted)]} == planted
    assert all(pair.distance < 0.01 < found.threshold for pair in found.pairs[: len(planted)])
    assert found.rate >= 0.1
    assert found.rate - found.held_out_rate == pytest.approx(0.1, abs=0.05)
    exact = memorisation_of(train[7:8], train, held_out)
    assert (exact.rate, exact.pairs) == (1.0, (Pair(0, 7, 0.0),))


@pytest.mark.parametrize("quantile", [0.05, 0.2])
def test_independent_samples_have_the_rate_of_held_out_pictures(quantile: float) -> None:
    """Each rate is the quantile in expectation, even with halves of 30; over 200 repetitions, within 3 errors."""
    found = [
        memorisation_of(
            normal(3 * i + 100, 40, 3), normal(3 * i + 101, 50, 3), normal(3 * i + 102, 60, 3), quantile=quantile
        )
        for i in range(200)
    ]
    for rates in ([one.rate for one in found], [one.held_out_rate for one in found]):
        error = np.std(rates) / math.sqrt(len(rates))
        assert error < 0.01
        assert np.mean(rates) == pytest.approx(quantile, abs=3 * error)


def test_what_cannot_be_measured_is_refused() -> None:
    points = normal(4, 50, 3)
    with pytest.raises(InvalidOption, match=r"have 20 and 19;.*needs at least 20"):
        memorisation_of(points, points, points[:39])
    assert memorisation_of(points, points, points[:40]).held_out_rate == 0  # all distances are 0, and none is below 0
    with pytest.raises(InvalidOption, match=r"0 samples and 50"):
        memorisation_of(points[:0], points, points)
    for quantile in (0, 1, 5):
        with pytest.raises(InvalidOption, match="quantile is"):
            memorisation_of(points, points, points, quantile=quantile)
    with pytest.raises(InvalidOption, match="2 held_out_groups for 50 pictures"):
        memorisation_of(points, points, points, held_out_groups=["a", "b"])
    names = [str(i) for i in range(50)]
    with pytest.raises(InvalidOption, match="1 groups are in training and held out, '7' among them"):
        memorisation_of(points, points, points, train_groups=["7"] * 50, held_out_groups=names)
    with pytest.raises(InvalidOption, match="held_out hold NaN"):
        memorisation_of(points, points, points * math.nan)
