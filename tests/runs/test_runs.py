"""Every run is complete, and within what it promises."""

import json

import pytest

from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.families.twin_encoder import TwinEncoder
from mezzotint.runs import RUNS
from mezzotint.training.config import from_dict


@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_run_names_itself_and_survives_json(name: str) -> None:
    run = RUNS[name]()
    assert run.name == name
    assert from_dict(type(run), json.loads(json.dumps(run.as_dict()))) == run


def millions(name: str) -> float:
    return sum(p.numel() for p in PixelDiT(RUNS[name]().network).parameters()) / 1e6


def test_sizes_and_views() -> None:
    assert millions("icons") == pytest.approx(7.4, abs=0.1)
    assert millions("house_gpu") < 13
    assert millions("tiny") < 0.5
    run = RUNS["icons"]()
    assert run.steps * run.batch >= 1_500_000


def test_the_encoder_is_of_a_few_million_weights() -> None:
    """4 w² + 3 w h in the matrices of a block, and its norms; patches, text, letters and places in; projections out."""
    c = RUNS["encoder"]().network
    w, head = c.width, c.width // c.heads
    block = 4 * w**2 + 3 * w * c.hidden + 2 * w + 2 * head
    inputs = 256 * w + w + 64 * w + 384 + 384 * w + w + (c.letters + c.word_length) * w
    expected = (c.depth + c.text_depth) * block + inputs + 2 * (w + w * c.features) + 2
    count = sum(p.numel() for p in TwinEncoder(c).parameters())
    assert count == expected
    assert count < 5_000_000
