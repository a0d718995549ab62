"""diffusers' guiders beside our guidance: the same predictions in, the same guided one out, in float64.

A guider combines whatever the network predicts. Ours combines predictions of x_0; rules that are not affine in x_0 say
in their docstring which prediction they are published for, and that one is compared.
"""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import CFG, Denoise, Prediction, RectifiedFlow, Schedule, Step, VPCosine
from mezzotint.diffusion.guidance.apg import APG
from mezzotint.diffusion.guidance.base import Remembering, guided
from mezzotint.diffusion.guidance.cfg_zero import CFGZero
from mezzotint.diffusion.guidance.contrast import Contrast
from mezzotint.diffusion.guidance.rescale import Rescale
from mezzotint.diffusion.guidance.tcfg import TCFG
from mezzotint.diffusion.prediction import Target

guiders = pytest.importorskip("diffusers.guiders")

TIMES = (0.9, 0.55, 0.2)
SHAPE = (3, 4, 6)


def normal(seed: int) -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def branches(schedule: Schedule, t: float, *names: str) -> dict[str, Prediction]:
    """Predictions of one x_t, each somewhat its own."""
    level, x_t, base = schedule(t), normal(int(1000 * t)), normal(7)
    return {name: Prediction(x_t, level, base + 0.4 * normal(int(1000 * t) + 1 + k)) for k, name in enumerate(names)}


def said(prediction: Prediction, target: Target) -> Tensor:
    output: Tensor = getattr(prediction, target)
    return output


def theirs(guider: Any, found: Mapping[str, Prediction], target: Target, *names: str, step: int = 0) -> Tensor:
    """What the guider makes of the predictions in a target."""
    guider.set_state(step, 10, torch.tensor(0))
    guided_output: Tensor = guider.forward(*(said(found[name], target) for name in names)).pred
    return guided_output


