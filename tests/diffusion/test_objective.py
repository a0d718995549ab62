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
from mezzotint.diffusion.objective import (
    P2,
    EDMWeight,
    LogNormalSigma,
    MinSNR,
    Mode,
    SoftMinSNR,
    contrastive_loss,
    learned_weight,
    perturbed,
    velocity_weight,
)
from mezzotint.diffusion.schedule import Laplace
from mezzotint.errors import InvalidOption

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


SNR = float64([1e-3, 0.2, 1.0, 4.0, 5.0, 50.0])


def at_snr(snr: Tensor, spread: float = 1.0) -> Level:
    """A level of this SNR whose alpha² + sigma² is spread²: a weight of the error in x_0 cannot depend on spread."""
    return Level(spread * (snr / (1 + snr)).sqrt(), spread * (1 / (1 + snr)).sqrt())


@pytest.mark.parametrize("spread", [1.0, 3.0])
@pytest.mark.parametrize(
    ("weighting", "published"),
    [
        # in eps the papers multiply the eps loss, which is SNR times that of x_0
        (MinSNR(), lambda snr: torch.minimum(snr, float64(5.0)) / snr * snr),
        (SoftMinSNR(), lambda snr: 1 / (1 / snr + 1 / 4.0)),
        (P2(1.0, 1.0), lambda snr: snr / (1 + snr)),
        (P2(0.5, 2.0), lambda snr: snr / (2 + snr).sqrt()),
        (EDMWeight(), lambda snr: (1 / snr + 0.25) / (1 / snr * 0.25)),
    ],
    ids=["min-snr", "soft-min-snr", "p2", "p2-options", "edm"],
)
def test_published_weights(weighting: object, published: object, spread: float) -> None:
    expected = published(SNR)  # type: ignore[operator]
    if isinstance(weighting, EDMWeight):
        level = Level(torch.ones(6).double(), SNR**-0.5)  # alpha = 1, as published
        torch.testing.assert_close(weighting(level), expected)
        assert float(weighting(Level(float64(0.0), float64(1.0)))) == pytest.approx(4.0)
    else:
        torch.testing.assert_close(weighting(at_snr(SNR, spread)), expected)  # type: ignore[operator]


def test_min_snr_and_its_soft_form_agree_far_from_the_kink() -> None:
    low, high = at_snr(float64([1e-4])), at_snr(float64([1e4]))
    for weighting in (MinSNR(4.0), SoftMinSNR(4.0)):
        assert float(weighting(low)) == pytest.approx(1e-4, rel=1e-3)
        assert float(weighting(high)) == pytest.approx(4.0, rel=1e-3)
    assert set(WEIGHTINGS) == {"edm", "eps", "min-snr", "p2", "soft-min-snr", "v", "velocity", "x0"}


def test_the_edm_weight_is_the_plain_loss_of_an_edm_networks_output() -> None:
    """w |D − x_0|² = |F − F_target|² with D = c_skip x + c_out F: w = 1 / c_out²."""
    sigma = float64([0.01, 0.5, 3.0, 60.0])
    c_out = sigma * 0.5 / (sigma**2 + 0.25).sqrt()
    torch.testing.assert_close(EDMWeight()(Level(torch.ones(4).double(), sigma)), c_out**-2)


@pytest.mark.parametrize("scale", [-1.0, 0.0, 0.81, 1.29, 1.75])
def test_mode_density(scale: float) -> None:
    """The published map from noise's end, f(u) = 1 − u − s (cos²(pi u / 2) − 1 + u), read backwards; it must rise."""
    u = torch.linspace(0, 1, 1001, dtype=torch.float64)
    t = Mode(scale).quantile(u)
    torch.testing.assert_close(t.flip(0), 1 - u - scale * (torch.cos(torch.pi / 2 * u) ** 2 - 1 + u))
    assert (t.diff() > -1e-12).all()


@pytest.mark.parametrize(
    "schedule", [RectifiedFlow(), VPCosine(), EDM(), Laplace()], ids=["rf", "cos", "edm", "laplace"]
)
def test_edm_times_are_log_normal_in_sigma_over_alpha_on_every_schedule(schedule: Schedule) -> None:
    z = float64([-2.0, -0.5, 0.0, 1.0, 2.0])
    t = LogNormalSigma(schedule).quantile(0.5 * (1 + torch.erf(z / math.sqrt(2))))
    level = schedule(t)
    torch.testing.assert_close((level.sigma / level.alpha).log(), -1.2 + 1.2 * z, rtol=1e-9, atol=1e-9)
    assert float(LogNormalSigma(EDM(), mean=20.0).quantile(float64(0.5))) == 1.0


def test_a_schedule_and_a_density_can_be_traded() -> None:
    """The expected min-SNR loss over uniform Laplace times is that over rectified-flow times of equal log-SNR."""
    u = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000
    error = lambda level: torch.tanh(level.log_snr / 3) ** 2  # noqa: E731
    laplace = Laplace()(u)
    flow = RectifiedFlow()(RectifiedFlow().time(laplace.log_snr))
    values = [float((MinSNR()(level) * error(level)).mean()) for level in (laplace, flow)]
    assert values[0] == pytest.approx(values[1], rel=1e-9)


