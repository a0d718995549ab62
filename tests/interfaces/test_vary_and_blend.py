"""`mezzotint vary`, `mezzotint blend` and `edit --invert`, and `reproduce` of what they gave."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mezzotint.provenance.read import read_metadata
from tests.interfaces.conftest import Run, parsed, sentence
from tests.support import SMALL, model_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=16, patch=4))


@pytest.fixture
def cat(run: Run, folder: Path, here: Path) -> Path:
    assert run("imagine", "a cat", "--model", folder, "--seed", 3, "--out", "cat.png").exit_code == 0
    for number in (0, 1, 2):
        values = np.random.default_rng(number).integers(0, 256, (16, 16, 4), dtype=np.uint8)
        Image.fromarray(values, "RGBA").save(here / f"{number}.png")
    return here / "cat.png"


def pixels(path: Path | str) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGBA"))


def test_variations_are_drawn_from_a_file_and_vary_again(run: Run, folder: Path, cat: Path, here: Path) -> None:
    done = parsed(run("vary", cat, "--model", folder, "--out", "v", "--format", "json"))
    files = [picture["file"] for picture in done["pictures"]]
    assert len(set(files)) == 4
    assert len({pixels(file).tobytes() for file in (*files, cat)}) == 5
    assert [p["recipe"]["request"]["vary"] for p in done["pictures"]] == [[[0.2, 3 + 2**32 + k]] for k in range(4)]
    assert "identical" in run("reproduce", files[2], "--model", folder).stdout
    again = ("vary", files[2], "--model", folder, "--strength", "0.4", "--n", 1, "--vary-seed", 8, "--out", "w.png")
    assert run(*again).exit_code == 0
    recipe = read_metadata("w.png").recipe
    assert recipe is not None
    assert recipe.request.vary == ((0.2, 5 + 2**32), (0.4, 8))
    assert "identical" in run("reproduce", "w.png", "--model", folder).stdout


def test_seeds_that_the_picture_has_are_passed_over(run: Run, folder: Path, cat: Path) -> None:
    words = ("vary", cat, "--model", folder, "--n", 3, "--vary-seed", 1, "--out", "v", "--format", "json")
    done = parsed(run(*words))["pictures"]
    assert [one["recipe"]["request"]["vary"] for one in done] == [[[0.2, 1]], [[0.2, 2]], [[0.2, 4]]]


def test_a_weak_model_can_be_given(
    run: Run, folder: Path, here: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    weak = model_folder(tmp_path_factory.mktemp("w") / "weak", replace(SMALL, size=16, patch=4), seed=1)
    guided = ("--guidance-method", "autoguidance:scale=2", "--weak-model", weak)
    assert run("imagine", "a cat", "--model", folder, "--seed", 3, *guided, "--out", "a.png").exit_code == 0
    words = ("vary", "a.png", "--model", folder, "--n", 1, "--strength", 0, "--out", "v.png")
    assert "give its folder with --weak-model" in sentence(run(*words))
    assert run(*words, "--weak-model", weak).exit_code == 0
    assert np.array_equal(pixels("v.png"), pixels("a.png"))


def test_0_is_the_picture_and_1_that_of_the_other_seed(run: Run, folder: Path, cat: Path, here: Path) -> None:
    words = ("vary", cat, "--model", folder, "--n", 1, "--vary-seed", 9, "--out")
    run(*words, "same.png", "--strength", 0)
    run(*words, "other.png", "--strength", 1)
    run("imagine", "a cat", "--model", folder, "--seed", 9, "--out", "nine.png")
    run("imagine", "a cat", "--model", folder, "--seed", 3, "--vary", "1:9", "--out", "to-nine.png")
    assert np.array_equal(pixels("same.png"), pixels(cat))
    assert np.array_equal(pixels("other.png"), pixels("nine.png"))
    assert np.array_equal(pixels("to-nine.png"), pixels("nine.png"))


def test_an_edited_picture_needs_its_source_to_be_varied(run: Run, folder: Path, cat: Path, here: Path) -> None:
    edit = ("edit", "0.png", "a cat", "--model", folder, "--invert", "--source-prompt", "a dog", "--out", "e.png")
    assert run(*edit).exit_code == 0
    words = ("vary", "e.png", "--model", folder, "--n", 1, "--out", "v.png")
    assert "give its file with --image" in sentence(run(*words))
    assert run(*words, "--image", "0.png").exit_code == 0
    assert "identical" in run("reproduce", "v.png", "--model", folder, "--image", "0.png").stdout


def test_pictures_are_blended_and_drawn_again(run: Run, folder: Path, cat: Path, here: Path) -> None:
    words = ("blend", "0.png", "1.png", "2.png", "--model", folder, "--seed", 4, "--prompt", "a cat", "--out")
    assert run(*words, "b.png", "--weights", "1,2,0").exit_code == 0
    again = ("reproduce", "b.png", "--model", folder, "--image", "0.png", "--blend-image", "1.png", "--blend-image")
    assert "identical" in run(*again, "2.png").stdout
    assert "0.png is not the picture" in sentence(run(*again, "0.png"))
    assert "--blend-image gives 1" in sentence(run(*again[:-1]))
    run(*words, "one.png", "--weights", "0,5,0")
    run("edit", "1.png", "a cat", "--model", folder, "--seed", 4, "--invert", "--out", "alone.png")
    assert np.array_equal(pixels("one.png"), pixels("alone.png"))


def test_pictures_are_blended_in_less_noise_too(run: Run, folder: Path, cat: Path, here: Path) -> None:
    words = ("blend", "0.png", "1.png", "--model", folder, "--seed", 4, "--steps", 4, "--out")
    assert run(*words, "plain.png").exit_code == run(*words, "less.png", "--strength", 0.5).exit_code == 0
    whole, less = (read_metadata(here / name).recipe for name in ("plain.png", "less.png"))
    assert whole is not None
    assert less is not None
    assert (whole.request.strength, less.request.strength) == (1.0, 0.5)
    first, second = (np.asarray(Image.open(here / f"{k}.png").convert("RGBA"), float) for k in (0, 1))
    far = [
        np.abs(np.asarray(Image.open(here / name), float) - (first + second) / 2).mean()
        for name in ("plain.png", "less.png")
    ]
    assert far[1] < far[0]
    again = run("reproduce", "less.png", "--model", folder, "--image", "0.png", "--blend-image", "1.png")
    assert again.exit_code == 0, again.output
    assert "strength is 2" in sentence(run(*words, "x.png", "--strength", 2))


def test_prompts_are_blended(run: Run, folder: Path, cat: Path, here: Path) -> None:
    words = ("imagine", "", "--model", folder, "--seed", 3, "--blend", "a cat:0.5", "--out")
    run(*words, "alone.png")
    assert np.array_equal(pixels("alone.png"), pixels(cat))
    run(*words, "both.png", "--blend", "a dog:0.5")
    assert not np.array_equal(pixels("both.png"), pixels(cat))
    assert "identical" in run("reproduce", "both.png", "--model", folder).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["vary", "0.png"], "0.png has no recipe"),
        (["vary", "cat.png", "2"], "there is no picture 2"),
        (["vary", "cat.png", "--strength", "much"], "strength is 'much'; it must be subtle, strong or a share from 0"),
        (["vary", "cat.png", "--strength", "nan"], "strength is 'nan'; it must be subtle, strong or a share from 0"),
        (["vary", "cat.png", "--strength", "0.3:7"], "strength is '0.3:7'; it must be subtle, strong or a share from"),
        (["vary", "cat.png", "--vary-seed", "x"], "vary-seed is 'x'; it must be a whole number"),
        (["vary", "cat.png", "--vary-seed", "3"], "vary has the seed 3, which the picture has already"),
        (["vary", "cat.png", "--n", "0"], "n is 0; it must be a whole number from 1"),
        (["vary", "cat.png", "--image", "0.png"], "The recipe has no image; leave out --image"),
        (["blend", "0.png"], "1 picture is given; blend takes two to five"),
        (["blend", *["0.png"] * 6], "6 pictures are given; blend takes two to five"),
        (["blend", "0.png", "nowhere.png"], "nowhere.png"),
        (["blend", "0.png", "1.png", "--weights", "1,2,3"], "it must be a list of 2 numbers"),
        (["edit", "0.png", "--source-prompt", "a cat"], "give invert or --keep-layout too"),
        (["imagine", "a cat", "--vary", "0.5:x"], "the seed in vary is 'x'"),
        (["imagine", "a cat", "--blend", "a dog:-1"], "the weight in blend is -1"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_writes_nothing(
    run: Run, folder: Path, cat: Path, here: Path, words: list[str], said: str
) -> None:
    before = sorted(here.iterdir())
    assert said in sentence(run(*words, "--model", folder))
    assert sorted(here.iterdir()) == before
