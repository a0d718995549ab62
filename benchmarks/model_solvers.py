"""The solver benchmark on a trained model with guidance: ours, diffusers' and k-diffusion's samplers, fitted grids.

An evaluation is one of the guided field: with classifier-free guidance, two network forwards. So the budgets mean the
same as in the exact mixture, and all programs pay the same for guidance.

The error is the RMS distance to where 1000 steps end from the same noise. They follow the field down to t = 0.05 and
take x_0 there. Below, levels count alike in training, and a network that does not quite give back a picture without
noise, D(x, 0) ≠ x, makes dx/dt = (x − D) / t a drift that grows with log t: more steps then go further, not nearer.

Which solver, grid and options a program draws with at a budget is chosen on pictures that are not reported. Most
candidates fall out in rankings at small budgets, and at a large one on a few of these pictures: what is best with many
evaluations may be poor with few. Errors on few pictures are noisy, so a choice at a small budget also counts the errors
at the budgets beside it.
"""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

import torch
from torch import Tensor

from benchmarks.flow_peers import diffusers_runs, k_diffusion_runs
from benchmarks.report import machine
from benchmarks.solver_runs import GRIDS, Run, end, our_runs, rms, steps_for, usable
from mezzotint import Pipeline
from mezzotint.diffusion import BoundDenoiser, PhiloxNoise, RectifiedFlow, TimeGrid, pure_noise
from mezzotint.diffusion.timegrid import from_times
from mezzotint.interfaces.cli.fit_grid import FIRST_SEED, PROMPTS, guided_over
from mezzotint.interfaces.cli.fit_grid import fitted as fit_grid
from mezzotint.request import Request

SCHEDULE = RectifiedFlow()
TUNE, TEST = 500_000, 0
"""First seeds: pictures that choices are made on, and pictures that are reported."""
LAST = 0.05
"""Where the reference takes x_0."""
REFERENCE, CHOICE = 1000, 200
"""Steps of the reference, and of the one that choices are made by."""
SCOUTS = ("unipc-2", "ipndm-2", "dpmpp-2m")
OURS = (
    *("unipc-2", "unipc-2-bh1", "unipc-3", "dpmpp-2m", "dpmpp-3m", "deis-2", "deis-3", "ipndm-2", "ipndm-3", "ipndm-4"),
    *("lms", "gradient-estimation", "res-multistep", "heun", "midpoint", "dpm-2", "dpmpp-2s"),
)
OUR_GRIDS = tuple(name for name in GRIDS if name not in ("trailing", "sgm-uniform"))  # those are nearly uniform
SCREENS = (6, 10)
FAR = 30
"""The large budget at which candidates are ranked too."""
SCOUTED = 4
"""Pictures that grids are ranked on before anything else."""
KEPT = ((10, 16), (50, 12))
"""Up to this budget: how many candidates are tried."""
FIT_PICTURES, FINE = 16, 100
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


Program = Callable[[int], Mapping[str, Run]]
"""Budget -> candidates by name; a name means the same at every budget."""


def ours(budget: int, solvers: Sequence[str] = OURS, grids: Sequence[str] = OUR_GRIDS) -> dict[str, Run]:
    """Our solvers on our grids."""
    return our_runs(SCHEDULE, budget, solvers, grids)


def scouted(task: Task) -> Program:
    """Ours on the eight grids that are best for three solvers at three budgets, in turn."""
    found = {budget: {n: task.error(run) for n, run in ours(budget, SCOUTS).items()} for budget in (*SCREENS, FAR)}
    grids = list(dict.fromkeys(name.partition(", ")[2] for name in pool(found)))[:8]
    return lambda budget: ours(budget, grids=grids)


