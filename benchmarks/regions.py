"""Whether regions put things where their boxes are: what a detector finds in layouts that nothing was made with.

    python -m benchmarks.regions [MODEL] [--detector DIR] [--layouts N]

A layout is one to three boxes that do not overlap, each from a quarter to three quarters of the picture's side wide and
high, in places and sizes drawn by chance, and for each box a prompt of IconEval's task single, of another thing. It is
drawn with `region=` and an empty prompt, at the model's defaults. Of each region is asked:

    right       the detector sees the region's thing (score at least 0.3, as in IconEval), its centre in the box
    anywhere    it sees the thing, wherever that is
    placed      of the things that it sees anywhere, the share that has its centre in the box: the region's own part
    something   at least a twentieth of the box is opaque: something lies in it, whatever it is
    enlarged    it sees the thing in the region's part of the picture, enlarged to the detector's size
    alone       it sees the thing in a picture of the same prompt and seed without regions, at its full size, which is
                larger than the things of the scenes that the detector learned from
    pasted      right, if these pictures are shrunk as regions are, and laid into their boxes: what a perfect region
                would give with this model and this detector

so that a thing that is not recognised because the model cannot draw it, or the detector not see it so small, is told
from one in the wrong place. Besides: `layouts`, all regions of a picture right; `inside`, of the opaque pixels the
share in boxes; `overlap`, intersection over union of the opaque pixels and the boxes. Intervals are over layouts.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from benchmarks.report import write
from mezzotint import Pipeline
from mezzotint.codecs.images import from_image, to_image
from mezzotint.conditioning.prompt import escaped
from mezzotint.editing.regional import Region, region_of
from mezzotint.evaluation.bootstrap import interval
from mezzotint.evaluation.detector import Detector, Sight, load_detector
from mezzotint.evaluation.iconeval.prompts import IconPrompt, load_prompts
from mezzotint.evaluation.iconeval.verdict import DEFAULT
from mezzotint.evaluation.sides import check_sides
from mezzotint.load import INSTRUMENTS
from mezzotint.request import Request

Box = tuple[float, float, float, float]
Found = Mapping[str, bool]
"""What is asked of a region, and the answer."""
UNITS, LEAST, MOST, MANY = 64, 16, 48, 3
"""Parts of the side that boxes are told in; the least and most of them a box takes; the most boxes of a layout."""
FILLED = 1 / 20
SEED = 2026


@dataclass(frozen=True)
class Layout:
    """Boxes in shares of the picture, with what is asked for in each, and the picture's seed."""

    seed: int
    regions: tuple[tuple[Box, IconPrompt], ...]

    @property
    def request(self) -> Request:
        """It, at a model's defaults."""
        return Request(prompt="", seed=self.seed, region=tuple((box, escaped(one.text)) for box, one in self.regions))


def layouts(count: int, prompts: Sequence[IconPrompt], seed: int = SEED) -> tuple[Layout, ...]:
    """So many layouts, of one, two and three boxes in turn; the things of one layout differ."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    by_thing = list({one.wanted[0].thing: one for one in prompts}.values())
    found = []
    for number in range(count):
        places = boxes(1 + number % MANY, rng)
        asked = rng.choice(len(by_thing), len(places), replace=False)
        found.append(Layout(number, tuple((box, by_thing[k]) for box, k in zip(places, asked, strict=True))))
    return tuple(found)


def boxes(count: int, rng: np.random.Generator) -> list[Box]:
    """Boxes of independent sizes and places, drawn together until none overlaps another."""
    while True:
        sides = rng.integers(LEAST, MOST + 1, (count, 2))
        corners = rng.integers(0, UNITS - sides + 1)
        found: list[Box] = [tuple(row) for row in (np.concatenate([corners, corners + sides], 1) / UNITS).tolist()]
        if not any(overlapping(a, b) for a, b in combinations(found, 2)):
            return found


def overlapping(a: Box, b: Box) -> bool:
    """Whether two boxes share more than an edge."""
    return all(a[k] < b[k + 2] and b[k] < a[k + 2] for k in (0, 1))


def sights_of(thing: str, sight: Sight) -> list[Box]:
    """Where a thing is seen, in the detector's pixels."""
    return [one.box for one in sight.things if one.thing == thing and one.score >= DEFAULT.presence]


def lies_in(seen: Box, box: Box, side: int) -> bool:
    """Whether the centre of what is seen, in pixels of a picture of this side, lies in a box, its edges included."""
    return all(box[k] * side <= (seen[k] + seen[k + 2]) / 2 <= box[k + 2] * side for k in (0, 1))


def covered(box: Box, height: int, width: int) -> npt.NDArray[np.bool_]:
    """The pixels of a box, (height, width)."""
    left, top, right, bottom = (round(edge * (width, height)[k % 2]) for k, edge in enumerate(box))
    found = np.zeros((height, width), bool)
    found[top:bottom, left:right] = True
    return found


def opaque(image: Image.Image) -> npt.NDArray[np.bool_]:
    """The pixels of a picture that are more than half opaque."""
    return np.asarray(image.convert("RGBA"))[..., 3] > 127


def shapes(layout: Layout, image: Image.Image) -> dict[str, float]:
    """`inside` and `overlap` of a layout's picture; `inside` is 0 where nothing is opaque."""
    seen = opaque(image)
    places = np.logical_or.reduce([covered(box, *seen.shape) for box, _ in layout.regions])
    both = float((seen & places).sum())
    return {"inside": both / max(1, int(seen.sum())), "overlap": both / int((seen | places).sum())}


