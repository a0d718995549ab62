"""What methods of distillation share: the algebra of jumps is exact, and an exact flow map is what all ask for."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mezzotint.diffusion import EDM, Gaussian, Prediction, RectifiedFlow, Schedule, VPCosine
from mezzotint.errors import InvalidOption
from mezzotint.training.methods import distil
from mezzotint.training.methods.consistency import Consistency, ConsistencyConfig, pseudo_huber
from mezzotint.training.methods.distil import Lesson, joined, jump
from mezzotint.training.methods.distribution_matching import DistributionMatching, MatchingConfig, matching_gradient
from mezzotint.training.methods.progressive import Progressive, ProgressiveConfig

from .plane import Asked, Examples, Small, examples, lesson, starts, train

SCHEDULES = {"vp-cosine": VPCosine(), "rectified-flow": RectifiedFlow(), "edm": EDM(sigma_max=10.0)}
schedules = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)


def times(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def end(exact: Gaussian, x_t: Tensor, t: Tensor, to: Tensor) -> Tensor:
    """The x_0 whose law at `to` is on the trajectory; where `to` is t, that is the mean."""
    here, there = (exact.schedule(u).like(x_t) for u in (t, to))
    ratio = there.sigma / here.sigma
    x0 = (exact.flow(x_t, t, to) - ratio * x_t) / (there.alpha - ratio * here.alpha)
    return torch.where((to == t)[:, None], exact(x_t, t).x0, x0)


@dataclass(frozen=True)
class Oracle:
    """The exact flow map of a Gaussian, as a student."""

    exact: Gaussian

    @property
    def schedule(self) -> Schedule:
        return self.exact.schedule

    def __call__(self, x_t: Tensor, t: Tensor, cond: Any, *, to: Tensor | None = None, probe: Any = None) -> Prediction:
        x0 = end(self.exact, x_t, t, torch.zeros_like(t)) if to is None else end(self.exact, x_t, t, to)
        return Prediction(x_t, self.schedule(t), x0)


def oracle_lesson(schedule: Schedule) -> tuple[Lesson[Asked], Examples]:
    """A lesson whose student is right, and a batch, in float64."""
    exact = Gaussian(schedule, 0.3, 0.25)
    batch = examples(1, 256)
    batch = replace(
        batch, pictures=0.3 + 0.5 * torch.randn(256, 3, generator=torch.Generator().manual_seed(1)).double()
    )
    return replace(lesson(schedule), teacher=exact, leaf=lambda _: Oracle(exact)), batch


@schedules
def test_a_jump_is_the_sum_of_its_parts(schedule: Schedule) -> None:
    """joined() of the exact x_0 of t → s and s → u is that of t → u, also where a part is empty or u = 0."""
    exact = Gaussian(schedule, 0.3, 0.25)
    t, s, u = times(1, 1, 0.9, 0.6, 0.5), times(0.5, 0.7, 0.89, 0.2, 0.1), times(0.2, 0.0, 0.4, 0.2, 0.0)
    x_t = torch.linspace(-2, 2, 10, dtype=torch.float64).reshape(5, 2)
    first = end(exact, x_t, t, s)
    x_s = jump(x_t, first, schedule(t), schedule(s))
    torch.testing.assert_close(x_s, exact.flow(x_t, t, s), rtol=1e-9, atol=1e-9)
    whole = joined(first, end(exact, x_s, s, u), schedule(t), schedule(s), schedule(u))
    torch.testing.assert_close(whole, end(exact, x_t, t, u), rtol=1e-8, atol=1e-8)
    # nothing is asked of the second where there is none
    nothing = torch.full_like(first, torch.nan)
    zero = times(0, 0, 0, 0, 0)
    assert torch.equal(joined(first, nothing, schedule(t), schedule(s), schedule(s)), first)
    assert torch.equal(joined(first, nothing, schedule(t), schedule(zero), schedule(zero)), first)


@schedules
def test_the_teachers_steps_have_their_order(schedule: Schedule) -> None:
    """The error of the whole way in n steps: halving them, DDIM halves it and Heun quarters it."""
    taught, _ = oracle_lesson(schedule)
    t, s = times(0.8), times(0.3)
    x, exact = times(-1.5, 0.2, 2.0)[None], Gaussian(schedule, 0.3, 0.25)

    def error(steps: int, heun: bool) -> float:
        y = x
        for i in range(steps):
            a, b = (t + (s - t) * k / steps for k in (i, i + 1))
            step = taught.step(y, a, b, Asked(torch.ones(1, 3)), torch.ones(1), heun=heun)
            y = jump(y, step, schedule(a), schedule(b))
        return float((y - exact.flow(x, t, s)).abs().max())

    for heun, order in ((False, 1), (True, 2)):
        assert error(64, heun) / error(128, heun) == pytest.approx(2**order, rel=0.1)


@schedules
def test_an_exact_flow_map_has_nothing_left_to_learn_by_consistency(schedule: Schedule) -> None:
    taught, batch = oracle_lesson(schedule)

    def error(steps: int) -> float:
        config = ConsistencyConfig(first_steps=steps, steps=steps, huber=1e-6)
        return float(Consistency(nn.Linear(1, 1), taught, config).losses(batch).mean())

    assert error(64) < 1e-4
    assert error(128) < 0.25 * error(64)


@schedules
def test_nor_by_progressive_distillation(schedule: Schedule) -> None:
    """Nothing but the error of the teacher's solver, of order 1 or 2, and in the later stages nothing at all."""
    taught, batch = oracle_lesson(schedule)

    def error(first: int, heun: bool) -> float:
        method = Progressive(nn.Linear(1, 1), taught, ProgressiveConfig(first=first, updates=1, heun=heun))
        losses = method.losses(batch)
        method.step(0.0, 1)
        assert float(method.losses(batch).max()) < 1e-9
        return float(losses.median() ** 0.5)

    for heun, order in ((False, 1), (True, 2)):
        assert error(64, heun) / error(128, heun) == pytest.approx(2**order, rel=0.1)
    assert error(64, True) < 0.05 * error(64, False)


