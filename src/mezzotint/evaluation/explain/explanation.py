"""Everything that can be said of how a picture came to be."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mezzotint.conditioning.prompt import plain_words
from mezzotint.data.sources import PictureSet
from mezzotint.errors import InvalidOption
from mezzotint.evaluation.explain.attention import Heat, heat_of, recorded
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
    on; neighbours: the training pictures nearest to it; None if the training set is not at hand."""

    recipe: Recipe
    image: "Image"
    heats: tuple[Heat, ...]
    removals: tuple[Removal, ...]
    path: tuple[Preview, ...]
    neighbours: tuple[Neighbour, ...] | None

    def to_json_dict(self) -> dict[str, Any]:
        """Plain data; pictures are left out, maps are lists of rows."""
        changes = {removal.word.begin: removal.change for removal in self.removals}
        return {
            "recipe": self.recipe.to_json_dict(),
            "words": [
                {
                    "text": heat.word.text,
                    "begin": heat.word.begin,
                    "end": heat.word.end,
                    "share_of_attention": heat.share,
                    "map": [[round(value, 4) for value in row] for row in heat.map.tolist()],
                    "change_without_it": changes[heat.word.begin],
                }
                for heat in self.heats
            ],
            "path": [{"step": preview.step.index, "t": preview.step.move.t} for preview in self.path],
            "nearest": None if self.neighbours is None else [_neighbour(one) for one in self.neighbours],
        }


def _neighbour(one: Neighbour) -> dict[str, Any]:
    record = one.record
    known = {"id": record.id, "name": record.name, "style": record.style, "set": record.set}
    return {**known, "licence": record.licence, "author": record.author, "distance": one.distance}


def explain(pipe: Pipeline, recipe: Recipe, pictures: PictureSet | None) -> Explanation:
    """Draw a recipe's picture again and look at how it is made. pictures: the training set, if it is at hand.

    Raises `InvalidOption` for a model without attention, for a request that this model cannot draw, and for a prompt
    that is more than words: with weights, brackets, AND or BREAK.
    """
    request = drawn_small(replace(recipe.request, device="auto", dtype="auto", n=1))
    pipe = pipe.adapted(request)
    text = plain_words(request.prompt)
    if text is None:
        raise InvalidOption(
            f"The prompt {show(request.prompt)} has weights, brackets, AND or BREAK; only one of plain words can be "
            "explained."
        )
    words = words_of(pipe.model.conditioner, text)
    previews, attention = recorded(pipe, pipe.resolve(request), text)
    image = next(preview.image for preview in previews if preview.image is not None)
    assert image is not None
    chosen = sorted({round(i * (len(previews) - 1) / (MOMENTS - 1)) for i in range(MOMENTS)})
    return Explanation(
        recipe,
        image,
        tuple(heat_of(attention, words)),
        tuple(removals(pipe, request, text, image, words)),
        tuple(previews[i] for i in chosen),
        None if pictures is None else tuple(nearest_pictures(image, pictures)),
    )
