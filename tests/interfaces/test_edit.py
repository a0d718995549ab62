"""`mezzotint edit`, and `reproduce` of what it gave."""

import json
import shutil
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from mezzotint.provenance.read import read_metadata
from tests.interfaces.conftest import Run, parsed, sentence
from tests.support import SMALL, model_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=16, patch=4))


@pytest.fixture
def apple(here: Path) -> Path:
    values = np.random.default_rng(0).integers(0, 256, (16, 16, 4), dtype=np.uint8)
    Image.fromarray(values, "RGBA").save(here / "apple.png")
    hole = np.zeros((16, 16), dtype=np.uint8)
    hole[:, 8:] = 255
    Image.fromarray(hole, "L").save(here / "hole.png")
    return here / "apple.png"


def test_an_edit_is_drawn_told_and_reproduced(run: Run, folder: Path, apple: Path, here: Path) -> None:
    words = ("edit", apple, "a green apple", "--model", folder, "--seed", 3, "--out", "e.png")
    done = parsed(run(*words, "--mask", "hole.png", "--format", "json"))
    picture = done["pictures"][0]
    assert picture["file"] == "e.png"
    assert picture["recipe"]["request"]["strength"] == 1.0
    edited, own = np.asarray(Image.open(here / "e.png")), np.asarray(Image.open(apple))
    assert np.array_equal(edited[:, :8], own[:, :8])
    assert not np.array_equal(edited[:, 8:], own[:, 8:])
    again = ("reproduce", "e.png", "--model", folder)
    assert "identical" in run(*again, "--image", apple, "--mask", "hole.png").stdout
    assert "give its file with --image" in sentence(run(*again))
    assert "give its file with --mask" in sentence(run(*again, "--image", apple))
    assert "hole.png is not the image that the recipe names" in sentence(
        run(*again, "--image", "hole.png", "--mask", "hole.png")
    )


