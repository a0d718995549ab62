"""The tables of performance.md say what was measured."""

import json
from pathlib import Path

from docs.speed_tables import NOTHING, precision_table, speed_tables

MACHINE = {"processor": "P (AVX2)", "torch": "2"}


def median(seconds: float) -> dict[str, float]:
    return {"min": 0.0, "median": seconds, "max": 9.0}


def test_what_is_not_measured_is_not_told(tmp_path: Path) -> None:
    assert precision_table(tmp_path) == speed_tables(tmp_path) == NOTHING


def test_precision_is_told_by_its_worst_picture(tmp_path: Path) -> None:
    row = {"psnr_db": {"min": 23.4, "median": 37.8, "max": 50.0}, "identical": 0, "same": 0.208}
    found = {"machine": MACHINE, "pictures": 24, "steps": 12, "same_from_db": 40.0, "beside_float32": {"int8": row}}
    (tmp_path / "precision.json").write_text(json.dumps(found))
    lines = precision_table(tmp_path).splitlines()
    assert lines[2] == "| int8 | 23 dB | 38 dB | 21% |"
    assert lines[-1].startswith("24 pictures of the house model, 12 guided steps")


def test_seconds_are_told_by_way_and_by_threads(tmp_path: Path) -> None:
    found = {
        "machine": MACHINE,
        "threads": 2,
        "steps": 12,
        "seconds": {"float32": median(0.5), "compiled": median(0.25)},
        "times_as_fast_as_diffusers": {"float32": 2.0, "compiled": 4.0},
        "large": {"float32": median(0.55)},
        "by_threads": {"seconds": {"1": 0.8, "2": 0.5}, "auto": 2},
        "by_threads_beside_a_busy_process": {"seconds": {"1": 0.9, "2": 7.0}, "auto": 1},
        "allocator": {"plain": 0.5, "tcmalloc": 0.4},
        "cold": {"import torch": median(1.5), "imagine": median(3.04)},
    }
    path = tmp_path / "speed.json"
    path.write_text(json.dumps(found))
    lines = speed_tables(tmp_path).splitlines()
    for line in (
        "| compiled | 0.250 s | 4.0 |",
        "From a prompt to a PNG of 256 pixels, by the upscaler: float32 0.550 s.",
        "| 2 | 0.500 s | 7.000 s |",
        "| `--threads auto` takes | 2 | 1 |",
        "As fresh processes: `import torch` 1.5 s, `imagine` 3.0 s. "
        "In float32 with tcmalloc 0.400 s, without it 0.500 s.",
        "Medians; 12 guided steps, the model loaded, 2 threads; P (AVX2), torch 2.",
    ):
        assert line in lines
    path.write_text(json.dumps({**found, "allocator": None, "large": None}))
    assert "tcmalloc" not in speed_tables(tmp_path)
    assert "256 pixels" not in speed_tables(tmp_path)
