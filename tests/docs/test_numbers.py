"""Numbers come from the measurements, and from nowhere else."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from docs import numbers
from docs.earlier_weights import MEASURED
from mezzotint.data.icons import SETS

DRAWING = {
    "machine": {"processor": "A processor", "threads": 2, "torch": "2.13"},
    "warm_12_steps": {"float32": {"seconds": {"min": 0.2, "median": 0.314, "max": 0.5}}},
    "cold": {"imagine": {"seconds": {"median": 2.04}}, "imagine_over_import_torch": 2.24, "peak_memory_mb": 733.0},
}
TRAINING = {
    "machine": {"processor": "A processor", "threads": 2, "torch": "2.13"},
    "plain": {"pictures_per_second": {"median": 61.4}, "share_of_peak": 0.628},
}
RECOGNITION = {
    "choices": 20,
    "trained": {"right": 50, "of": 60, "share": 50 / 60},
    "held_out": {"right": 6, "of": 60, "share": 0.1},
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "benchmarks").mkdir()
    monkeypatch.setattr(numbers, "ROOT", tmp_path)
    monkeypatch.setattr(numbers, "HOUSE", tmp_path / "house")
    return tmp_path


def test_without_measurements_there_are_none(root: Path) -> None:
    assert numbers.model_numbers() == "There are no measurements yet."


def test_each_measurement_gives_its_lines(root: Path) -> None:
    for name, data in (("drawing", DRAWING), ("training", TRAINING), ("recognition", RECOGNITION)):
        (root / "benchmarks" / f"{name}.json").write_text(json.dumps(data))
    (root / "benchmarks" / "speed.json").write_text(json.dumps({"large": {"float32": {"median": 0.457}}}))
    (root / "house").mkdir()
    (root / "house" / "model.json").write_text(json.dumps({"network": {"styles": 25}}))
    lines = numbers.model_numbers().splitlines()
    for line in (
        "| parameters of the network | 7.4 million |",
        "| one picture of 64 pixels, 12 steps with guidance, model loaded | 0.31 s |",
        "| the same from the prompt to a PNG of 256 pixels, by the upscaler | 0.46 s |",
        "| the command `mezzotint imagine`, from nothing to a file | 2.0 s, 2.2 times `import torch` alone |",
        "| peak memory of that command | 0.73 GB |",
        "| training on a CPU | 61 pictures a second, 63% of the processor's bf16 peak |",
        "| recognised by a judge, one noun of 20: trained nouns | 83% (50 of 60) |",
        "| recognised by a judge, one noun of 20: nouns held out of training | 10% (6 of 60) |",
    ):
        assert line in lines
    assert not any("tcmalloc" in line for line in lines)
    assert "A processor, 2 threads, torch 2.13" in lines[-1]


def test_a_part_that_is_missing_is_left_out(root: Path) -> None:
    (root / "benchmarks" / "drawing.json").write_text(json.dumps({"machine": DRAWING["machine"], "cold": {}}))
    assert "| one picture" not in numbers.model_numbers()


def test_blocks_are_replaced_and_the_rest_stays() -> None:
    text = "before\n<!-- begin nouns: x -->\nold\n<!-- end nouns -->\nafter <!-- begin none -->\n"
    new = numbers.filled(text)
    assert new.startswith("before\n<!-- begin nouns: x -->\n- Held out: anchor, banana")
    assert new.endswith("\n<!-- end nouns -->\nafter <!-- begin none -->\n")
    assert "old" not in new
    assert numbers.filled(new) == new


def test_the_table_of_sets_names_every_set_and_its_licence() -> None:
    rows = numbers.data_sets().splitlines()[2:]
    assert len(rows) == len(SETS)
    summary = json.loads(numbers.SUMMARY.read_text())
    assert sum(int(row.split("|")[-2].replace(",", "")) for row in rows) == summary["pictures"]
    for icons, row in zip(SETS, rows, strict=True):
        assert f"| {icons.author} | {icons.licence} |" in row


def test_the_command_says_what_is_out_of_date(root: Path) -> None:
    (root / "docs").mkdir()
    readme = root / "README.md"
    readme.write_text("<!-- begin numbers: x -->\nold\n<!-- end numbers -->\n")
    stale = CliRunner().invoke(numbers.main, ["--check"])
    assert stale.exit_code == 1
    assert "README.md" in stale.output
    assert "old" in readme.read_text()
    assert CliRunner().invoke(numbers.main, []).exit_code == 0
    assert "There are no measurements yet." in readme.read_text()
    assert CliRunner().invoke(numbers.main, ["--check"]).exit_code == 0


def test_what_was_measured_with_earlier_weights_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "house").mkdir()
    (root / "house" / "model.json").write_text(json.dumps({"files": {"network.safetensors": "aa11"}}))
    recognised = {**RECOGNITION, "weights_sha256": "aa11"}
    (root / "benchmarks" / "recognition.json").write_text(json.dumps(recognised))
    assert "| recognised by a judge" in numbers.model_numbers()
    recognised["weights_sha256"] = "bb22bb22bb22"
    (root / "benchmarks" / "recognition.json").write_text(json.dumps(recognised))
    assert "recognised" not in numbers.model_numbers()

    (root / "benchmarks" / "drawing.json").write_text(json.dumps({**DRAWING, "weights_sha256": "bb22"}))
    assert "| one picture" not in numbers.model_numbers()
    (root / "benchmarks" / "drawing.json").write_text(json.dumps({**DRAWING, "weights_sha256": "aa11"}))
    assert "| one picture" in numbers.model_numbers()
    for weights, told in (("aa11", True), ("bb22", False)):
        speed = {"large": {"float32": {"median": 0.457}}, "weights_sha256": weights}
        (root / "benchmarks" / "speed.json").write_text(json.dumps(speed))
        assert ("| the same from the prompt to a PNG" in numbers.model_numbers()) == told

    monkeypatch.setattr(numbers, "BLOCKS", {"chaos": lambda: "a table", "nouns": lambda: "nouns"})
    chaos = {"table": {}, "model": {"weights_sha256": "aa11"}}
    (root / "benchmarks" / "chaos.json").write_text(json.dumps(chaos))
    assert numbers.block("chaos") == "a table"
    chaos["model"]["weights_sha256"] = "bb22bb22bb22"
    (root / "benchmarks" / "chaos.json").write_text(json.dumps(chaos))
    said = numbers.block("chaos")
    assert said == "a table\n\nMeasured with earlier weights than those of now (`bb22bb22`)."
    assert numbers.block("nouns") == "nouns"
    (root / "quick").mkdir()  # a student is drawn with as well
    (root / "quick" / "model.json").write_text(json.dumps({"files": {"network.safetensors": "bb22bb22bb22"}}))
    assert numbers.block("chaos") == "a table"


def test_what_an_earlier_detector_judged_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "house").mkdir()
    (root / "instruments" / "detector").mkdir(parents=True)
    (root / "instruments" / "detector" / "model.json").write_text(
        json.dumps({"files": {"network.safetensors": "aa11"}})
    )
    monkeypatch.setattr(numbers, "BLOCKS", {"regions": lambda: "a table"})
    said = "a table\n\nJudged by an earlier detector than the one of now (`bb22`)."
    for measured, expected in (
        ({"detector_sha256": "aa11"}, "a table"),
        ({"detector_sha256": "bb22"}, said),
        ({"instruments": {"detector": "bb22", "encoder": "cc33"}}, said),
        ({"detectors": {"first": "aa11", "second": "dd44"}}, "a table"),
        ({"detectors": {"the shipped detector": "bb22"}}, said),
        ({}, "a table"),
    ):
        (root / "benchmarks" / "regions.json").write_text(json.dumps(measured))
        assert numbers.block("regions") == expected


def test_every_block_that_is_marked_as_measured_exists() -> None:
    assert set(MEASURED) <= set(numbers.BLOCKS)
    assert all((numbers.ROOT / "benchmarks" / f"{name}.json").is_file() for name in MEASURED.values())
