"""Scenes that are wrong in one fact: what a caption of one picture says of another that looks almost the same."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from string import ascii_lowercase, ascii_uppercase, digits

from mezzotint.data.scenes.desk import alike
from mezzotint.data.scenes.hand import POSES, SKINS, Hand
from mezzotint.data.scenes.kinds.counting import MOST
from mezzotint.data.scenes.kinds.single import PLACES, SIZES
from mezzotint.data.scenes.paint import COLOURS
from mezzotint.data.scenes.relate import OPPOSITE
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.scene import Group, Relation, Scene

__all__ = ["changed"]

_FORMS = ("circle", "square", "hexagon", "triangle", "diamond")
_LARGEST_GROUP = 4


def changed(scene: Scene, rolls: Rolls) -> Scene | None:
    """The scene with one fact changed: a count, a colour, whose colour it is, a side, a size, a place, a letter
    or a finger.

    Its captions are then wrong of the picture of the given scene, except those that do not speak of the fact. It is
    there to be described, not to be drawn: its boxes no longer fit. None if nothing can be changed so.
    """
    return _CHANGES[scene.kind](scene, rolls)


def _other(group: Group, rolls: Rolls) -> Group:
    """The group in a colour that nobody takes for its own."""
    return replace(group, colour=rolls.choice([c for c in COLOURS if c != group.colour and not alike(c, group.colour)]))


def _swapped(scene: Scene) -> Scene:
    """The two groups with each other's colour."""
    a, b = scene.groups
    return replace(scene, groups=(replace(a, colour=b.colour), replace(b, colour=a.colour)))


def _counted(group: Group, rolls: Rolls, low: int, high: int) -> Group:
    """One or two copies more or less."""
    count = len(group.boxes)
    near = [n for n in range(max(low, count - 2), min(high, count + 2) + 1) if n != count]
    return replace(group, boxes=(group.boxes * MOST)[: rolls.choice(near)])


def _colour(scene: Scene, rolls: Rolls) -> Scene:
    return replace(scene, groups=(_other(scene.groups[0], rolls),))


def _attribution(scene: Scene, rolls: Rolls) -> Scene:
    if rolls.chance(60):
        return _swapped(scene)
    a, b = scene.groups
    return replace(scene, groups=(_other(a, rolls), b) if rolls.chance(50) else (a, _other(b, rolls)))


def _counting(scene: Scene, rolls: Rolls) -> Scene:
    lined = scene.layout in ("row", "column")
    low, high = (2, 4) if lined else (1, MOST)
    return replace(scene, groups=(_counted(scene.groups[0], rolls, low, high),))


def _groups(scene: Scene, rolls: Rolls) -> Scene:
    a, b = scene.groups
    if a.colour and b.colour and rolls.chance(50):
        return _swapped(scene)
    if len(a.boxes) != len(b.boxes):
        return replace(scene, groups=(replace(a, boxes=b.boxes), replace(b, boxes=a.boxes)))
    return replace(scene, groups=(_counted(a, rolls, 1, _LARGEST_GROUP), b))


def _relations(scene: Scene, rolls: Rolls) -> Scene:
    """The two change places; one of three goes to the other side of both; an outline becomes another."""
    if scene.layout.startswith("inside"):
        shape = scene.shapes[0]
        form = rolls.choice([form for form in _FORMS if form != shape.form])
        return replace(scene, layout=f"inside {form}", shapes=(replace(shape, form=form),))
    if scene.layout.startswith("three"):
        word = OPPOSITE[scene.layout.removeprefix("three, ")]
        turned = tuple(_turned(relation) if 2 in (relation.subject, relation.object) else relation
                       for relation in scene.relations)  # fmt: skip
        return replace(scene, layout=f"three, {word}", relations=turned)
    return replace(scene, groups=scene.groups[::-1])


def _turned(relation: Relation) -> Relation:
    return replace(relation, word=OPPOSITE[relation.word])


def _single(scene: Scene, rolls: Rolls) -> Scene:
    if scene.place:
        row, column = divmod(PLACES.index(scene.place), 3)  # what is in the left corner is on the left too
        others = [place for n, place in enumerate(PLACES) if n // 3 != row and n % 3 != column]
        return replace(scene, place=rolls.choice(others))
    sizes = [size for size in SIZES if size not in (scene.size, "small")]
    return replace(scene, size=rolls.choice(sizes))


def _lettering(scene: Scene, rolls: Rolls) -> Scene | None:
    """One letter becomes another of its kind."""
    word = scene.lettering
    assert word is not None
    place = rolls.below(len(word.text))
    old = word.text[place]
    kinds = [kind for kind in (ascii_uppercase, ascii_lowercase, digits) if old in kind]
    if not kinds:
        return None
    new = rolls.choice(kinds[0].replace(old, ""))
    return replace(scene, lettering=replace(word, text=word.text[:place] + new + word.text[place + 1 :]))


def _hands(scene: Scene, rolls: Rolls) -> Scene:
    """One or two fingers more or less, the other hand, or another skin tone."""
    hand = scene.shapes[0]
    assert isinstance(hand, Hand)
    what = rolls.below(10)
    if what < 2:
        other = replace(hand, side="left" if hand.side == "right" else "right")
    elif what < 4:
        other = replace(hand, colour=rolls.choice([tone for tone in SKINS if tone != hand.colour]))
    else:
        near = [n for n in range(len(POSES)) if 0 < abs(n - hand.fingers) <= 2]
        fingers = rolls.choice(near)
        other = replace(hand, fingers=fingers, raised=rolls.choice(POSES[fingers]))
    return replace(scene, shapes=(other,))


_CHANGES: Mapping[str, Callable[[Scene, Rolls], Scene | None]] = {
    "attribution": _attribution,
    "colour": _colour,
    "counting": _counting,
    "groups": _groups,
    "hands": _hands,
    "lettering": _lettering,
    "relations": _relations,
    "single": _single,
}
