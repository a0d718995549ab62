"""Words drawn from the letters of fonts: every letter is rendered once, large, and words are put together of these.

So a word depends on the digest of the letters alone, not on the version of the font library that rendered them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from string import ascii_letters, digits

import numpy as np
from PIL import ImageFont

from mezzotint.data.icons.fetch import cache_root
from mezzotint.data.pixels import Bytes
from mezzotint.data.scenes.scene import Box
from mezzotint.data.scenes.typefaces import FAMILIES, font_files
from mezzotint.errors import InvalidFile

__all__ = ["CHARACTERS", "EM", "Font", "Fonts", "load_fonts", "render_font"]

EM = 64  # pixels of the em at which letters are rendered
CHARACTERS = ascii_letters + digits + "!?"


@dataclass(frozen=True)
class Glyph:
    """One letter: its ink (H, W), where the ink starts from the pen and the top of the line, and the pen's advance."""

    ink: Bytes
    left: int
    top: int
    advance: int


@dataclass(frozen=True)
class Font:
    """A font as its letters.

    look: what captions call it; capitals: has no small letters; held_out: not for training.
    """

    name: str
    look: str
    glyphs: Mapping[str, Glyph]
    capitals: bool = False
    held_out: bool = False

    def word(self, text: str) -> tuple[Bytes, tuple[Box, ...]]:
        """The ink of a word, cut to what shows, (H, W) at the size EM, and the box of each letter's ink in it.

        The letters must be of `CHARACTERS`; there is no kerning.
        """
        pens = [0]
        for letter in text:
            pens.append(pens[-1] + self.glyphs[letter].advance)
        boxes = []
        for pen, letter in zip(pens, text, strict=False):
            glyph = self.glyphs[letter]
            boxes.append(Box(pen + glyph.left, glyph.top, glyph.ink.shape[1], glyph.ink.shape[0]))
        left, top = min(b.left for b in boxes), min(b.top for b in boxes)
        moved = tuple(Box(b.left - left, b.top - top, b.width, b.height) for b in boxes)
        ink = np.zeros((max(b.bottom for b in moved), max(b.right for b in moved)), dtype=np.uint8)
        for box, letter in zip(moved, text, strict=True):
            part = ink[box.top : box.bottom, box.left : box.right]
            np.maximum(part, self.glyphs[letter].ink, out=part)
        return ink, moved


@dataclass(frozen=True)
class Fonts:
    """Fonts, and the digest of all their letters."""

    fonts: tuple[Font, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over names, letters and advances."""
        total = sha256()
        for font in self.fonts:
            total.update(f"{font.name}\0{font.look}\0{font.capitals}\0{font.held_out}\0".encode())
            for letter, glyph in sorted(font.glyphs.items()):
                total.update(f"{letter}{glyph.left},{glyph.top},{glyph.advance},{glyph.ink.shape}".encode())
                total.update(glyph.ink.tobytes())
        return total.hexdigest()


def render_font(
    name: str, look: str, font: ImageFont.FreeTypeFont, *, capitals: bool = False, held_out: bool = False
) -> Font:
    """Render the letters of a font that was opened at the size EM."""
    glyphs = {}
    for letter in CHARACTERS:
        mask, (left, top) = font.getmask2(letter, mode="L", anchor="ls")
        ink = np.asarray(mask, dtype=np.uint8).reshape(mask.size[1], mask.size[0])
        rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
        ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
        ink.setflags(write=False)
        advance = int(font.getlength(letter) + 0.5)
        glyphs[letter] = Glyph(ink, int(left) + int(columns[0]), int(top) + int(rows[0]), advance)
    return Font(name, look, glyphs, capitals, held_out)


def load_fonts(modules: Path | None = None, families: Sequence[str] | None = None) -> Fonts:
    """The letters of the pinned families (by default all) from a `node_modules` folder (by default in the cache).

    Raises InvalidFile if they are not there or not the pinned ones; `mezzotint data build fonts` fetches them.
    """
    modules = modules or cache_root() / "fonts" / "node_modules"
    chosen = [f for f in FAMILIES if families is None or f.name in families]
    fonts = []
    for family, path in zip(chosen, font_files(modules, chosen), strict=True):
        try:
            face = ImageFont.truetype(path, EM, layout_engine=ImageFont.Layout.BASIC)
        except OSError as error:
            raise InvalidFile(f"The font {path} cannot be read ({error}); run mezzotint data build fonts.") from error
        fonts.append(render_font(family.name, family.look, face, capitals=family.capitals, held_out=family.held_out))
    return Fonts(tuple(fonts))
