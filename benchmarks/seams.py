"""Whether tiles and pictures drawn in windows have seams: is more going on at their borders than anywhere inside?

    python -m benchmarks.seams [MODEL] [--keep DIR]     some minutes of one core; --keep writes the pictures too

What is counted was fixed before anything was measured. A **line** lies between two neighbouring columns, or rows, of a
picture. Its **gradient** is the mean over the line of |difference| of the two pixels, over the four channels of
premultiplied RGBA from 0 to 1: what is clear has no colour, so that no invisible one counts, and an edge from opaque to
clear counts in the alpha. Lines of one direction are compared with each other only:

    rank      the share of the picture's other lines of that direction whose gradient is smaller than a border's, with
              half of those that are equal (the mid-rank, 0 to 1). Without a seam a border is a line as any other, and
              the mean over pictures is 0.5 but for chance; with one it is above
    alike     the same among those other lines only that lie at the same place in the network's patches, so that edges
              of patches, where windows also begin, are compared with edges of patches
    ratio     the sum of the borders' gradients over all pictures, as a share of that of as many mean other lines

Borders are: of a tile the wrap-around line of columns and that of rows (`edges`), and the lines where its windows
begin, and end too (`windows`); of a panorama, the lines where a window begins or ends. What belongs to one picture is
averaged first. Ranks have one-sided bounds of 95 %, below and above, by drawing prompts anew (bootstrap). **A seam is
seen where the lower bound of the rank is above 0.5**; the upper bound says what may have been overlooked.
`shown` is the share of border pixels that are not clear: a border with nothing on it would prove nothing.

Controls, which have a seam, with the same statistic, some of them on the very same pixels:

    cut       the middle 3/4 of each tile, wrapped: the same content, but it does not go on. Must be seen
    pieces    panoramas of two seeds, whose pieces of half a window's width alternate. Must be seen
    alone     the same prompts drawn without --tile, and wrapped. Icons have a clear margin, and two margins join
              without a seam, so that what is seen here is told, and not required
    apart     panoramas in windows that lie side by side without any overlap. As `alone`

Tiles: the first 12 prompts of `fit-grid` (everyday things) and 12 patterns; six of the patterns are also given to the
upscaler (`large`). Panoramas: 12 landscapes and the like, 192x64. Two seeds each, at the model's defaults but for the
steps. (With one seed, as first measured, the ratio of tiles of things at their windows was 1.36, of two pictures'
making, at a rank of 0.51: the sum has a heavy tail, which ranks have not.)
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import write
from mezzotint import Pipeline
from mezzotint.codecs.images import from_image
from mezzotint.editing.windows import starts
from mezzotint.evaluation.bootstrap import Groups, interval
from mezzotint.interfaces.cli.fit_grid import PROMPTS

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Borders", "borders", "cut", "drawn", "judged", "panorama_borders", "pieces", "tile_edges"]

Values = NDArray[np.float64]
"""A picture (H, W, 4), premultiplied RGBA in [0, 1]."""
STEPS, LARGE = 12, 6
"""Steps of a drawing; how many of the patterns are enlarged."""
EVERYDAY = PROMPTS[:12]
PATTERNS = (
    *("a pattern of leaves", "a pattern of flowers", "green leaves", "stars", "hearts", "a brick wall"),
    *("waves", "clouds", "mushrooms", "autumn leaves", "a pattern of cats", "water drops"),
)
WIDE = (
    *("a mountain landscape", "a forest", "a city skyline", "a beach", "a desert", "a row of houses"),
    *("the sea", "clouds", "a field of flowers", "a starry sky", "snowy mountains", "a crowd of people"),
)
WIDTHS = 3
"""Of a panorama, in widths of what the model draws."""
SEEDS = (1, 2)


@dataclass(frozen=True)
class Borders:
    """What one picture says of its borders. rank, alike, shown: as above; border, inside: mean gradients."""

    rank: float
    alike: float
    border: float
    inside: float
    shown: float


def pixels(image: "Image") -> Values:
    """A picture as numbers."""
    return from_image(image)[:, 0].permute(1, 2, 0).double().add(1).div(2).numpy()


def gradients(values: Values) -> Values:
    """(W,): the gradient of the line after each column; the last is the wrap-around line."""
    found: Values = np.abs(np.roll(values, -1, axis=1) - values).mean(axis=(0, 2))
    return found


def mid_rank(one: float, others: Values) -> float:
    """The share of the others that are smaller, with half of those that are equal."""
    return float(((others < one).sum() + 0.5 * (others == one).sum()) / len(others))


def borders(values: Values, lines: Sequence[int], patch: int, around: bool = False) -> Borders:
    """What the lines after these columns are among the others; with `around` the wrap-around line, W - 1, is a line."""
    found, width = gradients(values), values.shape[1]
    others = np.array([k for k in range(width if around else width - 1) if k not in lines])
    alike = {k: others[(others - k) % patch == 0] for k in lines}
    return Borders(
        fmean(mid_rank(found[k], found[others]) for k in lines),
        fmean(mid_rank(found[k], found[alike[k]]) for k in lines),
        fmean(found[list(lines)].tolist()),
        float(found[others].mean()),
        fmean(float((values[:, [k, (k + 1) % width], 3] > 0).mean()) for k in lines),
    )


def both(one: Borders, other: Borders) -> Borders:
    """The mean of two directions."""
    pairs = zip(vars(one).values(), vars(other).values(), strict=True)
    return Borders(*(fmean(pair) for pair in pairs))


def turned(values: Values) -> Values:
    """Rows as columns."""
    return np.swapaxes(values, 0, 1)


def tile_edges(values: Values, patch: int) -> Borders:
    """The wrap-around lines of a tile."""
    return both(*(borders(one, [one.shape[1] - 1], patch, around=True) for one in (values, turned(values))))


def tile_windows(values: Values, side: int, patch: int) -> Borders:
    """The lines where the windows of a tile begin."""
    begins = (starts(n, side, side // 2, around=True) for n in values.shape[1::-1])
    lines = ([begin - 1 for begin in found] for found in begins)
    return both(*(borders(v, at, patch, True) for v, at in zip((values, turned(values)), lines, strict=True)))


def panorama_borders(values: Values, side: int, stride: int, patch: int) -> Borders:
    """The lines where the windows of a panorama begin or end."""
    begins, width = starts(values.shape[1], side, stride), values.shape[1]
    lines = sorted({at - 1 for begin in begins for at in (begin, begin + side) if 0 < at < width})
    return borders(values, lines, patch)


def cut(values: Values) -> Values:
    """The middle 3/4, whose sides are no neighbours of each other."""
    height, width = (n // 8 for n in values.shape[:2])
    return values[height:-height, width:-width]


def pieces(one: Values, other: Values, width: int) -> Values:
    """Two pictures, cut into pieces of this width that alternate."""
    second = (np.arange(one.shape[1]) // width % 2).astype(bool)
    return np.where(second[None, :, None], other, one)


def judged(found: Mapping[str, Sequence[Borders]]) -> dict[str, Any]:
    """The pictures of each prompt, summed up: means, with the bounds below and above."""

    def bounds(groups: Groups) -> dict[str, float]:
        return interval(groups, level=0.9)._asdict()  # two ends of 5 % each: two one-sided bounds of 95 %

    every = list(chain.from_iterable(found.values()))
    ranks = bounds({prompt: [one.rank for one in each] for prompt, each in found.items()})
    return {
        "pictures": len(every),
        "rank": ranks,
        "alike": bounds({prompt: [one.alike for one in each] for prompt, each in found.items()}),
        "ratio": fmean(one.border for one in every) / fmean(one.inside for one in every),
        "shown": fmean(one.shown for one in every),
        "seam": ranks["low"] > 0.5,
    }


def drawn(pipe: Pipeline, prompt: str, keep: Path | None, name: str, **options: Any) -> Values:
    """A picture as numbers; kept if there is a folder."""
    image = pipe.generate(prompt, **{"steps": STEPS, **options}).images[0]
    if keep is not None:
        image.save(keep / f"{name}-{prompt.replace(' ', '-')}-{options['seed']}.png")
    return pixels(image)


def tiles(pipe: Pipeline, prompts: Iterable[str], keep: Path | None = None, patch: int = 8) -> dict[str, Any]:
    """Tiles, and their controls."""
    side, found = pipe.model.size[0], defaultdict[str, dict[str, list[Borders]]](dict)
    for prompt in prompts:
        whole = [drawn(pipe, prompt, keep, "tile", seed=seed, tile="both") for seed in SEEDS]
        alone = [drawn(pipe, prompt, keep, "alone", seed=seed) for seed in SEEDS]
        found["edges"][prompt] = [tile_edges(one, patch) for one in whole]
        found["windows"][prompt] = [tile_windows(one, side, patch) for one in whole]
        found["cut"][prompt] = [tile_edges(cut(one), patch) for one in whole]
        found["alone"][prompt] = [tile_edges(one, patch) for one in alone]
    return {name: judged(each) for name, each in found.items()}


def large_tiles(pipe: Pipeline, prompts: Iterable[str], keep: Path | None = None, patch: int = 8) -> dict[str, Any]:
    """Tiles that the upscaler made."""
    found = defaultdict[str, dict[str, list[Borders]]](dict)
    for prompt in prompts:
        whole = [drawn(pipe, prompt, keep, "large", seed=seed, tile="both", upscaler="upscaler") for seed in SEEDS]
        patch_there = whole[0].shape[0] // pipe.model.size[0] * patch
        found["edges"][prompt] = [tile_edges(one, patch_there) for one in whole]
        found["cut"][prompt] = [tile_edges(cut(one), patch_there) for one in whole]
    return {name: judged(each) for name, each in found.items()}


def panoramas(pipe: Pipeline, prompts: Iterable[str], keep: Path | None = None, patch: int = 8) -> dict[str, Any]:
    """Panoramas, and their controls."""
    side, found = pipe.model.size[0], defaultdict[str, dict[str, list[Borders]]](dict)
    size = (WIDTHS * side, side)
    for prompt in prompts:
        whole = [drawn(pipe, prompt, keep, "wide", seed=seed, size=size) for seed in SEEDS]
        apart = [drawn(pipe, prompt, keep, "apart", seed=seed, size=size, window_stride=side) for seed in SEEDS]
        found["windows"][prompt] = [panorama_borders(one, side, side // 2, patch) for one in whole]
        mixed = (pieces(*whole, side // 2), pieces(*reversed(whole), side // 2))
        found["pieces"][prompt] = [panorama_borders(one, side, side // 2, patch) for one in mixed]
        found["apart"][prompt] = [panorama_borders(one, side, side, patch) for one in apart]
    return {name: judged(each) for name, each in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="house", help="a model's folder or name")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="a folder for the pictures")
    options = parser.parse_args()
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
    pipe = Pipeline.load(options.model, device="cpu", dtype="float32")
    figures = {
        "tiles of things": tiles(pipe, EVERYDAY, options.keep),
        "tiles of patterns": tiles(pipe, PATTERNS, options.keep),
        "large tiles": large_tiles(pipe, PATTERNS[:LARGE], options.keep),
        "panoramas": panoramas(pipe, WIDE, options.keep),
    }
    facts = {"model": pipe.model.name, "weights_sha256": pipe.model.weights_sha256, "steps": STEPS}
    write("seams", {**facts, "table": figures})


if __name__ == "__main__":
    main()
