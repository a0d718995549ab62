"""`mezzotint fit-grid`: find the steps that suit a model best, and keep them in its folder."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint import __version__
from mezzotint.errors import InvalidFile, InvalidOption, OutOfSpace
from mezzotint.interfaces.cli.options import (
    REAL,
    WHOLE,
    device_option,
    dtype_option,
    format_option,
    set_threads,
    threads_option,
    wait_quietly,
    whole_number,
)
from mezzotint.interfaces.cli.output import emit_json
from mezzotint.interfaces.cli.progress import counted
from mezzotint.request import Request

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from mezzotint.checkpoints.grids import FittedGrid
    from mezzotint.diffusion.denoiser import Bound
    from mezzotint.diffusion.prediction import Prediction
    from mezzotint.diffusion.schedule import Schedule
    from mezzotint.diffusion.solvers import Solver
    from mezzotint.diffusion.timegrid.fit import Fit
    from mezzotint.diffusion.timegrid.fit_strengths import StrengthFit
    from mezzotint.pipeline import Pipeline

PROMPTS = (
    *("a red apple", "a cat", "a house", "a sailboat", "a sunflower", "a birthday cake", "a clock", "a car"),
    *("a fish", "a cup of coffee", "a tree", "a blue bird", "a guitar", "a mountain", "a key", "a rocket"),
)
"""Everyday things. Start i has prompt i, and the first again after the last."""
FIRST_SEED = 1_000_000
"""Starts have seeds from here on, so that the pictures that people draw first are none that a grid was fitted to."""
TOGETHER = 8
"""Pictures that share a network call."""
APART = 1e-4
"""The least distance between two times of the fine grid."""
LAST = 0.05
"""The least sigma/alpha of the fine grid. Below, a network that does not quite give back a clean picture, D(x, 0) ≠ x,
makes dx/dt = (x − D)/t a drift that grows with log t: more steps go further there, and are no truth."""
MOST_WITH_NUMBERS = 20
"""Steps that fitted-2m is fitted to."""
MAX_PROMPTS = 10_000_000
"""Bytes of a file of prompts."""


@dataclass(frozen=True)
class Together:
    """A guided denoiser over many starts: a few pictures a call, with their conditionings prepared once. Branches of
    what it says keep x_0 alone."""

    parts: tuple["Bound[Any]", ...]

    @property
    def schedule(self) -> "Schedule":
        """That of the model."""
        return self.parts[0].schedule

    def __call__(self, x_t: "Tensor", t: "Tensor", *, to: "Tensor | None" = None) -> "Prediction":
        """The prediction of x_0 (B, ...)."""
        import torch

        from mezzotint.diffusion.prediction import Prediction

        firsts = range(0, len(x_t), TOGETHER)
        said = [part(x_t[i : i + TOGETHER], t, to=to) for part, i in zip(self.parts, firsts, strict=True)]
        level = self.schedule(t)
        names = said[0].branches.keys()
        branches = {name: Prediction(x_t, level, torch.cat([one.branches[name].x0 for one in said])) for name in names}
        return Prediction(x_t, level, torch.cat([one.x0 for one in said]), branches=branches)


@click.command(name="fit-grid", short_help="Find the best time grid for a model, and keep it in its folder.")
@click.argument("model")
@click.option("--steps", type=WHOLE, required=True, metavar="N", help="Steps of the grid, from 2 to 200.")
@click.option("--solver", metavar="SPEC", help="The solver that the grid is for; the model's own if not given.")
@click.option("--guidance", type=REAL, metavar="SCALE", help="The guidance to fit with; the model's own if not given.")
@click.option(
    "--prompts",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Prompts to fit with, one a line; sixteen everyday things if not given.",
)
@click.option(
    "--starts",
    type=WHOLE,
    default=32,
    show_default=True,
    metavar="K",
    help="Pictures to fit with; picture i has prompt i.",
)
@click.option(
    "--fine",
    type=WHOLE,
    default=100,
    show_default=True,
    metavar="M",
    help="Steps of the grid that stands for the truth; the fitted one has times of it.",
)
@click.option(
    "--seed", type=WHOLE, default=FIRST_SEED, show_default=True, metavar="SEED", help="Picture i has the seed SEED + i."
)
@device_option
@dtype_option
@threads_option
@format_option
def fit_grid(
    model: str,
    steps: Any,
    starts: Any,
    fine: Any,
    seed: Any,
    prompts: Path | None,
    threads: Any,
    device: str,
    dtype: str,
    form: str,
    **drawing: Any,
) -> None:
    """Fit a time grid to MODEL, a name or a folder, and store it in the folder's grids.json.

    Pictures are drawn with many steps; then the N times are searched with which the solver ends nearest to them.
    `imagine` uses the grid for this solver and number of steps unless --grid says otherwise. With --solver fitted-2m
    the solver's own numbers are found together with the times; that suits few steps best. For --dtype, auto means
    float32 here.
    """
    begun = time.perf_counter()
    whole_number("steps", steps, 2, 200)
    whole_number("starts", starts, 1, 10_000)
    whole_number("fine", fine, steps + 1, 1000)
    texts = PROMPTS if prompts is None else read_prompts(prompts)
    Request(prompt="", model=model, seed=seed, steps=steps, **drawing)
    wait_quietly()
    set_threads(threads)
    from mezzotint.checkpoints.grids import check_writable, store_grid
    from mezzotint.load import find_model
    from mezzotint.pipeline import Pipeline

    folder = find_model(model)
    pipe = Pipeline.load(model, device=device, dtype="float32" if dtype == "auto" else dtype)
    if pipe.model.taught is not None:
        raise InvalidOption(
            f"The model {pipe.model.name} is a student, which jumps instead of following a path in small steps, so "
            "that no grid can be fitted to it; choose a model that is none."
        )
    request = pipe.resolve(Request(prompt="", seed=seed, n=starts, steps=steps, grid=usual_grid(pipe), **drawing))
    check_writable(folder)
    grid = fitted(pipe, request, texts, fine)
    listed = ",".join(map(repr, grid.times))
    drawn_with = f" --solver {grid.drawn_with}" if grid.kept else ""
    try:
        path = store_grid(folder, grid)
    except OutOfSpace as error:  # minutes of work should not be lost
        raise OutOfSpace(f"{str(error).rstrip('.')}; the grid can be used as --grid {listed}{drawn_with}.") from None
    seconds = time.perf_counter() - begun
    if form == "json":
        emit_json({"file": str(path), "model": pipe.model.name, "seconds": round(seconds, 2), **grid.to_json_dict()})
        return
    for warning in pipe.model.warnings:
        click.echo(f"warning: {warning}")
    click.echo(
        f"{click.format_filename(path)}: {grid.solver} with {grid.steps} steps, error {grid.error:.4g}; "
        f"that of {grid.default_grid} is {grid.default_error:.4g}  ({grid.starts} starts, {seconds:.0f} s)\n"
        f"  {', '.join(f'{t:g}' for t in grid.times)}"
        + (f"\n  strengths {', '.join(f'{g:.3g}' for g in grid.strengths)}" if grid.strengths else "")
    )


def read_prompts(path: Path) -> tuple[str, ...]:
    """One prompt a line, empty lines left out. Raises InvalidFile."""
    try:
        if path.stat().st_size > MAX_PROMPTS:
            raise InvalidFile(f"{path} has more than {MAX_PROMPTS} bytes; give a text file with one prompt a line.")
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidFile(f"{path} cannot be read ({why}); give a text file with one prompt a line.") from None
    if not any(lines):
        raise InvalidFile(f"{path} has no prompt; give a text file with one prompt a line.")
    return tuple(line for line in lines if line)


def usual_grid(pipe: "Pipeline") -> str:
    """The model's own grid, or uniform where that is no name or jumps."""
    from mezzotint.diffusion.timegrid import find_grid
    from mezzotint.spec import Spec

    grid = pipe.model.defaults.grid
    named = isinstance(grid, str) and find_grid(Spec.parse("grid", grid).name).kind == "falling"
    return str(grid) if named else "uniform"


