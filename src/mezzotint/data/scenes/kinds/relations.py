"""Two or three objects: left of, right of, above, below, on, inside, behind, in front of."""

from collections.abc import Callable

import numpy as np

from mezzotint.data.scenes.desk import Desk, Phrases
from mezzotint.data.scenes.kinds.kind import Kind
from mezzotint.data.scenes.paint import COLOURS, vivid
from mezzotint.data.scenes.phrases import an, thing
from mezzotint.data.scenes.relate import OPPOSITE, distance, holds
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.scene import GRID, Box, Group, Relation, Scene, Shape
from mezzotint.data.scenes.stock import Item

__all__ = ["KIND", "SAID", "TOGETHER", "beside"]

SAID = {"left of": "to the left of", "right of": "to the right of", "on": "on top of"}
"""How captions say a relation, where not by its own word."""
_ITS = {"left of": ("to its left", "to its right"), "above": ("above it", "below it")}
"""How the side of a thing that was named before is said: that of the first of a pair, and of the second."""
_ITS_TOO = {"left of": (("to the left of it", "to the right of it"),)}
"""The same in other words."""
TOGETHER = (
    "{} and {}", "{}, {}", "{} with {}", "{} plus {}", "two things: {} and {}", "{} along with {}", "{} as well as {}",
    "{} & {}", "{} + {}", "first {}, then {}",
)  # fmt: skip
"""How two things are named without their sides."""
_ROOM = {"circle": 62, "square": 78, "hexagon": 60, "triangle": 40, "diamond": 46}  # of the form's side, in percent
_TRIES = 12
_INSIDE = (
    ("inside circle", 3), ("inside square", 3), ("inside hexagon", 2), ("inside triangle", 2), ("inside diamond", 2)
)  # fmt: skip
_EDGE = 3  # cells of a container's outline


