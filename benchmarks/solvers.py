"""How near few evaluations come to many: our solvers and grids beside diffusers' and k-diffusion's, in one run.

    python -m benchmarks.solvers [--starts 256] [--model FOLDER] [--quick]

The model is exact: a mixture of 16 Gaussians in 64 dimensions on Stable Diffusion's schedule. The error is the RMS
distance to where 1000 steps go from the same noise. Every program's solver, grid and options are chosen on one
set of seeds and reported on another. Deterministic solvers only. `--model` adds a trained model's own figures.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from benchmarks.peers import DIFFUSERS, diffusers_end, k_diffusion_runs
from benchmarks.report import write
from mezzotint.diffusion import (
    SOLVERS,
    Bound,
    BoundDenoiser,
    GaussianMixture,
    PhiloxNoise,
    Prediction,
    Purpose,
    RectifiedFlow,
    Schedule,
    TimeGrid,
    VPScaledLinear,
    sample,
)
from mezzotint.diffusion.sampling import StepNoise
from mezzotint.diffusion.timegrid import FALLING_GRIDS, from_times, times_of, trailing
from mezzotint.diffusion.timegrid.fit import fit_grid

BUDGETS = (4, 5, 6, 8, 10, 15, 20, 30, 50)
FITTED = (6, 8)
FITTED_SOLVERS = ("ipndm-3", "dpmpp-3m", "deis-3", "unipc-2", "ipndm-2")
TABLE = VPScaledLinear()
Run = Callable[[Tensor], Tensor]


def mixture() -> GaussianMixture:
    """16 components in 64 dimensions: normal means of deviation 0.5, variances from 0.05 to 0.25, equal weights.

    They overlap a little, so that the error is not ruled by the few starts that lie between two components.
    """
    means = 0.5 * PhiloxNoise([2026]).normal((1, 16, 64), Purpose.EVALUATION, 0)[0].double()
    return GaussianMixture(TABLE, means, torch.linspace(0.05, 0.25, 16).double(), torch.full((16,), 1 / 16).double())


def starts(first: int, count: int, shape: tuple[int, ...] = (64,)) -> Tensor:
    return PhiloxNoise(range(first, first + count)).normal((count, *shape), Purpose.START, 0).double()


def end(denoise: BoundDenoiser, x: Tensor, grid: TimeGrid, solver: str) -> Tensor:
    *_, last = sample(denoise, x, grid, SOLVERS[solver].make(), PhiloxNoise(range(len(x))))
    return last.x


def deterministic() -> list[str]:
    """Our solvers that have an order, each map once."""
    return [name for name, r in SOLVERS.items() if r.make().order is not None and r.same_as is None]


def steps_for(solver: str, budget: int) -> int:
    """The most steps within a budget; the last one, to t = 0, costs one evaluation, and a warm-up what it costs."""
    record = SOLVERS[solver]
    assert record.evaluations is not None
    steps = (budget - 1) // record.evaluations + 1
    return steps - sum(extra - record.evaluations for extra in record.warm_up[: steps - 1])


def our_runs(denoise: BoundDenoiser, budget: int, names: Iterable[str]) -> dict[str, Run]:
    runs: dict[str, Run] = {}
    for name in names:
        steps = steps_for(name, budget)
        if steps < 2:
            continue
        for grid_name, build in FALLING_GRIDS.items():
            grid = build(steps, denoise.schedule)
            runs[f"{name}, {grid_name}"] = lambda x, g=grid, n=name: end(denoise, x, g, n)  # type: ignore[misc]
    return runs


def rms(a: Tensor, b: Tensor) -> float:
    return float((a - b).double().square().mean().sqrt())


def chosen(runs: dict[str, Run], tune: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor]) -> dict[str, Any]:
    """The run that is best on the first set, and its error on the second."""
    errors = {name: rms(run(tune[0]), tune[1]) for name, run in runs.items()}
    best = min((name for name in errors if errors[name] == errors[name]), key=lambda name: errors[name])
    return {"choice": best, "error": rms(runs[best](test[0]), test[1]), "tuned_on_error": errors[best]}


def exact_model(count: int, budgets: Iterable[int]) -> dict[str, Any]:
    """The table of the exact mixture."""
    exact = mixture()
    denoise = Bound(exact, {})
    sets = []
    for first in (0, 100_000):
        x = starts(first, count)
        sets.append((x, end(denoise, x, trailing(1000, TABLE), "unipc-3")))
    tune, test = sets
    table: dict[str, Any] = {}
    for budget in budgets:
        row = {
            "mezzotint": chosen(our_runs(denoise, budget, deterministic()), tune, test),
            "diffusers": chosen(
                {name: lambda x, n=name, b=budget: diffusers_end(n, b, exact, x) for name in DIFFUSERS},  # type: ignore[misc]
                tune,
                test,
            ),
        }
        if runs := k_diffusion_runs(exact, budget):
            row["k-diffusion"] = chosen(runs, tune, test)
        if budget in FITTED:
            row["mezzotint, fitted grid"] = fitted(denoise, budget, tune, test)
        peers = min(value["error"] for name, value in row.items() if "mezzotint" not in name)
        row["ours_over_best_peer"] = row["mezzotint"]["error"] / peers
        if budget in FITTED:
            row["fitted_over_best_peer"] = row["mezzotint, fitted grid"]["error"] / peers
        table[f"{budget} evaluations"] = row
        print(budget, {k: v if isinstance(v, float) else (v["choice"], v["error"]) for k, v in row.items()}, flush=True)
    return table


def fitted(
    denoise: BoundDenoiser, budget: int, tune: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor]
) -> dict[str, Any]:
    """A grid fitted to the first set for each of a few solvers; the best of them there, on the second set."""
    inside = torch.linspace(0.995, 0.005, 160, dtype=torch.float64).tolist()
    fine = from_times([1.0, *inside, 0.0])
    noise = PhiloxNoise(range(len(tune[0])))
    fits = {
        name: fit_grid(denoise, tune[0], fine, SOLVERS[name].make(), budget, noise, sweeps=4) for name in FITTED_SOLVERS
    }
    runs: dict[str, Run] = {
        name: lambda x, n=name: end(denoise, x, fits[n].grid, n)  # type: ignore[misc]
        for name in fits
    }
    found = chosen(runs, tune, test)
    return {**found, "times": times_of(fits[found["choice"]].grid)}


def overhead(repeats: int = 30) -> dict[str, Any]:
    """Microseconds of a step outside the network on a tensor of 1×4×64×64, the median of whole runs of 20 steps."""
    import diffusers

    x = torch.linspace(-1, 1, 4 * 64 * 64).reshape(1, 4, 64, 64)
    output = x.flip(-1).contiguous()

    class Ready:
        def __init__(self, schedule: Schedule) -> None:
            self.schedule = schedule

        def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
            return Prediction(x_t, self.schedule(t), output)

    times = [torch.tensor(t, dtype=torch.float64) for t in times_of(trailing(20, TABLE))]
    noise = StepNoise(PhiloxNoise([0]), 0)

    def mine(name: str, schedule: Schedule) -> float:
        solver, ready, y = SOLVERS[name].make(), Ready(schedule), x
        state = solver.init(x)
        begin = time.perf_counter()
        for t, s in pairwise(times[:-1]):
            y, state = solver.step(ready, y, t, s, state, noise)
        return (time.perf_counter() - begin) / (len(times) - 2) * 1e6

    def their(build: Callable[[], Any]) -> float:
        scheduler, y = build(), x
        scheduler.set_timesteps(20)
        begin = time.perf_counter()
        for i in scheduler.timesteps[:-1]:
            y = scheduler.step(output, i, y).prev_sample
        return (time.perf_counter() - begin) / (len(scheduler.timesteps) - 1) * 1e6

    beta = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
    pairs: dict[str, tuple[str, Callable[[], Any]]] = {
        "euler on rectified flow": (
            "FlowMatchEulerDiscreteScheduler",
            lambda: diffusers.FlowMatchEulerDiscreteScheduler(),
        ),
        "ddim": ("DDIMScheduler", lambda: diffusers.DDIMScheduler(**beta, clip_sample=False)),
        "euler": ("EulerDiscreteScheduler", lambda: diffusers.EulerDiscreteScheduler(**beta)),
        "lms": ("LMSDiscreteScheduler", lambda: diffusers.LMSDiscreteScheduler(**beta)),
        "plms": ("PNDMScheduler", lambda: diffusers.PNDMScheduler(**beta, skip_prk_steps=True)),
        "dpmpp-2m": ("DPMSolverMultistepScheduler", lambda: diffusers.DPMSolverMultistepScheduler(**beta)),
        "dpmpp-3m": ("... order 3", lambda: diffusers.DPMSolverMultistepScheduler(**beta, solver_order=3)),
        "deis-3": ("DEISMultistepScheduler", lambda: diffusers.DEISMultistepScheduler(**beta, solver_order=3)),
        "unipc-2": ("UniPCMultistepScheduler", lambda: diffusers.UniPCMultistepScheduler(**beta)),
        "unipc-3": ("... order 3", lambda: diffusers.UniPCMultistepScheduler(**beta, solver_order=3)),
    }
    found: dict[str, Any] = {}
    for name, (theirs, build) in pairs.items():
        solver, _, flow = name.partition(" on ")
        schedule: Schedule = RectifiedFlow() if flow else TABLE
        both = [
            (mine(solver, schedule), their(build)) for _ in range(repeats)
        ]  # in turn, so that both see the same machine
        a, b = (statistics.median(values) for values in ([p for p, _ in both], [q for _, q in both]))
        found[name] = {"mezzotint_us": a, "diffusers_us": b, "ratio": a / b, "diffusers": theirs}
    return found


def trained_model(folder: str, budgets: Iterable[int], prompt: str, seeds: int) -> dict[str, Any]:
    """Our solvers on a trained model, without guidance, from the same noise as 1000 steps."""
    from mezzotint import Pipeline

    pipe = Pipeline.load(folder)
    model = pipe.model
    _, down, across = model.codec.factors
    shape = (model.codec.channels, 1, model.size[1] // down, model.size[0] // across)
    denoise = Bound(model.denoiser, {"cond": model.prepare([prompt] * seeds, [None] * seeds)})
    table: dict[str, Any] = {}
    with torch.inference_mode():
        sets = []
        for first in (0, 100_000):
            x = starts(first, seeds, shape).float()
            sets.append((x, end(denoise, x, FALLING_GRIDS["uniform"](1000, denoise.schedule), "dpmpp-2m")))
        names = ("ddim", "dpmpp-2m", "dpmpp-3m", "ipndm-3", "unipc-2", "deis-3", "lms", "heun")
        for budget in budgets:
            table[f"{budget} evaluations"] = chosen(our_runs(denoise, budget, names), *sets)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=256)
    parser.add_argument("--model", help="a model's folder or name")
    parser.add_argument("--prompt", default="a red apple")
    parser.add_argument("--quick", action="store_true", help="three budgets and few starts")
    options = parser.parse_args()
    budgets = (6, 8, 20) if options.quick else BUDGETS
    count = 64 if options.quick else options.starts
    figures: dict[str, Any] = {"overhead_of_a_step": overhead(), "starts": count}
    figures["exact_mixture"] = exact_model(count, budgets)
    if options.model:
        figures["model"] = trained_model(options.model, budgets, options.prompt, 4 if options.quick else 16)
    write("solvers", figures)


if __name__ == "__main__":
    main()