def close(ours: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(ours, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("target", ["x0", "eps", "v", "velocity"])
@pytest.mark.parametrize("scale", [0.5, 3.0, 7.5])
def test_cfg(scale: float, target: Target) -> None:
    """The same in every target. Their `use_original_formulation` counts the scale from 0, as the paper does."""
    found = branches(VPCosine(), 0.55, "cond", "uncond")
    ours = said(CFG(scale).combine(found), target)
    close(ours, theirs(guiders.ClassifierFreeGuidance(scale), found, target, "cond", "uncond"))
    original = guiders.ClassifierFreeGuidance(scale - 1, use_original_formulation=True)
    close(ours, theirs(original, found, target, "cond", "uncond"))


class Says:
    """A denoiser that says what it is given, for whichever branch it is asked."""

    schedule = VPCosine()

    def __init__(self, found: Mapping[str, Prediction]) -> None:
        self.found = found

    def __call__(self, x_t: Tensor, t: Tensor, cond: Mapping[str, str], **_: Any) -> Prediction:
        return self.found[cond["cond"]]


@pytest.mark.parametrize("target", ["x0", "eps", "v"])
def test_rescale(target: Target) -> None:
    found = branches(VPCosine(), 0.55, "cond", "uncond")
    denoiser: Any = guided(Says(found), CFG(6.0), [Rescale(0.7, target)], "apart")  # type: ignore[arg-type]
    x_t, t = found["cond"].x_t, torch.tensor(0.55, dtype=torch.float64)
    ours = said(denoiser(x_t, t, {"cond": "cond", "uncond": "uncond"}), target)
    guider = guiders.ClassifierFreeGuidance(6.0, guidance_rescale=0.7)
    close(ours, theirs(guider, found, target, "cond", "uncond"))


@pytest.mark.parametrize("threshold", [0.0, 1.5])
@pytest.mark.parametrize(("eta", "momentum"), [(0.0, -0.5), (0.3, -0.75), (1.0, 0.5)])
def test_apg(eta: float, momentum: float, threshold: float) -> None:
    """Over three steps, whose momentum adds up. Theirs is the paper's with `use_original_formulation`, scale from 0."""
    rule = APG(5.0, eta, threshold, momentum)
    assert isinstance(rule, Remembering)
    mine: Any = rule.fresh()
    guider = guiders.AdaptiveProjectedGuidance(4.0, momentum, threshold, None, eta, use_original_formulation=True)
    for index, t in enumerate(TIMES):
        found = branches(VPCosine(), t, "cond", "uncond")
        guider.set_state(index, 10, torch.tensor(0))
        guider.prepare_inputs({"x": (found["cond"].x0, found["uncond"].x0)})
        combined = mine.combine(found)
        close(combined.x0, theirs(guider, found, "x0", "cond", "uncond", step=index))
        mine.accepted(Step(index, 3, Denoise(t, t / 2), combined.x_t, combined, 2))


def test_apg_by_default_differs_and_misses_the_conditional_prediction() -> None:
    """Their default starts from `uncond` and adds scale times what is left of the difference after the projection.

    So the part of the difference along `cond` is missing even where guidance does nothing: near scale 1 theirs is not
    `cond`. The paper's algorithm 1, and ours, start from `cond` and are `cond` there.
    """
    found = branches(VPCosine(), 0.55, "cond", "uncond")
    near = theirs(guiders.AdaptiveProjectedGuidance(1 + 1e-6, None, 0.0, None, 0.0), found, "x0", "cond", "uncond")
    ours = APG(1 + 1e-6, momentum=0.0).combine(found).x0
    close(ours, found["cond"].x0)
    assert float((near - found["cond"].x0).norm() / (found["cond"].x0 - found["uncond"].x0).norm()) > 0.05
    # with all of the difference kept both are CFG
    whole = theirs(guiders.AdaptiveProjectedGuidance(4.0, None, 0.0, None, 1.0), found, "x0", "cond", "uncond")
    close(APG(4.0, eta=1.0, momentum=0.0).combine(found).x0, whole)


@pytest.mark.parametrize("t", TIMES)
def test_cfg_zero(t: float) -> None:
    """In the velocity, for which it is published. They zero the first steps by their number, we above a noise level."""
    found = branches(RectifiedFlow(), t, "cond", "uncond")
    guider = guiders.ClassifierFreeZeroStarGuidance(4.0, zero_init_steps=1)
    close(CFGZero(4.0).combine(found).velocity, theirs(guider, found, "velocity", "cond", "uncond", step=1))
    first = branches(RectifiedFlow(), 0.99, "cond", "uncond")
    zero = theirs(guider, first, "velocity", "cond", "uncond", step=0)
    torch.testing.assert_close(CFGZero(4.0).combine(first).velocity, zero, rtol=0, atol=1e-12)


@pytest.mark.parametrize("t", TIMES)
def test_tcfg(t: float) -> None:
    """In eps, for which it is published; theirs takes the singular vectors in float32, ours are a closed form."""
    found = branches(VPCosine(), t, "cond", "uncond")
    guider = guiders.TangentialClassifierFreeGuidance(5.0)
    close(TCFG(5.0).combine(found).eps, theirs(guider, found, "eps", "cond", "uncond"))


def contrasted(found: Mapping[str, Prediction], scale: float, rule: CFG) -> Tensor:
    """x_0 with CFG and a weak branch, as skip-layer guidance, PAG and autoguidance combine them."""
    strong: Any = guided(Says(found), rule, (), "apart")  # type: ignore[arg-type]
    weak = Says({"cond": found["weak"]})
    denoiser: Any = Contrast(strong, weak, "weak", scale)  # type: ignore[arg-type]
    t = torch.tensor(0.55, dtype=torch.float64)
    x0: Tensor = denoiser(found["cond"].x_t, t, {"cond": "cond", "uncond": "uncond"}).x0
    return x0


WEAKENED = {
    "SkipLayerGuidance": "skip_layer_guidance",
    "PerturbedAttentionGuidance": "perturbed_guidance",
    "SmoothedEnergyGuidance": "seg_guidance",
}


@pytest.mark.parametrize("kind", WEAKENED)
def test_a_weakened_branch_beside_cfg(kind: str) -> None:
    """How the three predictions are combined; how the weak one comes about is tested on a network of ours.

    Without CFG their scale counts from 1 instead, unless `use_original_formulation`; ours counts from 0 always.
    """
    found, names = branches(VPCosine(), 0.55, "cond", "uncond", "weak"), ("cond", "uncond", "weak")
    values = {"scale": 2.5, "start": 0.0, "stop": 1.0, "layers": [0]}
    options: dict[str, Any] = {f"{WEAKENED[kind]}_{name}": value for name, value in values.items()}
    make = getattr(guiders, kind)
    close(contrasted(found, 2.5, CFG(4.0)), theirs(make(guidance_scale=4.0, **options), found, "x0", *names, step=1))
    close(contrasted(found, 1.5, CFG()), theirs(make(guidance_scale=1.0, **options), found, "x0", *names, step=1))
    original = make(guidance_scale=0.0, use_original_formulation=True, **options)
    close(contrasted(found, 2.5, CFG()), theirs(original, found, "x0", *names, step=1))


def test_autoguidance() -> None:
    """weak + scale (cond − weak)."""
    found = branches(VPCosine(), 0.55, "cond", "uncond", "weak")
    guider = guiders.AutoGuidance(3.0, auto_guidance_layers=[0], dropout=0.5)
    close(contrasted(found, 2.0, CFG()), theirs(guider, found, "x0", "cond", "weak"))
