"""What a picture shows, in words: names and captions that the encoder ranks, measured colours, what the detector sees.

The captions are composed as those of the data set are (`data.captions.compose`), for the names that fit best; zero-shot
classification by prompts as Radford et al. 2021 (CLIP, arXiv 2103.00020, section 3.1) do it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from mezzotint.data.captions import article, compose, join
from mezzotint.data.colours import Facts, measure
from mezzotint.data.icons.lexicon import lexicon
from mezzotint.data.icons.nouns import HELD_OUT
from mezzotint.data.icons.words import MASS
from mezzotint.data.pixels import fit
from mezzotint.data.scenes.nouns import nouns, plural_of
from mezzotint.evaluation.detector import Detector, SightOf

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Describer", "Description", "Ranker", "names"]

LEAST = 3
"""Pictures of the data set that a name must have."""
NAMES = 5
"""Names that captions are composed for."""
WHOLE = 0.55
"""Share of a picture that one colour must have to be called that of the thing."""
SURE = 0.5
"""Score of a thing, and of its colour, that counts as seen."""
NUMBERS = ("", "", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def names() -> tuple[str, ...]:
    """What a picture can be called: the things of the data set with a few pictures, those of scenes, the held-out."""
    known = {name for name, entry in lexicon().items() if entry.pictures >= LEAST}
    return tuple(sorted(known | {noun.one for noun in nouns()} | set(HELD_OUT)))


@dataclass(frozen=True)
class Description:
    """What is said of a picture. Scores are cosines of the encoder's features, in [-1, 1], the best first.

    captions, names   texts with their scores
    facts             colours, shading and outlines, as measured
    things            what the detector sees for sure; text: what it reads, "" if nothing
    """

    captions: tuple[tuple[str, float], ...]
    names: tuple[tuple[str, float], ...]
    facts: Facts
    things: tuple[SightOf, ...] = ()
    text: str = ""

    def to_json_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        facts = self.facts
        return {
            "captions": [{"text": text, "score": round(score, 4)} for text, score in self.captions],
            "names": [{"name": name, "score": round(score, 4)} for name, score in self.names],
            "colours": [{"name": n, "share": s} for n, s in zip(facts.colours, facts.shares, strict=True)],
            "shading": facts.shading,
            "outlined": facts.outlined,
            "things": [
                {"name": one.thing, "score": round(one.score, 4), "colour": one.colour, "box": list(one.box)}
                for one in self.things
            ],
            "text": self.text,
        }


class Ranker(Protocol):
    """What ranks texts: features of length 1 of pictures and of prompts, one row each (`Encoder`, `published.Clip`)."""

    @property
    def weights_sha256(self) -> str:
        """Which network it is."""
        ...

    @property
    def size(self) -> int:
        """The side of the squares that colours are measured on, in pixels."""
        ...

    def images(self, images: "Sequence[Image]") -> Tensor:
        """Features (B, width) of Pillow images of any size."""
        ...

    def prompts(self, prompts: Sequence[str]) -> Tensor:
        """Features (B, width) of prompts."""
        ...


@dataclass
class Describer:
    """An encoder, and a detector if there is one, that are ready to describe. The features of the names are computed
    once, unless they are given."""

    encoder: Ranker
    detector: Detector | None = None
    vocabulary: tuple[str, ...] = field(default_factory=lambda: names())
    known: Tensor | None = None

    @property
    def called(self) -> tuple[str, ...]:
        """The names as prompts, in their order."""
        return tuple(_called(name) for name in self.vocabulary)

    def features(self) -> Tensor:
        """The features (names, width) of the names."""
        if self.known is None:
            self.known = self.encoder.prompts(self.called)
        return self.known

    def ranked(self, features: Tensor, count: int) -> list[list[tuple[str, float]]]:
        """The `count` names that fit best to features (B, width) of pictures, with their scores."""
        best = (features @ self.features().T).topk(min(count, len(self.vocabulary)), dim=1)
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [[(self.vocabulary[i], s) for i, s in zip(row, scores, strict=True)] for row, scores in pairs]

    def describe(self, image: "Image", count: int = 5) -> Description:
        """The `count` best captions and names of a picture of any size."""
        pixels = fit(image, self.encoder.size)
        facts, feature = measure(pixels), self.encoder.images([image])
        called = self.ranked(feature, max(count, NAMES))[0]
        things, text = self._seen(pixels)
        captions = (line for name, _ in called[:NAMES] for line in _captions(name, facts))
        told = list(dict.fromkeys([*_scenes(things, text), *captions]))
        scores = (self.encoder.prompts(told) @ feature[0]).tolist()
        best = sorted(zip(told, scores, strict=True), key=lambda pair: (-pair[1], pair[0]))
        return Description(tuple(best[:count]), tuple(called[:count]), facts, things, text)

    def _seen(self, pixels: Any) -> tuple[tuple[SightOf, ...], str]:
        if self.detector is None or self.detector.network.config.size != self.encoder.size:
            return (), ""
        picture = torch.from_numpy(pixels).permute(2, 0, 1)[None, :, None].float() / 127.5 - 1
        sight = self.detector.pictures(picture)[0]
        return tuple(one for one in sight.things if one.score >= SURE), sight.text


def _called(name: str) -> str:
    return article(name, MASS.__contains__)


def _captions(name: str, facts: Facts) -> tuple[str, ...]:
    """The captions that a picture of the data set with this name and these facts would have."""
    entry = lexicon().get(name)
    own = facts.colours[0] if facts.colours and facts.shares[0] >= WHOLE and facts.colours[0] not in name else ""
    kind = "" if entry is None else entry.kind
    return compose(name, facts=facts, topic=kind, colour=own, uncountable=MASS.__contains__)


def _scenes(things: Sequence[SightOf], text: str) -> list[str]:
    """What was seen as captions of scenes: "two red apples and a cat"; and what was read."""
    counts = Counter((one.thing, one.colour if one.colour_score >= SURE else "") for one in things)
    told = []
    for coloured in (True, False):
        groups = counts if coloured else Counter({(thing, ""): 0 for thing, _ in counts})
        if not coloured:
            for (thing, _), number in counts.items():
                groups[thing, ""] += number
        parts = [_several(f"{colour} {thing}".strip(), number) for (thing, colour), number in groups.items()]
        told += [join(parts)] if parts else []
    told += [f'a sign that says "{text}"', f'the word "{text}"'] if text else []
    return list(dict.fromkeys(told))


def _several(name: str, number: int) -> str:
    if number == 1:
        return _called(name)
    return f"{NUMBERS[number] if number < len(NUMBERS) else 'many'} {plural_of(name)}"
