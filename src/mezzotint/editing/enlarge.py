"""Scaling pictures by a filter, between two passes and for parts of them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image, Resampling

__all__ = ["Box", "Enlarge", "enlarged", "scaled"]

Enlarge = Callable[["Image", tuple[int, int], tuple[bool, bool]], "Image"]
"""From a picture, RGBA, to one of a size (width, height); and whether it goes on over its edges (down, across).
Where a part is put back, a trained network may take the place of `enlarged`."""
Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels."""

REACH = 8
"""Pixels that the filter may look over an edge; Lanczos needs three."""


def scaled(image: "Image", size: tuple[int, int], resample: "Resampling") -> "Image":
    """The picture, RGBA, scaled to `size` (width, height) by a filter, premultiplied meanwhile."""
    return image.convert("RGBA").convert("RGBa").resize(size, resample).convert("RGBA")


def enlarged(image: "Image", size: tuple[int, int], around: tuple[bool, bool] = (False, False)) -> "Image":
    """The picture, RGBA, scaled to `size` (width, height) by Lanczos's filter (a = 3), premultiplied meanwhile.

    around: whether it goes on over its (lower, right) edge at the other one. At its own size it is the same picture.
    """
    from PIL import Image
    from PIL.Image import Resampling

    image = image.convert("RGBA")
    if image.size == size:
        return image
    down, across = ((REACH, REACH) if over else (0, 0) for over in around)
    over = np.pad(np.asarray(image), (down, across, (0, 0)), mode="wrap")
    left, top = across[0], down[0]
    box = (left, top, left + image.width, top + image.height)
    return Image.fromarray(over, "RGBA").convert("RGBa").resize(size, Resampling.LANCZOS, box).convert("RGBA")
