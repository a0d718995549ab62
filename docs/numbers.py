"""Fill in the numbers of README and guides from measurements, so that none is typed by hand.

    python -m docs.numbers                   rewrite the marked blocks
    python -m docs.numbers --check           only say whether they are up to date (exit code 1 if not)
    python -m docs.numbers --data DIR        take over the summary of a data set that was built there, then rewrite

Sources: benchmarks/*.json, the house model's model.json and eval.json, docs/*.json. What does not exist yet
is left out.
A block stands between `<!-- begin NAME: ... -->` and `<!-- end NAME -->`.
"""

import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
import torch

from docs.combination_tables import combination_tables
from docs.earlier_weights import MEASURED, by_detector, remark
from docs.edit_tables import EDIT_TABLES
from docs.few_steps_table import few_steps_table
from docs.gallery_rows import gallery
from docs.gan_table import gan_tables
from docs.layout_table import layout_table
from docs.phrasings_table import phrasings_table
from docs.region_table import region_table
from docs.solver_tables import solver_benchmark
from docs.speed_tables import precision_table, speed_tables
from docs.study_table import study_table
from docs.usual_style_table import usual_style_table
from mezzotint.data.icons import HELD_OUT, SETS, TRAINED
from mezzotint.families.pixel_dit import PixelDiT, PixelDiTConfig
from mezzotint.load import HOUSE

__all__ = ["BLOCKS", "filled", "main"]

ROOT = Path(__file__).parent.parent
SUMMARY = Path(__file__).parent / "icons-summary.json"
Source = Mapping[str, Any]


def read(path: Path) -> Source:
    """A JSON file, or nothing if it is not there."""
    content: Source = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return content


def dig(data: Any, *keys: str) -> Any:
    """`data[a][b]...`, or None if a key on the way is missing."""
    for key in keys:
        if not isinstance(data, Mapping) or key not in data:
            return None
        data = data[key]
    return data


def row(what: str, value: Any, text: Callable[[Any], str]) -> list[str]:
    """A line of a table, or none if there is no value."""
    return [] if value is None else [f"| {what} | {text(value)} |"]


def where(data: Source) -> str:
    """The machine that a benchmark ran on."""
    processor, threads, torch = (dig(data, "machine", key) for key in ("processor", "threads", "torch"))
    return f"{processor}, {threads} threads, torch {torch}"


def model_numbers() -> str:
    """The house model, what it costs, and how well it is understood."""
    model = read(HOUSE / "model.json")
    training, drawing, speed, recognition = (
        read(ROOT / "benchmarks" / f"{name}.json") for name in ("training", "drawing", "speed", "recognition")
    )
    # a number in this table is of the weights that it stands beside, or is left out
    of_them = ({} if remark(data, _shipped()) else data for data in (drawing, speed, recognition))
    drawing, speed, recognition = of_them
    rows = [*_model(model), *_drawing(drawing, speed), *_training(training), *_recognition(recognition)]
    judged = read(HOUSE / "eval.json")
    rows += (scores := _iconeval(judged, model))
    if not rows:
        return "There are no measurements yet."
    machines = {f"{name}: {where(data)}" for name, data in (("drawing", drawing), ("training", training)) if data}
    notes = [f"Measured on: {'; '.join(sorted(machines))}. Medians."] if machines else []
    notes += [f"IconEval: {said[0].lower()}{said[1:]}"] if scores and (said := by_detector(judged, _detector())) else []
    note = [" ".join(notes)] if notes else []
    return "\n".join(["| | |", "|---|---|", *rows, *([""] if note else []), *note])


def _model(model: Source) -> list[str]:
    names = ("network.safetensors", "text/encoder.safetensors")
    sizes = [path.stat().st_size for path in (HOUSE / name for name in names) if path.is_file()]
    views, updates = dig(model, "training", "pictures"), dig(model, "training", "step")
    before = sum(part["pictures"] for part in dig(model, "training", "earlier") or ())
    batch, planned = dig(model, "training", "run", "batch"), dig(model, "training", "run", "steps")
    seen = f"{updates:,} of {planned:,} planned updates of {batch}" if views else ""
    seen += f", after a warm start from weights of {before:,} views" if before else ""
    parts = dig(model, "training", "merged_from") or ()
    seen += f"; a sum of {len(parts)} models' weights" if parts else ""
    return [
        *row(
            "parameters of the network", dig(model, "network"), lambda sizes: f"{parameters(sizes) / 1e6:.1f} million"
        ),
        *row("picture views in training", views, lambda n: f"{n + before:,} ({seen})"),
        *row("weights with the text encoder", sum(sizes) if len(sizes) == 2 else None, lambda n: f"{n / 1e6:.1f} MB"),
    ]


