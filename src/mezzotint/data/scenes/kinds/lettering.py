"""A word on a sign, sticker, badge, label, banner or speech bubble, or by itself."""

from dataclasses import dataclass
from functools import cache

from mezzotint.data.colours import oklab
from mezzotint.data.scenes.desk import Desk, Phrases
from mezzotint.data.scenes.glyphs import Font
from mezzotint.data.scenes.kinds.kind import Kind
from mezzotint.data.scenes.paint import COLOURS, vivid
from mezzotint.data.scenes.phrases import an
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.scene import Backdrop, Box, Lettering, Scene, Shade, Shape
from mezzotint.data.scenes.words import text_of

__all__ = ["KIND", "written"]

_HEIGHT, _PITCH = 7, 5  # least height of a capital letter, and least width of a letter, in cells
_WIDE = 9  # least width a letter for a line around the letters
_CONTRAST = 0.36  # least difference of OKLab lightness between letters and ground
_LAYOUTS = (("sign", 4), ("sticker", 3), ("badge", 2), ("label", 2), ("banner", 2), ("plain", 5), ("bubble", 2))
_WOOD: Shade = (140, 98, 62)


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a word is written on: its form ("" for none), the box, and the room for letters in it."""

    form: str
    box: Box
    room: Box


def _light(shade: Shade) -> float:
    return float(oklab([part / 255 for part in shade])[0])


def _clear(shade: Shade, ground: Shade) -> bool:
    return abs(_light(shade) - _light(ground)) >= _CONTRAST


@cache
def _readable(colour: str, ground: str) -> bool:
    return _clear(vivid(colour), vivid(ground))


def _frame(layout: str, rolls: Rolls) -> _Frame:
    """Its place on the grid."""
    if layout == "badge":
        side = rolls.between(56, 62)
        return _Frame("badge", Box(32 - side // 2, 32 - side // 2, side, side), Box(32 - 21, 32 - 14, 42, 28))
    if layout in ("sign", "label", "banner", "bubble"):
        height = {"sign": (24, 38), "label": (20, 28), "banner": (24, 30), "bubble": (34, 46)}[layout]
        high = rolls.between(*height)
        top = rolls.between(3, 8) if layout == "sign" else 32 - high // 2 + rolls.between(-6, 6)
        box = Box(1, top, 62, high)
        if layout == "banner":
            return _Frame(layout, box, Box(10, top + 3, 44, high * 82 // 100 - 6))
        if layout == "bubble":
            return _Frame(layout, box, Box(5, top + 5, 54, high * 78 // 100 - 10))
        return _Frame(layout, box, box.inset(5))
    return _Frame("", Box(0, 0, 64, 64), Box(4, rolls.between(10, 20), 56, 34))


def written(font: Font, text: str, room: Box) -> tuple[Box, tuple[Box, ...]] | None:
    """The box of the ink, as large as the room allows, and of every letter; None if that is not legible."""
    ink, letters = font.word(text)
    height, width = ink.shape
    if room.width * height <= room.height * width:
        wide, high = room.width, max(1, (2 * height * room.width + width) // (2 * width))
    else:
        wide, high = max(1, (2 * width * room.height + height) // (2 * height)), room.height
    capital = font.glyphs["H"].ink.shape[0]
    if capital * high < _HEIGHT * height or wide < _PITCH * len(text):
        return None
    left, top = room.left + (room.width - wide) // 2, room.top + (room.height - high) // 2
    edges = []
    for box in letters:
        x0, x1 = (left + value * wide // width for value in (box.left, box.right + width // wide))
        y0, y1 = (top + value * high // height for value in (box.top, box.bottom + height // high))
        edges.append(Box(x0, y0, max(1, min(x1, left + wide) - x0), max(1, min(y1, top + high) - y0)))
    return Box(left, top, wide, high), tuple(edges)


def _shapes(frame: _Frame, fill: Shade, edge: Shade | None, colour: str) -> tuple[Shape, ...]:
    if not frame.form:
        return ()
    line = 2 if edge else 0
    shape = Shape(frame.form, frame.box, fill, edge, line, colour)
    if frame.form != "sign":
        return (shape,)
    post = Box(32 - 2, frame.box.bottom - 2, 5, 63 - frame.box.bottom + 2)
    return Shape("post", post, _WOOD), shape


def _plan(desk: Desk, rolls: Rolls) -> Scene | None:
    layout = desk.layout(rolls, "lettering", _LAYOUTS)
    font = rolls.choice(desk.fonts)
    text = text_of(rolls, desk.words, capitals=font.capitals)
    frame = _frame(layout, rolls)
    part = rolls.between(72, 100)
    lost = frame.room.width * (100 - part) // 200, frame.room.height * (100 - part) // 200
    left, top, wide, high = frame.room.left, frame.room.top, frame.room.width, frame.room.height
    room = Box(left + lost[0], top + lost[1], wide - 2 * lost[0], high - 2 * lost[1])
    placed = written(font, text, room) or written(font, text, frame.room)
    if placed is None:
        return None
    grounds = tuple(COLOURS) if frame.form else ("white",) if layout == "sticker" else ("",)
    colour, ground = rolls.choice([(a, b) for a in COLOURS for b in grounds if not b or _readable(a, b)])
    backdrop = desk.backdrop(rolls, (), avoid=[ground]) if ground else _under(desk, rolls, colour)
    edge: Shade | None = None
    line = 0
    if layout == "sticker":
        edge, line = (255, 255, 255), 3
    elif layout == "plain" and (colour == "white" or rolls.chance(35)) and placed[0].width >= _WIDE * len(text):
        edge, line = ((32, 32, 36) if _light(vivid(colour)) > 0.55 else (255, 255, 255)), 1
    if colour == "white" and not (ground or line) and backdrop.kind == "transparent":
        return None  # white on nothing
    rim = vivid(colour) if rolls.chance(50) else None
    shapes = _shapes(frame, vivid(ground), rim, ground) if ground and frame.form else ()
    lettering = Lettering(text, font.name, font.look, *placed, colour, vivid(colour), edge, line)
    return Scene(0, 0, "lettering", layout, shapes=shapes, lettering=lettering, backdrop=backdrop)


def _under(desk: Desk, rolls: Rolls, colour: str) -> Backdrop:
    """A backdrop on which bare letters of this colour can be read."""
    backdrop = desk.backdrop(rolls, (), avoid=[colour])
    readable = backdrop.kind == "flat" and _clear(vivid(colour), backdrop.shade)
    return backdrop if readable else Backdrop()


def _phrases(scene: Scene) -> Phrases:
    word = scene.lettering
    assert word is not None
    quoted = f'"{word.text}"'
    letters = f"{word.colour} {word.look} letters"
    what = "" if scene.layout == "plain" else {"badge": "round badge", "bubble": "speech bubble"}.get(
        scene.layout, scene.layout
    )  # fmt: skip
    if not what:
        return Phrases(
            (quoted, f"the word {quoted}" if word.text.isalpha() else f"the text {quoted}",
             f"{quoted} in {word.colour} letters", f"the text {quoted} in {letters}"),
            (f"lettering: {quoted}", f"{letters} spelling {quoted}"),
        )  # fmt: skip
    ground = scene.shapes[-1].colour if scene.shapes else ""
    support = an(f"{ground} {what}".strip())
    return Phrases(
        (
            f"{an(what)} that says {quoted}", f"{support} that says {quoted}",
            f"{an(what)} with the text {quoted} in {word.colour} letters",
            f"{support} that reads {quoted} in {letters}",
        ),
        (f"{quoted} written on {support}", f"{support} spelling {quoted}"),
    )  # fmt: skip


KIND = Kind("lettering", 22, _plan, _phrases)
