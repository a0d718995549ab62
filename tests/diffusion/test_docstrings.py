"""What the docstrings of solvers and guidances say: a formula, a source, a place in it; and that formulas are so.

Solvers with formulas that are not seen elsewhere are taken by their own words: the docstring is written out here in
floats, and the solver's step must be it.
"""

import math
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import Bound, GaussianMixture, Prediction, Solver, VPCosine, from_times, sample
from mezzotint.diffusion.guidance import GUIDANCES
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.diffusion.solvers.deis import DEIS
from mezzotint.diffusion.solvers.dpmpp import DPMpp2M, DPMpp3M, DPMpp3MSDE
from mezzotint.diffusion.solvers.seeds import SEEDS, DPMppSDE
from mezzotint.diffusion.solvers.singlestep import RESMultistep

from .paths import Bridge

CLASSES: dict[str, Any] = {
    record.build.__name__: record.build
    for record in (*SOLVERS.values(), *GUIDANCES.values())  # type: ignore[attr-defined]
}
FORMULA = re.compile(r"\b(x_s(/alpha_s)?|x_0|y_s|y_new|u'?|eps'?)(\([^)]*\))? (=|←|\+|were) \S")
ARXIV = re.compile(r"\barXiv \d{4}\.\d{5}\b")
BOOK_OR_PROGRAM = re.compile(r"\b(k-diffusion's|Solving ODEs|Runge's)")
PLACE = re.compile(
    r"\b(eqs?\.|algorithms?|sections?|appendix|proposition|theorem|table) ([\dA-Z]|on [a-zA-Z])"
    r'|\bsections? "[A-Z]|the algorithms [A-Z]|`(sample|get|multistep)_\w+`|`SkipLayer\w+`|\bIt is our reading\b'
)


@pytest.mark.parametrize("name", CLASSES)
def test_every_solver_and_guidance_says_its_formula_its_source_and_where_in_it(name: str) -> None:
    text = " ".join((CLASSES[name].__doc__ or "").split())
    assert FORMULA.search(text), f"{name} gives no formula"
    assert ARXIV.search(text) or BOOK_OR_PROGRAM.search(text), f"{name} names no source"
    assert PLACE.search(text), f"{name} does not say where in its source"


@pytest.mark.parametrize(
    "text",
    [
        "Euler. guidance 1 = off. Someone 2024, arXiv 2401.00001, section 2.",
        "x_s = x_t. Someone 2024, section 2.",
        "x_s = x_t. Someone 2024, arXiv 2401.00001.",
    ],
)
def test_a_docstring_that_lacks_one_of_them_would_be_found(text: str) -> None:
    assert not (FORMULA.search(text) and (ARXIV.search(text) or BOOK_OR_PROGRAM.search(text)) and PLACE.search(text))


# ---- formulas, in floats. A point is (alpha, sigma, lambda), newest prediction first.


SCHEDULE = VPCosine()
MIXTURE = GaussianMixture(
    SCHEDULE,
    torch.tensor([[-1.0, 0.4], [0.6, -0.3]], dtype=torch.float64),
    torch.tensor([0.05, 0.1], dtype=torch.float64),
    torch.tensor([0.4, 0.6], dtype=torch.float64),
)
START = torch.tensor([[1.2, -0.7], [-0.4, 0.9]], dtype=torch.float64)
TIMES = [0.95, 0.8, 0.7, 0.5, 0.2]  # steps of all lengths
ETA = 0.6

Formula = Callable[["Told"], Tensor]


class Path(Bridge):
    """Places that differ by rounding are one."""

    def brownian(self, shape: Sequence[int], t: float, s: float) -> Tensor:
        return super().brownian(shape, round(t, 10), round(s, 10))


class Told:
    """A step as the formulas have it: x_t, both ends, and the predictions and steps of lambda before."""

    def __init__(self, x: Tensor, t: float, s: float, before: list[Prediction], path: Bridge) -> None:
        self.x, self.path = x, path
        self.before = [MIXTURE(x, torch.tensor(t, dtype=torch.float64)), *before]
        (self.alpha_t, self.sigma_t, start), (self.alpha, self.sigma, end) = (place(t), place(s))
        lambdas = [end, start, *(float(p.level.log_snr) / 2 for p in before)]
        self.steps = [a - b for a, b in pairwise(lambdas)]
        self.start, self.h = start, self.steps[0]

    def at(self, x: Tensor, share: float) -> Tensor:
        """x_0 of x at a share of the step."""
        return MIXTURE(x, SCHEDULE.time(2 * (self.start + share * self.h))).x0

    def drawn(self, a: float, b: float) -> Tensor:
        """z of the path between two shares of the step."""
        ends = self.start + a * self.h, self.start + b * self.h
        return self.path.brownian(self.x.shape, *ends) / math.sqrt(ends[1] - ends[0])


def place(t: float) -> tuple[float, float, float]:
    level = SCHEDULE(torch.tensor(t, dtype=torch.float64))
    return float(level.alpha), float(level.sigma), float(level.log_snr) / 2


def moments(k: float) -> tuple[float, float, float]:
    """M_0 = 1 − e^−k, M_1 = 1 − M_0/k, M_2 = 1 − 2 M_1/k."""
    first = 1 - math.exp(-k)
    second = 1 - first / k
    return first, second, 1 - 2 * second / k