def parameters(sizes: Source) -> int:
    """How many parameters a network of these sizes has."""
    with torch.device("meta"):
        network = PixelDiT(PixelDiTConfig(**sizes))
    return sum(parameter.numel() for parameter in network.parameters())


def _drawing(drawing: Source, speed: Source) -> list[str]:
    cold = dig(drawing, "cold", "imagine", "seconds", "median")
    ratio = dig(drawing, "cold", "imagine_over_import_torch")
    return [
        *row(
            "one picture of 64 pixels, 12 steps with guidance, model loaded",
            dig(drawing, "warm_12_steps", "float32", "seconds", "median"),
            lambda s: f"{s:.2f} s",
        ),
        *row(
            "the same from the prompt to a PNG of 256 pixels, by the upscaler",
            dig(speed, "large", "float32", "median"),
            lambda s: f"{s:.2f} s",
        ),
        *row(
            "the command `mezzotint imagine`, from nothing to a file",
            cold,
            lambda s: f"{s:.1f} s" + ("" if ratio is None else f", {ratio:.1f} times `import torch` alone"),
        ),
        *row("peak memory of that command", dig(drawing, "cold", "peak_memory_mb"), lambda mb: f"{mb / 1000:.2f} GB"),
    ]


def _training(training: Source) -> list[str]:
    return [
        line
        for name, label in (("plain", "training on a CPU"), ("tcmalloc", "the same with tcmalloc"))
        for line in row(label, dig(training, name), _speed)
    ]


def _speed(part: Source) -> str:
    speed = f"{part['pictures_per_second']['median']:.0f} pictures a second"
    share = dig(part, "share_of_peak")
    return speed if share is None else f"{speed}, {share:.0%} of the processor's bf16 peak"


def _recognition(recognition: Source) -> list[str]:
    choices = dig(recognition, "choices")
    return [
        line
        for name, label in (("trained", "trained nouns"), ("held_out", "nouns held out of training"))
        for line in row(
            f"recognised by a judge, one noun of {choices}: {label}",
            dig(recognition, name),
            lambda part: f"{part['share']:.0%} ({part['right']} of {part['of']})",
        )
    ]


def _iconeval(found: Source, model: Source) -> list[str]:
    """The scores of the model's own evaluation, if it is of these weights."""
    if dig(found, "weights_sha256") != dig(model, "files", "network.safetensors") or not found:
        return []
    rows = []
    for task, one in found["iconeval"].items():
        label = "mean of the six tasks from single to attribution" if task == "overall" else task
        sure = one.get("measurable", True)
        trust = "" if sure else f"; not measurable, since the detector's ceiling is {one['ceiling']:.2f}"
        rows.append(f"| IconEval, {label} | {one['score']:.2f} ({one['low']:.2f} to {one['high']:.2f}{trust}) |")
    return rows


def data_counts() -> str:
    """How many pictures and concepts the icon set has."""
    data = read(SUMMARY)
    licences = ", ".join(f"{name} {count:,}" for name, count in data["licences"].items())
    return "\n".join(
        [
            "| | pictures | concepts |",
            "|---|---:|---:|",
            f"| training | {data['splits']['train']:,} | {data['concepts']['train']:,} |",
            f"| held out | {data['splits']['heldout']:,} | {data['concepts']['heldout']:,} |",
            f"| together | {data['pictures']:,} | {sum(data['concepts'].values()):,} |",
            "",
            f"By licence: {licences}. Digest of the content: `{data['digest'][:16]}`; "
            f"builder version {data['builder_version']}.",
        ]
    )


def data_sets() -> str:
    """Every set of the table: where it comes from and what is used of it."""
    counts = read(SUMMARY)["sets"]
    lines = [
        f"| `{icons.style}` | [{icons.package}]({icons.url}) {icons.version} | {icons.author} | {icons.licence} "
        f"| {counts.get(icons.name, 0):,} |"
        for icons in SETS
    ]
    return "\n".join(["| style | package | author | licence | pictures |", "|---|---|---|---|---:|", *lines])


def nouns() -> str:
    """The nouns of the recognition test."""
    return f"- Held out: {', '.join(sorted(HELD_OUT))}.\n- Trained: {', '.join(sorted(TRAINED))}."


