"""Precision, recall, density and coverage against a loop, known answers, and their expectations."""

import math
from dataclasses import astuple

import numpy as np
import pytest

from mezzotint.errors import InvalidOption
from mezzotint.evaluation import neighbours
from mezzotint.evaluation.coverage import Coverage, coverage_of
from mezzotint.evaluation.features import Matrix
from mezzotint.evaluation.neighbours import distances, nearest


def normal(seed: int, *shape: int) -> Matrix:
    return np.random.Generator(np.random.Philox(key=seed)).standard_normal(shape)


def loop(samples: Matrix, real: Matrix, k: int) -> tuple[float, float, float, float]:
    """The four numbers, ball by ball."""
    drawn, true = ([tuple(map(float, row)) for row in side] for side in (samples, real))

    def balls(points: list[tuple[float, ...]]) -> list[float]:
        return [
            sorted(math.dist(point, points[j]) for j in range(len(points)) if j != i)[k - 1]
            for i, point in enumerate(points)
        ]

    around_true, around_drawn = balls(true), balls(drawn)
    within = [[math.dist(y, x) <= r for x, r in zip(true, around_true, strict=True)] for y in drawn]
    precision = sum(any(row) for row in within) / len(drawn)
    density = sum(map(sum, within)) / (k * len(drawn))
    coverage = sum(any(row[i] for row in within) for i in range(len(true))) / len(true)
    recalled = [any(math.dist(x, y) <= r for y, r in zip(drawn, around_drawn, strict=True)) for x in true]
    return precision, sum(recalled) / len(true), density, coverage


@pytest.mark.parametrize("k", [1, 2, 5])
def test_all_four_are_those_of_a_loop_at_any_size_of_chunk(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    samples, real = normal(1, 40, 3) * 1.5 + 0.9, normal(2, 31, 3)
    expected = loop(samples, real, k)
    assert len(set(expected)) == 4, "the case must tell all four apart"
    assert astuple(coverage_of(samples, real, k)) == pytest.approx(expected)
    monkeypatch.setattr(neighbours, "_PAIRS", 7 * 31)
    assert astuple(coverage_of(samples, real, k)) == pytest.approx(expected)


def test_clusters_apart_have_nothing_in_common() -> None:
    assert coverage_of(normal(3, 30, 4) + 100, normal(4, 30, 4)) == Coverage(0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_a_set_and_its_copy(offset: float) -> None:
    """Every picture lies in its own ball and in those of k others, also far from the origin, where products round."""
    points = normal(5, 50, 6) + offset
    assert coverage_of(points, points[::-1]) == Coverage(1.0, 1.0, pytest.approx(6 / 5), 1.0)


def test_samples_that_are_all_one_picture_are_precise_and_recall_only_it() -> None:
    real = normal(6, 50, 4)
    found = coverage_of(np.repeat(real[:1], 20, axis=0), real)
    balls = loop(real[:1].repeat(20, axis=0), real, 5)
    assert (found.precision, found.recall) == (1.0, 1 / 50)
    assert (found.density, found.coverage) == pytest.approx(balls[2:])
    assert 0 < found.coverage < 0.5


def test_samples_of_one_of_two_modes_are_precise_and_recall_half() -> None:
    centres = np.where(np.arange(80) % 2, 50.0, -50.0)[:, None]
    found = coverage_of(normal(7, 60, 2) * 0.5 + 50, normal(8, 80, 2) + centres)
    assert found.precision > 0.9
    assert found.recall <= 0.5
    assert found.coverage <= 0.5
    swapped = coverage_of(normal(8, 80, 2) + centres, normal(7, 60, 2) + 50)
    assert swapped.precision <= 0.5
    assert swapped.recall > 0.9


def test_expectations_for_equal_distributions() -> None:
    """E[density] = 1; E[coverage] = 1 − ∏ (N − i) / (M + N − i): which sample is nearest is then a matter of ranks."""
    count_drawn, count_true, k, repeats = 15, 20, 3, 400
    found = [
        coverage_of(normal(2 * i + 100, count_drawn, 2), normal(2 * i + 101, count_true, 2), k) for i in range(repeats)
    ]
    for values, expected in (
        ([one.density for one in found], 1.0),
        (
            [one.coverage for one in found],
            1 - math.prod((count_true - i) / (count_drawn + count_true - i) for i in range(1, k + 1)),
        ),
    ):
        error = np.std(values) / math.sqrt(repeats)
        assert error < 0.02
        assert np.mean(values) == pytest.approx(expected, abs=3 * error)


def test_neighbours_are_those_of_a_loop_and_ties_are_ties() -> None:
    a, b = normal(9, 30, 5) + 1e4, normal(10, 20, 5) + 1e4
    b[7] = a[3]
    found, where = nearest(a, b)
    for point, distance, row in zip(a, found, where, strict=True):
        apart = [math.dist(point, other) for other in b]
        assert row == int(np.argmin(apart))
        assert distance == pytest.approx(min(apart), rel=1e-12)
    assert (found[3], where[3]) == (0.0, 7)
    ((_, there),), ((_, back),) = list(distances(a, b)), list(distances(b, a))
    assert np.array_equal(there, back.T)


def test_chunks_bound_the_memory_and_leave_no_row_out() -> None:
    line = np.arange(5000, dtype=np.float64)[:, None]
    rows, total = [], 0.0
    for part, chunk in distances(line, line):
        assert chunk.size <= neighbours._PAIRS
        rows += list(range(part.start, part.stop))
        total += float(chunk.sum())
    assert rows == list(range(5000))
    assert total == (5000**3 - 5000) / 3  # sum of |i − j|
    assert len(rows) * 5000 > neighbours._PAIRS


def test_what_cannot_be_measured_is_refused() -> None:
    points = normal(11, 10, 3)
    with pytest.raises(InvalidOption, match=r"5 and 10 pictures.*k = 5 needs at least 6"):
        coverage_of(points[:5], points)
    with pytest.raises(InvalidOption, match="k is 0"):
        coverage_of(points, points, 0)
    with pytest.raises(InvalidOption, match="3 of samples, 2 of real"):
        coverage_of(points, points[:, :2])
