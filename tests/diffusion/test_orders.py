"""Every deterministic solver has the order that it declares."""

from typing import Any

import pytest

from mezzotint.diffusion import DDIM, SOLVERS, Euler, Heun, Solver

from .order import SCHEDULES, STEPS, end_to_end_error, exact_denoisers, formula_error, slope

DETERMINISTIC = {name: record.make() for name, record in SOLVERS.items() if record.make().order is not None}
VARIANTS: dict[str, Solver[Any]] = {
    "euler-angle": Euler("angle"),
    "euler-half-log-snr": Euler("half_log_snr"),
    "heun-ratio": Heun("ratio"),
    "heun-angle": Heun("angle"),
    "heun-half-log-snr": Heun("half_log_snr"),
}
SOLVER_LIST = {**DETERMINISTIC, **VARIANTS}


@pytest.mark.parametrize("exact", ["gaussian", "mixture"])
@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", SOLVER_LIST)
def test_the_measured_order_is_the_declared_one(name: str, schedule: str, exact: str) -> None:
    solver, denoiser = SOLVER_LIST[name], exact_denoisers(SCHEDULES[schedule])[exact]
    assert solver.order is not None
    formula = slope([formula_error(solver, denoiser, steps) for steps in STEPS])
    end_to_end = slope([end_to_end_error(solver, denoiser, steps) for steps in STEPS])
    assert formula == pytest.approx(solver.order.formula, abs=0.25)
    assert end_to_end == pytest.approx(solver.order.end_to_end, abs=0.25)


def test_second_order_is_worth_its_evaluations() -> None:
    """At equal evaluations DPM++ 2M and Heun are far nearer the truth than DDIM: the orders are not those of noise."""
    denoiser = exact_denoisers(SCHEDULES["vp-cosine"])["mixture"]
    ddim = end_to_end_error(DDIM(), denoiser, 64)
    assert end_to_end_error(SOLVER_LIST["dpmpp-2m"], denoiser, 64) < ddim / 20
    assert end_to_end_error(Heun(), denoiser, 32) < ddim / 20
