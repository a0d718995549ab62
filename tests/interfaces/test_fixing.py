"""`edit --fix-detail`, and pictures in several passes, as a user types them."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mezzotint.evaluation.detector
import mezzotint.load
from mezzotint import Pipeline
from mezzotint.evaluation.detector import Sight, SightOf
from mezzotint.interfaces.film import Film
from tests.interfaces.conftest import Run, parsed, sentence
from tests.support import SMALL, model_folder

SIDE = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=SIDE, patch=4))


@pytest.fixture
def sights(here: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The colours in which a detector sees a cup, look after look, instead of the shipped one; the last stays."""
    colours = ["green", "green", "blue"]

    def images(images: Any) -> list[Sight]:
        colour = colours.pop(0) if len(colours) > 1 else colours[0]
        return [Sight((SightOf("cup", 0.9, (8.0, 4.0, 16.0, 12.0), colour, 0.9),), "") for _ in images]

    eye = SimpleNamespace(
        images=images,
        things=("cup",),
        weights_sha256="a" * 64,
        network=SimpleNamespace(config=SimpleNamespace(size=SIDE)),
    )
    (here / "instruments" / "detector").mkdir(parents=True)
    monkeypatch.setattr(mezzotint.load, "INSTRUMENTS", here / "instruments")
    monkeypatch.setattr(mezzotint.evaluation.detector, "load_detector", lambda path: eye)
    return colours


@pytest.fixture
def cup(here: Path) -> Path:
    values = np.random.default_rng(0).integers(0, 256, (30, 44, 4), dtype=np.uint8)
    Image.fromarray(values, "RGBA").save(here / "cup.png")
    return here / "cup.png"


def fixing(cup: Path, folder: Path) -> tuple[str | Path | int, ...]:
    """Two steps, which are too few for the usual solver."""
    same = ("--model", folder, "--seed", 3, "--steps", 2, "--solver", "ddim")
    return "edit", cup, "a blue cup", "--fix-detail", *same


def test_what_is_at_fault_is_redrawn_told_and_reproduced(run: Run, folder: Path, cup: Path, sights: list[str]) -> None:
    words = fixing(cup, folder)
    said = run(*words, "--out", "f.png")
    assert said.exit_code == 0, said.output
    first, _, check = said.stdout.splitlines()
    assert first.startswith("redraws 0.4")
    assert first.endswith('with "a blue cup": the cup is green, not blue')
    assert check == "  right, 1 picture drawn with 4 evaluations, before: the cup is green, not blue"
    assert "identical" in run("reproduce", "f.png", "--model", folder, "--image", cup).stdout
    assert Image.open("f.png").size == (44, 30)
    assert said.stdout.splitlines()[1].startswith("f.png  (seed 3, 44x30, ")
    sights[:] = ["green", "green", "blue"]
    done = parsed(run(*words, "--out", "g.png", "--format", "json"))["pictures"][0]
    assert done["recipe"]["check"]["before"] == ["the cup is green, not blue"]
    assert (done["recipe"]["request"]["detail"][0][1], done["evaluations"], done["ignored"]) == ("a blue cup", 4, [])


def test_a_right_picture_is_written_as_it_is_but_not_where_a_mask_says(
    run: Run, folder: Path, cup: Path, here: Path, sights: list[str]
) -> None:
    sights[:] = ["blue"]
    words = (*fixing(cup, folder), "--out")
    assert run(*words, "f.png").stdout.startswith("there is no part to redraw; the picture stays as it is\n")
    assert np.array_equal(Image.open("f.png"), Image.open(cup))
    assert "identical" in run("reproduce", "f.png", "--model", folder, "--image", cup).stdout
    cover = Image.new("L", (44, 30))
    cover.paste(255, (22, 0, 44, 15))
    cover.save(here / "m.png")
    told = run(*words, "h.png", "--mask", "m.png", "--tries", 2, "--strict")
    assert told.stdout.startswith('redraws 0.50,0.00,1.00,0.50 with "a blue cup": the mask names it\n')
    assert "2 pictures drawn" in told.stdout


