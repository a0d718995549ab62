"""Features as the statistics take them: one row a picture, finite, of one width, in float64."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mezzotint.errors import InvalidOption

__all__ = ["Features", "Matrix", "enough", "matrices"]

Matrix: TypeAlias = NDArray[np.float64]
Features: TypeAlias = NDArray[np.float32] | NDArray[np.float64] | Tensor
"""What an encoder gives: (N, D), as an array or as a tensor on the CPU."""


def matrices(features: Mapping[str, Features]) -> list[Matrix]:
    """The features in the order given, each as a float64 copy (N, D).

    Raises `InvalidOption`, with the name, for features that are not two-dimensional, not finite or of several widths.
    """
    found = {name: _matrix(name, given) for name, given in features.items()}
    widths = {name: matrix.shape[1] for name, matrix in found.items()}
    if len(set(widths.values())) > 1:
        said = ", ".join(f"{width} of {name}" for name, width in widths.items())
        raise InvalidOption(f"The features have different widths ({said}); all must come from one encoder.")
    return list(found.values())


def enough(what: str, least: int, *sides: Matrix) -> None:
    """Raises `InvalidOption` if a side has fewer than `least` pictures. what: the statistic, in mid-sentence."""
    if min(len(side) for side in sides) < least:
        counts = " and ".join(str(len(side)) for side in sides)
        raise InvalidOption(f"There are {counts} pictures, but {what} needs at least {least} on each side.")


def _matrix(name: str, given: Features) -> Matrix:
    values = given.detach().numpy() if isinstance(given, Tensor) else given
    matrix = np.array(values, dtype=np.float64, order="C")
    if matrix.ndim != 2 or not matrix.shape[1]:
        raise InvalidOption(f"The features {name} have the shape {matrix.shape}; it must be (pictures, width).")
    bad = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if len(bad):
        raise InvalidOption(
            f"The features {name} hold NaN or infinity in {len(bad)} of {len(matrix)} rows, first in row {bad[0]}; "
            "leave these pictures out, or find out why they have no features."
        )
    return matrix
