"""Distances of sets against closed forms, loops, another matrix root, and their own spread over many draws."""

import itertools
import math

import numpy as np
import pytest
import torch

from mezzotint.errors import InvalidOption
from mezzotint.evaluation import distances
from mezzotint.evaluation.distances import frechet, kernel
from mezzotint.evaluation.features import Matrix


def normal(seed: int, *shape: int) -> Matrix:
    return np.random.Generator(np.random.Philox(key=seed)).standard_normal(shape)


def white(seed: int, count: int, width: int) -> Matrix:
    """Points whose mean is 0 and whose unbiased covariance is the identity, to rounding."""
    points = normal(seed, count, width)
    points -= points.mean(axis=0)
    return points @ np.linalg.inv(np.linalg.cholesky(np.cov(points, rowvar=False).reshape(width, width))).T


def rotation(seed: int, width: int) -> Matrix:
    return np.linalg.qr(normal(seed, width, width))[0]


def test_frechet_on_a_line_is_that_of_two_normals() -> None:
    a, b = 3 + 2 * white(1, 40, 1), -1 + 0.5 * white(2, 25, 1)
    assert frechet(a, b) == pytest.approx((3 + 1) ** 2 + (2 - 0.5) ** 2, rel=1e-10)


def test_frechet_of_covariances_that_commute() -> None:
    """|mu_a − mu_b|² + sum (s_a − s_b)² in the basis that both share."""
    scales_a, scales_b = np.array([0.1, 1, 2, 5, 9]), np.array([3, 1, 0.5, 6, 0.01])
    offset, basis = normal(3, 5), rotation(4, 5)
    a, b = (white(5, 30, 5) * scales_a) @ basis + offset, (white(6, 50, 5) * scales_b) @ basis
    expected = float(offset @ offset + np.square(scales_a - scales_b).sum())
    assert frechet(a, b) == pytest.approx(expected, rel=1e-9)


def test_frechet_in_the_plane() -> None:
    """tr (M^(1/2)) = (tr M + 2 (det M)^(1/2))^(1/2) for 2×2; these covariances do not commute."""
    a, b = normal(7, 30, 2) @ np.array([[2.0, 1.0], [0.0, 0.5]]) + 1, normal(8, 20, 2) @ np.array([[1.0, 0], [3, 1]])
    s_a, s_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    assert np.abs(s_a @ s_b - s_b @ s_a).max() > 1
    root = math.sqrt(np.trace(s_a @ s_b) + 2 * math.sqrt(np.linalg.det(s_a) * np.linalg.det(s_b)))
    offset = a.mean(axis=0) - b.mean(axis=0)
    assert frechet(a, b) == pytest.approx(offset @ offset + np.trace(s_a) + np.trace(s_b) - 2 * root, rel=1e-10)


def test_frechet_has_the_root_of_scipy() -> None:
    linalg = pytest.importorskip("scipy.linalg")
    a, b = normal(9, 60, 12) @ normal(10, 12, 12), normal(11, 90, 12) @ normal(12, 12, 12) + 0.5
    s_a, s_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    offset = a.mean(axis=0) - b.mean(axis=0)
    expected = offset @ offset + np.trace(s_a + s_b - 2 * linalg.sqrtm(s_a @ s_b).real)
    assert frechet(a, b) == pytest.approx(expected, rel=1e-9)


def test_frechet_does_not_change_when_both_are_moved_and_is_symmetric() -> None:
    a, b = normal(13, 40, 8) * 3, normal(14, 50, 8) + 0.3
    basis, offset = rotation(15, 8), normal(16, 8)
    assert frechet(a @ basis + offset, b @ basis + offset) == pytest.approx(frechet(a, b), rel=1e-9)
    assert frechet(b, a) == pytest.approx(frechet(a, b), rel=1e-9)


def test_frechet_of_a_set_with_itself_is_zero_and_never_below() -> None:
    for seed in range(30):
        points = normal(seed, 20, 6) * np.logspace(0, -4, 6)
        assert 0 <= frechet(points, points[::-1]) < 1e-9


def test_tensors_are_taken_as_encoders_give_them() -> None:
    a, b = normal(17, 30, 4), normal(18, 30, 4)
    rounded = [points.astype(np.float32) for points in (a, b)]
    tensors = [torch.from_numpy(points) for points in rounded]
    assert frechet(*tensors) == frechet(*rounded) == pytest.approx(frechet(a, b), rel=1e-5)
    assert kernel(*tensors) == kernel(*rounded)


