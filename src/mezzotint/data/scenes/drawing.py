"""From a scene to its picture."""

import numpy as np

from mezzotint.data.pixels import Bytes
from mezzotint.data.scenes.backdrops import draw_backdrop
from mezzotint.data.scenes.forms import draw_form
from mezzotint.data.scenes.glyphs import Font
from mezzotint.data.scenes.hand import Hand, draw_hand
from mezzotint.data.scenes.raster import dilated, lay, scaled, tinted
from mezzotint.data.scenes.scene import GRID, Lettering, Scene
from mezzotint.data.scenes.stock import Stock

__all__ = ["draw"]


def _write(canvas: Bytes, lettering: Lettering, font: Font, unit: int) -> None:
    box = lettering.box.times(unit)
    mask = scaled(font.word(lettering.text)[0], box.width, box.height)
    if lettering.edge and lettering.line:
        by = lettering.line * unit
        lay(canvas, tinted(dilated(mask, by), lettering.edge), box.left - by, box.top - by)
    lay(canvas, tinted(mask, lettering.shade), box.left, box.top)


def draw(scene: Scene, stock: Stock, fonts: dict[str, Font], size: int) -> Bytes:
    """The picture, premultiplied RGBA, uint8 (size, size, 4); the size is a multiple of 64."""
    unit = size // GRID
    canvas = draw_backdrop(scene.backdrop, size)
    for shape in scene.shapes:
        box = shape.box.times(unit)
        if isinstance(shape, Hand):
            draw_hand(canvas, shape, box, shape.line * unit)
            continue
        place = box.left, box.top, box.width, box.height
        draw_form(canvas, shape.form, place, fill=shape.fill, edge=shape.edge, line=shape.line * unit)
    for group in scene.groups:
        for box in (box.times(unit) for box in group.boxes):
            lay(canvas, stock.sized(group.row, group.colour, box.width, box.height), box.left, box.top)
    if scene.lettering:
        _write(canvas, scene.lettering, fonts[scene.lettering.font], unit)
    return np.ascontiguousarray(canvas)
