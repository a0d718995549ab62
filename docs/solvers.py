"""Writes docs/solvers.md from the registry, with the orders as measured when it runs.

python -m docs.solvers            write the page
python -m docs.solvers --check    fail if the page's registry part is not what the registry says
"""

import sys
from pathlib import Path
from typing import Any

import torch

from docs.numbers import filled
from mezzotint.diffusion import SOLVERS, Gaussian, Solver
from mezzotint.diffusion.combinations import ILLEGAL
from mezzotint.diffusion.solvers import describe
from mezzotint.diffusion.timegrid import GRIDS
from mezzotint.diffusion.timegrid import describe as describe_grids
from mezzotint.foreign import PROGRAMS, their_grids
from tests.diffusion.order import SCHEDULES, STEPS, end_to_end_error, exact_denoisers, formula_error, slope
from tests.diffusion.test_combinations import REFUSED
from tests.diffusion.test_stochastic import moment_error

PAGE = Path(__file__).parent / "solvers.md"

INTRODUCTION = """# Solvers and time grids

This page is written by `python -m docs.solvers` from the registry. A solver takes one step from x_t to x_s; a time grid
says which steps. Update formula, paper and equation of each are in the docstring of its class in
`src/mezzotint/diffusion/solvers/`.

An order is how the error falls with the number of steps N, as N^−order. *Formula*: with the history taken from the
exact trajectory, on a grid uniform in the solver's coordinate. *End to end*: as it runs, with its warm-up, on a grid
uniform in sigma/(alpha + sigma). Measured in float64 on the cosine, rectified-flow and EDM schedules, for a Gaussian of
variance 0.25 and a mixture of two components: the lowest and the highest of the six. (Midpoint on the Gaussian
measures 3, since its first error vanishes there.) *Moments*: of a stochastic solver, the order with which mean and
variance reach the true ones on the Gaussian, computed in closed form. *Evaluations* are network forwards a step,
without guidance. *Least steps*: with fewer, no step follows the whole formula, since a memory is still filling, or the
last step, to t = 0, is written from x_0; the stages of a method in sigma/alpha or log-SNR, which are infinite at pure
noise (alpha = 0), begin a step later. `mezzotint imagine` then says so, and `--strict` refuses.
"""


BENCHMARK = """## Few evaluations

![One picture at 4 to 50 evaluations, by solver](images/evaluations.png)

One prompt and one seed; above each column how many evaluations of the guided field may be spent, each of which is two
forwards of the network. Heun takes two a step and one for the last, so that it spends 3, 5 and 7 of 4, 6 and 8. With
many steps, all solvers end at nearly the same picture. With few, dpmpp-2m is nearer to it than ddim and heun, and
nearer still with more of its steps where the noise is strong ("shifted"). unipc-3 lays parabolas through predictions
that guidance makes change much from one step to the next: with fewer than ten it swings too far, and the boat gets
black strokes. A high order gains where steps are small.

Below, the error is the RMS distance to where 1000 steps go from the same noise. Each program draws with the best of
its solvers, grids and options, chosen on other noise than is reported; what it chose is in brackets. All of it is
measured by one command, `python -m benchmarks.solvers`.

<!-- begin solver-benchmark: python -m docs.numbers -->
<!-- end solver-benchmark -->
"""


def span(values: list[float]) -> str:
    return f"{min(values):.2f} – {max(values):.2f}"


def measured(solver: Solver[Any]) -> tuple[str, str, str]:
    """Formula order, end-to-end order and moment order, as text."""
    if solver.order is None:
        if not solver.stochastic:
            return "", "", ""
        orders = []
        for schedule in SCHEDULES.values():
            exact = Gaussian(schedule, 0.3, 0.25)
            orders.append(slope([moment_error(solver, exact, steps) for steps in (40, 80)], (40, 80)))
        return "", "", span(orders)
    formula, whole = [], []
    for schedule in SCHEDULES.values():
        for exact in exact_denoisers(schedule).values():
            formula.append(slope([formula_error(solver, exact, steps) for steps in STEPS], STEPS))
            whole.append(slope([end_to_end_error(solver, exact, steps) for steps in STEPS], STEPS))
    return span(formula), span(whole), ""


def evaluations(line: dict[str, Any]) -> str:
    each = line["evaluations_per_step"]
    if each is None:
        return "by tolerance"
    first, noise = line["evaluations_of_first_steps"], line["evaluations_from_pure_noise"]
    text = f"{each}, first {', '.join(map(str, first))}" if first else str(each)
    return text if noise == first else f"{text}; from pure noise {', '.join(map(str, noise or [each]))} first"


def least(line: dict[str, Any]) -> str:
    steps, noise = line["least_steps"], line["least_steps_from_pure_noise"]
    return str(steps) if steps == noise else f"{steps}, from pure noise {noise}"


