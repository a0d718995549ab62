"""What students are measured by: pictures on white, evaluations, and turns that all ways have."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks import few_steps
from benchmarks.few_steps import evaluations, on_white, seconds, ways
from mezzotint import Pipeline
from mezzotint.errors import InvalidOption
from mezzotint.request import Request
from tests.support import model_folder


def test_transparent_pictures_are_compared_on_white() -> None:
    image = Image.new("RGBA", (3, 1), (255, 0, 0, 0))
    image.putpixel((1, 0), (255, 0, 0, 255))
    image.putpixel((2, 0), (0, 0, 0, 51))
    np.testing.assert_allclose(on_white(image)[0], [[1, 1, 1], [1, 0, 0], [0.8, 0.8, 0.8]], atol=1e-6)


def test_students_of_other_weights_and_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = dict(ways(["quick"]))
    assert list(found) == ["house", "quick, 4", "quick, 2", "quick, 1"]
    with pytest.raises(InvalidOption, match="Two models are called quick"):
        list(ways(["quick", "quick"]))
    monkeypatch.setattr(few_steps, "read_description", lambda folder: {"training": {"warm_start": "0" * 64}})
    with pytest.raises(InvalidOption, match="quick was taught by other weights than those of house"):
        list(ways(["quick"]))


def test_what_a_way_costs_is_counted_and_each_is_timed_as_it_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = Pipeline.load(str(model_folder(tmp_path / "m")), device="cpu", dtype="float32")
    found = {
        "many": (pipe, Request(prompt="", steps=6, guidance=3.0)),
        "few": (pipe, Request(prompt="", steps=2, guidance=1.0)),
    }
    assert [evaluations(way) for way in found.values()] == [12, 2]
    monkeypatch.setattr(few_steps, "timed", lambda draws, rounds: {name: draw(7) for name, draw in draws.items()})
    drawn: dict[str, Any] = seconds(found)
    assert {name: done.recipes[0].evaluations for name, done in drawn.items()} == {"many": 12, "few": 2}
    assert {done.recipes[0].request.seed for done in drawn.values()} == {7}
