"""Laying out pictures with labels on white pages. Pillow only.

Sizes are in pixels of the page, which readers see at about half of them.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

__all__ = ["FAINT", "FRAME", "INK", "MARGIN", "PAPER", "QUIET", "Page", "font", "picture", "raw", "table"]

PAPER, INK, QUIET, FRAME, FAINT = (255, 255, 255), (34, 34, 34), (112, 112, 112), (222, 222, 222), (240, 240, 240)
MARGIN, GAP, TEXT = 32, 16, 27


def font(size: int = TEXT) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font that comes with Pillow; it knows ASCII only."""
    return ImageFont.load_default(size)


def raw(pixels: Tensor, side: int) -> Image.Image:
    """A sample (4, 1, H, W), premultiplied RGBA in [-1, 1], on white: `rgb + (1 - a)`, cut to what a screen shows.

    Every pixel becomes a square, so that noise looks as it is. `side` is the width on the page.
    """
    unit = (pixels[:, 0].double() + 1) / 2
    values = (unit[:3] + 1 - unit[3].clamp(0, 1)).clamp(0, 1).permute(1, 2, 0).mul(255).round()
    return Image.fromarray(values.numpy().astype(np.uint8), "RGB").resize((side, side), Image.Resampling.NEAREST)


def picture(image: Image.Image, side: int) -> Image.Image:
    """A finished picture on white, enlarged smoothly; premultiplied first, so that no dark seam appears."""
    large = image.convert("RGBa").resize((side, side), Image.Resampling.BICUBIC).convert("RGBA")
    page = Image.new("RGBA", large.size, (*PAPER, 255))
    page.alpha_composite(large)
    return page.convert("RGB")


class Page:
    """A white page to put pictures and words on."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height), PAPER)
        self.pen = ImageDraw.Draw(self.image)

    def place(self, cell: Image.Image, x: int, y: int, framed: bool = True) -> None:
        """Put a cell down, with a thin frame around it."""
        self.image.paste(cell, (x, y))
        if framed:
            self.pen.rectangle((x - 1, y - 1, x + cell.width, y + cell.height), outline=FRAME, width=1)

    def write(
        self, text: str, x: float, y: float, anchor: str, size: int = TEXT, colour: tuple[int, int, int] = INK
    ) -> None:
        """A line of text; `anchor` as in Pillow: "mm" is centred on the point, "lm" begins there."""
        assert text.isascii(), f"{text!r} has letters that the font lacks"
        self.pen.text((x, y), text, colour, font(size), anchor=anchor)


def width_of(texts: Sequence[str], size: int = TEXT) -> int:
    """The widest of some lines, in pixels."""
    return max((int(font(size).getlength(line)) + 1 for text in texts for line in text.split("\n")), default=0)


def table(
    rows: Sequence[Sequence[Image.Image]],
    above: Sequence[str] = (),
    left: Sequence[str] = (),
    below: Sequence[Sequence[str]] = (),
    *,
    gap: int = GAP,
    framed: bool = True,
    size: int = TEXT,
) -> Image.Image:
    """Cells of one size in rows; words above the columns, left of the rows, below each cell. "" leaves a place empty.

    A row may be shorter than the first. `left` may have several lines each.
    """
    width, height = rows[0][0].size
    line = round(size * 1.5)
    margin_left = MARGIN + (width_of(left, size) + 2 * gap if left else 0)
    top = MARGIN + (line + gap // 2 if above else 0)
    tall = height + gap + (line if below else 0)
    page = Page(margin_left + len(rows[0]) * (width + gap) - gap + MARGIN, top + len(rows) * tall - gap + MARGIN)
    for column, text in enumerate(above):
        page.write(text, margin_left + column * (width + gap) + width / 2, MARGIN + line / 2, "mm", size)
    for number, row in enumerate(rows):
        y = top + number * tall
        for index, text in enumerate(left[number].split("\n") if left else ()):
            lines = left[number].count("\n") + 1
            page.write(text, MARGIN, y + height / 2 + (index - (lines - 1) / 2) * line, "lm", size, QUIET)
        for column, cell in enumerate(row):
            x = margin_left + column * (width + gap)
            page.place(cell, x, y, framed)
            if below:
                page.write(below[number][column], x + width / 2, y + height + line / 2 + 2, "mm", size - 5, QUIET)
    return page.image