def screened(program: Program, task: Task) -> dict[int, dict[str, float]]:
    """Errors at two small budgets: of all candidates at the first, of the better half at the second."""
    small, large = SCREENS
    first = {name: task.error(run) for name, run in program(small).items()}
    half = sorted(first, key=lambda name: first[name])[: (len(first) + 1) // 2]
    runs = program(large)
    return {small: first, large: {name: task.error(runs[name]) for name in half}}


def pool(errors: Mapping[int, Mapping[str, float]]) -> list[str]:
    """Candidates in the order of several rankings at once."""
    return in_turn(*(ordered(some) for some in errors.values()))


def ordered(errors: Mapping[str, float]) -> list[str]:
    """Names, the best first."""
    return sorted(errors, key=lambda name: errors[name])


def in_turn(*rankings: Sequence[str]) -> list[str]:
    """The first of each, the second of each, and so on; every name once."""
    return list(dict.fromkeys(name for name in chain(*zip_longest(*rankings)) if name is not None))


def tuned(program: Program, task: Task, scout: Task, budgets: Sequence[int]) -> dict[int, dict[str, float]]:
    """The errors of the candidates that are tried at each budget."""
    known, far = screened(program, task), ordered({name: scout.error(run) for name, run in program(FAR).items()})
    ranked, found = pool(known), dict[int, dict[str, float]]()
    for budget in budgets:
        count = next(count for limit, count in KEPT if budget <= limit)
        runs, before = program(budget), known.get(budget, {})
        names = [name for name in (ranked if budget <= SCREENS[1] else in_turn(ranked, far)) if name in runs][:count]
        found[budget] = {name: before[name] if name in before else task.error(runs[name]) for name in names}
        if budget >= SCREENS[1]:
            ranked = ordered(found[budget])
    return found


def best_first(found: Mapping[int, Mapping[str, float]], budget: int) -> list[str]:
    """The candidates at a budget by the mean logarithm of their errors at it and, where it is small, beside it."""
    near = [b for b in found if b == budget or (max(b, budget) <= SCREENS[1] and 2 / 3 <= b / budget <= 3 / 2)]

    def score(name: str) -> float:
        return statistics.fmean(math.log(found[b][name]) for b in near if name in found[b])

    return sorted(found[budget], key=score)


def reported(
    program: Program, found: Mapping[int, Mapping[str, float]], task: Task, budgets: Sequence[int]
) -> dict[int, dict[str, Any]]:
    """The best of a program at each budget, with its error on the pictures of `task`."""
    table = {}
    for budget in budgets:
        best = best_first(found, budget)[0]
        error = task.error(program(budget)[best])
        table[budget] = {"choice": best, "error": error, "tuned_on_error": found[budget][best]}
        print(f"{budget:>3} {error:.4f} {best}", flush=True)
    return table


def reference(steps: int) -> TimeGrid:
    """Uniform from 1 to `LAST`, then 0."""
    return from_times([*(1 - (1 - LAST) * i / (steps - 1) for i in range(steps - 1)), LAST, 0.0])


Fit = Callable[[int, str], Sequence[float]]
"""Steps and solver -> the times that were fitted."""


def fit_like_the_command(pipe: Pipeline) -> Fit:
    """What `mezzotint fit-grid MODEL --steps N --solver SPEC` finds, on pictures of its own."""

    def fit(steps: int, solver: str) -> Sequence[float]:
        asked = Request(prompt="", seed=FIRST_SEED, n=FIT_PICTURES, steps=steps, solver=solver, grid="uniform")
        return fit_grid(pipe, pipe.resolve(asked), PROMPTS, FINE).times

    return fit


def fitted(task: Task, budget: int, solver: str, fit: Fit) -> dict[str, Any]:
    """A grid fitted to a solver, and their error on the pictures of `task`."""
    times = list(fit(budget, solver))
    error = task.error(lambda denoise, x: end(denoise, x, from_times(times), solver))
    return {"choice": solver, "error": error, "times": times}


def make_tasks(pipe: Pipeline, pictures: int) -> dict[str, Task]:
    """Pictures to report ("test"), as many others to choose on ("tune"), and four of these ("scout")."""
    request = pipe.resolve(Request(prompt="", grid="uniform"))
    _, down, across = pipe.model.codec.factors
    shape = (pipe.model.codec.channels, 1, pipe.model.size[1] // down, pipe.model.size[0] // across)

    def task(first: int, count: int, steps: int) -> Task:
        denoise = guided_over(pipe, request, tuple(PROMPTS[i % len(PROMPTS)] for i in range(count)))
        x = pure_noise(denoise.schedule, (count, *shape), PhiloxNoise(range(first, first + count))).double()
        return Task(denoise, x, end(denoise, x, reference(steps), "dpmpp-2m"))

    tune, few = task(TUNE, pictures, CHOICE), min(SCOUTED, pictures)
    scout = Task(guided_over(pipe, request, PROMPTS[:few]), tune.x[:few], tune.truth[:few])
    return {"scout": scout, "tune": tune, "test": task(TEST, pictures, REFERENCE)}


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
        "reference": f"{REFERENCE} steps of dpmpp-2m, uniform down to t = {LAST}, then x_0; the state in float64, the "
        f"network in float32; {CHOICE} such steps where a choice is made",
        "pictures": {
            "reported": len(tasks["test"].x),
            "chosen on": len(tasks["tune"].x),
            "fitted on": FIT_PICTURES,
        },
        "cpu_seconds": round(time.process_time() - begun),
        "budgets": table,
    }


def rows(tasks: Mapping[str, Task], budgets: Sequence[int], fitted_at: Sequence[int], fit: Fit) -> dict[str, Any]:
    """A row for each budget."""
    peers: dict[str, Program] = {"diffusers": diffusers_runs}
    if k_diffusion_runs(SCREENS[0]):
        peers["k-diffusion"] = k_diffusion_runs
    programs: dict[str, Program] = {"mezzotint": scouted(tasks["scout"]), **peers}
    found = {name: tuned(program, tasks["tune"], tasks["scout"], budgets) for name, program in programs.items()}
    columns = {name: reported(program, found[name], tasks["test"], budgets) for name, program in programs.items()}
    table: dict[str, Any] = {}
    for budget in budgets:
        row: dict[str, Any] = {name: column[budget] for name, column in columns.items()}
        best = min(row[name]["error"] for name in peers)
        row["ours_over_best_peer"] = row["mezzotint"]["error"] / best
        if budget in fitted_at:
            names = (name.partition(",")[0] for name in best_first(found["mezzotint"], budget))
            solver = next(name for name in names if steps_for(name, budget) == budget)  # one evaluation a step
            row["mezzotint, fitted grid"] = fitted(tasks["test"], budget, solver, fit)
            row["fitted_over_best_peer"] = row["mezzotint, fitted grid"]["error"] / best
        table[f"{budget} evaluations"] = row
        print(budget, {k: v if isinstance(v, float) else (v["choice"], v["error"]) for k, v in row.items()}, flush=True)
    return table
