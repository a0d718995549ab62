"""Enlarging: a large picture is drawn of which a small one is known, in overlapping windows."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from dataclasses import replace as replaced
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mezzotint.codecs.codec import Codec
from mezzotint.codecs.images import from_image
from mezzotint.diffusion.noise import Noise
from mezzotint.editing.composed import Composed
from mezzotint.editing.edit import Canvas, Edit
from mezzotint.editing.enlarge import enlarged
from mezzotint.editing.outpaint import with_size
from mezzotint.editing.tile import AXES
from mezzotint.editing.windows import Windows
from mezzotint.errors import InvalidOption
from mezzotint.families.pixel_upscaler import SmallPicture
from mezzotint.request import Request

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["PIXEL_BYTES", "Upscale", "memory_needed", "sized", "to_enlarge", "upscaling"]

OF_UPSCALERS = frozenset(
    (
        *("prompt", "n", "seed", "steps", "guidance", "guidance_interval", "solver", "eta", "grid", "stop", "size"),
        *("window_stride", "tile", "image", "strength", "original_prompt", "model", "batching", "device", "dtype"),
    )
)
"""The options that a picture can be enlarged with; a prompt is named as ignored."""
TOGETHER = 4
"""Windows that share a network call with `batching` "fast"."""
PIXEL_BYTES = 160
"""Bytes that drawing takes for each pixel of the canvas. Measured: 72 in two steps, to which a third adds the solver's
memory, 16."""
_ALWAYS = 400 * 2**20
"""Bytes that the program, the network and a window take on top. Measured: 285 MiB without the network."""


@dataclass(frozen=True, slots=True)
class Upscale(Edit):
    """Tells every branch what the picture looks like when it is small; wraps nothing, and starts from pure noise.

    small: (C, 1, h, w) in [-1, 1]; the canvas is `scale` times as wide and as high.
    Source: Saharia et al. 2021 (SR3, arXiv 2104.07636), section 2.
    """

    small: Tensor
    scale: int

    def condition(self, branches: Mapping[str, Any], canvas: Canvas, noise: Noise) -> Mapping[str, Any]:
        """The small picture, for each picture of the canvas."""
        told = SmallPicture(self.small.expand(canvas.shape[0], *self.small.shape), self.scale)
        return dict.fromkeys(branches, told)


def sized(request: Request, model: str, native: tuple[int, int], codec: Codec, enlarges: int) -> Request:
    """The request with its size decided, for a model that draws the native size, or one that enlarges so many times.

    Raises InvalidOption as `with_size` and `to_enlarge` do.
    """
    return with_size(request, model, native, codec) if enlarges == 1 else to_enlarge(request, model, enlarges)


def to_enlarge(request: Request, model: str, scale: int) -> Request:
    """The request to a model that enlarges `scale` times, whose guidance is resolved; drawn from pure noise.

    Raises `InvalidOption` without a picture or a size, for a size that is no multiple of the scale, and for options
    that mean nothing to such a model.
    """
    if request.image is None:
        raise InvalidOption(
            f"The model {model} enlarges pictures and draws none from words; give one, as mezzotint upscale FILE does."
        )
    plain = Request(prompt=request.prompt)
    given = [item.name for item in fields(Request) if getattr(request, item.name) != getattr(plain, item.name)]
    spare = [name for name in given if name not in OF_UPSCALERS]
    if request.guidance != 1:
        spare.append("guidance")
    if request.strength not in (None, 1.0):
        spare.append("strength")
    if spare:
        raise InvalidOption(f"{spare[0]} is given, but the model {model} only enlarges a picture; leave it out.")
    size = request.size
    if size is None or any(side % scale for side in size):
        asked = "no size is given" if size is None else f"size is {size[0]}x{size[1]}"
        raise InvalidOption(f"{asked}; the model {model} draws sides in multiples of {scale}: give such a size.")
    return replaced(request, strength=1.0)


def upscaling(request: Request, image: "Image", native: tuple[int, int], scale: int) -> Edit:
    """The edit of a request that `to_enlarge` gave, by a model that draws the native size (width, height) at once.

    A picture of less than 1 / scale of the size is enlarged by Lanczos's filter up to that. A tile is drawn in windows
    that go over its edges, as where it was made (`in_windows`): to draw it with a margin of its copies, and to cut that
    off, leaves a seam, since both sides of the edge are then drawn beside copies, which come out otherwise than what
    they stand for. Raises `InvalidOption` for a larger picture, one of another shape, and a stride that is none.
    """
    assert request.size is not None, "a request that is not resolved"
    width, height = request.size
    small = width // scale, height // scale
    if image.width > small[0] or image.height > small[1]:
        raise InvalidOption(
            f"size is {width}x{height}, but a picture of {image.width}x{image.height} pixels becomes "
            f"{scale * image.width}x{scale * image.height} at least; ask for that, and shrink it afterwards."
        )
    if abs(small[0] * image.height - small[1] * image.width) > max(image.size):
        raise InvalidOption(
            f"size is {width}x{height}, another shape than that of {image.width}x{image.height}; give one of its shape."
        )
    side = min(height, native[1]), min(width, native[0])
    stride = request.window_stride
    if stride is not None and (stride > min(side) or stride % scale):
        raise InvalidOption(
            f"window_stride is {stride}; windows of {side[1]}x{side[0]} pixels can be {scale} to {min(side)} apart in "
            f"multiples of {scale}."
        )
    apart = [max(scale, 3 * one // 4 // scale * scale) if stride is None else stride for one in side]
    together = 1 if request.batching == "exact" else TOGETHER
    around = AXES[request.tile]
    windows = Windows(side, (apart[0], apart[1]), around, together, unit=scale)
    return Composed((windows, Upscale(from_image(enlarged(image, small, around)), scale)))


def memory_needed(size: tuple[int, int]) -> int:
    """Bytes that a picture of this size (width, height) takes while it is drawn."""
    return _ALWAYS + PIXEL_BYTES * size[0] * size[1]
