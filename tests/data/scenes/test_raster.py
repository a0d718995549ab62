"""Scaling and compositing against Pillow and against the formulas in real numbers."""

import numpy as np
import pytest
from PIL import Image

from mezzotint.data.scenes.raster import dilated, lay, scaled, tinted
from mezzotint.data.scenes.stock import blobs


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    raw = np.random.Generator(np.random.Philox(5)).integers(0, 256, (60, 47, 4), dtype=np.uint8)
    raw[..., :3] = np.minimum(raw[..., :3], raw[..., 3:])
    return raw


@pytest.mark.parametrize(("width", "height"), [(47, 60), (20, 25), (13, 60), (94, 70)])
def test_scaling_is_pillows_bicubic_to_one_level(noise: np.ndarray, width: int, height: int) -> None:
    plane = noise[..., 3] // 3 + 85  # no overshoot: Pillow clips after each direction
    theirs = np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(scaled(plane, width, height) - theirs).max() <= 1


def test_scaling_keeps_flat_colour_and_size(noise: np.ndarray) -> None:
    flat = np.full((50, 40, 4), 200, dtype=np.uint8)
    assert (scaled(flat, 17, 23) == 200).all()
    assert (scaled(noise, 47, 60) == noise).all()
    small = scaled(noise, 20, 20)
    assert (small[..., :3] <= small[..., 3:]).all()


def test_lay_is_the_over_operator(noise: np.ndarray) -> None:
    under = noise[::-1].copy()
    canvas = under.copy()
    lay(canvas, noise)
    exact = noise + under * (1 - noise[..., 3:] / 255)
    assert np.abs(canvas - exact).max() <= 0.51
    canvas = under.copy()
    lay(canvas, noise, -40, 50)
    assert (canvas[:50] == under[:50]).all()
    assert (canvas[50:, 7:] == under[50:, 7:]).all()
    assert np.abs(canvas[50:, :7] - (noise[:10, 40:] + under[50:, :7] * (1 - noise[:10, 40:, 3:] / 255))).max() <= 0.51


def test_dilation_is_the_largest_value_within_reach() -> None:
    mask = np.zeros((9, 9), dtype=np.uint8)
    mask[4, 4], mask[0, 0] = 200, 90
    grown = dilated(mask, 2)
    assert grown.shape == (13, 13)
    y, x = np.mgrid[:13, :13]
    assert ((grown == 200) == ((y - 6) ** 2 + (x - 6) ** 2 <= 6)).all()
    assert grown[2, 0] == 90
    assert tinted(mask, (255, 51, 0))[4, 4].tolist() == [200, 40, 0, 200]


def _flooded(mask: np.ndarray) -> int:
    """Parts of a mask by flood fill, 8 neighbours, of at least 6 % of it."""
    left = {tuple(p) for p in np.argwhere(mask)}
    whole, count = len(left), 0
    while left:
        queue, size = [left.pop()], 0
        while queue:
            y, x = queue.pop()
            size += 1
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            queue += near
        count += size >= 0.06 * whole
    return count


@pytest.mark.parametrize("seed", range(12))
def test_blobs_are_those_of_a_flood_fill(seed: int) -> None:
    rng = np.random.Generator(np.random.Philox(seed))
    coarse = rng.random((8, 8)) < 0.25 + 0.03 * seed
    mask = np.kron(coarse, np.ones((3, 3))).astype(bool) & (rng.random((24, 24)) < 0.97)
    assert blobs(mask) == _flooded(mask)
