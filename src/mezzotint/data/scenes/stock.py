"""The objects that scenes are put together from: which picture shows what, and what is measured on each."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from mmap import mmap

import numpy as np
import numpy.typing as npt

from mezzotint.data.pixels import Bytes
from mezzotint.data.scenes.nouns import Noun, nouns, shows_its_name
from mezzotint.data.scenes.paint import COLOURS, one_colour, painted, way_of
from mezzotint.data.scenes.raster import scaled
from mezzotint.data.sources import PictureSet

__all__ = ["Item", "Shelf", "Stock", "blobs"]

_REMEMBERED = 1024  # pictures kept in memory
_SOLID = 128
_FEWEST = 4  # things of a style, below which it is not used
_MEASURED = ("width", "height", "pieces", "solid", "flat top", "stands")
_COLUMNS = {name: column for column, name in enumerate((*_MEASURED, *COLOURS))}
_OWN = 3  # the colour is the picture's own; 1 and 2 are ways of `paint`
_BLOB = 0.06  # a part of the silhouette below this share of it is a speck


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of one thing."""

    row: int
    noun: Noun
    style: str


@dataclass(frozen=True)
class Shelf:
    """The items of one split: by style, the things with their pictures; and how many things each style has."""

    styles: Mapping[str, tuple[tuple[Item, ...], ...]]

    @property
    def weights(self) -> tuple[tuple[str, int], ...]:
        """Each style with its number of things."""
        return tuple((style, len(things)) for style, things in self.styles.items())


