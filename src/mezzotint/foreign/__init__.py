"""What other programs call our solvers and time grids, both ways: plain data, one file a program.

Their names may fix options of ours, a guidance rule, and in AUTOMATIC1111's a time grid too ("DPM++ 2M Karras"). A
solver or grid is listed where ours is the same, or so near that `differs` can say what is not. Names that have no
counterpart here are listed too, with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from mezzotint.errors import InvalidOption, unknown_name
from mezzotint.foreign.a1111 import A1111
from mezzotint.foreign.comfyui import COMFYUI
from mezzotint.foreign.diffusers import DIFFUSERS
from mezzotint.foreign.entry import Entry, GridEntry, Program
from mezzotint.foreign.invokeai import INVOKEAI
from mezzotint.foreign.novelai import NOVELAI

__all__ = [
    "PROGRAMS",
    "Entry",
    "GridEntry",
    "Program",
    "Reading",
    "counterpart",
    "grid_counterpart",
    "our_grid",
    "ours",
    "reading",
    "their_grids",
    "their_solvers",
    "theirs",
]

PROGRAMS: Mapping[str, Program] = MappingProxyType(
    {"a1111": A1111, "comfyui": COMFYUI, "diffusers": DIFFUSERS, "invokeai": INVOKEAI, "novelai": NOVELAI}
)
_Found = TypeVar("_Found")


def _program(program: str) -> Program:
    if program not in PROGRAMS:
        raise unknown_name("program", program, PROGRAMS)
    return PROGRAMS[program]


def _folded(name: str) -> str:
    return " ".join(name.split()).lower()


def _find(name: str, table: Mapping[str, _Found]) -> tuple[str, _Found] | None:
    """The line of a table with this name, whatever its case and blanks; of "option=value" the value is enough."""
    wanted = _folded(name)
    lines = ((known, value) for known, value in table.items())
    return next((line for line in lines if wanted in (_folded(line[0]), _folded(line[0].rpartition("=")[2]))), None)


def _none_here(program: Program, name: str, absent: Mapping[str, str]) -> str | None:
    """The sentence that there is no counterpart, if that is listed."""
    line = _find(name, absent)
    return f"{line[0]} of {program.title} has no counterpart here: {line[1]}." if line else None


def _known(kind: str, program: str, name: str, known: Mapping[str, _Found], absent: Mapping[str, str]) -> _Found:
    line = _find(name, known)
    if line:
        return line[1]
    if sentence := _none_here(PROGRAMS[program], name, absent):
        raise InvalidOption(sentence)
    raise unknown_name(f"{kind} of {program}", name, known)


def ours(program: str, name: str) -> Entry:
    """What another program's name of a solver is here, whatever its case.

    Raises InvalidOption for a program or a name that is not listed, with the nearest ones, and for a name that has no
    counterpart here, with the reason.
    """
    table = _program(program)
    return _known("solver", program, name, table.solvers, table.no_solvers)


def our_grid(program: str, name: str) -> GridEntry:
    """The same for a time grid."""
    table = _program(program)
    return _known("grid", program, name, table.grids, table.no_grids)


def theirs(
    program: str,
    solver: str,
    grid: str | None = None,
    options: Mapping[str, Any] | None = None,
    guidance: str | None = None,
) -> tuple[str, ...]:
    """The other program's names for our solver with these options, grid and guidance rule; empty if it has none."""
    wanted = (solver, grid, guidance, dict(options or {}))
    return tuple(
        name
        for name, entry in _program(program).solvers.items()
        if (entry.solver, entry.grid, entry.guidance, dict(entry.options)) == wanted
    )


def their_solvers(program: str, solver: str) -> tuple[str, ...]:
    """The other program's names for our solver with any options, without a grid or guidance; empty if it has none.

    Raises InvalidOption for a program that is not listed.
    """
    entries = _program(program).solvers.items()
    return tuple(name for name, one in entries if one.solver == solver and one.grid is None and one.guidance is None)


def their_grids(program: str, grid: str) -> tuple[str, ...]:
    """The other program's names for our time grid; empty if it has none. `our_grid` of each is this grid again.

    Raises InvalidOption for a program that is not listed.
    """
    return tuple(name for name, entry in _program(program).grids.items() if entry.grid == grid)


def _told(program: Program, entry: Entry | GridEntry) -> str:
    if not entry.differs:
        return f"in {program.title} that is what {entry.said()} is here."
    return f"in {program.title} that is nearly what {entry.said()} is here: {entry.differs}."


def counterpart(name: str) -> str | None:
    """What to say to someone who asks here for another program's solver; None if no program has one of that name."""
    for program in PROGRAMS.values():
        if line := _find(name, program.solvers):
            return _told(program, line[1])
        if sentence := _none_here(program, name, program.no_solvers):
            return sentence
    return None


def grid_counterpart(name: str) -> str | None:
    """The same for a time grid."""
    for program in PROGRAMS.values():
        if line := _find(name, program.grids):
            return _told(program, line[1])
        if sentence := _none_here(program, name, program.no_grids):
            return sentence
    return None


@dataclass(frozen=True, slots=True)
class Reading:
    """Another program's settings in our words.

    here: name of our option -> its value here. differs: "solver" or "grid" -> how theirs differs, or why there is none.
    scale: what their guidance is multiplied with here.
    """

    here: Mapping[str, str]
    differs: Mapping[str, str]
    scale: float = 1.0


def reading(program: str, solver: str | None, grid: str | None) -> Reading:
    """What a picture's solver and grid are here. Names that are not listed are left out.

    Raises InvalidOption for a program that is not listed.
    """
    table = _program(program)
    here: dict[str, str] = {}
    differs: dict[str, str] = {}
    scale = 1.0
    if line := _find(solver or "", table.solvers):
        entry = line[1]
        scale = entry.scale
        found = {"solver": entry.spec, "grid": entry.grid, "guidance_methods": entry.guidance}
        here = {option: value for option, value in found.items() if value is not None}
        differs["solver"] = entry.differs
    elif sentence := _none_here(table, solver or "", table.no_solvers):
        differs["solver"] = sentence.removesuffix(".")
    # a grid in the solver's name goes before
    if "grid" not in here and (spaced := _find(grid or "", table.grids)):
        here["grid"], differs["grid"] = spaced[1].grid, spaced[1].differs
    elif "grid" not in here and (sentence := _none_here(table, grid or "", table.no_grids)):
        differs["grid"] = sentence.removesuffix(".")
    return Reading(here, {name: text for name, text in differs.items() if text}, scale)
