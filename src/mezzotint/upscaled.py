"""Pictures that another network enlarges when they are there: the last pass of a drawing, and part of its recipe."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mezzotint.editing.enlarge import enlarged
from mezzotint.editing.outpaint import alike, source_size
from mezzotint.editing.tile import AXES
from mezzotint.errors import InvalidOption
from mezzotint.model import Model
from mezzotint.passes import parts_only
from mezzotint.preview import Preview
from mezzotint.recipe import Recipe
from mezzotint.request import Batching, Request

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "INSTALLED",
    "Enlarger",
    "Upscaler",
    "drawn_small",
    "large_source",
    "set_apart",
    "stages",
    "steps_of",
    "to_upscale",
    "upscaled",
]

INSTALLED = "upscaler"
"""The name of the upscaler that pictures are enlarged by unless another is named."""
SLACK = 1.45
"""How many times a filter may enlarge what the network gave, before one more of its turns pays."""
LARGEST = 2048
"""Side of the largest square that is drawn, and what else is of its area: it takes some 0.8 GB."""


@dataclass(frozen=True, slots=True)
class Upscaler:
    """A loaded model that enlarges, and how a request for a picture and the small picture become its steps."""

    model: Model
    stream: "Callable[[Request, Image], Iterator[Preview]]"


def to_upscale(request: Request, model: Model) -> Request:
    """A resolved request with a model that enlarges: its name if none is given, and the size in the end.

    Where only parts of a picture are drawn, which are put back into it, there is no such size. Raises `InvalidOption`
    for a model that enlarges nothing, and for a size that is not larger, is above `LARGEST`, has another shape, or is
    that of parts.
    """
    name, size = request.upscaler or INSTALLED, request.size
    assert size is not None, "a request that is not resolved"
    if model.enlarges == 1:
        raise InvalidOption(f"upscaler is {name}, a model that enlarges nothing; give one that `train upscaler` made.")
    if request.crop_to_mask or parts_only(request):
        if request.upscale_to is not None:
            raise InvalidOption(
                "upscale_to is given, but parts are drawn and the picture keeps its size; leave it out."
            )
        return replace(request, upscaler=name)
    to = request.upscale_to or (model.enlarges * size[0], model.enlarges * size[1])
    there, here = ("x".join(map(str, one)) for one in (to, size))
    if to == size or any(large < small for large, small in zip(to, size, strict=True)):
        raise InvalidOption(f"upscale_to is {there}, but {here} are drawn before; give more, or leave out upscaler.")
    if math.prod(to) > LARGEST**2:
        raise InvalidOption(
            f"upscale_to is {there}; pictures are drawn up to {LARGEST}x{LARGEST} pixels or as many, and `mezzotint "
            "upscale` makes them larger."
        )
    if not alike(to, size):
        raise InvalidOption(f"upscale_to is {there}, another shape than the {here} that are drawn; give one of that.")
    return replace(request, upscaler=name, upscale_to=to)


def drawn_small(request: Request) -> Request:
    """The request for what is there before it is enlarged."""
    return replace(request, upscaler=None, upscale_to=None)


def stages(size: tuple[int, int], to: tuple[int, int], scale: int) -> tuple[tuple[int, int], ...]:
    """The sizes (width, height) of what the network is given, turn by turn, from a picture of `size` up to `to`.

    As few turns as bring it within `SLACK` of the end, at least one. From the second on it is given no more than what
    becomes `to` in the turns that are left, so that no picture larger than needed is drawn.
    """
    times = max(large / small for large, small in zip(to, size, strict=True))
    turns = max(1, math.ceil(math.log(times / SLACK, scale)))
    found = [size]
    for left in range(turns - 1, 0, -1):
        here = (scale * found[-1][0], scale * found[-1][1])
        wanted = (math.ceil(side / scale**left) for side in to)
        found.append((min(here[0], next(wanted)), min(here[1], next(wanted))))
    return tuple(found)


def steps_of(request: Request, model: Model) -> int:
    """How many steps a picture of a request that `to_upscale` gave is enlarged in, those of parts left out."""
    if request.size is None or request.upscale_to is None:
        return 0
    return len(stages(request.size, request.upscale_to, model.enlarges)) * (model.defaults.steps or 1)


@dataclass(frozen=True, eq=False)
class Kept:
    """A picture that stays, to the byte, with its left upper corner at a place of what is drawn around it."""

    image: "Image"
    at: tuple[int, int]

    def within(self, drawn: "Image") -> "Image":
        """What is drawn, with it."""
        whole = drawn.copy()
        whole.paste(self.image, self.at)
        return whole


def large_source(request: Request) -> tuple[int, int] | None:
    """The size (width, height) of a picture that is drawn around, in the end; None where no such one is enlarged.

    request: what `to_upscale` gave. A picture of this size is shrunk to be drawn around, and stays (`set_apart`).
    """
    redrawn = request.mask is not None or bool(request.detail)
    if request.upscale_to is None or not any(request.expand or ()) or redrawn:
        return None
    times, inner = _times(request), source_size(request)
    return round(inner[0] * times[0]), round(inner[1] * times[1])


def set_apart(request: Request, pictures: "Mapping[str, Image]") -> "tuple[Mapping[str, Image], Kept | None]":
    """The pictures of a request as they are drawn on, and what stays of an image of the size that `large_source` says;
    of another size, all as they are."""
    image, (left, top, _, _) = pictures.get("image"), request.expand or (0, 0, 0, 0)
    if image is None or image.size != large_source(request):
        return pictures, None
    times = _times(request)
    place = round(left * times[0]), round(top * times[1])
    return {**pictures, "image": enlarged(image, source_size(request))}, Kept(image, place)


def _times(request: Request) -> tuple[float, float]:
    assert request.size is not None, "a request that is not resolved"
    assert request.upscale_to is not None, "a request whose pictures are not enlarged"
    return request.upscale_to[0] / request.size[0], request.upscale_to[1] / request.size[1]


def upscaled(
    previews: Iterator[Preview], by: "Enlarger", request: Request, stays: Kept | None = None
) -> Iterator[Preview]:
    """The steps of the small pictures, and after those of each picture the steps of enlarging it; the recipe, of the
    whole, is that of the last. Of parts that are put back, the same steps: `by` enlarged them meanwhile.

    request: what `to_upscale` gave. The noise of a picture is that of its own seed. stays: what lies over the result.
    """
    for preview in previews:
        image, recipe = preview.image, preview.recipe
        if image is None or recipe is None:
            yield preview
        elif request.upscale_to is None:
            yield replace(preview, recipe=_recipe(recipe, image, by, request))
        else:
            yield replace(preview, image=None, recipe=None)
            turns = by.turns(image, request.upscale_to, AXES[request.tile], recipe.request.seed, request.batching)
            for turn, step, found in turns:
                done = found if found is None or stays is None else stays.within(found)
                shown = replace(step, picture=preview.picture, turn=preview.turn + turn, image=done, recipe=None)
                yield shown if done is None else replace(shown, recipe=_recipe(recipe, done, by, request))


@dataclass
class Enlarger:
    """Enlarges pictures by a network, and counts its evaluations until they are taken."""

    up: Upscaler
    evaluations: int = 0

    def turns(
        self, image: "Image", to: tuple[int, int], around: tuple[bool, bool], seed: int, batching: Batching = "exact"
    ) -> "Iterator[tuple[int, Preview, Image | None]]":
        """The steps of enlarging a picture up to a size (width, height): turn, from 1, and the picture, with the last.

        around: whether it goes on over its (lower, right) edge at the other one.
        """
        scale, here = self.up.model.enlarges, image
        tile = next(name for name, edges in AXES.items() if edges == around)
        sizes = stages(image.size, to, scale)
        for turn, size in enumerate(sizes, 1):
            source = enlarged(here, size, around)
            large = (scale * source.width, scale * source.height)
            asked = Request(prompt="", seed=seed, size=large, batching=batching, tile=tile)
            for step in self.up.stream(asked, source):
                done = None
                if step.image is not None and step.recipe is not None:
                    here = step.image
                    self.evaluations += step.recipe.evaluations
                    done = enlarged(here, to, around) if turn == len(sizes) else None
                yield turn, step, done

    def __call__(self, image: "Image", size: tuple[int, int], around: tuple[bool, bool] = (False, False)) -> "Image":
        """As `editing.enlarge.enlarged`, by the network where a picture becomes larger, and by the filter beyond
        `LARGEST`; the noise is that of seed 0."""
        if all(large <= small for large, small in zip(size, image.size, strict=True)):
            return enlarged(image, size, around)
        times = min(1.0, LARGEST / math.sqrt(math.prod(size)))
        to = (max(1, round(times * size[0])), max(1, round(times * size[1])))
        (done,) = [done for _, _, done in self.turns(image, to, around, 0) if done is not None]
        return enlarged(done, size, around)

    def taken(self) -> int:
        """The evaluations since they were taken before."""
        spent, self.evaluations = self.evaluations, 0
        return spent


def _recipe(small: Recipe, image: "Image", by: Enlarger, request: Request) -> Recipe:
    """The recipe of the whole, from that of the small picture."""
    from mezzotint.provenance.pixels import pixel_sha256

    model, spent, check = by.up.model, by.taken(), small.check
    if check is not None and check.evaluations is not None:
        check = replace(check, evaluations=check.evaluations + spent)
    return replace(
        small,
        request=replace(small.request, upscaler=model.name, upscale_to=request.upscale_to),
        upscaler_weights_sha256=model.weights_sha256,
        pixels_sha256=pixel_sha256(image),
        evaluations=small.evaluations + spent,
        warnings=tuple(dict.fromkeys((*small.warnings, *model.warnings))),
        check=check,
    )
