"""Pictures that are drawn in several passes, each on what the pass before gave: enlarged ones, and redrawn parts.

Every pass is a request of its own on the one pipeline; the whole is one request, with one recipe.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mezzotint.editing.enlarge import enlarged
from mezzotint.editing.outpaint import of_shape
from mezzotint.editing.tile import AXES
from mezzotint.errors import InvalidOption
from mezzotint.request import Request

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Pass", "faded", "parts_only", "passes", "read_by_parts", "several", "with_pass_strengths"]

HIRES_STRENGTH = 0.3
"""Of the second pass, unless asked otherwise. The more is drawn, the more each window draws things of its own: at 0.3
the house model sharpens what is there, at 0.5 specks come, from 0.7 on the thing falls apart."""
DETAIL_STRENGTH = 1.0
"""Of parts that are redrawn, unless asked otherwise: what a part's words say, the house model decides in the noise."""
AROUND = 0.25
"""Share of a part's longer side that is drawn around it: what is redrawn must fit what is there."""
FADE = 0.1
"""Share of a part's sides on which what is redrawn goes over into what was there."""
_SOMETHING = "0" * 64
"""Stands for the digest of a picture that a pass before draws."""
_OF_PARTS = (
    *(
        "negative",
        "style",
        "style_start",
        "seed",
        "vary",
        "steps",
        "guidance",
        "guidance_interval",
        "chaos",
        "guidance_methods",
    ),
    *("solver", "eta", "grid", "stop", "style_ref", "style_weight", "model", "lora", "weak_model", "batching"),
    *("device", "dtype", "distilled_guidance"),
)
"""What is said of a whole picture that counts for its parts too."""

Pictures = Mapping[str, "Image"]


@dataclass(frozen=True, slots=True)
class Pass:
    """One drawing of several.

    request   what is drawn
    begin     from the picture that the pass before gave, None in the first, to the pictures of this pass, by the names
              of their options
    """

    request: Request
    begin: Callable[["Image | None"], dict[str, "Image"]]


def several(request: Request) -> bool:
    """Whether a request is drawn in several passes."""
    return request.hires or bool(request.detail)


def parts_only(request: Request) -> bool:
    """Whether nothing but parts of a picture is redrawn, so that it may be of any size."""
    return bool(request.detail) and request.image is not None and request.strength == 0


def read_by_parts(request: Request) -> tuple[str, ...]:
    """The options that count because parts of a resolved request are redrawn, whatever else is drawn; none if none
    is."""
    return _OF_PARTS if request.detail and request.detail_strength else ()


def with_pass_strengths(request: Request) -> Request:
    """The request with the strengths that later passes have unless asked otherwise."""
    if request.hires and request.hires_strength is None:
        request = replace(request, hires_strength=HIRES_STRENGTH)
    if request.detail and request.detail_strength is None:
        request = replace(request, detail_strength=DETAIL_STRENGTH)
    return request


def passes(request: Request, native: tuple[int, int], pictures: Pictures | None = None) -> tuple[Pass, ...]:
    """The passes of a resolved request, by a model that draws the native size (width, height) at once.

    pictures: what came with the request, which `begin` gives on. Raises `InvalidOption` where there is nothing to
    enlarge or to redraw.
    """
    given = dict(pictures or {})
    whole = replace(request, hires=False, hires_strength=None, detail=(), detail_strength=None)
    drawn: tuple[Pass, ...] = (Pass(whole, lambda _: given),)
    if request.hires:
        drawn = _enlarged(request, whole, native, given)
    elif parts_only(request):
        drawn = ()
    parts = (_part(request, box, text, native, given) for box, text in request.detail)
    return (*drawn, *parts)


def _enlarged(
    request: Request, whole: Request, native: tuple[int, int], given: dict[str, "Image"]
) -> tuple[Pass, Pass]:
    """A small picture, and what is drawn on it when it is enlarged."""
    size = request.size or native
    small = of_shape(size, native)
    if small == size:
        sides = "x".join(map(str, size))
        raise InvalidOption(f"hires enlarges a picture of {sides} pixels to {sides}; give a larger --size.")
    in_windows = small != native or request.tile is not None
    first = replace(whole, size=small, window_stride=request.window_stride if in_windows else None)
    again = replace(whole, image=_SOMETHING, strength=request.hires_strength)

    def shrunk(_: "Image | None") -> dict[str, "Image"]:
        of_all = {name: enlarged(one, small) for name, one in given.items() if name == "structure_ref"}
        return {**given, **of_all}

    def on_it(before: "Image | None") -> dict[str, "Image"]:
        assert before is not None, "the first pass drew nothing"
        return {**given, "image": enlarged(before, size, AXES[request.tile])}

    return Pass(first, shrunk), Pass(again, on_it)


def _part(
    request: Request,
    box: tuple[float, float, float, float],
    text: str,
    native: tuple[int, int],
    given: dict[str, "Image"],
) -> Pass:
    """A part, drawn at the size that the model draws, with what is around it, and put back. Raises `InvalidOption` for
    one that covers not even half of a pixel."""
    shape = given["image"].size if parts_only(request) and given else request.size or native
    if (given or not parts_only(request)) and np.asarray(faded(box, shape)).max() < 128:
        where, sizes = ",".join(f"{one:g}" for one in box), "x".join(map(str, shape))
        raise InvalidOption(f"detail {where} covers no pixel of a picture of {sizes}; give a larger box.")
    sides = [max(1, math.ceil((box[k + 2] - box[k]) * shape[k])) for k in (0, 1)]
    kept = {name: getattr(request, name) for name in _OF_PARTS}
    asked = Request(
        prompt=text,
        **kept,
        size=native,
        image=_SOMETHING,
        mask=_SOMETHING,
        crop_to_mask=True,
        crop_padding=round(AROUND * max(sides)),
        strength=request.detail_strength,
    )
    of_all = {name: one for name, one in given.items() if name == "style_ref"}

    def begin(before: "Image | None") -> dict[str, "Image"]:
        here = given["image"] if before is None else before
        return {**of_all, "image": here, "mask": faded(box, here.size)}

    return Pass(asked, begin)


def faded(box: tuple[float, float, float, float], size: tuple[int, int]) -> "Image":
    """The mask (L) of a part, in shares of a picture of a size (width, height): white inside, falling to black at its
    border. It does not fall where the picture ends, since nothing is beside it."""
    from PIL import Image

    axes = []
    for k in (0, 1):
        begin, end, at = box[k], box[k + 2], (np.arange(size[k]) + 0.5) / size[k]
        fade = FADE * (end - begin)
        rise = np.ones_like(at) if begin == 0 else ((at - begin) / fade).clip(0, 1)
        fall = np.ones_like(at) if end == 1 else ((end - at) / fade).clip(0, 1)
        axes.append(rise * fall)
    return Image.fromarray((axes[1][:, None] * axes[0] * 255).round().astype(np.uint8), "L")
