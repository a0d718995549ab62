"""Everything that can be said of how a picture came to be."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mezzotint.conditioning.prompt import plain_words
from mezzotint.data.sources import PictureSet
from mezzotint.errors import InvalidOption
from mezzotint.evaluation.explain.attention import Heat, heat_of, recorded
from mezzotint.evaluation.explain.layout import Layout, heats_of_layout, is_laid_out, layout_of, recorded_layout
from mezzotint.evaluation.explain.nearest import Neighbour, nearest_pictures
from mezzotint.evaluation.explain.removal import Removal, removals
from mezzotint.evaluation.explain.words import words_of
from mezzotint.pipeline import Pipeline, Preview
from mezzotint.recipe import Recipe
from mezzotint.upscaled import drawn_small
from mezzotint.values import show

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Explanation", "explain"]

MOMENTS = 8
"""How many moments of the denoising are shown."""


@dataclass(frozen=True)
class Explanation:
    """heats: where each word acted; removals: the picture without each word; path: moments of the denoising, from noise
    on; neighbours: the training pictures nearest to it, or to one thing of each prompt of a layout; None if the
    training set is not at hand."""

    recipe: Recipe
    image: "Image"
    heats: tuple[Heat, ...]
    removals: tuple[Removal, ...]
    path: tuple[Preview, ...]
    neighbours: tuple[Neighbour, ...] | None

    def to_json_dict(self) -> dict[str, Any]:
        """Plain data; pictures are left out, maps are lists of rows."""
        changes = {removal.word: removal.change for removal in self.removals}
        return {
            "recipe": self.recipe.to_json_dict(),
            "words": [
                {
                    "text": heat.word.text,
                    "begin": heat.word.begin,
                    "end": heat.word.end,
                    "prompt": heat.word.prompt,
                    "share_of_attention": heat.share,
                    "map": [[round(value, 4) for value in row] for row in heat.map.tolist()],
                    "change_without_it": changes[heat.word],
                }
                for heat in self.heats
            ],
            "path": [{"step": preview.step.index, "t": preview.step.move.t} for preview in self.path],
            "nearest": None if self.neighbours is None else [_neighbour(one) for one in self.neighbours],
        }


def _neighbour(one: Neighbour) -> dict[str, Any]:
    record = one.record
    known = {"id": record.id, "name": record.name, "style": record.style, "set": record.set}
    return {**known, "licence": record.licence, "author": record.author, "of": one.of, "distance": one.distance}


def explain(pipe: Pipeline, recipe: Recipe, pictures: PictureSet | None) -> Explanation:
    """Draw a recipe's picture again and look at how it is made. pictures: the training set, if it is at hand.

    Of a picture that was laid out, the words are those of its boxes' prompts; what copies of a thing have in common is
    told once. Raises `InvalidOption` for a model without attention, for a request that this model cannot draw, and for
    a prompt that is more than words: with weights, brackets, AND or BREAK.
    """
    request = drawn_small(replace(recipe.request, device="auto", dtype="auto", n=1))
    pipe = pipe.adapted(request)
    resolved = pipe.resolve(request)
    layout = layout_of(pipe, resolved) if is_laid_out(request) else None
    texts = layout.texts if layout is not None else (_plain(request.prompt),)
    words = [word for text in texts for word in words_of(pipe.model.conditioner, text)]
    if layout is None:
        previews, seen = recorded(pipe, resolved, texts[0])
        heats = heat_of(seen, words)
    else:
        previews, by_box = recorded_layout(pipe, resolved, layout)
        heats = heats_of_layout(layout, by_box, words)
    image = next(preview.image for preview in previews if preview.image is not None)
    assert image is not None
    chosen = sorted({round(i * (len(previews) - 1) / (MOMENTS - 1)) for i in range(MOMENTS)})
    return Explanation(
        recipe,
        image,
        tuple(heats),
        tuple(removals(pipe, request, image, words, layout)),
        tuple(previews[i] for i in chosen),
        None if pictures is None else tuple(_neighbours(image, pictures, layout)),
    )


def _plain(prompt: str) -> str:
    text = plain_words(prompt)
    if text is None:
        raise InvalidOption(
            f"The prompt {show(prompt)} has weights, brackets, AND or BREAK; only one of plain words can be explained."
        )
    return text


def _neighbours(image: "Image", pictures: PictureSet, layout: Layout | None) -> Iterator[Neighbour]:
    """The nearest of the whole picture; of a layout those of one thing of each prompt."""
    if layout is None:
        yield from nearest_pictures(image, pictures)
        return
    for text in layout.texts:
        yield from nearest_pictures(image.crop(layout.box(text, image.size)), pictures, of=text)
