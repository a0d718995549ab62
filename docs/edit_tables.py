"""The tables of edits in the guides, from what benchmarks measured."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

__all__ = ["EDIT_TABLES", "blends_table", "panorama_table", "seams_table", "strength_table"]

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


def seams_table(folder: Path = BENCHMARKS) -> str:
    """What borders are among the other lines of a picture."""
    data = _read("seams", folder)
    if not data:
        return NOTHING
    head = "| | pictures | rank of the borders | times the others' gradient | not clear | a seam |"
    names = {
        "cut": "cut and wrapped",
        "alone": "drawn without `--tile`, wrapped",
        "pieces": "pieces of two",
        "apart": "windows side by side",
    }
    rows = []
    for kind, table in data["table"].items():
        for name, found in table.items():
            mean, low, high = (found["rank"][key] for key in ("mean", "low", "high"))
            rows.append(
                f"| {kind}: {names.get(name, name)} | {found['pictures']} | {mean:.2f} ({low:.2f} to {high:.2f}) "
                f"| {found['ratio']:.2f} | {100 * found['shown']:.0f} % | {'yes' if found['seam'] else 'no'} |"
            )
    note = (
        f"Drawn by the model {data['model']} in {data['steps']} steps. Rank: the share of a picture's other lines with "
        "a smaller gradient, 0.5 where a border is a line as any other; in brackets one-sided bounds of 95 %. A seam "
        "is seen where the lower one is above 0.5."
    )
    return "\n".join([head, "|---|---:|---|---:|---:|---|", *rows, "", note])


def strength_table(folder: Path = BENCHMARKS) -> str:
    """What an edit of half the strength costs beside half of a drawing."""
    data = _read("strength_cost", folder)
    if not data:
        return NOTHING
    head = "| | drawing | edit | edit / half of the drawing |"
    rows = []
    for name, way in data["ways"].items():
        cells = (f"{way[one]['seconds']['min']:.2f} s" for one in ("drawing", "edit"))
        rows.append(f"| {name} | {' | '.join(cells)} | {way['ratio']:.3f} |")
    note = (
        f"The least CPU seconds of {data['turns']} turns, one thread, {data['steps']} steps, the edit at strength "
        f"{data['strength']:g}, by the model {data['model']}."
    )
    return "\n".join([head, "|---|---|---|---|", *rows, "", note])


def blends_table(folder: Path = BENCHMARKS) -> str:
    """Whether blends lie between their pictures."""
    data = _read("blends", folder)
    if not data:
        return NOTHING
    head = "| | " + " | ".join(f"{share:g} of *b*" for share in data["shares_of_b"]) + " |"
    rows = [
        f"| likeness to *{name}* | " + " | ".join(f"{cos:.2f}" for cos in data[f"cos_to_{name}"]) + " |"
        for name in ("a", "b")
    ]
    note = (
        f"Means of {data['pairs']} pairs of held-out icons by the model {data['model']}, {data['steps']} steps, "
        "without a prompt; likeness is a cosine of our encoder's features. With more of *b*, likeness to *a* falls and "
        f"to *b* rises in {data['comparisons']:.0%} of the steps between neighbouring shares, and in all of them for "
        f"{data['ordered']:.0%} of the pairs. {data['near']:.0%} of the blends are more alike to both together than "
        f"unrelated icons are in the mean, {data['nearest']:.0%} than any of these. Both hold throughout for "
        f"{data['between']:.0%} of the pairs. {data['lens']:.0%} of the blends are nearer to either picture than the "
        "two are to each other."
    )
    if less := data.get("with_less_noise"):
        note += (
            f" At strength {less['strength']:g}: {less['comparisons']:.0%} of the steps, {less['ordered']:.0%} of the "
            f"pairs, {less['near']:.0%}, {less['nearest']:.0%}, {less['between']:.0%} and {less['lens']:.0%}."
        )
    return "\n".join([head, "|---|---|---|---|", *rows, "", note])


EDIT_TABLES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "references": references,
        "keep-layout": keep_layout,
        "fix-gain": fix_gain,
        "panorama": panorama_table,
        "seams": seams_table,
        "strength-cost": strength_table,
        "blends": blends_table,
    }
)
"""Every block of these by its name."""
