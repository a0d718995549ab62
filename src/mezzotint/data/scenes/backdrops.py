"""What is behind a scene: nothing, one colour, or a simple scenery drawn in a few flat colours."""

from functools import lru_cache

import numpy as np

from mezzotint.data.pixels import Bytes
from mezzotint.data.scenes.forms import coverage
from mezzotint.data.scenes.raster import lay, tinted
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.scene import GRID, Backdrop, Shade

__all__ = ["CLASHES", "SCENERY", "VARIANTS", "draw_backdrop", "ground"]

VARIANTS = 12
CLASHES: dict[str, frozenset[str]] = {
    "sky": frozenset({"light blue", "blue", "white"}),
    "grass": frozenset({"green", "light blue"}),
    "sea": frozenset({"blue", "light blue", "beige"}),
    "room": frozenset({"brown", "beige", "orange"}),
    "night": frozenset({"black", "dark blue", "blue", "purple"}),
}
"""Colours that are hard to see before each scenery."""
SCENERY = tuple(CLASHES)
_WALLS: tuple[Shade, ...] = ((244, 232, 208), (214, 232, 236), (246, 220, 220), (226, 226, 240))


def ground(name: str, variant: int) -> int:
    """The first row of the ground that things stand on; the grid's height if there is none."""
    start = {"grass": 40, "sea": 46, "room": 46}.get(name, GRID)
    return start + variant % 3 if start < GRID else GRID


def _bands(canvas: Bytes, top: Shade, bottom: Shade, rows: int) -> None:
    """An even change of colour from the top to the bottom of the first rows."""
    step = np.arange(rows)[:, None]
    shade = (np.array(top) * (rows - step) + np.array(bottom) * step + rows // 2) // rows
    canvas[:rows, :, :3] = shade[:, None].astype(np.uint8)
    canvas[:rows, :, 3] = 255


def _block(canvas: Bytes, first: int, last: int, shade: Shade) -> None:
    canvas[first:last] = (*shade, 255)


def _disc(canvas: Bytes, x: int, y: int, radius: int, shade: Shade) -> None:
    lay(canvas, tinted(coverage("circle", 2 * radius, 2 * radius), shade), x - radius, y - radius)


def _clouds(canvas: Bytes, rolls: Rolls, unit: int, lowest: int) -> None:
    for side in (0, 1):
        x = (rolls.between(6, 22) + 34 * side) * unit
        y = rolls.between(6, lowest) * unit
        for dx, dy, radius in ((-6, 1, 3), (0, -1, 5), (6, 1, 4)):
            _disc(canvas, x + dx * unit, y + dy * unit, radius * unit, (250, 252, 255))


def _sky(canvas: Bytes, rolls: Rolls, unit: int, variant: int) -> None:
    _bands(canvas, (104, 178, 238), (196, 228, 250), GRID * unit)
    _clouds(canvas, rolls, unit, 56)


def _grass(canvas: Bytes, rolls: Rolls, unit: int, variant: int) -> None:
    start = ground("grass", variant)
    _bands(canvas, (132, 198, 244), (206, 234, 250), GRID * unit)
    _clouds(canvas, rolls, unit, 14)
    _disc(canvas, rolls.between(6, 58) * unit, (start + 54) * unit, 60 * unit, (136, 196, 96))
    _block(canvas, start * unit, GRID * unit, (104, 172, 76))


def _sea(canvas: Bytes, rolls: Rolls, unit: int, variant: int) -> None:
    start = ground("sea", variant)
    _bands(canvas, (150, 208, 246), (214, 238, 250), GRID * unit)
    _block(canvas, 24 * unit, start * unit, (38, 122, 190))
    for y in range(28, start - 2, 5):
        for x in range(rolls.between(-8, 6), GRID, 17):
            canvas[y * unit : (y + 1) * unit, max(x, 0) * unit : max(x + 8, 0) * unit] = (96, 168, 220, 255)
    _block(canvas, start * unit, GRID * unit, (238, 214, 160))


def _room(canvas: Bytes, rolls: Rolls, unit: int, variant: int) -> None:
    start = ground("room", variant)
    _block(canvas, 0, start * unit, _WALLS[variant % len(_WALLS)])
    _block(canvas, (start - 2) * unit, start * unit, (252, 252, 250))
    _block(canvas, start * unit, GRID * unit, (178, 126, 84))
    for y in range(start + 5, GRID, 6):
        _block(canvas, y * unit, y * unit + unit, (152, 104, 66))


def _night(canvas: Bytes, rolls: Rolls, unit: int, variant: int) -> None:
    _bands(canvas, (14, 18, 56), (44, 52, 112), GRID * unit)
    for _ in range(22):
        x, y = rolls.between(1, GRID - 2) * unit, rolls.between(1, GRID - 2) * unit
        canvas[y : y + unit, x : x + unit] = (250, 244, 200, 255) if rolls.chance(60) else (150, 156, 200, 255)


@lru_cache(maxsize=len(SCENERY) * VARIANTS)
def _scenery(name: str, variant: int, size: int) -> Bytes:
    canvas = np.zeros((size, size, 4), dtype=np.uint8)
    draw = {"sky": _sky, "grass": _grass, "sea": _sea, "room": _room, "night": _night}[name]
    draw(canvas, Rolls(variant, SCENERY.index(name), purpose=1), size // GRID, variant)
    canvas.setflags(write=False)
    return canvas


def draw_backdrop(backdrop: Backdrop, size: int) -> Bytes:
    """A new canvas (size, size, 4), premultiplied."""
    if backdrop.kind == "scenery":
        return _scenery(backdrop.name, backdrop.variant, size).copy()
    canvas = np.zeros((size, size, 4), dtype=np.uint8)
    if backdrop.kind == "flat":
        canvas[:] = (*backdrop.shade, 255)
    return canvas
