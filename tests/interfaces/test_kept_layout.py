"""`mezzotint edit --keep-layout`: of a picture drawn here from its recipe, of others beside an inversion."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.interfaces.conftest import Run, parsed, sentence
from tests.support import SMALL, model_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=16, patch=4))


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_a_picture_drawn_here_is_drawn_from_its_recipe(run: Run, folder: Path, here: Path) -> None:
    model = ("--model", folder)
    run(
        "imagine",
        "a red apple",
        *model,
        "--seed",
        7,
        "--steps",
        6,
        "--guidance",
        3,
        "--solver",
        "heun",
        "--out",
        "a.png",
    )
    edit = ("edit", "a.png", "a green apple", *model, "--keep-layout")
    done = parsed(run(*edit, 0.5, "--out", "e.png", "--format", "json"))
    request = done["pictures"][0]["recipe"]["request"]
    assert (request["source_prompt"], request["keep_layout"], request["image"]) == ("a red apple", 0.5, None)
    assert (request["seed"], request["steps"], request["guidance"], request["solver"]) == (7, 6, 3, "heun")
    assert "identical" in run("reproduce", "e.png", *model).stdout
    run(
        "imagine",
        "a green apple",
        *model,
        "--seed",
        7,
        "--steps",
        6,
        "--guidance",
        3,
        "--solver",
        "heun",
        "--out",
        "g.png",
    )
    assert not np.array_equal(pixels(here / "e.png"), pixels(here / "g.png"))
    run("edit", "a.png", "a red apple", *model, "--keep-layout", 1, "--out", "same.png")
    assert np.array_equal(pixels(here / "same.png"), pixels(here / "a.png"))
    assert "and --steps is given too; leave it out" in sentence(run(*edit, 0.5, "--steps", 4))
    assert "--keep-layout is 2.0; it must be a number from 0 to 1." in sentence(run(*edit, 2))
    again = sentence(run("edit", "e.png", "a blue apple", *model, "--keep-layout", 0.5))
    assert "e.png was drawn with --keep-layout, and --keep-layout takes recipes that need no other picture" in again


def test_any_other_picture_needs_an_inversion_or_what_it_shows(run: Run, folder: Path, here: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (16, 16, 4), dtype=np.uint8)
    Image.fromarray(values, "RGBA").save(here / "p.png")
    edit = ("edit", "p.png", "a cat", "--model", folder, "--seed", 3)
    refused = sentence(run("edit", "p.png", "a cat", "--model", folder, "--keep-layout", 0.5))
    assert "p.png has no recipe of mezzotint, so that nobody knows how its layout came about; give --invert" in refused
    inverted = ("--invert", "--source-prompt", "a dog")
    run(*edit, *inverted, "--keep-layout", 0.5, "--out", "e.png")
    assert "identical" in run("reproduce", "e.png", "--model", folder, "--image", "p.png").stdout
    run(*edit, *inverted, "--out", "f.png")
    run(*edit, *inverted, "--keep-layout", 0, "--out", "off.png")
    assert not np.array_equal(pixels(here / "e.png"), pixels(here / "f.png"))
    assert np.array_equal(pixels(here / "off.png"), pixels(here / "f.png"))
    run(*edit, "--source-prompt", "a dog", "--keep-layout", 0.5, "--strength", 0.5, "--out", "s.png")
    assert "identical" in run("reproduce", "s.png", "--model", folder, "--image", "p.png").stdout
