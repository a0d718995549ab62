"""What is to be seen in pictures, in words, by a detector of our own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mezzotint.codecs.images import from_image
from mezzotint.errors import InvalidOption
from mezzotint.families.icon_detector import IconDetector, around, decoded, looked, read
from mezzotint.load_instruments import load_icon_detector

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Detector", "Sight", "SightOf", "load_detector"]

_CHUNK = 64
"""Pictures in one call of the network: it bounds the memory."""


@dataclass(frozen=True, slots=True)
class SightOf:
    """One thing that was seen: what, how surely (0 to 1), where (left, top, right, bottom in pixels), in which colour
    and how surely that is so."""

    thing: str
    score: float
    box: tuple[float, float, float, float]
    colour: str
    colour_score: float


@dataclass(frozen=True, slots=True)
class Sight:
    """What is in a picture: things, the surest first, and the text that is read, "" if there is none.

    letters: the box around all letters, in pixels; None if there are none. fingers: how many a hand holds up, where
    that was looked for (`mezzotint.evaluation.fingers`); None: there is no hand.
    """

    things: tuple[SightOf, ...]
    text: str
    letters: tuple[float, float, float, float] | None = None
    fingers: int | None = None


@dataclass(frozen=True)
class Detector:
    """A detector that is ready to look. weights_sha256 says which: what two detectors find must not be mixed."""

    network: IconDetector
    things: tuple[str, ...]
    colours: tuple[str, ...]
    alphabet: str
    weights_sha256: str

    def pictures(self, pictures: Tensor, least: float = 0.3) -> list[Sight]:
        """What is in pictures (B, 4, 1, size, size) in [-1, 1], premultiplied RGBA, as a pipeline has them.

        Each is looked at three times (`mezzotint.families.icon_detector.looked`).
        least: the lowest score of a thing or letter that counts. Raises `InvalidOption` for another shape.
        """
        config = self.network.config
        wanted = (config.channels, 1, config.size, config.size)
        if pictures.ndim != 5 or tuple(pictures.shape[1:]) != wanted:
            raise InvalidOption(
                f"Pictures of shape {tuple(pictures.shape)} cannot be looked at; each must be of shape {wanted}."
            )
        sights: list[Sight] = []
        for part in torch.split(pictures, _CHUNK) if len(pictures) else ():
            with torch.inference_mode():
                found = decoded(self.network, looked(self.network, part), least)
            for what in found:
                things = (
                    SightOf(self.things[s.kind], s.score, s.box, self.colours[s.colour], s.colour_score)
                    for s in what.things
                )
                sights.append(Sight(tuple(things), read(what.letters, self.alphabet), around(what.letters)))
        return sights

    def images(self, images: "Sequence[Image]", least: float = 0.3) -> list[Sight]:
        """The same for Pillow images of the detector's size. Raises `InvalidOption` for another size."""
        side = self.network.config.size
        for image in images:
            if image.size != (side, side):
                width, height = image.size
                raise InvalidOption(f"The picture has {width}x{height} pixels; the detector looks at {side}x{side}.")
        return self.pictures(torch.stack([from_image(image) for image in images]), least) if images else []


def load_detector(folder: Path | str) -> Detector:
    """A detector from its packed folder. Raises `InvalidCheckpoint`."""
    network, meaning, weights = load_icon_detector(Path(folder))
    return Detector(network, tuple(meaning["things"]), tuple(meaning["colours"]), str(meaning["alphabet"]), weights)
