"""Adaptive solvers: the error follows the tolerance, every picture by itself, and the cost follows the order."""

import math

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    Bound,
    GaussianMixture,
    PhiloxNoise,
    Prediction,
    RectifiedFlow,
    Schedule,
    VPCosine,
    from_times,
    sample,
)
from mezzotint.diffusion.solvers.adaptive import Adaptive, Pair
from mezzotint.errors import InvalidOption

from .order import SCHEDULES, exact_denoisers, float64, starts

PAIRS: tuple[Pair, ...] = ("heun", "dopri5")


def run(solver: Adaptive, schedule: Schedule, moves: int = 1) -> tuple[float, int]:
    """The error at the end of an interval, and the evaluations it took."""
    exact = exact_denoisers(schedule)["mixture"]
    ends = [float(schedule.time(log_snr)) for log_snr in (-4.0, 4.0)]
    x = starts(schedule(ends[0]))[::4]
    times = [ends[0] + (ends[1] - ends[0]) * i / moves for i in range(moves + 1)]
    steps = list(sample(Bound(exact, {}), x, from_times(times), solver, PhiloxNoise(range(len(x)))))
    truth = exact.flow(x, float64(ends[0]), float64(ends[1]))
    return float((steps[-1].x - truth).square().mean().sqrt()), sum(step.evaluations for step in steps)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("pair", PAIRS)
def test_the_error_follows_the_tolerance(pair: Pair, schedule: str) -> None:
    tolerances = (1e-2, 1e-3, 1e-4, 1e-5) if pair == "heun" else (1e-3, 1e-5, 1e-7)
    found = [run(Adaptive(pair, tolerance), SCHEDULES[schedule]) for tolerance in tolerances]
    for (error, _), tolerance in zip(found, tolerances, strict=True):
        assert error < 10 * tolerance
    assert found[0][0] > 1e-6  # a loose tolerance is used, not ignored


@pytest.mark.parametrize(("pair", "lower"), [("heun", 1), ("dopri5", 4)])
def test_the_cost_follows_the_order(pair: Pair, lower: int) -> None:
    """Steps are as long as the tolerance allows: evaluations ~ 1/h with h^(lower + 1) ~ tolerance."""
    tolerances = (1e-4, 1e-6) if pair == "heun" else (1e-8, 1e-12)
    counts = [run(Adaptive(pair, tolerance), VPCosine())[1] for tolerance in tolerances]
    measured = math.log(counts[1] / counts[0]) / math.log(tolerances[0] / tolerances[1])
    assert measured == pytest.approx(1 / (lower + 1), abs=0.07)


def test_dopri5_needs_fewer_evaluations_than_heun_at_a_tight_tolerance() -> None:
    heun, dopri = (run(Adaptive(pair, 1e-5), RectifiedFlow()) for pair in PAIRS)
    assert dopri[1] < heun[1] / 2


def test_moves_share_the_length_of_a_step() -> None:
    """Ten moves cost little more than one: each takes up where the last left off, and none starts small."""
    whole, parts = (run(Adaptive("dopri5", 1e-5), RectifiedFlow(), moves) for moves in (1, 10))
    assert parts[0] < 1e-4
    assert parts[1] < 2.5 * whole[1]


@pytest.mark.parametrize("pair", PAIRS)
def test_a_hard_picture_does_not_change_an_easy_one(pair: Pair) -> None:
    """The pictures of a batch have their own times inside a move; bit for bit as alone, whatever their company."""
    means = torch.stack([torch.full((37,), -1.0), torch.full((37,), 0.6)])
    exact = GaussianMixture(VPCosine(), means, torch.tensor([1e-3, 0.1]), torch.tensor([0.4, 0.6]))
    x = torch.stack([torch.linspace(-2, 2, 37), torch.full((37,), -0.31), torch.linspace(0, 1, 37)])
    grid = from_times([0.999, 0.3, 0.01])
    *_, whole = sample(Bound(exact, {}), x, grid, Adaptive(pair), PhiloxNoise([0, 1, 2]))
    costs = []
    for i in range(3):
        alone = list(sample(Bound(exact, {}), x[i : i + 1], grid, Adaptive(pair), PhiloxNoise([i])))
        assert torch.equal(alone[-1].x, whole.x[i : i + 1])
        costs.append(sum(step.evaluations for step in alone))
    assert len(set(costs)) > 1  # they did need different steps


def test_from_pure_noise_and_upwards() -> None:
    exact = exact_denoisers(RectifiedFlow())["mixture"]
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]
    noise = PhiloxNoise(range(9))
    (down,) = sample(Bound(exact, {}), x, from_times([1.0, 0.05]), Adaptive(tolerance=1e-6), noise)
    torch.testing.assert_close(down.x, exact.flow(x, float64(1.0), float64(0.05)), rtol=0, atol=1e-5)
    (up,) = sample(Bound(exact, {}), down.x, from_times([0.05, 1.0]), Adaptive(tolerance=1e-6), noise)
    torch.testing.assert_close(up.x, x, rtol=0, atol=1e-4)


def test_what_cannot_be_is_refused() -> None:
    for tolerance in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(InvalidOption, match="tolerance must be a positive number"):
            Adaptive(tolerance=tolerance)
    single = Bound(exact_denoisers(RectifiedFlow())["mixture"], {})
    fine = sample(single, torch.zeros(1, 1), from_times([1.0, 0.5]), Adaptive(tolerance=1e-12), PhiloxNoise([0]))
    with pytest.raises(InvalidOption, match=r"finer than the sample's own digits, 1\.2e-07 in float32; raise it"):
        next(fine)
    with pytest.raises(InvalidOption, match="pair"):
        Adaptive("rk4")  # type: ignore[arg-type]
    exact = Bound(exact_denoisers(RectifiedFlow())["mixture"], {})
    run = sample(exact, torch.zeros(1, 1), from_times([1.0, 0.5]), Adaptive(coordinate="ratio"), PhiloxNoise([0]))
    with pytest.raises(InvalidOption, match="infinite at alpha = 0"):
        list(run)


def test_a_broken_denoiser_ends_in_a_sentence() -> None:
    class Broken:
        schedule = RectifiedFlow()

        def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
            return Prediction(x_t, self.schedule(t), torch.full_like(x_t, math.nan))

    with pytest.raises(InvalidOption, match="cannot be reached"):
        list(sample(Broken(), torch.zeros(1, 1), from_times([0.9, 0.5]), Adaptive("heun"), PhiloxNoise([0])))
