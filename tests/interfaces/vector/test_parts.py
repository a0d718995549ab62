"""Palette, regions, merging, curves and paths, each against a closed form or another implementation."""

import numpy as np
import pytest

from mezzotint.interfaces.vector.fit import fitted
from mezzotint.interfaces.vector.merge import components, merged
from mezzotint.interfaces.vector.palette import features, find_palette, on_edges
from mezzotint.interfaces.vector.regions import find_regions, near, unit
from mezzotint.interfaces.vector.trace import Outline, path_text, traced
from tests.interfaces.vector.shapes import as_image, box, disk, painted

RED, GREEN, BLACK = (220, 30, 40, 1.0), (20, 160, 60, 1.0), (0, 0, 0, 1.0)
GENERATOR = np.random.Generator(np.random.Philox(5))


def colours_of(values: np.ndarray, most: int = 24) -> set[tuple[int, ...]]:
    """The colours of a palette in 8 bits, without the clear one."""
    found = find_palette(unit(as_image(values)), most).colours
    return {tuple(row) for row in np.rint(found * 255).astype(int).tolist() if row[3]}


def test_a_palette_has_the_colours_of_areas_and_none_of_soft_edges() -> None:
    values = painted(
        (48, 40), (disk(20, 20, 17.3), RED), (disk(26, 18, 7.7), GREEN), (box(3.3, 30.4, 44.6, 35.2), BLACK)
    )
    assert len({tuple(row) for row in values.round().reshape(-1, 4).tolist()}) > 30
    assert colours_of(values) == {(220, 30, 40, 255), (20, 160, 60, 255), (0, 0, 0, 255)}


def test_a_small_thing_has_its_colour_and_a_number_of_colours_is_kept() -> None:
    values = painted((64, 64), (disk(32, 32, 28.2), (250, 250, 245, 1.0)), (box(30, 30, 33, 33), (255, 200, 0, 1.0)))
    assert (255, 200, 0, 255) in colours_of(values)
    assert len(colours_of(values, most=1)) == 1


def test_a_half_clear_area_keeps_its_alpha() -> None:
    ((_, _, _, alpha),) = colours_of(painted((32, 32), (disk(16, 16, 11.1), (255, 0, 0, 0.5))))
    assert alpha == pytest.approx(127, abs=2)


def test_features_are_lightness_times_alpha_and_alpha() -> None:
    found = features(np.array([[1.0, 1, 1, 1], [0, 0, 0, 1], [0.5, 0.5, 0.5, 0.5], [0, 0, 0, 0]]))
    truth = [[1, 0, 0, 1], [0, 0, 0, 1], [0.5, 0, 0, 0.5], [0, 0, 0, 0]]
    np.testing.assert_allclose(found, truth, atol=1e-4)


def test_edges_are_found_and_plateaus_and_lines_are_not() -> None:
    row = np.array([0, 0, 0, 0.4, 1, 1, 1, 0, 1, 1])  # an edge with one soft pixel, and a line one pixel wide
    assert on_edges(np.tile(row[None, :, None], (4, 1, 4)))[0].tolist() == [column == 3 for column in range(10)]


@pytest.mark.parametrize("reach", [1, 3])
def test_near_is_what_looking_around_finds(reach: int) -> None:
    mask = GENERATOR.random((17, 23)) < 0.03
    around = np.pad(mask, reach)
    truth = [[bool(around[y : y + 2 * reach + 1, x : x + 2 * reach + 1].any()) for x in range(23)] for y in range(17)]
    assert near(mask, reach).tolist() == truth


def test_components_are_those_of_scipy() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    labels = GENERATOR.integers(0, 3, (40, 50)).astype(np.uint8)
    parts, of = components(labels)
    count = 0
    for label in range(3):
        there, number = ndimage.label(labels == label)
        count += number
        assert len({*zip(there[there > 0].tolist(), parts[there > 0].tolist(), strict=True)}) == number
    assert len(of) == count == parts.max() + 1
    assert (of[parts] == labels).all()


@pytest.mark.parametrize(("side", "stays"), [(4, False), (12, True)])
def test_a_square_joins_what_is_around_it_where_its_border_costs_more(side: int, stays: bool) -> None:
    """Of side a and a colour d away it costs 4 a border, and joining a² d²: it stays above a = 4 border / d²."""
    colours = np.array([[0.0, 0, 0, 1], [0.2, 0.2, 0.2, 1]])
    square = float(((features(colours)[0] - features(colours)[1]) ** 2).sum())
    labels = np.zeros((30, 30), dtype=np.uint8)
    labels[5 : 5 + side, 5 : 5 + side] = 1
    found = merged(labels, colours[labels], colours, 8 * square / 4, scale=1)  # the turning point is a = 8
    assert bool((found == labels).all()) is stays
    assert stays or not found.any()


def test_the_border_of_a_soft_disk_is_where_half_a_pixel_is_covered() -> None:
    rgba = unit(as_image(painted((32, 32), (disk(16.3, 15.6, 9.4), RED))))
    regions = find_regions(rgba, find_palette(rgba), 0.004)
    area = (regions.labels > 0).sum() / regions.scale**2
    assert area == pytest.approx(np.pi * 9.4**2, rel=0.01)
    y, x = (axis.mean() / regions.scale for axis in np.nonzero(regions.labels))
    assert (x, y) == pytest.approx((16.3, 15.6), abs=0.15)


def outline(points: np.ndarray) -> Outline:
    """A closed way over points, in straight pieces."""
    ends = np.roll(points, -1, axis=0)
    return Outline(points[0], np.stack([points, ends, ends], 1))


def test_a_circle_is_few_curves_within_the_tolerance() -> None:
    turn = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    found = fitted(outline(50 + 30 * np.stack([np.cos(turn), np.sin(turn)], -1)), 0.1, pixel=1)
    radii = np.hypot(*(np.array(found.points(40)) - 50).T)
    assert np.abs(radii - 30).max() < 0.15
    assert len(found.curves) <= 12


def test_a_box_is_its_four_sides_with_sharp_corners() -> None:
    found = fitted(outline(np.array([[8.0, 8], [40, 8], [40, 24], [8, 24]])), 0.1, pixel=1)
    assert len(found.curves) <= 5
    ends = np.round(found.curves[:, 2])
    assert {tuple(end) for end in ends.tolist()} >= {(8, 8), (40, 8), (40, 24), (8, 24)}


def test_the_text_of_a_path_is_relative_and_short() -> None:
    page = np.zeros((12, 12), dtype=bool)
    page[2:10, 4:8] = True
    (shape,) = traced(page)
    assert shape.holes == ()
    assert path_text([fitted(shape.around, 0.3, 1)], 1, 1) == "m4 2h4v8h-4z"
    curve = Outline(np.array([1.0, 0.25]), np.array([[[1.5, 0.25], [2.75, 1.5], [2.25, 3.5]]]))
    assert path_text([curve], 1, 2) == "m1 .25c.5 0 1.75 1.25 1.25 3.25z"


def test_a_ring_has_a_hole() -> None:
    down, across = np.mgrid[:40, :40] - 19.5
    (shape,) = traced((np.hypot(across, down) < 15) & (np.hypot(across, down) > 6))
    assert len(shape.holes) == 1
    assert np.hypot(*(np.array(shape.holes[0].points()) - 20).T).mean() == pytest.approx(6, abs=0.5)
