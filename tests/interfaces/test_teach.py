"""`mezzotint teach`: what it writes and says, and what it refuses before it trains."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mezzotint.checkpoints.loras import read_lora
from mezzotint.checkpoints.model_folder import read_model_folder
from mezzotint.data.icons import TRAINED, default_folder
from mezzotint.data.manifest import Record, write_manifest
from mezzotint.interfaces.teaching import other_pictures
from mezzotint.load import lora_folder
from mezzotint.pipeline import Pipeline
from mezzotint.provenance.pixels import psnr
from mezzotint.training.teach import Teacher
from tests.interfaces.conftest import Run, parsed, sentence
from tests.support import zorp_folder


@pytest.fixture(autouse=True)
def zorps(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of ten zorps, and no icon set."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    return zorp_folder(here / "my-zorps")


def test_a_word_is_taught_and_drawn_with(run: Run, model: Path, zorps: Path) -> None:
    args = ("teach", zorps, "--word", "Zorp", "--steps", 20, "--rank", 2, "--model", model, "--threads", 1)
    result = run(*args)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "zorp: 10 pictures, 2 of them held out; beside them 40 pictures that the model drew before"
    assert [line.split(":")[0] for line in lines[1:3]] == ["step 0", "step 20"]
    file = lora_folder() / "zorp.safetensors"
    assert lines[3].startswith("It ended after step 20, because all steps were done; ")
    assert lines[-1] == f"try it:  mezzotint imagine 'a zorp on a skateboard' --lora zorp --model {model}"
    lora = read_lora(file)
    assert (lora.facts.word, lora.facts.rank, lora.facts.base) == ("zorp", 2, "random")
    assert lora.facts.base_weights_sha256 == read_model_folder(model).weights_sha256
    said = json.loads((lora_folder() / "zorp-losses.json").read_text())
    assert [check["step"] for check in said["losses"]] == [0, 20]
    assert said["loss"] == lora.facts.training["loss"]
    assert said["loss"]["after"] == said["losses"][1]["held_out"] < said["loss"]["before"]
    assert len(said["pictures_sha256"]) == 10
    drawn = ("imagine", "a zorp", "--seed", 0, "--model", model, "--threads", 1)
    assert run(*drawn, "--out", "after.png", "--lora", "zorp").exit_code == 0
    assert run(*drawn, "--out", "before.png").exit_code == 0
    assert psnr(Image.open("after.png"), Image.open("before.png")) < 40
    check_sheet(Image.open(lora_folder() / "zorp-sheet.png"), Image.open("before.png"), Image.open("after.png"))
    again = parsed(run(*args, "--out", "again.safetensors", "--format", "json"))
    assert Path("again.safetensors").read_bytes() == file.read_bytes()
    assert (again["steps"], again["last_step"], again["lora"]) == (20, 20, "again.safetensors")


def check_sheet(sheet: Image.Image, before: Image.Image, after: Image.Image) -> None:
    """The first column shows the first prompt before and after, three times as large, on the board."""
    from mezzotint.interfaces.sheets import GAP, LABEL, on_board

    for row, picture in enumerate((before, after)):
        top = GAP + row * (96 + LABEL + GAP)
        cell = sheet.crop((GAP, top, GAP + 96, top + 96))
        assert np.array_equal(np.asarray(cell), np.asarray(on_board(picture, 3)))


def test_an_interruption_keeps_the_best_so_far(
    run: Run, model: Path, zorps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os
    import signal

    update = Teacher._update

    def interrupted(self: Teacher, step: int) -> float:
        if step == 21:
            os.kill(os.getpid(), signal.SIGTERM)
        return update(self, step)

    monkeypatch.setattr(Teacher, "_update", interrupted)
    args = ("teach", zorps, "--word", "zorp", "--steps", 60, "--rank", 2, "--model", model, "--out", "z.safetensors")
    result = run(*args, "--threads", 1)
    assert result.exit_code == 0, result.output
    assert "It ended after step 20, because it was interrupted" in result.stdout
    assert read_lora(Path("z.safetensors")).facts.training["steps"] == 20


def test_what_is_refused_is_one_sentence_before_training(
    run: Run, model: Path, zorps: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("it trains")

    monkeypatch.setattr("mezzotint.interfaces.cli.teach._teacher", never)
    few = zorp_folder(here / "few", 2)
    (here / "there.safetensors").write_bytes(b"")
    for args, words in (
        ((few, "--word", "zorp"), "has 2 pictures; a word is taught from at least 3"),
        ((here / "none", "--word", "zorp"), "There is no folder"),
        ((zorps, "--word", "a zorp"), "it must be one word"),
        ((zorps, "--word", "zorp", "--steps", 0), "steps is 0; it must be a whole number from 1"),
        ((zorps, "--word", "zorp", "--rank", "big"), "rank is 'big'"),
        ((zorps, "--word", "zorp", "--seed", -1), "seed is -1"),
        ((zorps, "--word", "zorp", "--out", "zorp.bin"), "must be a file that ends in .safetensors"),
        ((zorps, "--word", "zorp", "--out", "there.safetensors"), "there.safetensors exists; remove it"),
        ((zorps,), "Missing option '--word'"),
    ):
        assert words in sentence(run("teach", *args, "--model", model))


def test_when_nothing_is_learned_nothing_is_written(
    run: Run, model: Path, zorps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mezzotint.training.teach.mean_losses", lambda *_: {"0.5": 1.0})
    result = run("teach", zorps, "--word", "zorp", "--steps", 2, "--model", model, "--format", "json")
    assert result.exit_code == 2
    assert "Nothing was learned that made the held-out loss fall below 1.0000" in json.loads(result.stdout)["message"]
    assert list(lora_folder().iterdir()) == []


def test_other_pictures_are_icons_if_they_are_built(model: Path) -> None:
    pipe = Pipeline.load(str(model))
    drawn, source = other_pictures(pipe, seed=0)
    assert (len(drawn), source) == (2 * len(TRAINED), "40 pictures that the model drew before")
    assert drawn.captions[:3] == (("an apple",), ("an apple",), ("a cat",))
    folder = default_folder()
    folder.mkdir(parents=True)
    records = [_record(i, "heldout" if i == 3 else "train") for i in range(8)]
    write_manifest(folder / "manifest.jsonl", records)
    shown = np.broadcast_to(np.arange(8, dtype=np.uint8)[:, None, None, None], (8, 32, 32, 4))
    np.save(folder / "pictures-32.npy", shown)
    found, source = other_pictures(pipe, seed=0)
    assert source == "7 pictures of the icon set"
    numbers = [int(picture[0, 0, 0]) for picture in found.pictures]
    assert sorted(numbers) == [0, 1, 2, 4, 5, 6, 7]
    assert found.captions == tuple((f"thing {i}",) for i in numbers)
    assert found.styles == tuple("flat" if i % 2 == 0 else None for i in numbers)


def _record(i: int, split: str) -> Record:
    return Record(
        id=str(i), captions=(f"thing {i}",), style=("flat", "clay")[i % 2], split=split, concept=str(i), sha256="",
        name="", licence="", author="",
    )  # fmt: skip
