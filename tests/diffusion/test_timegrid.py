import math
from itertools import pairwise
from typing import Any

import pytest
import torch

from mezzotint.diffusion import (
    EDM,
    GRIDS,
    Denoise,
    RectifiedFlow,
    Renoise,
    Schedule,
    TimeGrid,
    VPCosine,
    VPScaledLinear,
    check_grid,
    from_times,
)
from mezzotint.diffusion.timegrid import karras, shifted, trailing, uniform
from mezzotint.errors import InvalidOption

from .order import float64


def times(grid: TimeGrid) -> list[float]:
    moves = [move for move in grid if isinstance(move, Denoise)]
    return [moves[0].t, *(move.s for move in moves)]


@pytest.mark.parametrize("start", [1.0, 0.6])
@pytest.mark.parametrize("steps", [1, 2, 7, 50])
@pytest.mark.parametrize(
    "schedule", [RectifiedFlow(), VPCosine(), VPScaledLinear(), EDM()], ids=["rf", "cos", "sd", "edm"]
)
@pytest.mark.parametrize("name", GRIDS)
def test_every_grid_falls_from_its_start_to_the_data(name: str, schedule: Schedule, steps: int, start: float) -> None:
    grid = GRIDS[name](steps, schedule, start=start)
    found = times(grid)
    assert len(grid) == steps
    assert (found[0], found[-1]) == (start, 0.0)
    assert all(a > b for a, b in pairwise(found))


def test_uniform() -> None:
    assert times(uniform(4, RectifiedFlow())) == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert times(uniform(2, RectifiedFlow(), start=0.5)) == [0.5, 0.25, 0.0]


def test_trailing_hits_the_steps_of_the_chain() -> None:
    """Lin et al. 2023, table 2: ten trailing steps of 1000 are the steps 999, 899, ..., 99, counted from 0."""
    assert times(trailing(10, VPScaledLinear()))[:-1] == [(n + 1) / 1000 for n in range(999, 0, -100)]
    assert times(trailing(3, VPScaledLinear())) == [1.0, 0.667, 0.333, 0.0]


def test_karras_is_equation_5() -> None:
    sigma = EDM()(float64(times(karras(18, EDM())))).sigma
    expected = [(80 ** (1 / 7) + i / 17 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7 for i in range(18)]
    torch.testing.assert_close(sigma, float64([*expected, 0.0]))


def test_karras_spans_what_the_schedule_has() -> None:
    level = VPScaledLinear()(float64(times(karras(9, VPScaledLinear(), rho=3.0))[:-1]))
    root = (level.sigma / level.alpha) ** (1 / 3)
    torch.testing.assert_close(root, torch.linspace(float(root[0]), float(root[-1]), 9, dtype=torch.float64))
    assert (root**3)[[0, -1]].tolist() == pytest.approx([14.6146, 0.02917], rel=1e-4)


def test_shift_is_a_shift_of_log_snr_on_rectified_flow() -> None:
    flow = RectifiedFlow()
    plain, moved = (float64(times(g)[1:-1]) for g in (uniform(8, flow), shifted(8, flow, shift=3.0)))
    torch.testing.assert_close(flow(moved).log_snr, flow(plain).log_snr - 2 * math.log(3))
    torch.testing.assert_close(float64(times(shifted(8, flow, shift=1.0))), float64(times(uniform(8, flow))))


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ((), "at least one move"),
        ((Denoise(1.0, 0.5), Denoise(0.4, 0.0)), "begins at t = 0.4, but the last ended at 0.5"),
        ((Denoise(1.2, 0.5),), "leaves the interval"),
        ((Denoise(math.nan, 0.5),), "leaves the interval"),
        ((Denoise(0.5, 0.5),), "goes nowhere"),
        ((Denoise(0.5, 0.2), Renoise(0.2, 0.1)), "wrong way"),
        ((Denoise(0.5, 0.0), Denoise(0.0, 0.5)), "begins at t = 0"),
    ],
)
def test_illegal_grids_are_refused(grid: TimeGrid, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        check_grid(grid)


def test_jumps_and_inversion_are_grids() -> None:
    jump = (Denoise(1.0, 0.5), Renoise(0.5, 0.8), Denoise(0.8, 0.0))
    assert check_grid(jump) is jump
    assert times(from_times([0.01, 0.5, 1.0])) == [0.01, 0.5, 1.0]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("uniform", {"steps": 0}, "at least 1, not 0"),
        ("uniform", {"steps": True}, "whole number"),
        ("karras", {"steps": 2.5}, "whole number"),
        ("shifted", {"steps": 4, "start": 0.0}, "start"),
        ("shifted", {"steps": 4, "shift": 0.0}, "positive"),
        ("trailing", {"steps": 600, "start": 0.5}, "at most 500"),
        ("karras", {"steps": 4, "sigma_min": 90.0}, "sigma_min < sigma_max"),
    ],
)
def test_bad_options_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    steps = options.pop("steps")
    with pytest.raises(InvalidOption, match=message):
        GRIDS[name](steps, RectifiedFlow(), **options)