@schedules
def test_nor_by_distribution_matching(schedule: Schedule) -> None:
    """A generator that draws the data, and a critic that knows it: both scores are the same."""
    exact = Gaussian(schedule, 0.3, 0.25)
    x = 0.3 + 0.5 * torch.linspace(-2, 2, 12, dtype=torch.float64).reshape(4, 3)
    t = times(0.1, 0.3, 0.6, 0.9)
    x_t = schedule(t).noised(x, torch.ones_like(x))
    real = exact(x_t, t).x0
    assert float(matching_gradient(x, real, real).abs().max()) == 0
    # what is drawn lies too far right: a step against the gradient takes it left, wherever it is
    fake = replace(exact, mean=0.8)(x_t, t).x0
    assert float(matching_gradient(x, real, fake).min()) > 0


def test_the_score_gradient_is_that_of_the_divergence() -> None:
    """For x = m + 0.5 z, KL(N(m, .25) ‖ N(.3, .25)) noised to t has the slope (m − .3) alpha² / (alpha² .25 + sigma²).

    alpha (fake − real) / sigma² is (s_fake − s_real), whose mean times alpha is that slope.
    """
    flow, t = RectifiedFlow(), times(0.4)
    level = flow(t)
    x = (0.9 + 0.5 * torch.ones(1, 1)).double()
    x_t = level.noised(x, torch.full_like(x, -0.7))
    real, fake = Gaussian(flow, 0.3, 0.25)(x_t, t).x0, Gaussian(flow, 0.9, 0.25)(x_t, t).x0
    slope = matching_gradient(x, real, fake) * (x - real).abs() * (level.alpha / level.sigma) ** 2
    assert float(slope) == pytest.approx(0.6 * 0.36 / (0.36 * 0.25 + 0.16), rel=1e-9)


def test_pseudo_huber_is_square_near_zero_and_straight_far_away() -> None:
    target = torch.zeros(2, 4)
    near, far = (
        pseudo_huber(torch.full((2, 4), 1e-3), target, 0.1),
        pseudo_huber(torch.full((2, 4), 100.0), target, 0.1),
    )
    torch.testing.assert_close(near, torch.full((2,), 1e-6 / 0.2), rtol=1e-2, atol=0)
    torch.testing.assert_close(far, torch.full((2,), 99.9), rtol=1e-5, atol=0)


