"""The built data sets and fonts in one file, for a machine that cannot fetch and draw them: lossless, and checked."""

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image

from mezzotint.data.manifest import read_manifest
from mezzotint.data.pixels import Bytes
from mezzotint.data.scenes.typefaces import FAMILIES, font_files
from mezzotint.data.sources import IconSource
from mezzotint.data.staging import PictureWriter, staged_folder
from mezzotint.errors import InvalidFile, MezzotintError, OutOfSpace

__all__ = ["VERSION", "read_bundle", "write_bundle"]

VERSION = 1
CONTENTS = "bundle.json"
DOCUMENTS = ("summary.json", "ATTRIBUTION.md", "manifest.jsonl")
FONTS = "fonts"
_PIXELS = 64**3
"""Pixels of a strip of pictures: 64 of 64×64, which WebP stores in less than one by one."""
_LARGEST = 1 << 28
"""Bytes that no file in a bundle exceeds."""
_LONGEST = 16_383
"""The longest side of a WebP picture."""
Progress = Callable[[int, int], None]
"""Told (done, total) pictures."""


def write_bundle(path: Path, sets: Mapping[str, Path], fonts: Path | None, progress: Progress | None = None) -> None:
    """Write built sets (name -> folder) and the fonts of a `node_modules` folder into the zip file `path`.

    Pictures are lossless WebP. Raises InvalidFile if a set or font cannot be read, OutOfSpace if the file cannot be
    written; then no file is left, or the earlier one.
    """
    loaded = {name: IconSource(folder, name).load(_size(folder, name)) for name, folder in sets.items()}
    total, done = sum(len(pictures) for pictures in loaded.values()), 0
    with _staged_file(path) as staging, zipfile.ZipFile(staging, "w", zipfile.ZIP_LZMA) as archive:
        contents = {"version": VERSION, "sets": list(sets), "fonts": fonts is not None}
        archive.writestr(CONTENTS, json.dumps(contents, indent=2))
        for name, pictures in loaded.items():
            for document in DOCUMENTS:
                archive.write(sets[name] / document, f"{name}/{document}")
            for number, strip in enumerate(_strips(pictures.pictures)):
                archive.writestr(_strip(name, number), _webp(strip), zipfile.ZIP_STORED)
                done += len(strip)
                if progress is not None:
                    progress(done, total)
        if fonts is not None:
            font_files(fonts, FAMILIES)
            for part in _font_parts():
                archive.write(fonts / part, f"{FONTS}/{part}")


def read_bundle(path: Path, sets: Mapping[str, Path], fonts: Path, progress: Progress | None = None) -> list[str]:
    """Lay what a bundle holds where it belongs: sets into these folders (name -> folder), fonts into a `node_modules`
    folder. Returns the names of what was laid, "fonts" among them.

    Every picture is checked against the SHA-256 in its manifest, every font against the pinned one. Raises InvalidFile
    if the file is no bundle, or damaged, OutOfSpace if a folder cannot be written; a folder is replaced as a whole or
    stays as it was.
    """
    with _opened(path) as archive:
        contents = json.loads(archive.read(CONTENTS))
        if contents["version"] != VERSION or not set(contents["sets"]) <= sets.keys():
            raise InvalidFile(f"{path} was written by another version of Mezzotint, and cannot be read by this one.")
        total, done = sum(_entries(archive, name) for name in contents["sets"]), 0
        for name in contents["sets"]:
            with staged_folder(sets[name]) as staged:
                for document in DOCUMENTS:
                    (staged / document).write_bytes(archive.read(f"{name}/{document}"))
                for count in _unpacked(archive, name, staged):
                    done += count
                    if progress is not None:
                        progress(done, total)
        if contents["fonts"]:
            _lay_fonts(archive, fonts)
    return [*contents["sets"], *([FONTS] if contents["fonts"] else [])]


