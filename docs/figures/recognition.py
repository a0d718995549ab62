"""The sheet of the test of recognition: every sample over the training picture that is nearest to it."""

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from benchmarks.recognition import SEEDS
from docs.figures.desk import ROOT, Desk
from docs.figures.page import INK, MARGIN, QUIET, Page, picture
from mezzotint.codecs import from_image, to_image
from mezzotint.codecs.images import to_signed
from mezzotint.data.captions import article
from mezzotint.data.icons import HELD_OUT, TRAINED, default_folder
from mezzotint.data.sources import IconSource

__all__ = ["recognition"]

SIDE, NEAR, BETWEEN, COLUMNS = 100, 6, 36, 5
HEADING, LABEL = 64, 44
CHUNK = 1024
"""Training pictures that are compared at a time."""

Vectors = npt.NDArray[np.float32]
Block = tuple[str, Sequence[Image.Image], Sequence[Image.Image]]
"""What stands below it, the samples, the training pictures."""


def recognition(desk: Desk) -> Image.Image:
    """Forty nouns, three seeds each; below each sample the nearest training picture, by distance in pixels."""
    source = IconSource(default_folder()).load(64)
    rows = source.split("train")
    nouns = [*TRAINED, *HELD_OUT]
    samples = [desk.draw(article(noun), seed) for noun in nouns for seed in SEEDS]
    found = rows[nearest(np.stack([vector(image) for image in samples]), source.pictures, rows)]
    near = [picture(to_image(to_signed_one(source.pictures[row])), SIDE) for row in found]
    right = scores()
    each = len(SEEDS)
    blocks = [
        (
            noun + (f", {right[noun]} of {each}" if noun in right else ""),
            [picture(image, SIDE) for image in samples[number * each : (number + 1) * each]],
            near[number * each : (number + 1) * each],
        )
        for number, noun in enumerate(nouns)
    ]
    half = len(TRAINED)
    return sheet([("trained nouns", blocks[:half]), ("nouns held out of training", blocks[half:])])


def vector(image: Image.Image) -> Vectors:
    """A picture as numbers in [-1, 1], in the order of the data set."""
    values: Vectors = from_image(image)[:, 0].permute(1, 2, 0).reshape(-1).numpy()
    return values


def to_signed_one(pixels: npt.NDArray[np.uint8]) -> Tensor:
    """A row of the data set as a sample (4, 1, H, W)."""
    return to_signed(torch.from_numpy(np.array(pixels))[None])[0]


def nearest(samples: Vectors, pictures: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For each sample the place in `rows` of the picture at the smallest Euclidean distance."""
    best = np.full(len(samples), np.inf)
    place = np.zeros(len(samples), np.int64)
    for start in range(0, len(rows), CHUNK):
        chosen = rows[start : start + CHUNK]
        bank = pictures[chosen].reshape(len(chosen), -1).astype(np.float32) / 127.5 - 1
        distance = (bank**2).sum(1)[None] - 2 * samples @ bank.T
        index = distance.argmin(1)
        value = distance[np.arange(len(samples)), index]
        better = value < best
        best[better], place[better] = value[better], start + index[better]
    return place


def scores() -> dict[str, int]:
    """How many samples of each noun the judge recognised, if the test was done."""
    path = ROOT / "benchmarks" / "recognition.json"
    if not path.is_file():
        return {}
    figures = json.loads(path.read_text("utf-8"))
    return {**figures["trained"]["by_noun"], **figures["held_out"]["by_noun"]}


def sheet(parts: Sequence[tuple[str, Sequence[Block]]]) -> Image.Image:
    """Blocks of samples in columns, under a heading for each part."""
    wide = len(SEEDS) * (SIDE + NEAR) - NEAR
    tall = 2 * SIDE + NEAR + LABEL
    lines = sum(-(-len(blocks) // COLUMNS) for _, blocks in parts)
    page = Page(
        2 * MARGIN + COLUMNS * (wide + BETWEEN) - BETWEEN,
        2 * MARGIN + len(parts) * HEADING + lines * (tall + BETWEEN // 2),
    )
    y = MARGIN
    for heading, blocks in parts:
        page.write(heading, MARGIN, y + HEADING / 2 - 8, "lm", colour=INK)
        y += HEADING
        for number, (label, samples, near) in enumerate(blocks):
            x = MARGIN + number % COLUMNS * (wide + BETWEEN)
            top = y + number // COLUMNS * (tall + BETWEEN // 2)
            for column, (upper, lower) in enumerate(zip(samples, near, strict=True)):
                page.place(upper, x + column * (SIDE + NEAR), top, framed=False)
                page.place(lower, x + column * (SIDE + NEAR), top + SIDE + NEAR)
            page.write(label, x + wide / 2, top + 2 * SIDE + NEAR + LABEL / 2 - 4, "mm", 22, QUIET)
        y += -(-len(blocks) // COLUMNS) * (tall + BETWEEN // 2)
    return page.image
