from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    CFG,
    GUIDANCES,
    Heun,
    Interval,
    NetworkDenoiser,
    PhiloxNoise,
    RectifiedFlow,
    find_guidance,
    from_times,
    guided,
    sample,
)
from mezzotint.diffusion.denoiser import Bound
from mezzotint.errors import InvalidOption

from .conditional import Conditional, Means
from .order import float64

COND = {"cond": Means(float64([1.0, -2.0])), "uncond": Means(float64([0.0, 0.5]))}
X = float64([[0.3, -0.1, 1.2], [0.8, 0.0, -0.7]])


@pytest.mark.parametrize("calls", ["together", "apart"])
@pytest.mark.parametrize("guidance", [0.0, 2.5, 7.0])
@pytest.mark.parametrize("t", [0.4, [0.3, 0.8]])
def test_guidance_on_gaussians_is_guidance_of_the_means(guidance: float, calls: Any, t: Any) -> None:
    """With equal variances, CFG of two Gaussians is the Gaussian whose mean is uncond + guidance (cond − uncond)."""
    leaf = Conditional()
    prediction = guided(leaf, CFG(guidance), calls=calls)(X, float64(t), COND)
    mixed = Means(COND["uncond"].values + guidance * (COND["cond"].values - COND["uncond"].values))
    torch.testing.assert_close(prediction.x0, Conditional()(X, float64(t), {"cond": mixed}).x0)
    assert leaf.batches == ([4] if calls == "together" else [2, 2])
    assert prediction.evaluations == GUIDANCES["cfg"].evaluations == 2
    for name in ("cond", "uncond"):
        branch = prediction.branches[name]
        torch.testing.assert_close(branch.x0, Conditional()(X, float64(t), {"cond": COND[name]}).x0)
        torch.testing.assert_close(branch.eps, Conditional()(X, float64(t), {"cond": COND[name]}).eps)


def test_guidance_is_the_same_in_every_parametrisation() -> None:
    prediction = guided(Conditional(), CFG(3.0))(X, float64(0.4), COND)
    for name in ("eps", "v", "velocity", "score"):
        cond, uncond = (getattr(prediction.branches[branch], name) for branch in ("cond", "uncond"))
        torch.testing.assert_close(getattr(prediction, name), uncond + 3.0 * (cond - uncond))


def test_guidance_of_one_is_bitwise_off_and_costs_one() -> None:
    class Net:
        def __call__(self, x_t: Tensor, t: Tensor, cond: Means, *, to: Any = None, probe: Any = None) -> Tensor:
            return torch.sin(3 * x_t + t[:, None].to(x_t)) * cond.values[:, None].to(x_t)

    leaf = NetworkDenoiser(Net(), RectifiedFlow(), "velocity")
    x, grid = X.float(), from_times([1.0, 0.7, 0.3, 0.0])
    plain = list(sample(Bound(leaf, {"cond": COND["cond"]}), x, grid, Heun(), PhiloxNoise([0, 1])))
    off = list(sample(Bound(guided(leaf, CFG(1.0)), COND), x, grid, Heun(), PhiloxNoise([0, 1])))
    for a, b in zip(plain, off, strict=True):
        assert torch.equal(a.x, b.x)
        assert a.evaluations == b.evaluations
    on = list(sample(Bound(guided(leaf, CFG(1.5)), COND), x, grid, Heun(), PhiloxNoise([0, 1])))
    assert [step.evaluations for step in on] == [2 * step.evaluations for step in plain] == [4, 4, 2]
    assert not torch.equal(on[-1].x, plain[-1].x)


def test_the_interval_gates_on_t() -> None:
    leaf = Conditional()
    model = guided(leaf, CFG(3.0), [Interval(0.3, 0.6)])
    for t, evaluations in ((0.29, 1), (0.3, 2), (0.5, 2), (0.6, 2), (0.61, 1), (1.0, 1)):
        prediction = model(X, float64(t), COND)
        expected = guided(Conditional(), CFG(3.0 if evaluations == 2 else 1.0))(X, float64(t), COND)
        assert torch.equal(prediction.x0, expected.x0)
        assert prediction.evaluations == evaluations
    assert leaf.batches == [2, 4, 4, 4, 2, 2]


def test_the_interval_chooses_per_picture() -> None:
    t = float64([0.5, 0.9])
    prediction = guided(Conditional(), CFG(3.0), [Interval(0.3, 0.6)])(X, t, COND)
    on, off = (guided(Conditional(), CFG(g))(X, t, COND).x0 for g in (3.0, 1.0))
    assert torch.equal(prediction.x0[0], on[0])
    assert torch.equal(prediction.x0[1], off[1])
    assert prediction.evaluations == 3
    leaf = Conditional()
    unsteered = guided(leaf, CFG(1.0), [Interval(0.3, 0.6)])(X, t, COND)
    assert torch.equal(unsteered.x0, Conditional()(X, t, {"cond": COND["cond"]}).x0)
    assert unsteered.evaluations == len(leaf.batches) == 2


def test_the_whole_interval_is_neutral() -> None:
    for t in (1e-6, 0.5, 1.0):
        whole = guided(Conditional(), CFG(3.0), [Interval()])(X, float64(t), COND)
        assert torch.equal(whole.x0, guided(Conditional(), CFG(3.0))(X, float64(t), COND).x0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CFG(-1.0), "at least 0"),
        (lambda: CFG(float("nan")), "at least 0"),
        (lambda: CFG(True), "guidance cfg must be a number of at least 0, not True"),
        (lambda: CFG("3"), "guidance cfg must be a number"),  # type: ignore[arg-type]
        (lambda: Interval(0.5, 0.5), "low < high"),
        (lambda: Interval(-0.1, 0.5), "low of the guidance interval must be a number from 0 to 1"),
        (lambda: Interval(0.2, True), "high of the guidance interval"),
        (lambda: GUIDANCES["cfg"].make({"scale": 2.0}), "cfg has no option 'scale'; it takes guidance"),
        (lambda: find_guidance("cgf"), "did you mean .*cfg"),
        (
            lambda: guided(Conditional(), CFG(2.0))(X, float64(0.5), {"cond": COND["cond"]}),
            "needs the conditioning 'uncond'",
        ),
    ],
)
def test_what_is_not_allowed_is_refused(make: Any, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        make()
