"""What each word changed: the picture drawn again, from the same noise, without it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mezzotint.codecs.images import from_image
from mezzotint.conditioning.prompt import escaped
from mezzotint.evaluation.explain.layout import Layout, without_word
from mezzotint.evaluation.explain.words import Word, without
from mezzotint.pipeline import Pipeline
from mezzotint.request import Request

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Removal", "removals"]


@dataclass(frozen=True)
class Removal:
    """The picture without a word. change: the root mean square of the difference, of values from 0 to 1."""

    word: Word
    prompt: str
    image: "Image"
    change: float


def removals(
    pipe: Pipeline, request: Request, image: "Image", words: Sequence[Word], layout: Layout | None = None
) -> Iterator[Removal]:
    """Every word removed in turn, of the request's plain prompt or of those of its layout; the rest of the recipe, and
    so the noise, stays as it was."""
    base = from_image(image)
    for word in words:
        prompt = escaped(without(word.prompt, word))
        changed = replace(request, prompt=prompt) if layout is None else without_word(request, layout, word, prompt)
        other = pipe.generate(replace(changed, n=1)).images[0]
        change = float(((from_image(other) - base) / 2).square().mean().sqrt())
        yield Removal(word, prompt, other, change)