def _along(rolls: Rolls, first: int, second: int) -> tuple[int, int]:
    """Starts of two extents one after the other, with the distance that a relation asks for; they fit into 62 cells."""
    apart = -(-(distance(first, second) - first - second) // 2)
    spare = max(0, 62 - first - second - apart)
    gap = apart + rolls.between(0, min(spare, 6))
    start = 1 + rolls.between(0, max(0, 62 - first - second - gap))
    return start, start + first + gap


def beside(desk: Desk, rolls: Rolls, first: int, second: int, word: str) -> tuple[Box, Box]:
    """Boxes of two pictures of which the first is "left of" or "above" the second, beyond doubt."""
    one, two = (desk.stock.extent(row, rolls.between(22, 28)) for row in (first, second))
    axis = 0 if word == "left of" else 1
    start = _along(rolls, one[axis], two[axis])
    middle = 32 + rolls.between(-8, 8)
    shaken = rolls.between(-2, 2), rolls.between(-2, 2)
    for off in (shaken, (0, 0)):  # thin things are so near each other that little is too much
        sides = [middle - extent[1 - axis] // 2 + by for extent, by in zip((one, two), off, strict=True)]
        places = list(zip(start, sides, strict=True)) if axis == 0 else list(zip(sides, start, strict=True))
        first_box, second_box = Box(*places[0], *one), Box(*places[1], *two)
        if holds(word, first_box, second_box):
            return first_box, second_box
    raise AssertionError(f"two things on one line, and not {word}: {one}, {two}")


def _pair(desk: Desk, rolls: Rolls, word: str) -> Scene | None:
    items = desk.items(rolls, 2)
    if not items:
        return None
    boxes = beside(desk, rolls, items[0].row, items[1].row, word)
    groups = tuple(desk.group(item, [box]) for item, box in zip(items, boxes, strict=True))
    relations = (Relation(0, word, 1), Relation(1, OPPOSITE[word], 0))
    backdrop = desk.backdrop(rolls, groups)
    return Scene(0, 0, "relations", word, items[0].style, groups, relations=relations, backdrop=backdrop)


def _three(desk: Desk, rolls: Rolls) -> Scene | None:
    """Two side by side, and a third above or below both."""
    items = desk.items(rolls, 3)
    if not items:
        return None
    extents = [desk.stock.extent(item.row, rolls.between(19, 25)) for item in items]
    high = max(extents[0][1], extents[1][1])
    starts = _along(rolls, extents[0][0], extents[1][0])
    below = rolls.chance(50)
    rows = _along(rolls, high, extents[2][1]) if below else _along(rolls, extents[2][1], high)
    pair, third = rows if below else rows[::-1]
    boxes = [Box(x, pair + (high - e[1]) // 2, *e) for x, e in zip(starts, extents[:2], strict=True)]
    centre = (boxes[0].middle[0] + boxes[1].middle[0]) // 4
    boxes.append(Box(min(max(centre - extents[2][0] // 2, 1), 63 - extents[2][0]), third, *extents[2]))
    word = "below" if below else "above"
    if not (holds("left of", boxes[0], boxes[1]) and all(_clear(word, boxes[2], box) for box in boxes[:2])):
        return None
    groups = tuple(desk.group(item, [box]) for item, box in zip(items, boxes, strict=True))
    pairs = ((0, "left of", 1), (2, word, 0), (2, word, 1))
    relations = tuple(r for a, w, b in pairs for r in (Relation(a, w, b), Relation(b, OPPOSITE[w], a)))
    backdrop = desk.backdrop(rolls, groups)
    return Scene(0, 0, "relations", f"three, {word}", items[0].style, groups, relations=relations, backdrop=backdrop)


def _clear(word: str, box: Box, other: Box) -> bool:
    """Above or below with the full distance, though not right above: the third of three stands between the others."""
    along = (box.middle[1] - other.middle[1]) * (1 if word == "below" else -1)
    return along >= distance(box.height, other.height) and abs(box.middle[0] - other.middle[0]) <= along


def _on(desk: Desk, rolls: Rolls) -> Scene | None:
    """The first stands on the upper edge of the second, wholly within its width."""
    items = desk.items(rolls, 2)
    if not items or not (desk.stock.stands(items[0].row) and desk.stock.flat_top(items[1].row)):
        return None
    low = desk.stock.extent(items[1].row, rolls.between(32, 42))
    high = desk.stock.extent(items[0].row, rolls.between(18, 25))
    if low[0] * 9 < high[0] * 10 or low[0] < 24 or low[1] + high[1] > 61:
        return None
    bottom = rolls.between(low[1] + high[1] + 1, 62)
    base = Box(rolls.between(1, 63 - low[0]), bottom - low[1], *low)
    slack = (base.width - high[0]) // 4
    top = Box(base.left + (base.width - high[0]) // 2 + rolls.between(-slack, slack), base.top + 1 - high[1], *high)
    groups = (desk.group(items[1], [base]), desk.group(items[0], [top]))
    backdrop = desk.backdrop(rolls, groups)
    return Scene(0, 0, "relations", "on", items[0].style, groups, relations=(Relation(1, "on", 0),), backdrop=backdrop)


def _inside(desk: Desk, rolls: Rolls) -> Scene | None:
    """An object within a coloured outline."""
    items = desk.items(rolls, 1)
    if not items:
        return None
    item: Item = items[0]
    layout = desk.layout(rolls, "relations", _INSIDE)
    form = layout.removeprefix("inside ")
    side = rolls.between(50, 60)
    outer = Box(32 - side // 2 + rolls.between(-2, 2), 32 - side // 2 + rolls.between(-2, 2), side, side)
    longest = side * _ROOM[form] // 100 - rolls.between(2, 6)
    x, y = (outer.left + side // 2, outer.top + side // 2)
    box = desk.box(item.row, longest, (x, y + (side * 17 // 100 if form == "triangle" else 0)))
    seen = desk.stock.colours(item.row)[:2]
    colour = rolls.choice([name for name in COLOURS if name not in seen])
    group = desk.group(item, [box])
    backdrop = desk.backdrop(rolls, [group], avoid=[colour])
    shape = Shape(form, outer, None, vivid(colour), _EDGE, colour)
    return Scene(
        0, 0, "relations", layout, item.style, (group,), (shape,), (Relation(0, "inside", 1),),
        backdrop=backdrop,
    )  # fmt: skip


def _depth(desk: Desk, rolls: Rolls) -> Scene | None:
    """The second hides a tenth to two fifths of the first, which is behind it."""
    items = desk.items(rolls, 2, desk.stock.solid)
    if not items or desk.stock.colours(items[0].row)[:1] == desk.stock.colours(items[1].row)[:1]:
        return None
    side = rolls.choice((-1, 1))
    back = desk.box(items[0].row, rolls.between(36, 44), (32 - side * rolls.between(6, 10), 26 + rolls.between(-3, 2)))
    front = desk.box(items[1].row, rolls.between(25, 32), (32 + side * rolls.between(8, 14), 44 + rolls.between(0, 4)))
    masks = []
    for item, box in zip(items, (back, front), strict=True):
        mask = np.zeros((GRID, GRID), dtype=bool)
        solid = desk.stock.sized(item.row, "", box.width, box.height)[..., 3] >= 128
        mask[box.top : box.bottom, box.left : box.right] = solid
        masks.append(mask)
    hidden, whole = int((masks[0] & masks[1]).sum()), int(masks[0].sum())
    if not 10 * whole <= 100 * hidden <= 40 * whole:
        return None
    groups = tuple(desk.group(item, [box]) for item, box in zip(items, (back, front), strict=True))
    relations = (Relation(0, "behind", 1), Relation(1, "in front of", 0))
    backdrop = desk.backdrop(rolls, groups)
    return Scene(0, 0, "relations", "behind", items[0].style, groups, relations=relations, backdrop=backdrop)


def _plan(desk: Desk, rolls: Rolls) -> Scene | None:
    what = rolls.below(100)
    if what < 36:
        return _pair(desk, rolls, "left of")
    if what < 58:
        return _pair(desk, rolls, "above")
    if what < 67:
        return _three(desk, rolls)
    if what < 76:
        return _first(_on, desk, rolls)
    return _inside(desk, rolls) if what < 87 else _first(_depth, desk, rolls)


def _first(plan: Callable[[Desk, Rolls], Scene | None], desk: Desk, rolls: Rolls) -> Scene | None:
    """Several tries at what few pairs of objects suit, so that it does not become rare."""
    return next((scene for _ in range(_TRIES) if (scene := plan(desk, rolls))), None)


def _of_pair(scene: Scene) -> Phrases:
    a, b = scene.groups
    there, back = (SAID.get(r.word, r.word) for r in scene.relations)
    sides = ("on the left", "on the right") if scene.layout == "left of" else ("at the top", "at the bottom")
    if scene.layout == "behind":
        last, held = f"{thing(a)} partly hidden behind {thing(b)}", f"{thing(b)} hides part of {thing(a)}"
    else:
        last = f"{thing(a)} {sides[0]} and {thing(b)} {sides[1]}"
        held = f"{sides[1]} {thing(b)}, {sides[0]} {thing(a)}"
    short = f"{a.one} {scene.relations[0].word} {b.one}"
    more: tuple[str, ...] = ()
    if (its := _ITS.get(scene.layout)) is not None:
        more = (*_turned(a, b, there, back, its), *_more_turned(a, b, scene.layout))
    silent = (*_together(a, b), *_together(b, a))
    if scene.layout == "left of":
        more = (*_together(a, b), *_level(a, b), *more)
        silent = (*_together(b, a), *_level(b, a))
    trained = (short, f"{thing(a)} {there} {thing(b)}", *more, f"{thing(b)} {back} {thing(a)}", last)
    return Phrases(trained, (held,), silent)


def _together(a: Group, b: Group) -> tuple[str, ...]:
    """What is said of two things without their sides, only where the first stands on the left: in pure noise a
    network says the mean of all that a caption may mean, and that of four arrangements is none of them."""
    return tuple(way.format(thing(a), thing(b)) for way in TOGETHER)


def _more_turned(a: Group, b: Group, layout: str) -> tuple[str, ...]:
    """The same in more ways."""
    ends = ("left", "right") if layout == "left of" else ("top", "bottom")
    said = [f"{ends[0]}: {thing(a)}, {ends[1]}: {thing(b)}"]
    for first, second in (_ITS[layout], *_ITS_TOO.get(layout, ())):
        said += [f"{thing(b)}, {thing(a)} {first}", f"{thing(a)}, {thing(b)} {second}"]
    for first, second in _ITS_TOO.get(layout, ()):
        said += [f"{thing(b)} with {thing(a)} {first}", f"{thing(a)} with {thing(b)} {second}"]
    return tuple(said)


def _level(a: Group, b: Group) -> tuple[str, ...]:
    """What is true of two things side by side, whichever is on the left."""
    return f"{thing(a)} next to {thing(b)}", f"{thing(a)} and {thing(b)} side by side"


def _turned(a: Group, b: Group, there: str, back: str, its: tuple[str, str]) -> tuple[str, ...]:
    """The sides of two things, said in either order, and of either."""
    return (
        f"{thing(b)} with {thing(a)} {its[0]}", f"{thing(a)} with {thing(b)} {its[1]}",
        f"{there} {thing(b)} there is {thing(a)}", f"{back} {thing(a)} there is {thing(b)}",
        f"{thing(a)} is {there} {thing(b)}", f"{thing(b)} is {back} {thing(a)}",
        f"{thing(a)} that has {thing(b)} {its[1]}", f"{thing(b)} that has {thing(a)} {its[0]}",
        f"there is {thing(b)}; {its[0]} is {thing(a)}", f"there is {thing(a)}; {its[1]} is {thing(b)}",
        f"{thing(b)}. {thing(a)} is {its[0]}", f"{thing(a)}. {thing(b)} is {its[1]}",
    )  # fmt: skip


def _phrases(scene: Scene) -> Phrases:
    if scene.layout.startswith("three"):
        a, b, c = scene.groups
        word = scene.layout.removeprefix("three, ")
        first = f"{thing(a)} to the left of {thing(b)}"
        held = f"{thing(c)} {'under' if word == 'below' else 'over'} {thing(a)} and {thing(b)}"
        bare, said = f"{thing(a)}, {thing(b)} and {thing(c)}", f"{first}, with {thing(c)} {word} them"
        # without sides the first two stand side by side, the third below, as rows are read
        return Phrases((bare, said), (held,)) if word == "below" else Phrases((said,), (held,), (bare,))
    if scene.layout == "on":
        base, top = scene.groups
        return Phrases(
            (f"{top.one} on {base.one}", f"{thing(top)} on {thing(base)}", f"{thing(top)} on top of {thing(base)}"),
            (f"{thing(base)} with {thing(top)} on it",),
        )
    if scene.layout.startswith("inside"):
        group, shape = scene.groups[0], scene.shapes[0]
        form = an(f"{shape.colour} {shape.form}")
        return Phrases(
            (
                f"{group.one} inside {an(shape.form)}", f"{thing(group)} inside {form}",
                f"{form} with {thing(group)} inside",
            ),
            (f"{form} around {thing(group)}",),
        )  # fmt: skip
    return _of_pair(scene)


KIND = Kind("relations", 20, _plan, _phrases)
