"""Captions of avatars, short to dense. Nothing is said that the picture does not show, and nothing that it cannot show:
a person is called a person, and neither gender nor origin is guessed."""

from mezzotint.data.avatars.avatar import Avatar
from mezzotint.data.avatars.table import AvatarStyle
from mezzotint.data.captions import join
from mezzotint.data.scenes.phrases import an
from mezzotint.data.scenes.rolls import Rolls

__all__ = ["KINDS", "LONGEST", "captions_of"]

KINDS = ("hair", "headwear", "eyewear", "beard", "mask", "worn", "eyes", "mouth", "cheeks", "clothes", "skin")
"""What is to be seen, in the order in which captions say it."""
LONGEST = 22  # words, of which nearly all captions need no more than 32 word pieces
_PURPOSE = 4  # of the rolls
_SMALL = ("clothes", "skin", "cheeks", "mouth")  # said in dense captions only, and the first to be left out
_OTHER_SPELLING = 30  # of a hundred pictures have a mustache


def captions_of(avatar: Avatar, style: AvatarStyle, seed: int) -> tuple[str, ...]:
    """Three to five captions, least information first, without repetition."""
    rolls = Rolls(seed, avatar.number, purpose=_PURPOSE)
    things = {kind: avatar.things[kind] for kind in KINDS if kind in avatar.things}
    main = [kind for kind in things if kind not in _SMALL] or list(things)
    who, moody = an(avatar.subject), an(f"{avatar.mood} {avatar.subject}".strip())
    one, two = rolls.sample(main, 1), sorted(rolls.sample(main, 2), key=KINDS.index)
    styled = f", {style.name.replace('-', ' ')} style"
    lines = [
        _with(who, things, one),
        moody if avatar.mood else _with(who, things, main),
        _with(moody, things, two),
        _with(moody, things, main) + styled,
        _dense(avatar, style, things),
    ]
    if rolls.chance(_OTHER_SPELLING):
        lines = [line.replace("moustache", "mustache") for line in lines]
    return tuple(dict.fromkeys(line for line in lines if len(line.split()) <= LONGEST))


def _with(who: str, things: dict[str, str], kinds: list[str]) -> str:
    """ "a person with red hair, glasses and a beard"."""
    return f"{who} with {join([things[kind] for kind in kinds])}" if kinds else who


def _dense(avatar: Avatar, style: AvatarStyle, things: dict[str, str]) -> str:
    """All that is to be seen, the small things left out one by one until it is short enough."""
    who = f"{an(style.medium)} of {an(f'{avatar.mood} {avatar.subject}'.strip())}"
    setting = f"on {an(f'{avatar.backdrop[0]} background')}" if avatar.backdrop[0] else "on a transparent background"
    left = [kind for kind in _SMALL if kind in things]
    while True:
        text = f"{_with(who, things, [kind for kind in things if kind not in _SMALL or kind in left])} {setting}"
        if len(text.split()) <= LONGEST or not left:
            return text
        left.pop()
