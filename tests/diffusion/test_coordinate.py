"""A coordinate in Python's numbers is the same as in tensors."""

import math

import pytest
import torch

from mezzotint.diffusion import Level, Prediction
from mezzotint.diffusion.solvers.coordinate import COORDINATES, Start, finite_place, half_way, place_in
from mezzotint.diffusion.solvers.euler import rescaled
from mezzotint.diffusion.solvers.multistep import Point
from mezzotint.errors import InvalidOption

from .order import float64

LEVELS = [(0.99, 0.02), (0.3, 0.7), (1.0, 60.0), (0.6, 0.8)]
coordinates = pytest.mark.parametrize("name", COORDINATES)


def tensors(alpha: float, sigma: float) -> Level:
    return Level(float64(alpha), float64(sigma))


@coordinates
@pytest.mark.parametrize(("alpha", "sigma"), LEVELS)
@pytest.mark.parametrize("steered", [False, True])
def test_value_scale_and_slope(name: str, alpha: float, sigma: float, steered: bool) -> None:
    coordinate, level = COORDINATES[name], tensors(alpha, sigma)
    x, x0, eps = torch.randn(3, 1, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    prediction = Prediction(x, level, x0, eps if steered else None)
    place = place_in(name, Point(alpha, sigma))
    assert place.value == pytest.approx(float(coordinate.value(level)), rel=1e-13)
    assert place.scale == pytest.approx(float(coordinate.scale(level)), rel=1e-13)
    start = Start.of(prediction, Point(alpha, sigma), place)
    y, slope = rescaled(prediction, coordinate), coordinate.slope_of(prediction)
    torch.testing.assert_close(start.step(0.7, 0.3), 0.7 * (y + 0.3 * slope))
    torch.testing.assert_close(start.step(0.7, 0.3, start, -2.0), 0.7 * (y + (0.3 - 2.0) * slope))


@coordinates
def test_the_middle_of_a_step_lies_half_way(name: str) -> None:
    a, b = LEVELS[0], LEVELS[1]
    ratio = math.exp(-half_way(name, Point(*a), Point(*b)) / 2)
    middle = COORDINATES[name].value(tensors(1.0, ratio))
    ends = [COORDINATES[name].value(tensors(*level)) for level in (a, b)]
    torch.testing.assert_close(middle, (ends[0] + ends[1]) / 2)


@pytest.mark.parametrize("name", ["ratio", "half_log_snr"])
def test_pure_noise_is_refused_where_it_is_infinite(name: str) -> None:
    with pytest.raises(InvalidOption, match=r"is infinite at alpha = 0 \(pure noise\); use the coordinate"):
        finite_place(name, Point(0.0, 1.0))
    assert math.isfinite(finite_place("flow", Point(0.0, 1.0)).value)
