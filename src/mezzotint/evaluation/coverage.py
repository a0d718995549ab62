"""Whether samples look like real pictures, and whether they show all kinds of them, from neighbourhoods of features."""

from dataclasses import dataclass

import numpy as np

from mezzotint.errors import InvalidOption
from mezzotint.evaluation.features import Features, enough, matrices
from mezzotint.evaluation.neighbours import distances, radii

__all__ = ["Coverage", "coverage_of"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """precision, density: how far samples lie where real pictures do; recall, coverage: how far they reach all these.

    All but density, whose expectation is 1 for equal distributions and which may be more, are shares in [0, 1].
    """

    precision: float
    recall: float
    density: float
    coverage: float


def coverage_of(samples: Features, real: Features, k: int = 5) -> Coverage:
    """Improved precision and recall, density and coverage of samples (M, D) against real pictures (N, D).

    B(x) is the closed ball around x up to its k-th nearest other picture of its own set.
        precision   share of samples that lie in B(x) of some real x
        recall      share of real pictures that lie in B(y) of some sample y
        density     1 / (k M) · the number of pairs in which sample y lies in B(x) of real x
        coverage    share of real pictures x whose B(x) holds a sample
    For equal distributions, E[coverage] = 1 − ∏_{i=1..k} (N − i) / (M + N − i): it depends on M and N, as precision and
    recall do, so compare only what has equal ones. For identical sets without ties, density is (k + 1) / k.

    Source: Kynkäänniemi et al. 2019 (arXiv 1904.06991), equations 1 and 2, whose k is 3; Naeem et al. 2020 (arXiv
    2002.09797), section 3, whose k is 5. Raises `InvalidOption` for k < 1, for fewer than k + 1 pictures a side, and
    for features that are not finite or not of one width.
    """
    if k < 1:
        raise InvalidOption(f"k is {k}; it must be at least 1, the nearest neighbour.")
    drawn, true = matrices({"samples": samples, "real": real})
    enough(f"coverage with k = {k}", k + 1, drawn, true)
    reach_drawn, reach_true = radii(drawn, k), radii(true, k)
    precise, pairs = 0, 0
    recalled, covered = np.zeros(len(true), bool), np.zeros(len(true), bool)
    for rows, chunk in distances(drawn, true):
        in_true = chunk <= reach_true
        precise += int(in_true.any(axis=1).sum())
        pairs += int(in_true.sum())
        covered |= in_true.any(axis=0)
        recalled |= (chunk <= reach_drawn[rows, None]).any(axis=0)
    count = len(drawn)
    return Coverage(precise / count, float(recalled.mean()), pairs / (k * count), float(covered.mean()))