def test_another_pillow_is_named_where_a_picture_is_not_the_one(
    run: Run, folder: Path, apple: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = PIL.__version__
    done = parsed(run("edit", apple, "a cat", "--model", folder, "--seed", 3, "--out", "e.png", "--format", "json"))
    assert done["pictures"][0]["recipe"]["environment"]["pillow"] == here
    again = ("reproduce", "e.png", "--model", folder, "--image")
    assert "Pillow" not in sentence(run(*again, "hole.png"))
    monkeypatch.setattr(PIL, "__version__", "99.1")
    assert f"otherwise by Pillow 99.1 than by {here}, which made the recipe" in sentence(run(*again, "hole.png"))
    assert "identical" in run(*again, apple).stdout
    assert f"Pillow 99.1 than by {here}" in sentence(run("vary", "e.png", "--model", folder, "--image", "hole.png"))


def test_a_larger_picture_is_fitted_and_half_the_steps_are_taken(run: Run, folder: Path, here: Path) -> None:
    Image.new("RGB", (90, 45), (200, 30, 30)).save(here / "wide.jpg")
    done = parsed(
        run("edit", "wide.jpg", "a cat", "--model", folder, "--strength", "0.5", "--steps", 8, "--format", "json")
    )
    assert done["evaluations"] == 8  # four steps of two branches
    assert "identical" in run("reproduce", done["pictures"][0]["file"], "--model", folder, "--image", "wide.jpg").stdout


def test_what_lies_around_a_fitted_picture_is_kept_and_black_stays_black(run: Run, folder: Path, here: Path) -> None:
    Image.new("RGB", (64, 32), (200, 30, 30)).save(here / "wide.png")
    cover = Image.new("L", (64, 32), 255)
    cover.save(here / "all.png")
    words = ("edit", "wide.png", "a cat", "--model", folder, "--mask")
    run(*words, "all.png", "--invert-mask", "--out", "none.png")
    run("edit", "wide.png", "--model", folder, "--strength", 0, "--out", "same.png")
    none, same = (np.asarray(Image.open(here / name)) for name in ("none.png", "same.png"))
    assert np.array_equal(none, same)
    cover.paste(0, (0, 0, 32, 32))
    cover.save(here / "half.png")
    run(*words, "half.png", "--out", "half-drawn.png")
    half = np.asarray(Image.open(here / "half-drawn.png"))
    assert np.array_equal(half[:, :8], same[:, :8])
    assert not np.array_equal(half[4:12, 8:], same[4:12, 8:])


def test_a_photograph_is_edited_upright(run: Run, folder: Path, here: Path) -> None:
    image = Image.new("RGB", (16, 16), (250, 250, 250))
    image.paste((200, 0, 0), (0, 0, 16, 4))
    exif = Image.Exif()
    exif[0x0112] = 6  # the first row is on the right
    image.save(here / "turned.jpg", exif=exif, quality=95)
    run("edit", "turned.jpg", "--model", folder, "--strength", 0, "--out", "p.png")
    seen = np.asarray(Image.open(here / "p.png"))
    assert seen[8, 14, 1] < 60
    assert seen[8, 1, 1] > 200


def test_an_edit_is_not_explained(run: Run, folder: Path, apple: Path) -> None:
    run("edit", apple, "a cat", "--model", folder, "--out", "e.png")
    assert "is an edit of another picture" in sentence(run("explain", "e.png", "--model", folder))


def test_metadata_of_the_source_does_not_reach_the_picture(run: Run, folder: Path, here: Path) -> None:
    image = Image.new("RGB", (16, 16), (1, 2, 3))
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    image.save(here / "photo.jpg", exif=exif)
    assert run("edit", "photo.jpg", "--model", folder, "--out", "p.png").exit_code == 0
    assert b"secret" not in (here / "p.png").read_bytes()
    recipe = read_metadata(here / "p.png").recipe
    assert recipe is not None
    assert recipe.request.strength == 0.9


def told(image: Image.Image, path: Path, kind: str) -> None:
    """Save a picture with everything that a camera and its owner say in a file: EXIF, GPS, XMP, profile, comment."""
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    exif.get_ifd(0x8825)[1] = "N secret"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    text = PngInfo()
    text.add_itxt("Comment", "secret", zip=False)
    more = {"pnginfo": text} if kind == "PNG" else {"comment": b"secret", "xmp": b"<x:xmpmeta>secret</x:xmpmeta>"}
    image.save(path, kind, exif=exif, icc_profile=profile, **more)
    assert b"secret" in path.read_bytes()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--strength", "0"),
        ("--mask", "m.png"),
        ("--mask", "m.png", "--crop-to-mask"),
        ("--mask", "none.png", "--crop-to-mask"),
        ("--mask", "m.png", "--soft-mask"),
        ("--expand", "left=8"),
        ("--detail", "0,0,0.5,0.5:a star"),
    ],
    ids=lambda words: "".join(words) or "plain",
)
def test_nothing_that_a_file_says_reaches_the_picture(
    run: Run, folder: Path, here: Path, kind: str, words: tuple[str, ...]
) -> None:
    told(Image.new("RGB", (16, 16), (1, 2, 3)), here / "photo.png", kind)
    told(Image.new("L", (16, 16), 0), here / "none.png", kind)
    cover = Image.new("L", (16, 16), 0)
    cover.paste(255, (4, 4, 12, 12))
    told(cover, here / "m.png", kind)
    done = run("edit", "photo.png", "a cat", *words, "--model", folder, "--steps", 2, "--out", "p.png")
    assert done.exit_code == 0, done.output
    written = (here / "p.png").read_bytes()
    assert b"secret" not in written
    assert set(Image.open(here / "p.png").info) <= {"mezzotint", "parameters"}
    assert {name for name in (b"iCCP", b"eXIf", b"tIME", b"gAMA", b"zTXt") if name in written} == set()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.png"], "nowhere.png"),
        (["apple.png", "--strength", "2"], "strength is 2"),
        (["apple.png", "--invert-mask"], "give a mask too"),
        (["apple.png", "--mask", "small.png"], "The mask small.png has 8x8 pixels, but the picture 16x16"),
        (["text.png"], "text.png"),
    ],
)
def test_what_cannot_be_edited_is_one_sentence_and_writes_nothing(
    run: Run, folder: Path, apple: Path, here: Path, words: list[str], said: str
) -> None:
    Image.new("L", (8, 8)).save(here / "small.png")
    (here / "text.png").write_text("no picture")
    before = sorted(here.iterdir())
    assert said in sentence(run("edit", *words, "--model", folder))
    assert sorted(here.iterdir()) == before


