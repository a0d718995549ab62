import itertools

import pytest
import torch
from torch import Tensor

from mezzotint.diffusion import (
    EDM,
    FiniteSet,
    GaussianMixture,
    NetworkDenoiser,
    Prediction,
    Probe,
    RectifiedFlow,
    Rescheduled,
    Schedule,
    VPCosine,
    VPScaledLinear,
)

from .order import exact_denoisers, float64

SCHEDULES: dict[str, Schedule] = {"rf": RectifiedFlow(), "cos": VPCosine(), "sd": VPScaledLinear(), "edm": EDM()}


@pytest.mark.parametrize(("inner", "outer"), list(itertools.permutations(SCHEDULES, 2)))
@pytest.mark.parametrize("name", ["gaussian", "mixture"])
def test_a_denoiser_on_another_schedule_believes_the_same(inner: str, outer: str, name: str) -> None:
    """Moved from A to B, the exact denoiser of A is the exact denoiser of B."""
    t = float64([0.3, 0.5, 0.7])
    x = SCHEDULES[outer](t).noised(float64([[0.2], [-0.9], [0.5]]), float64([[1.0], [0.3], [-0.8]]))
    moved = Rescheduled(exact_denoisers(SCHEDULES[inner])[name], SCHEDULES[outer])(x, t, {})
    direct = exact_denoisers(SCHEDULES[outer])[name](x, t)
    torch.testing.assert_close(moved.x0, direct.x0, rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(moved.eps, direct.eps, rtol=1e-6, atol=1e-7)
    assert moved.x_t is x


def test_a_move_from_pure_noise_is_finite_and_right() -> None:
    """At t = 1 of rectified flow, alpha = 0, there is a cosine level to go to, and no table's or EDM's."""
    x = float64([[0.7], [-1.1]])
    for schedule in (VPCosine(), RectifiedFlow()):
        for inner in SCHEDULES.values():
            exact = exact_denoisers(inner)["gaussian"]
            moved = Rescheduled(exact, schedule)(x, float64(1.0), {})
            tolerance = 1e-12 if inner(1.0).alpha == 0 else 0.06  # else the inner model still sees a trace of signal
            torch.testing.assert_close(moved.x0, torch.full_like(x, 0.3), rtol=0, atol=tolerance)


def test_what_guidance_said_moves_along() -> None:
    class Steering:
        schedule = VPCosine()

        def __call__(self, x_t: Tensor, t: Tensor, cond: object, **_: object) -> Prediction:
            leaf = Prediction(x_t, self.schedule(t), 0.5 * x_t)
            return leaf.replace(x0=0.1 * x_t, eps_for_update=leaf.eps, branches={"uncond": leaf})

    t, x = float64(0.4), float64([[1.0, -2.0]])
    moved = Rescheduled(Steering(), RectifiedFlow())(x, t, {})
    torch.testing.assert_close(moved.update_eps, moved.branches["uncond"].eps)
    assert moved.branches["uncond"].x_t is x


class Spy:
    """A network that writes down what it is given and says x_t / 2."""

    def __init__(self) -> None:
        self.seen: list[tuple[Tensor, Tensor, object, Tensor | None, Probe | None]] = []

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: str, *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Tensor:
        self.seen.append((x_t, t, cond, to, probe))
        return x_t / 2


def test_the_leaf_casts_at_its_border_only() -> None:
    spy, probe = Spy(), Probe(skip=frozenset({3}))
    leaf = NetworkDenoiser(spy, RectifiedFlow(), "velocity", dtype=torch.bfloat16)
    x = torch.linspace(-1, 1, 8).reshape(2, 4)
    prediction = leaf(x, float64(0.25), {"cond": "a cat"}, to=float64([0.1, 0.2]), probe=probe)
    seen_x, seen_t, cond, to, seen_probe = spy.seen[0]
    assert (seen_x.dtype, seen_t.dtype, cond, seen_probe) == (torch.bfloat16, torch.float32, "a cat", probe)
    assert seen_t.tolist() == [0.25, 0.25]
    assert to is not None
    assert to.tolist() == pytest.approx([0.1, 0.2])
    assert prediction.x0.dtype == torch.float32
    assert prediction.level.alpha.dtype == torch.float64
    torch.testing.assert_close(prediction.x0, x - 0.25 * (x.bfloat16() / 2).float())


def test_the_leaf_sees_one_conditioning() -> None:
    leaf = NetworkDenoiser(Spy(), RectifiedFlow(), "x0")
    with pytest.raises(AssertionError, match="one conditioning"):
        leaf(torch.zeros(1, 1), float64(0.5), {"cond": "a", "uncond": "b"})


@pytest.mark.parametrize("target", ["x0", "eps", "v", "velocity"])
def test_a_network_of_any_target_is_the_same_denoiser(target: str) -> None:
    """A network that outputs the exact answer in some target becomes the exact denoiser."""
    points = FiniteSet(VPCosine(), float64([[1.0, 0.0], [-0.5, 0.5]]))
    mixture = GaussianMixture(VPCosine(), float64([[1.0, 0.0]]), float64([0.2]), float64([1.0]))
    x, t = float64([[0.4, -0.3]]), float64(0.6)
    for exact in (points, mixture):

        def network(
            x_t: Tensor, time: Tensor, cond: None, *, to: Tensor | None = None, probe: Probe | None = None
        ) -> Tensor:
            return getattr(exact(x_t, float64(0.6)), target)  # noqa: B023

        leaf = NetworkDenoiser(network, VPCosine(), target, dtype=torch.float64)  # type: ignore[arg-type]
        torch.testing.assert_close(leaf(x, t, {"cond": None}).x0, exact(x, t).x0)
