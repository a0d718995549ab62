"""Modifiers that need no attention: rescale, dynamic thresholding, autoguidance, and how they stack."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    CFG,
    EDM,
    GUIDANCES,
    Gaussian,
    Interval,
    Prediction,
    RectifiedFlow,
    Schedule,
    VPCosine,
    guided,
)
from mezzotint.diffusion.guidance.autoguidance import Autoguidance
from mezzotint.diffusion.guidance.cfg_pp import CFGpp
from mezzotint.diffusion.guidance.pag import PAG
from mezzotint.diffusion.guidance.rescale import Rescale
from mezzotint.diffusion.guidance.sag import SAG
from mezzotint.diffusion.guidance.seg import SEG
from mezzotint.diffusion.guidance.slg import SLG
from mezzotint.diffusion.guidance.thresholding import DynamicThresholding
from mezzotint.diffusion.guidance.token_dropout import TokenDropout
from mezzotint.errors import InvalidOption

from .conditional import SHARES, Conditional, Means, Mixed
from .order import float64

schedules = pytest.mark.parametrize("schedule", [RectifiedFlow(), VPCosine(), EDM()], ids=["rf", "cos", "edm"])
X = float64([[0.3, -0.1, 1.2], [0.8, 0.0, -0.7], [-0.5, 0.9, 0.1], [0.0, 1.1, -0.3]])
T = float64(0.55)
GUIDE = CFG(3.0)
MODIFIERS = {name: record for name, record in GUIDANCES.items() if record.kind == "modifier"}


def strong(schedule: Schedule, *modifiers: Any, rule: Any = GUIDE, x: Tensor = X, t: Tensor = T) -> Prediction:
    return guided(Mixed(schedule), rule, modifiers, calls="apart")(x, t, SHARES)


@pytest.mark.parametrize("name", MODIFIERS)
@pytest.mark.parametrize("rule", [CFG(1.0), CFG(3.0), CFGpp(0.6)], ids=["off", "cfg", "cfg++"])
def test_a_modifier_is_bitwise_off_by_default_and_free(name: str, rule: Any) -> None:
    """Attention guidance too, on a model without attention: what is off needs nothing."""
    plain, off = strong(VPCosine(), rule=rule), strong(VPCosine(), MODIFIERS[name].make(), rule=rule)
    assert torch.equal(off.x0, plain.x0)
    assert torch.equal(off.update_eps, plain.update_eps)
    assert off.evaluations == plain.evaluations


@schedules
@pytest.mark.parametrize("target", ["x0", "eps", "v", "velocity"])
def test_rescale_restores_the_spread_of_the_conditional_prediction(schedule: Schedule, target: Any) -> None:
    def std(prediction: Prediction) -> Tensor:
        return getattr(prediction, target).std(dim=1, keepdim=True)

    plain = strong(schedule)
    full = strong(schedule, Rescale(1.0, target))
    torch.testing.assert_close(std(full), std(plain.branches["cond"]))
    assert float((std(plain) / std(full) - 1).abs().max()) > 0.01
    part = strong(schedule, Rescale(0.7, target))
    expected = 0.7 * getattr(full, target) + 0.3 * getattr(plain, target)
    torch.testing.assert_close(getattr(part, target), expected)
    assert part.evaluations == 2


def test_rescale_holds_at_pure_noise_but_for_eps() -> None:
    for target in ("x0", "v", "velocity"):
        assert torch.isfinite(strong(RectifiedFlow(), Rescale(0.7, target), t=float64(1.0)).x0).all()
    with pytest.raises(InvalidOption, match="alpha = 0"):
        strong(RectifiedFlow(), Rescale(0.7, "eps"), t=float64(1.0))


def test_rescale_of_what_nothing_steered_is_bitwise_plain() -> None:
    plain, off = strong(VPCosine(), rule=CFG(1.0)), strong(VPCosine(), Rescale(0.7), rule=CFG(1.0))
    assert torch.equal(off.x0, plain.x0)


@dataclass(frozen=True)
class Fixed:
    """Says one x_0 whatever x_t is."""

    x0: Tensor
    schedule: Schedule = field(default_factory=VPCosine)

    def __call__(self, x_t: Tensor, t: Tensor, cond: Any, *, to: Any = None, probe: Any = None) -> Prediction:
        return Prediction(x_t, self.schedule(t), self.x0)


@pytest.mark.parametrize("limit", [1.0, 2.5])
def test_dynamic_thresholding_clips_at_the_percentile_and_scales_back(limit: float) -> None:
    values = torch.linspace(-4, 4, 101, dtype=torch.float64)
    x0 = torch.stack([values, values / 8, values + 1])[:, None]
    for share in (0.0, 0.5, 0.9, 0.995, 1.0):
        model = guided(Fixed(x0), CFG(1.0), [DynamicThresholding(share, limit)])
        reach = torch.quantile(x0.abs().flatten(1), share, dim=1).clamp(min=limit)[:, None, None]
        prediction = model(torch.zeros_like(x0), T, {"cond": None})
        torch.testing.assert_close(prediction.x0, limit * x0.clamp(-reach, reach) / reach)
        assert float(prediction.x0.abs().max()) <= limit + 1e-12
    inside = guided(Fixed(x0[1:2]), CFG(1.0), [DynamicThresholding(0.5)])(x0[1:2], T, {"cond": None})
    torch.testing.assert_close(inside.x0, x0[1:2])  # within the range: nothing happens


@pytest.mark.parametrize("scale", [0.0, 2.0, 3.5])
def test_autoguidance_of_gaussians_is_guidance_of_the_means(scale: float) -> None:
    """weak + scale (strong − weak), with a weak model that has another mean; and with CFG around it both add up."""
    cond = {"cond": Means(float64([1.0, -2.0, 0.3, 0.5])), "uncond": Means(float64([0.0, 0.5, 0.1, -0.2]))}
    weak = Gaussian(VPCosine(), mean=0.4, variance=0.25)
    alone = guided(Conditional(), CFG(1.0), [Autoguidance(scale, weak)])(X, T, cond)
    mixed = Means(0.4 + scale * (cond["cond"].values - 0.4))
    torch.testing.assert_close(alone.x0, Conditional()(X, T, {"cond": mixed}).x0)
    assert alone.evaluations == 1 + GUIDANCES["autoguidance"].evaluations
    both = guided(Conditional(), CFG(3.0), [Autoguidance(scale, weak)])(X, T, cond)
    difference = cond["cond"].values - cond["uncond"].values
    mixed = Means(cond["uncond"].values + 3.0 * difference + (scale - 1) * (cond["cond"].values - 0.4))
    torch.testing.assert_close(both.x0, Conditional()(X, T, {"cond": mixed}).x0)
    assert both.evaluations == 3
    assert set(both.branches) == {"cond", "uncond", "weak"}


@schedules
def test_the_weaker_model_may_have_its_own_schedule(schedule: Schedule) -> None:
    """Exact models on other schedules say the same of x_0, so a weak one that is moved guides like one that is not."""
    moved = strong(schedule, Autoguidance(2.0, Gaussian(VPCosine(), 0.4, 0.5)))
    at_home = strong(schedule, Autoguidance(2.0, Gaussian(schedule, 0.4, 0.5)))
    torch.testing.assert_close(moved.x0, at_home.x0)


def test_modifiers_keep_the_noise_that_the_rule_asked_for() -> None:
    uncond = strong(VPCosine(), rule=CFGpp(0.6)).branches["uncond"].eps
    for modifier in (Rescale(0.7), DynamicThresholding(0.5, 0.3), Autoguidance(2.0, Gaussian(VPCosine()))):
        prediction = strong(VPCosine(), modifier, rule=CFGpp(0.6))
        assert torch.equal(prediction.update_eps, uncond)
        assert not torch.equal(prediction.x0, strong(VPCosine(), rule=CFGpp(0.6)).x0)


def test_stacked_modifiers_act_from_the_inside_out() -> None:
    weak = Gaussian(VPCosine(), 0.4, 0.5)
    inner = strong(VPCosine(), Autoguidance(2.0, weak))
    stacked = strong(VPCosine(), Autoguidance(2.0, weak), DynamicThresholding(0.5, 0.3))
    limited = guided(Fixed(inner.x0), CFG(1.0), [DynamicThresholding(0.5, 0.3)])(X, T, {"cond": None})
    torch.testing.assert_close(stacked.x0, limited.x0)
    other = strong(VPCosine(), DynamicThresholding(0.5, 0.3), Autoguidance(2.0, weak))
    assert float((other.x0 - stacked.x0).abs().max()) > 0.01
    twice = strong(VPCosine(), Autoguidance(2.0, weak), Autoguidance(1.5, weak))
    difference = inner.branches["cond"].x0 - inner.branches["weak"].x0
    torch.testing.assert_close(twice.x0, inner.x0 + 0.5 * difference)
    assert twice.evaluations == 4


def test_an_interval_limits_what_is_inside_it() -> None:
    weak = Gaussian(VPCosine(), 0.4, 0.5)
    for t, inside in ((0.5, True), (0.9, False)):
        prediction = strong(VPCosine(), Autoguidance(2.0, weak), Interval(0.3, 0.6), t=float64(t))
        whole = strong(VPCosine(), Autoguidance(2.0, weak), t=float64(t))
        plain = strong(VPCosine(), rule=CFG(1.0), t=float64(t))
        assert torch.equal(prediction.x0, (whole if inside else plain).x0)
        assert prediction.evaluations == (3 if inside else 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rescale(1.5), "amount of the guidance rescale must be a number from 0 to 1, not 1.5"),
        (lambda: Rescale(0.5, "epsilon"), "no prediction target called 'epsilon'"),  # type: ignore[arg-type]
        (lambda: DynamicThresholding(99.5), "percentile of the guidance dynamic-thresholding"),
        (lambda: DynamicThresholding(0.9, limit=0), "limit of the guidance dynamic-thresholding"),
        (lambda: Autoguidance(-1.0), "scale of the guidance autoguidance"),
        (lambda: strong(VPCosine(), Autoguidance(2.0)), "autoguidance needs a second, weaker denoiser"),
        (lambda: strong(VPCosine(), PAG(1.0)), "guidance pag needs a network with attention blocks"),
        (lambda: strong(VPCosine(), SEG(1.0)), "guidance seg needs a network with attention blocks"),
        (lambda: strong(VPCosine(), SAG(1.0)), "guidance sag needs a network with attention blocks"),
        (lambda: strong(VPCosine(), SLG(1.0)), "guidance slg needs a network with attention blocks"),
        (lambda: strong(VPCosine(), TokenDropout(1.0)), "guidance token-dropout needs a network with attention blocks"),
    ],
)
def test_what_is_not_allowed_is_refused(make: Any, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        make()
