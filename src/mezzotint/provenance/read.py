"""Read what a picture file says about itself, as from a stranger: by magic bytes, with caps, executing nothing."""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, NoReturn

from PIL import Image

from mezzotint.errors import InvalidFile, InvalidOption
from mezzotint.foreign import Reading, reading
from mezzotint.provenance.animation import webp_pictures
from mezzotint.provenance.chunks import SIGNATURE, BrokenChunk, read_png_inputs, read_png_text
from mezzotint.provenance.civitai import RESOURCES, read_extra, take_json, with_resources
from mezzotint.provenance.comfyui import read_graph
from mezzotint.provenance.exif import DESCRIPTION, EXIF_IFD, RECIPE_MARK, USER_COMMENT
from mezzotint.provenance.infotext import parse_infotext
from mezzotint.provenance.invokeai import read_invokeai
from mezzotint.provenance.jsontext import object_of
from mezzotint.provenance.novelai import hidden_text, our_weights, read_novelai
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.provenance.png import INFOTEXT_KEYWORD, RECIPE_KEYWORD
from mezzotint.provenance.profile import in_srgb
from mezzotint.provenance.svg import MAX_SVG_BYTES, BrokenSvg, SvgFacts, looks_like_svg, read_svg
from mezzotint.provenance.upright import turn_upright
from mezzotint.recipe import Recipe

__all__ = [
    "MAX_PIXELS",
    "Metadata",
    "picture_count",
    "read_drawing",
    "read_inputs",
    "read_metadata",
    "read_picture",
    "read_texts",
]

MAX_PIXELS = 64 * 2**20
"""A larger picture is refused before it is decoded (at 4 bytes a pixel it would take 256 MiB)."""
MAX_FILE_BYTES = 512 * 2**20
Format = Literal["PNG", "JPEG", "WEBP", "SVG"]
Source = Literal["mezzotint", "a1111", "comfyui", "invokeai", "novelai", "civitai"]
MAX_HIDDEN = 16 * 2**20
"""Pixels of the largest picture in whose alpha channel a hidden text is looked for."""

OPTION_NAMES = {
    "Steps": "steps",
    "Sampler": "solver",
    "Schedule type": "grid",
    "CFG scale": "guidance",
    "Seed": "seed",
    "Model": "model",
    "Denoising strength": "strength",
}
"""Keys of the infotext that mean the same as one of our options; all others keep their own name."""


@dataclass(frozen=True)
class Metadata:
    """What a file says about itself.

    `recipe` is there if this program drew the picture. For a picture of another program `source` says which, and
    `found` holds what its text says, under our option names where they mean the same, else under its own keys.
    """

    format: Format
    size: tuple[int, int]
    source: Source | None
    recipe: Recipe | None
    found: Mapping[str, str]

    def in_our_words(self) -> Reading:
        """What another program's solver and grid are here; nothing for a text that we wrote ourselves (`infotext`)."""
        written_here = self.found.get("Version", "").startswith("mezzotint")
        # Civitai writes the names of whichever program drew
        programs = ("a1111", "comfyui") if self.source == "civitai" else (self.source,)
        if self.source is None or self.source == "mezzotint" or written_here:
            return Reading({}, {})
        solver, grid = self.found.get("solver"), self.found.get("grid")
        readings = [reading(str(program), solver, grid) for program in programs]
        words = next((words for words in readings if words.here or words.differs), readings[0])
        if self.source != "novelai":
            return words
        told = {name: our_weights(self.found.get(name, "")) for name in ("prompt", "negative")}
        prompts = {name: text for name, text in told.items() if text and text != self.found[name]}
        return Reading({**words.here, **prompts}, words.differs)

    def to_json_dict(self) -> dict[str, Any]:
        """Plain JSON values under the field names, and those of `in_our_words`."""
        words = self.in_our_words()
        return {
            "format": self.format,
            "size": list(self.size),
            "source": self.source,
            "recipe": None if self.recipe is None else self.recipe.to_json_dict(),
            "found": dict(self.found),
            "here": dict(words.here),
            "differs": dict(words.differs),
        }


def read_metadata(path: Path | str) -> Metadata:
    """The recipe or the other program's settings in a PNG, JPEG or WebP file, or the recipe in an SVG.

    Its pixels are decoded only if it has an alpha channel and no text says anything: NovelAI hides its text there.
    Raises `InvalidFile` for anything unreadable, damaged, too large, or with a broken recipe of ours.
    """
    path = Path(path)
    if (drawing := read_drawing(path)) is not None:
        recipe = None if drawing.recipe is None else _recipe(path, drawing.recipe)
        return Metadata("SVG", drawing.size, None if recipe is None else "mezzotint", recipe, {})
    with _opened(path) as (stream, kind):
        if kind != "PNG":
            size, ours, comment = _exif_texts(path, stream, kind)
            if ours is not None:
                return Metadata(kind, size, "mezzotint", _recipe(path, ours), {})
            return _told(kind, size, _texts_in(comment))
        try:
            png = read_png_text(stream)
        except BrokenChunk as error:
            _refuse(path, str(error))
    _check_size(path, png.size)
    recipes = [text for keyword, text in png.texts if keyword == RECIPE_KEYWORD]
    if len(recipes) > 1:
        _refuse(path, f"has {len(recipes)} recipes, so none of them can be trusted")
    if recipes:
        return Metadata("PNG", png.size, "mezzotint", _recipe(path, recipes[0]), {})
    found = _told("PNG", png.size, dict(png.texts))
    return found if found.source is not None else _hidden(path, found)


