"""How near few evaluations come to many: our solvers and grids beside diffusers' and k-diffusion's, in one run.

    pip install scipy                                           diffusers takes some integrals from it
    python -m benchmarks.solvers                                everything, with the house model
    python -m benchmarks.solvers mixture --starts 64            one part: overhead, mixture or model
    python -m benchmarks.solvers model --model DIR --pictures 64

The mixture is exact: 16 Gaussians in 64 dimensions on Stable Diffusion's schedule. The error is the RMS distance to
where 1000 steps go from the same noise. Every program's solver, grid and options are chosen on one set of seeds and
reported on another. Deterministic solvers only. How a trained model is measured: see `benchmarks.model_solvers`.
Overhead is what a step costs outside the network: see `benchmarks.overhead`.
Each part takes the place of the same part in benchmarks/solvers.json; `python -m docs.numbers` fills in the tables.
"""

import argparse
import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.overhead import overhead
from benchmarks.peers import DIFFUSERS, LEFT_OUT, check_complete, diffusers_end, k_diffusion_runs
from benchmarks.report import machine, write
from benchmarks.solver_runs import BUDGETS, FITTED, Run, deterministic, end, our_runs, rms, usable
from mezzotint.diffusion import (
    SOLVERS,
    Bound,
    BoundDenoiser,
    GaussianMixture,
    PhiloxNoise,
    Purpose,
    VPScaledLinear,
)
from mezzotint.diffusion.timegrid import FALLING_GRIDS, from_times, times_of, trailing
from mezzotint.diffusion.timegrid.fit import fit_grid

FITTED_SOLVERS = ("ipndm-3", "dpmpp-3m", "deis-3", "unipc-2", "ipndm-2")
TABLE = VPScaledLinear()


def mixture() -> GaussianMixture:
    """16 components in 64 dimensions: normal means of deviation 0.5, variances from 0.05 to 0.25, equal weights.

    They overlap a little, so that the error is not ruled by the few starts that lie between two components.
    """
    means = 0.5 * PhiloxNoise([2026]).normal((1, 16, 64), Purpose.EVALUATION, 0)[0].double()
    return GaussianMixture(TABLE, means, torch.linspace(0.05, 0.25, 16).double(), torch.full((16,), 1 / 16).double())


def starts(first: int, count: int) -> Tensor:
    """Noise of these seeds."""
    return PhiloxNoise(range(first, first + count)).normal((count, 64), Purpose.START, 0).double()


def chosen(
    denoise: BoundDenoiser, runs: Mapping[str, Run], tune: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor]
) -> dict[str, Any]:
    """The run that is best on the first set, and its error on the second."""
    errors = {name: usable(rms(run(denoise, tune[0]), tune[1])) for name, run in runs.items()}
    best = min(errors, key=lambda name: errors[name])
    return {"choice": best, "error": rms(runs[best](denoise, test[0]), test[1]), "tuned_on_error": errors[best]}


def exact_model(count: int, budgets: Iterable[int]) -> dict[str, Any]:
    """The table of the exact mixture."""
    begun = time.process_time()
    exact = mixture()
    denoise = Bound(exact, {})
    sets = []
    for first in (0, 100_000):
        x = starts(first, count)
        sets.append((x, end(denoise, x, trailing(1000, TABLE), "unipc-3")))
    tune, test = sets
    table: dict[str, Any] = {}
    for budget in budgets:
        theirs: dict[str, Run] = {
            name: lambda d, x, n=name, b=budget: diffusers_end(n, b, exact, x)  # type: ignore[misc]
            for name in DIFFUSERS
        }
        row = {
            "mezzotint": chosen(denoise, our_runs(TABLE, budget, deterministic(), FALLING_GRIDS), tune, test),
            "diffusers": chosen(denoise, theirs, tune, test),
        }
        if runs := k_diffusion_runs(exact, budget):
            bound = {name: lambda d, x, f=run: f(x) for name, run in runs.items()}
            row["k-diffusion"] = chosen(denoise, bound, tune, test)
        if budget in FITTED:
            row["mezzotint, fitted grid"] = fitted(denoise, budget, tune, test)
        peers = min(value["error"] for name, value in row.items() if "mezzotint" not in name)
        row["ours_over_best_peer"] = row["mezzotint"]["error"] / peers
        if budget in FITTED:
            row["fitted_over_best_peer"] = row["mezzotint, fitted grid"]["error"] / peers
        table[f"{budget} evaluations"] = row
        print(budget, {k: v if isinstance(v, float) else (v["choice"], v["error"]) for k, v in row.items()}, flush=True)
    return {
        "machine": machine(),
        "reference": "1000 steps of unipc-3, trailing, in float64",
        "starts": count,
        "not_compared": LEFT_OUT,
        "cpu_seconds": round(time.process_time() - begun),
        "budgets": table,
    }


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
        name: lambda d, x, n=name: end(d, x, fits[n].grid, n)  # type: ignore[misc]
        for name in fits
    }
    found = chosen(denoise, runs, tune, test)
    return {**found, "times": times_of(fits[found["choice"]].grid)}


PARTS = ("overhead", "mixture", "model")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="what to measure; everything if not given")
    parser.add_argument("--starts", type=int, default=192, help="starts in the mixture")
    parser.add_argument("--model", default="house", help="a model's folder or name")
    parser.add_argument("--pictures", type=int, default=48, help="pictures of the model that are reported")
    parser.add_argument("--processes", type=int, default=2, help="that share the work on the model")
    parser.add_argument("--device", default="cpu", help="where the model runs; a GPU takes --processes 1")
    parser.add_argument("--keep", type=Path, help="a folder for what was found of the model, to go on from there")
    parser.add_argument("--quick", action="store_true", help="three budgets, few starts and few repetitions")
    options = parser.parse_args()
    parts, budgets = options.parts or PARTS, (6, 8, 20) if options.quick else BUDGETS
    check_complete()
    path = Path(__file__).with_suffix(".json")
    figures = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    figures.pop("machine", None)  # each part has its own
    if "overhead" in parts:
        figures["overhead"] = overhead(options.model, 3 if options.quick else 30)
    if "mixture" in parts:
        figures["mixture"] = exact_model(64 if options.quick else options.starts, budgets)
    if "model" in parts:
        from benchmarks.model_solvers import FITTED as FITTED_TO_MODEL
        from benchmarks.model_solvers import model_figures

        fitted_at = [budget for budget in FITTED_TO_MODEL if budget in budgets]
        figures["model"] = model_figures(
            options.model, options.pictures, budgets, fitted_at, options.processes, options.keep, options.device
        )
    write(path.stem, figures)


if __name__ == "__main__":
    main()
