"""One object in a named colour that it was given."""

from mezzotint.data.scenes.desk import Desk, Phrases
from mezzotint.data.scenes.kinds.kind import Kind
from mezzotint.data.scenes.kinds.single import SIZES, sized
from mezzotint.data.scenes.phrases import an, plain
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.scene import Scene

__all__ = ["KIND"]


def _plan(desk: Desk, rolls: Rolls) -> Scene | None:
    items = desk.items(rolls, 1)
    if not items:
        return None
    item = items[0]
    colour = desk.colour(rolls, item.row)
    if not colour:
        return None
    size = rolls.weighted((("small", 1), ("medium", 1), ("large", 4)))
    longest = rolls.between(*SIZES[size])
    slack = (62 - longest) // 2
    middle = 32 + rolls.between(-slack, slack), 32 + rolls.between(-slack, slack)
    group = desk.group(item, [desk.box(item.row, longest, middle)], colour)
    return Scene(0, 0, "colour", "one", item.style, (group,), backdrop=desk.backdrop(rolls, [group]), size=size)


def _phrases(scene: Scene) -> Phrases:
    group = scene.groups[0]
    said = plain(group) if scene.size == "large" else sized(scene)
    bare = said.replace(f"{group.colour} ", "", 1)
    return Phrases(
        (
            said, an(said), f"{an(bare)} coloured {group.colour}", f"{an(bare)} with {an(f'{group.colour} colour')}",
            f"{an(bare)} whose colour is {group.colour}", an(sized(scene)),
        ),
        (f"{an(bare)} that is {group.colour}", f"the {bare} is {group.colour}"),
    )  # fmt: skip


KIND = Kind("colour", 14, _plan, _phrases)
