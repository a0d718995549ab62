"""What matters at this scale: the run `house` with one thing changed at a time, each trained briefly.

    python -m benchmarks.study NAME... --rows DIR [--updates N]     train these variants, one after the other
    python -m benchmarks.study --gather DIR                         write benchmarks/study.json from what is there

Every variant has its own whole learning-rate schedule, and the same pictures in the same order. Held-out losses are
those of the averaged weights with fixed noise, by noise level, so that runs with other time densities compare too.
Without NAME the variants are listed. A variant that DIR has already is not trained again. One thread each, so that two
can be trained side by side on two cores; seconds are comparable only between variants that ran so. `--device cuda
--workers N` trains on a GPU, with N processes that compose scenes; `--eager` leaves out compiling, which takes longer
there than many updates.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from benchmarks.report import ran_on, write
from mezzotint.load import load_text
from mezzotint.runs import house
from mezzotint.training.prepare import prepare
from mezzotint.training.settings import with_setting

UPDATES = 500
VARIANTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "as it is": (),
        "no detailer": ("network.detail=0",),
        "patches of 4, no detailer": ("network.detail=0", "network.patch=4", "network.bottleneck=64"),
        "6 blocks": ("network.depth=6",),
        "10 blocks": ("network.depth=10",),
        "width 192": ("network.width=192", "network.heads=3", "network.hidden=512"),
        "width 320": ("network.width=320", "network.heads=5", "network.hidden=848"),
        "times as far as logit-normal (0, 1)": ("objective.time_mean=0", "objective.time_std=1"),
        "no letters": ("network.letters=0", "network.word_length=0"),
        "no blocks for the prompt": ("network.text_depth=0",),
        "20 % scenes": ("data.scenes=0.2",),
        "60 % scenes": ("data.scenes=0.6",),
        "no augmentation": ("augment.share=0",),
        "Adam alone": ("optim.muon=false",),
    }
)
"""What is changed, by its name in the table."""


def trained(name: str, how: argparse.Namespace) -> dict[str, Any]:
    """Train a variant from the beginning; its sizes, its pace, and its held-out losses at the end."""
    run, updates = house(), how.updates
    settings = [f"steps={updates}", f"validate_every={updates}", f"checkpoint_every={updates}"]
    for setting in (*VARIANTS[name], *settings, *(["compiled=false"] if how.eager else [])):
        run = with_setting(run, setting)
    text, digest = load_text(run.conditions.text_length)
    seconds, found = [], None
    with tempfile.TemporaryDirectory() as folder:
        trainer = prepare(run, text, digest, Path(folder), device=how.device)
        for step in trainer.steps(workers=how.workers):
            seconds.append(step.seconds)
            found = step.validation
    return {
        "changed": list(VARIANTS[name]),
        "parameters": sum(p.numel() for p in trainer.network.parameters()),
        "updates": updates,
        "pictures": trainer.pictures,
        "on": ran_on(how.device),
        "seconds an update": statistics.median(seconds),
        "held-out loss": found,
    }


def gathered(folder: Path) -> dict[str, Any]:
    """What was trained, in the order of the table."""
    rows = {name: json.loads(path.read_text()) for name in VARIANTS if (path := place(folder, name)).is_file()}
    if not rows:
        raise SystemExit(f"{folder} holds no variant; train some first.")
    return {"run": "house", "variants": rows}


def place(folder: Path, name: str) -> Path:
    """Where the result of a variant lies."""
    return folder / f"{'-'.join(''.join(c if c.isalnum() else ' ' for c in name).split())}.json"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--gather", type=Path)
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--eager", action="store_true")
    asked = parser.parse_args(arguments)
    if asked.gather is not None:
        write("study", gathered(asked.gather))
        return
    if not asked.names:
        print("\n".join(VARIANTS))
        return
    if unknown := [name for name in asked.names if name not in VARIANTS]:
        parser.error(f"there is no variant {unknown[0]!r}; without a name they are listed")
    if asked.rows is None:
        parser.error("--rows is missing: the folder where results go")
    torch.set_num_threads(1)
    asked.rows.mkdir(parents=True, exist_ok=True)
    for name in asked.names:
        path = place(asked.rows, name)
        if not path.is_file():
            path.write_text(json.dumps(trained(name, asked), indent=2) + "\n")
        print(name, path.read_text(), flush=True)


if __name__ == "__main__":
    main()
