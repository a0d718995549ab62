"""How IconEval's scores grow while a model learns, beside its held-out loss.

    python -m benchmarks.iconeval_curve PLACE... [--prompts N] [--states N] [--ema WIDTH] [--detector DIR]

A PLACE is a training run's folder, whose kept states (`checkpoints`, and `averages` of a run with `keep_ema`) are each
packed as `mezzotint pack` would; or a model's folder, or `house`. Every model draws the first N prompts of each task
with one seed each, at its defaults, and IconEval judges. Intervals are over prompts: with few prompts they are wide,
and the figures are for comparing the states of one training, not for comparing models. How far the detector can be
trusted is in `mezzotint eval`, which validates it. The losses are those that the runs measured while they trained.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.report import write
from mezzotint import Pipeline
from mezzotint.checkpoints.model_folder import TEXT, read_description
from mezzotint.errors import InvalidCheckpoint, InvalidOption
from mezzotint.evaluation.detector import load_detector
from mezzotint.evaluation.iconeval.prompts import VERSION
from mezzotint.evaluation.suite import evaluate
from mezzotint.evaluation.yardstick import Plan, Tools, Yardstick, yardstick
from mezzotint.interfaces.cli.progress import counted
from mezzotint.load import DRAWING_DEFAULTS, HOUSE, INSTRUMENTS
from mezzotint.request import Request
from mezzotint.training import state
from mezzotint.training.averages import FOLDER
from mezzotint.training.export import export, learned_defaults
from mezzotint.training.measured import read_metrics

CHECKPOINTS = "checkpoints"
SEEDS = 1


def states_of(run: Path) -> list[Path]:
    """The whole states that a run kept, oldest first, each step once: its checkpoint, else its averages."""
    by_step = {path.name: path for folder in (FOLDER, CHECKPOINTS) for path in state.steps(run / folder) if whole(path)}
    return [by_step[name] for name in sorted(by_step)]


def whole(path: Path) -> bool:
    """Whether a state is complete and unchanged."""
    try:
        state.read_facts(path)
    except InvalidCheckpoint:
        return False
    return True


def spread(states: Sequence[Path], most: int) -> list[Path]:
    """At most so many of the states, evenly by their number, the last among them; 0: all."""
    if not most or len(states) <= most:
        return list(states)
    return [states[-(-len(states) * k // most) - 1] for k in range(1, most + 1)]


def views(training: Mapping[str, Any]) -> int:
    """How many views of pictures weights have behind them, those of earlier runs included."""
    return int(training["pictures"]) + before(training)


def before(facts: Mapping[str, Any]) -> int:
    """The views that a run's weights had at its start."""
    return sum(int(part["pictures"]) for part in facts.get("earlier") or ())


@contextmanager
def packed(run: Path, kept: Path, ema: float) -> Iterator[Path]:
    """A model's folder of one state of a run, for the length of the block: as if the run had just come so far."""
    with tempfile.TemporaryDirectory() as folder:
        until = Path(folder) / "run"
        (until / CHECKPOINTS).mkdir(parents=True)
        (until / CHECKPOINTS / kept.name).symlink_to(kept.resolve())
        (until / FOLDER).symlink_to((run / FOLDER).resolve())
        yield export(
            until,
            Path(folder) / "model",
            name=f"{run.name}-{kept.name}",
            text=HOUSE / TEXT,
            ema=ema,
            defaults={**DRAWING_DEFAULTS, **learned_defaults(until)},
        )


def losses_of(run: Path, facts: Mapping[str, Any]) -> list[list[float]]:
    """The held-out losses that a run measured: pairs of views and mean."""
    rows = [row for row in read_metrics(run / "metrics.jsonl") if row.get("validation")]
    return [[before(facts) + row["pictures"], row["validation"]["mean"]] for row in rows]


def is_run(place: Path) -> bool:
    """Whether it is a run's folder, and no model's."""
    return (place / CHECKPOINTS).is_dir() or (place / FOLDER).is_dir()


def models(places: Sequence[Path], most: int, ema: float) -> Iterator[Path]:
    """The folder of every model, one after the other; those of states are gone with the next one."""
    for place in places:
        if not is_run(place):
            yield place
            continue
        for kept in spread(states_of(place), most):
            if not kept.is_dir():  # of a run that still trains, the oldest go
                continue
            with packed(place, kept, ema) as folder:
                yield folder


def measured(folder: Path, tools: Tools, plan: Plan, yard: Yardstick) -> dict[str, Any]:
    """The scores of one model, with their intervals, and how far it had come."""
    pipe, training = Pipeline.load(str(folder), device="cpu", dtype="float32"), read_description(folder)["training"]
    found = evaluate(pipe, tools, plan, yard, lambda what: counted(what, "picture"))
    assert found.iconeval is not None
    scores = found.iconeval.scores.to_json_dict()
    return {
        "name": found.model,
        "weights_sha256": found.weights_sha256,
        "views": views(training),
        "step": training["step"],
        "settings": {name: found.settings[name] for name in ("steps", "guidance", "solver", "grid")},
        "scores": {task: {name: one[name] for name in ("score", "low", "high")} for task, one in scores.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", metavar="PLACE")
    parser.add_argument("--prompts", type=int, default=25, help="of each task, at least 2")
    parser.add_argument("--states", type=int, default=0, help="of each run, at most; all that it kept if not given")
    parser.add_argument("--ema", type=float, default=0.05, help="the width of the average that states are packed with")
    parser.add_argument("--detector", type=Path, default=INSTRUMENTS / "detector")
    options = parser.parse_args()
    places = [HOUSE if name == "house" else Path(name) for name in options.places]
    runs = {run: states_of(run) for run in places if is_run(run)}
    for run, kept in runs.items():
        if not kept:
            raise InvalidOption(f"{run} holds no complete state of a training; give another run's folder.")
    losses = [pair for run, kept in runs.items() for pair in losses_of(run, state.read_facts(kept[-1]))]
    tools = Tools(detector=load_detector(options.detector))
    plan = Plan(request=Request(prompt="", batching="fast"), prompts=options.prompts, seeds=SEEDS)
    found, yard = [], yardstick(tools, plan)
    for folder in models(places, options.states, options.ema):
        found.append(measured(folder, tools, plan, yard))
        print(found[-1], flush=True)
    write(
        "iconeval_curve",
        {
            "prompts of each task": options.prompts,
            "seeds": SEEDS,
            "prompts_version": VERSION,
            "ema": options.ema if runs else None,
            "detector_sha256": tools.digests()["detector"],
            "states": sorted(found, key=lambda one: one["views"]),
            "held_out_loss": sorted(losses),
        },
    )


if __name__ == "__main__":
    main()
