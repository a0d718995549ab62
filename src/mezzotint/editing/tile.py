"""Seamless tiles, pictures that go on over their edges; and the windows that a request is drawn in."""

import math
from collections.abc import Mapping
from types import MappingProxyType

from mezzotint.codecs.codec import Codec
from mezzotint.editing.windows import Windows
from mezzotint.errors import InvalidOption
from mezzotint.request import Request

__all__ = ["AXES", "in_windows"]

AXES: Mapping[str | None, tuple[bool, bool]] = MappingProxyType(
    {None: (False, False), "x": (False, True), "y": (True, False), "both": (True, True)}
)
"""For each kind of tile, whether it goes on (down, across)."""
TOGETHER = 8
"""Windows that share a network call with `batching` "fast"."""


def in_windows(request: Request, codec: Codec, native: tuple[int, int]) -> Windows | None:
    """Windows, for pictures larger than a model draws at once (native: width, height), and for tiles.

    A tile has them on a torus, or on a cylinder: some lie over the edge, half on either side. The network sees the edge
    in the middle of those as if there were none, and the weights of windows are small at their own edges; so all places
    of a tile are alike. Raises `InvalidOption` for a stride that such windows cannot have, or that there are none for.
    """
    (width, height), (_, down, across) = native, codec.factors
    stride = request.window_stride
    if request.size == native and request.tile is None:
        if stride is not None:
            raise InvalidOption(
                f"window_stride is {stride}, but {width}x{height} pixels are drawn at once; leave it out, or give a "
                "larger size."
            )
        return None
    step = math.lcm(down, across)
    if stride is not None and (stride > min(width, height) or stride % step):
        parts = "" if step == 1 else f" in multiples of {step}"
        raise InvalidOption(
            f"window_stride is {stride}; windows of {width}x{height} pixels can be {step} to {min(width, height)} "
            f"apart{parts}."
        )
    side = height // down, width // across
    apart = (side[0] // 2, side[1] // 2) if stride is None else (stride // down, stride // across)
    return Windows(side, apart, AXES[request.tile], 1 if request.batching == "exact" else TOGETHER)
