"""Reading the drawings of a DiceBear style: JavaScript files that a generator wrote, taken apart without running them.

A style has a frame in `lib/index.js` and the variants of each part in `lib/components/PART.js`, all of them SVG in
template strings with holes for colours and for other parts. The files have one form; what differs from it is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mezzotint.errors import InvalidFile

__all__ = ["Drawings", "compose", "inks_of", "read_drawings", "read_variants"]

_HOLES = (
    (re.compile(r"\$\{escape\.xml\(`\$\{colors\.(\w+)\}`\)\}"), r"{colour \1}"),
    (
        re.compile(
            r"\$\{\((_\w) = \((_\w) = components\.(\w+)\) === null \|\| \2 === void 0 \? void 0 : "
            r"\2\.value\(components, colors\)\) !== null && \1 !== void 0 \? \1 : ''\}"
        ),
        r"{part \3}",
    ),
)
_HOLE = re.compile(r"\{(colour|part) (\w+)\}")
_FILE = re.compile(
    r"(?:/\*\*\n(?: \*[^\n]*\n)+)?(?:import \{ escape \} from '@dicebear/core';\n)?export const (\w+) = \{\n(.*)\};\n?",
    re.DOTALL,
)
_VARIANT = re.compile(
    r"    ('?)(\w+)\1: \(components, colors\) => (?:`([^`$\\]*)`|\{ var [\w, ]+; return `([^`$\\]*)`; \}),\n"
)
_VIEW_BOX = re.compile(r"\n            viewBox: '(0 0 \d+ \d+)',\n")
_FRAME = re.compile(r"\n        body: `([^`$\\]*)`,\n")
_ELEMENT = re.compile(r"<(/?[^\s/>]*)")
_ELEMENTS = frozenset(
    (
        "circle", "clipPath", "defs", "ellipse", "g", "line", "linearGradient", "mask", "path", "polygon",
        "radialGradient", "rect", "stop",
    )
)  # fmt: skip
_ELSEWHERE = re.compile(r"url\((?!#)|href|\bon\w+=|&(?!amp;|lt;|gt;|quot;)|<!|<\?", re.IGNORECASE)


@dataclass(frozen=True)
class Drawings:
    """All drawings of one style. A drawing is SVG with holes: `{colour NAME}` and `{part NAME}`.

    view_box: of the frame; frame: what is always drawn, with holes for the parts; parts: part -> variant -> drawing.
    """

    view_box: str
    frame: str
    parts: Mapping[str, Mapping[str, str]]


def read_drawings(folder: Path, parts: tuple[str, ...], tweaks: Mapping[str, str] | None = None) -> Drawings:
    """The frame and the named parts of the style in a package folder.

    tweaks: text in the drawings -> what stands there instead. Raises InvalidFile for what has another form.
    """

    def tweaked(drawing: str) -> str:
        for old, new in (tweaks or {}).items():
            drawing = drawing.replace(old, new)
        return drawing

    path = folder / "lib" / "index.js"
    text = _with_holes(_read(path))
    box, frame = _VIEW_BOX.search(text), _FRAME.search(text)
    if box is None or frame is None:
        raise InvalidFile(f"The file {path} has no frame in the known form; fetch the avatar packages again.")
    found = {}
    for part in parts:
        file = folder / "lib" / "components" / f"{part}.js"
        variants = read_variants(_read(file), str(file), part)
        found[part] = {name: tweaked(drawing) for name, drawing in variants.items()}
    return Drawings(box[1], tweaked(_checked(frame[1], str(path))), found)


def read_variants(text: str, where: str, part: str) -> dict[str, str]:
    """The variants of a part by name, from the text of its file.

    where: the file's name, for errors. Raises InvalidFile if anything in it differs from the known form.
    """
    file = _FILE.fullmatch(_with_holes(text))
    if file is None or file[1] != part or _VARIANT.sub("", file[2]):
        raise InvalidFile(f"The file {where} does not have the form of a part; fetch the avatar packages again.")
    return {found[2]: _checked(found[3] or found[4] or "", where) for found in _VARIANT.finditer(file[2])}


def compose(
    drawings: Drawings,
    variants: Mapping[str, str],
    inks: Mapping[str, str],
    *,
    ground: str = "",
    view_box: str = "",
) -> str:
    """The SVG document of a choice: part -> variant, parts that are not chosen are left out; ink -> hex colour.

    ground: SVG below everything, with holes; view_box: instead of the style's own.
    Raises InvalidFile for a variant or an ink that is wanted and not there.
    """
    body = _filled(ground + drawings.frame, drawings, variants)

    def ink(hole: re.Match[str]) -> str:
        if hole[2] not in inks:
            raise InvalidFile(
                f"The style asks for a colour {hole[2]!r} that is not known; fetch the avatar packages again."
            )
        return inks[hole[2]]

    box = view_box or drawings.view_box
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" fill="none">{_HOLE.sub(ink, body)}</svg>'


def inks_of(drawings: Drawings, variants: Mapping[str, str], ground: str = "") -> frozenset[str]:
    """The colours that the drawings of a choice ask for."""
    body = _filled(ground + drawings.frame, drawings, variants)
    return frozenset(hole[2] for hole in _HOLE.finditer(body))


def _filled(drawing: str, drawings: Drawings, variants: Mapping[str, str]) -> str:
    """The drawing with the chosen parts in their holes; those of colours stay."""

    def part(hole: re.Match[str]) -> str:
        kind, name = hole[1], hole[2]
        if kind == "colour":
            return hole[0]
        if name not in variants:
            return ""
        found = drawings.parts.get(name, {}).get(variants[name])
        if found is None:
            raise InvalidFile(f"The style has no {name} called {variants[name]!r}; fetch the avatar packages again.")
        return _filled(found, drawings, variants)

    return _HOLE.sub(part, drawing)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(f"The file {path} cannot be read; fetch the avatar packages again.") from error


def _with_holes(text: str) -> str:
    for pattern, hole in _HOLES:
        text = pattern.sub(hole, text)
    return text


def _checked(drawing: str, where: str) -> str:
    """The drawing, if it is made of known elements and refers to nothing outside of itself."""
    plain = _HOLE.sub("", drawing)
    names = {name.removeprefix("/") for name in _ELEMENT.findall(plain)}
    if not names <= _ELEMENTS or _ELSEWHERE.search(plain) or "{" in plain:
        raise InvalidFile(f"A drawing in {where} has something else than plain shapes; it is not used.")
    return drawing
