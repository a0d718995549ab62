"""`imagine --check` and `--best-of`, with a detector that was hardly trained."""

from dataclasses import replace
from pathlib import Path

import pytest

import mezzotint.load
from tests.detectors import packed_detector, trained_detector
from tests.interfaces.conftest import Run, parsed, sentence
from tests.support import SMALL, model_folder


@pytest.fixture(scope="module")
def instruments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("instruments")
    packed_detector(trained_detector(root / "trained"), root / "detector")
    return root


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("large") / "m", replace(SMALL, size=64, patch=16))


def test_the_verdict_is_told_kept_and_reproduced(
    run: Run, here: Path, instruments: Path, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mezzotint.load, "INSTRUMENTS", instruments)
    one = ("--layout", "none", "--upscaler", "none")
    few = ("imagine", "three red apples", "--model", large, "--seed", 1, "--steps", 1, "--n", 2, *one)
    found = parsed(run(*few, "--check", "--tries", 3, "--out", "a", "--format", "json"))
    assert len(found["pictures"]) == 2
    for place, picture in enumerate(found["pictures"]):
        check = picture["recipe"]["check"]
        assert check["asked"] == ["exactly 3 apple in red"]
        assert check["right"] is (not check["faults"])
        assert picture["seed"] == 1 + place + 2 * (check["tries"] - 1) or check["faults"]
        assert picture["seed"] in {1 + place, 3 + place, 5 + place}
        assert check["right"] or check["tries"] == 3
        assert picture["evaluations"] == check["evaluations"] == 2 * check["tries"]
        assert (here / picture["file"]).is_file()
        assert parsed(run("reproduce", picture["file"], "--model", large, "--format", "json"))["status"] == "identical"
    last = found["pictures"][-1]
    told = " ".join(run("inspect", last["file"]).stdout.split())
    right = "right" if last["recipe"]["check"]["right"] else "not right"
    assert f"check {right}, {last['recipe']['check']['tries']} picture" in told
    assert all(fault in told for fault in last["recipe"]["check"]["faults"])
    assert f"detector's weights {last['recipe']['check']['detector_sha256']}" in told
    assert found["evaluations"] == sum(picture["evaluations"] for picture in found["pictures"])
    said = run(*few, "--check", "--best-of", 2, "--out", "b").stdout
    assert said.count("2 pictures drawn") == 2


def test_what_is_missing_or_makes_no_sense_is_one_sentence(
    run: Run, here: Path, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mezzotint.load, "INSTRUMENTS", here / "none")
    for args, words in (
        (("--check",), "--check needs a detector, and none is installed"),
        (("--best-of", 3), "--best-of without --check needs an encoder"),
        (("--tries", 3), "give --check too"),
        (("--check", "--tries", 3, "--best-of", 3), "give one of them"),
        (("--check", "--tries", "x"), "whole number"),
        (("--check", "--tries", 0), "tries is 0"),
        (("--best-of", 0), "best-of is 0"),
    ):
        assert words in sentence(run("imagine", "a cat", "--model", large, *args))
    assert not list(here.iterdir())
