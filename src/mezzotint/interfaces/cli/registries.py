"""`mezzotint solvers`, `grids` and `guidances`: what there is to choose from, read from the registries."""

from collections.abc import Sequence
from typing import Any

import click

from mezzotint.interfaces.cli.options import format_option
from mezzotint.interfaces.cli.output import emit_json


@click.command(short_help="List the solvers, with orders, cost and source.")
@format_option
def solvers(form: str) -> None:
    """List the solvers: how a step is taken. Orders are those of the global error; `docs/solvers.md` measures them."""
    from mezzotint.diffusion.solvers import describe

    _tell(describe(), ("formula_order", "end_to_end_order", "evaluations_per_step", "stochastic"), form)


@click.command(short_help="List the time grids, with options and source.")
@format_option
def grids(form: str) -> None:
    """List the time grids: where the steps lie between noise and picture."""
    from mezzotint.diffusion.timegrid import describe

    _tell(describe(), ("kind", "spaced_in"), form)


@click.command(short_help="List the guidance methods, with cost and source.")
@format_option
def guidances(form: str) -> None:
    """List the guidance methods: rules, which are alternatives, and modifiers, which stack."""
    from mezzotint.diffusion.guidance import describe

    _tell(describe(), ("kind", "evaluations"), form)


def _tell(rows: Sequence[dict[str, Any]], columns: Sequence[str], form: str) -> None:
    """A JSON list, or an aligned table of the name, some columns and the source."""
    if form == "json":
        emit_json(list(rows))
        return
    names = ("name", *columns, "source")
    table = [tuple(name.replace("_", " ") for name in names)]
    table += [tuple(_cell(row[name]) for name in names) for row in rows]
    widths = [max(len(line[i]) for line in table) for i in range(len(names))]
    for line in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
