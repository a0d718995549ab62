"""The table of ways to ask for two things."""

import json
from pathlib import Path

from docs.phrasings_table import NOTHING, phrasings_table


def test_every_way_has_a_share_of_each_model(tmp_path: Path) -> None:
    path = tmp_path / "phrasings.json"
    assert phrasings_table(path) == NOTHING
    share = {"mean": 0.25, "low": 0.1, "high": 0.4}
    models = [
        {"model": name, "weights_sha256": digest * 8, "right": {"{} and {}": share, "{}, {}": {**share, "mean": mean}}}
        for name, digest, mean in (("old", "12345678", 0.5), ("house", "abcdef01", 0.75))
    ]
    path.write_text(json.dumps({"prompts": 40, "models": models}))
    assert phrasings_table(path).splitlines() == [
        "| *X* and *Y*, said | old `12345678` | house `abcdef01` |",
        "|---|---|---|",
        "| *X* and *Y* | 25 % (10 to 40) | 25 % (10 to 40) |",
        "| *X*, *Y* | 50 % (10 to 40) | 75 % (10 to 40) |",
        "",
        "Pictures in which IconEval's detector finds both, of 40 pairs, one picture each; "
        "intervals of 95 % over pairs.",
    ]
