"""Write a drawing as an SVG that carries its whole recipe, and read what an SVG says about itself.

Source: Scalable Vector Graphics (SVG) 2, sections 5.2 (svg), 5.10 (metadata) and 8.2 (viewBox).
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from mezzotint.recipe import Recipe

__all__ = ["MAX_SVG_BYTES", "BrokenSvg", "SvgFacts", "looks_like_svg", "read_svg", "svg_text"]

MAX_SVG_BYTES = 16 * 2**20
NAMESPACE = "http://www.w3.org/2000/svg"
OURS = "urn:mezzotint:recipe"
_LENGTH = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)(?:px)?\s*")


class BrokenSvg(Exception):
    """What is wrong with the file, as the end of a sentence that begins with its name."""


@dataclass(frozen=True)
class SvgFacts:
    """The size in pixels; and, if this program drew it: the recipe's JSON, whether the drawing is as it was written,
    and how many colours were asked for, None for no number."""

    size: tuple[int, int]
    recipe: str | None = None
    unchanged: bool | None = None
    colours: int | None = None


def svg_text(drawing: str, size: tuple[int, int], recipe: "Recipe | None" = None, colours: int | None = None) -> str:
    """The document of a drawing (elements, in pixels) of a size.

    `<metadata>` has the recipe as JSON, in the element `recipe` of the namespace `urn:mezzotint:recipe`. Its attribute
    `drawing` is the SHA-256 of the drawing's bytes, and `colours` the number that was asked for. The JSON is ASCII: a
    prompt may have letters that XML forbids.
    """
    width, height = size
    told = ""
    if recipe is not None:
        asked = "" if colours is None else f' colours="{colours}"'
        data = escape(json.dumps(recipe.to_json_dict(), ensure_ascii=True, allow_nan=False, separators=(",", ":")))
        told = f'<metadata><recipe xmlns="{OURS}" drawing="{_digest(drawing)}"{asked}>{data}</recipe></metadata>'
    opening = f'<svg xmlns="{NAMESPACE}" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    return f"{opening}{told}{drawing}</svg>\n"


def _digest(drawing: str) -> str:
    return hashlib.sha256(drawing.encode()).hexdigest()


def looks_like_svg(head: bytes) -> bool:
    """Whether the first bytes of a file (some hundreds) are those of an SVG."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!--", b"<!DOCTYPE svg")) and b"<svg" in text)


def read_svg(data: bytes) -> SvgFacts:
    """What an SVG says about itself. Raises `BrokenSvg`.

    Nothing in it is drawn or fetched; one that defines entities, which can grow without end, is refused.
    """
    if len(data) > MAX_SVG_BYTES:
        raise BrokenSvg(f"is larger than {MAX_SVG_BYTES // 2**20} MiB")
    if b"<!ENTITY" in data or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise BrokenSvg("defines entities or is not in UTF-8, and such an SVG is not read")
    try:
        text = data.decode()
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, RecursionError):
        raise BrokenSvg("is a damaged SVG") from None
    if root.tag != f"{{{NAMESPACE}}}svg":
        raise BrokenSvg("is XML, but no SVG")
    found = root.findall(f"{{{NAMESPACE}}}metadata/{{{OURS}}}recipe")
    if len(found) > 1:
        raise BrokenSvg(f"has {len(found)} recipes, so none of them can be trusted")
    if not found:
        return SvgFacts(_size(root))
    colours = found[0].get("colours", "")
    _, _, drawing = text.partition("</metadata>")
    return SvgFacts(
        _size(root),
        found[0].text or "",
        _digest(drawing.rstrip().removesuffix("</svg>")) == found[0].get("drawing"),
        int(colours) if re.fullmatch("[0-9]{1,2}", colours) else None,
    )


def _size(root: ElementTree.Element) -> tuple[int, int]:
    """Width and height in pixels, from the view box where the attributes do not say; 0 where nothing does."""
    box = root.get("viewBox", "").replace(",", " ").split()
    lengths = (root.get("width", ""), root.get("height", ""))
    sizes = [_LENGTH.fullmatch(text) for text in lengths]
    if None in sizes:
        sizes = [_LENGTH.fullmatch(text) for text in box[2:4]]
    width, height = (round(float(size[1])) if size and len(size[1]) < 10 else 0 for size in (*sizes, None, None)[:2])
    return width, height
