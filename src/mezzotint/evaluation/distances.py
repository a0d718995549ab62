"""How far apart two sets of pictures are, from their features: the Fréchet distance and the kernel distance."""

import math
from dataclasses import dataclass

import numpy as np

from mezzotint.evaluation.features import Features, Matrix, enough, matrices

__all__ = ["Estimate", "frechet", "kernel"]

_ROWS = 1024
"""Rows of a kernel matrix at a time: it bounds the memory."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its standard error."""

    value: float
    error: float


def frechet(a: Features, b: Features) -> float:
    """The squared Fréchet distance of two Gaussians with the means and covariances of a (M, D) and b (N, D).

    |mu_a − mu_b|² + tr(S_a + S_b − 2 (S_a S_b)^(1/2)), covariances unbiased. The last trace is the sum of the roots of
    the eigenvalues of S_a^(1/2) S_b S_a^(1/2), which has the eigenvalues of S_a S_b and is symmetric. Even equal
    distributions have a positive expectation, which falls as 1/M + 1/N: compare only what has equal M and N.

    Source: Heusel et al. 2017 (FID, arXiv 1706.08500), equation 6. Raises `InvalidOption` unless M and N exceed D, and
    for features that are not finite or not of one width.
    """
    first, second = matrices({"a": a, "b": b})
    width = first.shape[1]
    enough(f"a Fréchet distance at width {width} (with fewer, a covariance is singular)", width + 1, first, second)
    s_a, s_b = _covariance(first), _covariance(second)
    root = _root(s_a)
    product = root @ s_b @ root
    shared = np.sqrt(np.linalg.eigvalsh((product + product.T) / 2).clip(min=0)).sum()
    offset = first.mean(axis=0) - second.mean(axis=0)
    # of equal sets nothing but rounding is left, of either sign
    return max(0.0, float(offset @ offset + np.trace(s_a) + np.trace(s_b) - 2 * shared))


def kernel(a: Features, b: Features) -> Estimate:
    """The unbiased squared maximum mean discrepancy of a (M, D) and b (N, D), k(x, y) = (x·y / D + 1)³.

    mean_{i≠j} k(a_i, a_j) + mean_{i≠j} k(b_i, b_j) − 2 mean_{i,j} k(a_i, b_j), over all pictures at once. Its
    expectation is 0 for equal distributions, so that it may be negative, and does not depend on M and N.

    The error is that of the first-order terms, blocks of one picture: error² = 4 (var_i g_i / M + var_j h_j / N), with
    g_i = mean_{j≠i} k(a_i, a_j) − mean_j k(a_i, b_j), and h_j alike for b. Where the distributions are equal, these
    terms vanish and the error is too large, by a factor of about √2.

    Source: Bińkowski et al. 2018 (KID, arXiv 1801.01401); Gretton et al. 2012, "A kernel two-sample test" (JMLR 13).
    Raises `InvalidOption` for fewer than 2 pictures a side, and for features that are not finite or not of one width.
    """
    first, second = matrices({"a": a, "b": b})
    enough("a kernel distance", 2, first, second)
    within_a, within_b = _within(first), _within(second)
    a_to_b, b_to_a = _between(first, second)
    value = within_a.mean() + within_b.mean() - 2 * a_to_b.mean()
    spread_a, spread_b = (within_a - a_to_b).var(ddof=1), (within_b - b_to_a).var(ddof=1)
    return Estimate(float(value), 2 * math.sqrt(spread_a / len(first) + spread_b / len(second)))


def _covariance(points: Matrix) -> Matrix:
    centred = points - points.mean(axis=0)
    found: Matrix = centred.T @ centred / (len(points) - 1)
    return found


def _root(covariance: Matrix) -> Matrix:
    """The symmetric root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(covariance)
    found: Matrix = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    return found


def _kernel(a: Matrix, b: Matrix) -> Matrix:
    found: Matrix = (a @ b.T / a.shape[1] + 1) ** 3
    return found


def _within(points: Matrix) -> Matrix:
    """The mean of k(x_i, x_j) over all j ≠ i, (N,)."""
    own = (np.square(points).sum(axis=1) / points.shape[1] + 1) ** 3
    found: Matrix = (_between(points, points)[0] * len(points) - own) / (len(points) - 1)
    return found


def _between(a: Matrix, b: Matrix) -> tuple[Matrix, Matrix]:
    """The means of k(a_i, b_j) over j, (M,), and over i, (N,)."""
    of_a, of_b = np.zeros(len(a)), np.zeros(len(b))
    for start in range(0, len(a), _ROWS):
        values = _kernel(a[start : start + _ROWS], b)
        of_a[start : start + _ROWS] = values.mean(axis=1)
        of_b += values.sum(axis=0)
    return of_a, of_b / len(a)
