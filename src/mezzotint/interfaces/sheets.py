"""Pictures about pictures: contact sheets of samples, and of the denoising of one picture; the latter also moving.

Everything here is Pillow and NumPy. A picture is (H, W, 4), premultiplied RGBA in [-1, 1], unless said otherwise.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Frame", "animation", "contact_sheet", "flat", "sample_sheet", "strip"]

Pixels = npt.NDArray[np.float32]
PAPER, INK = (250, 250, 250), (60, 60, 60)
LIGHT, DARK = 255, 229
"""The two greys of the checkerboard that shows what is transparent."""
SQUARE = 8
"""Side of one of its squares, in pixels of the picture."""
BAND = 13
"""Most columns of a denoising sheet before it goes on below."""
GAP, LABEL = 4, 18
FIRST_MS, STEP_MS, LAST_MS = 700, 140, 2500


@dataclass(frozen=True)
class Frame:
    """One moment of denoising: time t, the noised picture x, and what is believed of the clean one then."""

    t: float
    x: Pixels
    x0: Pixels


def pixels_of(tensor: "Tensor") -> Pixels:
    """(4, 1, H, W) to (H, W, 4)."""
    array: Pixels = tensor[:, 0].float().permute(1, 2, 0).contiguous().cpu().numpy()
    return array


def flat(pixels: Pixels, scale: int = 1) -> Image.Image:
    """A picture on a checkerboard, each pixel `scale` wide: `rgb + (1 - a) · board`, clipped to what a screen shows."""
    unit = (pixels.astype(np.float64) + 1) / 2
    alpha = unit[..., 3:].clip(0, 1)
    board = _board(*pixels.shape[:2])[..., None] / 255
    values = (unit[..., :3] + (1 - alpha) * board).clip(0, 1)
    image = Image.fromarray(np.round(values * 255).astype(np.uint8), "RGB")
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)


def _board(height: int, width: int) -> npt.NDArray[np.float64]:
    rows, columns = np.arange(height)[:, None] // SQUARE, np.arange(width)[None] // SQUARE
    return np.where((rows + columns) % 2 == 0, float(LIGHT), float(DARK))


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def strip(frames: Sequence[Frame], scale: int = 2, band: int = BAND) -> Image.Image:
    """The denoising sheet: a column a moment, from noise on the left; above x_t, below the prediction of x_0."""
    height, width = (side * scale for side in frames[0].x.shape[:2])
    columns = min(band, len(frames))
    bands = -(-len(frames) // columns)
    margin = 64
    tall = LABEL + 2 * (height + GAP) + 2 * GAP
    page = Image.new("RGB", (margin + columns * (width + GAP), bands * tall), PAPER)
    pen, font = ImageDraw.Draw(page), _font(13)
    for index, frame in enumerate(frames):
        x, y = margin + index % columns * (width + GAP), index // columns * tall
        if index % columns == 0:
            pen.text((GAP, y + LABEL + height // 2), "x_t", INK, font, anchor="lm")
            pen.text((GAP, y + LABEL + GAP + height * 3 // 2 - 8), "predicted", INK, font, anchor="lm")
            pen.text((GAP, y + LABEL + GAP + height * 3 // 2 + 8), "x_0", INK, font, anchor="lm")
        pen.text((x + width // 2, y + LABEL // 2 + 1), f"t = {frame.t:.2f}", INK, font, anchor="mm")
        page.paste(flat(frame.x, scale), (x, y + LABEL))
        page.paste(flat(frame.x0, scale), (x, y + LABEL + height + GAP))
    return page


def animation(frames: Sequence[Frame], scale: int = 4) -> bytes:
    """The same as an animated WebP, lossless and endless: x_t and the prediction side by side; the last frame stays."""
    from PIL import WebPImagePlugin  # noqa: F401 (Pillow would import all of its formats to find this one)

    pages = [_page(frame, scale) for frame in frames]
    durations = [FIRST_MS, *[STEP_MS] * (len(pages) - 2), LAST_MS][-len(pages) :]
    stream = io.BytesIO()
    pages[0].save(
        stream, "WEBP", save_all=True, append_images=pages[1:], duration=durations, loop=0, lossless=True, method=4
    )
    return stream.getvalue()


def _page(frame: Frame, scale: int) -> Image.Image:
    left, right = flat(frame.x, scale), flat(frame.x0, scale)
    width, height = left.size
    page = Image.new("RGB", (2 * width + 3 * GAP, height + 2 * GAP + LABEL), PAPER)
    page.paste(left, (GAP, GAP))
    page.paste(right, (width + 2 * GAP, GAP))
    pen, font = ImageDraw.Draw(page), _font(13)
    line = height + GAP + GAP // 2 + LABEL // 2
    pen.text((GAP + width // 2, line), f"x_t at t = {frame.t:.2f}", INK, font, anchor="mm")
    pen.text((2 * GAP + width + width // 2, line), "the prediction of x_0", INK, font, anchor="mm")
    return page


def sample_sheet(
    pictures: Sequence[Image.Image], labels: Sequence[str], columns: int = 8, scale: int = 2
) -> Image.Image:
    """Finished pictures (Pillow, RGBA) in rows, each over its label."""
    return contact_sheet([on_board(picture, scale) for picture in pictures], labels, columns)


def on_board(picture: Image.Image, scale: int) -> Image.Image:
    """A finished picture on the checkerboard."""
    board = Image.fromarray(_board(picture.height, picture.width).astype(np.uint8), "L").convert("RGBA")
    board.alpha_composite(picture.convert("RGBA"))
    size = (picture.width * scale, picture.height * scale)
    return board.convert("RGB").resize(size, Image.Resampling.NEAREST)


def contact_sheet(cells: Sequence[Image.Image], labels: Sequence[str], columns: int) -> Image.Image:
    """Cells of one size in rows, each over its label, which is cut to the cell's width."""
    width, height = cells[0].size
    rows = -(-len(cells) // columns)
    page = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + LABEL + GAP) + GAP), PAPER)
    pen, font = ImageDraw.Draw(page), _font(12)
    for index, (cell, label) in enumerate(zip(cells, labels, strict=True)):
        x, y = GAP + index % columns * (width + GAP), GAP + index // columns * (height + LABEL + GAP)
        page.paste(cell, (x, y))
        while label and pen.textlength(label, font) > width:
            label = label[:-1]
        pen.text((x + width // 2, y + height + LABEL // 2), label, INK, font, anchor="mm")
    return page


def png(page: Image.Image) -> bytes:
    """A page as PNG bytes."""
    stream = io.BytesIO()
    page.save(stream, "PNG")
    return stream.getvalue()
