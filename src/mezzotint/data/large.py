"""Large pictures with small partners: what teaches to enlarge.

The house set is rendered once more at 256 pixels, by the same builder, so that its split, licences and digests are
decided as those of the small one. The partner of a large picture is the mean of its pixels, 4 by 4, premultiplied: that
is exact. Rendering the same SVG at 64 pixels gives nearly the same picture (38.9 dB in the median), but not for all:
where empty margins are cut off or a border is bared, that is decided by pixels, and the two sizes decide differently.
"""

from pathlib import Path

import numpy as np

from mezzotint.data.icons.fetch import cache_root
from mezzotint.data.pixels import Bytes

__all__ = ["SIDE", "large_folder", "partner"]

SIDE = 256
"""Pixels of a large picture."""


def large_folder() -> Path:
    """Where the large pictures live: `data/large` in Mezzotint's cache folder."""
    return cache_root() / "data" / "large"


def partner(picture: Bytes, scale: int = 4) -> Bytes:
    """The small partner of large pictures (..., H, W, 4), premultiplied: means of scale × scale pixels, rounded."""
    *rest, high, wide, channels = picture.shape
    cells = picture.reshape(*rest, high // scale, scale, wide // scale, scale, channels)
    out: Bytes = np.rint(cells.mean((-4, -2), dtype=np.float64)).astype(np.uint8)
    return out
