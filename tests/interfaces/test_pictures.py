"""Names of files, and where pictures go."""

import os
from pathlib import Path

import pytest
from PIL import Image

from mezzotint.errors import InvalidOption, OutOfSpace
from mezzotint.interfaces.pictures import DEFAULT_FOLDER, Destination, Written, make_folder, slug
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.provenance.read import read_metadata
from mezzotint.recipe import Environment, Recipe
from mezzotint.request import Request


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("a red apple", "a-red-apple"),
        ("  A  RED/apple.. ", "a-red-apple"),
        ("../../etc/passwd", "etc-passwd"),
        ("", "picture"),
        ("?!", "picture"),
        ("赤いりんご", "赤いりんご"),
        ("e\u0301tude", "étude"),
        ("con\nnul\0", "con-nul"),
        ("a very long prompt with more words than a name can hold", "a-very-long-prompt-with-more-words-than"),
        ("x" * 300, "x" * 40),
        ("😀" * 80, "picture"),
    ],
)
def test_a_prompt_becomes_a_safe_name(prompt: str, name: str) -> None:
    assert slug(prompt) == name
    assert len(f"{slug(prompt)}-{2**64 - 1}-watch.webp".encode()) < 255


def recipe(image: Image.Image, seed: int = 3, **changes: object) -> Recipe:
    request = {
        "prompt": "a cat", "seed": seed, "steps": 2, "guidance": 1.0, "guidance_interval": [0, 1], "solver": "ddim",
        "grid": "uniform", "size": [2, 2], "device": "cpu", "dtype": "float32", **changes,
    }  # fmt: skip
    return Recipe(
        request=Request.from_json_dict(request),
        weights_sha256="0" * 64,
        text_encoder_sha256=None,
        schedule="rectified_flow",
        codec="pixel",
        noise_version=1,
        environment=Environment(mezzotint="0", torch="2", threads=1, processor="x"),
        pixels_sha256=pixel_sha256(image),
        evaluations=2,
    )


RED, BLUE = Image.new("RGBA", (2, 2), (255, 0, 0, 255)), Image.new("RGBA", (2, 2), (0, 0, 255, 255))


def test_a_folder_gives_each_picture_a_name_and_keeps_other_pictures(tmp_path: Path) -> None:
    to = Destination.of(str(tmp_path / "new" / "folder"), 2)
    first = to.save(RED, recipe(RED))
    assert first == tmp_path / "new" / "folder" / "a-cat-3.png"
    assert to.save(RED, recipe(RED)) == first, "the same picture again is the same file"
    assert to.save(BLUE, recipe(BLUE)).name == "a-cat-3-2.png"
    assert to.save(RED, recipe(RED, steps=3)).name == "a-cat-3-3.png", "same pixels, but another recipe"
    assert Image.open(first).getpixel((0, 0)) == (255, 0, 0, 255)


def test_a_file_is_replaced(tmp_path: Path) -> None:
    to = Destination.of(str(tmp_path / "x" / "a.PNG"), 1)
    to.save(RED, recipe(RED))
    assert to.save(BLUE, recipe(BLUE)) == tmp_path / "x" / "a.PNG"
    assert Image.open(tmp_path / "x" / "a.PNG").getpixel((0, 0)) == (0, 0, 255, 255)


def test_an_existing_folder_may_be_called_like_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    assert Destination.of(str(tmp_path / "a.png"), 4).folder == tmp_path / "a.png"


@pytest.mark.parametrize("written", [None, Written(), Written("svg")])
@pytest.mark.parametrize(
    "out", ["v1.5", "of.2026", "run.v2", "Mr. Fox", ".hidden", "a.txt/", "a.png/", "tower", "a.abcdef"]
)
def test_a_name_that_no_file_has_is_a_new_folder(
    out: str, written: Written | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    to = Destination.of(out, 4, written)
    assert (to.folder, to.file) == (Path(out), None)


def test_a_folder_that_is_there_may_be_called_like_any_file(tmp_path: Path) -> None:
    for name in ("a.txt", "a.svg", "a.webp"):
        (tmp_path / name).mkdir()
        for written in (None, Written(), Written("svg")):
            assert Destination.of(str(tmp_path / name), 4, written).folder == tmp_path / name


@pytest.mark.parametrize("written", [Written(), Written("png"), Written("svg")])
def test_a_name_of_a_file_of_another_kind_is_refused_whatever_is_written(written: Written) -> None:
    with pytest.raises(InvalidOption, match=r"\.(svg), or a folder|does not end in \.png, \.webp, \.jpg or \.svg"):
        Destination.of("bad.txt", 4, written)


def test_without_out_there_is_a_default_folder() -> None:
    assert Destination.of(None, 4) == Destination(DEFAULT_FOLDER)


@pytest.mark.parametrize(
    ("out", "n", "words"),
    [
        ("a.png", 2, "is one file for 2 pictures; give a folder"),
        ("a.jpg", 1, "does not end in .png"),
        ("a.WEBP", 4, "does not end in .png"),
        (
            "bad.txt",
            4,
            "bad.txt does not end in .png, which is what pictures are written as; for a folder",
        ),
        ("a.PGN", 1, "a.PGN does not end in .png"),
        ("a.mp4", 1, f"for a folder of that name give a.mp4{os.sep}."),
        ("", 1, "a file that ends in .png, or a folder"),
        ("a\0b", 1, "a file that ends in .png, or a folder"),
        ("taken", 1, "taken is a file"),
    ],
)
def test_what_cannot_be_written_is_refused_before_drawing(
    out: str, n: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("x")
    with pytest.raises(InvalidOption, match=r".*") as error:
        Destination.of(out, n)
    assert words in str(error.value)
    assert (tmp_path / "taken").read_text() == "x"


def test_webp_is_written_where_more_than_png_is(tmp_path: Path) -> None:
    out = str(tmp_path / "a.WEBP")
    assert Destination.of(out, 1, Written()) == Destination(tmp_path, tmp_path / "a.WEBP", ".webp")
    for written, n, words in (
        (Written(), 2, "is one file for 2 pictures"),
        (Written("svg"), 1, "and format is svg"),
        (Written(None, 4), 1, "svg-colours is 4, but WebP is written"),
    ):
        with pytest.raises(InvalidOption, match=words):
            Destination.of(out, n, written)
    with pytest.raises(InvalidOption, match=r"does not end in \.png, \.webp, \.jpg or \.svg"):
        Destination.of("a.gif", 1, Written())
    with pytest.raises(InvalidOption, match=r"does not end in \.png, which"):
        Destination.of("a.jpg", 1)


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG"])
def test_jpeg_is_written_under_both_its_names(tmp_path: Path, name: str) -> None:
    path = Destination.of(str(tmp_path / name), 1, Written()).save(RED, recipe(RED))
    assert path == tmp_path / name
    found = read_metadata(path)
    assert (found.format, found.recipe) == ("JPEG", recipe(RED))


def test_a_folder_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(InvalidOption, match="is a file, not a folder"):
        make_folder(tmp_path / "taken")
    with pytest.raises(OutOfSpace, match="cannot be made"):
        make_folder(tmp_path / "taken" / "below")
