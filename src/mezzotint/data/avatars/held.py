"""Which combinations never occur in training avatars, decided by a hash: the same for everyone."""

from collections.abc import Mapping

from mezzotint.data.draws import fraction

__all__ = ["SHARE", "held_in", "is_held"]

SHARE = 0.1
_WORN = ("headwear", "eyewear", "beard", "mask", "worn")


def is_held(colour: str, thing: str) -> bool:
    """Whether a colour of hair (or of a face without hair) beside a thing or mood is of the tenth that is held out."""
    return fraction("avatar", f"{colour} | {thing}") < SHARE


def held_in(hair: str, mood: str, things: Mapping[str, str], *, coloured_face: bool = False) -> tuple[str, ...]:
    """The held-out combinations of hair in a colour with a mood or what is worn, in words; empty without such hair.

    things: kind -> phrase; the last word of a phrase says what it is, so that all sorts of glasses are held out
    together. coloured_face: `hair` is the colour of a face without hair, whose eyes count as worn.
    """
    kinds = (*_WORN, "eyes") if coloured_face else _WORN
    worn = dict.fromkeys((mood, *(things[kind].split()[-1] for kind in kinds if kind in things)))
    return tuple(f"{hair} | {thing}" for thing in worn if hair and thing and is_held(hair, thing))
