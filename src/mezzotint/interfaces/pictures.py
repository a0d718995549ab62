"""Where pictures go: names for files, and files that never take the place of another picture."""

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mezzotint.errors import InvalidOption, OutOfSpace

if TYPE_CHECKING:
    from PIL.Image import Image

    from mezzotint.interfaces.vector.document import Vector
    from mezzotint.recipe import Recipe

DEFAULT_FOLDER = Path("mezzotint-out")
RASTER = {".png": ("PNG", ".png"), ".webp": ("WebP", ".webp"), ".jpg": ("JPEG", ".jpg"), ".jpeg": ("JPEG", ".jpg")}
"""The ends of files that pictures are written as, with the format and its usual end."""
OURS = ".png, .webp, .jpg or .svg"
ENDING = re.compile(r"\.([a-z]{1,5}|jp2|mp[34])")
"""What names of files end in; `v1.5`, `of.2026` and `run.v2` are names of folders."""
LONGEST_SLUG = 40


def slug(prompt: str) -> str:
    """A prompt as a part of a file's name: lower-case letters and digits of any script, with single hyphens."""
    folded = unicodedata.normalize("NFC", prompt).lower()
    words = "".join(c if c.isalnum() else " " for c in folded).split()
    name = ""
    for word in words:
        longer = f"{name}-{word}" if name else word[:LONGEST_SLUG]
        if len(longer) > LONGEST_SLUG:
            break
        name = longer
    return name or "picture"


@dataclass(frozen=True)
class Written:
    """What pictures are written as, where both are possible. kind: "png", "svg", or None if only `--out` says; colours:
    how many an SVG has at most, None for as many as it needs."""

    kind: str | None = None
    colours: Any = None

    def ends_in(self, out: str | None) -> str:
        """The usual end of what an `--out` says. Raises InvalidOption if it does not fit, MissingDependency."""
        suffix = _ending(out)
        told = suffix if suffix == ".svg" else RASTER[suffix][1] if suffix in RASTER else ""
        if told and self.kind not in (None, told[1:]):
            raise InvalidOption(
                f"out is {out}, and format is {self.kind}; give a file that ends in .{self.kind}, or no --format."
            )
        if (ends := told or f".{self.kind or 'png'}") != ".svg":
            if self.colours is not None:
                written = RASTER[ends][0]
                raise InvalidOption(f"svg-colours is {self.colours}, but {written} is written; give --format svg too.")
            return ends
        from mezzotint.interfaces.vector.document import check_colours
        from mezzotint.interfaces.vector.trace import require_vtracer

        check_colours(self.colours)
        require_vtracer()
        return ".svg"


@dataclass(frozen=True)
class Saved:
    """A picture on disk, and what there is to say of it if it is an SVG."""

    path: Path
    vector: "Vector | None" = None


def check_apart(to: "Destination", read: Iterable[Path]) -> None:
    """Raises InvalidOption if a picture would take the place of one that it is drawn from: then none could draw it
    again."""
    for file in read:
        if to.file is not None and to.file.exists() and to.file.samefile(file):
            raise InvalidOption(f"out is {to.file}, which the picture is drawn from; choose another name.")


