"""How many fingers a drawn hand holds up, by geometry alone: nothing is learned, so no model can have learned the same.

The hand is what stands out of the background. Its palm is the largest disc that fits into it, of radius r. On circles
around the palm's centre, from 1.2 r to 2 r, a raised finger is a stretch of skin that is narrower than a wrist, between
two dips (gaps or drawn lines); it goes on from circle to circle, and ends at 1.6 r or beyond, where folded fingers do
not reach. What points down is an arm. A hand that holds up none shows at least three folded fingers side by side.

What it cannot see: fingers that lie side by side without a line between them, hands that are seen from the side or hang
down, and hands in colours that are neither skin's nor the yellow of emoji.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mezzotint.data.pixels import Bytes

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["fingers_in", "fingers_of"]

Field = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_SIDE, _FINGERS = 64, 5
_RIM = np.pad(np.zeros((_SIDE - 2, _SIDE - 2), dtype=bool), 1, constant_values=True)
_OPAQUE = 128
_CLEAR = 0.5  # share of the rim that is transparent where the picture has no background of its own
_STEP = 20  # largest difference in a colour channel from a colour at the rim
_LEAST, _MOST = 0.03, 0.75  # shares of the picture that a hand covers
_LEAST_PALM = 0.075  # least radius of a palm, a share of the side
_COLOUR, _BRIGHT = 110.0, 0.6  # distance from skin in levels, or as a share of its largest channel, where none is left
_EVEN = 0.5  # pixels by which discs may be smaller than the largest and still be the palm
_CIRCLES = np.arange(1.2, 2.01, 0.05)
_LONG, _FAR = 4, 1.6  # circles that a finger is seen on at least, and how far out it reaches, in radii
_INNER = np.arange(0.5, 1.11, 0.1)  # circles on which folded fingers lie side by side
_KNUCKLES = 3  # folded fingers that a hand shows which raises none
_KNUCKLE, _ACROSS = 0.7, 1.37  # their largest width in radii, and how far from upwards they are, in radians
_ANGLES = 720
_DIP = 0.22  # how far what is between two fingers falls below both
_ARM = 0.6  # what points down, but for so much in radians, is an arm
_WIDEST = 1.0  # in radii of the palm: what is wider is a wrist


def fingers_of(image: "Image") -> int | None:
    """The raised fingers in a Pillow image of 64x64 pixels; None if there is no hand in it."""
    data = np.asarray(image.convert("RGBA"))
    return fingers_in(data)


def fingers_in(picture: Bytes) -> int | None:
    """The raised fingers in a picture, straight RGBA, uint8 (64, 64, 4); None if there is no hand in it."""
    assert picture.shape == (_SIDE, _SIDE, 4), picture.shape
    like = _like_rim(picture)
    mask = _largest(_shown(picture, like))
    if not _LEAST <= mask.mean() <= _MOST or not _skin_coloured(picture[mask, :3]):
        return None
    depth = _depth(mask)
    radius = float(depth.max())
    if radius < _LEAST_PALM * _SIDE:
        return None
    deepest = np.argwhere(depth >= radius - _EVEN)
    centre = deepest[deepest[:, 0] <= np.median(deepest[:, 0])].mean(0)
    own = mask & ~like
    if not own.any():
        return None
    skin = _skinned(picture, own)
    count = _fingers(skin, mask, centre, radius)
    if count > _FINGERS or (not count and _folded(skin, centre, radius) < _KNUCKLES):
        return None
    return count


def _like_rim(picture: Bytes) -> Mask:
    """Where the colours are like those at the rim, but for its lower side, where an arm may leave; nowhere if most of
    the rim is transparent."""
    alpha = picture[..., 3] >= _OPAQUE
    if (~alpha[_RIM]).mean() >= _CLEAR:
        return np.zeros_like(alpha)
    colour = picture[..., :3].astype(np.int64)
    seen = np.unique(np.concatenate([colour[0], colour[:, 0], colour[:, -1]]), axis=0)
    return np.asarray(np.stack([np.abs(colour - one).max(-1) <= _STEP for one in seen]).any(0))


def _shown(picture: Bytes, like: Mask) -> Mask:
    """What is opaque and not background: not reached from the rim through colours like it, and not bluish."""
    alpha = picture[..., 3] >= _OPAQUE
    if not like.any():
        return alpha
    warm = picture[..., 0].astype(np.int64) >= picture[..., 2].astype(np.int64) - 12  # clouds and water are not
    return alpha & ~_reached(_RIM & like, like) & warm


def _reached(start: Mask, room: Mask) -> Mask:
    """What hangs together with the start in a room (4 neighbours)."""
    part = start
    while True:
        padded = np.pad(part, 1)
        grown = (padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:] | part) & room
        if (grown == part).all():
            return part
        part = grown


def _largest(mask: Mask) -> Mask:
    """The largest part that hangs together."""
    left, best = mask.copy(), np.zeros_like(mask)
    while left.sum() > best.sum():
        first = np.zeros_like(mask)
        first[tuple(np.argwhere(left)[0])] = True
        part = _reached(first, left)
        best = part if part.sum() > best.sum() else best
        left &= ~part
    return best


def _skin_coloured(colours: npt.NDArray[np.uint8]) -> bool:
    """Whether the middle colour is one of skin or the yellow of emoji: more red than green, more green than blue."""
    red, green, blue = (float(value) for value in np.median(colours, axis=0))
    return red >= green - 8 and green > blue and red - blue >= 8


def _depth(mask: Mask) -> Field:
    """The distance of every pixel of the mask to what is outside it, in pixels; outside the picture is outside."""
    padded = np.pad(mask, 1)
    place = np.arange(len(padded), dtype=np.float64)
    apart = (place[:, None] - place[None]) ** 2
    rows = np.where(padded[:, None, :], np.inf, apart[None]).min(-1)
    whole: Field = (apart[:, :, None] + rows[None]).min(1)
    return np.sqrt(whole)[1:-1, 1:-1]


def _skinned(picture: Bytes, mask: Mask) -> Field:
    """How much of every pixel is skin, 0 to 1: the mask, less where the colour is another than the middle one."""
    colour = picture[..., :3].astype(np.float64)
    light = colour.sum(-1)
    middle = np.median(colour[mask & (light >= np.median(light[mask]))], axis=0)  # lines are dark
    near = 1 - np.sqrt(((colour - middle) ** 2).sum(-1)) / min(_COLOUR, _BRIGHT * float(middle.max()))
    alpha = picture[..., 3] / 255
    return np.asarray(np.clip(near, 0, 1) * alpha * mask)


def _fingers(skin: Field, mask: Mask, centre: Field, radius: float) -> int:
    """The tracks that are long enough: stretches of skin that go on from circle to circle, each near the one before."""
    tracks: list[list[float]] = []
    for number, part in enumerate(_CIRCLES):
        open_ = [track for track in tracks if number - track[1] <= 2]
        for middle, width in _stretches(skin, centre, radius, part):
            near = [(_apart(middle, track[0]), track) for track in open_]
            gap, track = min(near, key=lambda pair: pair[0], default=(9.0, []))
            if gap < width / 2 + 0.1:
                open_ = [other for other in open_ if other is not track]
                track[:] = [middle, number, track[2] + 1]
            else:
                tracks.append([middle, number, 1])
    return sum(
        track[2] >= _LONG and _reach(mask, centre, radius, track[0], _CIRCLES[int(track[1])]) >= _FAR
        for track in tracks
    )


def _folded(skin: Field, centre: Field, radius: float) -> int:
    """Stretches side by side across the upper half of the palm, on all circles but the one that has most of them."""
    counts = [
        sum(1 for middle, width in _stretches(skin, centre, radius, part)
            if _apart(middle, -np.pi / 2) < _ACROSS and width * part < _KNUCKLE)
        for part in _INNER
    ]  # fmt: skip
    return sorted(counts)[-2]


def _apart(one: float, other: float) -> float:
    """The angle between two directions, 0 to π."""
    return abs((one - other + np.pi) % (2 * np.pi) - np.pi)


def _reach(mask: Mask, centre: Field, radius: float, angle: float, part: float) -> float:
    """How far out, in radii, the mask goes on beyond a place: a line around a finger belongs to its length."""
    parts = part + np.arange(0, 0.5, 0.5 / radius)
    inside = _sampled(mask.astype(np.float64), centre[0] + parts * radius * np.sin(angle),
                      centre[1] + parts * radius * np.cos(angle)) >= 0.5  # fmt: skip
    return float(parts[-1] if inside.all() else parts[int(inside.argmin())])


def _stretches(skin: Field, centre: Field, radius: float, part: float) -> list[tuple[float, float]]:
    """Middle and width, in radians, of what may be fingers on the circle of `part` times the radius."""
    turn = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
    y, x = centre[0] + part * radius * np.sin(turn), centre[1] + part * radius * np.cos(turn)
    profile = _sampled(skin, y, x)
    first = int(profile.argmin())
    found = []
    for start, stop in _peaks(np.roll(profile, -first)):
        middle, width = ((start + stop) / 2 + first) * 2 * np.pi / _ANGLES, (stop - start) * 2 * np.pi / _ANGLES
        if width * part <= _WIDEST and _apart(middle, np.pi / 2) > _ARM:
            found.append((middle, width))
    return found


def _sampled(field: Field, y: Field, x: Field) -> Field:
    """Bilinear; 0 outside."""
    padded = np.pad(field, 2)
    y, x = np.clip(y + 2, 0, _SIDE + 2.0), np.clip(x + 2, 0, _SIDE + 2.0)
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    dy, dx = y - top, x - left
    upper = padded[top, left] * (1 - dx) + padded[top, left + 1] * dx
    lower = padded[top + 1, left] * (1 - dx) + padded[top + 1, left + 1] * dx
    return np.asarray(upper * (1 - dy) + lower * dy)


def _peaks(profile: Field) -> list[tuple[int, int]]:
    """Where peaks begin and end on a line that begins at its lowest place: each stands `_DIP` above what is beside it,
    and reaches as far as it has half its height."""
    found, rising = [], True
    top = bottom = float(profile[0])
    start = 0
    for place, value in enumerate([*profile.tolist(), bottom]):
        if rising and value > top:
            top = value
        elif rising and value < top - _DIP:
            rising, bottom = False, value
            high = start + np.flatnonzero(profile[start:place] >= top / 2)
            found.append((int(high[0]), int(high[-1]) + 1))
            start = place
        elif not rising and value < bottom:
            bottom, start = value, place
        elif not rising and value > bottom + _DIP:
            rising, top = True, value
    return found
