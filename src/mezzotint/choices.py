"""From the specs in a request to the solver and the grid that they name."""

from dataclasses import fields, replace
from typing import Any

from mezzotint.diffusion.solvers import Solver, find_solver
from mezzotint.diffusion.timegrid import find_grid
from mezzotint.errors import InvalidOption
from mezzotint.options import MAX_STEPS
from mezzotint.request import Request
from mezzotint.spec import Spec, option_types, typed
from mezzotint.values import integer

__all__ = ["grid_options", "solver_of"]

JUMPS = frozenset({"inner", "length", "times"})
"""Options of grids that multiply their steps."""


def solver_of(request: Request) -> tuple[str, Solver[Any]]:
    """The solver of a request: its spec under our own name, and itself. Raises InvalidOption."""
    spec = Spec.parse("solver", request.solver)
    record = find_solver(spec.name)
    spec = replace(spec, name=record.name)
    if request.eta is not None:
        if any(key == "eta" for key, _ in spec.options):
            raise InvalidOption(f"eta is {request.eta:g}, and the solver {spec} says it too; give it once.")
        asked = replace(spec, options=(*spec.options, ("eta", request.eta)))
    else:
        asked = spec
    types = option_types(record.build, [item.name for item in fields(record.build)])  # type: ignore[arg-type]
    return str(spec), record.make(typed("solver", asked, types))


def grid_options(spec: Spec) -> dict[str, Any]:
    """The options of a grid. Raises InvalidOption."""
    record = find_grid(spec.name)
    options = typed("grid", spec, option_types(record.build, record.describe()["options"]))
    for name in JUMPS & options.keys():
        integer(f"{name} of the grid {record.name}", options[name], 0, MAX_STEPS)
    return options
