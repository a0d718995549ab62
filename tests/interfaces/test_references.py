"""Reference pictures on the command line: fitted, named in the recipe, needed again to reproduce."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mezzotint import Pipeline
from mezzotint.errors import InvalidOption
from mezzotint.provenance.pixels import pixel_sha256
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
    assert "fox.png is not the --style-ref that the recipe names; give that one with --style-ref" in sentence(
        run(*again, "--style-ref", "fox.png", *given[2:])
    )
    run(*words[:-2], "--out", "plain.png")
    assert "The recipe has no --image-ref; leave out --image-ref" in sentence(
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
    assert "give --style-ref too" in sentence(run(*words, "--style-weight", 2))
    assert "--structure-weight is 11" in sentence(run(*words, "--structure-ref", "fox.png", "--structure-weight", 11))
    assert "none.png" in sentence(run(*words, "--image-ref", "none.png"))
    done = run(*words, "--image-ref", "fox.png", "--image-weight", 0, "--strict")
    assert "--image-ref: nothing of it is drawn at weight 0" in sentence(done)


def test_a_prompt_names_the_file_of_its_style(run: Run, folder: Path, here: Path) -> None:
    words = ("--model", folder, "--seed", 3, "--format", "json", "--out")
    said = parsed(run("imagine", "a cat --sref wide.png --sw 50", *words, "a.png"))["pictures"][0]
    given = parsed(run("imagine", "a cat", "--style-ref", "wide.png", "--style-weight", 0.5, *words, "b.png"))
    assert said["recipe"]["request"] == given["pictures"][0]["recipe"]["request"]
    assert said["pixels_sha256"] == given["pictures"][0]["pixels_sha256"]
    assert "identical" in run("reproduce", "a.png", "--model", folder, "--style-ref", "wide.png").stdout
    weighed = parsed(run("imagine", "a cat --iw 1.5", "--image-ref", "fox.png", *words, "c.png"))["pictures"][0]
    assert weighed["recipe"]["request"]["image_weight"] == 0.75
    edit = ("edit", "wide.png", "a cat --sref fox.png", "--model", folder, "--strength", 1, "--out", "e.png")
    assert run(*edit, "--seed", 3).exit_code == 0
    again = ("reproduce", "e.png", "--model", folder, "--image", "wide.png", "--style-ref")
    assert "identical" in run(*again, "fox.png").stdout


def test_lines_choices_and_wildcards_have_files_of_their_own(run: Run, folder: Path, here: Path) -> None:
    (here / "p.txt").write_text("a cat --sref fox.png\na cat --sref {wide,fox}.png --sw 300\na cat\n")
    words = ("--model", folder, "--seed", 3, "--format", "json", "--out")
    lines = parsed(run("imagine", "--prompts", "p.txt", *words, "d"))["pictures"]
    asked = [(one["recipe"]["request"]["style_ref"], one["recipe"]["request"]["style_weight"]) for one in lines]
    fox, wide = asked[0][0], asked[1][0]
    assert asked == [(fox, 1.0), (wide, 3.0), (fox, 3.0), (None, None)]
    assert fox != wide
    for one, name in zip(lines[:2], ("fox", "wide"), strict=True):
        weight = one["recipe"]["request"]["style_weight"]
        alone = run("imagine", "a cat", "--style-ref", f"{name}.png", "--style-weight", weight, *words, "a.png")
        assert parsed(alone)["pictures"][0]["pixels_sha256"] == one["pixels_sha256"]
    assert len(parsed(run("imagine", "--prompts", "p.txt", *words, "d"))["there_already"]) == 4
    (here / "cards").mkdir()
    (here / "cards" / "look.txt").write_text("--sref wide.png --sw 300\n")
    card = parsed(run("imagine", "a cat __look__", "--wildcards", "cards", *words, "w.png"))["pictures"][0]
    assert card["pixels_sha256"] == lines[1]["pixels_sha256"]


def test_from_python_the_picture_itself_is_given(folder: Path) -> None:
    pipe, fox = Pipeline.load(str(folder)), Image.open("fox.png")
    with pytest.raises(
        InvalidOption, match=r"--sref fox\.png, and only commands read files; give the picture: style_ref"
    ):
        pipe.generate("a cat --sref fox.png")
    said = pipe.generate("a cat --sw 50", style_ref=fox, seed=3).recipes[0]
    assert (
        said.pixels_sha256 == pipe.generate("a cat", style_ref=fox, style_weight=0.5, seed=3).recipes[0].pixels_sha256
    )
    with pytest.raises(InvalidOption, match="style_weight says how much a reference counts; give style_ref too"):
        pipe.generate("a cat --sw 50")


def test_prompts_are_shown_without_their_files(run: Run, folder: Path) -> None:
    shown = run("prompt", "a cat --sref nowhere.png --sw 50 --cref x.png", "--model", folder).stdout.splitlines()
    assert {"option style_ref: nowhere.png", "option style_weight: 0.5", "flag --cref: no meaning here"} <= {*shown}
    assert shown[-1].endswith("'--cref x.png: it has no meaning here; image_ref takes up all that a picture shows'")


def test_a_weight_is_an_axis_and_so_is_the_file(run: Run, folder: Path, here: Path) -> None:
    words = ("--model", folder, "--seed", 3, "--steps", 2, "--format", "json")
    found = ("explore", "a cat", *words, "--style-ref", "wide.png", "--x", "style-weight=0,0.5,3,30", "--out", "p.png")
    cells = parsed(run(*found))["cells"]
    for cell in cells[:3]:
        one = ("imagine", "a cat", *words, "--style-ref", "wide.png", "--style-weight", cell["values"]["style_weight"])
        assert parsed(run(*one, "--out", "a.png"))["pictures"][0]["recipe"] == cell["recipe"]
    assert len({cell["recipe"]["pixels_sha256"] for cell in cells[:3]}) == 3
    assert "--style-weight is 30" in cells[3]["refused"]
    files = parsed(run("explore", "a cat", *words, "--x", "style-ref=wide.png|fox.png|no.png", "--out", "q.png"))[
        "cells"
    ]
    assert files[0]["recipe"]["request"]["style_ref"] == cells[0]["recipe"]["request"]["style_ref"]
    assert files[1]["recipe"]["request"]["style_ref"] not in (None, files[0]["recipe"]["request"]["style_ref"])
    assert "no.png" in files[2]["refused"]
    said = parsed(run("explore", "a cat --sref fox.png", *words, "--x", "style-weight=1,3", "--out", "r.png"))["cells"]
    assert said[0]["recipe"] == files[1]["recipe"]


def test_a_variation_takes_up_further_references(run: Run, folder: Path, here: Path) -> None:
    run("imagine", "a cat", "--model", folder, "--seed", 3, "--image-ref", "fox.png", "--out", "a.png")
    words = (
        "vary",
        "a.png",
        "--model",
        folder,
        "--n",
        1,
        "--format",
        "json",
        "--out",
        "v.png",
        "--image-ref",
        "fox.png",
    )
    same = parsed(run(*words, "--strength", 0))["pictures"][0]
    assert same["pixels_sha256"] == pixel_sha256(Image.open("a.png"))
    style = ("--style-ref", "wide.png", "--style-weight", 0.5, "--image-weight", 0.2)
    varied = parsed(run(*words, "--strength", 0, *style))["pictures"][0]
    drawn = run(
        *("imagine", "a cat", "--model", folder, "--seed", 3, "--image-ref", "fox.png"),
        *(*style, "--format", "json", "--out", "b.png"),
    )
    assert varied["pixels_sha256"] == parsed(drawn)["pictures"][0]["pixels_sha256"]
    both = ("--image-ref", "fox.png", "--style-ref", "wide.png")
    assert "identical" in run("reproduce", "v.png", "--model", folder, *both).stdout
    words = words[:4]
    assert "give its file with --image-ref" in sentence(run(*words, *style[:2]))
    assert "wide.png is not the --image-ref" in sentence(run(*words, "--image-ref", "wide.png"))
    assert "give --structure-ref too" in sentence(run(*words, "--image-ref", "fox.png", "--structure-weight", 2))


def test_a_blend_takes_references_too(run: Run, folder: Path, here: Path) -> None:
    words = ("blend", "fox.png", "wide.png", "--model", folder, "--seed", 4, "--prompt")
    plain = parsed(run(*words, "a cat", "--format", "json", "--out", "p.png"))["pictures"][0]
    style = ("--style-ref", "wide.png", "--format", "json", "--out")
    done = parsed(run(*words, "a cat", *style, "b.png"))["pictures"][0]
    assert done["pixels_sha256"] != plain["pixels_sha256"]
    said = parsed(run(*words, "a cat --sref wide.png", *style[2:], "s.png"))["pictures"][0]
    assert said["recipe"] == done["recipe"]
    off = parsed(run(*words, "a cat --sw 0", *style, "o.png"))["pictures"][0]
    assert off["pixels_sha256"] == plain["pixels_sha256"]
    again = ("reproduce", "b.png", "--model", folder, "--image", "fox.png", "--blend-image", "wide.png", "--style-ref")
    assert "identical" in run(*again, "wide.png").stdout
