"""A word on a sign, sticker, badge, label, banner or speech bubble, or by itself.

In black letters of the first font, on white, as large as there is room, unless the caption says how else: letters that
may have any form, colour and size are in pure noise the mean of all of these, which nobody can read.
"""

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
_USUAL = 60  # of a hundred


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


def _frame(layout: str, rolls: Rolls, usual: bool) -> _Frame:
    """Its place on the grid; the usual one is always the same."""
    if usual:
        return _usual_frame(layout)
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


def _usual_frame(layout: str) -> _Frame:
    if layout == "badge":
        return _Frame("badge", Box(2, 2, 60, 60), Box(11, 18, 42, 28))
    if layout in ("sign", "label", "banner", "bubble"):
        top, high = {"sign": (6, 30), "label": (20, 24), "banner": (18, 28), "bubble": (12, 40)}[layout]
        box = Box(1, top, 62, high)
        inner = {
            "banner": Box(10, top + 3, 44, high * 82 // 100 - 6),
            "bubble": Box(5, top + 5, 54, high * 78 // 100 - 10),
        }
        return _Frame(layout, box, inner.get(layout, box.inset(5)))
    return _Frame("", Box(0, 0, 64, 64), Box(4, 15, 56, 34))


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
    usual = rolls.chance(_USUAL)
    font = desk.fonts[0] if usual else rolls.choice(desk.fonts)
    text = text_of(rolls, desk.words, capitals=font.capitals)
    frame = _frame(layout, rolls, usual)
    placed = written(font, text, frame.room if usual else _part(frame.room, rolls)) or written(font, text, frame.room)
    if placed is None:
        return None
    colour, ground = ("black", "white") if usual else _colours(frame, layout, rolls)
    ground = ground if frame.form or layout == "sticker" else ""
    backdrop = desk.backdrop(rolls, (), avoid=[ground]) if ground else _under(desk, rolls, colour)
    edge: Shade | None = None
    line = 0
    if layout == "sticker":
        edge, line = (255, 255, 255), 3
    elif layout == "plain" and not usual and _outlined(colour, placed[0].width, text, rolls):
        edge, line = ((32, 32, 36) if _light(vivid(colour)) > 0.55 else (255, 255, 255)), 1
    if colour == "white" and not (ground or line) and backdrop.kind == "transparent":
        return None  # white on nothing
    rim = vivid(colour) if usual or rolls.chance(50) else None
    shapes = _shapes(frame, vivid(ground), rim, ground) if ground and frame.form else ()
    lettering = Lettering(text, font.name, font.look, *placed, colour, vivid(colour), edge, line, usual)
    return Scene(0, 0, "lettering", layout, shapes=shapes, lettering=lettering, backdrop=backdrop)


def _part(room: Box, rolls: Rolls) -> Box:
    """The middle of the room, of 72 to 100 % of its sides."""
    part = rolls.between(72, 100)
    lost = room.width * (100 - part) // 200, room.height * (100 - part) // 200
    return Box(room.left + lost[0], room.top + lost[1], room.width - 2 * lost[0], room.height - 2 * lost[1])


def _colours(frame: _Frame, layout: str, rolls: Rolls) -> tuple[str, str]:
    """Of letters and ground, which can be told apart; "" for no ground."""
    grounds = tuple(COLOURS) if frame.form else ("white",) if layout == "sticker" else ("",)
    return rolls.choice([(a, b) for a in COLOURS for b in grounds if not b or _readable(a, b)])


def _outlined(colour: str, width: int, text: str, rolls: Rolls) -> bool:
    """Whether bare letters get a line around them: white ones always, if they are wide enough."""
    return (colour == "white" or rolls.chance(35)) and width >= _WIDE * len(text)


def _under(desk: Desk, rolls: Rolls, colour: str) -> Backdrop:
    """A backdrop on which bare letters of this colour can be read."""
    backdrop = desk.backdrop(rolls, (), avoid=[colour])
    readable = backdrop.kind == "flat" and _clear(vivid(colour), backdrop.shade)
    return backdrop if readable else Backdrop()


def _phrases(scene: Scene) -> Phrases:
    word = scene.lettering
    assert word is not None
    quoted, letters = f'"{word.text}"', f"{word.colour} {word.look} letters"
    what = "" if scene.layout == "plain" else {"badge": "round badge", "bubble": "speech bubble"}.get(
        scene.layout, scene.layout
    )  # fmt: skip
    said = f"the word {quoted}" if word.text.isalpha() else f"the text {quoted}"
    if what:
        support = an(f"{scene.shapes[-1].colour if scene.shapes else ''} {what}".strip())
        short = (
            f"{an(what)} that says {quoted}", f"{support} that says {quoted}",
            f"{an(what)} with the text {quoted} in {word.colour} letters",
        )  # fmt: skip
        full = (
            f"{support} that says {quoted} in {letters}", f"{support} with the text {quoted} in {letters}",
            f"{support} that reads {quoted} in {letters}",
        )  # fmt: skip
        held = (f"{quoted} written on {support}", f"{support} spelling {quoted}")
    else:
        short = (quoted, said, f"{quoted} in {word.colour} letters")
        full = (f"{quoted} in {letters}", f"{said} in {letters}", f"the text {quoted} in {letters}")
        held = (f"lettering: {quoted}", f"{letters} spelling {quoted}")
    if word.usual:
        return Phrases((*short, full[-1]), held)
    return Phrases(tuple(dict.fromkeys(full)), held, silent=short)


KIND = Kind("lettering", 22, _plan, _phrases)
