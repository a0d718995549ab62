import math

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    EDM,
    WEIGHTINGS,
    Level,
    LogitNormal,
    Prediction,
    RectifiedFlow,
    Schedule,
    Uniform,
    VPCosine,
    loss,
)
from mezzotint.diffusion.objective import velocity_weight

from .order import float64

schedules = pytest.mark.parametrize(
    "schedule", [RectifiedFlow(), VPCosine(), EDM(sigma_max=5.0, rho=2.0)], ids=["rf", "cos", "edm"]
)


def pair() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    x0, eps, wrong = torch.randn(3, 4, 3, 2, 5, 5, generator=generator, dtype=torch.float64)
    return x0, eps, x0 + 0.2 * wrong


@schedules
@pytest.mark.parametrize("name", ["eps", "v", "velocity", "x0"])
def test_a_weighted_loss_in_x0_is_the_plain_loss_in_another_target(schedule: Schedule, name: str) -> None:
    x0, eps, predicted = pair()
    level = schedule(float64([0.1, 0.4, 0.8, 0.99]))
    x_t = level.noised(x0, eps)
    truth, belief = Prediction(x_t, level, x0), Prediction(x_t, level, predicted)
    expected = ((getattr(belief, name) - getattr(truth, name)) ** 2).flatten(1).mean(1)
    weighting = (lambda level: velocity_weight(level, floor=0.0)) if name == "velocity" else WEIGHTINGS[name]
    torch.testing.assert_close(loss(predicted, x0, level, weighting), expected)


def test_the_default_weight_is_bounded_near_the_data() -> None:
    """1 / max(t, 0.05)² on rectified flow."""
    weight = velocity_weight(RectifiedFlow()(float64([0.001, 0.05, 0.1, 1.0])))
    assert weight.tolist() == pytest.approx([400, 400, 100, 1])


def test_a_level_per_frame_weighs_frames() -> None:
    x0, _, predicted = pair()
    t = float64([[0.1, 0.9]] * 4)
    whole = loss(predicted, x0, RectifiedFlow()(t))
    frames = [loss(predicted[:, :, f], x0[:, :, f], RectifiedFlow()(t[:, f])) for f in (0, 1)]
    torch.testing.assert_close(whole, (frames[0] + frames[1]) / 2)


def test_half_precision_is_compared_in_float32() -> None:
    x0 = torch.full((1, 1, 1, 64, 64), 1.0)
    predicted = torch.full_like(x0, 1.0078125).bfloat16()  # the next bfloat16 after 1
    assert float(loss(predicted, x0, Level(float64([0.0]), float64([1.0])))) == pytest.approx(0.0078125**2, rel=1e-6)


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.8, 0.8)])
def test_logit_normal_quantiles(mean: float, std: float) -> None:
    """Of u = Phi(z) the logit is mean + std z."""
    z = float64([-3.0, -1.0, 0.0, 0.5, 2.0])
    t = LogitNormal(mean, std).quantile(0.5 * (1 + torch.erf(z / math.sqrt(2))))
    torch.testing.assert_close(torch.log(t / (1 - t)), mean + std * z)
    assert torch.equal(Uniform().quantile(z), z)


def test_times_stay_inside_for_the_most_extreme_uniforms() -> None:
    ends = LogitNormal().quantile(float64([0.5 / 2**32, 1 - 0.5 / 2**32]))
    assert 0 < float(ends[0]) < float(ends[1]) < 1