def test_the_learned_log_variance_settles_at_the_log_of_the_loss() -> None:
    losses = float64([0.01, 1.0, 30.0])
    u = losses.log().requires_grad_()
    value = learned_weight(losses, u)
    (gradient,) = torch.autograd.grad(value.sum(), u)
    torch.testing.assert_close(gradient, torch.zeros(3).double(), rtol=0, atol=1e-12)
    torch.testing.assert_close(value.detach(), 1 + losses.log())
    assert (learned_weight(losses, u + 0.1) > value).all()
    assert (learned_weight(losses, u - 0.1) > value).all()


@schedules
def test_contrastive_flow_matching(schedule: Schedule) -> None:
    x0, eps, predicted = pair()
    level = schedule(float64([0.1, 0.4, 0.8, 0.99]))
    plain = loss(predicted, x0, level, lambda level: velocity_weight(level, floor=0.0))
    torch.testing.assert_close(contrastive_loss(predicted, x0, eps, level, 0.0), plain)
    velocity = Prediction(level.noised(x0, eps), level, predicted).velocity
    truth = eps - x0
    apart = torch.stack([((velocity[i] - truth[(i + 1) % 4]) ** 2).mean() for i in range(4)])
    torch.testing.assert_close(contrastive_loss(predicted, x0, eps, level, 0.3), plain - 0.3 * apart)


def test_contrastive_flow_matching_is_least_beyond_the_truth() -> None:
    """v* = (v − weight v') / (1 − weight), away from the other picture."""
    x0, eps, _ = pair()
    level = RectifiedFlow()(float64([0.3, 0.5, 0.7, 0.9]))
    truth = eps - x0
    best = (truth - 0.2 * truth.roll(-1, 0)) / 0.8
    x_t = level.noised(x0, eps)
    x0_best = Prediction.from_output(best, "velocity", x_t, level).x0.requires_grad_()
    (gradient,) = torch.autograd.grad(contrastive_loss(x0_best, x0, eps, level, 0.2).sum(), x0_best)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: contrastive_loss(*(torch.zeros(1, 2),) * 3, Level(float64(0.5), float64(0.5))), "at least two"),
        (lambda: contrastive_loss(*(torch.zeros(2, 2),) * 3, Level(float64(0.5), float64(0.5)), 1.0), "below 1"),
        (lambda: Mode(2.0), "from -1 to 1.75"),
        (lambda: LogitNormal(std=0.0), "a std above 0, not mean=0.0, std=0.0"),
        (lambda: LogitNormal(mean=math.nan), "a finite mean"),
        (lambda: LogNormalSigma(EDM(), std=-1.0), "a std above 0"),
        (lambda: MinSNR(0.0), "gamma of a weighting must be a number above 0, not 0.0"),
        (lambda: SoftMinSNR(-4.0), "gamma of a weighting"),
        (lambda: P2(k=math.nan), "k of a weighting"),
        (lambda: EDMWeight(math.inf), "sigma_data of a weighting"),
    ],
)
def test_what_is_not_allowed_is_refused(make: object, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        make()  # type: ignore[operator]


def test_input_perturbation_adds_variance_to_x_t() -> None:
    generator = torch.Generator().manual_seed(0)
    eps, extra = torch.randn(2, 100_000, generator=generator, dtype=torch.float64)
    y = perturbed(eps, extra, 0.4)
    assert float(y.var()) == pytest.approx(1 + 0.4**2, rel=0.02)
    assert float((y * eps).mean()) == pytest.approx(1.0, rel=0.02)
    assert torch.equal(perturbed(eps, extra, 0.0), eps)


@schedules
@pytest.mark.parametrize("name", ["x0", "velocity"])
def test_input_perturbation_leaves_the_target(schedule: Schedule, name: str) -> None:
    """Of data N(0, v) the best gain x_0 = g x_t is that of noise of variance 1 + strength², whose x_0 is the data's.

    Least at g = a v / (a² v + s² (1 + strength²)), with the loss w (v − a v g); were the target moved with x_t, the
    best gain would be larger by s² strength² / a over the same. With contrast of weight 0 the velocity says the same.
    """
    generator = torch.Generator().manual_seed(1)
    data, eps, extra = torch.randn(3, 1, 400_000, generator=generator, dtype=torch.float64)
    x0, level, strength = 0.5 * data, schedule(float64([0.55])), 0.4
    a, s = float(level.alpha), float(level.sigma)
    x_t = level.noised(x0, perturbed(eps, extra, strength))
    best = a * 0.25 / (a**2 * 0.25 + s**2 * (1 + strength**2))
    gain = torch.tensor(best, dtype=torch.float64, requires_grad=True)
    whole = loss(gain * x_t, x0, level, WEIGHTINGS[name])
    expected = float(WEIGHTINGS[name](level)) * (0.25 - a * 0.25 * best)
    assert float(whole.detach()) == pytest.approx(expected, rel=0.01)
    (rising,) = torch.autograd.grad(whole.sum(), gain)
    spread = float(WEIGHTINGS[name](level)) * (a**2 * 0.25 + s**2 * (1 + strength**2))  # half the loss' curvature
    assert abs(float(rising)) / (2 * spread) < 0.01 * best
    moved = s**2 * strength**2 / a / (a**2 * 0.25 + s**2 * (1 + strength**2))
    assert moved > 0.1 * best
    apart = contrastive_loss(best * x_t.expand(2, -1), x0.expand(2, -1), eps.expand(2, -1), level, 0.0)
    plain = loss(best * x_t, x0, level, lambda level: velocity_weight(level, floor=0.0))
    torch.testing.assert_close(apart, plain.expand(2))