def test_drawing_options_that_another_recipe_lacks_are_refused(run: Run, folder: Path, apple: Path) -> None:
    run("imagine", "a cat", "--model", folder, "--out", "c.png", "--seed", 1)
    assert "The recipe has no image; leave out --image" in sentence(
        run("reproduce", "c.png", "--model", folder, "--image", apple)
    )


def test_what_is_drawn_around_a_picture_is_drawn_again(run: Run, folder: Path, apple: Path, here: Path) -> None:
    own = np.asarray(Image.open(apple))
    words = ("edit", apple, "a cat", "--model", folder, "--seed", 3, "--out")
    assert run(*words, "e.png", "--expand", "left=8,top=16", "--region", "0,0,0.5,1:a (red:1.2) hat").exit_code == 0
    assert np.array_equal(np.asarray(Image.open(here / "e.png"))[16:, 8:], own)
    assert run(*words, "w.png", "--aspect", "2:1", "--mask", "hole.png").exit_code == 0
    assert np.array_equal(np.asarray(Image.open(here / "w.png"))[:, 8:16], own[:, :8])
    assert run(*words, "z.png", "--zoom", 2, "--tile", "x").exit_code == 0
    for name, more in (("e.png", ()), ("w.png", ("--mask", "hole.png")), ("z.png", ())):
        again = run("reproduce", name, "--model", folder, "--image", apple, *more)
        assert again.stdout == f"{name}: identical: every pixel is equal.\n"
    assert "expand is 'up=8'" in sentence(run(*words, "n.png", "--expand", "up=8"))
    assert not (here / "n.png").exists()


def test_a_part_of_a_large_picture_is_drawn_and_drawn_again(run: Run, folder: Path, here: Path) -> None:
    values = np.random.default_rng(1).integers(0, 256, (70, 110, 3), dtype=np.uint8)
    Image.fromarray(values).save(here / "photo.png")
    hole = Image.new("L", (110, 70))
    hole.paste(200, (60, 20, 90, 44))
    hole.save(here / "hole.png")
    words = ("edit", "photo.png", "a cat", "--model", folder, "--mask", "hole.png", "--crop-to-mask", "--seed", 3)
    regions = ("--region", "0.6,0,1,1:a hat", "--region", "hole.png:a bus")
    assert run(*words, "--out", "p.png").exit_code == 0
    assert run(*words, *regions, "--soft-mask", "--crop-padding", 2, "--out", "q.png").exit_code == 0
    for name in ("p.png", "q.png"):
        found = np.asarray(Image.open(here / name))
        outside = np.asarray(hole) == 0
        assert np.array_equal(found[outside][:, :3], values[outside])
        assert (found[~outside][:, :3] != values[~outside]).any()
    given = ("--model", folder, "--image", "photo.png", "--mask", "hole.png")
    assert run("reproduce", "p.png", *given).stdout == "p.png: identical: every pixel is equal.\n"
    again = ("reproduce", "q.png", *given)
    assert run(*again, "--region-mask", "hole.png").stdout == "q.png: identical: every pixel is equal.\n"
    assert "The recipe has 1 mask of regions, and --region-mask gives 0" in sentence(run(*again))
    assert "photo.png is not the mask" in sentence(run(*again, "--region-mask", "photo.png"))
    assert "The recipe has no masks of regions" in sentence(
        run("reproduce", "p.png", *given, "--region-mask", "hole.png")
    )
    assert "beside what --crop-to-mask draws" in sentence(
        run(*words, "--region", "0,0,0.1,0.1:a hat", "--out", "n.png")
    )
    assert "expand is about all" in sentence(run(*words, "--expand", "left=8", "--out", "n.png"))
    assert not (here / "n.png").exists()


