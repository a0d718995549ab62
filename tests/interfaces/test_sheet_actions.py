"""`imagine --sheet`: four numbered pictures, whose numbers lead back to their recipes."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mezzotint.errors import InvalidFile, InvalidOption
from mezzotint.interfaces.sheet_actions import SHEET_KEYWORD, picture_of
from mezzotint.interfaces.sheets import GAP, LABEL, on_board
from mezzotint.pipeline import Pipeline
from mezzotint.provenance.read import read_metadata
from tests.interfaces.conftest import Run, parsed, sentence


@pytest.fixture
def sheet(run: Run, model: Path, here: Path) -> Path:
    words = ("imagine", "a cat", "--seed", 7, "--steps", 2, "--model", model, "--sheet", "--format", "json")
    (path,) = parsed(run(*words))["sheets"]
    return here / path


def test_a_number_is_the_picture_in_its_place(sheet: Path, model: Path) -> None:
    assert sheet.name == "a-cat-7-sheet.png"
    page = np.asarray(Image.open(sheet))
    result = Pipeline.load(str(model)).generate("a cat", seed=7, steps=2, n=4)
    for number, image in enumerate(result.images):
        recipe = picture_of(sheet, number + 1)
        assert recipe == result.recipes[number]
        assert recipe == read_metadata(sheet.with_name(f"a-cat-{7 + number}.png")).recipe
        x, y = GAP + number % 2 * (192 + GAP), GAP + number // 2 * (192 + LABEL + GAP)
        assert np.array_equal(page[y : y + 192, x : x + 192], np.asarray(on_board(image, 6)))


def test_a_sheet_is_not_drawn_on(run: Run, sheet: Path, model: Path, here: Path) -> None:
    before = sorted(path.name for path in here.rglob("*"))
    for words in (("edit", sheet, "a dog"), ("explore", "a dog", "--image", sheet, "--x", "strength=0.5,1")):
        said = sentence(run(*words, "--model", model, "--steps", 2))
        assert said.endswith("is a sheet of 4 pictures, and one is drawn on; give the file of one of them.")
    assert sorted(path.name for path in here.rglob("*")) == before
    single = sheet.with_name("a-cat-8.png")
    assert run("edit", single, "a dog", "--model", model, "--steps", 2, "--out", "e.png").exit_code == 0


def test_a_single_picture_needs_no_number(sheet: Path) -> None:
    single = sheet.with_name("a-cat-8.png")
    assert picture_of(single) == picture_of(single, 1) == picture_of(sheet, 2)
    with pytest.raises(InvalidOption, match="is one picture, so there is no picture 2"):
        picture_of(single, 2)
    for number, words in ((None, "is a sheet; say which"), (0, "has no picture 0"), (5, "has no picture 5")):
        with pytest.raises(InvalidOption, match=f"{words}.*1 to 4"):
            picture_of(sheet, number)


def test_the_text_names_the_sheet_and_inspect_lists_it(run: Run, model: Path, sheet: Path) -> None:
    text = run("imagine", "a cat", "--seed", 7, "--steps", 2, "--model", model, "--sheet").stdout
    assert text.splitlines()[4].endswith("a-cat-7-sheet.png  (a sheet of the pictures above)")
    assert len(list(sheet.parent.iterdir())) == 5  # the same pictures again take no new names
    run("imagine", "a cat", "--seed", 7, "--steps", 1, "--model", model, "--sheet")
    assert (sheet.parent / "a-cat-7-sheet-2.png").is_file()
    lines = run("inspect", sheet).stdout.splitlines()
    assert lines[0].endswith("a sheet of 4 pictures")
    assert lines[4] == "  4  seed 10, a cat"
    assert parsed(run("inspect", sheet, "--format", "json"))["sheet"][2]["request"]["seed"] == 9


def test_a_prompt_with_choices_has_a_sheet_for_each(run: Run, model: Path, here: Path) -> None:
    words = ("imagine", "a {red, blue} cat", "--seed", 1, "--steps", 1, "--model", model, "--sheet", "--format", "json")
    sheets = parsed(run(*words))["sheets"]
    assert "is a sheet of 4 pictures, each of which has a file of its own" in sentence(run("reproduce", sheets[0]))
    assert [Path(sheet).name for sheet in sheets] == ["a-red-cat-1-sheet.png", "a-blue-cat-1-sheet.png"]
    assert picture_of(here / sheets[1], 3).request.prompt == "a blue cat"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a cat", "--n", "2"), "n is 2, and a sheet has 4 pictures"),
        (("a cat --repeat 3",), "n is given twice"),
        (("--prompts", "p.txt"), "prompts is p.txt, and a sheet is of one prompt"),
        (("a cat", "--out", "a.png"), "is one file for 4 pictures"),
    ],
)
def test_what_does_not_go_with_a_sheet_is_refused(run: Run, here: Path, words: tuple[str, ...], said: str) -> None:
    assert said in sentence(run("imagine", *words, "--sheet"))
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no", "recipes are damaged"), ("[]", "recipes are damaged"), ('{"sheet_version": 1}', "recipes are damaged"),
        ('{"sheet_version": 2}', "a newer mezzotint"), ("[" * 100_000, "recipes are damaged"),
        ('{"sheet_version": 1, "recipes": [3]}', "a recipe that cannot be used: a recipe must be a JSON object"),
    ],
)  # fmt: skip
def test_a_damaged_sheet_is_refused(tmp_path: Path, text: str, said: str) -> None:
    info = PngInfo()
    info.add_itxt(SHEET_KEYWORD, text)
    Image.new("RGB", (4, 4)).save(tmp_path / "s.png", pnginfo=info)
    with pytest.raises(InvalidFile, match=said):
        picture_of(tmp_path / "s.png", 1)


def test_a_strangers_recipe_in_a_sheet_is_checked(sheet: Path) -> None:
    told = json.loads(Image.open(sheet).info[SHEET_KEYWORD])
    told["recipes"][0]["request"]["seed"] = -1
    info = PngInfo()
    info.add_itxt(SHEET_KEYWORD, json.dumps(told))
    Image.new("RGB", (4, 4)).save(sheet, pnginfo=info)
    with pytest.raises(InvalidFile, match="seed is -1"):
        picture_of(sheet, 1)


def test_other_files_have_no_recipe(here: Path) -> None:
    Image.new("RGB", (4, 4)).save(here / "a.png")
    Image.new("RGB", (4, 4)).save(here / "a.jpg")
    for name in ("a.png", "a.jpg"):
        with pytest.raises(InvalidFile, match="has no recipe; give a picture or a sheet"):
            picture_of(here / name)
