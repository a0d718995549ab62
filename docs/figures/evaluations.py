"""One picture at every budget of evaluations, by solver."""

from PIL import Image

from benchmarks.solver_runs import BUDGETS, steps_for
from docs.figures.desk import Desk
from docs.figures.page import picture, table

SIDE = 128
PROMPT, SEED = "a sailboat", 1
ROWS = (
    *(("ddim", "uniform"), ("heun", "uniform"), ("dpmpp-2m", "uniform"), ("unipc-3", "uniform")),
    *(("dpmpp-2m", "shifted"), ("unipc-3", "shifted")),
)
"""Solver and grid of each row."""


def evaluations(desk: Desk) -> Image.Image:
    """One prompt and one seed: rows by solver and grid, columns by evaluations of the guided field."""
    rows = [
        [
            picture(desk.draw(PROMPT, SEED, solver=solver, grid=grid, steps=steps_for(solver, budget)), SIDE)
            for budget in BUDGETS
        ]
        for solver, grid in ROWS
    ]
    left = [solver if grid == "uniform" else f"{solver}\n{grid}" for solver, grid in ROWS]
    return table(rows, above=[str(budget) for budget in BUDGETS], left=left, framed=False)
