"""`--upscaler` of `imagine` and of what draws from recipes: when it is used, and that its pictures are drawn again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

import mezzotint.load
from tests.interfaces.conftest import Run, parsed, sentence
from tests.support import SMALL, model_folder
from tests.upscalers import NETWORK, upscaler_folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    small = model_folder(root / "random", replace(SMALL, size=16, patch=8))
    up = upscaler_folder(root / "upscaler", replace(NETWORK, size=64), name="upscaler")
    return {"random": small, "upscaler": up}


@pytest.fixture
def installed(models: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mezzotint.load, "model_folders", lambda: models)


WORDS = ("imagine", "a cat", "--seed", 7, "--steps", 2, "--model", "random", "--threads", 1, "--format", "json")


def drawn(run: Run, *more: object) -> dict[str, object]:
    (picture,) = parsed(run(*WORDS, *more))["pictures"]
    asked = picture["recipe"]["request"]
    return {
        "file": picture["file"],
        "pixels": Image.open(picture["file"]).size,
        **{name: asked[name] for name in ("size", "upscaler", "upscale_to")},
    }


@pytest.mark.usefixtures("installed", "here")
@pytest.mark.parametrize(
    ("more", "pixels", "size", "to"),
    [
        ((), (64, 64), [16, 16], [64, 64]),
        (("--size", 16), (16, 16), [16, 16], None),
        (("--upscaler", "none"), (16, 16), [16, 16], None),
        (("--size", "32x16"), (32, 16), [32, 16], None),  # no more than a row of windows: drawn at once
        (("--size", 48), (48, 48), [16, 16], [48, 48]),
        (("--size", "128x64"), (128, 64), [32, 16], [128, 64]),
        (("--size", 256), (256, 256), [16, 16], [256, 256]),
        (("--aspect", "2:1"), (128, 64), [32, 16], [128, 64]),
        (("--size", 32, "--upscaler", "none"), (32, 32), [32, 32], None),
        (("--size", 32, "--window-stride", 8), (32, 32), [32, 32], None),
        (("--size", 32, "--hires"), (32, 32), [32, 32], None),
        (("--size", 32, "--hires", "--upscaler", "upscaler"), (128, 128), [32, 32], [128, 128]),
    ],
)
def test_the_size_is_that_in_the_end(
    run: Run, more: tuple[object, ...], pixels: tuple[int, int], size: list[int], to: list[int] | None
) -> None:
    found = drawn(run, *more)
    name = None if to is None else "upscaler"
    assert (found["pixels"], found["size"], found["upscaler"], found["upscale_to"]) == (pixels, size, name, to)


@pytest.mark.usefixtures("installed", "here")
def test_recipes_draw_it_again_vary_it_and_are_recognised(run: Run, here: Path, models: dict[str, Path]) -> None:
    found = drawn(run)
    again = parsed(run("reproduce", found["file"], "--format", "json"))
    assert (again["status"], again["causes"]) == ("identical", [])
    assert "recipe has no upscaler" in sentence(
        run("reproduce", drawn(run, "--size", 16)["file"], "--upscaler", "upscaler")
    )
    varied = parsed(run("vary", found["file"], "--strength", 0, "--n", 1, "--format", "json"))["pictures"]
    assert np.array_equal(Image.open(varied[0]["file"]), Image.open(str(found["file"])))
    assert "upscaler's weights" in run("inspect", found["file"]).stdout
    (here / "few.txt").write_text("a cat\na dog\n")
    many = ("imagine", "--prompts", "few.txt", "--steps", 1, "--model", "random", "--out", "many", "--format", "json")
    assert len(parsed(run(*many))["pictures"]) == 2
    later = parsed(run(*many))
    assert (len(later["pictures"]), len(later["there_already"])) == (0, 2)
    assert len(parsed(run(*many, "--upscaler", "none"))["pictures"]) == 2


@pytest.mark.usefixtures("here")
def test_an_upscaler_that_is_not_installed_is_named(
    run: Run, models: dict[str, Path], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mezzotint.load, "UPSCALER", here / "none")
    words = [models["random"] if word == "random" else word for word in WORDS]
    (plain,) = parsed(run(*words, "--out", "a.png"))["pictures"]
    assert plain["recipe"]["request"]["upscaler"] is None
    (large,) = parsed(run(*words, "--upscaler", models["upscaler"], "--out", "b.png"))["pictures"]
    assert large["recipe"]["request"]["upscaler"] == "upscaler"
    again = ("reproduce", "b.png", "--model", models["random"])
    assert "the upscaler 'upscaler', which is not installed; give its folder with --upscaler" in sentence(run(*again))
    assert parsed(run(*again, "--upscaler", models["upscaler"], "--format", "json"))["status"] == "identical"
    assert "which is drawn without an upscaler" in sentence(
        run(*words[:-2], "--upscaler", models["upscaler"], "--size", "32x16")
    )


@pytest.mark.usefixtures("installed", "here")
def test_a_sheet_and_a_film(run: Run, here: Path) -> None:
    told = parsed(run(*WORDS, "--sheet", "--out", "s"))
    assert Image.open(told["sheets"][0]).width > 2 * 64
    third = run("vary", told["sheets"][0], 3, "--strength", 0, "--n", 1, "--out", "v.png")
    assert third.exit_code == 0, third.output
    assert np.array_equal(Image.open(here / "v.png"), Image.open(told["pictures"][2]["file"]))
    (watched,) = parsed(run(*WORDS, "--watch", "--out", "w"))["pictures"]
    with Image.open(watched["watch"][1]) as film:
        assert film.n_frames >= 2 + 3
        frames = [np.asarray(frame.convert("RGB"), float) for frame in ImageSequence.Iterator(film)]
    ends = [np.abs(frame - frames[-1]).mean() for frame in frames[:3]]
    assert min(ends) > 5  # it begins in noise
    (plain,) = parsed(run(*WORDS, "--watch", "--out", "p", "--upscaler", "none"))["pictures"]
    with Image.open(plain["watch"][1]) as film:
        assert len(frames) == film.n_frames + 3


@pytest.fixture
def pixels(here: Path) -> np.ndarray[Any, Any]:
    """A picture, in files of several sizes, beside a white mask."""
    rows, columns = np.mgrid[:64, :64]
    found = np.stack([4 * rows, 4 * columns, 0 * rows + 90, 0 * rows + 255], axis=-1).astype(np.uint8)
    for side in (128, 64, 24, 16):
        Image.fromarray(found, "RGBA").resize((side, side)).save(here / f"{side}.png")
    mask = Image.new("L", (64, 64), 255)
    mask.paste(0, (0, 0, 4, 4))
    mask.save(here / "mask.png")
    return found


WORDS_OF_EDIT = ("a cat", "--steps", 2, "--seed", 1, "--model", "random", "--out", "e.png")


@pytest.mark.usefixtures("installed")
def test_an_edit_of_a_large_picture_is_large_again(run: Run, here: Path, pixels: np.ndarray[Any, Any]) -> None:
    words = WORDS_OF_EDIT
    for file, more, wanted in (
        ("64.png", (), 64),
        ("24.png", (), 16),
        ("16.png", (), 16),
        ("16.png", ("--upscaler", "upscaler"), 64),
        ("64.png", ("--upscaler", "none"), 16),
        ("64.png", ("--size", 32), 32),
        ("64.png", ("--mask", "mask.png"), 64),
        ("64.png", ("--mask", "mask.png", "--upscaler", "none"), 16),
        ("64.png", ("--mask", "mask.png", "--expand", "left=8"), 24),
        ("64.png", ("--expand", "left=64,top=8"), 128),
        ("128.png", (), 128),
        ("128.png", ("--expand", "left=64"), 192),
        ("64.png", ("--mask", "mask.png", "--region", "0.6,0.6,1,1:a dog"), 16),
        ("64.png", ("--strength", 0), 64),
        ("64.png", ("--strength", 0, "--mask", "mask.png"), 64),
        ("64.png", ("--strength", 0, "--upscaler", "none"), 16),
        ("16.png", ("--expand", "left=8"), 24),
        ("64.png", ("--mask", "mask.png", "--crop-to-mask"), 64),
    ):
        told = run("edit", file, *words, *more)
        assert told.exit_code == 0, told.output
        assert Image.open(here / "e.png").width == wanted
        small = "--mask" in more and "--region" in more
        assert ("drawn small, since --region is about all of the picture" in told.stderr) == small
    run("edit", "64.png", *words, "--strength", 0)
    assert np.array_equal(np.asarray(Image.open(here / "e.png")), np.asarray(Image.open(here / "64.png")))
    run("edit", "64.png", *words)
    assert parsed(run("reproduce", "e.png", "--image", "64.png", "--format", "json"))["status"] == "identical"
    assert run("blend", "64.png", "24.png", "--model", "random", "--steps", 2, "--out", "b.png").exit_code == 0
    assert Image.open(here / "b.png").width == 64
    grown = run("edit", "64.png", *words, "--expand", "left=64,bottom=32")
    assert grown.exit_code == 0, grown.output
    found = np.asarray(Image.open(here / "e.png"))
    assert found.shape == (96, 128, 4)
    assert np.array_equal(found[:64, 64:], pixels)
    assert len(np.unique(found[:64, :64].reshape(-1, 4), axis=0)) > 100
    assert parsed(run("reproduce", "e.png", "--image", "64.png", "--format", "json"))["status"] == "identical"


@pytest.mark.usefixtures("installed", "pixels")
@pytest.mark.parametrize(
    ("shape", "more", "wanted", "at"),
    [
        ((128, 64), ("--expand", "top=32"), (128, 96), (0, 32)),
        ((64, 96), ("--expand", "left=64"), (128, 96), (64, 0)),
        ((120, 64), ("--expand", "right=60"), (180, 64), (0, 0)),  # 15 of its columns are 4 of what is drawn
        ((120, 64), ("--expand", "top=64"), (120, 128), (0, 64)),  # and 4 of its rows one
        ((128, 64), ("--aspect", "1:1"), (128, 128), (0, 32)),
        ((32, 16), ("--expand", "top=8"), (32, 24), (0, 8)),
        ((32, 16), ("--expand", "top=8", "--upscaler", "none"), (32, 24), (0, 8)),
        ((32, 16), ("--aspect", "1:1"), (32, 32), (0, 8)),
        ((128, 64), ("--zoom", "1.5"), (128, 64), None),
        ((20, 32), ("--expand", "left=8"), (24, 24), None),  # its shorter side becomes 16
    ],
)
def test_a_picture_of_another_shape_is_drawn_around_in_its_own(
    run: Run,
    here: Path,
    shape: tuple[int, int],
    more: tuple[object, ...],
    wanted: tuple[int, int],
    at: tuple[int, int] | None,
) -> None:
    wide = Image.open(here / "128.png").resize(shape)
    wide.save(here / "wide.png")
    told = run("edit", "wide.png", *WORDS_OF_EDIT, *more)
    assert told.exit_code == 0, told.output
    grown = Image.open(here / "e.png")
    assert grown.size == wanted
    if at is not None:
        there = grown.crop((*at, at[0] + shape[0], at[1] + shape[1]))
        assert np.array_equal(np.asarray(there), np.asarray(wide))
    assert parsed(run("reproduce", "e.png", "--image", "wide.png", "--format", "json"))["status"] == "identical"


@pytest.mark.usefixtures("installed", "pixels")
def test_what_is_drawn_around_otherwise_than_asked_is_told(run: Run, here: Path) -> None:
    told = run("edit", "64.png", *WORDS_OF_EDIT, "--expand", "left=8,top=32")
    assert "grows by left 32, top 32 pixels: it is drawn 4 times smaller, with sides in multiples of 8" in told.stderr
    assert "grows by" not in run("edit", "64.png", *WORDS_OF_EDIT, "--expand", "left=32").stderr
    same = "aspect is 1:1, and the picture has about this shape, so that nothing is drawn around it"
    assert same in sentence(run("edit", "64.png", *WORDS_OF_EDIT, "--aspect", "1:1"))
    Image.open(here / "128.png").resize((128, 64)).save(here / "wide.png")
    assert "about this shape" in sentence(run("edit", "wide.png", *WORDS_OF_EDIT, "--aspect", "2:1"))
    assert "25x16, which --expand makes of it, or larger ones with sides in multiples of 8" in sentence(
        run("edit", "16.png", *WORDS_OF_EDIT, "--expand", "left=9")
    )
    assert "another shape; crop it to that shape first" in sentence(
        run("edit", "16.png", *WORDS_OF_EDIT, "--size", "32x16")
    )
    seen = run("imagine", *WORDS_OF_EDIT, "--size", "32x16", "--structure-ref", "16.png", "--upscaler", "none")
    assert seen.exit_code == 0, seen.output


@pytest.mark.usefixtures("installed")
def test_what_a_mask_covers_of_a_large_picture_is_drawn_by_itself(
    run: Run, here: Path, pixels: np.ndarray[Any, Any]
) -> None:
    words = WORDS_OF_EDIT
    left = Image.new("L", (64, 64), 0)
    left.paste(255, (0, 0, 32, 64))
    left.save(here / "left.png")
    told = parsed(run("edit", "64.png", *words, "--mask", "left.png", "--format", "json"))["pictures"][0]
    asked = told["recipe"]["request"]
    assert (asked["crop_to_mask"], asked["upscaler"], asked["upscale_to"], asked["size"]) == (
        True, "upscaler", None, [16, 16]
    )  # fmt: skip
    assert told["recipe"]["upscaler_weights_sha256"] is not None
    assert told["evaluations"] == 2 * 2 + 3
    found = np.asarray(Image.open(here / "e.png"))
    assert np.array_equal(found[:, 32:], pixels[:, 32:])
    assert not np.array_equal(found[:, :32], pixels[:, :32])
    again = ("reproduce", "e.png", "--image", "64.png", "--mask", "left.png", "--format", "json")
    assert parsed(run(*again))["status"] == "identical"
    plain = run("edit", "64.png", *words, "--mask", "left.png", "--crop-to-mask", "--upscaler", "none")
    assert plain.exit_code == 0, plain.output
    assert not np.array_equal(np.asarray(Image.open(here / "e.png")), found)
