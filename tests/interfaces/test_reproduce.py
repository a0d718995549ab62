"""`mezzotint reproduce`."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from mezzotint.provenance import pixel_sha256, read_metadata, write_png
from mezzotint.recipe import Recipe
from tests.interfaces.conftest import Run, parsed, sentence


@pytest.fixture
def picture(run: Run, model: Path, here: Path) -> Path:
    args = ("--seed", 7, "--out", "a.png", "--model", model, "--threads", 1, "--style", "flat", "--steps", 3)
    assert run("imagine", "a red apple", *args).exit_code == 0
    return here / "a.png"


def recipe_of(path: Path) -> Recipe:
    recipe = read_metadata(path).recipe
    assert recipe is not None
    return recipe


def changed(path: Path, **changes: object) -> Path:
    """The same picture with a recipe that says something else."""
    recipe = replace(recipe_of(path), **changes)  # type: ignore[arg-type]
    write_png(path.with_name("changed.png"), Image.open(path), recipe)
    return path.with_name("changed.png")


def test_the_same_recipe_gives_the_same_picture(run: Run, model: Path, picture: Path) -> None:
    result = run("reproduce", picture, "--model", model)
    assert (result.exit_code, result.stdout) == (0, f"{picture}: identical: every pixel is equal.\n")


def test_a_jpeg_is_drawn_again_and_a_changed_one_is_told(run: Run, model: Path, here: Path) -> None:
    args = ("--seed", 7, "--out", "a.jpg", "--model", model, "--threads", 1, "--style", "flat", "--steps", 3)
    assert run("imagine", "a red apple", *args).exit_code == 0
    assert run("reproduce", "a.jpg", "--model", model).stdout == "a.jpg: identical: every pixel is equal.\n"
    assert parsed(run("inspect", "a.jpg", "--format", "json"))["pixels_unchanged"] is True
    with Image.open(here / "a.jpg") as seen:
        seen.convert("L").save(here / "a.jpg", exif=seen.getexif())
    assert parsed(run("inspect", "a.jpg", "--format", "json"))["pixels_unchanged"] is False
    result = run("reproduce", "a.jpg", "--model", model)
    assert result.exit_code == 1
    assert "its pixels were changed afterwards" in result.stdout


def test_the_new_picture_can_be_kept(run: Run, model: Path, picture: Path, here: Path) -> None:
    found = parsed(run("reproduce", picture, "--model", model, "--out", "b.png", "--format", "json"))
    assert (found["status"], found["out"]) == ("identical", "b.png")
    assert recipe_of(here / "b.png").to_json_dict() == found["recipe"]
    assert pixel_sha256(Image.open(here / "b.png")) == recipe_of(picture).pixels_sha256


def test_other_weights_give_another_picture_and_are_named(run: Run, other_model: Path, picture: Path) -> None:
    result = run("reproduce", picture, "--model", other_model, "--format", "json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["status"] == "different"
    assert any("weights digest" in cause for cause in found["causes"])
    assert run("reproduce", picture, "--model", other_model).stdout.startswith(f"{picture}: different (PSNR")


def test_another_dtype_is_named(run: Run, model: Path, picture: Path) -> None:
    result = run("reproduce", picture, "--model", model, "--dtype", "bfloat16", "--format", "json")
    found = json.loads(result.stdout)
    assert "the dtype was float32 and is now bfloat16" in found["causes"]
    assert result.exit_code == (1 if found["status"] == "different" else 0)


def test_the_recipes_threads_are_used_and_others_are_named(run: Run, model: Path, picture: Path) -> None:
    two = changed(picture, environment=replace(recipe_of(picture).environment, threads=2))
    assert parsed(run("reproduce", two, "--model", model, "--format", "json"))["causes"] == []
    result = run("reproduce", two, "--model", model, "--threads", 1, "--format", "json")
    assert "the number of threads was 2 and is now 1" in json.loads(result.stdout)["causes"]


def test_a_strangers_recipe_cannot_ask_for_a_million_threads(run: Run, model: Path, picture: Path) -> None:
    greedy = changed(picture, environment=replace(recipe_of(picture).environment, threads=10**6))
    result = run("reproduce", greedy, "--model", model, "--format", "json")
    assert any("number of threads" in cause for cause in json.loads(result.stdout)["causes"])


@pytest.mark.parametrize("device", ["cuda:3", "meta", "nowhere"])
def test_a_device_that_is_not_here_is_replaced_and_named(run: Run, model: Path, picture: Path, device: str) -> None:
    elsewhere = changed(picture, request=replace(recipe_of(picture).request, device=device))
    found = parsed(run("reproduce", elsewhere, "--model", model, "--format", "json"))
    assert f"the device was {device} and is now cpu" in found["causes"]


def test_an_edited_picture_is_found_out(run: Run, model: Path, picture: Path) -> None:
    image = Image.open(picture).convert("RGBA")
    text = Image.open(picture).info
    image.putpixel((3, 3), (1, 2, 3, 255))
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("mezzotint", text["mezzotint"])
    image.save(picture, pnginfo=info)
    result = run("reproduce", picture, "--model", model, "--format", "json")
    found = json.loads(result.stdout)
    assert found["status"] in ("same", "different")
    assert "its pixels were changed afterwards" in found["causes"][0]


def test_a_model_that_is_not_installed_is_asked_for(run: Run, picture: Path) -> None:
    assert "give its folder with --model" in sentence(run("reproduce", picture))


def test_files_that_cannot_be_used_are_one_sentence(run: Run, picture: Path, here: Path) -> None:
    half = here / "half.png"
    half.write_bytes(picture.read_bytes()[:-200])
    Image.new("RGB", (4, 4)).save(here / "plain.png")
    (here / "text.png").write_text("hello")
    for name, words in [
        ("half.png", "is cut off"),
        ("plain.png", "has no recipe"),
        ("text.png", "is not a PNG"),
        ("none.png", "There is no file"),
        (".", "is a folder"),
    ]:
        assert words in sentence(run("reproduce", name))


def test_another_programs_picture_is_told_apart(run: Run, here: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x48")
    Image.new("RGB", (4, 4)).save(here / "theirs.png", pnginfo=info)
    said = sentence(run("reproduce", "theirs.png"))
    assert "only settings of another program (a1111)" in said
    command = "mezzotint imagine 'a cat' --seed 5 --steps 20 --guidance 7 --solver euler-ancestral --aspect 4:3"
    assert said.endswith(f"; our version of it is drawn by `{command}`.")
    info.add_text("parameters", f"{'a cat ' * 200}\nSteps: 20, Sampler: Euler a, CFG scale: 7")
    Image.new("RGB", (4, 4)).save(here / "long.png", pnginfo=info)
    assert sentence(run("reproduce", "long.png")).endswith(
        "; `mezzotint inspect` shows the command that draws our version of it."
    )


@pytest.mark.parametrize(
    ("out", "words"), [("a.png", "that is to be reproduced"), ("b.jpg", "ends in .png"), (".", "ends in .png")]
)
def test_the_new_picture_needs_a_name_of_its_own(run: Run, model: Path, picture: Path, out: str, words: str) -> None:
    before = picture.read_bytes()
    assert words in sentence(run("reproduce", picture, "--model", model, "--out", out))
    assert picture.read_bytes() == before


STACK = ("--guidance", 6, "--guidance-method", "apg", "--guidance-method", "pag:scale=2",
         "--guidance-method", "rescale:amount=0.7")  # fmt: skip


@pytest.mark.parametrize(
    "options", [STACK, ("--also", "a hat:0.7", "--also", "a ball:-0.5")], ids=["apg, pag and rescale", "two prompts"]
)
def test_guidance_is_drawn_again(run: Run, model: Path, here: Path, options: tuple[object, ...]) -> None:
    args = ("--seed", 7, "--out", "a.png", "--model", model, "--threads", 1, "--steps", 3)
    assert run("imagine", "a red apple", *args, *options).exit_code == 0
    result = run("reproduce", "a.png", "--model", model)
    assert (result.exit_code, result.stdout) == (0, "a.png: identical: every pixel is equal.\n")
    request = recipe_of(here / "a.png").request
    bare = changed(here / "a.png", request=replace(request, guidance_methods=(), also=()))
    assert not run("reproduce", bare, "--model", model).stdout.startswith(f"{bare}: identical")
    text = run("inspect", "a.png").stdout
    assert ("apg, pag:scale=2, rescale:amount=0.7" if options is STACK else "a hat:0.7, a ball:-0.5") in text


def test_a_weak_model_is_drawn_with_again(run: Run, model: Path, other_model: Path, here: Path) -> None:
    args = ("--seed", 7, "--out", "a.png", "--model", model, "--threads", 1, "--steps", 3)
    weak = ("--guidance-method", "autoguidance:scale=2.5", "--weak-model", other_model)
    assert run("imagine", "a red apple", *args, *weak).exit_code == 0
    result = run("reproduce", "a.png", "--model", model, "--weak-model", other_model)
    assert (result.exit_code, result.stdout) == (0, "a.png: identical: every pixel is equal.\n")
    assert "names the weak model 'random', which is not installed; give its folder with --weak-model." in sentence(
        run("reproduce", "a.png", "--model", model)
    )
    found = json.loads(run("reproduce", "a.png", "--model", model, "--weak-model", model, "--format", "json").stdout)
    assert found["status"] == "different"
    assert len(found["causes"]) == 1
    assert found["causes"][0].startswith("the weak model's weights digest was ")
    assert "weak model's weights" in run("inspect", "a.png").stdout


def test_a_weak_model_for_a_recipe_without_one_is_refused(run: Run, model: Path, picture: Path) -> None:
    result = run("reproduce", picture, "--model", model, "--weak-model", model)
    assert "The recipe has no weak model; leave out --weak-model." in sentence(result)
