"""The tables of edits in the guides, from what benchmarks measured."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

__all__ = ["EDIT_TABLES", "panorama_table"]

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
NOTHING = "There are no measurements yet."


def _read(name: str, folder: Path = BENCHMARKS) -> Mapping[str, Any]:
    path = folder / f"{name}.json"
    found: Mapping[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


def references() -> str:
    """What style references and image prompts take over, by their weights."""
    data = _read("references")
    if not data:
        return NOTHING
    head = "| | weight | likeness to the reference | alignment with the prompt | distance of mean colours |"
    rows = [
        f"| {kind} | {weight} | {found['likeness']:.2f} | {found['alignment']:.2f} | {found['colour']:.0f} |"
        for kind, table in data["table"].items()
        for weight, found in table.items()
    ]
    note = f"Means of {data['pictures']} pictures by the model {data['model']}; likeness and alignment are cosines."
    return "\n".join([head, "|---|---|---|---|---|", *rows, "", note])


def keep_layout() -> str:
    """What stays of pictures whose layout is kept, by the share of the steps."""
    data = _read("keep_layout")
    if not data:
        return NOTHING
    head = "| drawn from | share | PSNR | outline | likeness to the source | alignment with the new prompt |"
    rows = [
        f"| {noise} | {share} | {found['psnr_to_source']:.1f} dB | {found['outline']:.2f} | {found['likeness']:.2f} "
        f"| {found['alignment']:.2f} |"
        for noise, table in data["table"].items()
        for share, found in table.items()
    ]
    note = (
        f"Means of {data['pictures']} pictures by the model {data['model']}, {data['steps']} steps. Outline: of what "
        "is opaque in either picture, the share that is in both; likeness and alignment are cosines, and the sources' "
        f"own alignment with the new prompts is {data['source_alignment']:.2f}."
    )
    return "\n".join([head, "|---|---|---|---|---|---|", *rows, "", note])


def fix_gain() -> str:
    """What redrawing the parts at fault gains."""
    data = _read("fix_gain")
    if not data:
        return NOTHING
    shares = {
        "a second detector": data["right by the second detector"],
        "the one that found the parts": data["right by the first detector, which chose"],
    }
    sides = ("before", "parts redrawn", "drawn again")
    rows = [
        f"| {who} | {task} | " + " | ".join(f"{100 * found[side][task]:.0f} %" for side in sides) + " |"
        for who, found in shares.items()
        for task in found["before"]
    ]
    note = (
        f"Right pictures of {data['prompts']} prompts by the model {data['model']}, {data['steps']} steps, at most "
        f"{data['tries']} tries. A part was at fault in {data['pictures with a part at fault']}, and "
        f"{data['pictures that were changed']} were changed for it, with {data['evaluations']} evaluations; drawing "
        f"again took {data['evaluations of drawing again']}. Things: of those that are asked for, what is "
        "seen in its colour."
    )
    head = "| judge | prompts | before | parts redrawn | whole drawn again |"
    return "\n".join([head, "|---|---|---|---|---|", *rows, "", note])


def panorama_table(folder: Path = BENCHMARKS) -> str:
    """What a large picture in windows takes of memory, beside one window."""
    data = _read("panorama", folder)
    if not data:
        return NOTHING
    names = {"window": "one window", "panorama": "in windows"}
    rows = [
        f"| {name}, {'x'.join(map(str, found['size']))} | {found['peak_mb']:.0f} MiB | {found['drawing_mb']:.0f} MiB |"
        for name, found in ((name, data[key]) for key, name in names.items())
    ]
    rows.append(f"| times as much | {data['ratio']:.2f} | {data['drawing_ratio']:.1f} |")
    note = (
        f"Drawn by the model {data['model']} in {data['steps']} guided steps with {data['solver']}, in a fresh process "
        "each; the process is Python, torch and the model with it."
    )
    return "\n".join(["| | peak of the whole process | of it for drawing |", "|---|---|---|", *rows, "", note])


EDIT_TABLES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "references": references,
        "keep-layout": keep_layout,
        "fix-gain": fix_gain,
        "panorama": panorama_table,
    }
)
"""Every block of these by its name."""
