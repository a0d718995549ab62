"""`mezzotint train gan`, from training by a budget to a picture, as a user types it."""

from pathlib import Path

import pytest
from PIL import Image

from mezzotint.runs import RUNS
from mezzotint.training import state
from mezzotint.training.budget import flops_per_update
from mezzotint.training.config import override
from tests.interfaces.conftest import Run, parsed, sentence

SMALL = (
    "size=16",
    "heads=2",
    "text_heads=2",
    "group=8",
    "blocks=1",
    "reads=[]",
    "widths=[16,8]",
    "width=16",
    "hidden=24",
)


@pytest.fixture
def small(pictures: Path) -> tuple[str, ...]:
    settings = [f"network.{one}" for one in SMALL]
    settings += ["data.source=folder", f"data.path={pictures}", "batch=4", "validation=4", "validate_every=4"]
    settings += ["checkpoint_every=3", "sample_every=100"]
    return ("train", "gan", "--threads", "1", *(part for one in settings for part in ("--set", one)))


def test_from_a_budget_to_a_picture(run: Run, small: tuple[str, ...], here: Path) -> None:
    first = parsed(run(*small, "--set", "steps=5", "--out", "r", "--stop-after", 2, "--format", "json"))
    assert (first["step"], first["finished"]) == (2, False)
    done = parsed(run("train", "gan", "--threads", 1, "--out", "r", "--resume", "--format", "json"))
    assert (done["step"], done["finished"]) == (5, True)
    assert Image.open(here / "r" / "samples" / "step-00000005.png").width == 8 * (32 + 4) + 4
    assert "a generator draws in one evaluation" in sentence(run("pack", "r", "--out", "m", "--defaults", "steps=4"))
    packed = parsed(run("pack", "r", "--out", "m", "--format", "json"))
    assert packed["defaults"]["steps"] == 1
    drawn = run("imagine", "a red square", "--model", "m", "--seed", 7, "--out", "a.png")
    assert drawn.exit_code == 0, drawn.output
    assert Image.open(here / "a.png").size == (16, 16)
    assert run("reproduce", "a.png", "--model", "m").exit_code == 0
    refused = sentence(run("imagine", "a red square", "--model", "m", "--guidance", 4, "--out", "b.png"))
    assert "guidance is 4, but the model m is a generator" in refused


def test_a_budget_becomes_updates_that_are_recorded(run: Run, small: tuple[str, ...], here: Path) -> None:
    cost = flops_per_update(override(RUNS["gan"](), [word for word in small if "=" in word]))  # type: ignore[arg-type]
    done = parsed(run(*small, "--pflop", 3.5 * cost / 1e15, "--out", "three", "--format", "json"))
    assert (done["step"], done["steps"]) == (3, 3)
    facts = state.read_facts(here / "three" / "checkpoints" / "step-00000003")
    assert facts["run"]["steps"] == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gan", "--pflop", "0"), "pflop is 0"),
        (("tiny", "--pflop", "1e-9"), "pflop is 1e-09, but an update of the run tiny costs"),
        (("detector", "--pflop", "1"), "what an update of detector costs is not counted"),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused(run: Run, words: tuple[str, ...], message: str) -> None:
    assert message in sentence(run("train", *words))
