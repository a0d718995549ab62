"""Diffusion beside a GAN on the same pictures, with equal training and the same instruments.

    python -m benchmarks.diffusion_vs_gan train OUT [--pflop 1] [--seeds 3] [--arm gan]   goes on where it was stopped
    python -m benchmarks.diffusion_vs_gan measure OUT                          writes diffusion_vs_gan.json

On two cores training takes hours. `--arm` trains the runs of one arm alone.
`--device cuda` trains, or draws, on a GPU; seconds a picture are then those of the GPU.

Both arms, the runs `icons` and `gan`, get `--pflop` · 10^15 operations of training, counted (`training.budget`), and
the same seeds, captions and pictures. Their networks that draw have equal parameters; so has the critic, which is
thrown away. `--quick` is for a look at the script: few pictures, few steps, and nothing is written.
"""

import argparse
import contextlib
import json
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.report import machine, ran_on, write
from benchmarks.variety import collapsed, evenness, over_seeds, variety
from mezzotint import Pipeline
from mezzotint.conditioning.prompt import escaped
from mezzotint.data.icons import default_folder
from mezzotint.errors import TrainingError
from mezzotint.evaluation.encoder import Encoder
from mezzotint.evaluation.realism import Asked, Likeness, Realism, asked_of
from mezzotint.evaluation.suite import evaluate
from mezzotint.evaluation.yardstick import Plan, Tools, Yardstick, yardstick
from mezzotint.interfaces.cli.eval import tools_for
from mezzotint.interfaces.metrics import Metrics
from mezzotint.load import DRAWING_DEFAULTS, GAN_DEFAULTS, HOUSE, load_text
from mezzotint.request import Request
from mezzotint.runs import gan, icons
from mezzotint.training import state
from mezzotint.training.budget import PETA, flops_per_update, steps_within
from mezzotint.training.config import GanRun, RunConfig
from mezzotint.training.export import export
from mezzotint.training.measured import read_metrics
from mezzotint.training.prepare import prepare
from mezzotint.training.trainer import Trainer

ARMS = {"diffusion": icons, "gan": gan}
HOW: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "diffusion": {"diffusion, guided": {}, "diffusion, not guided": {"guidance": 1.0}},
    "gan": {"gan": {}},
}
"""How each arm is drawn with: guidance trades variety for likeness, so that diffusion is measured with and without."""
PROMPTS, PICTURES, WAYS, POINTS, TIMED = 50, 8, 20, 9, 9
"""Prompts and pictures of each for variety; ways between two seeds and points on each; pictures that are timed."""


# --- training