def loop(a: Matrix, b: Matrix) -> float:
    """The kernel distance, pair by pair."""

    def k(x: Matrix, y: Matrix) -> float:
        return (sum(float(p) * float(q) for p, q in zip(x, y, strict=True)) / len(x) + 1) ** 3

    within = [
        sum(k(x, y) for x, y in itertools.permutations(side, 2)) / (len(side) * (len(side) - 1)) for side in (a, b)
    ]
    return sum(within) - 2 * sum(k(x, y) for x in a for y in b) / (len(a) * len(b))


def test_kernel_is_its_loop_at_any_size_of_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = normal(19, 7, 4), normal(20, 5, 4) * 2 + 1
    whole = kernel(a, b)
    assert whole.value == pytest.approx(loop(a, b), rel=1e-12)
    monkeypatch.setattr(distances, "_ROWS", 3)
    parts = kernel(a, b)
    assert (parts.value, parts.error) == pytest.approx((whole.value, whole.error), rel=1e-12)


def test_kernel_is_unbiased_where_distributions_are_equal() -> None:
    """The mean over many draws is 0 within 3 of its standard errors, with unequal sizes; the biased form is far off."""
    pairs = [(normal(2 * i + 100, 12, 3), normal(2 * i + 101, 9, 3)) for i in range(500)]
    found = [kernel(a, b) for a, b in pairs]
    values = np.array([estimate.value for estimate in found])
    assert abs(values.mean()) < 3 * values.std() / math.sqrt(len(values)) < 0.3
    # first-order terms alone double the variance here
    assert np.mean([estimate.error**2 for estimate in found]) / values.var() == pytest.approx(2, rel=0.3)


def test_kernel_tells_its_spread_where_distributions_differ() -> None:
    found = [kernel(normal(2 * i + 2000, 80, 3) + 0.7, normal(2 * i + 2001, 50, 3)) for i in range(300)]
    values = np.array([estimate.value for estimate in found])
    assert np.mean([estimate.error**2 for estimate in found]) == pytest.approx(values.var(), rel=0.25)
    assert values.mean() == pytest.approx(expected_shift(0.7), abs=3 * values.std() / math.sqrt(len(values)))


def expected_shift(shift: float) -> float:
    """The squared discrepancy of N(m, I) and N(0, I) in three dimensions, m = (shift, shift, shift).

    E (x·y / 3 + 1)³ = 1 + E x·y + E (x·y)² / 3 + E (x·y)³ / 27, where x·y given x is normal of mean x·m_y and variance
    |x|², x is N(m_x, I), y is N(m_y, I), and each of m_x and m_y is m or 0.
    """
    length = 3 * shift**2

    def mean_cube(of_x: float, of_y: float) -> float:
        dot = math.sqrt(of_x * of_y)  # |m_x|², |m_y|² and m_x·m_y: they are parallel
        second = dot**2 + of_y + of_x + 3  # E (x·m_y)² + E |x|²
        third = dot**3 + 3 * dot * of_y + 3 * dot * (of_x + 5)  # E (x·m_y)³ + 3 E (x·m_y) |x|²
        return 1 + dot + second / 3 + third / 27

    return mean_cube(length, length) + mean_cube(0, 0) - 2 * mean_cube(length, 0)


def test_what_cannot_be_measured_is_refused() -> None:
    points = normal(30, 20, 5)
    with pytest.raises(InvalidOption, match=r"20 and 5 pictures.*width 5.*at least 6"):
        frechet(points, points[:5])
    assert frechet(points, points[:6]) > 0
    with pytest.raises(InvalidOption, match=r"1 and 20 pictures.*at least 2"):
        kernel(points[:1], points)
    with pytest.raises(InvalidOption, match=r"5 of a, 4 of b"):
        kernel(points, points[:, :4])
    for value in (math.nan, math.inf):
        broken = points.copy()
        broken[[3, 7], 1] = value
        with pytest.raises(InvalidOption, match=r"features b .* 2 of 20 rows, first in row 3"):
            frechet(points, broken)
    with pytest.raises(InvalidOption, match=r"shape \(5,\)"):
        kernel(points[0], points)
