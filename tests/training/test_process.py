"""Every schedule with every target: a Gaussian's exact denoiser is what is learned, and the loss means the same."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from operator import mul
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.diffusion import SOLVERS, Bound, Gaussian, NetworkDenoiser, PhiloxNoise, from_times, sample
from mezzotint.diffusion.noise import Purpose, normal_at
from mezzotint.diffusion.process import PLAIN, SCHEDULES, Process, schedule_of
from mezzotint.diffusion.schedule import RectifiedFlow, VPLinear
from mezzotint.errors import InvalidOption, TrainingError
from mezzotint.training.batches import Batch
from mezzotint.training.config import RunConfig, from_dict, override
from mezzotint.training.methods.pretrain import Pretrain, noised_loss
from mezzotint.training.objective import ObjectiveConfig
from mezzotint.training.scene_feed import Served
from mezzotint.training.teach import TeachConfig
from mezzotint.training.trainer import Trainer
from mezzotint.training.validation import TIMES, mean_losses, times_on
from tests.support import SMALL, random_network

MakeTrainer = Callable[..., Trainer]
Scales = tuple[float, float]
MEAN, VARIANCE = 0.3, 0.25
TARGETS = ("x0", "eps", "v", "velocity")
SHAPE = (4, 1, 16, 16)


def vp(log_snr: float) -> Scales:
    return math.sqrt(1 / (1 + math.exp(-log_snr))), math.sqrt(1 / (1 + math.exp(log_snr)))


def laplace(t: float, mean: float, width: float) -> Scales:
    return vp(mean - width * math.copysign(1, 0.5 - t) * math.log(1 - 2 * abs(t - 0.5)))


def chain(t: float, signal: list[float]) -> Scales:
    """Only at the chain's own times, t = (i + 1) / N."""
    alpha = signal[round(t * len(signal)) - 1]
    return alpha, math.sqrt(1 - alpha**2)


LINEAR = [math.sqrt(p) for p in accumulate((1 - 0.0001 - 0.0199 * i / 999 for i in range(1000)), mul)]
ENDED = [(a - LINEAR[-1]) * LINEAR[0] / (LINEAR[0] - LINEAR[-1]) for a in LINEAR]
ROOTS = [math.sqrt(0.0017) + (math.sqrt(0.02) - math.sqrt(0.0017)) * i / 499 for i in range(500)]
SCALED = [math.sqrt(p) for p in accumulate((1 - root**2 for root in ROOTS), mul)]
LEVELS: dict[str, Callable[[float], Scales]] = {
    "rectified_flow": lambda t: (1 - t, t),
    "vp_cosine": lambda t: (math.cos(math.pi * t / 2), math.sin(math.pi * t / 2)),
    "laplace:mean=0.5,width=0.8": lambda t: laplace(t, 0.5, 0.8),
    "hyperbolic_secant:mean=-1,width=1.5": lambda t: vp(-1 - 1.5 * math.log(math.tan(math.pi * t / 2))),
    "vp_linear": lambda t: chain(t, LINEAR),
    "vp_linear:zero_terminal=true": lambda t: chain(t, ENDED),
    "vp_scaled_linear:beta_end=0.02,beta_start=0.0017,steps=500": lambda t: chain(t, SCALED),
}
"""Alpha and sigma, written out from the papers; the chains at t in steps of 0.002."""
PAIRS = [
    (schedule, target)
    for schedule in LEVELS
    for target in TARGETS
    if target != "eps" or schedule.startswith("vp_scaled") or schedule == "vp_linear"
]
pairs = pytest.mark.parametrize(("schedule", "target"), PAIRS)


def test_every_schedule_is_looked_at() -> None:
    assert {text.partition(":")[0] for text in LEVELS} == set(SCHEDULES)


def run_on(schedule: str, target: str, **more: object) -> RunConfig:
    objective = ObjectiveConfig(target=target, **more)  # type: ignore[arg-type]
    return RunConfig(name="g", network=SMALL, steps=1, batch=2, schedule=schedule, objective=objective)


