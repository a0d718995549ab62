"""A panorama takes little more memory than one window, and the table says what was measured."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.panorama import AIM, STATUS, measured
from docs.edit_tables import NOTHING, panorama_table
from tests.support import SMALL, model_folder

PIXEL = 220
"""Bytes that drawing may take for a pixel of the canvas: 130 to 170 are measured, 400 where its noise is made whole."""
ALWAYS = 20 * 2**20
"""Bytes that drawing takes at any size: what is imported late, a window, the parts in which noise is made."""


LINUX = pytest.mark.skipif(not STATUS.is_file(), reason="counts resident memory as Linux tells it")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One that is small beside the canvas, so that the canvas is what is measured."""
    return str(model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=64, width=16, depth=1)))


@LINUX
def test_a_canvas_takes_a_few_copies_of_itself(model: str) -> None:
    large = measured(model, 512)
    assert large["size"] == [512, 512]
    assert large["drawing_mb"] * 2**20 < PIXEL * 512**2 + ALWAYS


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize("solver", ["dpmpp-2m", "dpmpp-2m-sde"])
def test_a_large_picture_takes_little_more_memory_than_one_window(model: str, solver: str) -> None:
    window, large = (measured(model, side, solver=solver) for side in (None, 1024))
    assert (window["size"], large["size"]) == ([64, 64], [1024, 1024])
    assert large["evaluations"] == 256 * window["evaluations"]
    assert (large["drawing_mb"] - window["drawing_mb"]) * 2**20 < PIXEL * 1024**2
    assert large["peak_mb"] < AIM * window["peak_mb"]


def test_the_table_compares_both_ways_of_counting(tmp_path: Path) -> None:
    assert panorama_table(tmp_path) == NOTHING
    one = {"size": [64, 64], "peak_mb": 400.4, "drawing_mb": 20}
    many = {"size": [1024, 1024], "peak_mb": 500.0, "drawing_mb": 150}
    found = {"model": "mine", "steps": 3, "solver": "euler", "window": one, "panorama": many}
    (tmp_path / "panorama.json").write_text(json.dumps({**found, "ratio": 1.249, "drawing_ratio": 7.5}))
    lines = panorama_table(tmp_path).splitlines()
    assert lines[2] == "| one window, 64x64 | 400 MiB | 20 MiB |"
    assert lines[3] == "| in windows, 1024x1024 | 500 MiB | 150 MiB |"
    assert lines[4] == "| times as much | 1.25 | 7.5 |"
