"""A small picture set and fonts that we made: plain solid forms under names that scenes know, in two drawing styles."""

from hashlib import sha256

import numpy as np

from mezzotint.data.colours import dominant_colours
from mezzotint.data.manifest import Record, digest
from mezzotint.data.pixels import Bytes
from mezzotint.data.scenes.glyphs import CHARACTERS, Font, Fonts, Glyph
from mezzotint.data.sources import PictureSet

TRAINED = (
    "apple", "cat", "dog", "car", "book", "star", "tree", "fish", "bird", "bus", "bed", "mouse face", "clock", "heart"
)  # fmt: skip
HELD = ("pizza", "key")
_SHADES = ((211, 47, 47), (25, 118, 210), (76, 175, 80), (253, 216, 53), (156, 39, 176), (255, 152, 0), (121, 85, 72))


def form(index: int) -> np.ndarray:
    """The silhouette number `index`, boolean (64, 64): discs, boxes and triangles of several proportions."""
    y, x = np.mgrid[:64, :64] - 31.5
    wide, high = 18 + index % 4 * 3, 28 - index % 3 * 5
    kind = index % 3
    if kind == 0:
        return (x / wide) ** 2 + (y / high) ** 2 <= 1
    box = (abs(x) <= wide) & (abs(y) <= high)
    return box if kind == 1 else box & (abs(x) / wide <= (y / high + 1) / 2)


def picture(index: int, style: str) -> Bytes:
    """A form in one colour; in the style "shaded" its lower half is darker and it has a white spot."""
    mask = form(index)
    shade = np.array(_SHADES[index % len(_SHADES)])
    out = np.zeros((64, 64, 4), dtype=np.uint8)
    out[mask] = (*shade, 255)
    if style == "shaded":
        lower = mask & (np.arange(64)[:, None] > 34)
        out[lower, :3] = shade * 4 // 5
        out[30:33, 30:33, :3] = 250
    return out


def pictures() -> PictureSet:
    """Every name in both styles; those of `HELD` are held out."""
    records, rows = [], []
    for style in ("plain", "shaded"):
        for index, name in enumerate((*TRAINED, *HELD)):
            drawn = picture(index, style)
            colours = dominant_colours(drawn)
            records.append(
                Record(
                    f"toy:{style}-{name}", (name,), style, "heldout" if name in HELD else "train", name,
                    sha256(drawn.tobytes()).hexdigest(), "toy", name,
                    colours=tuple(n for n, _ in colours), shares=tuple(s for _, s in colours),
                )
            )  # fmt: skip
            rows.append(drawn)
    return PictureSet(np.stack(rows), records, digest(records))


def _font(name: str, look: str, width: int, *, held_out: bool = False) -> Font:
    """Letters of 5 by 7 blocks, chosen by a hash of the letter."""
    glyphs = {}
    for letter in CHARACTERS:
        bits = np.frombuffer(sha256(letter.encode()).digest()[:35], dtype=np.uint8)
        bits = np.resize(bits, 35).reshape(7, 5) % 2
        bits[[0, 6], :], bits[:, 0] = 1, 1
        ink = np.kron(bits, np.ones((7, width))).astype(np.uint8) * 255
        glyphs[letter] = Glyph(ink, width // 2, -49, 6 * width)
    return Font(name, look, glyphs, held_out=held_out)


def fonts() -> Fonts:
    """Two fonts for training and one that is held out."""
    return Fonts((_font("block", "block", 7), _font("slim", "narrow", 5), _font("other", "odd", 6, held_out=True)))
