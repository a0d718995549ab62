"""What a solver is: a frozen object that takes one step, with its memory passed in and out.

Every step has the form x_s = alpha_s x_0 + sigma_s eps_for_update plus corrections of higher order, for any
(alpha, sigma). A solver never sees s = 0; the loop writes that step from x_0.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from torch import Tensor

from mezzotint.diffusion.denoiser import BoundDenoiser
from mezzotint.diffusion.noise import Noise
from mezzotint.errors import InvalidOption, unknown_option
from mezzotint.foreign import PROGRAMS, their_solvers

__all__ = ["Order", "Ramp", "Solver", "SolverRecord", "least_moves"]

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Order:
    """How the global error falls with the step size h, as h^order.

    formula: with the history taken from the exact trajectory, on a grid uniform in the solver's coordinate.
    end_to_end: with the warm-up that it really does.
    """

    formula: int
    end_to_end: int


@dataclass(frozen=True, slots=True)
class Ramp:
    """How many first steps do not yet follow the whole formula: those that a memory takes to fill.

    steps: from a start at alpha > 0. from_pure_noise: from alpha = 0, where a step with stages in log-SNR or
    sigma/alpha, which are infinite there, is DDIM's. Of these, the first `ddim` are DDIM's, if no noise is drawn, and
    so is one from alpha = 0 that is taken besides.
    """

    steps: int = 0
    from_pure_noise: int = 0
    ddim: int = 1


def memory(past: int) -> Ramp:
    """The ramp of a method that needs `past` earlier predictions; one made at alpha = 0 counts."""
    return Ramp(past, past)


class Solver(Protocol[State]):
    """Takes one step from t to s. Frozen; what it must remember is in its state."""

    @property
    def order(self) -> Order | None:
        """None where the notion does not apply: stochastic solvers, flow maps, adaptive steps."""
        ...

    @property
    def stochastic(self) -> bool:
        """Whether a step draws noise."""
        ...

    @property
    def coordinate(self) -> str:
        """The variable that the formula integrates in, a name in `coordinate.COORDINATES`, or "auto"."""
        ...

    @property
    def ramp(self) -> Ramp | None:
        """The first steps that are of lower order. None for methods that are whole in every step and of one evaluation:
        the step written from x_0 is theirs too."""
        ...

    def init(self, x: Tensor) -> State:
        """The state before the first step from x."""
        ...

    def step(
        self, denoise: BoundDenoiser, x: Tensor, t: Tensor, s: Tensor, state: State, noise: Noise
    ) -> tuple[Tensor, State]:
        """x at time s, from x (B, ...) at time t; t, s > 0 are float64 scalars."""
        ...


def least_moves(solver: Solver[Any], *, pure_noise: bool) -> int:
    """From how many moves on, the last one to t = 0, a solver takes at least one step of its whole formula.

    That is its ramp, one such step, and the last move, which the loop writes from x_0; on any grid.
    pure_noise: it starts at alpha = 0.
    """
    if solver.ramp is None:
        return 1
    return (solver.ramp.from_pure_noise if pure_noise else solver.ramp.steps) + 2


@dataclass(frozen=True, slots=True)
class SolverRecord:
    """A line of the registry.

    build: the solver's class; its fields are its options. evaluations: predictions per step, without guidance; None if
    that depends on the picture (with a fixed point only on the way up; down it is one). warm_up: those of the first
    steps, where they differ; from_pure_noise: those of the first steps from alpha = 0, where they differ from these.
    source: paper and equation. options: what this name sets; others may be given to `make`. same_as: the name (and
    options) of the same update map on falling grids.
    """

    name: str
    build: Callable[..., Solver[Any]]
    evaluations: int | None
    source: str
    aliases: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    warm_up: tuple[int, ...] = ()
    from_pure_noise: tuple[int, ...] | None = None
    same_as: str | None = None

    def make(self, options: Mapping[str, Any] | None = None) -> Solver[Any]:
        """The solver with these options. Raises InvalidOption for one that it does not have or a value out of range."""
        options = {**self.options, **(options or {})}
        allowed = [item.name for item in fields(self.build)]  # type: ignore[arg-type]
        for name in options:
            if name not in allowed:
                raise unknown_option(f"The solver {self.name}", name, allowed)
        return self.build(**options)

    def describe(self) -> dict[str, Any]:
        """This line as plain data: what `mezzotint solvers --format json` prints."""
        solver = self.make()
        return {
            "name": self.name,
            "aliases": list(self.aliases),
            "formula_order": solver.order.formula if solver.order else None,
            "end_to_end_order": solver.order.end_to_end if solver.order else None,
            "stochastic": solver.stochastic,
            "evaluations_per_step": self.evaluations,
            "evaluations_of_first_steps": list(self.warm_up),
            "evaluations_from_pure_noise": list(self.warm_up if self.from_pure_noise is None else self.from_pure_noise),
            "least_steps": least_moves(solver, pure_noise=False),
            "least_steps_from_pure_noise": least_moves(solver, pure_noise=True),
            "coordinate": solver.coordinate,
            "options": {item.name: getattr(solver, item.name) for item in fields(self.build)},  # type: ignore[arg-type]
            "same_as": self.same_as,
            "elsewhere": {program: list(names) for program in PROGRAMS if (names := their_solvers(program, self.name))},
            "source": self.source,
        }


def check_share(name: str, value: float) -> None:
    """Raises InvalidOption unless value is a number in [0, 1]."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and 0 <= value <= 1):
        raise InvalidOption(f"The option {name} must be between 0 and 1, not {value!r}.")


def check_falling(falling: bool) -> None:
    """Raises InvalidOption for a step to more noise, from a solver that would have to add noise in it."""
    if not falling:
        raise InvalidOption(
            "A stochastic solver only goes from noisy to clean times; use a deterministic solver for inversion."
        )


def check_order(value: int, allowed: Collection[int]) -> None:
    """Raises InvalidOption unless value is one of the orders that a solver has."""
    if type(value) is not int or value not in allowed:
        raise InvalidOption(f"The order of this solver must be one of {', '.join(map(str, allowed))}, not {value!r}.")
