"""Fitted numbers: better on other starts than 2M on any grid, and found without a run being taken for another's."""

import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    CFG,
    Bound,
    GaussianMixture,
    PhiloxNoise,
    Purpose,
    RectifiedFlow,
    from_times,
    guided,
    sample,
)
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.diffusion.solvers.fitted import Fitted2M, Numbers, fitted_step
from mezzotint.diffusion.solvers.multistep import Point
from mezzotint.diffusion.timegrid import fit_descent as fit_descent_module
from mezzotint.diffusion.timegrid import fit_strengths as fit_strengths_module
from mezzotint.diffusion.timegrid import shifted, times_of, uniform
from mezzotint.diffusion.timegrid.fit import Path
from mezzotint.diffusion.timegrid.fit_descent import (
    LEAST_DAMPING,
    MOVES,
    derivatives,
    fitting_error,
    followed,
    judged_error,
    most_steps,
    normal_equations,
    settled,
)
from mezzotint.diffusion.timegrid.fit_ends import Share, Stop, Trial, Unknown, moved, ran, unknowns
from mezzotint.diffusion.timegrid.fit_strengths import StrengthFit, fit_strengths, least_squares
from mezzotint.errors import InvalidOption

from .conditional import SHARES, Mixed

SCHEDULE = RectifiedFlow()


def mixture() -> Bound[Any]:
    means = 0.5 * PhiloxNoise([11]).normal((1, 5, 8), Purpose.START, 0)[0].double()
    return Bound(GaussianMixture(SCHEDULE, means, torch.full((5,), 0.1).double(), torch.full((5,), 0.2).double()), {})


def end(x: Tensor, times: list[float], solver: Any) -> Tensor:
    *_, last = sample(mixture(), x, from_times(times), solver, PhiloxNoise(range(len(x))))
    return last.x


def share(first: int, count: int = 256) -> Share:
    x = PhiloxNoise(range(first, first + count)).normal((count, 8), Purpose.START, 0).double()
    states, fine = [x], times_of(uniform(400, SCHEDULE))
    states += [step.x for step in sample(mixture(), x, from_times(fine), SOLVERS["unipc-3"].make(), PhiloxNoise([0]))]
    return Share(mixture(), x, Path(tuple(fine), tuple(states)).at)


def error(of: Share, times: list[float], solver: Any) -> float:
    return float((end(of.starts, times, solver) - of.truth(0.0)).square().mean().sqrt())


def numbers(fit: StrengthFit) -> Fitted2M:
    return Fitted2M(fit.strengths, fit.kept, fit.gains, fit.steering)