def given(pictures: Tensor, t: Tensor) -> Batch:
    count = len(pictures)
    cond = Conditioning(torch.zeros(count, 1, 1), torch.ones(count, 1, dtype=torch.bool), torch.zeros(count).long())
    draws = torch.arange(count)
    return Batch(pictures, cond, t, draws, draws.numpy())


def exact(x_t: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    """E[x_0 | x_t] of N(MEAN, VARIANCE)."""
    return MEAN + alpha * VARIANCE / (alpha**2 * VARIANCE + sigma**2) * (x_t - alpha * MEAN)


class ExactNetwork(nn.Module):
    """Says the Gaussian's own x_0 as a target asks, with levels of its own."""

    def __init__(self, schedule: str, target: str) -> None:
        super().__init__()
        self.levels, self.target, self.unused = LEVELS[schedule], target, nn.Parameter(torch.zeros(1))

    def forward(self, x_t: Tensor, t: Tensor, cond: object, **more: object) -> Tensor:
        x_t = x_t.double()
        scales = torch.tensor([self.levels(float(one)) for one in t]).double()
        alpha, sigma = (scales[:, k].view(-1, 1, 1, 1, 1) for k in (0, 1))
        x0 = exact(x_t, alpha, sigma)
        eps = (x_t - alpha * x0) / sigma
        said = {"x0": x0, "eps": eps, "v": alpha * eps - sigma * x0, "velocity": eps - x0}
        return said[self.target].float()


def scales_at(schedule: str, t: Tensor) -> tuple[Tensor, Tensor]:
    scales = torch.tensor([LEVELS[schedule](float(one)) for one in t]).double()
    return scales[:, 0].view(-1, 1, 1, 1, 1), scales[:, 1].view(-1, 1, 1, 1, 1)


WEIGHTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "velocity": lambda a, s: ((a + s) / s.clamp_min(0.05)) ** 2,
    "min-snr:gamma=2": lambda a, s: ((a / s) ** 2).clamp_max(2.0),
    "v": lambda a, s: ((a**2 + s**2) / s) ** 2,
}


@pytest.mark.parametrize("weighting", WEIGHTS)
@pytest.mark.parametrize("schedule", LEVELS)
def test_the_loss_of_the_exact_denoiser_is_one_number_whatever_it_predicts(schedule: str, weighting: str) -> None:
    """w(t) |E[x_0 | x_t] − x_0|² of each picture, and on average w(t) times the variance that x_t leaves."""
    t = torch.tensor([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98] * 4)
    batch = given(MEAN + VARIANCE**0.5 * normal_at(9, torch.arange(28), Purpose.EVALUATION, SHAPE), t)
    x0, eps = batch.pictures.double(), normal_at(0, batch.draws, Purpose.TRAIN_NOISE, SHAPE).double()
    alpha, sigma = scales_at(schedule, t)
    errors = (exact(alpha * x0 + sigma * eps, alpha, sigma) - x0).square().flatten(1).mean(1)
    expected = WEIGHTS[weighting](alpha, sigma).flatten() * errors
    left = (VARIANCE * sigma**2 / (alpha**2 * VARIANCE + sigma**2)).flatten()
    torch.testing.assert_close(errors.view(4, 7).mean(0), left[:7], rtol=0.1, atol=0)
    for target in (target for one, target in PAIRS if one == schedule):
        run, network = run_on(schedule, target, weighting=weighting), ExactNetwork(schedule, target)
        found = Pretrain(run, network).losses(batch).double()
        torch.testing.assert_close(found, expected, rtol=2e-3, atol=1e-5)
        validated = noised_loss(network, batch.pictures, eps.float(), t, batch.cond, "fp32", 0.05, run.process)
        torch.testing.assert_close(
            validated.double(), WEIGHTS["velocity"](alpha, sigma).flatten() * errors, rtol=2e-3, atol=1e-5
        )


class Affine(nn.Module):
    """c_1(t) x_t + c_0(t), with two numbers for each of a few times: all that a Gaussian's denoiser is."""

    def __init__(self, times: Tensor) -> None:
        super().__init__()
        self.times, self.numbers = times, nn.Parameter(torch.zeros(2, len(times)))

    def forward(self, x_t: Tensor, t: Tensor, cond: object, **more: object) -> Tensor:
        places = (t[:, None] - self.times).abs().argmin(1)
        slope, offset = (row[places].view(-1, 1, 1, 1, 1) for row in self.numbers)
        return slope * x_t + offset


