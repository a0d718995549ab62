"""What a word is taught from: a small folder of pictures, refused before training if nothing good can come of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mezzotint.conditioning.text import TextConditioner
from mezzotint.data.captions import article
from mezzotint.data.folder import Entry, captioned_files, open_picture
from mezzotint.data.order import epoch_order
from mezzotint.data.pixels import fit
from mezzotint.errors import InvalidFile, InvalidOption

__all__ = ["Examples", "Lesson", "check_word", "read_lesson"]

FEWEST = 3
"""Pictures without which a word is not taught."""
HELD_FROM, HELD_PART = 6, 5
"""From so many pictures on, one in so many is held out."""
WORD = re.compile(r"[^\W_]+(-[^\W_]+)*")
LONGEST = 30


@dataclass(frozen=True)
class Examples:
    """Pictures uint8 (N, H, W, 4), premultiplied RGBA, each with captions and perhaps a drawing style."""

    pictures: Tensor
    captions: tuple[tuple[str, ...], ...]
    styles: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.captions)

    def some(self, rows: Sequence[int]) -> "Examples":
        """Those of these rows."""
        captions = tuple(self.captions[row] for row in rows)
        return Examples(self.pictures[list(rows)], captions, tuple(self.styles[row] for row in rows))


@dataclass(frozen=True)
class Lesson:
    """What is taught, and what it is measured on; sha256: of all pictures, at the model's size."""

    word: str
    taught: Examples
    held: Examples
    sha256: tuple[str, ...]


def check_word(word: str, text: TextConditioner) -> str:
    """The word in lower case. Raises `InvalidOption` for what is no single word, or cannot be read by the model."""
    if not WORD.fullmatch(word) or len(word) > LONGEST:
        raise InvalidOption(
            f"word is {word!r}; it must be one word of at most {LONGEST} letters and digits, such as zorp."
        )
    report = text.report(word.lower())
    if report.ignored or not report.used:
        raise InvalidOption(f"The model's text encoder cannot read the word {word!r}; choose one of plain letters.")
    return word.lower()


def read_lesson(folder: Path, word: str, size: int, text: TextConditioner, seed: int) -> Lesson:
    """The pictures of a folder with their captions, or "a WORD" for those that have none; one in five is held out.

    Which ones are held out is a function of the seed. Raises `InvalidFile` for too few pictures, ones smaller than half
    of `size`, the same picture twice, and a caption without the word; `InvalidOption` for an unknown drawing style.
    """
    entries = captioned_files(folder)
    if len(entries) < FEWEST:
        raise InvalidFile(
            f"{folder} has {len(entries)} pictures; a word is taught from at least {FEWEST}, better from 10 or more."
        )
    pictures = []
    for entry in entries:
        _check_captions(entry, word)
        text.style_index(entry.style)
        with open_picture(entry.path) as image:
            if 2 * max(image.size) < size:
                raise InvalidFile(
                    f"The picture {entry.path} has {image.width}x{image.height} pixels; it must have at least "
                    f"{size // 2} on its longer side, since the model draws {size}x{size}."
                )
            pictures.append(fit(image, size))
    digests = [sha256(picture.tobytes()).hexdigest() for picture in pictures]
    _check_twins(entries, digests)
    captions = tuple(entry.captions or (article(word),) for entry in entries)
    every = Examples(torch.from_numpy(np.stack(pictures)), captions, tuple(entry.style for entry in entries))
    order = [int(row) for row in epoch_order(seed, 0, len(entries))]
    count = len(entries) // HELD_PART if len(entries) >= HELD_FROM else 0
    held, taught = sorted(order[:count]), sorted(order[count:])
    return Lesson(word, every.some(taught), every.some(held), tuple(digests))


def _check_captions(entry: Entry, word: str) -> None:
    for caption in entry.captions:
        if not re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", caption.lower()):
            raise InvalidFile(
                f"The caption {caption!r} of {entry.path} does not have the word {word!r}, so it says that the picture "
                "shows something else; add the word, or remove the picture."
            )


def _check_twins(entries: Sequence[Entry], digests: Sequence[str]) -> None:
    seen: dict[str, Entry] = {}
    for entry, digest in zip(entries, digests, strict=True):
        twin = seen.setdefault(digest, entry)
        if twin is not entry:
            differ = "" if twin.captions == entry.captions else ", with different captions"
            raise InvalidFile(f"{twin.path} and {entry.path} are the same picture{differ}; remove one of them.")
