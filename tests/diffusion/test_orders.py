"""Every deterministic solver has the order that it declares, and so has every stochastic one without its noise."""

from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import DDIM, SOLVERS, Bound, Euler, Heun, PhiloxNoise, Solver
from mezzotint.diffusion.solvers.adaptive import DOPRI5, HEUN_EULER, Tableau, slope_field, stages
from mezzotint.diffusion.solvers.ancestral import DPM2Ancestral, DPMpp2SAncestral, EulerAncestral
from mezzotint.diffusion.solvers.dpmpp import DPMpp2MSDE, DPMpp3M, DPMpp3MSDE
from mezzotint.diffusion.solvers.er_sde import ERSDE
from mezzotint.diffusion.solvers.midpoint import Midpoint
from mezzotint.diffusion.solvers.seeds import SEEDS, DPMppSDE
from mezzotint.diffusion.solvers.unipc import SASolver, UniPC

from .order import SCHEDULES, STEPS, end_to_end_error, exact_denoisers, float64, formula_error, slope, starts

EXACT = ("gaussian", "mixture")
DETERMINISTIC = {name: record.make() for name, record in SOLVERS.items() if record.make().order is not None}
VARIANTS: dict[str, Solver[Any]] = {
    "euler-angle": Euler("angle"),
    "euler-half-log-snr": Euler("half_log_snr"),
    "heun-flow": Heun("flow"),
    "heun-ratio": Heun("ratio"),
    "heun-angle": Heun("angle"),
    "heun-half-log-snr": Heun("half_log_snr"),
    "midpoint-ratio": Midpoint("ratio"),
    "dpmpp-3m-half": DPMpp3M("half"),
    "midpoint-half-log-snr": Midpoint("half_log_snr"),
    "unipc-3-bh1": UniPC(3, "bh1"),
    "er-ode-1": ERSDE(1, "ode"),
    "er-ode-2": ERSDE(2, "ode"),
    "er-ode-3": ERSDE(3, "ode"),
}
NOISELESS: dict[str, Solver[Any]] = {
    "dpmpp-2m-sde": DPMpp2MSDE(0.0),
    "dpmpp-2m-sde-heun": DPMpp2MSDE(0.0, "heun"),
    "dpmpp-3m-sde": DPMpp3MSDE(0.0),
    "dpmpp-3m-sde-whole": DPMpp3MSDE(0.0, "whole"),
    "dpmpp-sde": DPMppSDE(0.0),
    "seeds-2": SEEDS(2, 0.0),
    "seeds-3": SEEDS(3, 0.0),
    "sa-solver": SASolver(tau=0.0),
    **{
        f"sa-solver-{p}-{c}": SASolver(tau=0.0, predictor_order=p, corrector_order=c)
        for p, c in ((1, 3), (2, 3), (2, 4), (3, 0), (3, 2))
    },
    "euler-ancestral": EulerAncestral(0.0),
    "dpm-2-ancestral": DPM2Ancestral(0.0),
    "dpmpp-2s-ancestral": DPMpp2SAncestral(0.0),
}
SOLVER_LIST = {**DETERMINISTIC, **VARIANTS, **{f"{name} without noise": solver for name, solver in NOISELESS.items()}}
CANCELS = {("midpoint", "gaussian"): 3, ("midpoint-ratio", "gaussian"): 3}
"""The trajectory of a Gaussian is there the root of a parabola in u, on which the midpoint's first error vanishes."""

EVERYWHERE = [(name, schedule, exact) for name in DETERMINISTIC for schedule in SCHEDULES for exact in EXACT]
SAMPLED = [
    pytest.param(name, schedule, exact, marks=() if exact == "mixture" or schedule == "edm" else pytest.mark.slow)
    for name in sorted(SOLVER_LIST.keys() - DETERMINISTIC.keys())
    for schedule in SCHEDULES
    for exact in EXACT
]
FINER = {("er-ode-3", "gaussian"): (96, 192)}
"""Where the order shows only with more steps."""


