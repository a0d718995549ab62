"""Batches and validation of a detector's run: composed scenes, and everything that is in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mezzotint.codecs.images import to_signed
from mezzotint.conditioning.letters import ALPHABET
from mezzotint.data.scenes import ComposedScene, Scenes
from mezzotint.families.icon_detector import IconDetector, looked
from mezzotint.families.icon_detector.decode import Found, decoded, read
from mezzotint.training.config import DetectorRun
from mezzotint.training.jitter import jittered
from mezzotint.training.marks import UNSAID, Marks, marks_of
from mezzotint.training.methods.detect import detection_losses
from mezzotint.training.scene_feed import SceneFeed

__all__ = ["Seen", "SightingBatches", "SightingCheck", "things_of"]

UNSEEN = 2**40
"""Validation looks at scenes from this number on, which no run reaches."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Pictures (B, 4, 1, H, W) in [-1, 1] with everything in them; rows (B,): -1 - the number of the scene."""

    pictures: Tensor
    things: Marks
    letters: Marks
    rows: NDArray[np.int64]

    def to(self, device: torch.device) -> "Seen":
        """The same on another device; the rows stay where they are."""
        return Seen(self.pictures.to(device), self.things.to(device), self.letters.to(device), self.rows)


def things_of(scenes: Mapping[str, SceneFeed]) -> tuple[str, ...]:
    """The names of all things that scenes of both splits show, sorted: their places are their numbers."""
    shelves = scenes["train"].scenes.stock.shelves.values()
    return tuple(sorted({things[0].noun.one for shelf in shelves for some in shelf.styles.values() for things in some}))


def _seen(composed: Sequence[ComposedScene], things: Sequence[str], rows: Sequence[int]) -> Seen:
    pictures = to_signed(torch.from_numpy(np.stack([scene.picture for scene in composed])))
    found, letters = marks_of([scene.scene for scene in composed], things)
    return Seen(pictures, found, letters, -1 - np.array(rows, dtype=np.int64))


class SightingBatches:
    """Batches of a run: in turn a scene of the training split and a held-out one, since a detector must know all.

    `at(counter)` is a pure function of the run's seed and the counter.
    """

    def __init__(
        self,
        run: DetectorRun,
        scenes: Mapping[str, SceneFeed],
        things: Sequence[str],
        device: torch.device | str = "cpu",
    ) -> None:
        self.run, self.things, self.device = run, things, torch.device(device)
        self.sources: tuple[Scenes, Scenes] = (scenes["train"].scenes, scenes["heldout"].scenes)

    def at(self, counter: int) -> Seen:
        """The batch that starts with picture number `counter` since training began."""
        return self.ready(self.raw(counter))

    def raw(self, counter: int) -> Seen:
        """That batch as it was composed, on the CPU."""
        numbers = range(counter, counter + self.run.batch)
        return _seen([self.sources[number % 2].at(number) for number in numbers], self.things, numbers)

    def ready(self, raw: Seen) -> Seen:
        """The batch, jittered, on the run's device."""
        seen, draws = raw.to(self.device), torch.from_numpy(-1 - raw.rows)
        still = torch.zeros(len(draws), dtype=torch.bool)
        return replace(seen, pictures=jittered(seen.pictures, self.run.seed, draws, self.run.jitter, still))

    def named(self, row: int) -> str:
        """What the picture of a batch's row is called, for messages."""
        return f"scene {-1 - row}"


class SightingCheck:
    """How often a detector is right about scenes that it never saw, half of them with held-out combinations.

    mean: the loss, of one look. The rest is of what `Detector` finds, in three looks. things: pictures whose things are
    all named and counted right, and no others. colours: things in a said colour that are found in it. words:
    pictures with a word that is read letter for letter.
    """

    def __init__(self, run: DetectorRun, scenes: Mapping[str, SceneFeed], things: Sequence[str]) -> None:
        numbers = range(UNSEEN, UNSEEN + run.validation)
        sources = scenes["train"].scenes, scenes["heldout"].scenes
        self.things = things
        self.composed = [sources[number % 2].at(number) for number in numbers]
        self.seen = _seen(self.composed, things, numbers)

    def __call__(self, network: nn.Module) -> dict[str, float]:
        """The shares, and the loss under "mean"."""
        assert isinstance(network, IconDetector)
        seen = self.seen.to(network.peaks.weight.device)
        with torch.inference_mode():
            losses = detection_losses(network, network(seen.pictures), seen.things, seen.letters)
            found = decoded(network, looked(network, seen.pictures))
        return {"mean": float(losses.mean()), **self.right(found)}

    def right(self, found: Sequence[Found]) -> dict[str, float]:
        """The shares of what is right, of what was asked."""
        things, colours, words = list[bool](), list[bool](), list[bool]()
        for place, (scene, what) in enumerate(zip(self.composed, found, strict=True)):
            mine = (self.seen.things.picture == place).nonzero()[:, 0].tolist()
            wanted = sorted(int(self.seen.things.kind[i]) for i in mine)
            things.append(sorted(sighting.kind for sighting in what.things) == wanted)
            for i in mine:
                colour = int(self.seen.things.colour[i])
                if colour != UNSAID:
                    kind = int(self.seen.things.kind[i])
                    colours.append(any(s.kind == kind and s.colour == colour for s in what.things))
            if scene.scene.lettering is not None:
                words.append(read(what.letters, ALPHABET) == scene.scene.lettering.text)
        shares = {"things": things, "colours": colours, "words": words}
        return {name: sum(some) / len(some) for name, some in shares.items() if some}
