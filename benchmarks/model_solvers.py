"""The solver benchmark on a trained model with guidance: ours, diffusers' and k-diffusion's samplers, fitted grids.

An evaluation is one of the guided field: with classifier-free guidance, two network forwards. So the budgets mean the
same as in the exact mixture, and all programs pay the same for guidance.

The error is the RMS distance to where 1000 steps end from the same noise. They follow the field down to t = 0.05 and
take x_0 there. Below, levels count alike in training, and a network that does not quite give back a picture without
noise, D(x, 0) ≠ x, makes dx/dt = (x − D) / t a drift that grows with log t: more steps then go further, not nearer.

Which solver, grid and options a program draws with at a budget is chosen on pictures that are not reported, in rounds:
every candidate on a few pictures, the better ones on more of them, the best three on all. With 2, 8 and 24 pictures
chance decided: the errors of a few pictures that become other ones rule the mean.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, zip_longest
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from benchmarks.flow_peers import diffusers_runs, k_diffusion_runs
from benchmarks.report import machine, ran_on
from benchmarks.solver_runs import GRIDS, Run, end, our_runs, rms, usable
from mezzotint import Pipeline
from mezzotint.diffusion import BoundDenoiser, PhiloxNoise, RectifiedFlow, TimeGrid, pure_noise
from mezzotint.diffusion.solvers.fitted import Fitted2M
from mezzotint.diffusion.timegrid import from_times
from mezzotint.interfaces.cli.fit_grid import FIRST_SEED, PROMPTS, TOGETHER, guided_over
from mezzotint.interfaces.cli.fit_grid import fitted as fit_grid
from mezzotint.request import Request

SCHEDULE = RectifiedFlow()
TUNE, TEST = 500_000, 0
"""First seeds: pictures that choices are made on, and pictures that are reported."""
LAST = 0.05
"""Where the reference takes x_0."""
REFERENCE, CHOICE = (1000, 1.0), (200, 4.0)
"""Steps and shift of the reference, and of the one that choices are made by. On the house model the second ends 0.0003
(RMS) from the first; 200 uniform steps end 0.004 from it, a quarter of the best error at 50 evaluations."""
SCOUTS = ("unipc-2", "ipndm-2", "dpmpp-2m")
OURS = (
    *("unipc-2", "unipc-2-bh1", "unipc-3", "dpmpp-2m", "dpmpp-3m", "deis-2", "deis-3", "ipndm-2", "ipndm-3", "ipndm-4"),
    *("ddim", "lms", "gradient-estimation", "res-multistep", "heun", "midpoint", "dpm-2", "dpmpp-2s"),
)
OUR_GRIDS = tuple(name for name in GRIDS if name not in ("trailing", "sgm-uniform"))  # those are nearly uniform
SCOUTED = (6, 20)
"""Budgets at which grids are ranked before anything else."""
ROUNDS = ((4, 10_000), (16, 8), (48, 3))
"""On how many pictures candidates are tried, and how many of them."""
HOPELESS = 1.6
"""A candidate whose error was more times the best one's at both budgets before is not tried."""
FITTED: Mapping[int, int] = MappingProxyType({6: 96, 8: 48, 15: 48, 20: 32})
"""Budgets for which steps are fitted, and on how many pictures: what `mezzotint fit-grid` is told as --starts. The work
grows with the square of the steps."""
FINE = 100
"""The same as --fine."""


@dataclass(frozen=True)
class Task:
    """Pictures to draw: the guided field, their noise, and where the reference ends."""

    denoise: BoundDenoiser
    x: Tensor
    truth: Tensor

    def error(self, run: Run) -> float:
        """RMS distance to the truth; infinite for a run that fails."""
        return usable(rms(run(self.denoise, self.x), self.truth))

    def errors(self, run: Run) -> dict[str, float]:
        """`error`, and that of the median picture, which no few pictures rule that become another one."""
        off = (run(self.denoise, self.x) - self.truth).double().square().flatten(1).mean(1)
        return {"error": usable(float(off.mean().sqrt())), "median_error": usable(float(off.sqrt().median()))}