def test_a_region_may_be_a_mask(run: Run, folder: Path, here: Path) -> None:
    half = Image.new("L", (32, 32))
    half.paste(255, (0, 0, 16, 32))
    half.save(here / "half,1.png")
    words = ("imagine", "a cat", "--model", folder, "--seed", 3, "--out")
    assert run(*words, "m.png", "--region", "half,1.png:a hat: red").exit_code == 0
    assert run(*words, "c.png").exit_code == 0
    mask, plain = (np.asarray(Image.open(here / name)) for name in ("m.png", "c.png"))
    assert not np.array_equal(mask, plain)
    recipe = read_metadata(here / "m.png").recipe
    assert recipe is not None
    assert [text for _, text in recipe.request.region_masks] == ["a hat: red"]
    again = run("reproduce", "m.png", "--model", folder, "--region-mask", "half,1.png")
    assert again.stdout == "m.png: identical: every pixel is equal.\n"
    varied = run("vary", "m.png", "--model", folder, "--region-mask", "half,1.png", "--n", 1, "--out", "v.png")
    assert varied.exit_code == 0, varied.output
    assert "nowhere.png" in sentence(run(*words, "n.png", "--region", "nowhere.png:a hat"))
    assert "it must be LEFT,TOP,RIGHT,BOTTOM:PROMPT" in sentence(run(*words, "n.png", "--region", "0,0,x,1:a hat"))


def test_a_soft_mask_of_one_grey_is_a_strength(run: Run, folder: Path, apple: Path, here: Path) -> None:
    Image.new("L", (16, 16), 128).save(here / "grey.png")
    words = ("edit", apple, "a cat", "--model", folder, "--seed", 3, "--steps", 8, "--format", "json")
    soft = parsed(run(*words, "--mask", "grey.png", "--soft-mask"))
    plain = parsed(run(*words, "--strength", 128 / 255))
    assert soft["pictures"][0]["pixels_sha256"] == plain["pictures"][0]["pixels_sha256"]
    assert soft["evaluations"] == plain["evaluations"] == 8


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
@pytest.mark.parametrize(("good", "bad"), [(b"MM\0*", b"MMm*"), (b"MM\0*\0\0\0\x08\0\x01", b"MM\0*\0\0\0\x08\xff\xff")])
def test_a_picture_whose_exif_is_damaged_is_taken_as_it_lies(
    run: Run, folder: Path, here: Path, kind: str, good: bytes, bad: bytes
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (16, 16), (200, 0, 0)).save(here / "photo.jpg", kind, exif=exif)
    data = (here / "photo.jpg").read_bytes()
    assert good in data
    damaged = data.replace(good, bad)
    if kind == "PNG":
        at = damaged.index(b"eXIf")
        end = at + 4 + int.from_bytes(damaged[at - 4 : at], "big")
        damaged = damaged[:end] + zlib.crc32(damaged[at:end]).to_bytes(4, "big") + damaged[end + 4 :]
    (here / "photo.jpg").write_bytes(damaged)
    for words in (
        ("edit", "photo.jpg", "--model", folder, "--strength", 0, "--out", "p.png"),
        ("inspect", "photo.jpg"),
    ):
        done = run(*words)
        assert done.exit_code == 0, done.output
    assert Image.open(here / "p.png").getpixel((8, 8))[0] > 190


def test_the_pictures_own_alpha_is_a_mask(run: Run, folder: Path, here: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (16, 16, 4), dtype=np.uint8)
    values[:, :8, 3], values[:, 8:, 3] = 255, 0
    Image.fromarray(values, "RGBA").save(here / "half.png")
    words = ("edit", "half.png", "a cat", "--model", folder, "--seed", 3, "--mask")
    assert run(*words, "alpha", "--out", "e.png").exit_code == 0
    Image.fromarray(255 - values[..., 3], "L").save(here / "clear.png")
    assert run(*words, "clear.png", "--out", "f.png").exit_code == 0
    assert (here / "e.png").read_bytes() == (here / "f.png").read_bytes()
    edited = np.asarray(Image.open(here / "e.png"))
    assert np.array_equal(edited[:, :8], values[:, :8])
    assert (edited[:, 8:, 3] > 0).any(), "where it was clear it is drawn"
    again = ("reproduce", "e.png", "--model", folder, "--image", "half.png", "--mask")
    assert "identical" in run(*again, "alpha").stdout
    assert "identical" in run(*again, "clear.png").stdout
    Image.fromarray(values[..., :3], "RGB").save(here / "full.png")
    refused = sentence(run("edit", "full.png", "a cat", "--model", folder, "--mask", "alpha", "--out", "n.png"))
    assert "mask is alpha, which draws where the picture is clear, and it is opaque everywhere" in refused
    assert not (here / "n.png").exists()