def trained(run: RunConfig, times: Tensor) -> Affine:
    """The minimum of the run's own loss over many pictures: a quadratic function, so that one Newton step finds it."""
    network, each = Affine(times), 8
    x0 = normal_at(5, torch.arange(each * len(times)), Purpose.EVALUATION, SHAPE)
    x0 = (x0 - x0.mean()) / x0.std() * VARIANCE**0.5 + MEAN
    method, batch = Pretrain(run, network), given(x0, times.repeat(each))

    def gradient(*numbers: float) -> Tensor:
        with torch.no_grad():
            network.numbers.copy_(torch.tensor(numbers)[:, None].expand(2, len(times)))
        (found,) = torch.autograd.grad(method.losses(batch).mean(), network.numbers)
        return found.double()

    base = gradient(0, 0)
    curve = torch.stack([gradient(1, 0) - base, gradient(0, 1) - base], dim=1)  # (2, 2, times), a block for each time
    step = torch.linalg.solve(curve.permute(2, 0, 1), -base.T)
    with torch.no_grad():
        network.numbers.copy_(step.T)
    return network


OF_X0_AND_EPS: dict[str, Callable[[float, float], Scales]] = {
    "x0": lambda a, s: (1, 0),
    "eps": lambda a, s: (0, 1),
    "v": lambda a, s: (-s, a),
    "velocity": lambda a, s: (-1, 1),
}
"""Each target as a sum of x_0 and eps with these factors."""


@pairs
def test_training_finds_the_exact_denoiser_and_draws_the_gaussian(schedule: str, target: str) -> None:
    """The regression of the target on x_t in closed form, and samples with the right mean and variance."""
    times = schedule_of(schedule).time(torch.linspace(5, -4, 13).double())  # of log-SNR
    times = (times if "linear" not in schedule else (500 * times).round() / 500).float()
    network = trained(run_on(schedule, target), times)
    for k, t in enumerate(times.tolist()):
        alpha, sigma = LEVELS[schedule](t)
        of_x0, of_eps = OF_X0_AND_EPS[target](alpha, sigma)
        spread = alpha**2 * VARIANCE + sigma**2
        slope = (of_x0 * alpha * VARIANCE + of_eps * sigma) / spread
        found = network.numbers[:, k].tolist()
        # 8192 numbers: four standard deviations of the slope, and of the offset
        rest = (of_x0**2 * VARIANCE + of_eps**2) - slope**2 * spread
        off = 4 * math.sqrt(max(rest, 1e-6) / 8192)
        assert found[0] == pytest.approx(slope, abs=off / math.sqrt(spread) + 1e-3), t
        assert found[1] == pytest.approx(of_x0 * MEAN - slope * alpha * MEAN, abs=2 * off + 1e-3), t
    process = run_on(schedule, target).process
    leaf: NetworkDenoiser[None] = NetworkDenoiser(network, process.schedule, process.target)
    truth = Gaussian(process.schedule, MEAN, VARIANCE)
    alpha, sigma = LEVELS[schedule](float(times[-1]))
    noise = normal_at(1, torch.arange(2), Purpose.START, SHAPE).double()
    start = alpha * MEAN + math.sqrt(alpha**2 * VARIANCE + sigma**2) * noise
    grid = from_times([*reversed(times.tolist()), 0.0])
    with torch.no_grad():
        ends = [
            list(sample(bound, start, grid, SOLVERS["dpmpp-2m"].make(), PhiloxNoise([1, 2])))[-1].x
            for bound in (Bound(leaf, {"cond": None}), Bound(truth, {}))
        ]
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=0.15)
    assert float(ends[0].mean()) == pytest.approx(MEAN, abs=0.05)
    alpha, sigma = LEVELS[schedule](float(times[0]))  # the last step is the mean of x_0 there
    kept = alpha**2 * VARIANCE / (alpha**2 * VARIANCE + sigma**2)
    assert float(ends[0].var()) == pytest.approx(kept * VARIANCE, rel=0.07)


