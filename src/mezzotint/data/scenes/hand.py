"""Hands, drawn from signed distances: a palm, four fingers and a thumb, each raised or folded.

Every part is a limb: a segment that is round at its ends, with a radius that changes evenly from one end to the other.
The palm is always turned to whoever looks, so the thumb of a right hand is on the right. As in `forms`, only + - * /
and square roots are used, so the pixels are the same everywhere. No drawing of others was copied.
"""

from dataclasses import dataclass
from functools import lru_cache, reduce

import numpy as np
import numpy.typing as npt

from mezzotint.data.pixels import Bytes
from mezzotint.data.scenes.raster import lay, tinted
from mezzotint.data.scenes.scene import Box, Shade, Shape

__all__ = ["POSES", "SKINS", "SPREADS", "TURNS", "Hand", "draw_hand", "hand_box"]

SKINS: dict[str, Shade] = {
    "yellow": (255, 204, 51), "light": (249, 221, 202), "medium-light": (236, 192, 148), "medium": (204, 152, 108),
    "medium-dark": (156, 105, 68), "dark": (99, 65, 48),
}  # fmt: skip
"""The skin tones by the names of the emoji standard (UTS #51), in shades of ours; yellow is what has no tone."""
POSES: tuple[tuple[str, ...], ...] = (
    ("",), ("i",), ("im", "im", "ti"), ("imr", "imr", "tim"), ("imrl", "imrl", "timr"), ("timrl",)
)  # fmt: skip
"""By the count of raised fingers, which these are: thumb, index, middle, ring, little finger."""
TURNS = ((-0.28, 0.96), (-0.14, 0.9902), (0.0, 1.0), (0.14, 0.9902), (0.28, 0.96))
"""Sine and cosine of how far a hand may be turned: up to 16 degrees."""
SPREADS = (0.1, 0.14, 0.18)
"""Sideways step of neighbouring fingers per length: how far they are spread."""

Field = npt.NDArray[np.float64]
_FINGERS = {"i": (16.2, -15.5, 30.0), "m": (5.5, -18.0, 34.0), "r": (-5.4, -17.5, 31.0), "l": (-15.8, -14.5, 25.0)}
"""Where each finger begins (x, y), and how long it is, in units of which a hand is about 90 high; y runs down."""
_FAN = {"i": 1.5, "m": 0.5, "r": -0.5, "l": -1.7}
_ROOT, _TIP, _BENT = 5.5, 5.0, 5.5  # radii
_LEAVE, _SOFT = 3.0, 8.0  # how softly a raised finger leaves the palm, and the parts of the palm join
_SPARE = 2.5  # room for what joins grow outwards


@dataclass(frozen=True, slots=True)
class Hand(Shape):
    """A hand as a form of a scene: `colour` is its skin tone, `fill` its shade, `line` the width of its outline.

    fingers: how many are raised, the thumb among them; raised: which (see `POSES`); side: "left" or "right"; turn,
    spread: numbers among `TURNS` and `SPREADS`; wrist: whether a piece of arm is to be seen.
    """

    fingers: int = 0
    raised: str = ""
    side: str = "right"
    turn: int = 2
    spread: int = 1
    wrist: bool = False


@dataclass(frozen=True, slots=True)
class _Limb:
    """From (x0, y0) with the radius r0 to (x1, y1) with r1."""

    x0: float
    y0: float
    r0: float
    x1: float
    y1: float
    r1: float

    def turned(self, sine: float, cosine: float, mirror: float) -> "_Limb":
        ends = [(mirror * (x * cosine - y * sine), x * sine + y * cosine)
                for x, y in ((self.x0, self.y0), (self.x1, self.y1))]  # fmt: skip
        return _Limb(*ends[0], self.r0, *ends[1], self.r1)

    def distance(self, x: Field, y: Field) -> Field:
        dx, dy = self.x1 - self.x0, self.y1 - self.y0
        length = dx * dx + dy * dy
        along = np.clip(((x - self.x0) * dx + (y - self.y0) * dy) / length, 0, 1)
        rest_x, rest_y = x - self.x0 - along * dx, y - self.y0 - along * dy
        out: Field = np.sqrt(rest_x * rest_x + rest_y * rest_y) - (self.r0 + (self.r1 - self.r0) * along)
        return out


def _palm(wrist: bool) -> list[_Limb]:
    limbs = [
        _Limb(-14.0, -11.0, 7.5, -8.0, 13.0, 9.5), _Limb(14.0, -11.5, 7.5, 9.0, 13.0, 10.5),
        _Limb(-14.0, -11.0, 7.5, 14.0, -11.5, 7.5), _Limb(0.0, -7.0, 12.0, 0.5, 12.0, 14.0),
    ]  # fmt: skip
    return [*limbs, _Limb(0.5, 12.0, 14.0, 0.5, 31.0, 12.0)] if wrist else limbs


def _raised(hand: Hand) -> list[_Limb]:
    step = SPREADS[hand.spread] * (1.35 if hand.raised == "im" else 1.0)
    only = 1.0 if len(hand.raised.strip("t")) > 1 else 0.3
    limbs = []
    for name in hand.raised:
        if name == "t":
            limbs.append(_Limb(13.0, 9.0, 8.0, 37.0, -11.0 - 30 * (0.14 - SPREADS[hand.spread]), 5.3))
            continue
        x, y, length = _FINGERS[name]
        limbs.append(_Limb(x, y, _ROOT, x + only * _FAN[name] * step * length, y - length + _TIP, _TIP))
    return limbs


