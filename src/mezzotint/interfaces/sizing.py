"""How large pictures are in the end: drawn at once, in windows, or drawn small and enlarged by the upscaler."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mezzotint.errors import InvalidOption
from mezzotint.request import Request

if TYPE_CHECKING:
    from mezzotint.pipeline import Pipeline

__all__ = ["NONE", "NoRoom", "enlarged_after_an_edit", "enlarged_in_the_end", "for_several"]

NONE = "none"
"""What `--upscaler` says for no upscaler."""


class NoRoom(InvalidOption):
    """A size that leaves no place for each thing of a prompt."""


OF_THE_WHOLE = (
    *("aspect", "tile", "detail", "expand", "zoom", "invert", "structure_ref", "region", "region_masks"),
    *("blend_images", "keep_layout"),
)
"""The options of edits that are about all of a picture, so that no part can be drawn by itself."""
SCALE = 4
"""How many times as wide upscalers make pictures at once, unless they say otherwise."""
LARGEST = 1024
"""The longest side that a picture keeps when it is drawn on."""


def enlarged_in_the_end(pipe: "Pipeline", request: Request, upscaler: str | None) -> Request:
    """A request whose size, if it has one, is that in the end, as one that is drawn small and enlarged by an upscaler.

    upscaler: its name or folder; "none" for none; None for the installed one, where it makes pictures as large as its
    windows of those of the model, and no other way to draw larger ones is asked for. With such a way, hires or a
    window_stride, the size is that of what is drawn. Raises `InvalidOption` for one that has nothing to enlarge.
    """
    from mezzotint.editing.outpaint import of_shape
    from mezzotint.upscaled import INSTALLED

    if upscaler == NONE or (upscaler is None and not _suits(pipe, request)):
        return request
    name, size, native = upscaler or INSTALLED, request.size, pipe.model.size
    if size is None or request.hires or request.window_stride is not None:
        return replace(request, upscaler=name)
    small = of_shape(size, native)
    if small != size and all(large > own for large, own in zip(size, native, strict=True)):
        return replace(request, size=small, upscaler=name, upscale_to=size)
    if upscaler is None:
        return request
    here, own = ("x".join(map(str, one)) for one in (size, native))
    raise InvalidOption(f"size is {here}, which is drawn without an upscaler; give sides above {own}, or leave it out.")


def for_several(pipe: "Pipeline", request: Request, upscaler: str | None) -> Request:
    """A request whose prompt names several things, with a canvas for them, and enlarged as one of one thing would be.

    A size that is no larger than that canvas is drawn at once. Raises `InvalidOption` as `enlarged_in_the_end`, and
    `NoRoom` for a larger one that nothing enlarges, since the things would be lost on it, and for a canvas that is too
    long to be drawn.
    """
    from mezzotint.editing.outpaint import LARGEST as DRAWN
    from mezzotint.interfaces.layout import room_for

    canvas = room_for(pipe, request.size or request.aspect or pipe.model.size)
    if max(canvas) > DRAWN:
        raise NoRoom(f"The canvas for several things would be {max(canvas)} pixels long; {DRAWN} are drawn at most.")
    one = enlarged_in_the_end(pipe, request, upscaler)
    end = one.upscale_to or request.size
    if end is None and one.upscaler is not None:  # as large as a single thing of this shape
        end = pipe.resolve(one).upscale_to
    if end is None or one.upscaler is None:
        if request.size is not None and any(side > most for side, most in zip(request.size, canvas, strict=True)):
            raise NoRoom("Several things are drawn on a smaller canvas, and nothing enlarges it.")
        return replace(request, size=request.size or canvas, aspect=None)
    if all(large > small for large, small in zip(end, canvas, strict=True)):
        return replace(one, size=canvas, aspect=None, upscale_to=end)
    return replace(request, size=end, aspect=None)


def enlarged_after_an_edit(
    pipe: "Pipeline",
    request: Request,
    upscaler: str | None,
    picture: tuple[int, int],
    said: Callable[[str], None] = lambda sentence: None,
) -> Request:
    """The same for an edit of a picture of some size (width, height), whose result is not to be much smaller.

    Parts that are drawn by themselves are enlarged where they are put back. Where no upscaler is named, the installed
    one is used for them, and for a picture at least twice as wide as the model's that is drawn on at that size. With a
    mask it keeps its own size: what the mask covers is drawn by itself (`crop_to_mask`); where that cannot be, it is
    drawn small, and stays so, which `said` hears. What is drawn around it (`expand`) is told in its pixels. At strength
    0 nothing is drawn, and it stays as large as it is.
    """
    from mezzotint.passes import parts_only
    from mezzotint.upscaled import INSTALLED

    name, native = upscaler or INSTALLED, pipe.model.size
    if upscaler == NONE or (upscaler is None and not _suits(pipe, request)):
        return _placed(request, picture, native)
    if request.strength == 0 and upscaler is None and _as_it_is(request, picture):
        return replace(request, size=picture)
    if request.crop_to_mask or parts_only(request):
        return replace(request, upscaler=name)
    if request.size is not None and any(request.expand or ()):
        return request if upscaler is None else replace(request, upscaler=name)
    shrunk = all(side >= 2 * own for side, own in zip(picture, native, strict=True))
    if request.size is not None or not shrunk or request.strength == 0:
        request = _placed(request, picture, native)
        if upscaler is None:
            return request
        whole = request.drawn_around  # whose size is that of what is drawn
        return replace(request, upscaler=name) if whole else enlarged_in_the_end(pipe, request, upscaler)
    if request.mask is not None:
        of_the_whole = [item for item in OF_THE_WHOLE if getattr(request, item)]
        if not of_the_whole:
            return replace(request, crop_to_mask=True, upscaler=name)
        if upscaler is None:
            option = f"--{of_the_whole[0].replace('_', '-').replace('region-masks', 'region')}"
            said(
                f"The result is drawn small, since {option} is about all of the picture and --mask keeps a part of it; "
                "of the picture's own size it is with one of the two, or enlarged, the kept part too, with "
                f"--upscaler {name}."
            )
            return _placed(request, picture, native)
    return _as_large(replace(request, upscaler=name), picture, native, said)


def _as_it_is(request: Request, picture: tuple[int, int]) -> bool:
    """Whether an edit that draws nothing can have the size of its picture, of sides that a canvas can have."""
    from mezzotint.editing.outpaint import GRID
    from mezzotint.editing.outpaint import LARGEST as DRAWN

    spare = request.size is not None or request.hires or any(getattr(request, item) for item in OF_THE_WHOLE)
    return not spare and all(side % GRID == 0 and side <= DRAWN for side in picture)


def _placed(
    request: Request, picture: tuple[int, int], native: tuple[int, int], times: tuple[float, float] = (1.0, 1.0)
) -> Request:
    """A request that draws around a picture of another shape than the model's with the size of its canvas: its shorter
    side is the model's. Others as they are. times: how many of the picture's pixels, to which margins refer, are one of
    what is drawn. Raises InvalidOption for an aspect that the picture has."""
    from mezzotint.editing.outpaint import GRID, centred, of_shape

    inner = of_shape(picture, native)
    if request.aspect is not None:
        canvas = of_shape(request.aspect, inner)
        if canvas == inner:
            raise InvalidOption(
                f"aspect is {':'.join(map(str, request.aspect))}, and the picture has about this shape, so that "
                "nothing is drawn around it; leave aspect out, or give another."
            )
        if inner == native or request.size is not None:  # the pipeline knows how to, or refuses both
            return request
        return replace(request, size=canvas, expand=centred(inner, canvas), aspect=None)
    if request.size is not None or not request.drawn_around or (inner == native and times == (1.0, 1.0)):
        return request
    margins = request.expand or (0, 0, 0, 0)
    if times != (1.0, 1.0):
        left, top, right, bottom = (
            -(-math.ceil(edge / scale) // GRID) * GRID for edge, scale in zip(margins, 2 * times, strict=True)
        )
        margins = left, top, right, bottom
    size = (inner[0] + margins[0] + margins[2], inner[1] + margins[1] + margins[3])
    return replace(request, size=size, expand=margins if request.expand else None)


def _as_large(
    request: Request, picture: tuple[int, int], native: tuple[int, int], said: Callable[[str], None]
) -> Request:
    """The request with margins in pixels of the model's picture, rounded up to what it draws, and with the size in the
    end that keeps the picture as large as it is, from what the upscaler gives at once up to `LARGEST`."""
    from mezzotint.edit_options import EDGES
    from mezzotint.editing.outpaint import of_shape

    inner, asked = of_shape(picture, native), request.expand
    across, down = (large / small for large, small in zip(picture, inner, strict=True))
    request = _placed(request, picture, native, (across, down))
    size, most = request.size or native, max(across, down)
    if asked is not None and request.expand is not None:
        grown = [round(edge * scale) for edge, scale in zip(request.expand, 2 * (across, down), strict=True)]
        if grown != list(asked):
            sides = ", ".join(f"{name} {edge}" for name, edge in zip(EDGES, grown, strict=True) if edge)
            said(
                f"The canvas grows by {sides} pixels: it is drawn {most:g} times smaller, with sides in multiples of 8."
            )
    if inner == native and (most <= SCALE or picture[0] != picture[1] or request.aspect is not None):
        return request if any(request.expand or ()) else replace(request, size=None)
    if request.size is None and inner != native:  # nothing is drawn around it
        return request
    factor = max(SCALE, min(most, LARGEST / max(size))) / most
    return replace(request, upscale_to=(round(factor * across * size[0]), round(factor * down * size[1])))


def _suits(pipe: "Pipeline", request: Request) -> bool:
    """Whether the installed upscaler is used without being asked for."""
    from mezzotint.checkpoints.model_folder import DESCRIPTION
    from mezzotint.load import model_folders
    from mezzotint.upscaled import INSTALLED

    folder = model_folders().get(INSTALLED)
    if folder is None or request.hires or request.window_stride is not None or pipe.model.enlarges > 1:
        return False
    told = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    scale = told["network"]["scale"]
    return all(scale * own == side for own, side in zip(pipe.model.size, told["size"], strict=True))
