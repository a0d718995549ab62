"""The table of ways to ask for two things in docs/data.md, from what `benchmarks.phrasings` measured."""

import json
from pathlib import Path

from docs.shares import share

__all__ = ["phrasings_table"]

FOUND = Path(__file__).parent.parent / "benchmarks" / "phrasings.json"
NOTHING = "There are no measurements yet."


def phrasings_table(path: Path | None = None) -> str:
    """The share of pictures with both things, by how the pair is said, for each model."""
    path = path or FOUND
    if not path.is_file():
        return NOTHING
    found = json.loads(path.read_text("utf-8"))
    models = found["models"]
    head = " | ".join(f"{one['model']} `{one['weights_sha256'][:8]}`" for one in models)
    lines = [f"| *X* and *Y*, said | {head} |", "|---|" + "---|" * len(models)]
    for way in models[0]["right"]:
        cells = (one["right"][way] for one in models)
        told = " | ".join(share(cell) for cell in cells)
        lines.append(f"| {way.format('*X*', '*Y*')} | {told} |")
    note = (
        f"Pictures in which IconEval's detector finds both, of {found['prompts']} pairs, one picture each; intervals "
        "of 95 % over pairs."
    )
    return "\n".join([*lines, "", note])