def test_a_style_and_what_is_not_wanted_count_for_the_parts(
    run: Run, folder: Path, cup: Path, here: Path, sights: list[str]
) -> None:
    Image.new("RGB", (20, 20), (250, 200, 0)).save(here / "yellow.png")
    words = fixing(cup, folder)
    more = ("--style-ref", "yellow.png", "--negative", "a dog", "--strict", "--out", "f.png", "--format", "json")
    done = parsed(run(*words, *more))["pictures"][0]
    assert (done["evaluations"], done["ignored"]) == (2 * 3, [])
    again = ("reproduce", "f.png", "--model", folder, "--image", cup, "--style-ref", "yellow.png")
    assert "identical" in run(*again).stdout
    sights[:] = ["green", "green", "blue"]
    plain = parsed(run(*words, "--out", "g.png", "--format", "json"))["pictures"][0]
    assert plain["pixels_sha256"] != done["pixels_sha256"]
    sights[:] = ["green"]
    refused = sentence(run(*words, "--image-ref", "yellow.png", "--strict"))
    assert "'--image-ref: nothing of it is drawn at strength 0' would be ignored" in refused


def test_what_makes_no_sense_is_one_sentence(run: Run, folder: Path, cup: Path, here: Path, sights: list[str]) -> None:
    Image.new("L", (44, 30)).save(here / "black.png")
    for args, words in (
        (("a cup", "--fix-detail", "--strength", 0.5), "leave out --strength"),
        (("a cup", "--fix-detail", "--strength", 0), "leave out --strength"),
        (("a cup", "--fix-detail", "--detail", "0,0,1,1:x"), "leave out --detail"),
        (("a cup", "--fix-detail", "--size", "32"), "leave out --size"),
        (("--fix-detail",), "--fix-detail compares the picture with a prompt; give a PROMPT"),
        (("a cup", "--tries", 3), "tries is 3, but nothing is looked at; give --fix-detail too"),
        (("a cup", "--fix-detail", "--tries", 0), "tries is 0"),
        (("a cup", "--fix-detail", "--mask", "black.png"), "The mask names no part, since it is black all over"),
    ):
        assert words in sentence(run("edit", cup, *args, "--model", folder))
    (here / "instruments" / "detector").rmdir()
    assert "--fix-detail needs a detector, and none is installed" in sentence(run("edit", cup, "a cup", "--fix-detail"))
    assert not (here / "mezzotint-out").exists()


def test_a_large_picture_of_one_thing_is_watched_and_reproduced(run: Run, folder: Path, here: Path) -> None:
    words = ("imagine", "a cat", "--model", folder, "--seed", 3, "--steps", 4, "--size", "32x24", "--hires")
    plain = parsed(run(*words, "--hires-strength", 0.5, "--out", "a.png", "--format", "json"))["pictures"][0]
    assert plain["recipe"]["request"]["hires_strength"] == 0.5
    assert "identical" in run("reproduce", "a.png", "--model", folder).stdout
    watched = parsed(run(*words, "--hires-strength", 0.5, "--watch", "--out", "b.png", "--format", "json"))
    assert watched["pictures"][0]["pixels_sha256"] == plain["pixels_sha256"]
    with Image.open(watched["pictures"][0]["watch"][1]) as film:
        assert film.n_frames == 4 + 2 + 1
    assert "give a larger --size" in sentence(run(*words[:8], "--hires"))
    assert "with --hires; only pictures" in sentence(run("explain", "a.png", "--model", folder))


def test_a_film_begins_each_pass_with_its_own_noise_and_has_frames_of_one_size(folder: Path) -> None:
    pipe, film = Pipeline.load(str(folder), device="cpu", dtype="float32"), Film()
    previews = list(pipe.stream("a cat", seed=3, steps=2, size=(32, 24), hires=True, hires_strength=0.5))
    for preview in previews:
        film.add(pipe, preview)
    first, _, second, last = film.frames
    assert {frame.x.shape for frame in film.frames} == {(24, 32, 4)}
    starts = [preview.step.prediction.x_t for preview in previews if preview.step.prediction is not None]
    assert np.array_equal(second.x, starts[2][0, :, 0].permute(1, 2, 0))
    assert np.array_equal(last.x, previews[-1].x[:, 0].permute(1, 2, 0))
    small = starts[0][0, :, 0].permute(1, 2, 0).numpy()  # 24 by 16, each pixel as often as it fits
    assert np.array_equal(first.x, small[np.arange(24) * 16 // 24][:, np.arange(32) * 24 // 32])


def test_a_picture_that_stays_as_it_is_can_be_watched(run: Run, folder: Path, cup: Path) -> None:
    done = parsed(
        run("edit", cup, "--model", folder, "--strength", 0, "--watch", "--out", "c.png", "--format", "json")
    )["pictures"][0]
    with Image.open(done["watch"][1]) as film:
        assert film.n_frames >= 1
