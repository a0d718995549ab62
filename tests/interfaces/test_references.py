"""Reference pictures on the command line: fitted, named in the recipe, needed again to reproduce."""

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


@pytest.fixture(autouse=True)
def _pictures(here: Path) -> None:
    for seed, (name, size) in enumerate({"fox": (16, 16), "wide": (48, 24)}.items()):
        values = np.random.default_rng(seed).integers(0, 256, (*reversed(size), 4), dtype=np.uint8)
        Image.fromarray(values, "RGBA").save(here / f"{name}.png")


def test_references_of_any_size_are_drawn_after_and_reproduced(run: Run, folder: Path, here: Path) -> None:
    given = ("--style-ref", "wide.png", "--image-ref", "fox.png", "--structure-ref", "wide.png")
    words = ("imagine", "a cat", "--model", folder, "--seed", 3, "--structure", "layout")
    done = parsed(run(*words, *given, "--style-weight", "0.5", "--out", "e.png", "--format", "json"))
    asked = done["pictures"][0]["recipe"]["request"]
    assert asked["style_ref"] == asked["structure_ref"] != asked["image_ref"]
    assert (asked["style_weight"], asked["image_weight"], asked["structure"]) == (0.5, 0.5, "layout")
    again = ("reproduce", "e.png", "--model", folder)
    assert "identical" in run(*again, *given).stdout
    assert "give its file with --style-ref" in sentence(run(*again))
    assert "give its file with --structure-ref" in sentence(run(*again, *given[:4]))
    assert "fox.png is not the style_ref that the recipe names; give that one with --style-ref" in sentence(
        run(*again, "--style-ref", "fox.png", *given[2:])
    )
    run(*words[:-2], "--out", "plain.png")
    assert "The recipe has no image_ref; leave out --image-ref" in sentence(
        run("reproduce", "plain.png", "--model", folder, "--image-ref", "fox.png")
    )
    plain, referred = (np.asarray(Image.open(here / name)) for name in ("plain.png", "e.png"))
    assert not np.array_equal(plain, referred)


def test_an_edit_takes_references_too(run: Run, folder: Path) -> None:
    words = ("edit", "wide.png", "a cat", "--model", folder, "--style-ref", "fox.png", "--out", "e.png", "--steps", 4)
    done = parsed(run(*words, "--strength", 1, "--format", "json"))
    assert done["evaluations"] == 12
    again = ("reproduce", "e.png", "--model", folder, "--image", "wide.png", "--style-ref", "fox.png")
    assert "identical" in run(*again).stdout


def test_each_size_has_its_own_fitted_pictures(run: Run, folder: Path, here: Path) -> None:
    (here / "p.txt").write_text("a cat --ar 2:1\na dog\n")
    Image.open("wide.png").resize((32, 16)).save(here / "flat.png")
    words = ("--model", folder, "--seed", 3, "--structure-ref", "flat.png", "--format", "json", "--out")
    both = parsed(run("imagine", "--prompts", "p.txt", *words, "d"))["pictures"]
    assert [one["recipe"]["request"]["size"] for one in both] == [[32, 16], [16, 16]]
    alone = [parsed(run("imagine", prompt, *words, "a.png"))["pictures"][0] for prompt in ("a cat --ar 2:1", "a dog")]
    assert [one["pixels_sha256"] for one in both] == [one["pixels_sha256"] for one in alone]
    assert len(parsed(run("imagine", "--prompts", "p.txt", *words, "d"))["there_already"]) == 2


def test_refusals(run: Run, folder: Path) -> None:
    words = ("imagine", "a cat", "--model", folder)
    assert "give style_ref too" in sentence(run(*words, "--style-weight", 2))
    assert "structure_weight is 11" in sentence(run(*words, "--structure-ref", "fox.png", "--structure-weight", 11))
    assert "none.png" in sentence(run(*words, "--image-ref", "none.png"))
    done = run(*words, "--image-ref", "fox.png", "--image-weight", 0, "--strict")
    assert "image_ref: nothing of it is drawn at weight 0" in sentence(done)
