"""Which combinations never occur in training scenes, decided by a hash: the same for everyone.

A tenth of the pairs (thing, colour) and (thing, count), of the triples (thing, relation, thing), and of the words; two
font families; some layouts; and the things that the icon set itself holds out. Pairs of a thing and a colour that
training pictures show by themselves are not held out: the model has seen them. Of hands, a sixth of the triples (raised
fingers, skin tone, side): there are only 72, so no hash decides, but a rule that takes each count with each side once.
"""

from collections.abc import Callable, Iterator

from mezzotint.data.draws import fraction
from mezzotint.data.scenes.hand import SKINS, Hand
from mezzotint.data.scenes.relate import OPPOSITE
from mezzotint.data.scenes.scene import Scene
from mezzotint.data.scenes.words import gives_away

__all__ = ["HELD_LAYOUTS", "SHARE", "held_in", "is_held", "is_held_hand"]

SHARE = 0.1
HELD_LAYOUTS = frozenset(
    {("counting", "circle"), ("relations", "inside diamond"), ("lettering", "bubble"), ("attribution", "diagonal")}
)
"""(kind, layout) of the templates that training scenes never have."""
_TURNED = ("right of", "below", "behind")  # said from the other side: left of, above, in front of


def is_held(purpose: str, *key: object) -> bool:
    """Whether a combination is one of the tenth that is held out. purpose: "colour", "count", "relation" or "word"."""
    return fraction(f"scene {purpose}", " | ".join(map(str, key))) < SHARE


def is_held_hand(fingers: int, tone: str, side: str) -> bool:
    """Whether hands with so many raised fingers, of this skin tone and side are held out: one tone of each."""
    return (tuple(SKINS).index(tone) + fingers + 3 * (side == "left")) % len(SKINS) == 0


def held_in(
    scene: Scene, *, natural: frozenset[tuple[str, str]], row_is_held: Callable[[int], bool], fonts: frozenset[str]
) -> tuple[str, ...]:
    """The held-out combinations of a scene, each said in words; empty if it may be in training.

    natural: pairs (thing, colour) that are never held out; row_is_held: whether a picture is held out; fonts: names of
    the held-out ones.
    """

    def found() -> Iterator[str]:
        for group in scene.groups:
            count = len(group.boxes)
            if row_is_held(group.row):
                yield f"thing: {group.one}"
            if group.colour and (group.one, group.colour) not in natural and is_held("colour", group.one, group.colour):
                yield f"colour: {group.colour} {group.one}"
            if count > 1 and is_held("count", group.one, count):
                yield f"count: {count} {group.many}"
        for relation in scene.relations:
            said = scene.name_of(relation.subject), relation.word, scene.name_of(relation.object)
            key = (said[2], OPPOSITE[said[1]], said[0]) if said[1] in _TURNED else said
            if is_held("relation", *key):
                yield f"relation: {' '.join(said)}"
        for hand in scene.shapes:
            if isinstance(hand, Hand) and is_held_hand(hand.fingers, hand.colour, hand.side):
                yield f"hand: {hand.fingers} fingers, {hand.colour}, {hand.side}"
        if scene.lettering:
            text, font = scene.lettering.text, scene.lettering.font
            if gives_away(text) or is_held("word", text.lower()):
                yield f"word: {text}"
            if font in fonts:
                yield f"font: {font}"
        if (scene.kind, scene.layout) in HELD_LAYOUTS:
            yield f"layout: {scene.layout}"

    return tuple(dict.fromkeys(found()))
