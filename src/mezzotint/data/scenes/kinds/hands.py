"""A hand that holds up none to five fingers, the thumb among them: drawn, not taken from the icons."""

from dataclasses import replace

from mezzotint.data.scenes.desk import Desk, Phrases
from mezzotint.data.scenes.hand import POSES, SKINS, SPREADS, TURNS, Hand, hand_box
from mezzotint.data.scenes.kinds.kind import Kind
from mezzotint.data.scenes.phrases import an, number
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.scene import GRID, Box, Scene, Shade

__all__ = ["KIND", "held_up", "skin", "with_fingers"]

_SIZE = (40, 60)
_NEAR = {
    "yellow": ("yellow", "orange", "beige"), "light": ("beige", "white", "pink"), "medium-light": ("beige", "orange"),
    "medium": ("brown", "beige", "orange"), "medium-dark": ("brown", "orange", "red"),
    "dark": ("black", "brown", "dark blue"),
}  # fmt: skip
"""Colours that a hand of this skin would be lost on."""


def _edge(fill: Shade) -> Shade:
    """The dark of an outline: the shade's own hue, far darker."""
    return fill[0] * 5 // 16, fill[1] * 4 // 16, fill[2] * 4 // 16


def with_fingers(rolls: Rolls, fingers: int, tone: str, side: str) -> Hand:
    """A hand with so many raised fingers in a place of its own: 40 to 60 cells long, a little turned."""
    outlined, longest = rolls.chance(50), rolls.between(*_SIZE)
    hand = Hand(
        "hand", Box(0, 0, 1, 1), SKINS[tone], _edge(SKINS[tone]) if outlined else None, 0,
        tone, fingers, rolls.choice(POSES[fingers]), side, rolls.below(len(TURNS)), rolls.below(len(SPREADS)),
        rolls.chance(50),
    )  # fmt: skip
    width, height = hand_box(hand, longest)
    spare = (GRID - 2 - width) // 2, (GRID - 2 - height) // 2
    left = 1 + spare[0] + rolls.between(-spare[0], spare[0]) // 2
    line = 0 if not outlined else 2 if longest >= _SIZE[0] + 14 and rolls.chance(50) else 1
    return replace(hand, line=line, box=Box(left, 1 + spare[1] + rolls.between(-spare[1], spare[1]), width, height))


def _plan(desk: Desk, rolls: Rolls) -> Scene | None:
    fingers, tone, side = rolls.below(len(POSES)), rolls.choice(tuple(SKINS)), rolls.choice(("left", "right"))
    hand = with_fingers(rolls, fingers, tone, side)
    backdrop = desk.backdrop(rolls, (), avoid=_NEAR[tone])
    return Scene(0, 0, "hands", "outlined" if hand.edge else "flat", shapes=(hand,), backdrop=backdrop)


def skin(tone: str, what: str, look: str = "") -> str:
    """A hand with its skin, and its article: "a flat yellow hand", "a left hand with medium skin tone"."""
    said = f"{look} {'yellow ' * (tone == 'yellow')}{what}".strip()
    return an(said) if tone == "yellow" else f"{an(said)} with {tone} skin tone"


def held_up(fingers: int) -> str:
    """ "one raised finger", "three raised fingers", "no raised fingers"."""
    said = number(fingers) if fingers else "no"
    return f"{said} raised {'finger' if fingers == 1 else 'fingers'}"


def _phrases(scene: Scene) -> Phrases:
    hand = scene.shapes[0]
    assert isinstance(hand, Hand)
    count, raised, tone = hand.fingers, held_up(hand.fingers), hand.colour
    joined = "with" if tone == "yellow" else "and"
    thumb = "out" if "t" in hand.raised else "in"
    sided = skin(tone, f"{hand.side} hand")
    many = f"{number(count)} {'finger' if count == 1 else 'fingers'}"
    short = (f"{many} held up", f"a hand showing {count} {'finger' if count == 1 else 'fingers'}") if count else (
        "a fist", "a closed hand")  # fmt: skip
    return Phrases(
        (
            *short, f"a hand with {raised}", f"{an(f'{hand.side} hand')} with {raised}",
            f"{skin(tone, 'hand')} {joined} {raised}", f"{sided} {joined} {raised}",
            f"{skin(tone, f'{hand.side} hand', scene.layout)} {joined} {raised}",
            f"{skin(tone, f'{hand.side} hand, thumb {thumb},', scene.layout)} {joined} {raised}",
        ),
        (
            f"{raised} of {skin(tone, f'{hand.side} hand')}",
            f"{sided} counting to {number(count)}" if count else f"{sided}, all its fingers folded",
        ),
    )  # fmt: skip


KIND = Kind("hands", 1, _plan, _phrases)