def test_fitted_times_and_numbers_are_better_on_other_starts() -> None:
    told: list[tuple[int, int]] = []
    begun = [times_of(uniform(6, SCHEDULE)), times_of(shifted(6, SCHEDULE, shift=3.0))]
    fit = fit_strengths([share(0), share(1000)], begun, told=lambda *counts: told.append(counts))
    solver, other = numbers(fit), share(5000)
    ends = [error(share(first), list(fit.times), solver) for first in (0, 1000)]
    assert fit.error == pytest.approx(math.hypot(*ends) / math.sqrt(2), rel=1e-9)  # as `sample` draws with them
    usual = min(
        error(other, times_of(shifted(6, SCHEDULE, shift=strength)), SOLVERS[name].make())
        for name in ("dpmpp-2m", "unipc-2", "ipndm-2", "ipndm-3")
        for strength in (1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
    )
    assert error(other, list(fit.times), solver) < 0.2 * usual
    assert (len(fit.strengths), len(fit.kept), len(fit.gains)) == (4, 5, 5)
    assert told[-1][0] == told[-1][1]
    assert all(done <= most for done, most in told)


def test_the_numbers_alone_are_better_than_those_of_2m_on_the_same_times() -> None:
    times = times_of(shifted(6, SCHEDULE, shift=0.3))
    fit = fit_strengths([share(0)], [times], rounds=0)
    assert fit.times == pytest.approx(times, rel=1e-5)  # six digits
    other = share(5000)
    assert error(other, times, numbers(fit)) < 0.6 * error(other, times, SOLVERS["dpmpp-2m"].make())


def trial(shares: list[Share], *times: float, strength: float = 0.3) -> Trial:
    return ran(shares, times, lambda k, _: Numbers(strength if k else None, 0.98, 1.03))


def test_a_run_that_begins_as_another_ends_as_one_that_does_not() -> None:
    shares = [share(0, 8), share(100, 8)]
    kept = trial(shares, 1.0, 0.9, 0.7, 0.4, 0.2, 0.0)
    for unknown in unknowns(5, False):
        changed = moved(shares, kept, {unknown: 0.05})
        assert changed is not None
        fresh = ran(shares, changed.times, lambda k, _, run=changed: run.numbers[k])  # type: ignore[misc]
        assert fresh.errors == pytest.approx(changed.errors, rel=1e-12)
        assert changed.errors != kept.errors
        assert (changed.times == kept.times) == (unknown.what != "time")


def test_what_is_sought_means_what_it_says() -> None:
    shares, times = [share(0, 8)], (1.0, 0.9, 0.7, 0.4, 0.2, 0.0)
    kept = trial(shares, *times)
    changed = moved(shares, kept, {Unknown(1, "kept"): 0.1, Unknown(2, "change"): 0.1, Unknown(3, "gain"): 0.1})
    assert changed is not None
    first, second, third, fourth = changed.numbers
    assert first == kept.numbers[0]
    assert (second.kept, second.gain, second.strength) == pytest.approx((1.08, 1.03, 0.3))
    assert (third.kept, third.gain, third.gain * third.strength) == pytest.approx((0.98, 1.03, 0.1 + 0.309))
    assert (fourth.gain, fourth.gain * fourth.strength) == pytest.approx((1.13, 0.309))  # x_s is linear in both
    earlier = moved(shares, kept, {Unknown(1, "time"): 0.2})
    assert earlier is not None
    assert math.log(0.3 / 0.7) + 0.2 == pytest.approx(math.log((1 - earlier.times[2]) / earlier.times[2]))
    assert moved(shares, kept, {Unknown(1, "time"): 5.0}) is None  # times would no longer fall
    assert moved(shares, kept, {Unknown(1, "kept"): 9.1}) is None  # more than is allowed


def test_a_run_settles_where_no_unknown_moves_its_ends_nearer_to_the_truth() -> None:
    shares = [share(0), share(1000)]
    told: list[int] = []
    found = settled(shares, trial(shares, 1.0, 0.75, 0.5, 0.25, 0.0), 40, told.append)
    for unknown in unknowns(4, False):
        for by in (0.01, -0.01):
            near = moved(shares, found, {unknown: by})
            assert near is not None
            assert near.error > 0.9995 * found.error, (unknown, by)
    assert sum(told) > 0


def test_a_step_that_is_worse_for_those_that_judge_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = share(0, 8), share(100, 8)
    begun = trial([one], 1.0, 0.75, 0.5, 0.25, 0.0)
    assert settled([one], begun, 3).error < begun.error
    there = trial([other], 1.0, 0.75, 0.5, 0.25, 0.0).ends[0]
    judge = Share(other.denoise, other.starts, lambda _: there + 1e-3, judges=True)  # nothing is much nearer
    shares = [one, judge]
    both = trial(shares, 1.0, 0.75, 0.5, 0.25, 0.0)
    visited, _ = followed(shares, both, derivatives(shares, both), LEAST_DAMPING)
    assert all(run.errors[1] <= 1.01 * both.errors[1] for run in visited)
    monkeypatch.setattr(fit_descent_module, "WORSE", 1e6)
    visited, _ = followed(shares, both, derivatives(shares, both), LEAST_DAMPING)
    fits = [fitting_error(shares, run) for run in visited]
    assert visited[0] is both
    assert len(fits) > 1
    assert fits == sorted(fits, reverse=True)
    assert [fitting_error(shares, both), judged_error(shares, both)] == list(both.errors)
    found = list[Tensor]()
    monkeypatch.setattr(
        fit_descent_module, "derivatives", lambda *given: found.append(derivatives(*given)) or found[-1]
    )
    assert settled(shares, both, 3) is both  # of all on the way it is the best for the judge
    assert len(found) == 1  # where what judges has no use of it, no further derivatives are found


@dataclass(frozen=True)
class Alone:
    """A field without its branches."""

    field: Bound[Any]

    @property
    def schedule(self) -> RectifiedFlow:
        return SCHEDULE

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        return self.field(x_t, t).replace(branches={})


class Told:
    """A denoiser that is what it is told."""

    schedule = SCHEDULE

    def __call__(self, x_t: Tensor, t: Tensor, cond: Any, *, to: Tensor | None = None, probe: Any = None) -> Prediction:
        found: Prediction = cond["cond"](x_t, t, None)
        return found


def test_the_guidance_of_every_step_is_fitted_too() -> None:
    """The truth is that of guidance 3, the solver hears guidance 2: what it adds is 1."""
    told = mixture().denoiser
    means = 0.5 * PhiloxNoise([12]).normal((1, 5, 8), Purpose.START, 0)[0].double()
    anything = GaussianMixture(SCHEDULE, means, 3 * told.variances, told.weights)
    weak, strong = (
        Bound(guided(Told(), CFG(scale), calls="apart"), {"cond": told, "uncond": anything}) for scale in (2.0, 3.0)
    )

    def begun(first: int, denoise: Any) -> Share:
        x = PhiloxNoise(range(first, first + 256)).normal((256, 8), Purpose.START, 0).double()
        states, fine = [x], times_of(uniform(200, SCHEDULE))
        states += [step.x for step in sample(strong, x, from_times(fine), SOLVERS["unipc-3"].make(), PhiloxNoise([0]))]
        return Share(denoise, x, Path(tuple(fine), tuple(states)).at)

    grids = [times_of(uniform(8, SCHEDULE))]
    steered, plain = (fit_strengths([begun(0, field)], grids, rounds=6) for field in (weak, Alone(weak)))
    assert (len(steered.steering), plain.steering) == (8, ())
    assert sum(steered.steering) / 8 > 0.3
    other = begun(5000, weak)

    def missed(fit: StrengthFit) -> float:
        *_, last = sample(weak, other.starts, from_times(fit.times), numbers(fit), PhiloxNoise([0]))
        return float((last.x - other.truth(0.0)).square().mean().sqrt())

    assert missed(steered) < 0.9 * missed(plain)


def test_steering_is_the_formula_and_nothing_without_branches() -> None:
    field = Bound(guided(Mixed(SCHEDULE), CFG(4.0), calls="apart"), SHARES)
    x, (t, s) = (
        torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(2, 3),
        torch.tensor([0.8, 0.5], dtype=torch.float64),
    )
    solver = Fitted2M((), (0.9,), (1.2,), (0.3,))
    said = field(x, t)
    aside = said.branches["cond"].x0 - said.branches["uncond"].x0
    step, _ = solver.step(field, x, t, s, solver.init(x), PhiloxNoise([0]))
    drawn = (1 - s) - s / t * (1 - t)
    torch.testing.assert_close(step, 0.9 * s / t * x + 1.2 * drawn * (said.x0 + 0.3 * aside))
    alone, _ = solver.step(Alone(field), x, t, s, solver.init(x), PhiloxNoise([0]))
    torch.testing.assert_close(alone, 0.9 * s / t * x + 1.2 * drawn * said.x0)


def test_what_judges_is_not_fitted_to() -> None:
    times, strange = [times_of(uniform(4, SCHEDULE))], share(100, 8)
    alone = fit_strengths([share(0, 64)], times, rounds=0)
    judge = Share(strange.denoise, strange.starts, lambda t: -strange.truth(t), judges=True)
    judged = fit_strengths([share(0, 64), judge], times, rounds=0)
    assert (judged.strengths, judged.kept, judged.gains) == (alone.strengths, alone.kept, alone.gains)
    ends = end(strange.starts, list(judged.times), numbers(judged))
    assert judged.error == pytest.approx(float((ends + strange.truth(0.0)).square().mean().sqrt()), rel=1e-9)
    one, both = [share(0, 64)], [share(0, 64), judge]
    runs = [(given, trial(given, 1.0, 0.6, 0.3, 0.0)) for given in (one, both)]
    found = [normal_equations(given, run, derivatives(given, run)) for given, run in runs]
    for mine, other in zip(*found, strict=True):
        torch.testing.assert_close(mine, other)
    fair = share(100)
    best = fit_strengths([share(0), Share(fair.denoise, fair.starts, fair.truth, judges=True)], times)
    assert best.error == pytest.approx(error(fair, list(best.times), numbers(best)), rel=1e-9)


def test_derivatives_are_those_of_the_ends_and_a_secant_gives_back_what_a_step_changed() -> None:
    shares = [share(0, 16)]
    run = trial(shares, 1.0, 0.75, 0.5, 0.25, 0.0)
    slopes, told = derivatives(shares, run), list[int]()
    assert slopes.shape == (len(unknowns(4, False)), 16 * 8)
    for row, unknown in zip(slopes, unknowns(4, False), strict=True):
        there, back = (moved(shares, run, {unknown: by}) for by in (1e-5, -1e-5))
        assert there is not None
        assert back is not None
        central = (there.ends[0] - back.ends[0]).flatten() / 2e-5
        assert float((row - central).norm()) < 0.02 * float(central.norm()) + 1e-9, unknown
    before = slopes.clone()
    visited, _ = followed(shares, run, slopes, LEAST_DAMPING, told.append)
    assert visited[-1].error < run.error
    assert 0 < len(told) <= MOVES
    assert set(told) == {4}
    assert float((slopes - before).norm()) > 0
    assert most_steps(4, 2, False) == 2 * (sum(4 - one.step for one in unknowns(4, False)) + 4 * MOVES)


def test_a_secant_is_the_least_change_that_gives_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """After one step that does not help, J h is what the step changed, and ways across it, in J's units, stay."""
    monkeypatch.setattr(fit_descent_module, "MOVES", 1)
    shares = [share(0, 16)]
    run = trial(shares, 1.0, 0.75, 0.5, 0.25, 0.0)
    slopes = derivatives(shares, run)
    before = slopes.clone()
    gram, right = normal_equations(shares, run, slopes)
    scale = gram.diagonal() + 1e-3 * gram.diagonal().mean()
    move = torch.linalg.solve(gram + 0.5 * torch.diag(scale), right)
    after = moved(shares, run, dict(zip(unknowns(4, False), move.tolist(), strict=True)))
    assert after is not None
    followed(shares, run, slopes, 0.5)
    torch.testing.assert_close(move @ slopes, (after.ends[0] - run.ends[0]).flatten())
    across = torch.linspace(-1, 1, len(move), dtype=torch.float64)
    across -= (across @ (scale * move)) / (move @ (scale * move)) * move
    torch.testing.assert_close(across @ slopes, across @ before)
    assert float((slopes - before).norm()) > 1e-3 * float(before.norm())


def test_numbers_belong_to_their_times() -> None:
    of, times = share(0, 8), [1.0, 0.8, 0.5, 0.3, 0.0]
    given = Fitted2M((0.25, -0.4), (0.9, 1.1, 0.95), (1.2, 0.8, 1.1))
    tied = Fitted2M(given.strengths, given.kept, given.gains, (), tuple(times))
    torch.testing.assert_close(end(of.starts, times, tied), end(of.starts, times, given), rtol=0, atol=0)
    run = list(sample(mixture(), of.starts, from_times(times), given, PhiloxNoise(range(8))))
    part = list(sample(mixture(), run[1].x, from_times(times[2:]), tied, PhiloxNoise(range(8))))
    first = Fitted2M((), (0.95,), (1.1,))  # the third step's, which has no memory where a run begins
    by_hand = end(run[1].x, times[2:], first)
    torch.testing.assert_close(part[-1].x, by_hand, rtol=0, atol=0)
    others = [1.0, 0.7, 0.4, 0.2, 0.0]
    torch.testing.assert_close(end(of.starts, others, tied), end(of.starts, others, Fitted2M()), rtol=0, atol=0)
    crossed = [1.0, 0.9, 0.8, 0.5, 0.0]  # it has the second step, but what was said before is not of the first
    wanted = Fitted2M((), (1.0, 1.0, 1.1), (1.0, 1.0, 0.8))
    torch.testing.assert_close(end(of.starts, crossed, tied), end(of.starts, crossed, wanted), rtol=0, atol=0)
    with pytest.raises(InvalidOption, match="times of fitted-2m must fall"):
        Fitted2M((), (), (), (), (0.5, 0.5))


@pytest.mark.parametrize(
    ("solver", "lawful"),
    [
        (Fitted2M((0.3, -0.2)), True),
        (Fitted2M((), (0.9,)), False),
        (Fitted2M((), (), (1.1,)), False),
        (Fitted2M((), (), (), (0.5,)), False),
    ],
)
def test_only_strengths_keep_what_is_held_at_its_noise(solver: Fitted2M, lawful: bool) -> None:
    x0, eps = torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)

    class Said:
        schedule = SCHEDULE

        def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
            level = SCHEDULE(t)
            return Prediction(
                x_t,
                level,
                x0,
                branches={name: Prediction(x_t, level, y) for name, y in (("cond", x0), ("uncond", eps))},
            )

    x, state = 0.9 * eps + 0.1 * x0, solver.init(x0)
    for t, s in ((0.9, 0.6), (0.6, 0.2)):
        x, state = solver.step(Said(), x, *torch.tensor([t, s], dtype=torch.float64), state, PhiloxNoise([0]))  # type: ignore[call-arg]
    assert torch.allclose(x, 0.2 * eps + 0.8 * x0) is lawful
    assert solver.lawful is lawful