def deis_2(told: Told) -> Tensor:
    h, before = told.steps
    m = 1 / h - 1 / (math.exp(h) - 1)
    new, old = (prediction.eps for prediction in told.before[:2])
    ratio = told.alpha / told.alpha_t
    return ratio * told.x + (told.sigma - told.sigma_t * ratio) * (new + m * (new - old) * h / before)


def two_m(told: Told) -> Tensor:
    h, before = told.steps
    new, old = (prediction.x0 for prediction in told.before[:2])
    return told.sigma / told.sigma_t * told.x + told.alpha * (1 - math.exp(-h)) * (new + h / (2 * before) * (new - old))


def res_multistep(told: Told) -> Tensor:
    h, before = told.steps
    new, old = (prediction.x0 for prediction in told.before[:2])
    ddim = told.alpha * new + told.sigma * told.before[0].eps
    return ddim + told.alpha * (1 - (1 - math.exp(-h)) / h) * (new - old) * h / before


def three_m(told: Told, eta: float = 0.0, part: float = 1.0) -> Tensor:
    h, h1, h2 = told.steps
    x0, x1, x2 = (prediction.x0 for prediction in told.before[:3])
    a, b = (x0 - x1) * h / h1, (x1 - x2) * h / h2
    d2 = (a - b) * h / (h1 + h2)
    d1 = a + d2 * h1 / h
    m = moments((1 + eta) * h)
    kept = told.sigma / told.sigma_t * math.exp(-eta * h) * told.x
    return kept + told.alpha * (m[0] * x0 + m[1] * d1 + part * m[2] * d2)


def three_m_sde(told: Told) -> Tensor:
    return three_m(told, ETA, 0.5) + told.sigma * math.sqrt(1 - math.exp(-2 * ETA * told.h)) * told.drawn(0, 1)


def seeds(told: Told, share: float, inner: Tensor | None, weight: float, noise: Tensor) -> Tensor:
    """A step to a share, with D = weight (inner − x_0) and the noise n."""
    h, x0 = share * told.h, told.before[0].x0
    alpha, sigma, _ = place(float(SCHEDULE.time(2 * (told.start + h))))
    m = moments((1 + ETA) * h)
    mean = sigma / told.sigma_t * math.exp(-ETA * h) * told.x + alpha * m[0] * x0
    return mean + sigma * noise + (0 if inner is None else alpha * m[1] * weight * (inner - x0))


def seeds_2(told: Told, dpmpp: bool = False) -> Tensor:
    spread, decay = math.sqrt(1 - math.exp(-ETA * told.h)), math.exp(-ETA * told.h / 2)
    z1, z2 = told.drawn(0, 1 / 2), told.drawn(1 / 2, 1)
    u = seeds(told, 1 / 2, None, 0, spread * z1)
    noise = spread * (decay * z1 + z2)
    if dpmpp:
        noise = math.sqrt(1 - math.exp(-2 * ETA * told.h)) * told.drawn(0, 1)
    m = moments((1 + ETA) * told.h)
    kept = told.sigma / told.sigma_t * math.exp(-ETA * told.h) * told.x
    return kept + told.alpha * m[0] * told.at(u, 1 / 2) + told.sigma * noise


def seeds_3(told: Told) -> Tensor:
    spread, decay = math.sqrt(1 - math.exp(-2 * ETA * told.h / 3)), math.exp(-ETA * told.h / 3)
    n1 = spread * told.drawn(0, 1 / 3)
    n2 = decay * n1 + spread * told.drawn(1 / 3, 2 / 3)
    n3 = decay * n2 + spread * told.drawn(2 / 3, 1)
    u1 = seeds(told, 1 / 3, None, 0, n1)
    u2 = seeds(told, 2 / 3, told.at(u1, 1 / 3), 2, n2)
    return seeds(told, 1, told.at(u2, 2 / 3), 3 / 2, n3)


WRITTEN: dict[str, tuple[Solver[Any], int, Formula]] = {
    "deis-2": (DEIS(2), 1, deis_2),
    "dpmpp-2m": (DPMpp2M(), 1, two_m),
    "dpmpp-3m": (DPMpp3M(), 2, three_m),
    "dpmpp-3m half": (DPMpp3M("half"), 2, lambda told: three_m(told, part=0.5)),
    "dpmpp-3m-sde": (DPMpp3MSDE(ETA), 2, three_m_sde),
    "res-multistep": (RESMultistep(), 1, res_multistep),
    "dpmpp-sde": (DPMppSDE(ETA), 0, lambda told: seeds_2(told, dpmpp=True)),
    "seeds-2": (SEEDS(2, ETA), 0, seeds_2),
    "seeds-3": (SEEDS(3, ETA), 0, seeds_3),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_step_is_what_the_docstring_says(name: str) -> None:
    solver, memory, formula = WRITTEN[name]
    path, x, before = Path(4), START, list[Prediction]()
    for step in sample(Bound(MIXTURE, {}), START, from_times(TIMES), solver, path):
        told = Told(x, step.move.t, step.move.s, before[:memory], path)  # type: ignore[union-attr]
        if len(before) >= memory:
            torch.testing.assert_close(step.x, formula(told), rtol=1e-9, atol=1e-9)
        assert step.prediction is not None
        x, before = step.x, [step.prediction, *before]
    assert len(before) > memory
