"""The student that is installed draws in few evaluations what the house model draws in many."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mezzotint import Pipeline
from tests.interfaces.conftest import Run, parsed

PROMPTS = ("a red apple", "a sailboat", "a blue house", "a green leaf")


def cover(image: Image.Image) -> NDArray[np.bool_]:
    """Where a picture is opaque."""
    return np.asarray(image.getchannel("A")) > 127


def shared(one: Image.Image, other: Image.Image) -> float:
    """How much of what two pictures cover both cover, 0 to 1."""
    a, b = cover(one), cover(other)
    return float((a & b).sum() / max(1, (a | b).sum()))


@pytest.fixture(scope="module")
def drawn() -> dict[str, list[Image.Image]]:
    """Pictures of the prompts with the same seeds: the teacher's in 24 evaluations, the student's in 4, 2 and 1."""
    teacher, student = (Pipeline.load(name, device="cpu", dtype="float32") for name in ("house", "quick"))
    found = {"teacher": [teacher.generate(prompt, seed=1, steps=12).images[0] for prompt in PROMPTS]}
    for steps in (4, 2, 1):
        done = [student.generate(prompt, seed=1, steps=steps) for prompt in PROMPTS]
        assert {one.recipes[0].evaluations for one in done} == {steps}
        found[str(steps)] = [one.images[0] for one in done]
    return found


@pytest.mark.parametrize("evaluations", ["4", "2", "1"])
def test_it_draws_the_teachers_pictures(drawn: dict[str, list[Image.Image]], evaluations: str) -> None:
    """Their outlines, and in their colours; those of other prompts and seeds have other ones."""
    own = [shared(a, b) for a, b in zip(drawn[evaluations], drawn["teacher"], strict=True)]
    others = [
        shared(a, b) for a, b in zip(drawn[evaluations], drawn["teacher"][1:] + drawn["teacher"][:1], strict=True)
    ]
    assert np.mean(own) > 0.8
    assert np.mean(own) > np.mean(others) + 0.15


def test_it_is_drawn_with_by_name(run: Run) -> None:
    (picture,) = parsed(run("imagine", "a red apple", "--model", "quick", "--seed", 1, "--format", "json"))["pictures"]
    recipe = picture["recipe"]
    assert (recipe["request"]["steps"], recipe["request"]["distilled_guidance"]) == (4, 4.0)
    assert picture["ignored"] == []
