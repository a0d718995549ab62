"""The one list of illegal combinations: neither too long nor too short, measured by running what it says."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    EDM,
    SOLVERS,
    Bound,
    Euler,
    Gaussian,
    Heun,
    NetworkDenoiser,
    Preconditioned,
    RectifiedFlow,
    Schedule,
    Solver,
    Step,
    TimeGrid,
    VPScaledLinear,
    from_times,
    sample,
)
from mezzotint.diffusion.combinations import ILLEGAL, Combination, check_combination, target_of
from mezzotint.diffusion.schedule import ZeroTerminal
from mezzotint.diffusion.solvers.adaptive import Adaptive
from mezzotint.diffusion.solvers.ddim import DDIM
from mezzotint.diffusion.solvers.er_sde import ERSDE
from mezzotint.diffusion.solvers.midpoint import Midpoint
from mezzotint.diffusion.timegrid import inversion, repaint
from mezzotint.errors import InvalidOption

from .paths import Bridge

SCHEDULES: dict[str, Schedule] = {
    "rectified-flow": RectifiedFlow(),
    "zero-terminal": ZeroTerminal(VPScaledLinear()),
    "edm": EDM(),
}
FLOW = RectifiedFlow()
CHOSEN: dict[str, Solver[Any]] = {
    **{name: record.make() for name, record in SOLVERS.items()},
    "adaptive-ratio": Adaptive("heun", coordinate="ratio"),
    "ddim-half": DDIM(0.5),
    "er-sde-ode": ERSDE(2, "ode"),
    "euler-half-log-snr": Euler("half_log_snr"),
    "heun-angle": Heun("angle"),
    "heun-ratio": Heun("ratio"),
    "midpoint-ratio": Midpoint("ratio"),
}
GRIDS: dict[str, TimeGrid] = {
    "down": from_times([1.0, 0.7, 0.4, 0.0]),
    "down, below pure noise": from_times([0.9, 0.5, 0.0]),
    "down, at once": from_times([1.0, 0.0]),
    "down, slowly": from_times([1.0, 1 - 1e-15, 0.5, 0.0]),
    "jumping": repaint(4, FLOW, start=0.9, length=2, times=2),
    "up": inversion(4, FLOW, start=0.9, clean=0.2),
    "up to pure noise": inversion(4, FLOW, clean=0.2),
}


REFUSED = {
    "a rising grid to draw": Combination(DDIM(), GRIDS["up to pure noise"], FLOW, "x0"),
    "a network that predicts eps, at alpha = 0": Combination(DDIM(), GRIDS["down"], FLOW, "eps"),
    "a preconditioned network, at alpha = 0": Combination(DDIM(), GRIDS["down"], FLOW, "edm"),
    "a coordinate that is infinite, at alpha = 0": Combination(Heun("ratio"), GRIDS["down"], FLOW, "x0"),
    "a solver whose variable is infinite, up to alpha = 0": Combination(
        Midpoint("ratio"), GRIDS["up to pure noise"], FLOW, "x0", False
    ),
    "a stochastic solver, upwards": Combination(DDIM(1.0), GRIDS["up"], FLOW, "x0", False),
    "a Brownian path, beyond all noise": Combination(CHOSEN["seeds-2"], GRIDS["down, slowly"], FLOW, "x0"),
}
"""One combination for each entry of `ILLEGAL`; docs/solvers.md has what is said of it."""


class Exact:
    """A network that predicts a target of a Gaussian exactly; "edm": what `Preconditioned` makes its x_0 of."""

    def __init__(self, schedule: Schedule, target: str) -> None:
        self.exact, self.target = Gaussian(schedule, 0.1, 0.25), target

    def __call__(self, x_t: Tensor, t: Tensor, cond: None, **_: Any) -> Tensor:
        if self.target == "edm":  # y = x / alpha at sigma / alpha = r; F = (x_0 − c_skip y) / c_out
            r = (4 * t[0].double()).exp()
            spread = torch.hypot(r, torch.tensor(0.5, dtype=torch.float64))
            y = x_t * spread
            x0 = 0.1 + 0.25 / (0.25 + r**2) * (y - 0.1)
            return (x0 - 0.25 / spread**2 * y) * spread / (0.5 * r)
        output: Tensor = getattr(self.exact(x_t, t[0].double()), self.target)
        return output


def leaf_of(schedule: Schedule, target: str) -> Any:
    network = Exact(schedule, target)
    if target == "edm":
        return Preconditioned(network, schedule, dtype=torch.float64)
    return NetworkDenoiser(network, schedule, target, dtype=torch.float64)  # type: ignore[arg-type]


def names(combination: Combination) -> list[str]:
    return [name for name, refuse in ILLEGAL.items() if refuse(combination)]


def stricter(name: str, kind: str, found: list[str]) -> bool:
    """What runs and is refused: flow maps that jump upwards, which inverts nothing; and going up to where a network of
    eps, or a preconditioned one, could not come back from, by solvers that do not ask it there."""
    networks = (["a network that predicts eps, at alpha = 0"], ["a preconditioned network, at alpha = 0"])
    return (name in ("lcm", "tcd") and "a stochastic solver, upwards" in found) or (
        kind == "up to pure noise" and found in networks
    )


def raises(run: Iterator[Step]) -> bool:
    try:
        list(run)
    except InvalidOption:
        return True
    return False


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", CHOSEN)
def test_what_is_listed_fails_and_what_is_not_runs(name: str, schedule: str) -> None:
    solver, process = CHOSEN[name], SCHEDULES[schedule]
    x = torch.linspace(-1, 1, 3, dtype=torch.float64)[None]
    for kind, grid in GRIDS.items():
        if kind == "down, slowly" and schedule == "edm":
            continue  # no step at all: both times are of one level to rounding
        for target in ("x0", "eps", "edm"):
            leaf = leaf_of(process, target)
            found = names(Combination(solver, grid, process, target_of(leaf), draws=False))
            run = sample(Bound(leaf, {"cond": None}), x, grid, solver, Bridge(0))
            where = f"{name}, {kind}, {schedule}, {target}: {found}"
            if not found:
                assert torch.isfinite(list(run)[-1].x).all(), where
            elif not stricter(name, kind, found):
                assert raises(run), where


def test_every_entry_refuses_something_and_says_what_is_legal() -> None:
    assert REFUSED.keys() == ILLEGAL.keys()
    for name, case in REFUSED.items():
        assert names(case) == [name]
        with pytest.raises(InvalidOption) as error:
            check_combination(case)
        assert "\n" not in str(error.value)
        assert any(word in str(error.value) for word in ("; use", "; start", "; end", "use a", "choose", "takes a"))
    check_combination(Combination(DDIM(), GRIDS["down"], FLOW, "v"))
    check_combination(Combination(DDIM(), GRIDS["down"], EDM(), "eps"))
    assert target_of(Preconditioned(Exact(EDM(), "x0"), EDM())) == "edm"
