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
from mezzotint.diffusion.denoiser import Preconditioned
from mezzotint.errors import InvalidOption

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


def published_edm(x: Tensor, sigma: Tensor, data: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """c_skip, c_out, c_in, c_noise of table 1 of Karras et al. 2022, for alpha = 1."""
    return (
        data**2 / (sigma**2 + data**2),
        sigma * data / (sigma**2 + data**2).sqrt(),
        1 / (sigma**2 + data**2).sqrt(),
        sigma.log() / 4,
    )


def test_preconditioning_is_that_of_edm() -> None:
    spy, x = Spy(), float64([[0.3, -2.0], [5.0, 1.0]])
    leaf = Preconditioned(spy, EDM(), 0.6, dtype=torch.float64)
    for t in (0.2, 0.5, 0.95):
        sigma = EDM()(t).sigma
        c_skip, c_out, c_in, c_noise = published_edm(x, sigma, 0.6)
        torch.testing.assert_close(leaf(x, float64(t), {"cond": "a"}).x0, c_skip * x + c_out * (c_in * x / 2))
        seen_x, seen_t, *_ = spy.seen[-1]
        torch.testing.assert_close(seen_x, c_in * x)
        torch.testing.assert_close(seen_t, c_noise.float().expand(2))


@pytest.mark.parametrize("outer", [RectifiedFlow(), VPCosine(), VPScaledLinear()])
def test_a_preconditioned_network_is_the_same_on_every_schedule(outer: Schedule) -> None:
    """Given to another schedule at once, or moved there afterwards."""

    def network(x_t: Tensor, t: Tensor, cond: None, *, to: Tensor | None = None, probe: Probe | None = None) -> Tensor:
        return torch.sin(3 * x_t + t[:, None])

    x, t = float64([[0.3, -2.0], [0.7, 1.0]]), float64([0.3, 0.8])
    direct = Preconditioned(network, outer, dtype=torch.float64)(x, t, {"cond": None})
    moved = Rescheduled(Preconditioned(network, EDM(), dtype=torch.float64), outer)(x, t, {"cond": None})
    torch.testing.assert_close(direct.x0, moved.x0, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("schedule", [EDM(), RectifiedFlow(), VPCosine()], ids=["edm", "rf", "cos"])
def test_preconditioning_gives_input_and_target_unit_variance(schedule: Schedule) -> None:
    generator = torch.Generator().manual_seed(1)
    x0, eps = torch.randn(2, 100_000, 1, generator=generator, dtype=torch.float64)
    x0 = 0.5 * x0
    for t in (0.1, 0.5, 0.9):
        spy = Spy()
        x_t = schedule(t).noised(x0, eps)
        zero = Preconditioned(lambda x, *_, **__: 0 * x, schedule, dtype=torch.float64)(x_t, float64(t), {"cond": ""})
        one = Preconditioned(lambda x, *_, **__: 0 * x + 1, schedule, dtype=torch.float64)(
            x_t, float64(t), {"cond": ""}
        )
        target = (x0 - zero.x0) / (one.x0 - zero.x0)
        Preconditioned(spy, schedule, dtype=torch.float64)(x_t, float64(t), {"cond": ""})
        assert float(spy.seen[0][0].var()) == pytest.approx(1, rel=0.02)
        assert float(target.var()) == pytest.approx(1, rel=0.02)


def test_a_preconditioned_network_is_refused_at_pure_noise() -> None:
    leaf = Preconditioned(Spy(), RectifiedFlow())
    with pytest.raises(InvalidOption, match="preconditioned \\(EDM\\) network cannot be used at alpha = 0"):
        leaf(torch.zeros(1, 1), float64(1.0), {"cond": "a"})
    with pytest.raises(InvalidOption, match="sigma_data"):
        Preconditioned(Spy(), EDM(), sigma_data=0.0)