def read_drawing(path: Path | str) -> SvgFacts | None:
    """What an SVG says about itself; None if the file begins like no SVG, or cannot be read, which others say.

    Raises `InvalidFile` for a damaged or too large SVG.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            if not looks_like_svg(head := stream.read(1024)):
                return None
            data = head + stream.read(MAX_SVG_BYTES)
    except (OSError, ValueError):
        return None
    try:
        return read_svg(data)
    except BrokenSvg as error:
        _refuse(path, str(error))


def read_texts(path: Path | str) -> tuple[tuple[str, str], ...]:
    """The text chunks of a PNG as (keyword, text), in the order of the file; none of a JPEG or WebP file, or an SVG.

    Raises `InvalidFile` as `read_metadata` does.
    """
    path = Path(path)
    if read_drawing(path) is not None:
        return ()
    with _opened(path) as (stream, kind):
        try:
            return read_png_text(stream).texts if kind == "PNG" else ()
        except BrokenChunk as error:
            _refuse(path, str(error))


def _told(kind: Format, size: tuple[int, int], texts: Mapping[str, str]) -> Metadata:
    """What the texts of another program's file say."""
    if found := _found_in_infotext(texts.get(INFOTEXT_KEYWORD, "")):
        source: Source = "civitai" if RESOURCES in found else "a1111"
        return Metadata(kind, size, source, None, found)
    readers: tuple[tuple[Source, dict[str, str]], ...] = (
        ("invokeai", read_invokeai(texts)),
        ("novelai", read_novelai(texts)),
        ("civitai", read_extra(texts)),
        ("comfyui", read_graph(texts.get("prompt", ""))),
    )
    for program, found in readers:
        if found:
            return Metadata(kind, size, program, None, found)
    return Metadata(kind, size, None, None, {})


def _texts_in(comment: str) -> dict[str, str]:
    """The texts of programs that put all of them into one place as a JSON object; what is none is A1111's text."""
    if not (values := object_of(comment)):
        return {INFOTEXT_KEYWORD: comment}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def _hidden(path: Path, plain: Metadata) -> Metadata:
    """What is hidden in the alpha channel of a file whose texts say nothing; `plain` if there is nothing."""
    width, height = plain.size
    if width * height > MAX_HIDDEN:
        return plain
    with path.open("rb") as stream:
        try:
            with Image.open(stream, formats=["PNG"]) as image:
                text = hidden_text(image) if image.mode in ("RGBA", "LA") else ""
        except Exception:  # decoders of hostile bytes raise nearly every type there is; the texts were read
            return plain
    found = _told(plain.format, plain.size, _texts_in(text))
    return found


def read_picture(path: Path | str, *, upright: bool = False) -> Image.Image:
    """The pixels of a PNG, JPEG or WebP file as RGBA with straight alpha; of an animation the first frame.

    It has nothing else of the file: no EXIF, XMP, comment or profile of colours. upright: as it is meant to be seen,
    turned as the EXIF says, or as it lies where that cannot be read, and in sRGB by its profile (`in_srgb`).
    Raises `InvalidFile` for anything unreadable, damaged or larger than `MAX_PIXELS`.
    """
    path = Path(path)
    with _opened(path) as (stream, kind):
        if kind == "PNG":  # Pillow would decompress the text before it tells the size
            try:
                _check_size(path, read_png_text(stream).size)
            except BrokenChunk as error:
                _refuse(path, str(error))
        with _pillow(path, stream, kind) as image:
            picture = in_srgb(image) if upright else image.convert("RGBA")
    if upright:
        turn_upright(picture)
    picture.info = {}
    return picture


def picture_count(path: Path | str) -> int:
    """How many pictures a PNG, JPEG or WebP file shows one after the other, counted without decoding any.

    A JPEG is one: what some cameras put behind it, such as a depth map, is no animation. Raises `InvalidFile`.
    """
    path = Path(path)
    with _opened(path) as (stream, kind):
        try:
            return read_png_text(stream).pictures if kind == "PNG" else webp_pictures(stream) if kind == "WEBP" else 1
        except BrokenChunk as error:
            _refuse(path, str(error))


