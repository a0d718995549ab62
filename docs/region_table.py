"""The table of regions in docs/editing.md, from what `benchmarks.regions` measured."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["region_table"]

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
NOTHING = "There are no measurements yet."
ROWS = {
    "something": "something lies in the box",
    "right": "the detector finds the thing, its centre in the box",
    "anywhere": "it finds the thing, wherever in the picture",
    "placed": "of the things that it finds, those with their centre in the box",
    "pasted": "without regions: each prompt drawn alone, shrunk and laid into the box",
    "alone": "without regions: each prompt drawn alone, at the full size",
    "layouts": "pictures in which all regions are right",
}


def region_table(folder: Path = BENCHMARKS) -> str:
    """How often things are found in their boxes, and what the detector finds of the same prompts without regions."""
    path = folder / "regions.json"
    if not path.is_file():
        return NOTHING
    found: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    rows = [f"| {label} | {_shares(found['shares'][name])} |" for name, label in ROWS.items()]
    inside = found["outlines"]["inside"]["mean"]
    note = (
        f"{found['regions']} regions of {found['layouts']} layouts, drawn by the model {found['model']} at its "
        f"defaults; intervals of 95 % over layouts. Of all that is opaque, {100 * inside:.1f} % lies in boxes."
    )
    return "\n".join(["| of the regions | share | interval |", "|---|---:|---:|", *rows, "", note])


def _shares(one: Mapping[str, float] | None) -> str:
    """A share and its interval; of too few layouts there is none."""
    return (
        "– | –" if one is None else f"{100 * one['mean']:.0f} % | {100 * one['low']:.0f} to {100 * one['high']:.0f} %"
    )
