"""Too few steps for an order: known before a picture is drawn, from the solver, the grid and where it starts."""

from collections.abc import Callable, Iterator
from typing import Any

from mezzotint.diffusion.schedule import Schedule
from mezzotint.diffusion.solvers.base import Ramp, Solver, least_moves
from mezzotint.diffusion.solvers.fitted import Fitted2M
from mezzotint.diffusion.timegrid import Denoise, TimeGrid

__all__ = ["shortfall"]


def shortfall(
    name: str,
    solver: Solver[Any],
    grid: TimeGrid,
    schedule: Schedule,
    still: Callable[[float], bool] = lambda _: False,
) -> str | None:
    """What is lost where no step of a grid follows a solver's whole formula (`least_moves`); None where one does.

    A Renoise starts the solver anew, so that only the moves between two of them count. So it is with numbers that were
    fitted to other times or another number of steps, or are missing. still: from which times a rule of guidance moves
    nothing; a deterministic solver begins after those (`sample`).
    """
    idle = 0 if solver.stochastic else sum(isinstance(move, Denoise) and still(move.t) for move in grid)
    moving = grid if not idle else tuple(move for move in grid if not (isinstance(move, Denoise) and still(move.t)))
    if isinstance(solver, Fitted2M) and (solver.steps or len(moving) > 2):
        return _of_numbers(solver, moving, idle)
    worst: tuple[int, str] | None = None
    for run in _runs(moving):
        found = _of_run(name, solver, run, schedule, idle)
        if found is None:
            return None
        worst = max(worst or found, found)
    return worst[1] if worst else None


def _of_numbers(solver: Fitted2M, grid: TimeGrid, idle: int) -> str | None:
    """What is lost of numbers that were fitted. The last move takes x_0, and may be from any time. idle: how many moves
    there are besides, in which nothing moves."""
    own = [move for move in grid if isinstance(move, Denoise) and move.s > 0]
    if solver.steps and solver.times:
        if idle:
            return (
                f"solver: fitted-2m has numbers for {solver.steps} steps, and in {idle} of the {idle + len(grid)} here "
                "the guidance moves nothing"
            )
        spare = sum(solver.place(move.t, move.s, 0) is None for move in own)
        some = f"for other times than those of {spare} of the {len(grid)} steps here, drawn as dpmpp-2m draws them"
        return f"solver: fitted-2m has numbers {some}" if spare else None
    if not solver.steps:
        return "solver: fitted-2m has no numbers here, so it draws as dpmpp-2m does; mezzotint fit-grid finds them"
    if solver.steps != len(own) + 1:
        here = f"{len(grid)}{_beside(idle)}".rstrip(",")
        return f"solver: fitted-2m has numbers for {solver.steps} steps, and here are {here}"
    return None


def _runs(grid: TimeGrid) -> Iterator[tuple[Denoise, ...]]:
    """The moves of the solver between two jumps."""
    run: tuple[Denoise, ...] = ()
    for move in grid:
        if isinstance(move, Denoise):
            run = (*run, move)
        elif run:
            yield run
            run = ()
    if run:
        yield run


def _beside(idle: int) -> str:
    return f", beside {idle} in which the guidance moves nothing," if idle else ""


def _of_run(
    name: str, solver: Solver[Any], run: tuple[Denoise, ...], schedule: Schedule, idle: int
) -> tuple[int, str] | None:
    """The steps and the sentence of a run that is too short."""
    pure_noise = float(schedule(run[0].t).alpha) == 0
    least, to_data = least_moves(solver, pure_noise=pure_noise), run[-1].s == 0
    own = len(run) - to_data  # the loop writes the step to t = 0
    if own >= least - 1:
        return None
    ramp = solver.ramp
    assert ramp is not None, "a solver without a ramp takes one step or more"
    order = solver.order
    goal = f"be of order {order.formula}" if order and order.formula > 1 else "use its whole formula"
    where = (" from pure noise" if pure_noise else "") + ("" if to_data else " in a row")
    return own, (
        f"solver: {name} takes {least - (not to_data)} steps or more{where} to {goal}; with {len(run)}{_beside(idle)} "
        f"{_instead(solver, ramp, own, pure_noise)}"
    )


def _instead(solver: Solver[Any], ramp: Ramp, own: int, pure_noise: bool) -> str:
    plain = min(ramp.steps, ramp.ddim) + (ramp.from_pure_noise - ramp.steps if pure_noise else 0)
    if own > plain:
        return "its order is lower"
    return "its steps are of first order" if solver.stochastic else "it draws as ddim does"
