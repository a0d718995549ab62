"""How near a drawing is to the picture that it was traced from: it is rendered again and compared."""

import math
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mezzotint.provenance.svg import svg_text

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["drawing_psnr", "rendered"]


def rendered(drawing: str, size: tuple[int, int], pixels: int | None = None) -> npt.NDArray[np.uint8]:
    """A drawing (elements, for a picture of a size) as (H, W, 4) premultiplied RGBA, by resvg.

    pixels: of the longer side; those of the size if not given. Raises MissingDependency.
    """
    from mezzotint.data.icons.render import rasterise

    width, height = size
    side = max(size)  # a square of which a part is kept, since squares are what it renders
    factor = (pixels or side) / side
    page = rasterise(svg_text(drawing, (side, side)), pixels or side)
    return page[: round(height * factor), : round(width * factor)]


def drawing_psnr(drawing: str, image: "Image") -> float | None:
    """Peak signal-to-noise ratio, in dB, between a drawing and its picture, as `provenance.pixels.psnr` has it.

    None where resvg_py is not installed, infinite for equal pictures.
    """
    if find_spec("resvg_py") is None:
        return None
    from mezzotint.provenance.pixels import premultiplied

    mse = float(np.mean((rendered(drawing, image.size) - premultiplied(image)) ** 2))
    return math.inf if mse == 0 else 10 * math.log10(255**2 / mse)
