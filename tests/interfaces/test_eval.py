"""`mezzotint eval`: numbers, a page, what is left out, and that two runs agree."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import mezzotint.load
from mezzotint.evaluation import reader
from mezzotint.evaluation.reader import Line, Reader
from tests.detectors import packed_detector, trained_detector
from tests.interfaces.conftest import Run, parsed, sentence
from tests.support import SMALL, model_folder


@pytest.fixture(autouse=True)
def _nothing_is_shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """These tests bring instruments of their own, or none."""
    monkeypatch.setattr(mezzotint.load, "INSTRUMENTS", tmp_path / "no-instruments")


@pytest.fixture(scope="module")
def eye(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("eye")
    return packed_detector(trained_detector(root), root / "packed")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two models that draw as many pixels as the detector looks at."""
    root = tmp_path_factory.mktemp("large")
    config = replace(SMALL, size=64, patch=16)
    return model_folder(root / "one", config), model_folder(root / "two", config, seed=1)


def test_a_model_is_measured_and_two_runs_agree(run: Run, here: Path, eye: Path, large: tuple[Path, Path]) -> None:
    few = ("--prompts", 2, "--seeds", 2, "--steps", 1, "--detector", eye, "--reader", "none")
    found = parsed(run("eval", large[0], *few, "--out", "a", "--format", "json"))
    assert found.pop("files") == ["a/eval.json", "a/eval.html"]
    assert json.loads((here / "a/eval.json").read_text()) == found
    assert found["settings"] | {"steps": 1, "seeds": 2, "prompts_a_task": 2} == found["settings"]
    assert [what.split(":")[0] for what in found["left_out"]] == [
        "the detector's ceiling and floor, and the baseline that pastes",
        "the baseline that retrieves",
        "spelling by a second reader",
        "distances, coverage, alignment and repetition",
        "the held-out loss",
    ]
    icons = found["iconeval"]
    six = ("single", "two", "counting", "colours", "position", "attribution")
    assert set(icons) == {"overall", *six, "spelling", "hands"}
    assert icons["single"]["pictures"] == 4
    assert icons["overall"]["score"] == pytest.approx(sum(icons[task]["score"] for task in six) / 6)
    page = (here / "a/eval.html").read_text()
    assert page.count("<figure") == 8 * 2 * 2
    assert page.count("<img") == page.count("data:image/png")
    assert "Not measured: the detector" in page
    again = parsed(run("eval", large[0], *few, "--out", "b", "--format", "json"))
    assert {**again, "files": None} == {**found, "files": None}
    assert (here / "b/eval.html").read_text() == page


@pytest.mark.parametrize("asked", [(), ("--reader", "rapidocr")])
def test_words_are_read_a_second_time_where_the_reader_is_installed(
    run: Run, here: Path, eye: Path, large: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...]
) -> None:
    monkeypatch.setattr(reader, "installed", lambda: True)
    monkeypatch.setattr(reader, "load_reader", lambda: Reader("fake", "7", lambda image: [Line("NO", (0, 0, 9, 9))]))
    few = ("--prompts", 2, "--seeds", 1, "--steps", 1, "--detector", eye, *asked)
    said = run("eval", large[0], *few).stdout
    assert "\n  fake       0.000  (0.000 to 0.000)\n" in said
    found = json.loads((here / "eval/eval.json").read_text())["iconeval"]["spelling"]["reader"]
    assert (found["name"], found["version"], found["score"], found["ceiling"]) == ("fake", "7", 0.0, None)
    assert found["character_error_rate"] > 0
    assert "second reader" not in said


def test_models_are_compared_over_the_same_prompts(run: Run, here: Path, eye: Path, large: tuple[Path, Path]) -> None:
    said = run(
        "eval", large[0], "--against", large[1], "--prompts", 2, "--seeds", 1, "--steps", 1, "--detector", eye
    ).stdout  # fmt: skip
    assert f"over {large[1]}" in said
    facts = json.loads((here / "eval/eval.json").read_text())
    for task, gain in facts["gain"].items():
        scores = facts["iconeval"][task]["score"], facts["against"]["iconeval"][task]["score"]
        assert gain["mean"] == pytest.approx(scores[0] - scores[1]), task
    assert facts["weights_sha256"] != facts["against"]["weights_sha256"]
    assert "Better than" in (here / "eval/eval.html").read_text()


def test_what_cannot_be_measured_is_one_sentence(
    run: Run, here: Path, eye: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "find_spec", lambda name: None)
    for args, words in (
        ((model,), "there is no detector and no icon set"),
        ((model, "--detector", eye), "draws 32x32 pixels and the detector looks at 64x64"),
        ((model, "--detector", eye, "--seeds", 0), "seeds is 0"),
        ((model, "--detector", eye, "--prompts", 1), "at least 2 of each task"),
        ((model, "--detector", eye, "--reader", "rapidocr"), "pip install 'mezzotint[ocr]'"),
        ((model, "--detector", eye, "--solver", "eulr"), "did you mean euler"),
        ((model, "--detector", "nowhere"), "nowhere"),
        (("hous",), "did you mean house"),
    ):
        assert words in sentence(run("eval", *args))
    assert not (here / "eval" / "eval.json").exists()
