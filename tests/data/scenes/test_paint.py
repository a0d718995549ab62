"""Recoloured objects: measured, with their light and dark in place."""

import numpy as np
import pytest

from mezzotint.data.colours import colour_name, dominant_colours
from mezzotint.data.scenes.paint import COLOURS, one_colour, painted, shades, vivid, way_of
from mezzotint.data.scenes.stock import Stock
from tests.data.scenes import toy


@pytest.fixture(scope="module")
def shaded() -> np.ndarray:
    """An orange disc that grows darker downwards, with a black outline, a white spot and a soft edge."""
    y, x = np.mgrid[:64, :64] - 31.5
    radius = np.sqrt(x * x + y * y)
    rgb = np.array([240, 150, 60]) * (1 - (y[..., None] + 32) / 160)
    rgb[radius > 25] = 12
    rgb[(x + 10) ** 2 + (y + 10) ** 2 < 12] = 250
    alpha = np.clip(28.5 - radius, 0, 1)[..., None]
    return np.floor(np.concatenate([rgb * alpha, 255 * alpha], -1) + 0.5).astype(np.uint8)


@pytest.mark.parametrize("name", [name for name in COLOURS if name != "black"])
def test_a_painted_object_is_measured_to_have_the_colour(shaded: np.ndarray, name: str) -> None:
    way = way_of(shaded, name)
    assert way
    result = painted(shaded, name, way)
    measured = dominant_colours(result)
    assert measured[0][0] == name
    assert measured[0][1] >= 0.6
    assert (result[..., 3] == shaded[..., 3]).all()
    luma = [picture[..., :3].astype(float) @ (0.2126, 0.7152, 0.0722) for picture in (shaded, result)]
    column = slice(10, 54), 32
    kept = np.corrcoef(luma[0][column], luma[1][column])[0, 1]
    assert kept > 0.9  # light stays light, dark stays dark
    assert luma[1][20, 21] > luma[1][32, 32] - 1  # the spot is not darker than the disc
    assert luma[1][4, 32] < 40  # the outline stays


def test_an_object_that_has_the_colour_is_left_alone() -> None:
    red = toy.picture(0, "plain")
    assert one_colour(red) == "red"
    stock = Stock(toy.pictures())
    assert (stock.crop(0, "red") == stock.crop(0)).all()
    assert (stock.crop(0) != stock.crop(0, "blue")).any()


def test_what_cannot_be_measured_is_refused() -> None:
    outline = np.zeros((64, 64, 4), dtype=np.uint8)
    outline[8:56, 8:56] = (0, 0, 0, 255)
    outline[28:36, 28:36, :3] = 200
    assert way_of(outline, "yellow") == 0
    half = outline.copy()
    half[8:32, 8:56] = (255, 0, 0, 255)
    half[32:56, 8:56] = (0, 0, 255, 255)
    assert one_colour(half) == ""


def test_shades_bear_their_names() -> None:
    for name in COLOURS:
        assert colour_name(*vivid(name)) == name
        assert len(shades(name)) >= 3
        assert {colour_name(*shade) for shade in shades(name)} == {name}
