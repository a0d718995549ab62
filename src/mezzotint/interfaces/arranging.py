"""A request as `imagine` draws it: laid out if its prompt names several things, and as large as is asked for."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.sizing import NoRoom, enlarged_in_the_end, for_several
from mezzotint.request import Request
from mezzotint.values import check_choice

if TYPE_CHECKING:
    from mezzotint.pipeline import Pipeline

__all__ = ["LAYOUTS", "arranged"]

LAYOUTS = ("auto", "none")


def arranged(
    pipe: "Pipeline",
    request: Request,
    layout: str = "auto",
    upscaler: str | None = None,
    crowded: Callable[[str], None] = lambda prompt: None,
) -> Request:
    """The request with regions for what its prompt names, if that is several things and the model draws regions, and
    with the size that is drawn and that in the end.

    layout: "auto", or "none" for no regions; upscaler: as of `sizing.enlarged_in_the_end`; crowded: hears of a prompt
    for whose things there is no room. Raises `InvalidOption`.
    """
    from mezzotint.interfaces.layout import laid_out

    check_choice("layout", layout, LAYOUTS)
    full = False
    try:
        if layout == "auto" and laid_out(request) is not None:
            sized = for_several(pipe, request, upscaler)
            if (here := laid_out(sized, sized.size or pipe.model.size, min(pipe.model.size))) is not None:
                pipe.adapted(here).resolve(here)
                return here
            full = True
    except NoRoom:
        full = True
    except InvalidOption:  # the plain prompt then says what is wrong, if that is not the regions
        pass
    whole = enlarged_in_the_end(pipe, request, upscaler)
    if full:
        crowded(request.prompt)
    return whole
