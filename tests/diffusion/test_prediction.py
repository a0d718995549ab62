from typing import get_args

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import EDM, Prediction, RectifiedFlow, Schedule, Target, VPCosine
from mezzotint.errors import InvalidOption

from .order import float64
from .test_schedule import schedules

TARGETS: tuple[Target, ...] = get_args(Target)


def pair(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x0, eps = torch.randn(2, 3, 2, 1, 4, 4, generator=generator, dtype=torch.float64)
    return x0, eps


@schedules
@pytest.mark.parametrize("target", TARGETS)
def test_every_target_means_the_same_sample(schedule: Schedule, target: Target) -> None:
    """From x_0 and eps to the target by its definition, and back through from_output, in float64."""
    x0, eps = pair()
    level = schedule(float64([0.05, 0.4, 0.97]))
    a, s = level.like(x0).alpha, level.like(x0).sigma
    output = {"x0": x0, "eps": eps, "v": a * eps - s * x0, "velocity": eps - x0}[target]
    prediction = Prediction.from_output(output, target, level.noised(x0, eps), level)
    # in EDM, sigma = 6e-8 at t = 0.05: eps is x_t - x_0 divided by that
    torch.testing.assert_close(prediction.x0, x0, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(prediction.eps, eps, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(getattr(prediction, target), output, rtol=1e-6, atol=1e-6)


def test_velocity_is_the_derivative_of_rectified_flow_and_v_that_of_the_angle() -> None:
    x0, eps = pair()
    h = 1e-6
    for schedule, speed, name in ((RectifiedFlow(), 1.0, "velocity"), (VPCosine(), torch.pi / 2, "v")):
        t = float64(0.3)
        slope = (schedule(t + h).noised(x0, eps) - schedule(t - h).noised(x0, eps)) / (2 * h)
        prediction = Prediction(schedule(t).noised(x0, eps), schedule(t), x0)
        torch.testing.assert_close(getattr(prediction, name) * speed, slope, rtol=1e-8, atol=1e-8)


def test_score_is_the_gradient_of_the_noising_density() -> None:
    x0, eps = pair()
    level = VPCosine()(0.4)
    x_t = level.noised(x0, eps).requires_grad_()
    log_density = -((x_t - level.alpha * x0) ** 2).sum() / (2 * level.sigma**2)
    (expected,) = torch.autograd.grad(log_density, x_t)
    torch.testing.assert_close(Prediction(x_t.detach(), level, x0).score, expected)


@pytest.mark.parametrize("schedule", [RectifiedFlow(), VPCosine()], ids=["rectified-flow", "vp-cosine"])
def test_limits_at_pure_noise(schedule: Schedule) -> None:
    """At alpha = 0: x_0 = x_t − velocity = −v, and eps = x_t."""
    x0, eps = pair()
    level = schedule(1.0)
    for target, output in (("velocity", eps - x0), ("v", -x0), ("x0", x0)):
        prediction = Prediction.from_output(output, target, eps, level)
        torch.testing.assert_close(prediction.x0, x0)
        assert torch.equal(prediction.eps, eps)


def test_an_eps_target_is_refused_at_pure_noise() -> None:
    x0, eps = pair()
    with pytest.raises(InvalidOption, match="alpha = 0"):
        Prediction.from_output(eps, "eps", eps, RectifiedFlow()(float64([0.5, 0.5, 1.0])))
    assert Prediction.from_output(eps, "eps", x0, EDM()(1.0)).x0.isfinite().all()


def test_an_unknown_target_is_refused() -> None:
    x0, _ = pair()
    with pytest.raises(InvalidOption, match="did you mean velocity"):
        Prediction.from_output(x0, "velocty", x0, RectifiedFlow()(0.5))  # type: ignore[arg-type]


def test_replace_keeps_the_noise_only_with_its_own_x0() -> None:
    x0, eps = pair()
    first = Prediction(x0, VPCosine()(0.5), x0, eps_for_update=eps)
    assert first.replace(branches={"cond": first}).eps_for_update is eps
    assert first.replace(x0=2 * x0).eps_for_update is None
    assert first.replace(x0=2 * x0, eps_for_update=eps).update_eps is eps


def test_evaluations_are_counted_through_nested_branches() -> None:
    x0, _ = pair()
    leaf = Prediction(x0, VPCosine()(0.5), x0)
    guided = leaf.replace(branches={"cond": leaf, "uncond": leaf})
    assert (leaf.evaluations, guided.evaluations) == (1, 2)
    assert guided.replace(branches={"strong": guided, "weak": leaf}).evaluations == 3
