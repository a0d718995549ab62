"""Fitted strengths: better on other starts than 2M on any grid, and found without a run being taken for another's."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import Bound, GaussianMixture, PhiloxNoise, Purpose, RectifiedFlow, from_times, sample
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.diffusion.solvers.fitted import Fitted2M
from mezzotint.diffusion.timegrid import shifted, times_of, uniform
from mezzotint.diffusion.timegrid.fit_strengths import Share, fit_strengths
from mezzotint.errors import InvalidOption

SCHEDULE = RectifiedFlow()


def mixture() -> Bound[Any]:
    means = 0.5 * PhiloxNoise([11]).normal((1, 5, 8), Purpose.START, 0)[0].double()
    return Bound(GaussianMixture(SCHEDULE, means, torch.full((5,), 0.1).double(), torch.full((5,), 0.2).double()), {})


def end(x: Tensor, times: list[float], solver: Any) -> Tensor:
    *_, last = sample(mixture(), x, from_times(times), solver, PhiloxNoise(range(len(x))))
    return last.x


def share(first: int, count: int = 256) -> Share:
    x = PhiloxNoise(range(first, first + count)).normal((count, 8), Purpose.START, 0).double()
    return Share(mixture(), x, end(x, times_of(uniform(400, SCHEDULE)), SOLVERS["unipc-3"].make()), PhiloxNoise([0]))


def error(of: Share, times: list[float], solver: Any) -> float:
    return float((end(of.starts, times, solver) - of.ends).square().mean().sqrt())


def test_fitted_times_and_strengths_are_better_on_other_starts() -> None:
    told: list[tuple[int, int]] = []
    begun = times_of(uniform(6, SCHEDULE))
    fit = fit_strengths([share(0), share(1000)], begun, told=lambda *counts: told.append(counts))
    solver, other = Fitted2M(fit.strengths), share(5000)
    ends = [error(share(first), list(fit.times), solver) for first in (0, 1000)]
    assert fit.error == pytest.approx(math.hypot(*ends) / math.sqrt(2), rel=1e-9)  # as `sample` draws with them
    usual = min(
        error(other, times_of(shifted(6, SCHEDULE, shift=strength)), SOLVERS[name].make())
        for name in ("dpmpp-2m", "unipc-2", "ipndm-2", "ipndm-3")
        for strength in (1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
    )
    assert error(other, list(fit.times), solver) < 0.4 * usual
    assert len(fit.strengths) == 4
    assert told[-1][0] == told[-1][1]
    assert all(done <= most for done, most in told)


def test_a_trial_that_begins_as_the_kept_run_ends_as_one_that_does_not() -> None:
    one, fresh = share(0, 8), share(0, 8)
    times, strengths = (1.0, 0.9, 0.7, 0.4, 0.2, 0.0), (0.3, 0.4, 0.5)
    one.error((times, strengths))
    one.keep()
    for trial, first in (
        ((times, (0.3, 0.9, 0.5)), 2),
        (((1.0, 0.9, 0.7, 0.3, 0.2, 0.0), strengths), 2),
        ((times, strengths), 0),
    ):
        assert one.error(trial, first) == fresh.error(trial)


def test_without_strengths_it_is_2m_and_with_one_it_is_the_formula() -> None:
    of, times = share(0, 8), [1.0, 0.8, 0.5, 0.3, 0.0]
    torch.testing.assert_close(end(of.starts, times, Fitted2M()), end(of.starts, times, SOLVERS["dpmpp-2m"].make()))
    x, before = of.starts, None
    for t, s, strength in zip(times, times[1:], (0.0, 0.25, -0.4, 0.0), strict=False):
        said = mixture()(x, torch.tensor(t, dtype=torch.float64)).x0
        meant = said if before is None else said + strength * (said - before)
        x = said if s == 0 else (1 - s) * meant + s * (x - (1 - t) * meant) / t
        before = said
    torch.testing.assert_close(end(of.starts, times, Fitted2M((0.25, -0.4))), x, rtol=1e-10, atol=1e-10)


def test_a_strength_beyond_reason_is_refused() -> None:
    with pytest.raises(InvalidOption, match=r"must be from -10 to 10, not 11\.0"):
        Fitted2M((0.5, 11.0))
    with pytest.raises(InvalidOption, match="not nan"):
        Fitted2M((math.nan,))
    assert Fitted2M((0.5,)).order is None
