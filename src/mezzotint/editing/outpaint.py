"""Outpainting: a picture on a larger canvas, whose new part is drawn; and how large canvases are."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mezzotint.codecs.codec import Codec
from mezzotint.edit_options import EDGES
from mezzotint.editing.enlarge import scaled
from mezzotint.errors import InvalidOption
from mezzotint.request import Request

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Margins", "alike", "centred", "covered", "extended", "source_size", "with_size", "zoomed_out"]

GRID = 8
"""Sides of pictures that are larger than a model's are multiples of so many pixels, or of the codec's."""
LARGEST = 1024
"""The longest side that is drawn."""

STRETCH = 0.08
"""How far the shapes of two sizes of one picture may be apart: sides are drawn in multiples of 8."""

Margins = tuple[int, int, int, int]
"""Pixels to the left, above, to the right and below."""


def alike(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes are of about the same shape."""
    return abs(one[0] * other[1] / (one[1] * other[0]) - 1) <= STRETCH


def centred(inner: tuple[int, int], outer: tuple[int, int]) -> Margins:
    """What is around a picture (width, height) in the middle of a canvas."""
    across, down = (big - small for big, small in zip(outer, inner, strict=True))
    return across // 2, down // 2, across - across // 2, down - down // 2


def extended(image: "Image", margins: Margins) -> "Image":
    """The picture, RGBA, with its outermost pixels repeated over the margins."""
    from PIL import Image

    left, top, right, bottom = margins
    return Image.fromarray(
        np.pad(np.asarray(image.convert("RGBA")), ((top, bottom), (left, right), (0, 0)), mode="edge"), "RGBA"
    )


def covered(mask: Tensor, margins: Margins) -> "Image":
    """A mask (1, H, W) of the picture as one of the canvas: all of the margins is drawn."""
    from PIL import Image

    left, top, right, bottom = margins
    whole = F.pad(mask[0], (left, right, top, bottom), value=1.0)
    return Image.fromarray((whole * 255).round().to(torch.uint8).numpy(), "L")


def zoomed_out(image: "Image", factor: float) -> "Image":
    """The picture, RGBA, with sides `factor` times smaller, rounded, at least one pixel; premultiplied meanwhile."""
    from PIL.Image import Resampling

    return scaled(image, (max(1, round(image.width / factor)), max(1, round(image.height / factor))), Resampling.BOX)


def with_size(request: Request, model: str, native: tuple[int, int], codec: Codec) -> Request:
    """The request with the size that is drawn: the model's own, what asks for more than that, or what an edit needs.

    Larger pictures are drawn in windows; their sides are multiples of `GRID` pixels. Raises `InvalidOption` for sides
    that are none, that are below the model's, and above `LARGEST`, and for margins that leave nothing to the picture.
    """
    margins, (width, height) = request.expand or (0, 0, 0, 0), native
    size = request.size or (width + margins[0] + margins[2], height + margins[1] + margins[3])
    asked = f"{size[0]}x{size[1]}"
    if request.aspect is not None:
        size, asked = of_shape(request.aspect, native), f"of the shape {':'.join(map(str, request.aspect))}"
        if request.image is not None and size != native:
            request = replace(request, aspect=None, expand=centred(native, size))
    steps = [math.lcm(GRID, factor) for factor in reversed(codec.factors[1:])]
    fits = all(low <= side <= LARGEST and side % step == 0 for side, low, step in zip(size, native, steps, strict=True))
    if size != native and not fits:
        instead = "give such a --size, or leave it out"
        if request.size is None and request.aspect is None:
            asked, instead = f"{asked}, which --expand makes of it", "give margins that make such a one"
        raise InvalidOption(
            f"The model {model} draws pictures of {width}x{height} pixels, not {asked}, or larger ones with sides in "
            f"multiples of {max(steps)} up to {LARGEST}; {instead}."
        )
    request = replace(request, size=size, aspect=None)
    if min(source_size(request)) < 1:
        sides = ",".join(f"{name}={n}" for name, n in zip(EDGES, margins, strict=True) if n)
        raise InvalidOption(
            f"size is {asked} and expand is {sides}, which leaves nothing for the picture; make --size larger, or "
            "--expand smaller."
        )
    return request


def of_shape(aspect: tuple[int, int], native: tuple[int, int]) -> tuple[int, int]:
    """The smallest size (width, height) of about this shape that the native one fits into, in multiples of `GRID`."""
    scale = max(side / part for side, part in zip(native, aspect, strict=True))
    width, height = (max(GRID * round(scale * part / GRID), side) for side, part in zip(native, aspect, strict=True))
    return width, height


def source_size(request: Request) -> tuple[int, int]:
    """The (width, height) of the picture that a resolved request edits, which may be less than what is drawn."""
    assert request.size is not None, "a request that is not resolved"
    left, top, right, bottom = request.expand or (0, 0, 0, 0)
    return request.size[0] - left - right, request.size[1] - top - bottom