Program = Callable[[int], Mapping[str, Run]]
"""Budget -> candidates by name; a name means the same at every budget."""


def ours(budget: int, solvers: Sequence[str] = OURS, grids: Sequence[str] = OUR_GRIDS) -> dict[str, Run]:
    """Our solvers on our grids."""
    return our_runs(SCHEDULE, budget, solvers, grids)


def scouted(task: Task) -> Program:
    """Ours on the six grids that are best for three solvers at two budgets, in turn."""
    found = (ordered({n: task.error(run) for n, run in ours(budget, SCOUTS).items()}) for budget in SCOUTED)
    in_turn = (name.partition(", ")[2] for name in chain(*zip_longest(*found)) if name is not None)
    grids = list(dict.fromkeys(in_turn))[:6]
    return lambda budget: ours(budget, grids=grids)


def ordered(errors: Mapping[str, float]) -> list[str]:
    """Names, the best first."""
    return sorted(errors, key=lambda name: errors[name])


def tuned(program: Program, rounds: Sequence[Task], budgets: Sequence[int]) -> dict[int, dict[str, float]]:
    """The errors of the candidates that reach the last round at each budget, on its pictures, the best first."""
    first, found = list[dict[str, float]](), dict[int, dict[str, float]]()
    for budget in budgets:
        runs, before = program(budget), first[-2:]
        first.append({n: torch.inf if hopeless(n, before) else rounds[0].error(run) for n, run in runs.items()})
        errors = first[-1]
        for task, (_, count) in zip(rounds[1:], ROUNDS[1:], strict=True):
            errors = {name: task.error(runs[name]) for name in ordered(errors)[:count]}
        found[budget] = {name: errors[name] for name in ordered(errors)}
    return found


def hopeless(name: str, before: Sequence[Mapping[str, float]]) -> bool:
    """Whether a candidate was far from the best at the two budgets before."""
    return len(before) == 2 and all(errors.get(name, 0.0) > HOPELESS * min(errors.values()) for errors in before)


def reported(
    program: Program, found: Mapping[int, Mapping[str, float]], task: Task, budgets: Sequence[int]
) -> dict[int, dict[str, Any]]:
    """The best of a program at each budget, with its error on the pictures of `task`."""
    table = {}
    for budget in budgets:
        best = next(iter(found[budget]))
        errors = task.errors(program(budget)[best])
        table[budget] = {"choice": best, **errors, "tuned_on_error": found[budget][best]}
        print(f"{budget:>3} {errors['error']:.4f} {errors['median_error']:.4f} {best}", flush=True)
    return table


def reference(steps: int, shift: float) -> TimeGrid:
    """From 1 to `LAST`, uniform before the shift (`timegrid.shifted`), then 0."""
    end = LAST / (shift - (shift - 1) * LAST)
    uniforms = [1 - (1 - end) * i / (steps - 1) for i in range(1, steps - 1)]
    return from_times([1.0, *(shift * u / (1 + (shift - 1) * u) for u in uniforms), LAST, 0.0])


def field(pipe: Pipeline, count: int, after: int = 0) -> BoundDenoiser:
    """The guided field of `count` pictures, after some that have the prompts before."""
    request = pipe.resolve(Request(prompt="", grid="uniform"))
    return guided_over(pipe, request, tuple(PROMPTS[i % len(PROMPTS)] for i in range(after, after + count)))


def loaded(name: str, device: str) -> Pipeline:
    """A model; on the CPU with one thread a process, compiled: graphs give what eager blocks give within 2e-5."""
    torch.set_num_threads(1)
    return Pipeline.load(name, device=device, dtype="float32", compiled=device == "cpu")


Pair = tuple[Tensor, Tensor]
"""Noise, and where the reference ends from it."""


def over(pipe: Pipeline, pictures: Pair) -> Task:
    """Pictures, where the model is."""
    return Task(field(pipe, len(pictures[0])), *(one.to(pipe.model.denoiser.device) for one in pictures))


