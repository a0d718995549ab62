"""The table of students says what was measured, and before that, nothing."""

import json
import re
from pathlib import Path
from typing import Any

from docs.few_steps_table import NOTHING, few_steps_table


def test_before_a_student_is_measured_there_are_no_numbers(tmp_path: Path) -> None:
    assert few_steps_table(tmp_path) == NOTHING
    assert not re.search(r"\d", NOTHING)


def test_every_way_has_a_column(tmp_path: Path) -> None:
    def way(evaluations: int, score: float) -> dict[str, Any]:
        plain = dict.fromkeys(("frechet", "precision", "recall", "coverage", "alignment", "distance"), 0.5)
        icons = {"overall": {"score": score, "low": score - 0.1, "high": score + 0.1}}
        times = {"seconds": {"median": 0.1234}, "file_seconds": None}
        return {**plain, **times, "evaluations": evaluations, "iconeval": icons}

    machine = {"processor": "a processor", "threads": 2, "torch": "2.13"}
    found = {"machine": machine, "prompts": 100, "seeds": 2, "pictures": 1000}
    found |= {"ways": {"house": way(24, 0.3), "quick, 4": way(4, 0.2)}}
    (tmp_path / "few_steps.json").write_text(json.dumps(found))
    lines = few_steps_table(tmp_path).splitlines()
    assert lines[0] == "| | house | quick, 4 |"
    assert lines[2] == "| evaluations | 24 | 4 |"
    assert lines[3] == "| seconds for a picture of 64 pixels | 0.123 | 0.123 |"
    assert lines[4].startswith("| Fréchet distance"), "what was not measured is left out"
    assert lines[-3] == "| IconEval, overall, ↑ | 0.300 (0.200 to 0.400) | 0.200 (0.100 to 0.300) |"
    assert lines[-1].startswith("100 prompts of each task and 2 pictures of each, 1,000 pictures for held-out captions")
