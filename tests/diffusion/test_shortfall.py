"""From how many steps on a solver is of its order: declared, and measured against the method of one order less."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    DDIM,
    SOLVERS,
    Bound,
    GaussianMixture,
    PhiloxNoise,
    RectifiedFlow,
    Solver,
    from_times,
    sample,
)
from mezzotint.diffusion.shortfall import shortfall
from mezzotint.diffusion.solvers.adams import IPNDM, LMS
from mezzotint.diffusion.solvers.ancestral import DPM2Ancestral, DPMpp2SAncestral
from mezzotint.diffusion.solvers.base import least_moves
from mezzotint.diffusion.solvers.deis import DEIS
from mezzotint.diffusion.solvers.dpmpp import DPMpp2MSDE, DPMpp3MSDE
from mezzotint.diffusion.solvers.er_sde import ERSDE
from mezzotint.diffusion.solvers.euler import Euler
from mezzotint.diffusion.solvers.fitted import Fitted2M
from mezzotint.diffusion.solvers.pndm import PNDM
from mezzotint.diffusion.solvers.seeds import SEEDS, DPMppSDE
from mezzotint.diffusion.solvers.singlestep import RESMultistep
from mezzotint.diffusion.solvers.unipc import SASolver, UniPC
from mezzotint.diffusion.timegrid import first_part, last_part, repaint, restart, times_of, uniform

from .order import float64

FLOW = RectifiedFlow()
MIXTURE = GaussianMixture(FLOW, float64([[-1.0], [0.6]]), float64([0.05, 0.1]), float64([0.4, 0.6]))
X = torch.linspace(-1.5, 1.5, 8, dtype=torch.float64)[:, None]

NOISELESS: dict[str, Solver[Any]] = {
    "dpm-2-ancestral": DPM2Ancestral(0.0),
    "dpmpp-2m-sde": DPMpp2MSDE(0.0),
    "dpmpp-2m-sde-heun": DPMpp2MSDE(0.0, "heun"),
    "dpmpp-2s-ancestral": DPMpp2SAncestral(0.0),
    "dpmpp-3m-sde": DPMpp3MSDE(0.0),
    "dpmpp-sde": DPMppSDE(0.0),
    "er-sde-2": ERSDE(2, "ode"),
    "er-sde-3": ERSDE(3, "ode"),
    "sa-solver": SASolver(tau=0.0),
    "seeds-2": SEEDS(2, 0.0),
    "seeds-3": SEEDS(3, 0.0),
}
"""Solvers that draw noise, without it: their memory is the same."""


class Shorter(UniPC):
    """UniPC whose corrector has one node less, and so the order of its predictor."""

    def step(self, denoise: Any, x: Tensor, t: Tensor, s: Tensor, state: Any, noise: Any) -> Any:
        state = state and replace(state, past=state.past[: self.predictor_order - 1])
        return UniPC.step(self, denoise, x, t, s, state, noise)


LOWER: dict[str, Solver[Any]] = {
    "deis-3": DEIS(2),
    "dpmpp-3m": RESMultistep(),
    "dpmpp-3m-sde": RESMultistep(),
    "er-sde-3": ERSDE(2, "ode"),
    "ipndm-3": IPNDM(2),
    "ipndm-4": IPNDM(3),
    "lms": LMS(3),
    "sa-solver": SASolver(tau=0.0, corrector_order=3),
    "unipc-2": Shorter(2),
    "unipc-2-bh1": Shorter(2, "bh1"),
    "unipc-3": Shorter(3),
}
"""The same method with one prediction less; that of all others is DDIM."""
RAMPED = {name: record.make() for name, record in SOLVERS.items() if record.make().ramp is not None}


def drawn(solver: Solver[Any], moves: int, start: float) -> Tensor:
    # unequal steps: on equal ones methods may agree by accident
    grid = from_times([start * (1 - (i / moves) ** 1.3) for i in range(moves + 1)])
    *_, last = sample(Bound(MIXTURE, {}), X, grid, solver, PhiloxNoise(range(8)))
    return last.x


def apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max())


@pytest.mark.parametrize("start", [1.0, 0.9])
@pytest.mark.parametrize("name", RAMPED)
def test_the_least_number_of_steps_is_where_the_order_begins(name: str, start: float) -> None:
    """With one move fewer it draws as the method of lower order, to rounding; with that number it does not."""
    solver, lower = NOISELESS.get(name, RAMPED[name]), LOWER.get(name, DDIM())
    assert solver.ramp == RAMPED[name].ramp
    least = least_moves(solver, pure_noise=start == 1)
    if name == "plms":
        # its first step has two evaluations, except from pure noise
        lower = IPNDM(3) if start == 1 else DDIM()
        least = least if start == 1 else 2
    for moves in range(1, least):
        assert apart(drawn(solver, moves, start), drawn(lower, moves, start)) < 1e-9, moves
    for moves in (least, least + 1):
        assert apart(drawn(solver, moves, start), drawn(lower, moves, start)) > 1e-6


@pytest.mark.parametrize("name", sorted(SOLVERS.keys() - {"fitted-2m"}))
def test_what_is_said_to_draw_as_ddim_does(name: str) -> None:
    solver = SOLVERS[name].make()
    for start in (1.0, 0.9):
        least = least_moves(solver, pure_noise=start == 1)
        for moves in range(1, 7):
            said = shortfall(name, solver, uniform(moves, FLOW, start=start), FLOW)
            assert (said is None) == (moves >= least)
            if said and said.endswith("it draws as ddim does"):
                assert apart(drawn(solver, moves, start), drawn(DDIM(), moves, start)) < 1e-9
            elif said and not solver.stochastic and name != "plms":
                assert apart(drawn(solver, moves, start), drawn(DDIM(), moves, start)) > 1e-6


def test_fitted_numbers_are_for_one_number_of_steps() -> None:
    plain, fitted = Fitted2M(), Fitted2M((0.5, 0.2, 0.1))
    assert "it draws as ddim does" in str(shortfall("fitted-2m", plain, uniform(2, FLOW), FLOW))
    for moves in (3, 5, 9):
        assert "no numbers here, so it draws as dpmpp-2m" in str(shortfall("", plain, uniform(moves, FLOW), FLOW))
        assert apart(drawn(plain, moves, 1.0), drawn(SOLVERS["dpmpp-2m"].make(), moves, 1.0)) < 1e-12
    for solver in (fitted, Fitted2M((), (1.0, 1.0, 1.0, 0.9)), Fitted2M((), (), (1.0, 1.0, 1.0, 0.9))):
        assert shortfall("", solver, uniform(5, FLOW), FLOW) is None
        for moves in (2, 4, 6):
            assert str(shortfall("", solver, uniform(moves, FLOW), FLOW)).endswith(f"for 5 steps, and here are {moves}")
    assert "for 8 steps, and here are 5" in str(
        shortfall("", Fitted2M((0.5, 0.2, 0.1), (1.0,) * 7), uniform(5, FLOW), FLOW)
    )


def test_fitted_numbers_with_times_are_for_these() -> None:
    grid = uniform(5, FLOW)
    solver = Fitted2M((0.5, 0.2, 0.1), (0.9,) * 4, (1.1,) * 4, (), tuple(times_of(grid)))
    assert shortfall("", solver, grid, FLOW) is None
    assert shortfall("", solver, last_part(grid, 0.6), FLOW) is None  # these are among them
    assert "than those of 1 of the 2 steps here" in str(shortfall("", solver, uniform(2, FLOW), FLOW))
    stopped = first_part(grid, 0.6)
    assert shortfall("", solver, stopped, FLOW) is None  # its last move takes x_0


def test_the_sentence() -> None:
    dpmpp, pndm = SOLVERS["dpmpp-2m"].make(), PNDM()
    assert shortfall("dpmpp-2m", dpmpp, uniform(2, FLOW), FLOW) == (
        "solver: dpmpp-2m takes 3 steps or more from pure noise to be of order 2; with 2 it draws as ddim does"
    )
    assert shortfall("dpmpp-2m", dpmpp, uniform(2, FLOW, start=0.9), FLOW) == (
        "solver: dpmpp-2m takes 3 steps or more to be of order 2; with 2 it draws as ddim does"
    )
    assert shortfall("dpmpp-2m", dpmpp, uniform(3, FLOW), FLOW) is None
    assert str(shortfall("lms", LMS(), uniform(4, FLOW), FLOW)).endswith("to be of order 4; with 4 its order is lower")
    assert str(shortfall("x", DPMpp2MSDE(), uniform(1, FLOW), FLOW)).endswith(
        "3 steps or more from pure noise to use its whole formula; with 1 its steps are of first order"
    )
    assert shortfall("pndm", pndm, uniform(3, FLOW), FLOW) is None
    assert shortfall("ddim", DDIM(), uniform(1, FLOW), FLOW) is None
    assert shortfall("euler", Euler("angle"), uniform(1, FLOW), FLOW) is not None


def test_a_jump_empties_the_memory() -> None:
    """Between two jumps there must be steps enough; one stretch that is long enough will do."""
    lms = LMS()
    assert str(shortfall("lms", lms, repaint(8, FLOW, start=0.9, length=1, times=2), FLOW)) == (
        "solver: lms takes 4 steps or more in a row to be of order 4; with 2 its order is lower"
    )
    assert shortfall("lms", lms, restart(20, FLOW, inner=2), FLOW) is None
