"""Pictures of the size that instruments look at, whatever size they have."""

from typing import TYPE_CHECKING

import numpy as np

from mezzotint.data.pixels import fit, straight
from mezzotint.errors import InvalidOption
from mezzotint.evaluation.detector import Detector
from mezzotint.evaluation.encoder import Encoder

if TYPE_CHECKING:
    from PIL.Image import Image

    from mezzotint.model import Model

__all__ = ["Box", "check_sides", "shares_of", "squared"]

Box = tuple[float, float, float, float]
"""(left, top, right, bottom)."""


def check_sides(model: "Model", detector: Detector | None, encoder: Encoder | None) -> None:
    """Raises `InvalidOption` if one of the instruments looks at pictures of another size."""
    sides = {
        "detector": None if detector is None else detector.network.config.size,
        "encoder": None if encoder is None else encoder.size,
    }
    for name, side in sides.items():
        if side is not None and model.size != (side, side):
            width, height = model.size
            raise InvalidOption(
                f"The model {model.name} draws {width}x{height} pixels and the {name} looks at {side}x{side}; "
                "its pictures cannot be measured with it."
            )


def squared(image: "Image", side: int) -> "Image":
    """A picture scaled to fit a square of so many pixels, in the middle of a transparent canvas, as a larger one is
    looked at; one that has this size is itself."""
    from PIL import Image

    if image.size == (side, side):
        return image
    picture = fit(image, side)
    return Image.fromarray(np.concatenate([straight(picture), picture[..., 3:]], axis=-1), "RGBA")


def shares_of(box: Box, size: tuple[int, int], side: int) -> Box:
    """A box of the square, in its pixels, as shares of the picture of a size (width, height) that lies in it, cut off
    at the picture's edges."""
    found = []
    for k, edge in enumerate(box):
        inner = max(1, round(size[k % 2] * side / max(size)))
        found.append(min(1.0, max(0.0, (edge - (side - inner) // 2) / inner)))
    left, top, right, bottom = found
    return left, top, right, bottom