def read_inputs(path: Path | str) -> dict[str, Image.Image]:
    """The pictures that a PNG holds as what it was made from, RGBA, by the digests of their pixels; none of others.

    Raises `InvalidFile` for what is damaged, or larger altogether than `MAX_PIXELS`.
    """
    path, found, pixels = Path(path), dict[str, Image.Image](), 0
    if read_drawing(path) is not None:
        return found
    try:
        with _opened(path) as (stream, kind):
            parts = read_png_inputs(stream) if kind == "PNG" else ()
        for part in parts:
            if not part.startswith(SIGNATURE):
                _refuse(path, "holds what is no picture as one that it was made from")
            inside = io.BytesIO(part)
            inside.seek(len(SIGNATURE))
            width, height = read_png_text(inside).size
            pixels += width * height
            _check_size(path, (width, height) if pixels <= MAX_PIXELS else (pixels, 1))
            with _pillow(path, inside, "PNG") as image:
                picture = image.convert("RGBA")
            picture.info = {}
            found[pixel_sha256(picture)] = picture
    except BrokenChunk as error:
        _refuse(path, str(error))
    return found


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, Format]]:
    """The file, behind its first bytes, and the format that these bytes (not the suffix) say."""
    if path.is_dir():
        _refuse(path, "is a folder, not a picture")
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        raise InvalidFile(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InvalidFile(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}).") from error
    with stream:
        if stream.seek(0, 2) > MAX_FILE_BYTES:
            _refuse(path, f"is larger than {MAX_FILE_BYTES // 2**20} MiB")
        stream.seek(0)
        head = stream.read(12)
        if head.startswith(SIGNATURE):
            stream.seek(len(SIGNATURE))
            yield stream, "PNG"
        elif head.startswith(b"\xff\xd8\xff"):
            yield stream, "JPEG"
        elif head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            yield stream, "WEBP"
        else:
            _refuse(path, "is not a PNG, JPEG or WebP picture")


@contextmanager
def _pillow(path: Path, stream: BinaryIO, kind: Format) -> Iterator[Image.Image]:
    """The picture through that one decoder of Pillow; whatever it raises becomes `InvalidFile`."""
    stream.seek(0)
    try:
        with Image.open(stream, formats=[kind]) as image:
            _check_size(path, image.size)
            yield image
    except InvalidFile:
        raise
    except Exception as error:  # decoders of hostile bytes raise nearly every type there is
        raise InvalidFile(f"{path} is a damaged {kind} picture ({type(error).__name__}).") from error


def _check_size(path: Path, size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        _refuse(path, f"is {width}x{height} pixels large, and at most {MAX_PIXELS} pixels are read")
    if width * height == 0:
        _refuse(path, f"is {width}x{height} pixels large, so there is nothing to see")


def _recipe(path: Path, text: str) -> Recipe:
    try:
        return Recipe.from_json_dict(json.loads(text, parse_constant=_no_constant))
    except InvalidOption as error:
        raise InvalidFile(f"{path} has a recipe that cannot be used: {error}") from error
    except (ValueError, RecursionError):
        raise InvalidFile(f"{path} has a recipe that is not JSON.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _found_in_infotext(text: str) -> dict[str, str]:
    """The fields of an A1111 text under our names; empty if it has no pairs, so is some other text."""
    rest, values = take_json(text)
    info = parse_infotext(rest)
    if not info.pairs:
        return {}
    found = with_resources({OPTION_NAMES.get(key, key): value for key, value in info.pairs.items()}, values)
    if "Size-1" in found and "Size-2" in found:
        found["size"] = f"{found.pop('Size-1')}x{found.pop('Size-2')}"
    return {**found, "prompt": info.prompt, "negative": info.negative}


def _exif_texts(path: Path, stream: BinaryIO, kind: Format) -> tuple[tuple[int, int], str | None, str]:
    """Size, our recipe in EXIF's ImageDescription, and its UserComment, where A1111 puts its text, or ""."""
    with _pillow(path, stream, kind) as image:
        size = image.size
        try:
            exif = image.getexif()
            comment, described = exif.get_ifd(EXIF_IFD).get(USER_COMMENT, b""), exif.get(DESCRIPTION)
        except Exception:  # as above: a damaged EXIF says nothing
            return size, None, ""
    text = described if isinstance(described, str) else ""
    ours = text.removeprefix(RECIPE_MARK) if text.startswith(RECIPE_MARK) else None
    return size, ours, _comment(comment)


def _comment(comment: object) -> str:
    """The text of a UserComment."""
    if isinstance(comment, str):
        return comment
    if not isinstance(comment, bytes):
        return ""
    code, text = comment[:8], comment[8:]
    if code == b"UNICODE\0":  # EXIF leaves the byte order open: big-endian is usual
        decoded = text.decode("utf-16-be", "replace")
        return decoded if "Steps: " in decoded or decoded.startswith("{") else text.decode("utf-16-le", "replace")
    return text.decode("utf-8", "replace")


def _refuse(path: Path, why: str) -> NoReturn:
    raise InvalidFile(f"{path} {why}.")