def caption_gain() -> str:
    """By how much a caption lowers the loss, by noise level."""
    data = read(ROOT / "benchmarks" / "caption_gain.json")
    if not data:
        return "There are no measurements yet."
    levels = list(data["train"]["none"])
    rows = ["| | " + " | ".join(f"t = {level}" for level in levels) + " |", "|---|" + "---:|" * len(levels)]
    for split, label in (("train", "trained pictures"), ("heldout", "held-out pictures")):
        for other, what in (("none", "none"), ("another", "another picture's")):
            gains = (1 - data[split]["caption"][level] / data[split][other][level] for level in levels)
            rows.append(f"| {label}, instead of {what} | " + " | ".join(f"{gain:.0%}" for gain in gains) + " |")
    return "\n".join(rows)


def chaos() -> str:
    """How far pictures of one prompt lie apart, by chaos."""
    data = read(ROOT / "benchmarks" / "chaos.json")
    if not data:
        return "There are no measurements yet."
    rows = [f"| {name} | {found['variety']:.2f} | {found['alignment']:.2f} |" for name, found in data["table"].items()]
    note = f"{data['prompts']} prompts with {data['seeds']} seeds each, drawn by the model {data['model']}."
    return "\n".join(["| | variety | alignment with the prompt |", "|---|---|---|", *rows, "", note])


def svg() -> str:
    """How near SVGs are to their pictures, and how large they are."""
    data = read(ROOT / "benchmarks" / "svg.json")
    if not data:
        return "There are no measurements yet."
    names = {"house": "drawn by the house model", "icons": "held-out icons"}
    rows = []
    for name, found in ((names[key], data[key]) for key in names):
        psnr, size, colours = found["psnr"], found["bytes"], found["colours"]
        rows.append(
            f"| {found['pictures']} {name} | {psnr['median']:.1f} dB, at least {psnr['min']:.1f} | "
            f"{size['median'] / 1000:.1f} kB, at most {size['max'] / 1000:.1f} | "
            f"{colours['median']:g}, at most {colours['max']} | {found['warned']} |"
        )
    note = "Each of 64x64 pixels. The first number is the median."
    return "\n".join(["| pictures | PSNR | size | colours | warned of |", "|---|---|---|---|---|", *rows, "", note])


BLOCKS: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "numbers": model_numbers,
        "data-counts": data_counts,
        "data-sets": data_sets,
        "nouns": nouns,
        "caption-gain": caption_gain,
        "chaos": chaos,
        **EDIT_TABLES,
        "regions": region_table,
        "layout": layout_table,
        "phrasings": phrasings_table,
        "usual-style": usual_style_table,
        "solver-benchmark": solver_benchmark,
        "combinations": combination_tables,
        "gallery": gallery,
        "diffusion-vs-gan": gan_tables,
        "study": study_table,
        "few-steps": few_steps_table,
        "precision": precision_table,
        "speed": speed_tables,
        "svg": svg,
    }
)
"""Every block by name."""
BLOCK = re.compile(r"(?s)(<!-- begin ([a-z-]+):[^\n]*-->\n).*?(<!-- end \2 -->)")


def block(name: str) -> str:
    """What stands in a block, with a remark if it was measured with earlier weights."""
    text = BLOCKS[name]()
    if name in MEASURED:
        data = read(ROOT / "benchmarks" / f"{MEASURED[name]}.json")
        said = " ".join(filter(None, (remark(data, _shipped()), by_detector(data, _detector()))))
        text += f"\n\n{said}" if said else ""
    return text


def _shipped() -> set[str]:
    """The digests of the weights that are drawn with now: the house model's and its student's."""
    models = (HOUSE / "model.json", HOUSE.parent / "quick" / "model.json")
    return {digest for path in models if (digest := dig(read(path), "files", "network.safetensors"))}


def _detector() -> str | None:
    """The digest of the detector's weights that is shipped now."""
    return dig(read(HOUSE.parent / "instruments" / "detector" / "model.json"), "files", "network.safetensors")


def filled(text: str) -> str:
    """A document with its blocks written anew."""
    return BLOCK.sub(lambda match: f"{match[1]}{block(match[2])}\n{match[3]}", text)


def documents() -> list[Path]:
    """The files that may hold blocks."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 if a block is out of date.")
@click.option("--data", type=click.Path(path_type=Path, exists=True), help="A built data set whose summary is taken.")
def main(check: bool, data: Path | None) -> None:
    """Rewrite the marked blocks of README and guides."""
    if data is not None and not check:
        shutil.copyfile(data / "summary.json", SUMMARY)
    stale = []
    for path in documents():
        text = path.read_text("utf-8")
        if (new := filled(text)) != text:
            stale.append(path.name)
            if not check:
                path.write_text(new, "utf-8", newline="\n")
    click.echo(f"{'out of date' if check else 'rewritten'}: {', '.join(stale) or 'nothing'}")
    sys.exit(1 if check and stale else 0)


if __name__ == "__main__":
    main()
