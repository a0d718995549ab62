"""`--keep-inputs`: what a picture is made from is in its file, and nothing else is needed to draw it again."""

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mezzotint.provenance.chunks import INPUT_TYPE
from mezzotint.provenance.png import plain_png
from mezzotint.provenance.read import read_inputs, read_metadata
from tests.animations import chunk
from tests.interfaces.conftest import Run, parsed, sentence
from tests.support import SMALL, model_folder
from tests.upscalers import upscaler_folder

INPUTS = ("apple.png", "hole.png", "wide.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=16, patch=4))


@pytest.fixture(autouse=True)
def _pictures(here: Path) -> None:
    for seed, (name, size) in enumerate({"apple": (16, 16), "wide": (48, 24)}.items()):
        values = np.random.default_rng(seed).integers(0, 256, (*reversed(size), 4), dtype=np.uint8)
        exif = Image.Exif()
        exif[0x010E] = "a secret place"
        Image.fromarray(values, "RGBA").save(here / f"{name}.png", exif=exif)
    hole = Image.new("L", (16, 16))
    hole.paste(255, (8, 0, 16, 16))
    hole.save(here / "hole.png")


def gone(here: Path) -> None:
    for name in INPUTS:
        (here / name).unlink()


def edited(run: Run, folder: Path, *more: object) -> None:
    words = (
        "edit",
        "apple.png",
        "a cat",
        "--mask",
        "hole.png",
        "--style-ref",
        "wide.png",
        "--region",
        "hole.png:a hat",
    )
    told = run(*words, "--model", folder, "--seed", 3, "--out", "e.png", *more)
    assert told.exit_code == 0, told.output


def test_an_edit_is_drawn_again_without_its_inputs(run: Run, folder: Path, here: Path) -> None:
    edited(run, folder)
    plain = read_metadata(here / "e.png")
    assert read_inputs(here / "e.png") == {}
    assert parsed(run("inspect", "e.png", "--format", "json"))["inputs"] == []
    edited(run, folder, "--keep-inputs")
    assert read_metadata(here / "e.png") == plain, "the recipe is the same, and as short"
    gone(here)
    assert run("reproduce", "e.png", "--model", folder).stdout == "e.png: identical: every pixel is equal.\n"
    found = parsed(run("inspect", "e.png", "--format", "json"))
    assert found["inputs"] == ["image", "mask", "style_ref", "region_masks[0]"]
    assert found["pixels_unchanged"] is True
    assert "image, mask, style_ref, region_masks[0]: reproduce needs no other file" in run("inspect", "e.png").stdout
    assert len(read_inputs(here / "e.png")) == 3, "what is the same is there once"
    assert b"secret" not in (here / "e.png").read_bytes()
    varied = run("vary", "e.png", "--model", folder, "--n", 1, "--out", "v.png")
    assert varied.exit_code == 0, varied.output


def test_files_that_are_given_count_instead(run: Run, folder: Path, here: Path) -> None:
    edited(run, folder, "--keep-inputs")
    again = ("reproduce", "e.png", "--model", folder)
    more = ("--mask", "hole.png", "--style-ref", "wide.png", "--region-mask", "hole.png")
    assert "hole.png is not the image that the recipe names" in sentence(run(*again, "--image", "hole.png", *more))
    whole = ("--image", "apple.png", *more)
    assert "identical" in run(*again, *whole).stdout


def test_pictures_after_references_and_blends_keep_theirs(run: Run, folder: Path, here: Path) -> None:
    ways = {
        "i.png": ("imagine", "a cat", "--image-ref", "wide.png", "--seed", 1),
        "b.png": ("blend", "apple.png", "wide.png", "hole.png", "--seed", 1),
        "f.png": ("edit", "wide.png", "--mask", "alpha", "--crop-to-mask", "--seed", 1),
    }
    for name, words in ways.items():
        told = run(*words, "--model", folder, "--keep-inputs", "--out", name)
        assert told.exit_code == 0, told.output
    gone(here)
    for name in ways:
        assert "identical" in run("reproduce", name, "--model", folder).stdout, name
    assert parsed(run("inspect", "b.png", "--format", "json"))["inputs"] == [
        *("image", "blend_images[0]", "blend_images[1]"),
    ]


def test_pictures_of_several_prompts_keep_each_their_own(run: Run, folder: Path, here: Path) -> None:
    words = ("imagine", "{a cat --sref wide.png, a dog --sref apple.png}", "--seed", 1, "--model", folder)
    done = parsed(run(*words, "--keep-inputs", "--out", "d", "--format", "json"))
    for picture in done["pictures"]:
        assert list(read_inputs(picture["file"])) == [picture["recipe"]["request"]["style_ref"]]
        assert "identical" in run("reproduce", picture["file"], "--model", folder).stdout


def test_an_enlarged_picture_keeps_the_small_one(
    run: Run, here: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    larger = upscaler_folder(tmp_path_factory.mktemp("m") / "larger")
    assert run("upscale", "apple.png", "--model", larger, "--keep-inputs", "--out", "l.png").exit_code == 0
    gone(here)
    assert "identical" in run("reproduce", "l.png", "--model", larger).stdout


@pytest.mark.parametrize(("name", "kind"), [("a.webp", "WebP"), ("a.jpg", "JPEG"), ("a.svg", "SVG")])
@pytest.mark.parametrize(
    "words", [("edit", "apple.png"), ("imagine", "x", "--style-ref", "wide.png"), ("blend", "apple.png", "wide.png")]
)
def test_files_without_a_place_for_them_are_refused_before_drawing(
    run: Run, here: Path, words: tuple[str, ...], name: str, kind: str
) -> None:
    refused = sentence(run(*words, "--keep-inputs", "--model", "nowhere", "--out", name))
    assert f"--keep-inputs puts pictures into PNG files, and {kind} is written" in refused
    assert not (here / name).exists()


def test_where_there_is_nothing_to_keep_it_is_told(run: Run, folder: Path, here: Path) -> None:
    words = ("imagine", "a cat", "--keep-inputs", "--model", folder, "--out", "a.png")
    assert "--keep-inputs: the picture is made from no other one" in parsed(run(*words, "--format", "json"))["ignored"]
    (here / "a.png").unlink()
    assert "made from no other one" in sentence(run(*words, "--strict"))
    assert not (here / "a.png").exists()


def test_more_than_a_file_may_hold_is_refused(
    run: Run, folder: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mezzotint.provenance.chunks.MAX_INPUT_BYTES", 1000)
    refused = sentence(run("edit", "apple.png", "x", "--keep-inputs", "--model", folder, "--out", "n.png"))
    assert "--keep-inputs would put 1 pictures of 256 pixels" in refused
    assert not (here / "n.png").exists()


def swapped(path: Path, *bodies: bytes) -> None:
    """The file with other bodies of its chunks of inputs."""
    data = path.read_bytes()
    begin = data.index(INPUT_TYPE) - 4
    path.write_bytes(
        data[:begin] + b"".join(chunk(INPUT_TYPE, one) for one in bodies) + data[data.rindex(b"IEND") - 4 :]
    )


def test_another_picture_in_the_place_of_one_is_found_out(run: Run, folder: Path, here: Path) -> None:
    assert run("edit", "apple.png", "x", "--keep-inputs", "--model", folder, "--out", "e.png").exit_code == 0
    swapped(here / "e.png", plain_png(Image.new("RGBA", (16, 16), (1, 2, 3, 255))))
    assert "give its file with --image" in sentence(run("reproduce", "e.png", "--model", folder))
    assert parsed(run("inspect", "e.png", "--format", "json"))["inputs"] == []


BOMB = (
    b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 6, 0, 0, 0)) + chunk(b"IEND", b"")
)


@pytest.mark.parametrize(
    ("bodies", "words"),
    [
        ((b"no picture",), "holds what is no picture as one that it was made from"),
        ((BOMB,), "pixels are read"),
        ((plain_png(Image.new("RGBA", (9, 9)))[:60],), "is cut off"),
        ((plain_png(Image.new("RGBA", (4, 4))),) * 41, "holds more than 40 pictures, or 64 MiB"),
    ],
    ids=["text", "bomb", "cut", "many"],
)
def test_hostile_inputs_are_one_sentence(
    run: Run, folder: Path, here: Path, bodies: tuple[bytes, ...], words: str
) -> None:
    assert run("edit", "apple.png", "x", "--keep-inputs", "--model", folder, "--out", "e.png").exit_code == 0
    swapped(here / "e.png", *bodies)
    for verb in (("reproduce", "e.png", "--model", folder), ("inspect", "e.png")):
        assert words in sentence(run(*verb))
