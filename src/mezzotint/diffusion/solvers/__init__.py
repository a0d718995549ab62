"""The solvers. A new one is a file with its RECORDS, and a line here."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from mezzotint.diffusion.solvers.base import Order, Solver, SolverRecord
from mezzotint.errors import unknown_name
from mezzotint.foreign import counterpart

__all__ = ["SOLVERS", "Order", "Solver", "SolverRecord", "describe", "find_solver"]

_FILES = (
    "adams",
    "adaptive",
    "ancestral",
    "consistency",
    "ddim",
    "ddpm",
    "deis",
    "dpmpp",
    "er_sde",
    "euler",
    "fitted",
    "fixed_point",
    "heun",
    "midpoint",
    "pndm",
    "seeds",
    "singlestep",
    "unipc",
)
_RECORDS: list[SolverRecord] = [record for name in _FILES for record in import_module(f"{__name__}.{name}").RECORDS]

SOLVERS: Mapping[str, SolverRecord] = MappingProxyType(
    {record.name: record for record in sorted(_RECORDS, key=lambda record: record.name)}
)


def find_solver(name: str) -> SolverRecord:
    """The record of this name or alias, whatever its case.

    Raises InvalidOption with the nearest names, or with what it is here if it is another program's name.
    """
    names = {known: record for record in SOLVERS.values() for known in (record.name, *record.aliases)}
    if name.lower() not in names:
        raise unknown_name("solver", name, names, counterpart(name))
    return names[name.lower()]


def describe() -> list[dict[str, Any]]:
    """All solvers as plain data, sorted by name; what each key means is said in `SolverRecord`."""
    return [record.describe() for record in SOLVERS.values()]
