"""What a table of another program's names is made of: plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mezzotint.spec import Spec, Value

__all__ = ["Entry", "GridEntry", "Program"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One of our solvers with options, and a time grid or a guidance rule where the name includes one.

    scale: what their guidance is multiplied with, where the rule counts otherwise.
    """

    solver: str
    options: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    grid: str | None = None
    guidance: str | None = None
    differs: str = ""
    scale: float = 1.0

    @property
    def spec(self) -> str:
        """The solver with its options, as one would ask for it."""
        return str(Spec(self.solver, tuple(self.options.items())))

    def said(self) -> str:
        """This in our words."""
        text = f"solver {self.spec}" + (f" with grid {self.grid}" if self.grid else "")
        return text + (f" and guidance method {self.guidance}" if self.guidance else "")


@dataclass(frozen=True, slots=True)
class GridEntry:
    """One of our time grids."""

    grid: str
    differs: str = ""

    def said(self) -> str:
        """This in our words."""
        return f"grid {self.grid}"


@dataclass(frozen=True, slots=True)
class Program:
    """Another program: its title; its names of solvers and of grids -> ours; those without one -> the reason."""

    title: str
    solvers: Mapping[str, Entry]
    grids: Mapping[str, GridEntry]
    no_solvers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    no_grids: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
