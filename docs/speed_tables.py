"""The tables of docs/performance.md, from what `benchmarks.speed` and `benchmarks.precision` measured."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["precision_table", "speed_tables"]

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
NOTHING = "There are no measurements yet."


def _read(name: str, folder: Path) -> Mapping[str, Any]:
    path = folder / f"{name}.json"
    found: Mapping[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


def _machine(found: Mapping[str, Any]) -> str:
    return f"{found['machine']['processor']}, torch {found['machine']['torch']}"


def precision_table(folder: Path = BENCHMARKS) -> str:
    """What each way of computing loses beside float32."""
    found = _read("precision", folder)
    if not found:
        return NOTHING
    rows = [
        f"| {name} | {row['psnr_db']['min']:.0f} dB | {row['psnr_db']['median']:.0f} dB | {row['same']:.0%} |"
        for name, row in found["beside_float32"].items()
    ]
    note = (
        f"{found['pictures']} pictures of the house model, {found['steps']} guided steps, beside float32 with one "
        f"thread; the same is from {found['same_from_db']:g} dB on; {_machine(found)}."
    )
    return "\n".join(["| how | worst picture | median | the same |", "|---|---|---|---|", *rows, "", note])


def speed_tables(folder: Path = BENCHMARKS) -> str:
    """Seconds of a picture by way and by number of threads, and of the command."""
    found = _read("speed", folder)
    if not found:
        return NOTHING
    times = found["times_as_fast_as_diffusers"]
    rows = [f"| {name} | {row['median']:.3f} s | {times[name]:.1f} |" for name, row in found["seconds"].items()]
    lines = ["| how | a picture | times as fast as diffusers |", "|---|---|---|", *rows, ""]
    if found.get("large"):
        files = [f"{name} {row['median']:.3f} s" for name, row in found["large"].items()]
        lines += [f"From a prompt to a PNG of 256 pixels, by the upscaler: {', '.join(files)}.", ""]
    lines += ["| threads | alone | beside a busy process |", "|---|---|---|"]
    alone, beside = found["by_threads"], found["by_threads_beside_a_busy_process"]
    lines += [f"| {n} | {s:.3f} s | {beside['seconds'][n]:.3f} s |" for n, s in alone["seconds"].items()]
    lines += [f"| `--threads auto` takes | {alone['auto']} | {beside['auto']} |", ""]
    fresh = [f"`{name}` {row['median']:.1f} s" for name, row in found["cold"].items()]
    lines += [f"As fresh processes: {', '.join(fresh)}."]
    if found["allocator"]:
        plain, other = (found["allocator"][name] for name in ("plain", "tcmalloc"))
        lines[-1] += f" In float32 with tcmalloc {other:.3f} s, without it {plain:.3f} s."
    note = f"Medians; {found['steps']} guided steps, the model loaded, {found['threads']} threads; {_machine(found)}."
    return "\n".join([*lines, "", note])
