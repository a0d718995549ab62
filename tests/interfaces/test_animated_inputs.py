"""An animation where a still picture is expected: one sentence, and nothing is written."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.animations import apng, webp
from tests.interfaces.conftest import Run, sentence
from tests.support import SMALL, model_folder

SAID = "is an animation of 3 pictures, and a still picture is expected; save the one that you want as a PNG"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=16, patch=4))


@pytest.fixture(autouse=True)
def _pictures(here: Path) -> None:
    Image.new("RGB", (4, 4), (200, 30, 30)).save(here / "still.png")
    (here / "moving.png").write_bytes(apng(3))
    (here / "moving.webp").write_bytes(webp(3))


@pytest.mark.parametrize("file", ["moving.png", "moving.webp"])
@pytest.mark.parametrize(
    "words",
    [
        ("edit", "FILE", "a cat"),
        ("edit", "still.png", "a cat", "--mask", "FILE"),
        ("edit", "still.png", "a cat", "--fix-detail", "--mask", "FILE"),
        ("edit", "still.png", "a cat", "--style-ref", "FILE"),
        ("edit", "still.png", "a cat", "--region", "FILE:a hat"),
        ("blend", "still.png", "FILE"),
        ("blend", "FILE", "still.png"),
        ("imagine", "a cat", "--image-ref", "FILE"),
        ("imagine", "a cat", "--structure-ref", "FILE"),
        ("imagine", "a cat --sref FILE"),
        ("imagine", "a cat", "--region", "FILE:a hat"),
        ("explore", "a cat", "--x", "seed=1,2", "--style-ref", "FILE"),
        ("upscale", "FILE"),
    ],
    ids=lambda words: " ".join(words),
)
def test_an_animation_is_refused_before_anything_is_drawn(
    run: Run, folder: Path, here: Path, words: tuple[str, ...], file: str
) -> None:
    before = sorted(here.iterdir())
    told = run(*(word.replace("FILE", file) for word in words), "--model", folder, "--out", "out")
    assert f"{file} {SAID}" in sentence(told)
    assert sorted(here.iterdir()) == before


@pytest.mark.parametrize(
    "words", [("describe",), ("vectorise",), ("describe", "still.png"), ("likelihood", "house")], ids=" ".join
)
def test_so_it_is_by_what_looks_at_pictures(run: Run, words: tuple[str, ...]) -> None:
    assert f"moving.webp {SAID}" in sentence(run(*words, "moving.webp"))


def test_a_variation_takes_no_animation_either(run: Run, folder: Path, here: Path) -> None:
    assert run("imagine", "a cat", "--model", folder, "--out", "cat.png").exit_code == 0
    words = ("vary", "cat.png", "--n", 1, "--model", folder, "--out", "v.png", "--style-ref")
    assert SAID in sentence(run(*words, "moving.png"))
    assert not (here / "v.png").exists()


def test_an_animation_is_still_looked_into(run: Run) -> None:
    assert run("inspect", "moving.png").exit_code == 0
    assert run("inspect", "moving.webp").exit_code == 0