def pasted(layout: Layout, alone: Sequence[Image.Image]) -> Tensor:
    """The pictures of a layout's things laid into its boxes as regions lay theirs, (4, 1, side, side) in [-1, 1]."""
    side = alone[0].width
    page = torch.full((4, 1, side, side), -1.0)
    for (box, _), image in zip(layout.regions, alone, strict=True):
        place, filled = placed(box, side), torch.full_like(page, -1.0)
        filled[..., place.rows, place.columns] = F.avg_pool3d(from_image(image), (1, place.shrunk, place.shrunk))
        page = page.lerp(filled, place.share.float())
    return page


def placed(box: Box, side: int) -> Region:
    """The region of a box on a canvas of the size that the network draws at once."""
    return region_of(box, (side, side), (side, side))


def enlarged(image: Image.Image, box: Box) -> Image.Image:
    """The part of a picture that a region's own picture fills, as large as the whole."""
    place = placed(box, image.width)
    cut = image.crop((place.columns.start, place.rows.start, place.columns.stop, place.rows.stop))
    return cut.convert("RGBa").resize(image.size, Image.Resampling.BICUBIC).convert("RGBA")


def looked_at(detector: Detector, layout: Layout, image: Image.Image, alone: Sequence[Image.Image]) -> list[Found]:
    """The answers for each region of a layout. alone: the pictures of its prompts without regions."""
    side, seen = image.width, opaque(image)
    whole, control = detector.images([image, to_image(pasted(layout, alone))])
    parts = detector.images([enlarged(image, box) for box, _ in layout.regions])
    lone, found = detector.images(alone), list[Found]()
    for (box, one), part, single in zip(layout.regions, parts, lone, strict=True):
        thing = one.wanted[0].thing
        at = sights_of(thing, whole)
        found.append(
            {
                "right": any(lies_in(place, box, side) for place in at),
                "anywhere": bool(at),
                "something": bool(seen[covered(box, *seen.shape)].mean() >= FILLED),
                "enlarged": bool(sights_of(thing, part)),
                "alone": bool(sights_of(thing, single)),
                "pasted": any(lies_in(place, box, side) for place in sights_of(thing, control)),
            }
        )
    return found


def shares(found: Sequence[Sequence[Found]]) -> dict[str, Any]:
    """Of every question the share of yes, each layout weighing the same, with its interval over layouts."""
    tables = {name: [[one[name] for one in row] for row in found] for name in found[0][0]}
    tables["placed"] = [[one["right"] for one in row if one["anywhere"]] for row in found]
    tables["layouts"] = [[all(one["right"] for one in row)] for row in found]
    return {name: over(rows) for name, rows in tables.items()}


def over(rows: Sequence[Sequence[float]]) -> dict[str, float] | None:
    """Mean and interval over layouts, those that have a value; None for fewer than two of them."""
    groups = {f"{number:04}": [float(value) for value in row] for number, row in enumerate(rows) if row}
    return dict(interval(groups)._asdict()) if len(groups) > 1 else None


def drawn(pipe: Pipeline, layout: Layout) -> tuple[Image.Image, list[Image.Image]]:
    """A layout's picture, and that of each of its prompts alone, with the same seed."""
    lone = [Request(prompt=escaped(one.text), seed=layout.seed) for _, one in layout.regions]
    return pipe.generate(layout.request).images[0], [pipe.generate(request).images[0] for request in lone]


def by(keys: Sequence[Sequence[int]], found: Sequence[Sequence[Found]], name: str) -> dict[str, Any]:
    """The share of yes to one question, of the regions of each key."""
    rows = [list(zip(mine, row, strict=True)) for mine, row in zip(keys, found, strict=True)]
    return {
        f"{key}": over([[one[name] for mine, one in row if mine == key] for row in rows])
        for key in sorted({key for row in keys for key in row})
    }


def figures(made: Sequence[Layout], found: Sequence[Sequence[Found]], side: int) -> dict[str, Any]:
    """All shares: of all regions, by how many boxes a layout has, and by how many pixels wide a region's picture is."""
    counts = [[len(row)] * len(row) for row in found]
    widths = [[side // placed(box, side).shrunk for box, _ in layout.regions] for layout in made]
    return {
        "shares": shares(found),
        **{
            title: {name: by(keys, found, name) for name in ("right", "pasted")}
            for title, keys in (("by boxes", counts), ("by pixels", widths))
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="house", help="a model's folder or name; it must draw pixels")
    parser.add_argument("--detector", type=Path, default=INSTRUMENTS / "detector")
    parser.add_argument("--layouts", type=int, default=50)
    options = parser.parse_args()
    pipe, detector = Pipeline.load(options.model, device="cpu", dtype="float32"), load_detector(options.detector)
    check_sides(pipe.model, detector, None)
    known = [one for one in load_prompts() if one.task == "single" and one.known]
    made = layouts(options.layouts, [one for one in known if one.wanted[0].thing in detector.things])
    answers, outlines = list[list[Found]](), list[dict[str, float]]()
    for layout in made:
        image, alone = drawn(pipe, layout)
        answers.append(looked_at(detector, layout, image, alone))
        outlines.append(shapes(layout, image))
        print(layout.seed, [one.text for _, one in layout.regions], answers[-1], flush=True)
    how = pipe.resolve(made[0].request).to_json_dict()
    write(
        "regions",
        {
            "model": pipe.model.name,
            "weights_sha256": pipe.model.weights_sha256,
            "detector_sha256": detector.weights_sha256,
            "layouts": len(made),
            "regions": sum(map(len, answers)),
            "seed of the layouts": SEED,
            "settings": {name: how[name] for name in ("steps", "guidance", "solver", "grid")},
            **figures(made, answers, pipe.model.size[0]),
            "outlines": {name: over([[row[name]] for row in outlines]) for name in outlines[0]},
        },
    )


if __name__ == "__main__":
    main()
