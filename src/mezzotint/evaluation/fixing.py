"""Redrawing the parts of a picture that a detector faults, each with its own words, and keeping what is better.

The idea is that of ADetailer (Bing-su 2023, github.com/Bing-su/adetailer), whose detectors find faces and hands; here
the prompt says what is looked for, and only what is wrong is redrawn.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mezzotint.checked import Checked
from mezzotint.conditioning.prompt import escaped, meant
from mezzotint.data.scenes.relate import OPPOSITE
from mezzotint.evaluation.choosing import Choosing, seed_of_try
from mezzotint.evaluation.detector import Sight, SightOf
from mezzotint.evaluation.iconeval.verdict import DEFAULT
from mezzotint.evaluation.sides import Box, shares_of
from mezzotint.evaluation.wishes import Wish
from mezzotint.request import Request

if TYPE_CHECKING:
    from PIL.Image import Image

    from mezzotint.pipeline import Pipeline, Preview

__all__ = ["Part", "faulted", "fix"]

SURE = 0.5
"""A thing that is asked for, and seen less surely than this, is redrawn although it is not at fault."""
MARGIN = 0.1
"""Share of a sighting's longer side that is redrawn around it: boxes are tight."""
LEAST = 0.2
"""Share of the picture that a missing thing needs on its side."""
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Part:
    """A part to redraw: its box in shares of the picture, the words that it is redrawn with, and why."""

    box: Box
    words: str
    why: str


def faulted(wish: Wish, sight: Sight, size: tuple[int, int], side: int) -> tuple[Part, ...]:
    """The parts of a picture of a size (width, height) that are to be redrawn, after what a detector that looks at
    squares of `side` pixels saw in it.

    These are things of a wrong colour, things hardly recognised, words that are not the ones asked for, and missing
    things where it is known where they belong: where something is that nobody asked for, or on that side of another
    thing where the prompt wants them; if that is missing too, in that half of the picture. A wrong place and a wrong
    number are no fault of a part.
    """
    seen = [one for one in sight.things if one.score >= DEFAULT.presence]
    found, missing, free = list[Part](), list[int](), list(seen)
    for place, (wanted, words) in enumerate(zip(wish.wanted, wish.words, strict=True)):
        mine = [one for one in free if one.thing == wanted.thing]
        mine.sort(key=lambda one: (bool(wanted.colour) and one.colour != wanted.colour, -one.score))
        for one in mine[: wanted.count]:
            free.remove(one)
            said = words if wanted.count == 1 else " ".join(filter(None, ("a", wanted.colour, wanted.thing)))
            why = f"the {wanted.thing} is {one.colour}, not {wanted.colour}"
            if one.score < SURE:
                why = f"the {wanted.thing} is hardly recognised ({one.score:.2f})"
            if one.score < SURE or (wanted.colour and one.colour != wanted.colour):
                found.append(Part(_around(one.box, size, side), said, why))
        missing += [place] if wanted.count == 1 and not mine else []
    others = [one for one in free if one.thing not in {wanted.thing for wanted in wish.wanted}]
    for place in missing:
        where = _beside(wish, place, missing, seen, size, side)
        if where is None and others:
            where = _around(others.pop(0).box, size, side)
        if where is not None:
            found.append(Part(where, wish.words[place], f"there is no {wish.wanted[place].thing}"))
    if wish.word and sight.text != wish.word and sight.letters is not None:
        why = f'it says "{sight.text}", not "{wish.word}"'
        found.append(Part(_around(sight.letters, size, side), f'the word "{wish.word}"', why))
    # what is seen beside the picture, in what fills up the square, is no part of it
    return tuple(part for part in found if part.box[0] < part.box[2] and part.box[1] < part.box[3])


def _around(box: Box, size: tuple[int, int], side: int) -> Box:
    """A box of the detector's square with a margin, in shares of the picture."""
    margin = MARGIN * max(box[2] - box[0], box[3] - box[1])
    return shares_of((box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin), size, side)


def _beside(
    wish: Wish, place: int, missing: Sequence[int], seen: Sequence[SightOf], size: tuple[int, int], side: int
) -> Box | None:
    """Where a missing thing belongs by its relation to another: all that is free on that side of it, or that half of
    the picture if it is missing too; None if there is no relation, or no room."""
    for first, word, second in wish.relations:
        if place not in (first, second):
            continue
        where, other = (word, second) if place == first else (OPPOSITE[word], first)
        there = next((one for one in seen if one.thing == wish.wanted[other].thing), None)
        if there is None and other not in missing:
            continue
        middle = (0.5, 0.5, 0.5, 0.5)
        left, top, right, bottom = middle if there is None else shares_of(there.box, size, side)
        free = {"left of": (0.0, 0.0, left, 1.0), "right of": (right, 0.0, 1.0, 1.0),
                "above": (0.0, 0.0, 1.0, top), "below": (0.0, bottom, 1.0, 1.0)}[where]  # fmt: skip
        if min(free[2] - free[0], free[3] - free[1]) >= LEAST:
            return free
    return None


