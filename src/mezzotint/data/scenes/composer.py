"""Scenes by number: planned, held out or not, drawn, and captioned."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from mezzotint.data.frames import unframed
from mezzotint.data.pixels import Bytes
from mezzotint.data.scenes.desk import Desk, Phrases
from mezzotint.data.scenes.drawing import draw
from mezzotint.data.scenes.glyphs import Font, Fonts
from mezzotint.data.scenes.held import held_in
from mezzotint.data.scenes.kinds import APART, KINDS, Kind
from mezzotint.data.scenes.kinds.hands import KIND as HANDS
from mezzotint.data.scenes.paint import ramps_digest
from mezzotint.data.scenes.phrases import captions_of
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.scene import GRID, Scene
from mezzotint.data.scenes.stock import Stock
from mezzotint.data.scenes.words import vocabulary
from mezzotint.data.scenes.wrong import changed
from mezzotint.data.sources import PictureSet
from mezzotint.errors import InvalidFile, InvalidOption, unknown_name

__all__ = ["SCENES_VERSION", "ComposedScene", "Scenes"]

SCENES_VERSION = 11
"""Changes whenever the same seed and number give another scene, or other wrong captions."""
_ATTEMPTS = 400
_CHANGES = 8  # tries at a change that is not held out
_WRONG, _HANDS = 1, 2  # purposes of rolls: what changes a scene, and whether it is a hand
_MILLION = 1_000_000


@dataclass(frozen=True)
class ComposedScene:
    """A scene with its picture, premultiplied RGBA, uint8 (H, W, 4), and its captions, short to dense.

    unseen: captions in phrasings that training never uses.
    """

    picture: Bytes
    scene: Scene
    captions: tuple[str, ...]
    unseen: tuple[str, ...]


class Scenes:
    """The scenes of a seed: number n is a pure function of (seed, n, `digest`), bit for bit, on any machine.

    pictures: a built icon set; fonts: from `load_fonts`; split: "train" never has a held-out combination (see
    `mezzotint.data.scenes.held`), in "heldout" every scene has at least one, named in `Scene.held`; size: of the
    pictures, a multiple of 64; kinds: names of the kinds to draw from, by default those of `KINDS`; hands: share of the
    scenes that are hands in place of what they would be, so that the others stay what they are.

    Raises InvalidOption for another split, size, kind or share, InvalidFile if the set shows too few things.
    """

    def __init__(
        self,
        pictures: PictureSet,
        fonts: Fonts,
        *,
        seed: int = 0,
        split: str = "train",
        size: int = GRID,
        kinds: Sequence[str] | None = None,
        hands: float = 0.0,
    ) -> None:
        if split not in ("train", "heldout"):
            raise InvalidOption(f"There is no split called {split!r}; it must be train or heldout.")
        if size < GRID or size % GRID:
            raise InvalidOption(f"Scenes cannot have the size {size}; it must be a multiple of {GRID}.")
        if not 0 <= hands <= 1:
            raise InvalidOption(f"The share of hands is {hands}; it must be from 0 to 1.")
        known = {kind.name: kind for kind in (*KINDS, *APART)}
        for name in kinds or ():
            if name not in known:
                raise unknown_name("kind of scene", name, known)
        self.seed, self.split, self.size, self.hands = seed, split, size, hands
        self.kinds: tuple[Kind, ...] = tuple(known[name] for name in kinds) if kinds else KINDS
        self.stock = Stock(pictures)
        if not self.stock.shelves["train"].styles:
            raise InvalidFile("The picture set shows too few of the things that scenes are made of; use the icon set.")
        self._fonts = {font.name: font for font in fonts.fonts}
        self._held_fonts = frozenset(font.name for font in fonts.fonts if font.held_out)
        self._words = vocabulary(pictures)
        self.digest = self._digest(pictures, fonts)

    def _digest(self, pictures: PictureSet, fonts: Fonts) -> str:
        names = ",".join(kind.name for kind in self.kinds) + (f",hands {self.hands}" if self.hands else "")
        parts = (SCENES_VERSION, pictures.digest, fonts.digest, ramps_digest(), self.split, self.size, names)
        return sha256("\0".join(map(str, parts)).encode()).hexdigest()

    def _desk(self, rolls: Rolls, kind: Kind) -> Desk:
        """What to plan with. A quarter of the held-out scenes with objects have a thing that the icon set holds out."""
        train = self.split == "train"
        shelf, held = self.stock.shelves["train"], self.stock.shelves["heldout"]
        extra = held if not train and held.styles and (rolls.chance(25) or not kind.combines) else None
        fonts = tuple(font for font in self._fonts.values() if not (train and font.held_out))
        return Desk(self.stock, shelf, fonts, self._words, extra, train)

    def _row_is_held(self, row: int) -> bool:
        return self.stock.pictures.records[row].split != "train"

    def _held(self, scene: Scene) -> tuple[str, ...]:
        return held_in(scene, natural=self.stock.natural, row_is_held=self._row_is_held, fonts=self._held_fonts)

    def plan(self, number: int) -> Scene:
        """Scene `number`, without drawing it."""
        first = Rolls(self.seed, number)
        kind = first.weighted([(kind, kind.weight) for kind in self.kinds])
        if self.hands and Rolls(self.seed, number, 0, _HANDS).below(_MILLION) < round(self.hands * _MILLION):
            kind = HANDS
        desk = self._desk(first, kind)
        for attempt in range(1, _ATTEMPTS):
            scene = kind.plan(desk, Rolls(self.seed, number, attempt))
            if scene is None:
                continue
            held = self._held(scene)
            if bool(held) == (self.split == "heldout"):
                return replace(scene, seed=self.seed, number=number, held=held)
        raise InvalidFile(
            f"No {self.split} scene of the kind {kind.name} can be made from this picture set and these fonts; "
            "use the whole icon set and all fonts."
        )

    def captions(self, scene: Scene, *, unseen: bool = False) -> tuple[str, ...]:
        """The captions of a scene, short to dense; or those in phrasings that training never uses."""
        phrases = _phrases(scene)
        return captions_of(scene, phrases.held if unseen else phrases.trained, frames=not unseen)

    def wrong(self, scene: Scene) -> tuple[str, ...]:
        """Captions that are wrong of a scene in one fact, short to dense; a pure function of the scene.

        They are those of the scene with a fact changed, without any that is true all the same. Of a training scene they
        have no held-out combination, so that none is ever seen, not even as what a picture does not show. Empty if no
        change is found quickly.
        """
        said = _phrases(scene)
        true = {
            unframed(text)
            for texts in (said.trained, said.held, said.silent)
            for text in captions_of(scene, texts, frames=False)
        }
        for attempt in range(_CHANGES):
            other = changed(scene, Rolls(scene.seed, scene.number, attempt, _WRONG))
            if other is not None and not (self.split == "train" and self._held(other)):
                wrong = self.captions(other)
                if other.size != scene.size:  # a thing whose size is not said is large, but not wrongly named
                    wrong = tuple(caption for caption in wrong if other.size in caption)
                return tuple(caption for caption in wrong if unframed(caption) not in true)
        return ()

    @property
    def fonts(self) -> tuple[Font, ...]:
        """The fonts of words, held-out ones included."""
        return tuple(self._fonts.values())

    def drawn(self, scene: Scene) -> Bytes:
        """The picture of a scene, also of one that was not planned here: premultiplied RGBA, uint8 (size, size, 4)."""
        return draw(scene, self.stock, self._fonts, self.size)

    def at(self, number: int) -> ComposedScene:
        """Scene `number`, drawn and captioned."""
        scene = self.plan(number)
        picture = self.drawn(scene)
        return ComposedScene(picture, scene, self.captions(scene), self.captions(scene, unseen=True))


def _phrases(scene: Scene) -> Phrases:
    """What can be said of a scene, by its kind."""
    return next(kind for kind in (*KINDS, *APART) if kind.name == scene.kind).phrases(scene)
