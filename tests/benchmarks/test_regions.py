"""The rules by which regions are judged, on layouts and pictures that were made by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from benchmarks.regions import Layout, by, enlarged, layouts, lies_in, looked_at, over, pasted, shapes, shares
from mezzotint.codecs.images import from_image
from mezzotint.evaluation.detector import Sight, SightOf
from mezzotint.evaluation.iconeval.prompts import IconPrompt, Wanted

SIDE = 64
COLOURS = {"cherry": (255, 0, 0), "leaf": (0, 255, 0), "sea": (0, 0, 255)}
"""Things that a stub can see: what is red is a cherry, and so on."""


def asked(thing: str) -> IconPrompt:
    return IconPrompt("single", f"a {thing}", (Wanted(thing),))


def scene(*things: tuple[str, tuple[int, int, int, int]]) -> Image.Image:
    """Things as boxes of pixels on nothing."""
    image = Image.new("RGBA", (SIDE, SIDE))
    for thing, box in things:
        image.paste((*COLOURS[thing], 255), box)
    return image


def filled(thing: str) -> Image.Image:
    return scene((thing, (0, 0, SIDE, SIDE)))


@dataclass(frozen=True)
class Eye:
    """Sees a thing where its colour is, by the box around it."""

    score: float = 0.9

    def images(self, images: Sequence[Image.Image]) -> list[Sight]:
        return [Sight(tuple(self._things(np.asarray(image, np.int16))), "") for image in images]

    def _things(self, pixels: npt.NDArray[np.int16]) -> list[SightOf]:
        found = []
        for thing, colour in COLOURS.items():
            rows, columns = np.nonzero((np.abs(pixels[..., :3] - colour).max(-1) < 90) & (pixels[..., 3] > 127))
            if len(rows):
                box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
                found.append(SightOf(thing, self.score, tuple(float(edge) for edge in box), "red", 1.0))
        return found


def test_boxes_are_within_bounds_apart_and_of_all_numbers() -> None:
    made = layouts(60, [asked(thing) for thing in (*COLOURS, *COLOURS)])
    assert [len(layout.regions) for layout in made] == [1, 2, 3] * 20
    assert [layout.seed for layout in made] == list(range(60))
    corners = set()
    for layout in made:
        painted = np.zeros((SIDE, SIDE), int)
        for (left, top, right, bottom), _ in layout.regions:
            assert 0.25 <= right - left <= 0.75
            assert 0.25 <= bottom - top <= 0.75
            edges = [edge * SIDE for edge in (left, top, right, bottom)]
            assert edges == [round(edge) for edge in edges]
            assert 0 <= min(edges) <= max(edges) <= SIDE
            painted[round(edges[1]) : round(edges[3]), round(edges[0]) : round(edges[2])] += 1
            corners.add((left, top))
        assert painted.max() == 1
        assert len({prompt.wanted[0].thing for _, prompt in layout.regions}) == len(layout.regions)
    assert len(corners) > 100  # and not the same few places
    assert layouts(60, [asked(thing) for thing in COLOURS]) == made
    assert layouts(60, [asked(thing) for thing in COLOURS], seed=1) != made


def test_a_layout_is_drawn_with_its_boxes_and_nothing_else() -> None:
    request = Layout(5, (((0, 0, 0.5, 0.25), asked("(cherry)")),)).request
    assert (request.prompt, request.seed) == ("", 5)
    assert request.region == (((0, 0, 0.5, 0.25), r"a \(cherry\)"),)


@pytest.mark.parametrize(
    ("seen", "inside"),
    [
        ((16, 0, 32, 8), True),  # its centre is (24, 4)
        ((0, 0, 64, 30), True),  # centre (32, 15): far larger than the box, but centred in it
        ((24, 8, 40, 24), True),  # centre (32, 16), the corner of the box
        ((26, 8, 40, 24), False),  # centre (33, 16)
        ((24, 10, 40, 24), False),  # centre (32, 17)
        ((0, 16, 8, 32), False),  # where (24, 4) would be if x and y were mixed up: (4, 24)
    ],
)
def test_what_is_seen_lies_where_its_centre_is(seen: tuple[float, float, float, float], inside: bool) -> None:
    assert lies_in(seen, (0.0, 0.0, 0.5, 0.25), SIDE) == inside


def test_shapes_compare_what_is_opaque_with_the_boxes() -> None:
    """48 rows of 32 pixels are opaque; of the box's 32 × 32, 16 × 32 of them; 16 × 32 of the other box too."""
    layout = Layout(0, (((0, 0, 0.5, 0.5), asked("cherry")), ((0.5, 0.5, 1, 1), asked("leaf"))))
    image = scene(("cherry", (0, 16, 32, 64)))
    image.paste((0, 0, 0, 127), (40, 40, 60, 60))  # not more than half opaque
    opaque, boxes, both = 48 * 32, 2 * 32 * 32, 16 * 32
    assert shapes(layout, image) == {"inside": both / opaque, "overlap": both / (opaque + boxes - both)}
    assert shapes(layout, Image.new("RGBA", (SIDE, SIDE))) == {"inside": 0, "overlap": 0}


