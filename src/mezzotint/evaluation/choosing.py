"""Looking at finished pictures, drawing again what is not right, and keeping what fits best."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mezzotint.checked import Checked
from mezzotint.codecs.images import from_image
from mezzotint.conditioning.prompt import meant
from mezzotint.errors import InvalidOption
from mezzotint.evaluation.detector import Detector, Sight
from mezzotint.evaluation.encoder import Encoder
from mezzotint.evaluation.sides import check_sides, squared
from mezzotint.evaluation.wishes import Wish, fulfilled, wish_of
from mezzotint.request import SEEDS, Request
from mezzotint.upscaled import drawn_small

if TYPE_CHECKING:
    from PIL.Image import Image

    from mezzotint.pipeline import Pipeline, Preview

__all__ = ["Choosing", "choose", "seed_of_try"]

MOST_TRIES = 100


@dataclass(frozen=True, kw_only=True)
class Choosing:
    """How pictures are chosen: who looks, and how often a picture is drawn.

    detector   says whether a picture shows what its prompt asks for; None = not asked
    encoder    says how well it fits; None = not asked
    tries      most pictures drawn for one that is kept
    all_tries  whether all are drawn always, and the best kept; else the first that is right ends it
    """

    detector: Detector | None = None
    encoder: Encoder | None = None
    tries: int = 4
    all_tries: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.tries <= MOST_TRIES:
            raise InvalidOption(f"tries is {self.tries}; it must be from 1 to {MOST_TRIES}.")
        if self.detector is None and self.encoder is None:
            raise InvalidOption("Pictures are chosen by a detector or by an encoder; there is neither.")
        if self.detector is None and not self.all_tries:
            raise InvalidOption("An encoder does not say when a picture is right; draw all tries and keep the best.")

    def check(self, pipe: "Pipeline", request: Request) -> None:
        """Raises `InvalidOption` for pictures that cannot be looked at, and for options that would have no effect."""
        check_sides(pipe.model, self.detector, self.encoder)
        if request.batching != "exact":
            raise InvalidOption("Pictures that are chosen are drawn one by one; leave out batching fast.")

    def wish(self, prompt: str) -> Wish:
        """What the detector is asked about a prompt; nothing without a detector."""
        return Wish() if self.detector is None else wish_of(prompt, self.detector.things)

    def sight(self, wish: Wish, image: "Image") -> Sight | None:
        """What is seen in a picture, scaled to what the detector looks at; None if nothing can be wished for."""
        if self.detector is None or not wish.sentences:
            return None
        return self.detector.images([squared(image, self.detector.network.config.size)])[0]

    def look(self, prompt: str, image: "Image", tries: int) -> Checked:
        """What is found in a picture of a prompt."""
        wish = self.wish(prompt)
        return self.found(prompt, image, wish, self.sight(wish, image), tries)

    def found(self, prompt: str, image: "Image", wish: Wish, sight: Sight | None, tries: int) -> Checked:
        """The same, where the detector has looked."""
        fit = None
        if self.encoder is not None:
            pixels = from_image(squared(image, self.encoder.size))
            fit = float(self.encoder.alignment(pixels[None], [prompt])[0])
        return Checked(
            asked=wish.sentences,
            faults=() if sight is None else fulfilled(wish, sight).faults,
            tries=tries,
            alignment=fit,
            detector_sha256=None if self.detector is None else self.detector.weights_sha256,
            encoder_sha256=None if self.encoder is None else self.encoder.weights_sha256,
        )


def seed_of_try(request: Request, picture: int, attempt: int) -> int:
    """The seed of a picture's try, both from 0: seed + picture + n · attempt mod 2^64; no two tries share one."""
    return (request.seed + picture + request.n * attempt) % SEEDS


def choose(
    pipe: "Pipeline",
    request: Request,
    how: Choosing,
    told: Callable[[], None] | None = None,
    pictures: "Mapping[str, Image] | None" = None,
) -> Iterator["Preview"]:
    """As `Pipeline.stream`, but for each picture the steps of the try that is kept, and its recipe with the check.

    The recipe has the seed of that try, so that it draws this picture. The fewest faults count first, then how well it
    fits, then which came first. told: hears of every step of every try, also of those that are not kept.
    pictures: those that the request names by their digests, by the names of their options.
    What can be refused is refused before this returns.
    """
    how.check(pipe, request)
    given = dict(pictures or {})
    pipe.stream(replace(request, n=1), **given)
    return _chosen(pipe, request, how, told or (lambda: None), given)


def _chosen(
    pipe: "Pipeline", request: Request, how: Choosing, told: Callable[[], None], pictures: "dict[str, Image]"
) -> Iterator["Preview"]:
    large = pipe.resolve(request)
    for picture in range(request.n):
        kept: list[Preview] = []
        best: Checked | None = None
        spent = 0
        for attempt in range(how.tries):
            steps = []
            one = replace(request, n=1).with_seed(seed_of_try(request, picture, attempt))
            one = one if large.upscale_to is None else drawn_small(one)
            for step in pipe.stream(one, **pictures):
                steps.append(step)
                told()
            image, recipe = steps[-1].image, steps[-1].recipe
            assert image is not None
            assert recipe is not None
            spent += recipe.evaluations
            found = how.look(meant(request.asked), image, attempt + 1)
            if best is None or _rank(found) > _rank(best):
                kept, best = steps, found
            if not how.all_tries and not found.faults:
                break
        assert best is not None
        last = kept[-1]
        assert last.recipe is not None
        done = replace(last.recipe, check=replace(best, tries=attempt + 1, evaluations=spent))
        small = iter((*kept[:-1], replace(last, recipe=done)))
        for step in small if large.upscale_to is None else pipe.upscaled(small, large):
            if step.turn > last.turn:
                told()
            yield replace(step, picture=picture)


def _rank(found: Checked) -> tuple[int, float]:
    return -len(found.faults), found.alignment or 0.0