def _folded(hand: Hand) -> list[_Limb]:
    """The folded fingers, and over them the folded thumb."""
    limbs = [_Limb(x * 0.97, y + 3.0, _BENT, x * 0.92, y + 14.0, _BENT)
             for name, (x, y, _) in _FINGERS.items() if name not in hand.raised]  # fmt: skip
    if "t" in hand.raised:
        return limbs
    if len(limbs) == 0:
        return [_Limb(15.5, 12.0, 7.0, -5.0, 3.0, 5.4)]
    return [*limbs, _Limb(16.5, 10.0, 7.0, -6.0 if len(limbs) > 2 else -8.5, 2.0, 5.4)]


def _crease(hand: Hand) -> list[_Limb]:
    """Lines in an open palm: around the ball of the thumb, and below the fingers."""
    if "t" not in hand.raised:
        return []
    ball = [_Limb(12.0, -4.0, 0.9, 1.0, 3.0, 0.9), _Limb(1.0, 3.0, 0.9, -1.5, 15.0, 0.9)]
    return ball if len(hand.raised) < 5 else [*ball, _Limb(-13.0, -3.5, 0.9, 2.0, -6.5, 0.9)]


def _placed(limbs: list[_Limb], hand: Hand) -> list[_Limb]:
    sine, cosine = TURNS[hand.turn]
    return [limb.turned(sine, cosine, 1.0 if hand.side == "right" else -1.0) for limb in limbs]


def _bounds(hand: Hand) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of everything, in units."""
    limbs = _placed([*_palm(hand.wrist), *_raised(hand), *_folded(hand)], hand)
    ends = [(limb.x0, limb.y0, limb.r0) for limb in limbs] + [(limb.x1, limb.y1, limb.r1) for limb in limbs]
    return (
        min(x - r for x, _, r in ends) - _SPARE, min(y - r for _, y, r in ends) - _SPARE,
        max(x + r for x, _, r in ends) + _SPARE, max(y + r for _, y, r in ends) + _SPARE,
    )  # fmt: skip


def hand_box(hand: Hand, longest: int) -> tuple[int, int]:
    """Width and height of the hand, in cells, when its longer side has this length."""
    left, top, right, bottom = _bounds(hand)
    long = max(right - left, bottom - top)
    return max(1, int((right - left) * longest / long + 0.5)), max(1, int((bottom - top) * longest / long + 0.5))


def _together(one: Field, other: Field, by: float) -> Field:
    """The union of two, rounded where they meet (a polynomial smooth minimum)."""
    h = np.maximum(by - np.abs(one - other), 0) / by
    return np.asarray(np.minimum(one, other) - h * h * (by / 4))


@lru_cache(maxsize=256)
def _layers(hand: Hand, width: int, height: int) -> tuple[float, Field, tuple[Field, ...], tuple[Field, ...]]:
    """Pixels per unit, and distances in pixels: to palm with raised fingers, to each folded one, to each crease."""
    left, top, right, bottom = _bounds(hand)
    unit = max(width / (right - left), height / (bottom - top))
    grid = np.meshgrid(np.arange(height) + 0.5, np.arange(width) + 0.5, indexing="ij")
    x, y = grid[1] / width * (right - left) + left, grid[0] / height * (bottom - top) + top

    def all_of(limbs: list[_Limb]) -> list[Field]:
        return [limb.distance(x, y) for limb in _placed(limbs, hand)]

    palm = reduce(lambda one, other: _together(one, other, _SOFT), all_of(_palm(hand.wrist)))
    body = palm
    for finger in all_of(_raised(hand)):
        body = np.minimum(body, _together(finger, palm, _LEAVE))
    folded, creases = (tuple(unit * part for part in all_of(of(hand))) for of in (_folded, _crease))
    return unit, unit * body, folded, creases


def _mask(distance: Field, grown: float) -> Bytes:
    out: Bytes = np.floor(np.clip(0.5 + grown - distance, 0, 1) * 255 + 0.5).astype(np.uint8)
    return out


def draw_hand(canvas: Bytes, hand: Hand, box: Box, line: int) -> None:
    """Draw a hand into a box of a canvas, in pixels; its outline, `line` pixels wide, lies inside the box."""
    assert hand.fill is not None
    red, green, blue = (part * 11 // 16 for part in hand.fill)
    edge = hand.edge or (red, green, blue)
    _, body, folded, creases = _layers(hand, box.width, box.height)
    within = float(line) if hand.edge else 0.0
    place = box.left, box.top
    if within:
        whole = np.minimum.reduce([body, *folded])
        lay(canvas, tinted(_mask(whole, 0), edge), *place)
    thin = max(0.8, box.height / 60) if not within else max(0.8, 0.6 * within)
    lay(canvas, tinted(_mask(body, -within), hand.fill), *place)
    for crease in creases:
        lay(canvas, tinted(_mask(crease, 0), edge), *place)
    for part in folded:
        inner = np.minimum(_mask(part, 0.5 * thin), _mask(np.minimum.reduce([body, *folded]), 0))
        lay(canvas, tinted(inner, edge), *place)
        lay(canvas, tinted(_mask(part, -max(within, 0.5 * thin)), hand.fill), *place)
