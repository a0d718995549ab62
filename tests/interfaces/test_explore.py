"""`mezzotint explore`: every cell is the picture of its own options, in its place, and what is refused says why."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mezzotint.errors import InvalidOption
from mezzotint.interfaces import plots
from mezzotint.interfaces.plots import Axis, Cell, axis_of, cells_of
from mezzotint.interfaces.sheets import on_board
from mezzotint.pipeline import Pipeline
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.provenance.read import read_metadata
from mezzotint.request import Request
from tests.interfaces.conftest import Run, parsed, sentence

READERS: dict[str, tuple[str, Any]] = {
    "prompt": ("prompt", str), "seed": ("seed", int), "guidance": ("guidance", float), "solver": ("solver", str),
    "guidance_method": ("guidance_methods", lambda text: [text]), "steps": ("steps", int),
}  # fmt: skip


def test_every_cell_is_the_picture_of_its_options(run: Run, model: Path, here: Path) -> None:
    words = ("explore", "a red cat", "--model", model, "--steps", 2, "--x", "guidance=1,3", "--seed", 5)
    found = parsed(run(*words, "--y", "prompt=cat|dog", "--z", "solver=euler,ddim:eta=0.5", "--format", "json",
                       "--out", "page.png", "--each"))  # fmt: skip
    pipe, cells = Pipeline.load(str(model)), found["cells"]
    assert len(cells) == 8
    assert [cell["values"] for cell in cells[:3]] == [
        {"guidance": "1", "prompt": "cat", "solver": "euler"},
        {"guidance": "3", "prompt": "cat", "solver": "euler"},
        {"guidance": "1", "prompt": "dog", "solver": "euler"},
    ]
    images = []
    for cell in cells:
        at = cell["values"]
        options = {"guidance": float(at["guidance"]), "solver": at["solver"], "steps": 2, "seed": 5}
        drawn = pipe.generate(f"a red {at['prompt']}", **options)
        assert cell["recipe"]["pixels_sha256"] == drawn.recipes[0].pixels_sha256
        images.append(drawn.images[0])
    notes = json.loads((here / "page.json").read_text())
    assert [cell["recipe"] for cell in notes["cells"]] == [cell["recipe"] for cell in cells]
    for cell in notes["cells"]:
        recipe = read_metadata(here / cell["file"]).recipe
        assert recipe is not None
        assert recipe.to_json_dict() == cell["recipe"]
    # each stands where its values say: the page is cut into its pictures
    page = np.asarray(Image.open(here / "page.png").convert("RGB"))
    block = page.shape[0] - 2 * plots.LINE - 2 * plots.GAP
    head = block // 2 - 2 * (64 + plots.GAP) - plots.GAP
    for number, image in enumerate(images):
        x, y, z = number % 2, number // 2 % 2, number // 4
        left = plots.LEFT + x * (64 + plots.GAP)
        top = 2 * plots.LINE + 2 * plots.GAP + z * (block // 2) + head + y * (64 + plots.GAP)
        assert np.array_equal(page[top : top + 64, left : left + 64], np.asarray(on_board(image, 2)))


def test_a_refused_combination_is_grey_and_told(run: Run, model: Path, here: Path) -> None:
    words = ("explore", "a cat", "--model", model, "--steps", 2, "--x", "guidance=1,400", "--y", "solver=ddim,nosuch")
    result = run(*words, "--seed", 1, "--out", "p.png")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("p.png  (2 by 2 pictures, seed 1; recipes in p.json)")
    assert "refused: guidance is 400.0; it must be" in result.stdout
    cells = json.loads((here / "p.json").read_text())["cells"]
    assert [cell["refused"] is None for cell in cells] == [True, False, False, False]
    assert "There is no solver called 'nosuch'" in cells[2]["refused"]
    assert cells[1]["recipe"] is None
    page = Image.open(here / "p.png")
    assert page.getpixel((plots.LEFT + 64 + plots.GAP + 3, page.height - 72)) == plots.REFUSED


def test_pages_never_take_each_others_place(run: Run, model: Path, here: Path) -> None:
    words = ("explore", "a cat", "--model", model, "--steps", 1, "--x", "seed=1,2")
    for _ in range(3):
        assert run(*words).exit_code == 0
    names = {path.name for path in (here / "mezzotint-out").iterdir()}
    stems = ("a-cat-1-explore", "a-cat-1-explore-2", "a-cat-1-explore-3")
    assert names == {f"{stem}{end}" for stem in stems for end in (".png", ".json")}
    (here / "mine.json").write_text("{}")
    assert "mine.json is there already" in sentence(run(*words, "--out", "mine.png"))


def test_many_options_can_be_axes(run: Run, model: Path) -> None:
    words = ("explore", "a cat", "--model", model, "--seed", 1, "--format", "json")
    found = parsed(run(*words, "--x", "grid=uniform|1,0.5,0", "--y", "guidance-method=cfg,apg"))
    methods = [cell["recipe"]["request"]["guidance_methods"] for cell in found["cells"]]
    assert methods == [["cfg"], ["cfg"], ["apg"], ["apg"]]
    assert found["cells"][1]["recipe"]["request"]["grid"] == [1.0, 0.5, 0.0]
    found = parsed(run(*words, "--steps", 1, "--x", "style=flat,noto,none", "--y", "negative=|a dog"))
    assert [cell["recipe"]["request"]["style"] for cell in found["cells"][:3]] == ["flat", "noto", None]
    assert found["cells"][3]["recipe"]["request"]["negative"] == "a dog"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--x", "guidance"), "x is 'guidance'; it must be OPTION=VALUE,VALUE"),
        (("--x", "guidence=1"), "There is no option for x called 'guidence'; did you mean guidance"),
        (("--x", "n=1,2"), "There is no option for x called 'n'"),
        (("--x", "out=a,b"), "There is no option for x called 'out'"),
        (("--x", "seed=1,1"), "x has the value '1' of seed twice"),
        (("--x", "seed=1,2", "--y", "seed=3"), "The option seed is on two axes"),
        (("--x", "seed=1,2", "--z", "steps=3"), "z is given and y is not"),
        (("--x", "prompt=dog|cat"), "The prompt has no 'dog'"),
        (("--x", "solver=none,such"), "There is no solver called 'none'"),
        (("--x", "seed=a"), "seed is 'a'; it must be"),
        (("--x", "seed=1,2", "--n", "2"), "n is 2; a cell has one picture"),
        (("--x", "seed=" + ",".join(map(str, range(1025)))), "There are 1025 combinations; at most 1024"),
        (("--x", "seed=1", "--out", "a.jpg"), "does not end in .png"),
    ],
)
def test_what_cannot_be_explored_is_refused_and_nothing_is_written(
    run: Run, model: Path, here: Path, words: tuple[str, ...], said: str
) -> None:
    assert said in sentence(run("explore", "a cat", "--model", model, "--steps", 1, *words))
    assert not list(here.iterdir())


def test_an_option_that_is_an_axis_is_not_given_beside_it(run: Run, model: Path) -> None:
    words = ("explore", "a cat", "--model", model)
    assert "seed is given, and is an axis too" in sentence(run(*words, "--x", "seed=1,2", "--seed", 5))
    twice = run(*words, "--x", "guidance-method=cfg,apg", "--guidance-method", "cfg")
    assert "guidance-method is given, and is an axis too" in sentence(twice)
    unknown = sentence(run(*words, "--x", "nosuch=1"))
    assert "guidance-method," in unknown
    assert "guidance_method" not in unknown
    assert "--" not in unknown.replace("--x", "")


def test_braces_are_an_axis() -> None:
    with pytest.raises(InvalidOption, match="stands for 2 prompts"):
        cells_of("a {red, green} cat", {}, [axis_of("x", "seed=1,2", READERS)])


def test_the_first_axis_changes_fastest_and_words_are_replaced_everywhere() -> None:
    axes = [axis_of("x", "prompt=cat|dog", READERS), axis_of("y", "guidance-method=apg,cfg", READERS)]
    cells = cells_of("a cat and a cat --seed 4", {}, axes)
    asked = [cell.request for cell in cells]
    assert asked[1] == Request(prompt="a dog and a dog", seed=4, guidance_methods=("apg",))
    assert asked[2] == Request(prompt="a cat and a cat", seed=4, guidance_methods=("cfg",))
    assert [cell.place for cell in cells] == [(0, 0), (1, 0), (0, 1), (1, 1)]


def test_long_labels_are_broken_and_stay_in_their_column() -> None:
    label = "a very long description of a thing that nobody could read in one line"
    axes = [Axis("prompt", (label, "b"), (label, "b"))]
    image = Image.new("RGBA", (32, 32), (255, 0, 0, 255))
    sheet = plots.page("t", axes, [Cell((0,), None, None, image), Cell((1,), None, None, image)])
    lines = plots._broken(label, 64)
    assert len(lines) == plots.LINES
    assert all(plots.FONT.getlength(line) <= 64 for line in lines)
    assert " ".join(lines) == label[: len(" ".join(lines))]
    column = np.asarray(sheet)[:, plots.GAP + 64 : plots.GAP + 64 + plots.GAP]
    assert (column[2 * plots.LINE + 2 * plots.GAP :] == plots.PAPER[0]).all()


def test_the_digest_of_a_cell_is_that_of_its_picture(run: Run, model: Path, here: Path) -> None:
    parsed(run("explore", "a cat", "--model", model, "--steps", 1, "--x", "seed=1,2", "--each", "--out", "p.png",
               "--format", "json"))  # fmt: skip
    for file in (here / "p").iterdir():
        recipe = read_metadata(file).recipe
        assert recipe is not None
        assert pixel_sha256(Image.open(file)) == recipe.pixels_sha256


def test_what_a_drawing_refuses_is_grey_too(run: Run, model: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("explore", "a cat", "--model", model, "--steps", 1, "--seed", 1, "--format", "json")
    found = parsed(run(*words, "--x", "window-stride=16,100", "--size", "64x32"))["cells"]
    assert found[0]["refused"] is None
    assert found[1]["refused"].startswith("--window-stride is 100")
    whole = Pipeline._previews

    def broken(self: Pipeline, request: Request, *args: Any) -> Any:  # what shows only while it is drawn
        if request.seed == 2:
            raise InvalidOption("no.")
        return whole(self, request, *args)

    monkeypatch.setattr(Pipeline, "_previews", broken)
    found = parsed(run(*words[:6], *words[8:], "--x", "seed=1,2,3"))["cells"]
    assert [cell["refused"] for cell in found] == [None, "no.", None]
    assert [cell["recipe"] is None for cell in found] == [False, True, False]


@pytest.mark.parametrize(
    ("prompt", "seeds"), [("a cat \u2014seed 7", {7}), ("a cat --sameseed 7", {7}), ("a cat --seed 7", {7})]
)
def test_a_seed_in_the_prompt_counts_by_any_of_its_names(run: Run, model: Path, prompt: str, seeds: set[int]) -> None:
    words = ("--model", model, "--steps", 1, "--x", "guidance=1,2", "--format", "json")
    cells = parsed(run("explore", prompt, *words))["cells"]
    assert {cell["recipe"]["request"]["seed"] for cell in cells} == seeds


def test_words_that_only_look_like_a_seed_are_none(run: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mezzotint.interfaces.cli.explore.random_seed", lambda: 41)
    words = ("--model", model, "--steps", 1, "--x", "guidance=1,2", "--format", "json")
    cells = parsed(run("explore", r"a \--seed cat", *words))["cells"]
    assert {cell["recipe"]["request"]["seed"] for cell in cells} == {41}


def test_cells_are_enlarged_and_drawn_on_as_one_picture_is(run: Run, model: Path) -> None:
    words = ("explore", "a cat", "--model", model, "--steps", 2, "--seed", 4, "--format", "json", "--x")
    large, pipe = ("--size", "64"), Pipeline.load(str(model))
    cells = parsed(run(*words, "hires-strength=0,0.5", "--hires", *large))["cells"]
    for cell, share in zip(cells, (0.0, 0.5), strict=True):
        options = {"seed": 4, "steps": 2, "size": (64, 64), "hires": True, "hires_strength": share}
        assert cell["recipe"]["pixels_sha256"] == pipe.generate("a cat", **options).recipes[0].pixels_sha256
    assert cells[0]["recipe"]["pixels_sha256"] != cells[1]["recipe"]["pixels_sha256"]
    # an axis of its own too
    both = parsed(run(*words, "hires=no,yes", *large))["cells"]
    assert [cell["recipe"]["request"]["hires"] for cell in both] == [False, True]
    assert "give a larger --size" in sentence(run(*words[:-5], "--hires", "--x", "seed=1"))


def test_a_cell_on_a_picture_is_what_edit_draws(run: Run, model: Path, here: Path) -> None:
    values = np.random.default_rng(3).integers(0, 256, (32, 32, 4), dtype=np.uint8)
    Image.fromarray(values, "RGBA").save(here / "a.png")
    Image.fromarray(np.tile(np.repeat(np.array([0, 255], np.uint8), 16), (32, 1))).save(here / "half.png")
    same = ("--model", model, "--steps", 4, "--seed", 4, "--format", "json")

    def digests(*words: Any) -> list[str]:
        cells = parsed(run("explore", "a cat", "--image", "a.png", *same, "--out", "p.png", *words))["cells"]
        return [cell["recipe"]["pixels_sha256"] for cell in cells]

    def edited(*words: Any) -> str:
        found = parsed(run("edit", "a.png", "a cat", "--upscaler", "none", *same, "--out", "e.png", *words))
        digest: str = found["pictures"][0]["recipe"]["pixels_sha256"]
        return digest

    strengths = ("0.3", "0.6", "0.9")
    assert digests("--x", "strength=0.3,0.6,0.9") == [edited("--strength", one) for one in strengths]
    masked = digests("--mask", "half.png", "--x", "invert-mask=no,yes", "--y", "feather=0,3")
    mask = ("--mask", "half.png")
    ways = [(), ("--invert-mask",), ("--feather", 3), ("--invert-mask", "--feather", 3)]
    assert masked == [edited(*mask, *way) for way in ways]
    assert len({*masked}) == 4
    around = digests("--x", "expand=left=8|top=8,bottom=8")
    assert around == [edited("--expand", one) for one in ("left=8", "top=8,bottom=8")]
    assert digests("--invert", "--source-prompt", "a dog", "--x", "strength=0.5") == [
        edited("--invert", "--source-prompt", "a dog", "--strength", 0.5)
    ]


def test_what_is_drawn_on_must_be_there_and_stays(run: Run, model: Path, here: Path) -> None:
    words = ("explore", "a cat", "--model", model, "--steps", 2, "--x", "strength=0.5,1")
    assert "give an image too" in sentence(run(*words))
    Image.new("RGBA", (32, 32), (255, 0, 0, 255)).save(here / "a.png")
    before = (here / "a.png").read_bytes()
    assert "there is no picture to draw on; give one with --image" in sentence(run(*words, "--mask", "a.png"))
    assert "out is a.png, which the picture is drawn from" in sentence(
        run(*words, "--image", "a.png", "--out", "a.png")
    )
    assert [path.name for path in here.iterdir()] == ["a.png"]
    assert (here / "a.png").read_bytes() == before


def test_large_pictures_are_shown_smaller_and_each_as_it_is(run: Run, model: Path, here: Path) -> None:
    photo = Image.new("RGB", (1200, 600), (200, 220, 240))
    photo.save(here / "photo.png")
    mask = Image.new("L", photo.size, 0)
    mask.paste(255, (100, 100, 300, 300))
    mask.save(here / "mask.png")
    words = ("--image", "photo.png", "--mask", "mask.png", "--crop-to-mask", "--x", "seed=1,2", "--out", "p.png")
    cells = parsed(run("explore", "a cat", "--model", model, "--steps", 1, *words, "--each", "--format", "json"))[
        "cells"
    ]
    assert Image.open(here / "p.png").size == (plots.GAP + 2 * (512 + plots.GAP), 256 + 5 * plots.GAP + 3 * plots.LINE)
    files = sorted((here / "p").iterdir())
    assert [Image.open(file).size for file in files] == [(1200, 600)] * 2
    assert {cell["recipe"]["pixels_sha256"] for cell in cells} == {pixel_sha256(Image.open(file)) for file in files}
    small = Image.new("RGBA", (256, 16), (9, 9, 9, 255))
    axes = [Axis("seed", ("1",), (1,))]
    assert plots.page("t", axes, [Cell((0,), None, None, small)]).width == 2 * plots.GAP + 512
    wider = small.resize((257, 16))
    assert plots.page("t", axes, [Cell((0,), None, None, wider)]).width == 2 * plots.GAP + 257
