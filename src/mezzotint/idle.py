"""What of a resolved request has no effect, as far as the request itself says it."""

from collections.abc import Collection

from mezzotint.request import Request
from mezzotint.tasks import WEIGHTS

__all__ = ["forgotten", "unused"]


def unused(request: Request, parts: Collection[str] = ()) -> tuple[str, ...]:
    """The references of a resolved request that have no effect, and what says where nothing is drawn.

    parts: the options that are read where parts are redrawn: these count although nothing else is drawn.
    """
    words = ("prompt", "negative", "also", "blend", "region", "region_masks")
    names = ("mask", *words, "keep_layout", "stop", "tile", "vary", "window_stride", "blend_images", "expand")
    names = (*names, "guidance_methods", *(("zoom",) if (request.zoom or 1) > 1 else ()))
    names = (*names, *(() if request.blend_images else ("invert",)))  # every blend is of inversions
    refs = {f"{name}_ref": getattr(request, f"{name}_weight") for name in WEIGHTS if getattr(request, f"{name}_ref")}
    lost = [name for name in (*names, *refs) if request.strength == 0 and name not in parts and getattr(request, name)]
    off = {name for name, weight in refs.items() if name in lost or not weight}
    idle = {name: "strength" if name in lost else "weight" for name in refs if name in off}
    why = "nothing is drawn at strength 0" + (", nor where a mask is black all over" if request.mask else "")
    still = tuple(f"{name}: {why}" for name in lost if name not in refs)
    if request.detail and request.detail_strength == 0:
        still += ("detail: nothing of it is redrawn at detail_strength 0",)
    if request.style_start is not None and not request.styled:
        still += ("style_start: no drawing style is told",)
    still += covered_words(request)
    spare = request.source_prompt and not (request.invert or request.keep_layout)
    still += ("source_prompt: nothing reads it at keep_layout 0",) if spare else ()
    return (*(f"{name}: nothing of it is drawn at {what} 0" for name, what in idle.items()), *still)


def covered_words(request: Request) -> tuple[str, ...]:
    """What nobody sees of, because a region's box covers all of the picture: the prompt, and the regions before it."""
    whole = [k for k, ((x, y, u, v), _) in enumerate(request.region) if x <= 0 and y <= 0 and u >= 1 and v >= 1]
    if not whole or request.strength == 0:
        return ()
    why = f"the region {request.region[whole[-1]][1]!r} covers all of the picture"
    before = (f"region: {text!r}: {why}, and comes after it" for _, text in request.region[: whole[-1]])
    return (*([f"prompt: {why}"] if request.prompt else []), *before)


def forgotten(request: Request, moves: int, whole: int) -> tuple[str, ...]:
    """What there is to say of a picture that is redrawn in all moves of the grid, though its strength is below 1, and
    of a style that can be told no later than at once."""
    if whole == 1 and request.styled and request.style_start is not None and request.style_start < 1:
        return ("style_start: a single step is told the drawing style in any case",)
    if request.image is None or request.strength is None or not 0 < request.strength < 1 or moves < whole:
        return ()
    return (f"image: a strength of {request.strength:g} is all of {whole} steps, from pure noise; take more steps",)
