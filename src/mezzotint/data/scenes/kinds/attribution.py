"""Two objects, each in a colour of its own."""

from mezzotint.data.scenes.desk import Desk, Phrases
from mezzotint.data.scenes.kinds.kind import Kind
from mezzotint.data.scenes.kinds.relations import beside
from mezzotint.data.scenes.phrases import an, thing
from mezzotint.data.scenes.relate import OPPOSITE
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.scene import Box, Group, Relation, Scene

__all__ = ["KIND"]

_WORDS = {"side by side": "left of", "stacked": "above"}
_CONFUSED = {"teal": ("green", "blue"), "green": ("teal",), "blue": ("teal",), "grey": ("white",), "white": ("grey",)}


def _diagonal(desk: Desk, rolls: Rolls, first: int, second: int) -> tuple[Box, Box]:
    """In opposite corners, the first on the left: neither beside nor above each other."""
    left, right = rolls.between(15, 17), rolls.between(47, 49)
    top, bottom = (left, right) if rolls.chance(50) else (right, left)
    sizes = rolls.between(22, 27), rolls.between(22, 27)
    return desk.box(first, sizes[0], (left, top)), desk.box(second, sizes[1], (right, bottom))


def _plan(desk: Desk, rolls: Rolls) -> Scene | None:
    items = desk.items(rolls, 2)
    if not items:
        return None
    first = desk.colour(rolls, items[0].row)
    second = desk.colour(rolls, items[1].row, (first, *_CONFUSED.get(first, ())))
    if not first or not second:
        return None
    layout = desk.layout(rolls, "attribution", (("side by side", 7), ("stacked", 2), ("diagonal", 2)))
    word = _WORDS.get(layout, "")
    rows = items[0].row, items[1].row
    boxes = beside(desk, rolls, *rows, word) if word else _diagonal(desk, rolls, *rows)
    groups = tuple(desk.group(*parts) for parts in zip(items, ([box] for box in boxes), (first, second), strict=True))
    relations = (Relation(0, word, 1), Relation(1, OPPOSITE[word], 0)) if word else ()
    backdrop = desk.backdrop(rolls, groups)
    return Scene(0, 0, "attribution", layout, items[0].style, groups, relations=relations, backdrop=backdrop)


def _phrases(scene: Scene) -> Phrases:
    a, b = scene.groups
    held = (f"the {a.one} is {a.colour} and the {b.one} is {b.colour}", f"{thing(b)} together with {thing(a)}")
    if scene.layout != "stacked":
        return Phrases((*_together(a, b), *_sides(a, b, scene.layout)), held, silent=_together(b, a))
    return Phrases(_sides(a, b, scene.layout), held, silent=(*_together(a, b), *_together(b, a)))


def _together(a: Group, b: Group) -> tuple[str, ...]:
    """Without their sides, said where the first stands on the left: see `relations`."""
    return (
        f"{thing(a)} and {thing(b)}", f"{thing(a)}, {thing(b)}",
        f"{an(a.one)} coloured {a.colour} and {an(b.one)} coloured {b.colour}",
        f"{an(a.one)} which is {a.colour}, {an(b.one)} which is {b.colour}", f"{thing(a)} with {thing(b)}",
        f"{a.colour} {a.one}, {b.colour} {b.one}", f"{thing(a)} plus {thing(b)}",
        f"{thing(a)} along with {thing(b)}", f"{thing(a)} as well as {thing(b)}", f"{thing(a)} & {thing(b)}",
        f"{thing(a)} + {thing(b)}",
    )  # fmt: skip


def _sides(a: Group, b: Group, layout: str) -> tuple[str, ...]:
    if layout == "side by side":
        return (
            f"{thing(b)} to the right of {thing(a)}", f"{thing(a)} to the left of {thing(b)}",
            f"{thing(a)} next to {thing(b)}",
        )  # fmt: skip
    if layout == "stacked":
        coloured = (f"{an(one.one)} coloured {one.colour}" for one in (a, b))
        return (
            f"{a.colour} {a.one} above {b.colour} {b.one}", f"{thing(b)} below {thing(a)}", " above ".join(coloured),
            f"{thing(b)} with {thing(a)} above it", f"{thing(a)} at the top and {thing(b)} at the bottom",
            f"{thing(a)} above {thing(b)}",
        )  # fmt: skip
    return ()


KIND = Kind("attribution", 16, _plan, _phrases)
