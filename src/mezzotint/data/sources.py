"""Where training pictures come from: a built icon set, or any folder of captioned pictures, behind one interface."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mezzotint.data.concepts import concept_key
from mezzotint.data.draws import fraction
from mezzotint.data.folder import Entry, captioned_files, open_picture
from mezzotint.data.manifest import Record, digest, read_manifest
from mezzotint.data.pixels import Bytes, fit
from mezzotint.errors import InvalidFile, InvalidOption

__all__ = ["FolderSource", "IconSource", "PictureSet", "Record", "Source", "styles_of"]


@dataclass(frozen=True)
class PictureSet:
    """Pictures with their records: `pictures[i]`, uint8 (H, W, 4), premultiplied RGBA, belongs to `records[i]`.

    The array may be memory-mapped. digest: SHA-256 of the content; root: the folder it came from.
    """

    pictures: Bytes
    records: Sequence[Record]
    digest: str
    root: Path | None = None

    def __len__(self) -> int:
        return len(self.records)

    def split(self, name: str) -> npt.NDArray[np.int64]:
        """Indices of the rows of one split, "train" or "heldout", rising. Raises InvalidOption for another name."""
        if name not in ("train", "heldout"):
            raise InvalidOption(f"There is no split called {name!r}; it must be train or heldout.")
        return np.array([i for i, record in enumerate(self.records) if record.split == name], dtype=np.int64)

    @property
    def styles(self) -> tuple[str, ...]:
        """The drawing styles, sorted."""
        return tuple(sorted({record.style for record in self.records if record.style}))


def styles_of(*sets: PictureSet) -> tuple[str, ...]:
    """The drawing styles of several sets, sorted."""
    return tuple(sorted({style for pictures in sets for style in pictures.styles}))


class Source(Protocol):
    """Something that gives pictures of one size with captions."""

    def load(self, size: int) -> PictureSet:
        """All pictures at `size` by `size` pixels."""
        ...


@dataclass(frozen=True)
class IconSource:
    """A folder made by `mezzotint.data.icons.build` or `mezzotint.data.avatars.build_avatars`.

    name: what `mezzotint data build` calls the set, for messages.
    """

    folder: Path
    name: str = "icons"

    def load(self, size: int) -> PictureSet:
        """Map the pictures of that size into memory.

        Raises InvalidFile if they are missing, unreadable, or do not fit the manifest.
        """
        path = self.folder / f"pictures-{size}.npy"
        if not path.is_file():
            raise InvalidFile(
                f"There are no pictures of size {size} in {self.folder}; "
                f"build them with `mezzotint data build {self.name} --size {size}`."
            )
        records = read_manifest(self.folder / "manifest.jsonl")
        try:
            pictures = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InvalidFile(f"The pictures {path} cannot be read ({error}); build the data again.") from error
        if pictures.dtype != np.uint8 or pictures.shape != (len(records), size, size, 4):
            raise InvalidFile(
                f"The pictures {path} have shape {pictures.shape}, but the manifest has {len(records)} records; "
                "build the data again."
            )
        return PictureSet(pictures, records, digest(records), self.folder)


@dataclass(frozen=True)
class FolderSource:
    """A folder of pictures (PNG, JPEG, WEBP) with captions in `NAME.txt` beside each, or all in `metadata.jsonl`.

    A text file has one caption a line. `metadata.jsonl` has one object a line with `file_name` and `text` (a string or
    a list of strings), and optionally `style`, `concept`, `licence`, `author`. Of the concepts (by default: the first
    caption, see `concept_key`) the part `held_out` is held out, chosen by hash.
    """

    folder: Path
    held_out: float = 0.04

    def load(self, size: int) -> PictureSet:
        """Read all pictures, each fitted onto a transparent square.

        Raises InvalidFile naming the first picture that is broken or has no caption, or if there is no picture.
        """
        pictures, records = [], []
        for entry in captioned_files(self.folder):
            if not entry.captions:
                raise InvalidFile(
                    f"The picture {entry.path} has no caption; write one into {entry.path.stem}.txt beside it."
                )
            with open_picture(entry.path) as image:
                pictures.append(fit(image, size))
            records.append(self._record(entry, pictures[-1]))
        if not pictures:
            raise InvalidFile(f"The folder {self.folder} has no pictures; PNG, JPEG and WEBP files are read.")
        return PictureSet(np.stack(pictures), records, digest(records), self.folder)

    def _record(self, entry: Entry, picture: Bytes) -> Record:
        concept = concept_key(entry.concept or entry.captions[0]) or entry.captions[0]
        held = fraction("held out", concept) < self.held_out
        return Record(
            id=entry.name,
            captions=entry.captions,
            style=entry.style,
            split="heldout" if held else "train",
            concept=concept,
            sha256=sha256(picture.tobytes()).hexdigest(),
            name=entry.captions[0],
            licence=entry.licence,
            author=entry.author,
        )