def planned(arm: str, seed: int, pflop: float) -> RunConfig | GanRun:
    """The run of an arm: as many updates as the budget buys, its measurements and checkpoints spread over them."""
    run: RunConfig | GanRun = ARMS[arm]()
    steps = steps_within(run, pflop)
    often = max(1, steps // 10)
    return replace(
        run, seed=seed, steps=steps, checkpoint_every=often, validate_every=often, sample_every=steps, keep=1
    )


def trained(arm: str, seed: int, pflop: float, out: Path, device: str = "cpu") -> None:
    """Train one run to its end, pack it, and write what it cost; a finished one is left alone."""
    place = out / f"{arm}-{seed}"
    if (place / "training.json").is_file():
        return
    run = planned(arm, seed, pflop)
    trainer = prepare(run, *load_text(run.text_length), place / "run", device=device)
    newest = state.newest(place / "run" / "checkpoints")
    if newest is not None:
        trainer.resume(newest)
    ended = to_the_end(trainer)
    usual = GAN_DEFAULTS if arm == "gan" else DRAWING_DEFAULTS
    if state.newest(place / "run" / "checkpoints") is not None:
        export(
            place / "run", place / "model", name=f"{arm}-{seed}", text=HOUSE / "text", defaults=usual, storage="bf16"
        )
    cost = flops_per_update(run)
    facts = {
        "arm": arm,
        "seed": seed,
        "updates": trainer.step,
        "batch": run.batch,
        "views": trainer.pictures,
        "gflop_per_picture": cost / run.batch / 1e9,
        "pflop": trainer.step * cost / PETA,
        "seconds": sum(row["seconds"] for row in read_metrics(place / "run" / "metrics.jsonl")),
        "parameters": sum(p.numel() for p in trainer.network.parameters()),
        "ended": ended,
        "on": ran_on(device),
        "machine": machine(),
    }
    (place / "training.json").write_text(json.dumps(facts, indent=2) + "\n")


def to_the_end(trainer: Trainer) -> str | None:
    """The rest of a run, with its metrics; what ended it before its time, if anything did."""
    trainer.folder.mkdir(parents=True, exist_ok=True)
    with Metrics(trainer.folder, trainer.step) as metrics:
        try:
            for step in trainer.steps():
                metrics.write(step)
                if step.validation:
                    print(f"{trainer.run.name} {trainer.run.seed}: {step.step} of {trainer.run.steps}", flush=True)
        except TrainingError as error:
            return str(error)
    return None


# --- measuring


@contextlib.contextmanager
def unwatched(what: str) -> Iterator[Any]:
    """Nobody is told how far it is."""
    yield lambda done, total: None


def measured(pipe: Pipeline, tools: Tools, plan: Plan, yard: Yardstick) -> tuple[dict[str, float | None], Realism]:
    """All numbers of a model, drawn as the plan's request says, and what they are part of."""
    assert tools.encoder is not None
    assert tools.pictures is not None
    found = evaluate(pipe, tools, plan, yard, unwatched)
    assert found.realism is not None
    overall = None if found.iconeval is None else found.iconeval.scores.overall
    asked = asked_of(tools.pictures, PROMPTS, pipe.model.conditioner.styles)
    row: dict[str, float | None] = {
        **numbers(found.realism.drawn),
        "alignment": found.realism.alignment,
        "iconeval": None if overall is None else overall.mean,
        "variety": variety(many(pipe, tools.encoder, asked, plan.request)),
        **between(pipe, tools.encoder, asked[:WAYS], plan.request),
        **timed(pipe, plan.request),
    }
    return row, found.realism


def numbers(likeness: Likeness) -> dict[str, float]:
    """Quality: both distances, precision and density; diversity: recall and coverage."""
    reach = likeness.coverage
    return {
        "frechet": likeness.frechet,
        "kernel": likeness.kernel.value,
        "precision": reach.precision,
        "density": reach.density,
        "recall": reach.recall,
        "coverage": reach.coverage,
    }


def wish(one: Asked, request: Request) -> Request:
    """The request for a picture of a caption, in its style."""
    return replace(request, prompt=escaped(one.caption), style=one.style or "none")


def many(pipe: Pipeline, encoder: Encoder, asked: Sequence[Asked], request: Request) -> Tensor:
    """Features (prompts, pictures, width) of several pictures of each prompt."""
    return torch.stack(
        [encoder.images(pipe.generate(replace(wish(one, request), n=PICTURES, seed=0)).images) for one in asked]
    )


def between(pipe: Pipeline, encoder: Encoder, asked: Sequence[Asked], request: Request) -> dict[str, float]:
    """Ways from one seed to another: how even they are, and how well ends and middles show what is asked for."""
    shares = [k / (POINTS - 1) for k in range(POINTS)]
    ways = torch.stack(
        [
            encoder.images(
                [
                    pipe.generate(replace(wish(one, request), seed=3, vary=((share, 9),) if share else ())).images[0]
                    for share in shares
                ]
            )
            for one in asked
        ]
    )
    fits = (ways * encoder.prompts([one.caption for one in asked])[:, None]).sum(dim=-1).mean(dim=0)
    return {
        "evenness": evenness(ways),
        "alignment_at_ends": float(fits[[0, -1]].mean()),
        "alignment_in_the_middle": float(fits[POINTS // 2]),
    }


def timed(pipe: Pipeline, request: Request) -> dict[str, float]:
    """Seconds of a picture, the median of some after a first one, and evaluations of the network."""
    result = pipe.generate(replace(request, prompt="a red apple", seed=0, batching="exact"))
    seconds = []
    for seed in range(TIMED):
        begin = time.perf_counter()
        result = pipe.generate(replace(request, prompt="a red apple", seed=seed, batching="exact"))
        seconds.append(time.perf_counter() - begin)
    return {"seconds": statistics.median(seconds), "evaluations": float(result.evaluations)}


def variety_of_concepts(tools: Tools, yard: Yardstick) -> float:
    """The mean distance between two held-out pictures of one concept, each concept of several pictures once."""
    pictures, bank = tools.pictures, yard.bank
    assert pictures is not None
    assert bank is not None
    rows: dict[str, list[int]] = {}
    for row in pictures.split("heldout").tolist():
        rows.setdefault(pictures.records[row].concept, []).append(row)
    several = [found for found in rows.values() if len(found) > 1]
    features = bank.rows([row for found in several for row in found[:2]])
    return variety(features.reshape(len(several), 2, -1))


def report(out: Path, quick: bool, prompts: int, device: str = "cpu") -> dict[str, Any]:
    """Everything that was trained in a folder, measured by pictures that a device draws."""
    runs = [json.loads(path.read_text()) for path in sorted(out.glob("*-*/training.json"))]
    assert runs, f"nothing is trained in {out}"
    tools = tools_for(64, None, None, "none")
    tools = tools if prompts else replace(tools, detector=None)
    plan = Plan(request=Request(prompt="", batching="fast"), prompts=prompts, seeds=2, pictures=300 if quick else 1000)
    yard = yardstick(tools, plan)
    found: dict[str, Any] = {"quick": quick, "on": ran_on(device), "training": runs, "drawn": {}}
    for facts in runs:
        folder = out / f"{facts['arm']}-{facts['seed']}" / "model"
        for name, options in HOW[facts["arm"]].items():
            row: dict[str, float | None] = {}
            if folder.is_dir():
                few = {"steps": 2} if quick and facts["arm"] == "diffusion" else {}
                asked = replace(plan, request=replace(plan.request, **{**options, **few}))
                row, whole = measured(Pipeline.load(str(folder), device=device, dtype="float32"), tools, asked, yard)
                if "real" not in found:
                    found["real"] = numbers(whole.real) | {"alignment": whole.alignment_real}
                    found["real"]["variety"] = variety_of_concepts(tools, yard)
            why = collapsed(row, found.get("real", {}), facts["ended"])
            found["drawn"].setdefault(name, []).append({"seed": facts["seed"], "collapsed": why, **row})
    return {**found, "summary": {name: summary(rows) for name, rows in found["drawn"].items()}}


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One way to draw, over its seeds."""
    numbers_of = [{name: value for name, value in row.items() if name not in ("seed", "collapsed")} for row in rows]
    lost = sum(row["collapsed"] is not None for row in rows)
    return {"seeds": len(rows), "collapsed": lost, **over_seeds(numbers_of)}


def main() -> None:
    """Train or measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["train", "measure"])
    parser.add_argument("out", type=Path)
    parser.add_argument("--pflop", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--arm", nargs="+", default=list(ARMS), choices=list(ARMS), help="which are trained")
    parser.add_argument("--prompts", type=int, default=20, help="of each IconEval task; 0: none")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"], help="where networks learn, or draw")
    given = parser.parse_args()
    assert default_folder().is_dir(), "build the data set first: mezzotint data build icons"
    if given.what == "train":
        for seed in range(given.seeds):
            for arm in given.arm:  # in turn, so that whatever else the machine does meets all that are trained
                trained(arm, seed, 2e-3 if given.quick else given.pflop, given.out, given.device)
        return
    found = report(given.out, given.quick, 0 if given.quick else given.prompts, given.device)
    if given.quick:
        print(json.dumps(found, indent=1))
    else:
        write("diffusion_vs_gan", found)


if __name__ == "__main__":
    main()