class Stock:
    """The usable pictures of a set, by split and style; measurements are made when first asked for.

    Every answer is a pure function of the picture set. Pictures must be square; `crop` gives the part that shows.
    Processes that are forked share what any of them measures.
    """

    def __init__(self, pictures: PictureSet) -> None:
        self.pictures = pictures
        self.shelves = {split: _shelf(pictures, split) for split in ("train", "heldout")}
        self.natural = _natural(pictures, self.shelves["train"])
        self._crops: dict[tuple[int, str], Bytes] = {}
        self._sized: dict[tuple[int, str, int, int], Bytes] = {}
        # one more than each measurement, 0 for none yet; memory of no file is zero, and forked processes share it
        columns = len(_MEASURED) + len(COLOURS)
        memory = mmap(-1, 2 * max(len(pictures), 1) * columns)
        self._table = np.frombuffer(memory, np.uint16).reshape(-1, columns)

    def _known(self, row: int, name: str, measure: Callable[[Bytes], int]) -> int:
        """What is measured on the crop of a picture: at first, or as remembered."""
        column = _COLUMNS[name]
        if not self._table[row, column]:
            self._table[row, column] = measure(self.crop(row)) + 1
        return int(self._table[row, column]) - 1

    def crop(self, row: int, colour: str = "") -> Bytes:
        """The picture without its empty margin, in the given colour if one is given, which it must be able to have."""
        key = (row, colour)
        if key not in self._crops:
            if len(self._crops) >= _REMEMBERED:
                self._crops.clear()
            if colour:
                self._crops[key] = self._painted(row, colour)
            else:
                picture = np.asarray(self.pictures.pictures[row])
                self._crops[key] = picture[_shown(picture)]
        return self._crops[key]

    def _painted(self, row: int, colour: str) -> Bytes:
        way, shown = self._way(row, colour), self.crop(row)
        assert way, (row, colour)
        return shown if way == _OWN else painted(shown, colour, way)

    def _way(self, row: int, colour: str) -> int:
        return self._known(row, colour, lambda crop: _OWN if one_colour(crop) == colour else way_of(crop, colour))

    def can_have(self, row: int, colour: str) -> bool:
        """Whether the object can be given this colour, measurably."""
        return self._way(row, colour) > 0

    def sized(self, row: int, colour: str, width: int, height: int) -> Bytes:
        """The cropped picture at a size in pixels."""
        key = (row, colour, width, height)
        if key not in self._sized:
            if len(self._sized) >= _REMEMBERED:
                self._sized.clear()
            self._sized[key] = scaled(self.crop(row, colour), width, height)
        return self._sized[key]

    def extent(self, row: int, longest: int) -> tuple[int, int]:
        """Width and height of the object when its longer side has this length."""
        width = self._known(row, "width", lambda crop: crop.shape[1])
        height = self._known(row, "height", lambda crop: crop.shape[0])
        long = max(height, width)
        return max(1, (2 * width * longest + long) // (2 * long)), max(1, (2 * height * longest + long) // (2 * long))

    def one_piece(self, row: int) -> bool:
        """Whether the silhouette is of one piece, specks aside, so that copies of it can be counted."""
        return self._known(row, "pieces", lambda crop: min(blobs(crop[..., 3] >= _SOLID), 2)) == 1

    def solid(self, row: int) -> bool:
        """Whether most of the object's box is opaque."""
        return self._known(row, "solid", lambda crop: (crop[..., 3] >= _SOLID).mean() >= 0.5) == 1

    def flat_top(self, row: int) -> bool:
        """Whether the upper edge is level over at least 65 % of the width, so that things can stand on it."""
        return self._known(row, "flat top", _flat_top) == 1

    def stands(self, row: int) -> bool:
        """Whether the lower edge is opaque over at least 25 % of the width, about its middle."""
        return self._known(row, "stands", _stands) == 1

    def colours(self, row: int, colour: str = "") -> tuple[str, ...]:
        """The colour names to be seen on the object, the most frequent first."""
        return (colour,) if colour else self.pictures.records[row].colours


def _flat_top(crop: Bytes) -> bool:
    mask = crop[..., 3] >= _SOLID
    first = np.where(mask.any(0), mask.argmax(0), mask.shape[0])
    level = first <= max(1, mask.shape[0] // 18)
    return 100 * int(level.sum()) >= 65 * int(mask.shape[1])


def _stands(crop: Bytes) -> bool:
    mask = crop[-max(2, crop.shape[0] // 12) :, :, 3] >= _SOLID
    columns = np.flatnonzero(mask.any(0))
    if len(columns) < 0.25 * mask.shape[1]:
        return False
    middle = int(columns[0]) + int(columns[-1]) + 1
    return abs(middle - int(mask.shape[1])) * 10 <= 3 * int(mask.shape[1])


def _shown(picture: Bytes) -> tuple[slice, slice]:
    """The rows and columns in which something shows (alpha of 16 or more)."""
    mask = picture[..., 3] >= 16
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _shelf(pictures: PictureSet, split: str) -> Shelf:
    by_name = {name: noun for noun in nouns() for name in noun.names}
    found: dict[str, dict[Noun, list[Item]]] = defaultdict(lambda: defaultdict(list))
    for row, record in enumerate(pictures.records):
        noun = by_name.get(record.name.lower())
        if noun and record.split == split and record.style and shows_its_name(record.id, record.set):
            found[record.style][noun].append(Item(row, noun, record.style))
    fewest = _FEWEST if split == "train" else 1
    return Shelf(
        {
            style: tuple(tuple(found[style][noun]) for noun in sorted(found[style], key=lambda noun: noun.one))
            for style in sorted(found)
            if len(found[style]) >= fewest
        }
    )


def _natural(pictures: PictureSet, shelf: Shelf) -> frozenset[tuple[str, str]]:
    """Pairs (thing, colour) that pictures for training show as they are: they cannot be held out any more."""
    found = set()
    for things in shelf.styles.values():
        for item in (item for things_of in things for item in things_of):
            record = pictures.records[item.row]
            found.add((item.noun.one, record.hue))
            found.update(
                (item.noun.one, name) for name, s in zip(record.colours, record.shares, strict=True) if s > 0.4
            )
            found.update((item.noun.one, name) for name in COLOURS if name in record.name.lower().split())
    return frozenset(found)


def blobs(mask: npt.NDArray[np.bool_]) -> int:
    """The number of connected parts (8 neighbours) of a mask (H, W) that have at least 6 % of it."""
    parents: list[int] = []
    sizes: list[int] = []

    def root(i: int) -> int:
        while parents[i] != i:
            i = parents[i]
        return i

    above: list[tuple[int, int, int]] = []
    for line in mask:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(np.int8))).tolist()
        here = []
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            label = len(parents)
            parents.append(label)
            sizes.append(stop - start)
            for left, right, other in above:
                if left <= stop and start <= right and root(other) != root(label):
                    sizes[root(other)] += sizes[root(label)]
                    parents[root(label)] = root(other)
            here.append((start, stop, label))
        above = here
    total = sum(sizes[i] for i in range(len(parents)) if parents[i] == i)
    return sum(1 for i in range(len(parents)) if parents[i] == i and sizes[i] >= _BLOB * total)
