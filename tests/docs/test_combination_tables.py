"""The tables of what goes together name all there is, and say what was drawn."""

import json
from pathlib import Path

import pytest

from docs.combination_tables import FOUND, combination_tables
from docs.combinations import EDITS, GUIDING, SOLVING, Pairs, Sample, outcomes
from mezzotint.diffusion.guidance import GUIDANCES
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.tasks import TASKS


def test_the_tables_have_every_edit_solver_and_method() -> None:
    found = json.loads(FOUND.read_text("utf-8"))
    again = "run python -m docs.combinations"
    assert {sample.task for sample in EDITS} - {""} == {*TASKS}, "an edit has no sample in docs/combinations.py"
    assert found["tasks"] == list(TASKS), again
    assert found["kinds"]["edits"] == [sample.name for sample in EDITS], again
    assert found["kinds"]["solvers"] == list(found["alike"]), again
    assert sorted(name for names in found["alike"].values() for name in names) == list(SOLVERS), again
    assert found["kinds"]["guidances"] == list(GUIDANCES), again


def test_a_table_says_what_goes_together_and_why_not(tmp_path: Path) -> None:
    tables = {
        "edits": {"a + c": "no | way."},
        "solvers": {"heun + b": "never."},
        "guidances": {},
        "guidances and solvers": {"apg + heun": "never."},
        "fast batching": {},
    }
    kinds = {"edits": ["a", "b", "c"], "solvers": ["ddim", "heun", "er-sde-1"], "guidances": ["cfg", "apg"]}
    alike = {"ddim": ["ddim"], "heun": ["heun", "dpm-2"], "er-sde-1": ["er-sde-1"]}
    path = tmp_path / "found.json"
    path.write_text(json.dumps({"tasks": [], "alike": alike, "kinds": kinds, "tables": tables}))
    lines = combination_tables(path).splitlines()
    for line in (
        "| 2 b | ✓ |  |",
        "| 3 c | a | ✓ |",
        "| `ddim`, `er-sde-1` | ✓ | ✓ | ✓ |",
        "| `heun`, `dpm-2` | ✓ | b | ✓ |",
        "| `cfg`, `apg` | ✓ | ✓ | ✓ |",
        "All pairs but these: apg + heun (**b**).",
        "All edits, solvers and methods go together.",
        "- **a**: no | way.",
        "- **b**: never.",
    ):
        assert line in lines


def test_a_pair_is_drawn_refused_or_idle(tmp_path: Path) -> None:
    pairs, by_name = Pairs(tmp_path), {sample.name: sample for sample in (*EDITS, *SOLVING, *GUIDING)}
    picture, none = by_name["picture"], Sample("none", "vary", {"vary": 0.0})
    assert pairs.outcome(picture, by_name["variation"]) == ""
    assert pairs.outcome(by_name["ddim"], by_name["region"]) == ""
    assert pairs.outcome(by_name["apg"], by_name["dpm-2"]) == ""
    assert pairs.outcome(picture, none) == "beside picture, none changes nothing"
    assert pairs.outcome(none, by_name["apg"]) == "beside apg, none changes nothing"
    assert "crop_to_mask draws a part by itself" in pairs.outcome(by_name["tile"], by_name["crop to mask"])
    unread = Sample("unread", "", {"strength": 0.0, "image": picture.options["image"]})
    assert "nothing is drawn at strength 0" in pairs.outcome(by_name["region"], unread)
    assert pairs.shared(by_name["apg"]) == ""


@pytest.mark.slow
def test_the_tables_say_what_is_drawn(tmp_path: Path) -> None:
    assert outcomes(Pairs(tmp_path)) == json.loads(FOUND.read_text("utf-8")), "run python -m docs.combinations"
