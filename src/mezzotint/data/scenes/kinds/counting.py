"""One to nine copies of one object, well apart.

In rows, the last one centred, unless the caption says otherwise: in pure noise a network says the mean of all that a
caption may mean, and that of many arrangements is none of them.
"""

import math

from mezzotint.data.scenes.desk import Desk, Phrases
from mezzotint.data.scenes.kinds.kind import Kind
from mezzotint.data.scenes.phrases import number, plain, thing
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.scene import GRID, Box, Scene
from mezzotint.data.scenes.stock import Item

__all__ = ["KIND", "MOST"]

MOST = 9
_GAP = 2  # empty cells between two copies at least
_COUNTS = ((1, 2), (2, 5), (3, 5), (4, 5), (5, 4), (6, 4), (7, 3), (8, 3), (9, 3))
_SCATTERED = {1: (50, 58), 2: (20, 28), 3: (17, 25), 4: (15, 22), 5: (14, 19), 6: (13, 18), 7: (13, 16), 8: (12, 15),
              9: (12, 14)}  # fmt: skip
_RING = ((0, -22), (16, -16), (22, 0), (16, 16), (0, 22), (-16, 16), (-22, 0), (-16, -16))
_TRIES = 60
_WHERE = {
    "rows": "", "row": " in a row", "column": " in a column", "circle": " in a circle", "grid": " in a loose grid",
    "scattered": " scattered about",
}  # fmt: skip
"""How an arrangement is said."""


def _rows(desk: Desk, rolls: Rolls, item: Item, count: int) -> list[Box]:
    """Places in rows, as many as columns or one less, the last one centred; all are shaken alike."""
    columns = math.isqrt(count - 1) + 1
    rows = -(-count // columns)
    longest = 62 // columns - _GAP - rolls.between(0, 3)
    width, height = desk.stock.extent(item.row, longest)
    wide, high = (min(62 // columns, size + rolls.between(_GAP, 5)) for size in (width, height))
    middle = 64 + rolls.between(-2, 2), 64 + rolls.between(-2, 2)  # doubled
    boxes = []
    for copy in range(count):
        row, place = divmod(copy, columns)
        here = min(columns, count - row * columns)
        x = (middle[0] + (2 * place - here + 1) * wide - width) // 2
        y = (middle[1] + (2 * row - rows + 1) * high - height) // 2
        boxes.append(Box(min(max(x, 1), GRID - 1 - width), min(max(y, 1), GRID - 1 - height), width, height))
    return boxes


def _grid(desk: Desk, rolls: Rolls, item: Item, count: int) -> list[Box]:
    """Places in the cells of a grid with room to spare, shaken a little."""
    columns, rows = {1: (1, 1), 2: (2, 1), 3: (2, 2), 4: (2, 2), 5: (3, 2), 6: (3, 2)}.get(count, (3, 3))
    if rolls.chance(50):
        columns, rows = rows, columns
    wide, high = 62 // columns, 62 // rows
    longest = min(wide, high) - _GAP - rolls.between(0, 4)
    width, height = desk.stock.extent(item.row, longest)
    boxes = []
    for cell in sorted(rolls.sample(range(columns * rows), count)):
        left, top = 1 + cell % columns * wide, 1 + cell // columns * high
        spare = wide - _GAP - width, high - _GAP - height
        shaken = [rolls.between(room // 3, room - room // 3) for room in spare]
        boxes.append(Box(left + 1 + shaken[0], top + 1 + shaken[1], width, height))
    return boxes


def _scattered(desk: Desk, rolls: Rolls, item: Item, count: int) -> list[Box]:
    """Places at random that keep their distance, of slightly different size; none if there is no room."""
    low, high = _SCATTERED[count]
    longest = rolls.between(low, high)
    boxes: list[Box] = []
    for _ in range(_TRIES):
        width, height = desk.stock.extent(item.row, max(low, longest - rolls.between(0, 3)))
        box = Box(rolls.between(1, GRID - 1 - width), rolls.between(1, GRID - 1 - height), width, height)
        if not any(box.overlaps(other, _GAP) for other in boxes):
            boxes.append(box)
        if len(boxes) == count:
            return boxes
    return []


def _line(desk: Desk, rolls: Rolls, item: Item, count: int, *, column: bool) -> list[Box]:
    """Places in a row or column."""
    room = 62 // count
    width, height = desk.stock.extent(item.row, min(room - _GAP, 30))
    off = rolls.between(-6, 6)
    step = min(room, (height if column else width) + rolls.between(_GAP, 6))
    first = 32 - step * (count - 1) // 2
    centres = [(32 + off, first + i * step) if column else (first + i * step, 32 + off) for i in range(count)]
    return [Box(x - width // 2, y - height // 2, width, height) for x, y in centres]


def _ring(desk: Desk, rolls: Rolls, item: Item, count: int) -> list[Box]:
    """Eight places on a circle."""
    width, height = desk.stock.extent(item.row, 14)
    return [Box(32 + x - width // 2, 32 + y - height // 2, width, height) for x, y in _RING]


def _boxes(desk: Desk, rolls: Rolls, item: Item, count: int) -> tuple[str, list[Box]]:
    choices = [("rows", 10)]
    if count >= 2:
        choices += [("scattered", 3)]
    if count >= 4:
        choices += [("grid", 2)]
    if 2 <= count <= 4:
        choices += [("row", 1), ("column", 1)]
    if count == 8:
        choices += [("circle", 3)]
    layout = desk.layout(rolls, "counting", choices)
    if layout in ("row", "column"):
        return layout, _line(desk, rolls, item, count, column=layout == "column")
    place = {"rows": _rows, "grid": _grid, "scattered": _scattered, "circle": _ring}[layout]
    return layout, place(desk, rolls, item, count)


def _plan(desk: Desk, rolls: Rolls) -> Scene | None:
    count = rolls.weighted(_COUNTS)
    items = desk.items(rolls, 1, desk.stock.one_piece)
    if not items:
        return None
    item = items[0]
    layout, boxes = _boxes(desk, rolls, item, count)
    if not boxes:
        return None
    colour = desk.colour(rolls, item.row) if rolls.chance(25) else ""
    group = desk.group(item, boxes, colour)
    return Scene(0, 0, "counting", layout, item.style, (group,), backdrop=desk.backdrop(rolls, [group]))


def _phrases(scene: Scene) -> Phrases:
    group = scene.groups[0]
    count = len(group.boxes)
    if count == 1:
        one = f"one {plain(group)}"
        return Phrases((f"1 {plain(group)}", one, f"exactly {one}"), (f"a single {plain(group)}",))
    where = _WHERE[scene.layout]
    said = [f"{count} {plain(group)}", thing(group), f"a set of {thing(group)}", f"there are {thing(group)}"]
    said += [f"a total of {thing(group)}", f"a bunch of {count} {plain(group)}", f"a collection of {thing(group)}"]
    said += [f"{plain(group)} {count}", f"{plain(group)} x{count}"]
    if count == 6:
        said.append(f"half a dozen {plain(group)}")
    said.append(f"exactly {thing(group)}")
    bare = [*said[:-1], f"{thing(group)} together"]
    if not group.colour:
        bare.append(f"{number(count)} times the same {group.one}")
    bare.append(said[-1])
    trained = tuple(f"{text}{where}" for text in said) if where else tuple(bare)
    named = f"{group.colour} ones" if group.colour else "of them"
    held = (f"{plain(group)}, {number(count)} of them", f"{group.many}: {count} {named}")
    return Phrases(trained, held, silent=tuple(bare))


KIND = Kind("counting", 20, _plan, _phrases)
