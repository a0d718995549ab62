"""The table of drawing styles in docs/drawing.md, from what `benchmarks.usual_style` measured."""

import json
from pathlib import Path

from docs.shares import share

__all__ = ["usual_style_table"]

FOUND = Path(__file__).parent.parent / "benchmarks" / "usual_style.json"
NOTHING = "There are no measurements yet."
GENEVAL = ("single", "two", "counting", "colours", "position", "attribution")


def usual_style_table(path: Path | None = None) -> str:
    """The share of right pictures by task, for each style that was asked for, and the mean of the six tasks."""
    path = path or FOUND
    if not path.is_file():
        return NOTHING
    found = json.loads(path.read_text("utf-8"))
    styles = found["right"]
    names = {"usual": f"not given (`{found['usual']}`)", "none": "`--style none`"}
    head = " | ".join(names.get(style, f"`--style {style}`") for style in styles)
    lines = [f"| right, of the task | {head} |", "|---|" + "---|" * len(styles)]
    for task in next(iter(styles.values())):
        cells = (right[task] for right in styles.values())
        told = " | ".join(share(cell) for cell in cells)
        lines.append(f"| {task} | {told} |")
    means = (sum(right[task]["mean"] for task in GENEVAL) / len(GENEVAL) for right in styles.values())
    lines.append(f"| the first six | {' | '.join(f'{100 * mean:.0f} %' for mean in means)} |")
    note = (
        f"{found['prompts']} prompts of each task of [IconEval](measuring.md#iconeval), one picture each, by the model "
        f"{found['model']} (`{found['weights_sha256'][:8]}`) in 12 steps; intervals of 95 % over prompts."
    )
    return "\n".join([*lines, "", note])
