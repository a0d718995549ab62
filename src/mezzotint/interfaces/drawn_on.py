"""A request to draw on a picture, and the pictures as a model takes them."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mezzotint.interfaces.references import References
from mezzotint.interfaces.sizing import enlarged_after_an_edit
from mezzotint.interfaces.sources import Sources, named, prepared
from mezzotint.request import Request

if TYPE_CHECKING:
    from mezzotint.pipeline import Pipeline

__all__ = ["drawn_on"]


def drawn_on(
    pipe: "Pipeline",
    request: Request,
    sources: Sources,
    references: References,
    upscaler: str | None,
    said: Callable[[str], None] = lambda sentence: None,
) -> tuple[Request, dict[str, Any]]:
    """A request that names pictures as they were read, for these as a pipeline draws on them, as large as it is drawn
    and in the end; and those pictures.

    upscaler, said: as in `enlarged_after_an_edit`. Raises InvalidOption.
    """
    from mezzotint.tasks import softened, with_digests

    request = enlarged_after_an_edit(pipe, request, upscaler, sources[0].size, said)
    pictures = named(prepared(sources, pipe.resolve(request))) | references.fitted(pipe, request)
    return softened(replace(request, **with_digests("", {}, pictures)), pictures), pictures