def test_pictures_are_laid_into_boxes_as_regions_lay_theirs() -> None:
    """A box of half the side holds the means of 2 × 2 pixels; the last two of them before an inner edge fade."""
    rng = np.random.Generator(np.random.Philox(key=3))
    image = Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 4), np.uint8), "RGBA")
    page = pasted(Layout(0, (((0, 0.5, 0.5, 1), asked("cherry")),)), [image])[:, 0]
    means = from_image(image)[:, 0].reshape(4, 32, 2, 32, 2).mean((2, 4))
    torch.testing.assert_close(page[:, 34:, :30], means[:, 2:, :30])
    half = torch.tensor([0.25, 0.75])  # how much of it counts beside the edge
    torch.testing.assert_close(page[:, 32:34, :30] + 1, half[:, None] * (means[:, :2, :30] + 1))
    assert (page[:, :32] == -1).all()
    assert (page[:, :, 32:] == -1).all()


def test_a_region_is_looked_at_in_its_place_elsewhere_and_alone() -> None:
    boxes = ((0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0), (0.0, 0.5, 0.5, 1.0))
    layout = Layout(0, tuple((box, asked(thing)) for box, thing in zip(boxes, COLOURS, strict=True)))
    image = scene(("cherry", (4, 4, 20, 20)), ("leaf", (40, 8, 50, 20)))  # in its box, not in its box, not there
    alone = [filled("cherry"), filled("leaf"), Image.new("RGBA", (SIDE, SIDE))]
    eye: Any = Eye()
    cherry, leaf, sea = looked_at(eye, layout, image, alone)
    assert cherry == dict.fromkeys(("right", "anywhere", "something", "enlarged", "alone", "pasted"), True)
    assert leaf == {
        **dict.fromkeys(("right", "something", "enlarged"), False),
        **dict.fromkeys(("anywhere", "alone", "pasted"), True),
    }
    assert not any(sea.values())
    unsure: Any = Eye(score=0.29)
    assert not any(one["anywhere"] or one["alone"] for one in looked_at(unsure, layout, image, alone))


def test_something_lies_in_a_box_from_a_twentieth_on() -> None:
    layout = Layout(0, (((0, 0, 0.5, 0.625), asked("cherry")),))  # 32 × 40 = 1280 pixels, of which 64 are a twentieth
    for size, enough in (((8, 8), True), ((9, 7), False)):
        eye: Any = Eye()
        found = looked_at(eye, layout, scene(("sea", (0, 0, *size))), [filled("cherry")])
        assert found[0]["something"] == enough


def test_the_part_that_a_region_fills_is_enlarged() -> None:
    """In a box of 24 × 40 pixels lies a picture of 16 × 16 in the middle: from (12, 20) on."""
    image = scene(("cherry", (12, 20, 20, 36)), ("sea", (20, 20, 28, 36)), ("leaf", (8, 8, 12, 48)))
    large = np.asarray(enlarged(image, (8 / 64, 8 / 64, 32 / 64, 48 / 64)))
    assert large.shape == (64, 64, 4)
    assert (large[:, :28] == (*COLOURS["cherry"], 255)).all()
    assert (large[:, 36:] == (*COLOURS["sea"], 255)).all()


def test_shares_weigh_layouts_alike() -> None:
    def answers(*right: bool) -> list[dict[str, bool]]:
        return [{"right": one, "anywhere": one or k == 0} for k, one in enumerate(right)]

    found = [answers(True), answers(True, False), answers(False, False)]
    told = shares(found)
    assert told["right"]["mean"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert told["anywhere"]["mean"] == pytest.approx((1 + 1 / 2 + 1 / 2) / 3)
    assert told["placed"]["mean"] == pytest.approx((1 + 1 + 0) / 3)  # of the one that was seen, each time
    assert told["layouts"]["mean"] == pytest.approx(1 / 3)
    assert told["right"]["low"] < told["right"]["mean"] < told["right"]["high"]
    apart = by([[16], [16, 32], [32, 32]], found, "right")
    assert {key: one["mean"] for key, one in apart.items()} == {"16": (1 + 1) / 2, "32": (0 + 0) / 2}
    assert over([[1.0], []]) is None
    assert SimpleNamespace(**over([[1.0], [1.0]]) or {}).low == 1
