"""Two objects, each in a colour of its own."""

from mezzotint.data.scenes.desk import Desk, Phrases
from mezzotint.data.scenes.kinds.kind import Kind
from mezzotint.data.scenes.kinds.relations import beside
from mezzotint.data.scenes.phrases import an, thing
from mezzotint.data.scenes.relate import OPPOSITE
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.scene import Box, Relation, Scene

__all__ = ["KIND"]

_WORDS = {"side by side": "left of", "stacked": "above"}
_CONFUSED = {"teal": ("green", "blue"), "green": ("teal",), "blue": ("teal",), "grey": ("white",), "white": ("grey",)}


def _diagonal(desk: Desk, rolls: Rolls, first: int, second: int) -> tuple[Box, Box]:
    """In opposite corners: neither beside nor above each other."""
    top, bottom = rolls.between(15, 17), rolls.between(47, 49)
    left, right = (top, bottom) if rolls.chance(50) else (bottom, top)
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
    layout = desk.layout(rolls, "attribution", (("side by side", 6), ("stacked", 2), ("diagonal", 2)))
    word = _WORDS.get(layout, "")
    rows = items[0].row, items[1].row
    boxes = beside(desk, rolls, *rows, word) if word else _diagonal(desk, rolls, *rows)
    groups = tuple(desk.group(*parts) for parts in zip(items, ([box] for box in boxes), (first, second), strict=True))
    relations = (Relation(0, word, 1), Relation(1, OPPOSITE[word], 0)) if word else ()
    backdrop = desk.backdrop(rolls, groups)
    return Scene(0, 0, "attribution", layout, items[0].style, groups, relations=relations, backdrop=backdrop)


def _phrases(scene: Scene) -> Phrases:
    a, b = scene.groups
    trained = [f"{thing(a)} and {thing(b)}", f"{thing(b)} and {thing(a)}", f"{thing(a)}, {thing(b)}"]
    trained.append(f"{an(a.one)} coloured {a.colour} and {an(b.one)} coloured {b.colour}")
    trained += [f"{an(b.one)} which is {b.colour}, {an(a.one)} which is {a.colour}", f"{thing(b)} with {thing(a)}"]
    trained += [f"{a.colour} {a.one}, {b.colour} {b.one}", f"{thing(b)} plus {thing(a)}"]
    if scene.layout == "side by side":
        trained += [f"{thing(a)} next to {thing(b)}", f"{thing(a)} to the left of {thing(b)}"]
    elif scene.layout == "stacked":
        trained.append(f"{thing(a)} above {thing(b)}")
    held = (f"the {a.one} is {a.colour} and the {b.one} is {b.colour}", f"{thing(b)} together with {thing(a)}")
    return Phrases(tuple(trained), held)


KIND = Kind("attribution", 16, _plan, _phrases)
