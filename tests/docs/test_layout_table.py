"""The table of layouts says what was measured."""

import json
from pathlib import Path

from docs.layout_table import NOTHING, layout_table


def test_shares_are_told_by_judge_and_way(tmp_path: Path) -> None:
    assert layout_table(tmp_path) == NOTHING
    one = {"mean": 0.25, "low": 0.118, "high": 0.382}
    found = {
        "model": "m",
        "prompts of each task": 25,
        "evaluations of a picture": {"as one prompt": 48.0, "laid out": 130.4},
        "right": {
            "a judge": {
                "as one prompt": {"two": {**one, "mean": 0.0}, "counting": one},
                "laid out": {"two": one, "counting": one},
            }
        },
        "overall": {"as one prompt": 0.109, "laid out": 0.262},
    }
    path = tmp_path / "layout.json"
    path.write_text(json.dumps(found))
    lines = layout_table(tmp_path).splitlines()
    assert lines[0] == "| judge | drawn | two | counting |"
    assert lines[1] == "|---|---|---|---|"
    assert lines[2] == "| a judge | as one prompt | 0 % (12 to 38) | 25 % (12 to 38) |"
    assert lines[3] == "| a judge | laid out | 25 % (12 to 38) | 25 % (12 to 38) |"
    assert "48 evaluations as one prompt, 130 evaluations laid out." in lines[-1]
    assert lines[-1].endswith("as they are: 0.11 as one prompt, 0.26 laid out.")
    path.write_text(json.dumps({**found, "overall": {"as one prompt": None, "laid out": None}}))
    assert "IconEval" not in layout_table(tmp_path)