@torch.inference_mode()
def truth(name: str, device: str, first: int, after: int, count: int, grid: tuple[int, float]) -> tuple[Pair, float]:
    """`count` of the pictures with seeds from `first` on, after some others; and processor seconds."""
    begun, pipe = time.process_time(), loaded(name, device)
    _, down, across = pipe.model.codec.factors
    shape = (pipe.model.codec.channels, 1, pipe.model.size[1] // down, pipe.model.size[0] // across)
    seeds = range(first + after, first + after + count)
    x = pure_noise(pipe.model.denoiser.schedule, (count, *shape), PhiloxNoise(seeds)).double()
    ends = end(field(pipe, count, after), x.to(device), reference(*grid), "dpmpp-2m")
    return (x, ends.cpu()), time.process_time() - begun


@torch.inference_mode()
def column(
    name: str, device: str, program: str, tune: Pair, test: Pair, budgets: Sequence[int]
) -> tuple[dict[int, dict[str, Any]], float]:
    """What a program draws best with at each budget and its error, and processor seconds."""
    begun, pipe = time.process_time(), loaded(name, device)
    x, ends = (one.to(device) for one in tune)
    rounds = [Task(field(pipe, n), x[:n], ends[:n]) for n, _ in ROUNDS]
    programs: dict[str, Program] = {"diffusers": diffusers_runs, "k-diffusion": k_diffusion_runs}
    takes = programs[program] if program in programs else scouted(rounds[0])
    found = tuned(takes, rounds, budgets)
    table = reported(takes, found, over(pipe, test), budgets)
    return table, time.process_time() - begun


@torch.inference_mode()
def fitted(name: str, device: str, budget: int, tune: Pair, test: Pair) -> tuple[dict[str, Any], float]:
    """What `mezzotint fit-grid MODEL --steps N --solver fitted-2m --starts K` finds; processor seconds."""
    begun, pipe = time.process_time(), loaded(name, device)
    asked = Request(prompt="", seed=FIRST_SEED, n=FITTED[budget], steps=budget, solver="fitted-2m", grid="uniform")
    found = fit_grid(pipe, pipe.resolve(asked), PROMPTS, FINE)
    grid, solver = from_times(found.times), Fitted2M(found.strengths, found.kept, found.gains, found.steering)
    run: Run = lambda denoise, x: end(denoise, x, grid, solver)  # noqa: E731
    figures = {
        "choice": found.solver,
        **over(pipe, test).errors(run),
        "tuned_on_error": over(pipe, tune).error(run),
        "fitted_error": found.error,
        "times": list(found.times),
        "strengths": list(found.strengths),
        "kept": list(found.kept),
        "gains": list(found.gains),
        "steering": list(found.steering),
    }
    print(budget, figures, flush=True)
    return figures, time.process_time() - begun


@dataclass(frozen=True)
class Keeping:
    """Processes whose results are kept in a folder, so that a run that was ended goes on; None keeps nothing.

    about: what results depend on besides what is handed over.
    """

    pool: Executor
    folder: Path | None
    about: str

    def submit(self, work: Callable[..., Any], *given: Any) -> "Future[Any]":
        """`work(*given)`, or what it gave before."""
        if self.folder is None:
            return self.pool.submit(work, *given)
        limits = {truth: (LAST,), column: (ROUNDS, SCOUTED, HOPELESS), fitted: (FITTED.get(given[2]), FINE)}[work]
        told = repr((self.about, limits, [one for one in given if not isinstance(one, tuple) or not _tensors(one)]))
        name = f"{work.__name__}-{hashlib.sha256(told.encode()).hexdigest()[:12]}.pt"
        return self.pool.submit(kept, self.folder / name, work, given)


def _tensors(value: tuple[Any, ...]) -> bool:
    return any(isinstance(one, Tensor) for one in value)


def kept(path: Path, work: Callable[..., Any], given: Sequence[Any]) -> Any:
    """What is in the file, or what is made and put there."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(work(*given), path.with_suffix(".part"))
        path.with_suffix(".part").rename(path)
    return torch.load(path, weights_only=True)


def pictures_of(
    pool: Keeping, name: str, device: str, first: int, count: int, grid: tuple[int, float]
) -> tuple[Pair, float]:
    """`truth`, a few pictures a process."""
    parts = [
        pool.submit(truth, name, device, first, after, min(TOGETHER, count - after), grid)
        for after in range(0, count, TOGETHER)
    ]
    pairs, seconds = zip(*(part.result() for part in parts), strict=True)
    xs, ends = zip(*pairs, strict=True)
    return (torch.cat(xs), torch.cat(ends)), sum(seconds)


def model_figures(
    name: str,
    pictures: int,
    budgets: Sequence[int],
    fitted_at: Sequence[int],
    processes: int = 1,
    keep: Path | None = None,
    device: str = "cpu",
) -> dict[str, Any]:
    """The table of a trained model, by name or folder."""
    model = Pipeline.load(name, device="cpu", dtype="float32").model
    programs = ("mezzotint", "diffusers", *(["k-diffusion"] if k_diffusion_runs(SCOUTED[0]) else []))
    with ProcessPoolExecutor(processes, get_context("spawn")) as workers:
        pool = Keeping(workers, keep, model.weights_sha256)
        tune, spent_tuning = pictures_of(pool, name, device, TUNE, max(count for count, _ in ROUNDS), CHOICE)
        test, spent_testing = pictures_of(pool, name, device, TEST, pictures, REFERENCE)
        columns = {program: pool.submit(column, name, device, program, tune, test, budgets) for program in programs}
        fits = {budget: pool.submit(fitted, name, device, budget, tune, test) for budget in fitted_at}
        done = {program: work.result() for program, work in columns.items()}
        fits_done = {budget: work.result() for budget, work in fits.items()}
    spent = sum(seconds for _, seconds in (*done.values(), *fits_done.values()))
    return {
        "machine": machine(),
        "ran_on": ran_on(device),
        "model": model.name,
        "weights_sha256": model.weights_sha256,
        "guidance": model.defaults.guidance,
        "evaluation": "one of the guided field, which is two network forwards with classifier-free guidance",
        "reference": f"{REFERENCE[0]} steps of dpmpp-2m, uniform down to t = {LAST}, then x_0; the state in float64, "
        f"the network in float32; {CHOICE[0]} steps on shift {CHOICE[1]:g} where a choice is made",
        "pictures": {
            "reported": pictures,
            "chosen on": len(tune[0]),
            "fitted on": {str(budget): FITTED[budget] for budget in fitted_at},
        },
        "cpu_seconds": round(spent_tuning + spent_testing + spent),
        "budgets": rows(
            {program: table for program, (table, _) in done.items()},
            {budget: figures for budget, (figures, _) in fits_done.items()},
        ),
    }


def rows(columns: Mapping[str, Mapping[int, Any]], fits: Mapping[int, Any]) -> dict[str, Any]:
    """A row for each budget."""
    table: dict[str, Any] = {}
    for budget in columns["mezzotint"]:
        row: dict[str, Any] = {name: column[budget] for name, column in columns.items()}
        best = min(value["error"] for name, value in row.items() if name != "mezzotint")
        row["ours_over_best_peer"] = row["mezzotint"]["error"] / best
        if budget in fits:
            row["mezzotint, fitted grid"] = fits[budget]
            row["fitted_over_best_peer"] = fits[budget]["error"] / best
            ours = [row["mezzotint"], fits[budget]]  # by the pictures that choices are made on
            row["best_of_ours_over_best_peer"] = min(ours, key=lambda one: one["tuned_on_error"])["error"] / best
        table[f"{budget} evaluations"] = row
        print(budget, {k: v if isinstance(v, float) else (v["choice"], v["error"]) for k, v in row.items()}, flush=True)
    return table
