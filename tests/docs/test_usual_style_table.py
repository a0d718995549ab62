"""The table of drawing styles says what was measured, and nothing where nothing was."""

import json
from pathlib import Path

from docs.usual_style_table import GENEVAL, NOTHING, usual_style_table


def test_it_has_a_column_for_each_style_and_the_mean_of_six_tasks(tmp_path: Path) -> None:
    path = tmp_path / "usual_style.json"
    assert usual_style_table(path) == NOTHING

    def shares(first: float) -> dict[str, dict[str, float]]:
        means = {task: first + 0.1 * place for place, task in enumerate((*GENEVAL, "spelling"))}
        return {task: {"mean": mean, "low": mean - 0.05, "high": mean + 0.05} for task, mean in means.items()}

    found = {"model": "mine", "weights_sha256": "ab" * 32, "usual": "flat", "prompts": 20}
    path.write_text(json.dumps({**found, "right": {"usual": shares(0.3), "none": shares(0.1), "noto": shares(0.2)}}))
    lines = usual_style_table(path).splitlines()
    assert lines[0] == "| right, of the task | not given (`flat`) | `--style none` | `--style noto` |"
    assert lines[2] == "| single | 30 % (25 to 35) | 10 % (5 to 15) | 20 % (15 to 25) |"
    assert lines[8] == "| spelling | 90 % (85 to 95) | 70 % (65 to 75) | 80 % (75 to 85) |"
    assert lines[9] == "| the first six | 55 % | 35 % | 45 % |"
    assert "20 prompts of each task" in lines[11]
    assert "mine (`abababab`)" in lines[11]
