"""The table of the study says what was measured, and before that, nothing."""

import json
import re
from pathlib import Path

from docs.study_table import NOTHING, study_table


def test_before_the_study_there_are_no_numbers(tmp_path: Path) -> None:
    assert study_table(tmp_path) == NOTHING
    assert not re.search(r"\d", NOTHING)


def test_every_variant_has_its_losses(tmp_path: Path) -> None:
    row = {"parameters": 8_600_000, "updates": 500, "pictures": 64_000, "on": "a GPU"}
    losses = {"mean": 0.2, "0.1": 0.3, "0.5": 0.1234, "0.9": 0.4, "scenes": 0.05}
    plain = {key: value for key, value in losses.items() if key != "scenes"}
    rows = {
        "as it is": {**row, "held-out loss": losses},
        "no scenes": {**row, "parameters": 7.44e6, "held-out loss": plain},
    }
    (tmp_path / "study.json").write_text(json.dumps({"variants": rows}))
    lines = study_table(tmp_path).splitlines()
    assert lines[0] == "| changed | parameters | mean | t = 0.1 | t = 0.5 | t = 0.9 | scenes |"
    assert lines[2] == "| as it is | 8.6 M | 0.2000 | 0.3000 | 0.1234 | 0.4000 | 0.0500 |"
    assert lines[3] == "| no scenes | 7.4 M | 0.2000 | 0.3000 | 0.1234 | 0.4000 |  |"
    assert lines[-1] == "500 updates, 64,000 views; trained on: a GPU."
