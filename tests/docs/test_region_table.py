"""The table of regions says what was measured."""

import json
from pathlib import Path

from docs.region_table import NOTHING, ROWS, region_table


def test_what_is_not_measured_is_not_told(tmp_path: Path) -> None:
    assert region_table(tmp_path) == NOTHING


def test_every_share_is_told_with_its_interval(tmp_path: Path) -> None:
    shares = {name: {"mean": k / 10, "low": k / 10 - 0.051, "high": k / 10 + 0.049} for k, name in enumerate(ROWS, 1)}
    found = {
        "model": "m",
        "regions": 99,
        "layouts": 50,
        "shares": {**shares, "placed": None},
        "outlines": {"inside": {"mean": 0.987}},
    }
    (tmp_path / "regions.json").write_text(json.dumps(found))
    lines = region_table(tmp_path).splitlines()
    assert lines[2] == "| something lies in the box | 10 % | 5 to 15 % |"
    assert lines[3] == "| the detector finds the thing, its centre in the box | 20 % | 15 to 25 % |"
    assert lines[5].endswith("in the box | – | – |")
    assert len(lines) == 2 + len(ROWS) + 2
    assert lines[-1].startswith("99 regions of 50 layouts, drawn by the model m at its defaults")
    assert lines[-1].endswith("98.7 % lies in boxes.")
