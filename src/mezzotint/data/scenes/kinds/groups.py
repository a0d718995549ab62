"""Counted, coloured groups beside each other: "three red apples to the left of a blue cat"."""

from mezzotint.data.scenes.desk import Desk, Phrases
from mezzotint.data.scenes.kinds.kind import Kind
from mezzotint.data.scenes.phrases import thing
from mezzotint.data.scenes.relate import OPPOSITE, holds
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.scene import Box, Relation, Scene, hull
from mezzotint.data.scenes.stock import Item

__all__ = ["KIND"]

_CELLS = {1: (1, 1), 2: (1, 2), 3: (2, 2), 4: (2, 2)}  # columns and rows of a group in the left or right half
_HALF = 27  # cells that a group may take across its half


def _cluster(desk: Desk, rolls: Rolls, item: Item, count: int, *, across: bool) -> list[Box]:
    """Boxes of a group about the origin. across: the groups are side by side, so each is narrow."""
    columns, rows = _CELLS[count] if across else _CELLS[count][::-1]
    room = _HALF if max(columns, rows) == 1 else 25 if (columns if across else rows) == 1 else (_HALF - 2) // 2
    width, height = desk.stock.extent(item.row, room)
    boxes = []
    for index in range(count):
        column, row = index % columns, index // columns
        pushed = (width + 2) // 2 if count == 3 and index == 2 else 0  # the third of three stands under the gap
        boxes.append(Box(column * (width + 2) + pushed, row * (height + 2), width, height))
    return boxes


def _plan(desk: Desk, rolls: Rolls) -> Scene | None:
    counts = [rolls.weighted(((1, 2), (2, 3), (3, 3), (4, 2))) for _ in range(2)]
    items = desk.items(rolls, 2, desk.stock.one_piece)
    if not items or counts == [1, 1]:
        return None
    word = rolls.choice(("left of", "above"))
    across = word == "left of"
    clusters = [_cluster(desk, rolls, item, count, across=across) for item, count in zip(items, counts, strict=True)]
    placed: list[list[Box]] = []
    for half, boxes in enumerate(clusters):
        around = hull(tuple(boxes))
        extent = (around.width, around.height) if across else (around.height, around.width)
        along = 1 + rolls.between(0, _HALF - extent[0]) if half == 0 else 63 - extent[0] - rolls.between(0, 2)
        side = 32 - extent[1] // 2 + rolls.between(-2, 2)
        x, y = (along, side) if across else (side, along)
        placed.append(
            [Box(box.left + x - around.left, box.top + y - around.top, box.width, box.height) for box in boxes]
        )
    if not holds(word, hull(tuple(placed[0])), hull(tuple(placed[1]))):
        return None
    colours = [desk.colour(rolls, items[0].row) if rolls.chance(60) else ""]
    colours.append(desk.colour(rolls, items[1].row, colours) if rolls.chance(60) else "")
    groups = tuple(desk.group(*parts) for parts in zip(items, placed, colours, strict=True))
    relations = (Relation(0, word, 1), Relation(1, OPPOSITE[word], 0))
    backdrop = desk.backdrop(rolls, groups)
    layout = "side by side" if across else "stacked"
    return Scene(0, 0, "groups", layout, items[0].style, groups, relations=relations, backdrop=backdrop)


def _phrases(scene: Scene) -> Phrases:
    a, b = scene.groups
    there, back = ("to the left of", "to the right of") if scene.layout == "side by side" else ("above", "below")
    bare = f"{thing(a)} and {thing(b)}", f"{thing(a)}, {thing(b)}"
    sides = f"{thing(a)} {there} {thing(b)}", f"{thing(b)} {back} {thing(a)}"
    if scene.layout == "side by side":  # without sides, what is named first stands on the left
        return Phrases((*bare, *sides), (f"{thing(b)} beside {thing(a)}",))
    return Phrases(sides, (f"{thing(b)} under {thing(a)}",), silent=bare)


KIND = Kind("groups", 8, _plan, _phrases)
