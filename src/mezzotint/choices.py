"""From the specs in a request to the solver and the grid that they name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from mezzotint.diffusion.schedule import RectifiedFlow, Schedule
from mezzotint.diffusion.shortfall import shortfall
from mezzotint.diffusion.solvers import SOLVERS, Solver, find_solver
from mezzotint.diffusion.solvers.consistency import TCD
from mezzotint.diffusion.solvers.fitted import Fitted2M
from mezzotint.diffusion.timegrid import Denoise, TimeGrid, find_grid, from_times
from mezzotint.errors import InvalidOption
from mezzotint.options import MAX_STEPS
from mezzotint.request import Request
from mezzotint.spec import Spec, option_types, typed
from mezzotint.values import integer, show

__all__ = [
    "Fitted",
    "check_network",
    "fitted_for",
    "grid_name",
    "grid_of",
    "shortfalls",
    "solver_of",
    "unsuited",
]

JUMPS = frozenset({"inner", "length", "times"})
"""Options of grids that multiply their steps."""


FITTED = "fitted"
"""The grid that was fitted to the model, the solver and the steps; a recipe holds its times."""


@dataclass(frozen=True)
class Fitted:
    """What was fitted to a model: the times of a grid, the spec of the solver that it is for, and the error."""

    times: tuple[float, ...]
    solver: str
    error: float = 0.0


def fitted_for(
    request: Request, grids: Mapping[tuple[str, int, float], Fitted], model: str, asked: Request, defaults: Request
) -> Fitted | None:
    """What was fitted to a resolved request's solver, steps and guidance, if no other grid was asked for; None if
    nothing was.

    asked: what was left open. Where no solver was named, and nothing was fitted to the usual one, it is what ends
    nearest to the truth of what was fitted to others, which is left where the request asks for more than a prompt.
    Where "fitted" was asked for as the grid, what was fitted to the nearest guidance is taken. Otherwise it is left
    where the request asks for what the solver's numbers are not for. Raises InvalidOption if it is asked for by name
    and there is none.
    """
    if asked.grid not in (None, FITTED):
        return None
    named = asked.grid == FITTED
    own = {
        guidance: fitted
        for (solver, steps, guidance), fitted in grids.items()
        if (solver, steps) == (request.solver, request.steps) and not request.eta
    }
    if not own and asked.solver is None and not request.eta and (named or _of_a_prompt(request, defaults)):
        others = [(guidance, one) for (_, steps, guidance), one in grids.items() if steps == request.steps]
        own = dict(sorted(others, key=lambda other: -other[1].error))  # of each guidance the best stays
    scale = float(request.guidance or 0.0)
    if not named:
        fitted = None if request.guidance_methods else own.get(scale)
        left = fitted is not None and _lets_go(request, _named_solver(replace(request, solver=fitted.solver))[1])
        return None if left else fitted
    if own:
        return own[min(own, key=lambda guidance: abs(guidance - scale))]
    eta = f" and eta {request.eta:g}" if request.eta else ""
    known = sorted({(solver, steps) for solver, steps, _ in grids})
    names = ", ".join(f"{solver} with {steps} steps" for solver, steps in known) or "none"
    raise InvalidOption(
        f"The model {model} has no grid fitted to {request.solver} with {request.steps} steps{eta}; fitted are: "
        f"{names}; use one of them, make one with mezzotint fit-grid, or leave out the grid."
    )


def _of_a_prompt(request: Request, defaults: Request) -> bool:
    """Whether a resolved request is drawn as pictures are to which steps are fitted: guided by its prompt alone."""
    others = ("invert", "keep_layout", "style_ref", "image_ref", "structure_ref", "lora", "distilled_guidance")
    usual = defaults.guidance_interval or (0.0, 1.0)
    return request.guidance_interval == usual and not any(getattr(request, name) for name in others)


def solver_of(request: Request) -> tuple[str, Solver[Any]]:
    """The solver of a request: its spec under our own name, and itself, without numbers that do not keep what the
    request holds. Raises InvalidOption."""
    spec, solver = _named_solver(request)
    return spec, Fitted2M() if _lets_go(request, solver) else solver


def _lets_go(request: Request, solver: Solver[Any]) -> bool:
    """Whether a solver would not keep what a request holds, the pixels beside a mask, on their way to less noise, or
    what its parts say: numbers are fitted to the guidance of one prompt."""
    holds = request.mask is not None or request.drawn_around
    parts = bool(request.region or request.region_masks or request.blend or request.blend_images)
    return isinstance(solver, Fitted2M) and not solver.lawful and (holds or parts)


def _named_solver(request: Request) -> tuple[str, Solver[Any]]:
    """The solver that a request names, and its spec."""
    spec = Spec.parse("solver", request.solver)
    record = find_solver(spec.name)
    spec = replace(spec, name=record.name)
    if request.eta is not None:
        if any(key == "eta" for key, _ in spec.options):
            raise InvalidOption(f"eta is {request.eta:g}, and the solver {spec} says it too; give it once.")
        asked = replace(spec, options=(*spec.options, ("eta", request.eta)))
    else:
        asked = spec
    if any(key == "eta" for key, _ in asked.options) and "eta" not in record.describe()["options"]:
        noisy = ", ".join(name for name, other in SOLVERS.items() if "eta" in other.describe()["options"])
        raise InvalidOption(f"The solver {record.name} takes no eta; the solvers that do are {noisy}.")
    types = option_types(record.build, [item.name for item in fields(record.build)])  # type: ignore[arg-type]
    return str(spec), record.make(typed("solver", asked, types))


def shortfalls(request: Request, grid: TimeGrid, schedule: Schedule, still: Callable[[float], bool]) -> tuple[str, ...]:
    """What a drawing's moves leave out of its solver's formula: none, or one sentence. still: as in `shortfall`."""
    spec, solver = _named_solver(request)
    if _lets_go(request, solver):
        return (
            "solver: the numbers of fitted-2m are for one prompt all over a picture, none of which is held; here it "
            "draws as dpmpp-2m does",
        )
    found = shortfall(spec, solver, grid, schedule, still)
    return () if found is None else (found,)


def unsuited(spec: str, solver: Solver[Any], network: object) -> tuple[str, ...]:
    """What there is to say of a solver that is for another kind of network, or of what it leaves out: none, or one
    sentence."""
    if getattr(network, "flow_map", False):
        if getattr(solver, "tell", False):
            return ()
        return (
            f"solver: {spec} does not tell this network to which time it jumps, and takes its predictions for means, "
            "which it did not learn; tcd:gamma=0,tell=true and lcm:tell=true suit it",
        )
    if not isinstance(solver, TCD):
        return ()
    return (
        f"solver: {spec} is for consistency models, whose predictions are the ends of trajectories, and this network's "
        "are means; its pictures come out soft, and dpmpp-2m or unipc-2 suit it",
    )


OF_ONE = frozenset(
    {
        *("prompt", "original_prompt", "negative", "style", "style_start", "n", "seed", "vary"),
        *("model", "batching", "device", "dtype"),
        *("steps", "solver", "grid", "guidance", "guidance_interval", "guidance_methods", "size"),
    }
)
"""Options that mean something where a picture is drawn in one evaluation, or are looked at one by one."""


def check_network(request: Request, model: str, size: tuple[int, int], network: object) -> None:
    """Raises InvalidOption for what a resolved request asks of a network that cannot give it."""
    _check_one_evaluation(request, model, size, network)
    _check_told(request, model, network)


def _check_one_evaluation(request: Request, model: str, size: tuple[int, int], network: object) -> None:
    """Raises InvalidOption for what a resolved request asks of a network that only maps pure noise to pictures.

    Guidance needs an unconditional branch, and every edit a network that can be asked at any noise level.
    """
    if not getattr(network, "one_evaluation", False):
        return
    what = f"the model {model} is a generator that draws in one evaluation from pure noise"
    if request.guidance != 1 or request.guidance_methods:
        methods = "".join(f" and guidance_methods {method}" for method in request.guidance_methods)
        raise InvalidOption(
            f"guidance is {request.guidance:g}{methods}, but {what}, and nothing in it can be guided; leave guidance "
            "out, or take a diffusion model."
        )
    moves = grid_of(request, RectifiedFlow())
    if moves != (Denoise(1.0, 0.0),):
        raise InvalidOption(
            f"steps is {request.steps} and grid {show(request.grid)}, but {what}; leave both out, or set steps to 1."
        )
    if request.size not in (None, size):
        width, height = request.size
        raise InvalidOption(f"size is {width}x{height}, but {what}, of {size[0]}x{size[1]} pixels; leave size out.")
    for item in fields(Request):
        if item.name not in OF_ONE and getattr(request, item.name) not in (item.default, None):
            raise InvalidOption(f"{item.name} is given, but {what}; leave {item.name} out, or take a diffusion model.")


def with_tokens(spec: Spec, tokens: int | None) -> Spec:
    """The spec of a grid that depends on the number of image tokens, with that of the picture unless it says another.

    tokens: None of a network that has none. Raises InvalidOption for options that the grid has not, and where the
    number is missing.
    """
    given = grid_options(spec)
    if "tokens" not in find_grid(spec.name).describe()["options"] or "tokens" in given:
        return spec
    if tokens is None:
        raise InvalidOption(
            f"The grid {spec.name} depends on the number of image tokens, and this network has none; say it, such as "
            f"{spec.name}:tokens=1024, or use shifted:shift=3."
        )
    return replace(spec, options=(*spec.options, ("tokens", tokens)))


def grid_options(spec: Spec) -> dict[str, Any]:
    """The options of a grid. Raises InvalidOption."""
    record = find_grid(spec.name)
    options = typed("grid", spec, option_types(record.build, record.describe()["options"]))
    for name in JUMPS & options.keys():
        integer(f"{name} of the grid {record.name}", options[name], 0, MAX_STEPS)
    return options


def grid_of(request: Request, schedule: Schedule) -> TimeGrid:
    """All moves of the grid of a resolved request, whatever part of them is taken. Raises InvalidOption."""
    if isinstance(request.grid, tuple):
        return from_times(request.grid)
    spec = Spec.parse("grid", request.grid)
    build = find_grid(spec.name).build
    try:
        moves: TimeGrid = build(request.steps, schedule, **grid_options(spec))
    except OverflowError:
        raise InvalidOption(f"The grid {spec} leaves the range of numbers; choose options nearer 1.") from None
    return moves


def grid_name(request: Request, network: object) -> str | tuple[float, ...]:
    """The grid of a request under our own name, with options that it has, or its times. Raises InvalidOption."""
    if isinstance(request.grid, tuple):
        return request.grid
    spec = Spec.parse("grid", request.grid)
    spec = replace(spec, name=find_grid(spec.name).name)
    count = getattr(network, "image_tokens", None)
    return str(with_tokens(spec, None if count is None else count()))


def _check_told(request: Request, model: str, network: object) -> None:
    """Raises InvalidOption for a solver that tells the network to which time it jumps, where that takes none."""
    spec, solver = solver_of(request)
    if getattr(solver, "tell", False) and not getattr(network, "flow_map", False):
        raise InvalidOption(
            f"The solver {spec} tells the network to which time it jumps, and the model {model} is told no such time; "
            "leave out tell, or use dpmpp-2m or unipc-2, which suit it."
        )