def test_the_alpha_of_a_large_picture_is_its_mask_at_its_own_size(run: Run, folder: Path, here: Path) -> None:
    values = np.random.default_rng(1).integers(0, 256, (40, 60, 4), dtype=np.uint8)
    values[..., 3] = 255
    values[10:30, 20:40, 3] = 0
    Image.fromarray(values, "RGBA").save(here / "photo.png")
    words = ("edit", "photo.png", "a cat", "--model", folder, "--mask", "alpha", "--crop-to-mask", "--seed", 3)
    assert run(*words, "--out", "e.png").exit_code == 0
    edited = np.asarray(Image.open(here / "e.png"))
    opaque = values[..., 3] == 255
    assert np.array_equal(edited[opaque], values[opaque])
    assert (edited[~opaque] != values[~opaque]).any()


def test_masks_without_effect_are_told_and_greys_are_not(run: Run, folder: Path, apple: Path, here: Path) -> None:
    for level in (0, 90, 255):
        Image.new("L", (16, 16), level).save(here / f"{level}.png")
    words = ("edit", apple, "--model", folder, "--steps", 4, "--out", "e.png", "--mask")
    black = "mask: nothing is drawn at strength 0, nor where a mask is black all over"
    white = "mask: it is {} all over, so that nothing of the picture is kept"
    for level, more, said in (
        (0, (), [black]),
        (255, ("--invert-mask",), [black]),
        (255, (), [white.format("white")]),
        (0, ("--invert-mask",), [white.format("black")]),
        (90, (), []),
    ):
        told = run(*words, f"{level}.png", *more)
        assert told.exit_code == 0, told.output
        found = [line for line in told.stdout.splitlines() if line.startswith("ignored: ")]
        assert found == [f"ignored: {one!r}" for one in said]
    assert "'mask: it is white all over" in sentence(run(*words, "255.png", "--strict"))


def test_a_picture_does_not_take_the_place_of_one_that_it_is_drawn_from(
    run: Run, folder: Path, apple: Path, here: Path
) -> None:
    before = apple.read_bytes()
    Image.new("L", Image.open(apple).size, 255).save(here / "mask.png")
    for more in (
        ("--out", apple),
        ("--mask", "mask.png", "--out", "mask.png"),
        ("--style-ref", "r.png", "--out", "r.png"),
    ):
        shutil.copy(apple, here / "r.png")
        told = sentence(run("edit", apple, "a cat", "--model", folder, "--steps", 1, *more))
        assert f"out is {more[-1]}, which the picture is drawn from; choose another name" in told
    assert "which the picture is drawn from" in sentence(run("upscale", apple, "--out", apple))
    assert apple.read_bytes() == before


def test_a_white_mask_draws_what_imagine_draws_in_the_usual_style(
    run: Run, folder: Path, apple: Path, here: Path
) -> None:
    shutil.copytree(folder, here / "styled")
    told = json.loads((here / "styled" / "model.json").read_text())
    told["defaults"]["style"] = told["styles"][0]
    (here / "styled" / "model.json").write_text(json.dumps(told))
    Image.new("L", (16, 16), 255).save(here / "white.png")
    half = Image.new("L", (16, 16), 255)
    half.paste(0, (0, 0, 4, 16))
    half.save(here / "half.png")
    words = ("--model", "styled", "--steps", 2, "--seed", 5, "--threads", 1, "--format", "json")
    (fresh,) = parsed(run("imagine", "a cat", *words, "--out", "a.png"))["pictures"]
    (whole,) = parsed(run("edit", apple, "a cat", *words, "--mask", "white.png", "--out", "b.png"))["pictures"]
    (part,) = parsed(run("edit", apple, "a cat", *words, "--mask", "half.png", "--out", "c.png"))["pictures"]
    assert fresh["recipe"]["request"]["style"] == told["styles"][0]
    assert whole["recipe"]["pixels_sha256"] == fresh["recipe"]["pixels_sha256"]
    assert part["recipe"]["request"]["style"] == "none"  # what is kept has a style of its own
    again = run("reproduce", "b.png", "--image", apple, "--model", "styled", "--format", "json")
    assert parsed(again)["status"] == "identical"
