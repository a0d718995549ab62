"""LoRAs on the command line: drawn with, named, found again."""

import json
from pathlib import Path

import pytest

from mezzotint.checkpoints.tensors import file_digest
from mezzotint.load import lora_folder
from tests.interfaces.conftest import Run, parsed, sentence
from tests.support import lora_file


@pytest.fixture
def zorp(model: Path, here: Path) -> Path:
    """The user's LoRA of this name; `here` has set the folder."""
    return lora_file(lora_folder() / "zorp.safetensors", model)


@pytest.fixture
def picture(run: Run, model: Path, here: Path, zorp: Path) -> Path:
    args = ("--seed", 7, "--steps", 3, "--out", "a.png", "--model", model, "--threads", 1)
    result = run("imagine", "a zorp", *args, "--lora", "zorp:0.5")
    assert result.exit_code == 0
    assert ", lora zorp:0.5;" in result.stdout
    return here / "a.png"


def test_strengths_reach_the_recipe(run: Run, model: Path, zorp: Path) -> None:
    args = ("imagine", "a zorp", "--seed", 1, "--steps", 3, "--model", model, "--format", "json")
    for given, wanted in (("zorp:0.5", ["zorp", 0.5]), ("zorp", ["zorp", 1.0]), (f"{zorp}:-2", ["zorp", -2.0])):
        recipe = parsed(run(*args, "--lora", given))["pictures"][0]["recipe"]
        assert recipe["request"]["lora"] == [wanted]
        assert recipe["lora_sha256"] == [file_digest(zorp)]
    assert "There is no LoRA called 'zrp'" in sentence(run("imagine", "x", "--model", model, "--lora", "zrp"))
    assert "'lora: zorp' would be ignored" in sentence(run(*args[:-2], "--lora", "zorp:0", "--strict"))
    assert parsed(run("models", model, "--format", "json"))["loras"] == ["zorp"]
    assert "\nLoRAs    zorp\n" in run("models", model).stdout


def test_a_picture_says_its_lora_and_is_drawn_again(run: Run, model: Path, zorp: Path, picture: Path) -> None:
    text = run("inspect", picture).stdout
    assert "  lora                  zorp:0.5\n" in text
    assert f"LoRA zorp             {file_digest(zorp)}" in text
    result = run("reproduce", picture, "--model", model)
    assert (result.exit_code, result.stdout) == (0, f"{picture}: identical: every pixel is equal.\n")


def test_a_lora_that_is_gone_is_asked_for_and_may_be_given(
    run: Run, model: Path, zorp: Path, picture: Path, here: Path
) -> None:
    kept = zorp.rename(here / "zorp.safetensors")
    digest = file_digest(kept)[:10]
    for verb in ("reproduce", "explain"):
        refused = sentence(run(verb, picture, "--model", model))
        assert f"names the LoRA zorp (sha256 {digest}), and there is no zorp.safetensors in {zorp.parent}" in refused
    found = run("reproduce", picture, "--model", model, "--lora", kept)
    assert (found.exit_code, found.stdout) == (0, f"{picture}: identical: every pixel is equal.\n")
    (here / "blick.safetensors").write_bytes(kept.read_bytes())
    spare = run("reproduce", picture, "--model", model, "--lora", kept, "--lora", here / "blick.safetensors")
    assert "The recipe has no LoRA called blick" in sentence(spare)


def test_another_lora_of_the_same_name_is_told(run: Run, model: Path, zorp: Path, picture: Path) -> None:
    lora_file(zorp, model, seed=3)
    found = json.loads(run("reproduce", picture, "--model", model, "--format", "json").stdout)
    assert found["status"] != "identical"
    assert len(found["causes"]) == 1
    assert found["causes"][0].startswith("the digest of the LoRAs was ")


def test_words_are_explained_with_the_lora_in_the_network(run: Run, model: Path, zorp: Path, picture: Path) -> None:
    args = ("explain", picture, "--model", model, "--format", "json")
    with_it = parsed(run(*args))["words"]
    plain = ("--seed", 7, "--steps", 3, "--out", "b.png", "--model", model, "--threads", 1)
    assert run("imagine", "a zorp", *plain).exit_code == 0
    without = parsed(run("explain", "b.png", *args[2:]))["words"]
    assert with_it[1]["text"] == without[1]["text"] == "zorp"
    assert with_it[1]["share_of_attention"] != without[1]["share_of_attention"]
