"""Reading a folder of pictures with captions, safely: by magic bytes, within a size limit, three formats only."""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from mezzotint.errors import InvalidFile
from mezzotint.provenance.upright import turn_upright

__all__ = ["MOST_PIXELS", "Entry", "captioned_files", "open_picture", "picture_format"]

MOST_PIXELS = 50_000_000  # a larger picture is refused before it is decoded
_SUFFIXES = frozenset(
    (
        ".avif", ".bmp", ".gif", ".heic", ".heif", ".ico", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".png", ".psd",
        ".svg", ".tga", ".tif", ".tiff", ".webp",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of a folder: its path, name relative to the folder, captions, and what the metadata says of it."""

    path: Path
    name: str
    captions: tuple[str, ...]
    concept: str = ""
    style: str | None = None
    licence: str = ""
    author: str = ""


def picture_format(path: Path) -> str | None:
    """ "PNG", "JPEG" or "WEBP" by the first bytes of the file, None for anything else. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(12)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    return "WEBP" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


@contextmanager
def open_picture(path: Path) -> Iterator[Image.Image]:
    """The decoded picture, upright as its EXIF says.

    Raises InvalidFile if it is no PNG, JPEG or WEBP, too large, or broken anywhere.
    """
    try:
        kind = picture_format(path)
        if kind is None:
            raise InvalidFile(f"The picture {path} is not a PNG, JPEG or WEBP file; convert it.")
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path, formats=(kind,))
        with image:
            if image.width * image.height > MOST_PIXELS:
                raise _too_large(path, f"{image.width} x {image.height}")
            image.load()
            turn_upright(image)
            yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(path, "more") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise InvalidFile(f"The picture {path} cannot be read ({error}); replace or remove it.") from error


def _too_large(path: Path, given: str) -> InvalidFile:
    return InvalidFile(f"The picture {path} has {given} pixels, but at most {MOST_PIXELS:,} are read; scale it down.")


def captioned_files(folder: Path) -> list[Entry]:
    """All pictures of a folder and its subfolders, sorted by name, with the captions that belong to them.

    A file counts as a picture by its suffix or its first bytes. Captions come from `metadata.jsonl` in the folder
    (`file_name` and `text`, a string or a list), else from a `.txt` beside the picture, one a line; a picture without
    any has none. Raises InvalidFile if the folder or its metadata cannot be read, or it names a file that is not there.
    """
    if not folder.is_dir():
        raise InvalidFile(f"There is no folder {folder}; give a folder with pictures and captions.")
    metadata = _metadata(folder)
    entries = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")):
        name = path.relative_to(folder).as_posix()
        if name not in metadata and not _is_picture(path):
            continue
        row = metadata.pop(name, {})
        captions = _texts(row) or _sidecar(path)
        said = {key: str(row[key]) for key in ("concept", "licence", "author") if row.get(key)}
        entries.append(Entry(path, name, captions, style=str(row["style"]) if row.get("style") else None, **said))
    if metadata:
        raise InvalidFile(f"metadata.jsonl in {folder} names {next(iter(metadata))}, which is not there; correct it.")
    return entries


def _is_picture(path: Path) -> bool:
    try:
        return path.suffix.lower() in _SUFFIXES or picture_format(path) is not None
    except OSError:
        return False


def _metadata(folder: Path) -> dict[str, Mapping[str, Any]]:
    path = folder / "metadata.jsonl"
    if not path.is_file():
        return {}
    rows: dict[str, Mapping[str, Any]] = {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(f"The metadata {path} cannot be read ({error}); it must be UTF-8 text.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows[Path(row["file_name"]).as_posix()] = {**row, "text": _strings(row.get("text"))}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidFile(
                f'Line {number} of {path} is not an object with "file_name" and "text", which is a string or a list of '
                "strings; correct it."
            ) from error
    return rows


def _strings(text: Any) -> list[str]:
    """A row's "text" as a list; empty if there is none. Raises TypeError for what is no text."""
    lines = [] if text is None else [text] if isinstance(text, str) else text
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise TypeError
    return lines


def _texts(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(" ".join(line.split()) for line in row.get("text", ()) if line.strip())


def _sidecar(path: Path) -> tuple[str, ...]:
    beside = path.with_suffix(".txt")
    try:
        lines = beside.read_text("utf-8").splitlines() if beside.is_file() else []
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(f"The caption {beside} cannot be read ({error}); it must be UTF-8 text.") from error
    return tuple(" ".join(line.split()) for line in lines if line.strip())