def noise_at(schedule: "Schedule", t: float) -> float:
    """sigma/alpha at a time; infinite at alpha = 0."""
    import torch

    return float(schedule(torch.tensor(t, dtype=torch.float64)).log_snr.mul(-0.5).exp())


def fitted(pipe: "Pipeline", request: Request, prompts: tuple[str, ...], fine: int) -> "FittedGrid":
    """The grid for a resolved request, whose own grid it is compared with. Raises InvalidOption."""
    import torch

    from mezzotint.checkpoints.grids import FittedGrid
    from mezzotint.diffusion.noise import PhiloxNoise
    from mezzotint.diffusion.sampling import pure_noise, sample
    from mezzotint.diffusion.solvers.fitted import Fitted2M
    from mezzotint.diffusion.timegrid import from_times, times_of, uniform
    from mezzotint.diffusion.timegrid.fit import SWEEPS, fit_grid

    solver = pipe.solver(request)
    check_numbers(solver, request, pipe.model.denoiser.dtype)
    if solver.stochastic or solver.order is None:
        raise InvalidOption(
            f"A grid cannot be fitted to the solver {request.solver}, because it has no one path to follow; choose a "
            "deterministic one with fixed steps, such as dpmpp-2m or unipc-2."
        )
    model, schedule, steps = pipe.model, pipe.model.denoiser.schedule, request.steps or 0
    with_numbers = isinstance(solver, Fitted2M)
    usual = pipe.time_grid(request)
    # the usual times are among the fine ones, so that a fit may begin with the usual grid, and keep it
    points = times_of(usual)
    evenly = (t for t in times_of(uniform(fine, schedule, start=points[0])) if t and noise_at(schedule, t) >= LAST)
    times = sorted([*points, *(t for t in evenly if min(abs(t - u) for u in points) > APART)], reverse=True)
    noise = PhiloxNoise([(request.seed + i) % 2**64 for i in range(request.n)])
    _, down, across = model.codec.factors
    shape = (request.n, model.codec.channels, 1, model.size[1] // down, model.size[0] // across)
    used = tuple(prompts[i % len(prompts)] for i in range(request.n))
    with torch.inference_mode(), counted("fitting", "evaluation") as told:
        denoise = guided_over(pipe, request, used)
        start = pure_noise(schedule, shape, noise, times[0])
        # the numbers of a solver change what times are best, so these are sought with them, below
        sweeps = 0 if with_numbers else SWEEPS
        fit = fit_grid(denoise, start, from_times(times), solver, steps, noise, sweeps=sweeps, told=told)
        *_, last = sample(denoise, start, usual, solver, noise)
    missed = (last.x - fit.ends)[shares_of(request.n)[-1] if with_numbers else slice(None)]
    best, error, numbers = tuple(times_of(fit.grid)), fit.error, dict[str, tuple[float, ...]]()
    if with_numbers:
        found = strengths_for(pipe, request, used, start, fit, points)
        best, error = found.times, found.error
        names = ("strengths", "kept", "gains", "steering")
        numbers = {name: getattr(found, name) for name in names}
    return FittedGrid(
        solver=str(request.solver),
        steps=len(fit.grid),
        guidance=float(request.guidance or 0.0),
        times=best,
        **numbers,
        error=error,
        default_grid=str(request.grid),
        default_error=float(missed.double().square().mean().sqrt()),
        starts=request.n,
        seed=request.seed,
        fine_steps=len(times) - 1,
        prompts=tuple(dict.fromkeys(used)),
        weights_sha256=model.weights_sha256,
        mezzotint=__version__,
    )


def shares_of(starts: int) -> list[list[int]]:
    """Which of the starts are fitted to, and which only judge: every fourth, but of fewer than four all are both."""
    judges = range(3, starts, 4)
    return [[i for i in range(starts) if i not in judges], list(judges)] if judges else [list(range(starts))]


def check_numbers(solver: "Solver[Any]", request: Request, dtype: "torch.dtype") -> None:
    """Raises InvalidOption where the numbers of fitted-2m cannot be found."""
    import torch

    from mezzotint.diffusion.solvers.fitted import Fitted2M

    if not isinstance(solver, Fitted2M):
        return
    if solver.steps:
        raise InvalidOption(f"fit-grid finds the numbers of fitted-2m itself; leave them out of {request.solver}.")
    if (request.steps or 0) > MOST_WITH_NUMBERS:
        raise InvalidOption(
            f"fitted-2m is fitted to {MOST_WITH_NUMBERS} steps at most, not {request.steps}: the work grows with their "
            "square, and what numbers gain shrinks; choose fewer steps, or another solver, such as dpmpp-2m."
        )
    if dtype != torch.float32:
        raise InvalidOption(
            f"The numbers of fitted-2m are found from small changes, which {str(dtype).removeprefix('torch.')} loses; "
            "leave out --dtype, or give float32. What is fitted serves every dtype."
        )


def strengths_for(
    pipe: "Pipeline", request: Request, prompts: tuple[str, ...], starts: "Tensor", fit: "Fit", usual: list[float]
) -> "StrengthFit":
    """Numbers and times, from the fitted grid, the usual or a shifted one on; the last share of the starts judges."""
    import torch

    from mezzotint.diffusion.timegrid import shifted, times_of
    from mezzotint.diffusion.timegrid.fit import SHIFTS
    from mezzotint.diffusion.timegrid.fit_ends import Share
    from mezzotint.diffusion.timegrid.fit_strengths import fit_strengths

    with torch.inference_mode(), counted("fitting the solver", "step") as told:
        shares = [
            Share(
                guided_over(pipe, request, tuple(prompts[i] for i in which)),
                starts[which],
                partial(fit.path.at, which=which),
                judges=place > 0,
            )
            for place, which in enumerate(shares_of(len(starts)))
        ]
        begun, schedule = [times_of(fit.grid), usual], pipe.model.denoiser.schedule
        shifts = (1.0, *SHIFTS)
        begun += [times_of(shifted(len(fit.grid), schedule, start=usual[0], shift=shift)) for shift in shifts]
        return fit_strengths(shares, list(dict.fromkeys(map(tuple, begun))), told=told)


def guided_over(pipe: "Pipeline", request: Request, prompts: tuple[str, ...]) -> Together:
    """The model with the request's guidance, told one prompt a start."""
    from mezzotint.diffusion.denoiser import Bound
    from mezzotint.diffusion.guidance import guided
    from mezzotint.diffusion.guidance.cfg import CFG
    from mezzotint.diffusion.guidance.interval import Interval

    low, high = request.guidance_interval or (0.0, 1.0)
    modifiers = () if (low, high) == (0.0, 1.0) else (Interval(low, high),)
    denoiser = guided(pipe.model.denoiser, CFG(float(request.guidance or 0.0)), modifiers)
    parts = []
    for first in range(0, len(prompts), TOGETHER):
        some = prompts[first : first + TOGETHER]
        styles, none = [request.style] * len(some), [None] * len(some)
        branches = {"cond": pipe.model.prepare(some, styles), "uncond": pipe.model.prepare([""] * len(some), none)}
        parts.append(Bound(denoiser, branches))
    return Together(tuple(parts))