@pytest.mark.parametrize(("schedule", "target"), [("vp_cosine", "v"), ("vp_linear", "eps"), ("laplace", "velocity")])
def test_a_perturbed_input_leaves_the_target_as_it_was(schedule: str, target: str) -> None:
    """|output − target|² with the weighting of the target, whatever more noise the network was shown."""
    run = run_on(schedule, target, weighting=target, perturbation=0.4, floor=0.05)
    t = torch.tensor([0.1, 0.4, 0.8])
    batch, network = given(normal_at(9, torch.arange(3), Purpose.EVALUATION, SHAPE), t), Halved()
    noise = normal_at(0, batch.draws, Purpose.TRAIN_NOISE, (2, *SHAPE)).double()
    x0, eps, extra = batch.pictures.double(), noise[:, 0], noise[:, 1]
    level = schedule_of(schedule)(t.double())
    alpha, sigma = (one.view(-1, 1, 1, 1, 1) for one in (level.alpha, level.sigma))
    output = 0.5 * (alpha * x0 + sigma * (eps + 0.4 * extra))
    wanted = {"v": alpha * eps - sigma * x0, "eps": eps, "velocity": eps - x0}[target]
    expected = (output - wanted).square().flatten(1).mean(1)
    torch.testing.assert_close(Pretrain(run, network).losses(batch).double(), expected, rtol=1e-4, atol=1e-5)


class Halved(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(0.5))

    def forward(self, x_t: Tensor, t: Tensor, cond: object) -> Tensor:
        return self.factor * x_t


def test_a_density_of_noise_levels_is_that_on_every_schedule(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path
) -> None:
    """log(sigma/alpha) ~ N(−0.4, 1): its quantiles are the golden-ratio sequence again, now on the cosine."""
    settings = ["objective.density=log-normal-sigma:mean=-0.4,std=1", "schedule=vp_cosine", "batch=200"]
    times = make_trainer(tmp_path, override(small_run, settings)).batches.at(0).t.double()
    ranks = torch.special.ndtr((math.pi / 2 * times).tan().log() + 0.4)
    plain = make_trainer(tmp_path / "b", override(small_run, ["objective.density=uniform", "batch=200"]))
    torch.testing.assert_close(ranks, plain.batches.at(0).t.double(), rtol=0, atol=2e-5)


