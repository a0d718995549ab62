"""The tables of edits say what was measured, and nothing where nothing was."""

import json
from pathlib import Path

from docs.edit_tables import NOTHING, blends_table, strength_table


def test_the_cost_of_an_edit_is_told_beside_half_of_a_drawing(tmp_path: Path) -> None:
    assert strength_table(tmp_path) == NOTHING
    way = {"drawing": {"seconds": {"min": 2.0}}, "edit": {"seconds": {"min": 1.02}}, "ratio": 1.02}
    facts = {"model": "mine", "turns": 5, "steps": 24, "strength": 0.5, "ways": {"guided": way}}
    (tmp_path / "strength_cost.json").write_text(json.dumps(facts))
    assert strength_table(tmp_path).splitlines()[2] == "| guided | 2.00 s | 1.02 s | 1.020 |"


def test_blends_are_told_by_share_and_by_what_holds(tmp_path: Path) -> None:
    assert blends_table(tmp_path) == NOTHING
    shares = {"between": 0.25, "ordered": 0.5, "comparisons": 0.75, "near": 0.9, "nearest": 0.6, "lens": 0.7}
    means = {"cos_to_a": [0.9, 0.5, 0.3], "cos_to_b": [0.2, 0.5, 0.8], "shares_of_b": [0.25, 0.5, 0.75]}
    facts = {"model": "mine", "pairs": 8, "steps": 4, **shares, **means}
    less = {"strength": 0.7, **shares, "lens": 0.8}
    (tmp_path / "blends.json").write_text(json.dumps({**facts, "with_less_noise": less}))
    lines = blends_table(tmp_path).splitlines()
    assert lines[0] == "| | 0.25 of *b* | 0.5 of *b* | 0.75 of *b* |"
    assert lines[3] == "| likeness to *b* | 0.20 | 0.50 | 0.80 |"
    assert "in all of them for 50% of the pairs" in lines[5]
    assert "throughout for 25% of the pairs. 70% of the blends are nearer to either picture" in lines[5]
    assert lines[5].endswith("At strength 0.7: 75% of the steps, 50% of the pairs, 90%, 60%, 25% and 80%.")
