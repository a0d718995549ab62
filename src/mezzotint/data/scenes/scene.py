"""What a scene is: plain data from which its picture, its captions and its facts follow.

All places are on a grid of 64 by 64 cells, whatever the size of the picture; x runs to the right, y down.
"""

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["GRID", "Backdrop", "Box", "Group", "Lettering", "Relation", "Scene", "Shape", "hull"]

GRID = 64
Shade = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of whole cells."""

    left: int
    top: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column to the right of it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.top + self.height

    @property
    def middle(self) -> tuple[int, int]:
        """Twice its centre, so that it is whole."""
        return 2 * self.left + self.width, 2 * self.top + self.height

    def inset(self, by: int) -> "Box":
        """The box with `by` cells less on every side."""
        return Box(self.left + by, self.top + by, self.width - 2 * by, self.height - 2 * by)

    def overlaps(self, other: "Box", gap: int = 0) -> bool:
        """Whether fewer than `gap` empty cells lie between the two."""
        apart = (
            self.right + gap <= other.left or other.right + gap <= self.left
            or self.bottom + gap <= other.top or other.bottom + gap <= self.top
        )  # fmt: skip
        return not apart

    def times(self, factor: int) -> "Box":
        """The box on a finer grid."""
        return Box(self.left * factor, self.top * factor, self.width * factor, self.height * factor)


def hull(boxes: tuple[Box, ...]) -> Box:
    """The smallest box around all."""
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    return Box(left, top, max(box.right for box in boxes) - left, max(box.bottom for box in boxes) - top)


@dataclass(frozen=True, slots=True)
class Group:
    """Copies of one object: the row of its picture, what it is called, and where each copy stands.

    colour: the one colour that it was given (or has by itself), or "" if it is as it was drawn.
    """

    row: int
    one: str
    many: str
    boxes: tuple[Box, ...]
    colour: str = ""

    @property
    def hull(self) -> Box:
        """The box around all copies."""
        return hull(self.boxes)


@dataclass(frozen=True, slots=True)
class Shape:
    """A drawn form: the outline that holds a thing, or what a word is written on. `line` 0 has no outline."""

    form: str
    box: Box
    fill: Shade | None = None
    edge: Shade | None = None
    line: int = 0
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Lettering:
    """A word: its letters exactly as written, the font's name and kind, the box of the ink and of each letter.

    edge: the shade of a line around the letters, `line` cells wide. usual: it looks as what is written does unless a
    caption says otherwise.
    """

    text: str
    font: str
    look: str
    box: Box
    letters: tuple[Box, ...]
    colour: str
    shade: Shade
    edge: Shade | None = None
    line: int = 0
    usual: bool = False


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What is behind everything. kind: "transparent", "flat" (name: a colour) or "scenery" (name: which).

    shade: the colour of a flat one; variant: which drawing of a scenery.
    """

    kind: str = "transparent"
    name: str = ""
    shade: Shade = (0, 0, 0)
    variant: int = 0


@dataclass(frozen=True, slots=True)
class Relation:
    """`subject` stands in relation `word` to `object`: indices of groups, and from there on of shapes."""

    subject: int
    word: str
    object: int


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene. Groups are laid over each other in their order, over the shapes; the lettering comes last.

    style: the drawing style that all objects share; layout: the template of their places; size, place: words for the
    size and the place of a single object, or ""; held: the held-out combinations in it, in words.
    """

    seed: int
    number: int
    kind: str
    layout: str
    style: str = ""
    groups: tuple[Group, ...] = ()
    shapes: tuple[Shape, ...] = ()
    relations: tuple[Relation, ...] = ()
    lettering: Lettering | None = None
    backdrop: Backdrop = Backdrop()
    size: str = ""
    place: str = ""
    held: tuple[str, ...] = ()

    def name_of(self, index: int) -> str:
        """What a group or shape is called."""
        count = len(self.groups)
        return self.groups[index].one if index < count else self.shapes[index - count].form

    def box_of(self, index: int) -> Box:
        """The box of a group or shape."""
        count = len(self.groups)
        return self.groups[index].hull if index < count else self.shapes[index - count].box

    def facts(self) -> dict[str, Any]:
        """Everything that is true of the picture, as plain data (JSON): what a detector is trained and scored on."""
        plain = asdict(self)
        for group, data in zip(self.groups, plain["groups"], strict=True):
            data["count"] = len(group.boxes)
        for relation, data in zip(self.relations, plain["relations"], strict=True):
            data["names"] = [self.name_of(relation.subject), self.name_of(relation.object)]
        return plain
