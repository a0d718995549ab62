"""`mezzotint solvers`, `grids`, `guidances` read the registries, whole."""

import pytest

from mezzotint.diffusion import guidance, solvers, timegrid
from tests.interfaces.conftest import Run, parsed


@pytest.mark.parametrize(("verb", "module"), [("solvers", solvers), ("grids", timegrid), ("guidances", guidance)])
def test_every_entry_is_listed(run: Run, verb: str, module: object) -> None:
    entries = module.describe()  # type: ignore[attr-defined]
    found = parsed(run(verb, "--format", "json"))
    assert [row["name"] for row in found] == [entry["name"] for entry in entries]
    assert all(row["source"] for row in found)
    lines = run(verb).stdout.splitlines()
    assert lines[0].startswith("name")
    assert [line.split()[0] for line in lines[1:]] == [entry["name"] for entry in entries]


def test_a_solver_says_what_it_costs_and_how_good_it_is(run: Run) -> None:
    rows = {row["name"]: row for row in parsed(run("solvers", "--format", "json"))}
    heun = rows["heun"]
    assert (heun["formula_order"], heun["end_to_end_order"], heun["evaluations_per_step"]) == (2, 2, 2)
    assert heun["elsewhere"]["diffusers"] == ["HeunDiscreteScheduler", "FlowMatchHeunDiscreteScheduler"]
    assert heun["elsewhere"]["a1111"] == ["Heun"]
    assert rows["ddpm"]["stochastic"] is True
    assert rows["ddpm"]["formula_order"] is None
