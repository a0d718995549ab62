"""What a detector is to find in composed scenes: things with their colours, and letters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mezzotint.conditioning.letters import ALPHABET
from mezzotint.data.scenes import COLOURS, Box, Group, Scene

__all__ = ["COLOUR_NAMES", "UNSAID", "Marks", "marks_of"]

COLOUR_NAMES = tuple(COLOURS)
"""The colours by number."""
UNSAID = -1
"""The number of a colour that nothing was said of."""
CELL = 2
"""Grid units of a cell of the detector's maps."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Everything of one sort in a batch of pictures, M marks in all.

    picture (M,) int64      which picture of the batch
    kind (M,) int64         which thing, or which letter (its place in `ALPHABET`)
    box (M, 4) float32      left, top, right, bottom in cells
    colour (M,) int64       its number in `COLOUR_NAMES`; `UNSAID` if it is as it was drawn
    """

    picture: Tensor
    kind: Tensor
    box: Tensor
    colour: Tensor

    def to(self, device: torch.device) -> "Marks":
        """The same marks on another device."""
        return Marks(self.picture.to(device), self.kind.to(device), self.box.to(device), self.colour.to(device))

    @property
    def middle(self) -> Tensor:
        """(M, 2): column and row of the cell that holds the middle of the box."""
        return ((self.box[:, :2] + self.box[:, 2:]) / 2).long()


Row = tuple[int, int, Box, int]


def _gathered(rows: Sequence[Row]) -> Marks:
    boxes = [[box.left, box.top, box.right, box.bottom] for _, _, box, _ in rows]
    return Marks(
        torch.tensor([row[0] for row in rows], dtype=torch.int64),
        torch.tensor([row[1] for row in rows], dtype=torch.int64),
        torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4) / CELL,
        torch.tensor([row[3] for row in rows], dtype=torch.int64),
    )


def marks_of(scenes: Sequence[Scene], things: Sequence[str]) -> tuple[Marks, Marks]:
    """Things and letters of scenes. things: the names that have a number; a group of another name is left out.

    What a later group hides by more than two thirds is left out as well: nobody could see it.
    """
    number = {name: i for i, name in enumerate(things)}
    found, letters = list[Row](), list[Row]()
    for picture, scene in enumerate(scenes):
        for group, box in _visible(scene):
            if group.one in number:
                colour = COLOUR_NAMES.index(group.colour) if group.colour in COLOURS else UNSAID
                found.append((picture, number[group.one], box, colour))
        word = scene.lettering
        if word is not None:
            colour = COLOUR_NAMES.index(word.colour)
            for letter, box in zip(word.text, word.letters, strict=True):
                letters.append((picture, ALPHABET.index(letter), box, colour))
    return _gathered(found), _gathered(letters)


def _visible(scene: Scene) -> Iterator[tuple[Group, Box]]:
    for place, group in enumerate(scene.groups):
        later = [box for other in scene.groups[place + 1 :] for box in other.boxes]
        for box in group.boxes:
            if not any(_common(box, other) * 3 > 2 * box.width * box.height for other in later):
                yield group, box


def _common(a: Box, b: Box) -> int:
    wide = min(a.right, b.right) - max(a.left, b.left)
    high = min(a.bottom, b.bottom) - max(a.top, b.top)
    return max(wide, 0) * max(high, 0)