@pytest.mark.parametrize(("name", "schedule", "exact"), EVERYWHERE + SAMPLED)
def test_the_measured_order_is_the_declared_one(name: str, schedule: str, exact: str) -> None:
    solver, denoiser = SOLVER_LIST[name], exact_denoisers(SCHEDULES[schedule])[exact]
    assert solver.order is not None
    cancels = CANCELS.get((name, exact))
    counts = FINER.get((name, exact), STEPS)
    formula = slope([formula_error(solver, denoiser, steps) for steps in counts], counts)
    end_to_end = slope([end_to_end_error(solver, denoiser, steps) for steps in counts], counts)
    assert formula == pytest.approx(cancels or solver.order.formula, abs=0.25)
    assert end_to_end == pytest.approx(cancels or solver.order.end_to_end, abs=0.25)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_heun_in_sigma_over_alpha_and_heun_in_t_are_two_methods(schedule: str) -> None:
    """Both of order 2, so that orders cannot tell them apart. One step from u to w of each, written out."""
    process = SCHEDULES[schedule]
    exact = exact_denoisers(process)["mixture"]
    t, s = process.time(float64(-1.0)), process.time(float64(0.5))
    high, low = process(t), process(s)
    x = starts(high)
    first = exact(x, t)
    r, w = high.sigma / high.alpha, low.sigma / low.alpha
    y = x / high.alpha
    second = exact(low.alpha * (y + (w - r) * first.eps), s)
    in_ratio = low.alpha * (y + (w - r) / 2 * (first.eps + second.eps))
    r, w = high.sigma / (high.alpha + high.sigma), low.sigma / (low.alpha + low.sigma)  # t on rectified flow
    y = x / (high.alpha + high.sigma)
    second = exact((low.alpha + low.sigma) * (y + (w - r) * (first.eps - first.x0)), s)
    in_t = (low.alpha + low.sigma) * (y + (w - r) / 2 * (first.eps - first.x0 + second.eps - second.x0))
    assert float((in_ratio - in_t).abs().max()) > 0.01
    auto = in_t if schedule == "rectified-flow" else in_ratio
    for solver, expected in ((Heun("ratio"), in_ratio), (Heun("flow"), in_t), (Heun(), auto)):
        found, _ = solver.step(Bound(exact, {}), x, t, s, None, PhiloxNoise(range(len(x))))
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_higher_order_is_worth_its_evaluations() -> None:
    """At equal evaluations the better methods are far nearer the truth than DDIM: the orders are not those of noise."""
    denoiser = exact_denoisers(SCHEDULES["vp-cosine"])["mixture"]
    ddim = end_to_end_error(DDIM(), denoiser, 64)
    for name, record in SOLVERS.items():
        order = record.make().order
        if order is not None and order.end_to_end > 1:
            assert record.evaluations is not None
            share = 20 if order.end_to_end == 2 else 200
            assert end_to_end_error(record.make(), denoiser, 64 // record.evaluations) < ddim / share, name


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize(("tableau", "high", "low"), [(HEUN_EULER, 2, 1), (DOPRI5, 5, 4)])
def test_embedded_pairs_have_their_two_orders(tableau: Tableau, high: int, low: int, schedule: str) -> None:
    """The error of one step falls as h^(order + 1), for the solution and for the one embedded in it."""
    exact = exact_denoisers(SCHEDULES[schedule])["mixture"]
    errors: list[tuple[float, float]] = []
    lengths = (0.05, 0.025)
    for h in lengths:
        field = slope_field(Bound(exact, {}), "flow")
        begin = float64([0.6])
        t = exact.schedule.time(field.coordinate.log_snr(begin))[0]
        s = exact.schedule.time(field.coordinate.log_snr(begin - h))[0]
        x = starts(exact.schedule(t))
        count = len(x)
        y = x / field.coordinate.scale(exact.schedule(t))
        truth = exact.flow(x, t, s) / field.coordinate.scale(exact.schedule(s))
        slopes = stages(
            field, tableau, y, begin.expand(count), float64([-h]).expand(count), field(y, begin.expand(count))
        )

        def solution(weights: tuple[float, ...], y: Tensor = y, slopes: list[Tensor] = slopes, h: float = h) -> Tensor:
            return y - h * sum((w * k for w, k in zip(weights, slopes, strict=True)), torch.zeros_like(y))

        embedded = tuple(b - e for b, e in zip(tableau.b, tableau.e, strict=True))
        errors.append(tuple(float((solution(w) - truth).square().mean().sqrt()) for w in (tableau.b, embedded)))  # type: ignore[arg-type]
    for k, order in enumerate((high, low)):
        assert slope([error[k] for error in errors], [round(1 / h) for h in lengths]) == pytest.approx(
            order + 1, abs=0.4
        )
