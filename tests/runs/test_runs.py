"""Every run is complete, and within what it promises."""

import json

import pytest

from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.runs import RUNS
from mezzotint.training.config import RunConfig, from_dict


@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_run_names_itself_and_survives_json(name: str) -> None:
    run = RUNS[name]()
    assert run.name == name
    assert from_dict(RunConfig, json.loads(json.dumps(run.as_dict()))) == run


def millions(name: str) -> float:
    return sum(p.numel() for p in PixelDiT(RUNS[name]().network).parameters()) / 1e6


def test_sizes_and_views() -> None:
    assert millions("icons") == pytest.approx(7.4, abs=0.1)
    assert millions("icons_gpu") < 25
    assert millions("tiny") < 0.5
    run = RUNS["icons"]()
    assert run.steps * run.batch >= 1_500_000
