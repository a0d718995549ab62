import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    DDIM,
    DDPM,
    Bound,
    Denoise,
    DPMpp2M,
    Gaussian,
    PhiloxNoise,
    Prediction,
    Purpose,
    RectifiedFlow,
    Renoise,
    Schedule,
    Step,
    VPCosine,
    VPScaledLinear,
    from_times,
    listeners,
    pure_noise,
    sample,
)
from mezzotint.errors import InvalidOption

from .order import SCHEDULES, float64


class Watched:
    """A Gaussian denoiser that writes down the times it is asked for."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule, self.times = schedule, list[float]()
        self.exact = Gaussian(schedule, 0.3, 0.25)

    def __call__(self, x_t: Tensor, t: Tensor, *, to: Tensor | None = None) -> Prediction:
        self.times.append(float(t))
        return self.exact(x_t, t)


def test_the_last_step_is_the_prediction_and_t_zero_is_never_asked_for() -> None:
    model, x = Watched(VPCosine()), torch.linspace(-1, 1, 5)[None]
    steps = list(sample(model, x, from_times([1.0, 0.6, 0.2, 0.0]), DPMpp2M(), PhiloxNoise([0])))
    assert model.times == [1.0, 0.6, 0.2]
    last = steps[-1]
    assert last.prediction is not None
    assert torch.equal(last.x, last.prediction.x0)
    assert torch.equal(last.prediction.x_t, steps[-2].x)
    assert [(s.index, s.total, s.evaluations) for s in steps] == [(0, 3, 1), (1, 3, 1), (2, 3, 1)]


def test_it_is_a_generator_that_refuses_before_the_first_step() -> None:
    model = Watched(VPCosine())
    run = sample(model, torch.zeros(1, 1), from_times([1.0, 0.5, 0.0]), DDIM(), PhiloxNoise([0]))
    assert model.times == []
    next(run)
    assert model.times == [1.0]
    with pytest.raises(InvalidOption, match="at least one move"):
        sample(model, torch.zeros(1, 1), (), DDIM(), PhiloxNoise([0]))


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=list(SCHEDULES))
def test_renoise_goes_back_to_the_true_marginal(schedule: Schedule) -> None:
    """From exact samples at s, a Renoise gives exact samples at t, correlated as the noising process has them."""
    n = 200_000
    s, t = float(schedule.time(2.0)), float(schedule.time(-1.0))
    low, high = schedule(s), schedule(t)
    noise = PhiloxNoise([1])
    normal = noise.normal((1, n), Purpose.START, 0).double()
    x_s = low.alpha * 0.3 + (low.alpha**2 * 0.25 + low.sigma**2).sqrt() * normal
    (step,) = sample(Watched(schedule), x_s, (Renoise(s, t),), DDIM(), noise)
    variance = float(high.alpha**2 * 0.25 + high.sigma**2)
    assert float(step.x.mean()) == pytest.approx(float(high.alpha) * 0.3, abs=5 * (variance / n) ** 0.5)
    assert float(step.x.var()) == pytest.approx(variance, rel=0.02)
    slope = float(((x_s - x_s.mean()) * step.x).mean() / x_s.var())
    assert slope == pytest.approx(float(high.alpha / low.alpha), abs=5 * (variance / float(x_s.var()) / n) ** 0.5)
    assert step.prediction is None
    assert step.evaluations == 0


def test_renoise_starts_the_solver_anew() -> None:
    """After a jump, DPM++ 2M's first step is DDIM again."""
    x = torch.linspace(-1, 1, 5)[None].double()
    grid = (Denoise(0.9, 0.7), Denoise(0.7, 0.5), Renoise(0.5, 0.8), Denoise(0.8, 0.6))
    steps = list(sample(Watched(VPCosine()), x, grid, DPMpp2M(), PhiloxNoise([2])))
    (ddim,) = sample(Watched(VPCosine()), steps[2].x, grid[3:], DDIM(), PhiloxNoise([2]))
    torch.testing.assert_close(steps[3].x, ddim.x, rtol=1e-13, atol=1e-13)


def test_no_two_steps_share_their_noise() -> None:
    model = Watched(RectifiedFlow())
    drawn: list[tuple[Purpose, int]] = []

    class Ledger(PhiloxNoise):
        def normal(self, shape, purpose, draw):  # type: ignore[no-untyped-def]
            drawn.append((purpose, draw))
            return super().normal(shape, purpose, draw)

    grid = (Denoise(1.0, 0.7), Renoise(0.7, 0.9), Denoise(0.9, 0.5), Renoise(0.5, 0.6), Denoise(0.6, 0.3))
    list(sample(model, torch.zeros(1, 1), grid, DDPM(), Ledger([0])))
    assert len(drawn) == len(set(drawn)) == 5


def test_wrappers_hear_of_a_step_once_and_before_the_caller() -> None:
    heard: list[int] = []

    class Momentum:
        def __init__(self, denoiser: Gaussian) -> None:
            self.denoiser, self.schedule = denoiser, denoiser.schedule

        def __call__(self, x_t: Tensor, t: Tensor, cond: object, **_: object) -> Prediction:
            return self.denoiser(x_t, t)

        def accepted(self, step: Step) -> None:
            heard.append(step.index)

    wrapper = Momentum(Gaussian(VPCosine()))
    told = listeners(wrapper)
    assert told == (wrapper,)
    run = sample(Bound(wrapper, {}), torch.zeros(1, 1), from_times([1, 0.5, 0]), DDIM(), PhiloxNoise([0]), told=told)
    for count, _ in enumerate(run, start=1):
        assert heard == list(range(count))


def test_pure_noise_is_the_first_draw_at_the_schedules_scale() -> None:
    start = pure_noise(RectifiedFlow(), (1, 4), PhiloxNoise([0]))
    assert start[0].tolist() == pytest.approx([-0.92466259, -0.42534415, -2.6438457, 0.14518388], abs=1e-7)
    table = VPScaledLinear()
    torch.testing.assert_close(pure_noise(table, (1, 4), PhiloxNoise([0])), start * float(table(1.0).sigma))


def test_inversion_goes_up_and_comes_back() -> None:
    """A rising grid and its reverse return to the picture, the better the more steps: first order for DDIM."""
    x = torch.linspace(-1, 1, 9)[None].double()
    errors = []
    for steps in (100, 200):
        up = [0.05 + 0.9 * i / steps for i in range(steps + 1)]
        model = Watched(VPCosine())
        *_, top = sample(model, x, from_times(up), DDIM(), PhiloxNoise([0]))
        *_, back = sample(model, top.x, from_times(up[::-1]), DDIM(), PhiloxNoise([0]))
        truth = Gaussian(VPCosine(), 0.3, 0.25).flow(x, float64(0.05), float64(0.95))
        torch.testing.assert_close(top.x, truth, rtol=0, atol=0.05)
        errors.append(float((back.x - x).abs().max()))
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.3)
