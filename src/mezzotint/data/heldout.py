"""Which held-out pictures measurements look at, and by which caption: always the same ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mezzotint.data.order import epoch_order
from mezzotint.data.sources import PictureSet

__all__ = ["densest_caption", "heldout_rows"]

_SEED = 20_240_229


def heldout_rows(pictures: PictureSet, count: int) -> NDArray[np.int64]:
    """A fixed choice of at most `count` held-out pictures: their rows."""
    rows = pictures.split("heldout")
    return rows[epoch_order(_SEED, 0, len(rows))[:count]]


def densest_caption(captions: Sequence[str]) -> str:
    """The longest caption."""
    return max(captions, key=len)