def _size(folder: Path, name: str) -> int:
    try:
        return int(json.loads((folder / "summary.json").read_text("utf-8"))["size"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InvalidFile(f"There is no data set in {folder}; build it with `mezzotint data build {name}`.") from None


@contextmanager
def _staged_file(path: Path) -> Iterator[Path]:
    """A file beside `path` to write; it takes its place when the block ends well, and vanishes when it does not."""
    staging: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        os.close(handle)
        staging = Path(name)
        yield staging
        staging.chmod(0o644)
        staging.replace(path)
    except OSError as error:
        raise OutOfSpace(
            f"The bundle cannot be written to {path} ({error.strerror or error}); free space or choose another place."
        ) from error
    finally:
        if staging is not None:
            staging.unlink(missing_ok=True)


def _strips(pictures: Bytes) -> Iterator[Bytes]:
    side = pictures.shape[1]
    together = max(1, min(_PIXELS // side**2, _LONGEST // side))
    for first in range(0, len(pictures), together):
        yield np.ascontiguousarray(pictures[first : first + together])


def _strip(name: str, number: int) -> str:
    return f"{name}/pictures/{number:06d}.webp"


def _webp(strip: Bytes) -> bytes:
    """Pictures (n, size, size, 4) below each other. exact: colours under no alpha are kept too."""
    file = io.BytesIO()
    image = Image.fromarray(strip.reshape(-1, *strip.shape[2:]))
    image.save(file, "WEBP", lossless=True, quality=100, method=4, exact=True)
    return file.getvalue()


def _font_parts() -> Iterator[str]:
    """What of a `node_modules` folder is needed for the fonts."""
    for family in FAMILIES:
        yield f"{family.package}/{family.file}"
        yield f"{family.package}/package.json"


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            if any(entry.file_size > _LARGEST for entry in archive.infolist()):
                raise InvalidFile(
                    f"{path} holds a file of more than {_LARGEST >> 20} MiB; a bundle has none, so it is refused."
                )
            yield archive
    except FileNotFoundError as error:
        raise InvalidFile(f"There is no file {path}; give one that `mezzotint data bundle` wrote.") from error
    except MezzotintError:
        raise
    except Exception as error:  # a stranger's file: whatever its bytes make the readers raise, it is no bundle
        raise InvalidFile(f"{path} is no bundle of data sets, or is damaged ({error}); bundle them again.") from error


def _entries(archive: zipfile.ZipFile, name: str) -> int:
    return archive.read(f"{name}/manifest.jsonl").count(b"\n")


def _unpacked(archive: zipfile.ZipFile, name: str, folder: Path) -> Iterator[int]:
    """Write the pictures into a folder that has their manifest and summary; yields how many at a time."""
    size, records = _size(folder, name), read_manifest(folder / "manifest.jsonl")
    done = number = 0
    with PictureWriter(folder / f"pictures-{size}.npy", size) as writer:
        while done < len(records):
            strip = _pictures(archive.read(_strip(name, number)), size)
            for record, picture in zip(records[done : done + len(strip)], strip, strict=True):
                if sha256(picture.tobytes()).hexdigest() != record.sha256:
                    raise InvalidFile(
                        f"The picture {record.id} is not the one that was bundled; bundle the sets again."
                    )
                writer.append(picture)
            done, number = done + len(strip), number + 1
            yield len(strip)


def _pictures(content: bytes, size: int) -> Bytes:
    """The pictures of a strip. Raises ValueError if it is none."""
    try:
        with Image.open(io.BytesIO(content), formats=("WEBP",)) as image:
            if image.width != size or image.height % size or image.width * image.height > max(_PIXELS, size**2):
                raise ValueError(f"a strip of pictures has {image.width}x{image.height} pixels")
            return np.asarray(image.convert("RGBA"), dtype=np.uint8).reshape(-1, size, size, 4)
    except OSError as error:  # not one of writing
        raise ValueError("a strip of pictures cannot be read") from error


def _lay_fonts(archive: zipfile.ZipFile, modules: Path) -> None:
    """Write the font packages, and check that they are the pinned ones. What else the bundle has there stays there."""
    with staged_folder(modules) as staged:
        for part in _font_parts():
            target = staged / part
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(f"{FONTS}/{part}"))
        font_files(staged, FAMILIES)
