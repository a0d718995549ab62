"""Where pictures go: names for files, and files that never take the place of another picture."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mezzotint.errors import InvalidOption, OutOfSpace

if TYPE_CHECKING:
    from PIL.Image import Image

    from mezzotint.recipe import Recipe

DEFAULT_FOLDER = Path("mezzotint-out")
NOT_OURS = {".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jxl", ".svg"}
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
class Destination:
    """A file for one picture, or a folder in which each picture has a name of its own."""

    folder: Path
    file: Path | None = None

    @classmethod
    def of(cls, out: str | None, n: int) -> "Destination":
        """From `--out`. Raises InvalidOption if it does not fit the number of pictures or is no PNG."""
        if out is None:
            return cls(DEFAULT_FOLDER)
        path = Path(out)
        if not out.strip() or "\0" in out:
            raise InvalidOption(f"out is {out!r}; it must be a file that ends in .png, or a folder.")
        if path.is_dir():
            return cls(path)
        if path.exists() and path.suffix.lower() != ".png":
            raise InvalidOption(f"{path} is a file; give one that ends in .png, or a folder.")
        if path.suffix.lower() in NOT_OURS:
            raise InvalidOption(f"{path} does not end in .png; pictures are written as PNG, which can carry a recipe.")
        if path.suffix.lower() != ".png":
            return cls(path)
        if n > 1:
            raise InvalidOption(
                f"{path} is one file for {n} pictures; give a folder, and each picture gets its own name."
            )
        return cls(path.parent, path)

    def save(self, image: "Image", recipe: "Recipe") -> Path:
        """Write a picture with its recipe and return its path. Raises OutOfSpace."""
        from mezzotint.provenance.files import write_atomically
        from mezzotint.provenance.png import png_bytes

        data = png_bytes(image, recipe)
        make_folder(self.folder)
        path = self.file or self._free(f"{slug(recipe.request.prompt)}-{recipe.request.seed}", data)
        write_atomically(path, data)
        return path

    def _free(self, stem: str, data: bytes) -> Path:
        """`stem.png`, or `stem-2.png` and so on if another picture has that name; the same bytes may come again."""
        path, count = self.folder / f"{stem}.png", 1
        while path.exists() and not (path.is_file() and path.read_bytes() == data):
            count += 1
            path = self.folder / f"{stem}-{count}.png"
        return path


def make_folder(folder: Path) -> None:
    """The folder and those above it, if they are not there. Raises OutOfSpace if that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise InvalidOption(f"{folder} is a file, not a folder; choose another name.") from None
    except OSError as error:
        raise OutOfSpace(f"The folder {folder} cannot be made ({error.strerror}); choose another with --out.") from None
