"""One object: small, medium or large, and where a small one is."""

from mezzotint.data.scenes.backdrops import ground
from mezzotint.data.scenes.desk import Desk, Phrases
from mezzotint.data.scenes.kinds.kind import Kind
from mezzotint.data.scenes.phrases import an, plain
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.scene import GRID, Box, Scene

__all__ = ["KIND", "PLACES", "SIZES", "sized"]

SIZES = {"small": (17, 23), "medium": (32, 40), "large": (52, 60)}
"""The longer side, in cells."""
PLACES = (
    "in the top left corner", "at the top", "in the top right corner",
    "on the left", "in the middle", "on the right",
    "in the bottom left corner", "at the bottom", "in the bottom right corner",
)  # fmt: skip
"""The nine places, by rows: the centre lies in this ninth of the picture."""
_MIDDLE = PLACES[4]
_CENTRES = ((11, 16), (29, 35), (48, 53))


def _plan(desk: Desk, rolls: Rolls) -> Scene | None:
    items = desk.items(rolls, 1)
    if not items:
        return None
    item = items[0]
    size = rolls.weighted((("small", 3), ("medium", 2), ("large", 2)))
    longest = rolls.between(*SIZES[size])
    backdrop = desk.backdrop(rolls, [desk.group(item, [Box(0, 0, 1, 1)])])
    place = ""
    if (start := ground(backdrop.name, backdrop.variant)) < GRID:
        width, height = desk.stock.extent(item.row, longest)
        middle = rolls.between(width // 2 + 1, GRID - 1 - width // 2), rolls.between(start + 5, 62) - height // 2
    elif size == "small":
        column, row = rolls.below(3), rolls.below(3)
        place = PLACES[3 * row + column]
        middle = rolls.between(*_CENTRES[column]), rolls.between(*_CENTRES[row])
    else:
        slack = 7 if size == "medium" else 2
        middle = 32 + rolls.between(-slack, slack), 32 + rolls.between(-slack, slack)
    group = desk.group(item, [desk.box(item.row, longest, middle)])
    return Scene(0, 0, "single", "one", item.style, (group,), backdrop=backdrop, size=size, place=place)


def sized(scene: Scene) -> str:
    """The thing with the word for its size."""
    return f"{'medium-sized' if scene.size == 'medium' else scene.size} {plain(scene.groups[0])}"


def _phrases(scene: Scene) -> Phrases:
    name, size = scene.groups[0].one, sized(scene).split()[0]
    placed = f"{an(sized(scene))} {scene.place}".strip()
    # a thing fills the picture, as icons do, unless its caption says how small or in which corner it is
    short = (name, an(name)) if scene.size == "large" else ()
    corner = () if scene.place in ("", _MIDDLE) else (f"{an(name)} {scene.place}",)
    return Phrases(
        (*short, sized(scene), an(sized(scene)), *corner, placed),
        (f"{an(name)} that is {size}", f"{size}: {placed}"),
    )


KIND = Kind("single", 12, _plan, _phrases, combines=False)