def test_where_nothing_changes_the_ends_the_run_stays() -> None:
    x = torch.ones(2, 8, dtype=torch.float64)
    blind = Bound(GaussianMixture(SCHEDULE, x[:1], torch.zeros(1).double(), torch.ones(1).double()), {})
    begun = trial([Share(blind, x, lambda _: 2 * x)], 1.0, 0.5, 0.2, 0.0)
    assert settled([Share(blind, x, lambda _: 2 * x)], begun, 3) is begun


def test_where_no_usable_numbers_are_found_a_step_is_that_of_2m(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_strengths_module, "least_squares", lambda *_: None)
    times = times_of(uniform(5, SCHEDULE))
    fit, other = fit_strengths([share(0, 8)], [times], rounds=0), share(5000, 8)
    assert error(other, times, numbers(fit)) == pytest.approx(error(other, times, SOLVERS["dpmpp-2m"].make()))


def test_the_least_squares_of_a_step_find_the_numbers_that_made_its_end() -> None:
    stops, targets, high, low = [], [], Point(0.4, 0.6), Point(0.7, 0.3)
    wanted = Numbers(0.37, 0.912, 1.085)
    for seed in (1, 2):
        x, now, before = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        stops.append(Stop(x, Prediction(x, SCHEDULE(0.6), now), before))
        targets.append(fitted_step(x, high, low, now, before, wanted))
    found = least_squares(stops, targets, high, low)
    assert found is not None
    assert (found.strength, found.kept, found.gain) == pytest.approx((0.37, 0.912, 1.085), abs=1e-4)
    assert least_squares(stops, [100 * target for target in targets], high, low) is None  # beyond what is allowed


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
    x, t, s = of.starts, 1.0, 0.8
    said = mixture()(x, torch.tensor(t, dtype=torch.float64)).x0
    step, _ = Fitted2M((), (0.9,), (1.2,)).step(
        mixture(), x, *torch.tensor([t, s], dtype=torch.float64), (0, None, ()), PhiloxNoise([0])
    )
    torch.testing.assert_close(step, 0.9 * s * x + 1.2 * (1 - s) * said)


def test_a_strength_beyond_reason_is_refused() -> None:
    with pytest.raises(InvalidOption, match=r"must be from -10 to 10, not 11\.0"):
        Fitted2M((0.5, 11.0))
    with pytest.raises(InvalidOption, match="not nan"):
        Fitted2M((math.nan,))
    with pytest.raises(InvalidOption, match="number in gains of fitted-2m"):
        Fitted2M((), (), (-10.5,))
    assert Fitted2M((0.5,)).order is None
    assert Fitted2M((), (0.5,)).order is None