def solver_rows(measure: bool) -> list[str]:
    rows = []
    for line in describe():
        solver = SOLVERS[line["name"]].make()
        # flow maps have no order of their own: with an exact network they are exact
        found = measured(solver) if measure and line["name"] not in ("lcm", "tcd") else ("", "", "")
        declared = [str(line[key] or "") for key in ("formula_order", "end_to_end_order")]
        same = f" (same map as {line['same_as']})" if line["same_as"] else ""
        aliases = f" ({', '.join(line['aliases'])})" if line["aliases"] else ""
        cells = [
            f"`{line['name']}`{aliases}{same}",
            declared[0],
            found[0],
            declared[1],
            found[1],
            "yes" if line["stochastic"] else "",
            found[2],
            evaluations(line),
            least(line),
            line["coordinate"],
            ", ".join(f"{k}={v}" for k, v in line["options"].items()),
            line["source"],
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def grid_rows() -> list[str]:
    return [
        f"| `{line['name']}`{' (' + ', '.join(line['aliases']) + ')' if line['aliases'] else ''} | {line['kind']} | "
        f"{line['spaced_in']} | {', '.join(f'{k}={v}' for k, v in line['options'].items())} | {line['source']} |"
        for line in describe_grids()
    ]


def refused_rows() -> list[str]:
    """Every entry of the list, with what it says of one combination."""
    return [f"| {name} | {refuse(REFUSED[name])} |" for name, refuse in ILLEGAL.items()]


def name_rows() -> list[str]:
    rows = []
    for program, table in PROGRAMS.items():
        for name, entry in table.solvers.items():
            if program == "a1111" and entry.grid is not None and name.endswith(tuple(table.grids)):
                continue  # names with a grid behind them are the same again
            options = ", ".join(f"{k}={v}" for k, v in entry.options.items())
            more = "".join(f", `{part}`" for part in (entry.grid, entry.guidance) if part)
            rows.append(f"| {program} | {name} | `{entry.solver}`{more} | {options} | {entry.differs} |")
        for name, reason in table.no_solvers.items():
            rows.append(f"| {program} | {name} | none | | {reason} |")
    return rows


def grid_name_rows() -> list[str]:
    rows = []
    for program, table in PROGRAMS.items():
        for name, entry in table.grids.items():
            rows.append(f"| {program} | {name} | `{entry.grid}` | {entry.differs} |")
        for name, reason in table.no_grids.items():
            rows.append(f"| {program} | {name} | none | {reason} |")
    return rows


def grid_reverse_rows() -> list[str]:
    """The same the other way: our grids, and what each program calls them."""
    rows = []
    for name in GRIDS:
        cells = [", ".join(their_grids(program, name)) for program in PROGRAMS]
        if any(cells):
            rows.append(f"| `{name}` | {' | '.join(cells)} |")
    return rows


def page(measure: bool = True) -> str:
    parts = [
        INTRODUCTION,
        "## Solvers\n",
        "| name | formula | measured | end to end | measured | stochastic | moments | evaluations "
        "| least steps | coordinate | options | source |\n"
        + "|---" * 12
        + "|\n"
        + "\n".join(solver_rows(measure))
        + "\n",
        "## Time grids\n",
        "`mezzotint fit-grid` makes one more, from a model's own trajectories: see "
        "[Drawing](drawing.md#fitting-a-time-grid).\n",
        "| name | kind | spaced in | options | source |\n|---|---|---|---|---|\n" + "\n".join(grid_rows()) + "\n",
        "## Combinations that are refused\n",
        "Every solver runs on every falling and jumping grid, schedule and kind of network, except for what is listed "
        "here (`mezzotint.diffusion.combinations`). It is refused before the network is asked, in a sentence that says "
        "what is legal instead. Three more depend on what a network takes, and are refused with the request: a solver "
        "that tells its target time (`tell=true`) to a network that takes none, anything but one step from pure noise "
        "of a generator, and `rescale:target=eps` at alpha = 0. Which guidances go together: see "
        "[Guidance](guidance.md).\n",
        "| what | what is said, for example |\n|---|---|\n" + "\n".join(refused_rows()) + "\n",
        "## What other programs call them\n",
        "Who asks for a solver or a grid by such a name is told ours. In AUTOMATIC1111 a solver's name may end in a "
        'grid ("DPM++ 2M Karras"). What differs is said of a chain of 1000 noise levels, such as Stable Diffusion\'s, '
        "unless it names rectified flow.\n",
        "| program | its name | ours | options | difference |\n|---|---|---|---|---|\n" + "\n".join(name_rows()) + "\n",
        "| program | its name | our grid | difference |\n|---|---|---|---|\n" + "\n".join(grid_name_rows()) + "\n",
        f"| our grid | {' | '.join(PROGRAMS)} |\n{'|---' * (1 + len(PROGRAMS))}|\n"
        + "\n".join(grid_reverse_rows())
        + "\n",
        filled(BENCHMARK),
    ]
    return "\n".join(parts)


def plain(text: str) -> list[list[str]]:
    """The page's rows without the measured cells, which differ in the last digit between machines."""
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [[cell for i, cell in enumerate(row) if len(row) != 12 or i not in (2, 4, 6)] for row in rows]


def main() -> None:
    torch.set_num_threads(1)
    if "--check" in sys.argv:
        if plain(PAGE.read_text()) != plain(page(measure=False)):
            sys.exit("docs/solvers.md is not what the registry says; run python -m docs.solvers")
        return
    PAGE.write_text(page())
    print(f"wrote {PAGE.name}")


if __name__ == "__main__":
    main()
