"""What a kind of scene plans with: the objects, fonts and words of one split, and choices that all kinds share."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mezzotint.data.colours import ANCHORS
from mezzotint.data.scenes.backdrops import CLASHES, SCENERY, VARIANTS
from mezzotint.data.scenes.glyphs import Font
from mezzotint.data.scenes.held import HELD_LAYOUTS
from mezzotint.data.scenes.paint import COLOURS, shades
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.scene import GRID, Backdrop, Box, Group
from mezzotint.data.scenes.stock import Item, Shelf, Stock

__all__ = ["Desk", "Phrases", "alike"]

_TRIES = 8
_ALIKE = {
    "blue": {"light blue", "dark blue", "teal"}, "light blue": {"blue", "teal", "white"}, "teal": {"green", "blue"},
    "green": {"teal"}, "grey": {"white", "black"}, "white": {"grey", "beige"}, "beige": {"white", "yellow", "brown"},
    "orange": {"red", "yellow", "brown"}, "brown": {"orange", "beige", "black"}, "yellow": {"orange", "beige"},
    "red": {"pink", "orange", "brown"}, "pink": {"red", "purple"}, "purple": {"pink", "dark blue"},
    "black": {"dark blue", "grey", "brown"}, "dark blue": {"blue", "black", "purple"},
}  # fmt: skip


def alike(one: str, other: str) -> bool:
    """Whether two colours (names) are too near each other to tell things apart by."""
    return other in _ALIKE[one] or one in _ALIKE[other]


@dataclass(frozen=True, slots=True)
class Phrases:
    """Captions without backdrop and style, least information first; those of `held` are not for training.

    `silent` are true as well, but never said of this scene: they leave open what is usually otherwise, such as things
    that are named without their sides, which stand from left to right in the order of their names.
    """

    trained: tuple[str, ...]
    held: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Desk:
    """What a kind may use.

    shelf: objects; extra: one object at least comes from here, if given; fonts, words: for lettering; train: whether
    held-out layouts are left out.
    """

    stock: Stock
    shelf: Shelf
    fonts: tuple[Font, ...]
    words: tuple[str, ...]
    extra: Shelf | None = None
    train: bool = True

    def layout(self, rolls: Rolls, kind: str, choices: Sequence[tuple[str, int]]) -> str:
        """One of the layouts of a kind, each as often as its weight says; in training none that is held out."""
        allowed = [pair for pair in choices if not (self.train and (kind, pair[0]) in HELD_LAYOUTS)]
        return rolls.weighted(allowed)

    def items(self, rolls: Rolls, count: int, fits: Callable[[int], bool] = lambda row: True) -> list[Item]:
        """Pictures of so many different things in one drawing style, each of which fits; none if not found quickly."""
        source = self.extra or self.shelf
        style = rolls.weighted(source.weights)
        if style not in self.shelf.styles:
            return []
        chosen: list[Item] = []
        first = source.styles[style]
        for _ in range(_TRIES * count):
            item = rolls.choice(rolls.choice(first if not chosen else self.shelf.styles[style]))
            if item.noun not in [other.noun for other in chosen] and fits(item.row):
                chosen.append(item)
            if len(chosen) == count:
                turn = rolls.below(count)
                return chosen[turn:] + chosen[:turn]
        return []

    def colour(self, rolls: Rolls, row: int, avoid: Iterable[str] = ()) -> str:
        """A colour that the object can be given; "" if none is found quickly."""
        allowed = [name for name in COLOURS if name not in set(avoid)]
        for name in rolls.sample(allowed, _TRIES):
            if self.stock.can_have(row, name):
                return name
        return ""

    def backdrop(self, rolls: Rolls, groups: Iterable[Group], *, avoid: Iterable[str] = ()) -> Backdrop:
        """Nothing in 55 %, one colour in 28 %, a scenery in the rest; nothing that the groups would be lost on.

        avoid: further colours that must stand out.
        """
        what = rolls.below(100)
        seen = {name for group in groups for name in self.stock.colours(group.row, group.colour)[:3]} | set(avoid)
        if what < 55:
            return Backdrop()
        if what < 83:
            clear = [name for name in ANCHORS if name not in seen and not any(alike(name, other) for other in seen)]
            if not clear:
                return Backdrop()
            name = rolls.choice(clear)
            return Backdrop("flat", name, rolls.choice(shades(name)))
        first = {self.stock.colours(group.row, group.colour)[:1] for group in groups}
        main = {name for names in first for name in names} | set(avoid)
        fitting = [name for name in SCENERY if not CLASHES[name] & main]
        return Backdrop("scenery", rolls.choice(fitting), variant=rolls.below(VARIANTS)) if fitting else Backdrop()

    def box(self, row: int, longest: int, middle: tuple[int, int]) -> Box:
        """The object's box with a longer side of this length about a centre, pushed inside the picture."""
        width, height = self.stock.extent(row, longest)
        left, top = middle[0] - width // 2, middle[1] - height // 2
        return Box(min(max(left, 1), GRID - 1 - width), min(max(top, 1), GRID - 1 - height), width, height)

    def group(self, item: Item, boxes: Iterable[Box], colour: str = "") -> Group:
        """Copies of an item at these places."""
        return Group(item.row, item.noun.one, item.noun.many, tuple(boxes), colour)
