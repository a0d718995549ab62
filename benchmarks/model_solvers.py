"""The solver benchmark on a trained model with guidance: ours, diffusers' and k-diffusion's samplers, fitted grids.

An evaluation is one of the guided field: with classifier-free guidance, two network forwards. So the budgets mean the
same as in the exact mixture, and all programs pay the same for guidance.

The error is the RMS distance to where 1000 steps end from the same noise. They follow the field down to t = 0.05 and
take x_0 there. Below, levels count alike in training, and a network that does not quite give back a picture without
noise, D(x, 0) ≠ x, makes dx/dt = (x − D) / t a drift that grows with log t: more steps then go further, not nearer.

Which solver, grid and options a program draws with at a budget is chosen on pictures that are not reported, in rounds:
every candidate on a few pictures, the better ones on more of them, the best three on all.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

import torch
from torch import Tensor

from benchmarks.flow_peers import diffusers_runs, k_diffusion_runs
from benchmarks.report import machine
from benchmarks.solver_runs import GRIDS, Run, end, our_runs, rms, usable
from mezzotint import Pipeline
from mezzotint.checkpoints.grids import FittedGrid
from mezzotint.diffusion import BoundDenoiser, PhiloxNoise, RectifiedFlow, TimeGrid, pure_noise
from mezzotint.diffusion.solvers.fitted import Fitted2M
from mezzotint.diffusion.timegrid import from_times
from mezzotint.interfaces.cli.fit_grid import FIRST_SEED, PROMPTS, guided_over
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
    *("lms", "gradient-estimation", "res-multistep", "heun", "midpoint", "dpm-2", "dpmpp-2s"),
)
OUR_GRIDS = tuple(name for name in GRIDS if name not in ("trailing", "sgm-uniform"))  # those are nearly uniform
SCOUTED = (6, 10, 30)
"""Budgets at which grids are ranked before anything else."""
ROUNDS = ((4, 10_000), (16, 10), (96, 3))
"""On how many pictures candidates are tried, and how many of them."""
HOPELESS = 1.6
"""A candidate whose error was more times the best one's at both budgets before is not tried."""
FIT_PICTURES, FINE = 32, 100
"""What `mezzotint fit-grid` fits with unless told otherwise."""


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
    """Ours on the eight grids that are best for three solvers at three budgets, in turn."""
    found = (ordered({n: task.error(run) for n, run in ours(budget, SCOUTS).items()}) for budget in SCOUTED)
    in_turn = (name.partition(", ")[2] for name in chain(*zip_longest(*found)) if name is not None)
    grids = list(dict.fromkeys(in_turn))[:8]
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


Fit = Callable[[int], FittedGrid]
"""Steps -> what was fitted."""


def fit_like_the_command(pipe: Pipeline) -> Fit:
    """What `mezzotint fit-grid MODEL --steps N --solver fitted-2m` finds, on pictures of its own."""

    def fit(steps: int) -> FittedGrid:
        asked = Request(prompt="", seed=FIRST_SEED, n=FIT_PICTURES, steps=steps, solver="fitted-2m", grid="uniform")
        return fit_grid(pipe, pipe.resolve(asked), PROMPTS, FINE)

    return fit


def fitted(task: Task, budget: int, fit: Fit) -> dict[str, Any]:
    """A grid fitted with its solver's strengths, and their error on the pictures of `task`."""
    found = fit(budget)
    grid, solver = from_times(found.times), Fitted2M(found.strengths, found.kept, found.gains)
    return {
        "choice": found.solver,
        **task.errors(lambda denoise, x: end(denoise, x, grid, solver)),
        "fitted_error": found.error,
        "times": list(found.times),
        "strengths": list(found.strengths),
        "kept": list(found.kept),
        "gains": list(found.gains),
    }


def make_tasks(pipe: Pipeline, pictures: int) -> dict[str, Task]:
    """Pictures to report ("test"), and others to choose on: some for each round, the first of the same (1, 2, …)."""
    request = pipe.resolve(Request(prompt="", grid="uniform"))
    _, down, across = pipe.model.codec.factors
    shape = (pipe.model.codec.channels, 1, pipe.model.size[1] // down, pipe.model.size[0] // across)

    def task(first: int, count: int, grid: TimeGrid) -> Task:
        x = pure_noise(pipe.model.denoiser.schedule, (count, *shape), PhiloxNoise(range(first, first + count))).double()
        denoise = over(count)
        return Task(denoise, x, end(denoise, x, grid, "dpmpp-2m"))

    def over(count: int) -> BoundDenoiser:
        return guided_over(pipe, request, tuple(PROMPTS[i % len(PROMPTS)] for i in range(count)))

    tune = task(TUNE, max(count for count, _ in ROUNDS), reference(*CHOICE))
    few = {str(i): Task(over(n), tune.x[:n], tune.truth[:n]) for i, (n, _) in enumerate(ROUNDS, start=1)}
    return {**few, "test": task(TEST, pictures, reference(*REFERENCE))}


def model_figures(name: str, pictures: int, budgets: Sequence[int], fitted_at: Sequence[int]) -> dict[str, Any]:
    """The table of a trained model, by name or folder."""
    begun = time.process_time()
    pipe = Pipeline.load(name, device="cpu", dtype="float32")
    with torch.inference_mode():
        tasks = make_tasks(pipe, pictures)
        table = rows(tasks, budgets, fitted_at, fit_like_the_command(pipe))
    return {
        "machine": machine(),
        "model": pipe.model.name,
        "weights_sha256": pipe.model.weights_sha256,
        "guidance": pipe.model.defaults.guidance,
        "evaluation": "one of the guided field, which is two network forwards with classifier-free guidance",
        "reference": f"{REFERENCE[0]} steps of dpmpp-2m, uniform down to t = {LAST}, then x_0; the state in float64, "
        f"the network in float32; {CHOICE[0]} steps on shift {CHOICE[1]:g} where a choice is made",
        "pictures": {
            "reported": len(tasks["test"].x),
            "chosen on": max(count for count, _ in ROUNDS),
            "fitted on": FIT_PICTURES,
        },
        "cpu_seconds": round(time.process_time() - begun),
        "budgets": table,
    }


def rows(tasks: Mapping[str, Task], budgets: Sequence[int], fitted_at: Sequence[int], fit: Fit) -> dict[str, Any]:
    """A row for each budget."""
    peers: dict[str, Program] = {"diffusers": diffusers_runs}
    if k_diffusion_runs(SCOUTED[0]):
        peers["k-diffusion"] = k_diffusion_runs
    rounds = [tasks[str(i)] for i in range(1, len(ROUNDS) + 1)]
    programs: dict[str, Program] = {"mezzotint": scouted(rounds[0]), **peers}
    found = {name: tuned(program, rounds, budgets) for name, program in programs.items()}
    columns = {name: reported(program, found[name], tasks["test"], budgets) for name, program in programs.items()}
    table: dict[str, Any] = {}
    for budget in budgets:
        row: dict[str, Any] = {name: column[budget] for name, column in columns.items()}
        best = min(row[name]["error"] for name in peers)
        row["ours_over_best_peer"] = row["mezzotint"]["error"] / best
        if budget in fitted_at:
            row["mezzotint, fitted grid"] = fitted(tasks["test"], budget, fit)
            row["fitted_over_best_peer"] = row["mezzotint, fitted grid"]["error"] / best
        table[f"{budget} evaluations"] = row
        print(budget, {k: v if isinstance(v, float) else (v["choice"], v["error"]) for k, v in row.items()}, flush=True)
    return table
