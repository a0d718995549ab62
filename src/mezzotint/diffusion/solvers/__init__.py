"""The solvers. A new one is a file with a RECORD, and a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from mezzotint.diffusion.solvers import ddim, ddpm, dpmpp, euler, heun
from mezzotint.diffusion.solvers.base import Order, Solver, SolverRecord
from mezzotint.errors import unknown_name

__all__ = ["SOLVERS", "Order", "Solver", "SolverRecord", "find_solver"]

_RECORDS = (
    ddim.RECORD,
    ddpm.RECORD,
    dpmpp.RECORD,
    euler.RECORD,
    heun.RECORD,
)

SOLVERS: Mapping[str, SolverRecord] = MappingProxyType({record.name: record for record in _RECORDS})


def find_solver(name: str) -> SolverRecord:
    """The record of this name or alias, whatever its case. Raises InvalidOption with the nearest names."""
    names = {known: record for record in _RECORDS for known in (record.name, *record.aliases)}
    if name.lower() not in names:
        raise unknown_name("solver", name, names)
    return names[name.lower()]