def test_guidance_is_spread_over_its_range_and_reaches_the_teacher_and_the_student() -> None:
    taught = lesson(RectifiedFlow(), (1.0, 4.0))
    scales = taught.scales(torch.arange(4000))
    assert float(scales.min()) > 1
    assert float(scales.max()) < 4
    assert float(scales.mean()) == pytest.approx(2.5, abs=0.05)
    x, asked = starts(6)
    t, guidance = torch.full((6,), 0.7, dtype=torch.float64), torch.tensor([1.0, 1.5, 2, 3, 4, 4])
    cond = taught.teacher(x, t, {"cond": asked}).x0
    uncond = taught.teacher(x, t, {"cond": taught.uncond(asked)}).x0
    expected = uncond + guidance[:, None] * (cond - uncond)
    torch.testing.assert_close(taught.x0(x, t, asked, guidance), expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(taught.x0(x, t, asked, torch.ones(6)), cond)


MAKE: dict[str, Callable[[nn.Module, Lesson[Asked]], Any]] = {
    "consistency": lambda net, own: Consistency(
        net, own, ConsistencyConfig(first_steps=2, double_every=3, average=0.5)
    ),
    "progressive": lambda net, own: Progressive(net, own, ProgressiveConfig(first=4, updates=2)),
    "distribution-matching": lambda net, own: DistributionMatching(
        net, Small(16, seed=1), own, MatchingConfig(times=(1.0, 0.5), critic_updates=2)
    ),
}


def test_an_averaged_target_follows_the_student() -> None:
    """Three quarters of it are kept at each update; without an average it is the student itself."""
    network = Small(16)
    method = Consistency(network, lesson(RectifiedFlow()), ConsistencyConfig(average=0.75))
    with torch.no_grad():
        for value in network.parameters():
            value.add_(1.0)
    method.step(1e-2, 1)
    for own, new in zip(method.target.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(own, new.detach() - 0.75)
    assert Consistency(network, lesson(RectifiedFlow())).target is network


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_a_resumed_distillation_goes_on_as_if_it_had_not_stopped(make: Callable[..., Any]) -> None:
    taught = lesson(RectifiedFlow(), (1.0, 4.0))

    def losses(method: Any, network: nn.Module, updates: range) -> Tensor:
        for step in updates:
            train(method, network, step, 8, 1e-2, first=step)
        return method.losses(examples(77, 8)).detach()

    network = Small(16)
    method = make(network, taught)
    losses(method, network, range(1, 4))
    kept = {name: value.clone() for name, value in method.state().items()}
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    straight = losses(method, network, range(4, 7))
    again = Small(16, seed=5)
    other = make(again, taught)
    again.load_state_dict(weights)
    other.load(kept)
    assert torch.equal(losses(other, again, range(4, 7)), straight)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: replace(lesson(RectifiedFlow()), guidance=(3.0, 2.0)), "from 3 to 2"),
        (lambda: replace(lesson(RectifiedFlow()), guidance=(0.0, 2.0)), "above 0"),
        (lambda: ConsistencyConfig(first_steps=9, steps=8), "steps is 8; it must be a whole number of 9 or more"),
        (lambda: ConsistencyConfig(average=1.0), "average is 1.0"),
        (lambda: ProgressiveConfig(first=6, last=1), "first is 6 and last 1"),
        (lambda: MatchingConfig(times=(0.9, 0.5)), "must begin with 1"),
        (lambda: MatchingConfig(times=(1.0, 0.5, 0.5)), "fall"),
        (lambda: MatchingConfig(low=0.5, high=0.2), "low is 0.5 and high 0.2"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(build: Callable[[], object], sentence: str) -> None:
    with pytest.raises(InvalidOption, match=sentence):
        build()


def test_the_random_numbers_of_a_picture_are_its_own() -> None:
    """Each use has a stream of its own, and none is that of the times."""
    names = [distil.TO_DRAW, distil.LONG_DRAW, distil.GUIDANCE_DRAW, *range(distil.CRITIC_DRAW, distil.CRITIC_DRAW + 5)]
    assert 0 not in names
    taught = lesson(RectifiedFlow())
    drawn = torch.stack([taught.uniform(torch.arange(400), which) for which in names])
    assert float((torch.corrcoef(drawn) - torch.eye(len(names))).abs().max()) < 0.2
    x, _ = starts(4)
    noise = taught.noise(torch.arange(4), x, 3)
    assert torch.equal(noise[:, 1:2], taught.noise(torch.arange(1, 2), x, 3))
    assert torch.equal(noise[0], taught.noise(torch.arange(4), x)[0])
