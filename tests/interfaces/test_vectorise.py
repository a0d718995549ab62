"""SVG from the verbs that draw, and `mezzotint vectorise`."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mezzotint.provenance.read import read_metadata
from tests.interfaces.conftest import Run, parsed, sentence
from tests.interfaces.vector.shapes import as_image, disk, painted


def icon(path: Path) -> Path:
    """A picture of two colours."""
    shapes = (disk(16, 16, 12.4), (220, 30, 40, 1.0)), (disk(16, 14, 5.2), (255, 255, 255, 1.0))
    as_image(painted((32, 30), *shapes)).save(path)
    return path


def draw(run: Run, model: Path, *more: object) -> object:
    return run("imagine", "a cat", "--model", model, "--seed", 3, "--svg-colours", 2, *more)


def test_a_file_that_ends_in_svg_is_one_with_its_recipe_and_is_drawn_again(run: Run, model: Path, here: Path) -> None:
    told = draw(run, model, "--out", "cat.svg")
    assert told.exit_code == 0, told.output
    assert "colours, " in told.stdout
    assert " kB" in told.stdout
    found = read_metadata(here / "cat.svg")
    assert (found.format, found.size) == ("SVG", (32, 32))
    assert found.recipe is not None
    assert found.recipe.request.prompt == "a cat"
    assert "as they were drawn" in run("inspect", "cat.svg").stdout
    again = parsed(run("reproduce", "cat.svg", "--model", model, "--format", "json"))
    assert (again["status"], again["drawing"]) == ("identical", "the drawing is the same, byte for byte")
    text = (here / "cat.svg").read_text()
    (here / "cat.svg").write_text(text.replace("fill=", 'stroke="red" fill=', 1))
    assert "changed since they were drawn" in run("inspect", "cat.svg").stdout
    assert "was changed after it was traced" in run("reproduce", "cat.svg", "--model", model).stdout
    # the same words in PNG have the same pixels
    assert draw(run, model, "--out", "cat.png", "--format", "png").exit_code == 2, "svg-colours says nothing of a PNG"
    run("imagine", "a cat", "--model", model, "--seed", 3, "--out", "cat.png")
    png = read_metadata(here / "cat.png").recipe
    assert png is not None
    assert png.pixels_sha256 == found.recipe.pixels_sha256


def test_format_says_what_is_printed_and_what_is_written(run: Run, model: Path, here: Path) -> None:
    told = parsed(draw(run, model, "--format", "svg", "--format", "json", "--out", "d"))
    (picture,) = told["pictures"]
    assert picture["file"] == str(Path("d") / "a-cat-3.svg")
    assert picture["svg"]["bytes"] == (here / picture["file"]).stat().st_size <= 30_000
    assert picture["svg"]["colours"] <= 2
    assert read_metadata(here / picture["file"]).recipe is not None
    lines = draw(run, model, "--format", "svg", "--out", "d").stdout.splitlines()
    assert lines[0].startswith(str(Path("d") / "a-cat-3.svg")), "the same bytes are the same file"


def test_pictures_that_are_there_as_svg_are_not_drawn_again(run: Run, model: Path, here: Path) -> None:
    (here / "p.txt").write_text("a cat\n")
    args = ("imagine", "--prompts", "p.txt", "--model", model, "--format", "svg", "--svg-colours", 2, "--out", "d")
    assert run(*args).exit_code == 0
    assert "there already" in run(*args).stdout
    assert [path.name for path in (here / "d").iterdir()] == ["a-cat-0.svg"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--out", "a.png", "--format", "svg"), "a.png, and format is svg; give a file that ends in .svg"),
        (("--out", "a.svg", "--format", "png"), "a.svg, and format is png; give a file that ends in .png"),
        (("--out", "a.gif", "--format", "svg"), "a.gif, and SVG is written; give a file that ends in .svg"),
        (("--out", "a.jpg", "--format", "svg"), "a.jpg, and format is svg; give a file that ends in .svg"),
        (("--format", "png", "--format", "svg"), "written as one of them"),
        (("--svg-colours", 4), "svg-colours is 4, but PNG is written"),
        (("--out", "a.svg", "--svg-colours", 65), "a whole number from 1 to 64"),
        (("--out", "a.svg", "--svg-colours", "x"), "a whole number from 1 to 64"),
        (("--out", "a.svg", "--n", 2), "one file for 2 pictures"),
        (("--format", "svg", "--sheet"), "leave out --sheet"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_model_is_loaded(args: tuple[object, ...], words: str, run: Run) -> None:
    assert words in sentence(run("imagine", "a cat", "--model", "nowhere", *args))


def test_without_the_extra_a_sentence_names_it(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vtracer", None)
    assert "mezzotint[svg]" in sentence(run("imagine", "a cat", "--model", "nowhere", "--out", "a.svg"))
    assert "mezzotint[svg]" in sentence(run("vectorise", icon(here / "a.png")))
    assert not (here / "a.svg").exists()


def test_a_picture_that_is_there_becomes_an_svg(run: Run, here: Path) -> None:
    icon(here / "a.png")
    assert run("vectorise", "a.png").stdout.startswith("a.svg  (2 colours, 2 paths, ")
    told = parsed(run("vectorise", "a.png", "--svg-colours", 1, "--out", "b.svg", "--format", "json"))
    assert (told["file"], told["colours"], told["size"], told["recipe"]) == ("b.svg", 1, [32, 30], False)
    assert told["bytes"] == (here / "b.svg").stat().st_size
    assert "a.svg is there already" in sentence(run("vectorise", "a.png"))
    assert "must be a file that ends in .svg" in sentence(run("vectorise", "a.png", "--out", "b.png"))
    assert "is an SVG already" in sentence(run("vectorise", "a.svg", "--out", "c.svg"))
    assert "is an SVG already" in sentence(run("vectorise", "a.svg"))
    assert "There is no file" in sentence(run("vectorise", "nowhere.png"))


def test_a_recipe_goes_along_only_with_its_pixels(run: Run, model: Path, here: Path) -> None:
    run("imagine", "a cat", "--model", model, "--seed", 3, "--out", "cat.png")
    assert parsed(run("vectorise", "cat.png", "--svg-colours", 2, "--format", "json"))["recipe"] is True
    assert read_metadata(here / "cat.svg").recipe == read_metadata(here / "cat.png").recipe
    with Image.open(here / "cat.png") as image:
        from PIL.PngImagePlugin import PngInfo

        text = PngInfo()
        text.add_itxt("mezzotint", image.text["mezzotint"])  # type: ignore[attr-defined]
        values = np.array(image)
    values[0, 0] = 255 - values[0, 0]
    Image.fromarray(values).save(here / "new.png", pnginfo=text)
    told = json.loads(run("vectorise", "new.png", "--svg-colours", 2, "--format", "json").stdout)
    assert told["recipe"] is False
    assert any("its recipe is left out" in warning for warning in told["warnings"])


def test_an_svg_is_varied_from_its_recipe_and_edited_as_its_picture(run: Run, model: Path, here: Path) -> None:
    draw(run, model, "--out", "cat.svg")
    run("imagine", "a cat", "--model", model, "--seed", 3, "--out", "cat.png")
    vary = ("--n", 2, "--model", model, "--format", "json", "--out", "v")
    pixels = [
        [one["pixels_sha256"] for one in parsed(run("vary", f"cat.{end}", *vary))["pictures"]] for end in ("svg", "png")
    ]
    assert pixels[0] == pixels[1]
    assert "there is no picture 2" in sentence(run("vary", "cat.svg", 2, "--model", model))
    # its recipe is also all that is needed to keep its layout
    edit = ("--keep-layout", 0.5, "--model", model, "--out", "e.png", "--format", "json")
    laid = [parsed(run("edit", f"cat.{end}", "a dog", *edit))["pictures"][0] for end in ("svg", "png")]
    assert laid[0]["pixels_sha256"] == laid[1]["pixels_sha256"]
    # what reads pixels says the command that draws them, which is true
    (here / "cat.png").unlink()
    for command in (("edit", "cat.svg", "a dog"), ("upscale", "cat.svg", "--model", model), ("describe", "cat.svg")):
        said = sentence(run(*command))
        assert "cat.svg is an SVG; draw the picture that it was traced from with `mezzotint reproduce" in said
    words = said.partition("`mezzotint ")[2].partition("`")[0].split()
    assert run(*words, "--model", model).exit_code == 0
    assert run("edit", "cat.png", "a dog", "--steps", 1, "--model", model).exit_code == 0
    icon(here / "a.png")
    run("vectorise", "a.png")
    assert "save it as a PNG" in sentence(run("edit", "a.svg", "a dog", "--model", model))
    assert "a.svg has no recipe" in sentence(run("vary", "a.svg", "--model", model))


def test_an_animation_is_refused(run: Run, here: Path) -> None:
    frames = [Image.new("RGBA", (8, 8), (shade, 0, 0, 255)) for shade in (0, 100, 200)]
    frames[0].save(here / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert "an animation of 3 pictures" in sentence(run("vectorise", "a.webp"))
