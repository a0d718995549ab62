"""What IconEval gives without any drawing: pictures pasted by rule, and training pictures that fit the prompt."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mezzotint.codecs.images import to_image, to_signed
from mezzotint.data.pixels import Bytes
from mezzotint.data.scenes import Box, Font, Group, Scene, Scenes
from mezzotint.data.scenes.kinds.hands import with_fingers
from mezzotint.data.scenes.kinds.lettering import written
from mezzotint.data.scenes.paint import vivid
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.scene import GRID, Lettering
from mezzotint.data.scenes.stock import Item, Stock
from mezzotint.evaluation.bank import Bank
from mezzotint.evaluation.iconeval.prompts import IconPrompt, Wanted

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["pasted", "pasted_scene", "retrieved"]

_INK = "black"
_ROOM = Box(3, 16, GRID - 6, GRID - 32)
"""Where a word stands."""


def pasted(prompts: Sequence[IconPrompt], scenes: Scenes) -> Iterator[tuple[int, int, "Image"]]:
    """A picture for every prompt, laid out by rule from training pictures: (number, 0, picture), as `gallery` gives.

    Things stand in the cells of a grid, in the order of the prompt or as the relation says, each in the wanted colour;
    a word stands alone, and so does a hand, yellow whatever its tone should be. It is what a program would do that
    reads its prompt and cannot draw.
    """
    for number, prompt in enumerate(prompts):
        yield number, 0, to_image(_signed(scenes.drawn(pasted_scene(prompt, scenes))[None])[0])


def pasted_scene(prompt: IconPrompt, scenes: Scenes) -> Scene:
    """What `pasted` lays out, as a scene; its facts are those of the prompt."""
    if prompt.fingers is not None:
        return _hand(prompt.task, prompt.fingers)
    return _word(prompt, scenes.fonts) if prompt.word else _things(prompt, scenes.stock)


def retrieved(prompts: Sequence[IconPrompt], bank: Bank, count: int) -> Iterator[tuple[int, int, "Image"]]:
    """The `count` training pictures whose features are nearest to a prompt's: (number, place, picture)."""
    rows = bank.pictures.split("train")
    asked = bank.encoder.prompts([prompt.text for prompt in prompts])
    best = (asked @ bank.train.T).topk(count, dim=1).indices
    for number, places in enumerate(best.tolist()):
        for place, index in enumerate(places):
            yield number, place, to_image(_signed(bank.pictures.pictures[rows[index]][None])[0])


def _signed(pictures: Bytes) -> Tensor:
    return to_signed(torch.from_numpy(np.ascontiguousarray(pictures)))


def _things(prompt: IconPrompt, stock: Stock) -> Scene:
    cells = _cells(prompt)
    groups = []
    for wanted in prompt.wanted:
        item = _item(wanted, stock)
        mine, cells = cells[: wanted.count], cells[wanted.count :]
        boxes = tuple(_inside(cell, stock, item.row) for cell in mine)
        groups.append(Group(item.row, item.noun.one, item.noun.many, boxes, wanted.colour))
    return Scene(0, 0, prompt.task, "pasted", groups=tuple(groups))


def _cells(prompt: IconPrompt) -> list[Box]:
    """Where things stand, in their order: side by side or one above the other, or in rows from the left."""
    count = sum(wanted.count for wanted in prompt.wanted)
    columns = 1 if prompt.relation in ("above", "below") else {1: 1, 2: 2, 3: 2, 4: 2}.get(count, 3)
    rows = -(-count // columns)
    side = GRID // max(columns, rows)
    left, top = (GRID - columns * side) // 2, (GRID - rows * side) // 2
    cells = [Box(left + i % columns * side, top + i // columns * side, side, side) for i in range(count)]
    return cells[::-1] if prompt.relation in ("right of", "below") else cells


def _inside(cell: Box, stock: Stock, row: int) -> Box:
    width, height = stock.extent(row, cell.width - 4)
    return Box(cell.left + (cell.width - width) // 2, cell.top + (cell.height - height) // 2, width, height)


def _item(wanted: Wanted, stock: Stock) -> Item:
    """The first training picture of the thing that can have the colour; the first at all if none can."""
    shelf = stock.shelves["train"].styles.values()
    mine = sorted(
        (item for things in shelf for some in things for item in some if item.noun.one == wanted.thing),
        key=lambda item: item.row,
    )
    assert mine, f"no training picture shows a {wanted.thing}"
    fitting = (item for item in mine if not wanted.colour or stock.can_have(item.row, wanted.colour))
    return next(fitting, mine[0])


def _hand(task: str, fingers: int) -> Scene:
    hand = with_fingers(Rolls(0, fingers), fingers, "yellow", "right")
    return Scene(0, 0, task, "pasted", shapes=(hand,))


def _word(prompt: IconPrompt, fonts: Sequence[Font]) -> Scene:
    for font in fonts:
        placed = None if font.capitals and not prompt.word.isupper() else written(font, prompt.word, _ROOM)
        if placed is not None:
            shade = vivid(_INK)
            lettering = Lettering(prompt.word, font.name, font.look, *placed, _INK, shade, (255, 255, 255), 1)
            return Scene(0, 0, prompt.task, "pasted", lettering=lettering)
    raise AssertionError(f"no font can write {prompt.word}")
