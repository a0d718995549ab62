"""`mezzotint explain`: a page and its data, or one sentence."""

import json
from pathlib import Path

from PIL import Image

from tests.interfaces.conftest import Run, parsed, sentence


def test_a_picture_is_explained_on_a_page(run: Run, here: Path, model: Path) -> None:
    run("imagine", "a red apple", "--model", model, "--steps", 2, "--seed", 3, "--out", "a.png")
    found = parsed(run("explain", "a.png", "--model", model, "--format", "json"))
    assert [word["text"] for word in found["words"]] == ["a", "red", "apple"]
    assert (found["page"], found["data"], found["nearest"]) == ("a.html", "a.json", None)
    data = json.loads((here / "a.json").read_text())
    assert data["words"] == found["words"]
    assert data["recipe"]["request"]["seed"] == 3
    text = (here / "a.html").read_text()
    assert "“a red apple”, seed 3" in text
    assert "mezzotint data build icons" in text
    said = run("explain", "a.png", "--model", model, "--out", "b.html").stdout
    assert "of the attention; without it the picture changes by" in said
    assert "b.html, b.json" in said


def test_a_picture_that_was_laid_out_is_explained_thing_by_thing(run: Run, here: Path, model: Path) -> None:
    drawn = run(
        "imagine", "a red apple to the left of a cat", "--model", model, "--steps", 2, "--seed", 3, "--out", "a.png"
    )
    assert "laid out: a red apple | a cat" in drawn.stdout
    found = parsed(run("explain", "a.png", "--model", model, "--format", "json"))
    assert [(word["prompt"], word["text"]) for word in found["words"]] == [
        *(("a red apple", word) for word in ("a", "red", "apple")),
        *(("a cat", word) for word in ("a", "cat")),
    ]
    text = (here / "a.html").read_text()
    assert "“a red apple to the left of a cat”, seed 3" in text
    assert text.count("<h3>a cat</h3>") == 2


def test_what_cannot_be_explained_is_one_sentence(run: Run, here: Path, model: Path) -> None:
    Image.new("RGBA", (8, 8)).save(here / "plain.png")
    run("imagine", "a cat", "--model", model, "--steps", 1, "--out", "cat.png")
    run("imagine", "", "--model", model, "--steps", 1, "--out", "empty.png")
    run("imagine", "a cat", "--model", model, "--steps", 1, "--out", "wide.png", "--size", "64x32")
    run("imagine", "a cat", "--model", model, "--steps", 1, "--out", "both.png", "--tile", "x", "--blend", "a dog")
    Image.new("L", (32, 32), 255).save(here / "all.png")
    run("imagine", "a cat", "--model", model, "--steps", 1, "--out", "part.png", "--region", "all.png:a dog")
    run("edit", "cat.png", "a dog", "--model", model, "--keep-layout", 0.5, "--out", "laid.png")
    for args, words in (
        (("plain.png",), "has no recipe"),
        (("cat.png", "--out", "x.txt"), "must be a file that ends in .html"),
        (("empty.png", "--model", model), "drawn without a prompt"),
        (("wide.png", "--model", model), "was drawn at 64x32 pixels, in windows; only pictures of 32x32"),
        (("both.png", "--model", model), "was drawn with --blend and --tile"),
        (("part.png", "--model", model), "was drawn with --region; only pictures that one prompt alone made"),
        (("laid.png", "--model", model), "was drawn with --keep-layout; only pictures that one prompt alone made"),
        (("none.png",), "There is no file none.png"),
        (("cat.png",), "which is not installed"),
    ):
        assert words in sentence(run("explain", *args))
    assert not list(here.glob("*.html"))