@dataclass(frozen=True, slots=True)
class _Found:
    """A picture's steps, and what was found in it."""

    steps: tuple["Preview", ...]
    check: Checked
    sure: float

    @property
    def rank(self) -> tuple[int, float, float]:
        return -len(self.check.faults), self.sure, self.check.alignment or 0.0


def fix(
    pipe: "Pipeline",
    request: Request,
    how: Choosing,
    image: "Image",
    named: Sequence[Part] = (),
    told: Callable[[], None] | None = None,
    planned: Callable[[Sequence[Part]], None] | None = None,
    references: Mapping[str, Any] | None = None,
) -> Iterator["Preview"]:
    """As `Pipeline.stream` of an edit of `image`: the steps of the try that is kept, and its recipe with the check.

    request: an edit of the picture of strength 0, whose prompt says what it should show. named: parts to redraw besides
    those at fault. The parts are drawn anew up to `how.tries` times, with the seeds of `seed_of_try`, until nothing is
    at fault. The picture with the fewest faults is kept, of equal ones the one whose things are recognised more surely;
    the first one, unchanged, unless another is better. Where there is nothing to redraw, it is given unchanged too.
    told: hears of every step; planned: of the parts of each picture, before they are drawn. references: the further
    pictures that the request names. What can be refused is refused before this returns.
    """
    how.check(pipe, request)
    pictures = {**(references or {}), "image": image}
    pipe.stream(_unchanged(replace(request, n=1)), **pictures)
    redrawn = pipe.resolve(replace(request, n=1, detail=((WHOLE, request.prompt),)))
    idle = [item for item in pipe.ignored(redrawn) if not item.startswith("prompt: nothing")]
    return _fixed(pipe, request, how, pictures, named, idle, told or (lambda: None), planned or (lambda parts: None))


def _fixed(
    pipe: "Pipeline",
    request: Request,
    how: Choosing,
    pictures: Mapping[str, Any],
    named: Sequence[Part],
    idle: Collection[str],
    told: Callable[[], None],
    planned: Callable[[Sequence[Part]], None],
) -> Iterator["Preview"]:
    image, wish, eye = pictures["image"], how.wish(meant(request.prompt)), how.detector
    assert eye is not None, "parts are found by a detector"
    for picture in range(request.n):
        one = replace(request, n=1).with_seed(seed_of_try(request, picture, 0))
        first = best = _looked(how, wish, tuple(pipe.stream(_unchanged(one), **pictures)))
        sight = how.sight(wish, image)
        parts = (*named, *(() if sight is None else faulted(wish, sight, image.size, eye.network.config.size)))
        planned(parts)
        spent, tries = 0, 0
        detail = tuple((part.box, escaped(part.words)) for part in parts)
        while detail and tries < how.tries:
            again = replace(one, detail=detail).with_seed(seed_of_try(request, picture, tries))
            steps = []
            for step in pipe.stream(again, **pictures):
                steps.append(step)
                told()
            this, tries = _looked(how, wish, tuple(steps)), tries + 1
            last = steps[-1].recipe
            assert last is not None
            spent += last.evaluations
            best = this if this.rank > best.rank else best
            if not best.check.faults and best is not first:
                break
        check = replace(best.check, tries=max(1, tries), evaluations=spent, before=first.check.faults)
        yield from _kept(best.steps, check, picture, idle)


def _unchanged(request: Request) -> Request:
    """What gives the picture back, of whatever size: all of it, redrawn with strength 0."""
    return replace(request, detail=((WHOLE, request.prompt),), detail_strength=0.0)


def _looked(how: Choosing, wish: Wish, steps: tuple["Preview", ...]) -> _Found:
    image, recipe = steps[-1].image, steps[-1].recipe
    assert image is not None
    assert recipe is not None
    sight = how.sight(wish, image)
    found = how.found(meant(recipe.request.prompt), image, wish, sight, 1)
    return _Found(steps, found, 0.0 if sight is None else _sureness(wish, sight))


def _sureness(wish: Wish, sight: Sight) -> float:
    """How surely the least sure of the things that are wanted is recognised; 0 where one is not seen."""
    best = {wanted.thing: 0.0 for wanted in wish.wanted}
    for one in sight.things:
        if one.thing in best:
            best[one.thing] = max(best[one.thing], one.score)
    return min(best.values(), default=0.0)


def _kept(steps: tuple["Preview", ...], check: Checked, picture: int, idle: Collection[str]) -> Iterator["Preview"]:
    """The steps, with the check in the last one's recipe; of what it ignores, what has no effect on parts either."""
    recipe = steps[-1].recipe
    assert recipe is not None
    ignored = tuple(item for item in recipe.ignored if item in idle)
    done = replace(recipe, check=check, ignored=ignored)
    for step in (*steps[:-1], replace(steps[-1], recipe=done)):
        yield replace(step, picture=picture)