@dataclass(frozen=True)
class Destination:
    """A file for one picture, or a folder in which each picture has a name of its own.

    suffix: .png, .webp (without loss), .jpg (on white) or .svg; colours: how many an SVG has at most; inputs: pictures
    as PNG by the digests of their pixels, of which a PNG holds those that its recipe names.
    """

    folder: Path
    file: Path | None = None
    suffix: str = ".png"
    colours: int | None = None
    inputs: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, out: str | None, n: int, written: Written | None = None) -> "Destination":
        """From `--out`; written: what else may be written than PNG. Raises InvalidOption if it does not fit the number
        of pictures or what is written, MissingDependency for an SVG without vtracer."""
        ends = _ending(out)
        if written is not None and (suffix := written.ends_in(out)) == ".svg":
            path = Path(DEFAULT_FOLDER if out is None else out)
            if ends != suffix and (ends or path.is_file()):
                raise InvalidOption(f"out is {path}, and SVG is written; give a file that ends in .svg, or a folder.")
            if ends != suffix:
                return replace(cls.of(out, n), suffix=suffix, colours=written.colours)
            _one_file(path, n)
            return cls(path.parent, path, suffix, written.colours)
        if out is None:
            return cls(DEFAULT_FOLDER)
        path = Path(out)
        if not out.strip() or "\0" in out:
            raise InvalidOption(f"out is {out!r}; it must be a file that ends in .png, or a folder.")
        if path.is_dir():
            return cls(path)
        if written is not None and ends in RASTER:
            _one_file(path, n)
            return cls(path.parent, path, RASTER[ends][1])
        if path.exists() and ends != ".png":
            raise InvalidOption(f"{path} is a file; give one that ends in .png, or a folder.")
        if ends not in ("", ".png"):
            ours = ".png" if written is None else OURS
            raise InvalidOption(
                f"{path} does not end in {ours}, which is what pictures are written as; for a folder of that name give "
                f"{path}{os.sep}."
            )
        if ends != ".png":
            return cls(path)
        _one_file(path, n)
        return cls(path.parent, path)

    def save(self, image: "Image", recipe: "Recipe") -> Path:
        """Write a picture with its recipe and return its path. Raises OutOfSpace."""
        return self.write(image, recipe).path

    def write(self, image: "Image", recipe: "Recipe") -> Saved:
        """The same, and what there is to say of an SVG."""
        from mezzotint.provenance.files import write_atomically

        vector = None
        if self.suffix == ".svg":
            from mezzotint.interfaces.vector.document import vectorise

            vector = vectorise(image, self.colours, recipe)
        data = self._encoded(image, recipe) if vector is None else vector.text.encode()
        make_folder(self.folder)
        path = self.file or self._free(f"{slug(recipe.request.asked)}-{recipe.request.seed}", data)
        write_atomically(path, data)
        return Saved(path, vector)

    def _encoded(self, image: "Image", recipe: "Recipe") -> bytes:
        from mezzotint.provenance.jpeg import jpeg_bytes
        from mezzotint.provenance.png import png_bytes
        from mezzotint.provenance.webp import webp_bytes

        if self.inputs and self.suffix == ".png":
            from mezzotint.interfaces.keeping import names_of

            kept = dict.fromkeys(names_of(recipe.request).values())
            return png_bytes(image, recipe, (self.inputs[digest] for digest in kept if digest in self.inputs))
        return {".png": png_bytes, ".webp": webp_bytes, ".jpg": jpeg_bytes}[self.suffix](image, recipe)

    def _free(self, stem: str, data: bytes) -> Path:
        """`stem.png`, or `stem-2.png` and so on if another picture has that name; the same bytes may come again."""
        path, count = self.folder / f"{stem}{self.suffix}", 1
        while path.exists() and not (path.is_file() and path.read_bytes() == data):
            count += 1
            path = self.folder / f"{stem}-{count}{self.suffix}"
        return path


def _ending(out: str | None) -> str:
    """What a file's name ends in, in lower case; "" for a folder: one that is there, a name with a / behind it, or one
    that does not end as names of files do."""
    if out is None or out.endswith(("/", os.sep)) or Path(out).is_dir():
        return ""
    suffix = Path(out).suffix.lower()
    return suffix if ENDING.fullmatch(suffix) else ""


def _one_file(path: Path, n: int) -> None:
    if n > 1:
        raise InvalidOption(f"{path} is one file for {n} pictures; give a folder, and each picture gets its own name.")


def make_folder(folder: Path) -> None:
    """The folder and those above it, if they are not there. Raises OutOfSpace if that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise InvalidOption(f"{folder} is a file, not a folder; choose another name.") from None
    except OSError as error:
        raise OutOfSpace(f"The folder {folder} cannot be made ({error.strerror}); choose another with --out.") from None
