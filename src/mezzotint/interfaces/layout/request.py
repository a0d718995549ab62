"""From a request whose prompt names several things to one with a region for each."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mezzotint.conditioning.prompt import escaped
from mezzotint.interfaces.layout.phrases import Told, told_of
from mezzotint.interfaces.layout.places import boxes_of
from mezzotint.request import Request

if TYPE_CHECKING:
    from mezzotint.pipeline import Pipeline

__all__ = ["OTHERWISE", "ROOM", "laid_out", "room_for", "told_by"]

OTHERWISE = (
    *("image", "region", "region_masks", "also", "blend", "structure_ref", "keep_layout", "tile", "hires", "detail"),
    *("window_stride", "invert", "image_ref", "guidance_methods"),
)
"""The options that say otherwise what is where, need a prompt of the whole, or look into the network."""
ROOM = 9 / 4
"""Sides of the canvas in sides of what the model draws at once: two by two pictures of that size, with some room."""


LEAST = 4
"""Into how small a part of its side what the model draws at once is shrunk at most."""


def laid_out(request: Request, canvas: tuple[int, int] = (1, 1), native: float = math.inf) -> Request | None:
    """The request with each thing that its prompt names as a region, and the prompt beside it as `original_prompt`.

    The words that its LoRAs teach, by which they are called, are things. canvas: (width, height) of what is drawn;
    native: the side that the model draws at once, in the same units: no region is larger, or has less than a quarter of
    it. None for a prompt that names one thing only, or that says anything else, and for a request that says otherwise
    what is where.
    """
    told = None if any(getattr(request, name) for name in OTHERWISE) else told_by(request)
    places = None if told is None else boxes_of(told, canvas, native)
    least = native / LEAST if native < math.inf else 0.0
    if places is None or any((box[2] - box[0]) * canvas[0] < least for box, _ in places):
        return None
    region = tuple((box, escaped(words)) for box, words in places)
    return replace(request, prompt="", region=region, original_prompt=request.original_prompt or request.prompt)


def told_by(request: Request) -> Told | None:
    """What a request's prompt says of several things, the words that its LoRAs teach among them; see `told_of`."""
    taught = [Path(name).name.removesuffix(".safetensors") for name, strength in request.lora if strength]
    return told_of(request.prompt, taught)


def room_for(pipe: "Pipeline", shape: tuple[int, int]) -> tuple[int, int]:
    """The canvas (width, height) on which several things of a model are drawn, of the shape of a size or an aspect."""
    from mezzotint.editing.outpaint import GRID, of_shape

    width, height = of_shape(shape, pipe.model.size)
    return GRID * round(ROOM * width / GRID), GRID * round(ROOM * height / GRID)