def test_held_out_losses_can_be_compared_between_schedules_and_targets() -> None:
    """The exact denoiser of a Gaussian has the same ones on all: they are measured at equal noise."""
    pictures = torch.randint(0, 256, (6, 16, 16, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    chunks = [Served(pictures, given(torch.zeros(6, *SHAPE), torch.zeros(6)).cond)]

    class Anywhere(ExactNetwork):
        def forward(self, x_t: Tensor, t: Tensor, cond: object, **more: object) -> Tensor:
            schedule = schedule_of(self.target[0])
            level = schedule(t.double()).like(x_t.double())
            x0 = exact(x_t.double(), level.alpha, level.sigma)
            eps = (x_t - level.alpha * x0) / level.sigma
            said = {"x0": x0, "eps": eps, "v": level.alpha * eps - level.sigma * x0, "velocity": eps - x0}
            return said[self.target[1]].float()

    found = {
        pair: mean_losses(Anywhere("vp_cosine", pair), chunks, "fp32", 0.05, run_on(*pair).process)  # type: ignore[arg-type]
        for pair in PAIRS
    }
    plain = found["rectified_flow", "x0"]
    assert plain == mean_losses(Anywhere("vp_cosine", ("rectified_flow", "x0")), chunks, "fp32", 0.05)  # type: ignore[arg-type]
    assert len({round(value, 3) for value in plain.values()}) == 5
    for pair, losses in found.items():
        assert losses == pytest.approx(plain, rel=1e-3), pair


def test_the_held_out_noise_levels_are_what_they_were() -> None:
    given, found = (torch.tensor(times, dtype=torch.float32) for times in (TIMES, times_on(RectifiedFlow())))
    assert torch.equal(given, found)
    assert times_on(schedule_of("vp_cosine"))[2] == pytest.approx(0.5)
    assert times_on(schedule_of("vp_linear:steps=20"))[2:] == (1, 1, 1), "it ends with less noise than that"
    assert times_on(schedule_of("vp_cosine"))[0] == pytest.approx(2 / math.pi * math.atan(1 / 9))


def test_a_run_reads_without_the_settings_and_resumes_with_its_own_only(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path
) -> None:
    old = json.loads(json.dumps(small_run.as_dict()))
    del old["schedule"], old["objective"]["target"]
    assert from_dict(RunConfig, old) == small_run
    assert small_run.process == PLAIN
    run = override(small_run, ["schedule=vp_linear: steps=200", "objective.target=eps"])
    assert run.process == Process(VPLinear(steps=200), "eps")
    assert from_dict(RunConfig, json.loads(json.dumps(run.as_dict()))) == run
    list(make_trainer(tmp_path / "a", run).steps(2))
    checkpoint = tmp_path / "a" / "checkpoints" / "step-00000002"
    again = make_trainer(tmp_path / "a", run)
    again.resume(checkpoint)
    assert again.step == 2
    with pytest.raises(TrainingError, match=r"\(schedule was vp_linear:steps=200, is vp_linear\)"):
        make_trainer(tmp_path / "b", override(run, ["schedule=vp_linear"])).resume(checkpoint)
    with pytest.raises(TrainingError, match=r"\(objective\.target was eps, is v\)"):
        make_trainer(tmp_path / "c", override(run, ["objective.target=v"])).resume(checkpoint)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["schedule=vp_cosin"], "There is no schedule called 'vp_cosin'; did you mean vp_cosine"),
        (["schedule=edm"], "There is no schedule called 'edm'"),
        (["schedule=laplace:widht=1"], "The schedule laplace has no option 'widht'; did you mean width"),
        (["schedule=laplace:width=0"], "a width above 0"),
        (["schedule=rectified_flow:shift=3"], "has no option 'shift'; it takes none"),
        (["schedule=vp_linear:beta_end=2"], r"must be a list of at least two numbers in \(0, 1\)"),
        (["schedule=vp_linear:steps=1000000000000"], "steps of the schedule vp_linear is .* from 2 to 100000"),
        (["schedule=vp_linear:zero_terminal=1"], "zero_terminal of the schedule vp_linear must be true or false"),
        (["objective.target=epsilon"], "target=epsilon does not fit: there is no prediction target called 'epsilon'"),
        (["schedule=vp_linear", "objective.target=score"], "must be one of eps, v, velocity, x0"),
        (["objective.target=eps"], "the schedule rectified_flow ends in pure noise .* such as vp_linear"),
        (["schedule=vp_scaled_linear:zero_terminal=true", "objective.target=eps"], "choose the target x0, v or velo"),
    ],
)
def test_what_is_not_legal_is_refused_in_one_sentence(small_run: RunConfig, settings: list[str], message: str) -> None:
    with pytest.raises(InvalidOption, match=message) as caught:
        override(small_run, settings)
    assert str(caught.value).count(". ") == 0
    assert "\n" not in str(caught.value)


def test_a_word_is_taught_with_the_models_own_target() -> None:
    with pytest.raises(InvalidOption, match="the model's own target"):
        TeachConfig(objective=ObjectiveConfig(target="v"))


@pytest.mark.slow
@pytest.mark.parametrize(("schedule", "target"), [("vp_linear", "eps"), ("vp_cosine", "v"), ("laplace", "velocity")])
def test_compiled_the_loss_is_the_same(
    make_trainer: MakeTrainer, small_run: RunConfig, tmp_path: Path, schedule: str, target: str
) -> None:
    run = override(small_run, [f"schedule={schedule}", f"objective.target={target}"])
    trainer = make_trainer(tmp_path, run)
    trainer.network.load_state_dict(random_network(run.network, seed=2).state_dict())
    batch = trainer.batches.at(4)
    compiled = Pretrain(replace(run, compiled=True), trainer.network)
    with torch.no_grad():
        torch.testing.assert_close(compiled.losses(batch), trainer.method.losses(batch), rtol=1e-4, atol=1e-5)
