"""Adversarial training: penalties that are what they say, and a generator that draws all modes of a mixture."""

import math
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from mezzotint.errors import InvalidOption, TrainingError
from mezzotint.nn import linear
from mezzotint.training.adversarial import AdversarialConfig
from mezzotint.training.ema import PowerEMA
from mezzotint.training.methods.adversarial import Adversarial, gradient_penalty, paired_losses

MODES, RADIUS = 8, 2.0
SPREADS = torch.tensor([0.15, 0.3]).repeat(4)
"""Standard deviations of the modes, which lie on a circle."""


@dataclass(frozen=True)
class Points:
    pictures: Tensor
    cond: Tensor
    draws: Tensor


def centres() -> Tensor:
    angles = torch.arange(MODES) * (2 * math.pi / MODES)
    return RADIUS * torch.stack([angles.cos(), angles.sin()], dim=1)


def mixture(prompts: Tensor, generator: torch.Generator) -> Tensor:
    """A point for each prompt (B,): prompt k asks for the modes 4 k to 4 k + 3, as often each."""
    which = 4 * prompts + torch.randint(4, prompts.shape, generator=generator)
    return centres()[which] + SPREADS[which, None] * torch.randn(len(prompts), 2, generator=generator)


def points(step: int, count: int = 128) -> Points:
    generator = torch.Generator().manual_seed(step)
    prompts = torch.randint(2, (count,), generator=generator)
    draws = torch.arange(step * count, (step + 1) * count)
    return Points(mixture(prompts, generator), nn.functional.one_hot(prompts, 2).float(), draws)


class Layers(nn.Module):
    """Hidden layers with leaky units on what it is given and the prompt."""

    def __init__(self, inputs: int, outputs: int, width: int, seed: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise([inputs + 2, width, width, width]):
            layers += [linear(before, after, bias=True), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, linear(width, outputs, bias=True))
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, value in self.named_parameters():
                if name.endswith("weight"):
                    value.normal_(0.0, (1.9 / value.shape[1]) ** 0.5, generator=generator)

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        said: Tensor = self.layers(torch.cat([x, 2 * cond], dim=1))
        return said


class Drawing(Layers):
    latent = 4

    def __init__(self, width: int = 64, seed: int = 0) -> None:
        super().__init__(self.latent, 2, width, seed)

    def drawn(self, z: Tensor, cond: Tensor) -> Tensor:
        said: Tensor = self(z, cond)
        return said


class Judging(Layers):
    def __init__(self, width: int = 64, seed: int = 1) -> None:
        super().__init__(2, 1, width, seed)

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        return super().forward(x, cond)[:, 0]


def made(network: Drawing, critic: nn.Module, config: AdversarialConfig, steps: int = 1000) -> Adversarial[Tensor]:
    return Adversarial(network, network, critic, config, steps=steps, seed=5)


def update(method: Adversarial[Tensor], adam: torch.optim.Adam, step: int) -> None:
    """Update number `step`, as the loop of a run does it."""
    adam.zero_grad()
    torch.autograd.backward(method.losses(points(step)).mean())
    adam.step()
    method.step(adam.param_groups[0]["lr"], step)


def adam_of(network: nn.Module, lr: float = 4e-3) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=lr, betas=(0.0, 0.95))


def energy_distance(a: Tensor, b: Tensor) -> float:
    """2 E|a − b| − E|a − a'| − E|b − b'|, of points (n, 2); 0 on average if they have one distribution."""
    within = [torch.cdist(x, x).sum() / (len(x) * (len(x) - 1)) for x in (a.double(), b.double())]
    return float(2 * torch.cdist(a.double(), b.double()).mean() - sum(within))


def fresh(prompt: int, seed: int, count: int = 2000) -> Tensor:
    return mixture(torch.full((count,), prompt), torch.Generator().manual_seed(seed))


@torch.no_grad()
def drawn(network: Drawing, prompt: int, count: int = 2000) -> Tensor:
    z = torch.randn(count, network.latent, generator=torch.Generator().manual_seed(77))
    return network.drawn(z, nn.functional.one_hot(torch.full((count,), prompt), 2).float())


# --- the penalties


class Linear(nn.Module):
    """critic(x) = w · x + 3"""

    def __init__(self, w: Tensor) -> None:
        super().__init__()
        self.w = nn.Parameter(w)

    def forward(self, x: Tensor, cond: object) -> Tensor:
        return x.flatten(1) @ self.w + 3


class Bowl(nn.Module):
    """critic(x) = a |x|² / 2"""

    def __init__(self, a: float) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a))

    def forward(self, x: Tensor, cond: object) -> Tensor:
        return self.a / 2 * x.square().flatten(1).sum(1)


class Fixed(nn.Module):
    """A generator that draws one point, whatever the noise."""

    latent = 1

    def __init__(self, point: Tensor) -> None:
        super().__init__()
        self.point = nn.Parameter(point)

    def drawn(self, z: Tensor, cond: object) -> Tensor:
        return self.point.expand(len(z), -1)


def test_of_a_linear_critic_the_penalty_is_the_square_of_its_weights_and_its_gradient_twice_these() -> None:
    w = torch.tensor([0.6, -1.5, 0.2])
    critic, x = Linear(w), torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    says, penalty = gradient_penalty(critic, x, None)
    torch.testing.assert_close(says, x @ w + 3)
    torch.testing.assert_close(penalty, w.square().sum().expand(4))
    (slope,) = torch.autograd.grad(penalty.mean(), critic.w)
    torch.testing.assert_close(slope, 2 * w)


def test_the_penalty_and_its_gradient_are_those_of_finite_differences() -> None:
    """Of a smooth network with two hidden layers, in float64: once by x, and once more by every weight."""
    batch, step = points(0, 5), 1e-5
    critic = Judging(6)
    for place in (1, 3, 5):
        critic.layers[place] = nn.Tanh()
    critic = critic.double()
    x, cond = batch.pictures.double(), batch.cond.double()
    _, penalty = gradient_penalty(critic, x, cond)

    def at_x(k: int, change: float) -> Tensor:
        moved = x.clone()
        moved[:, k] += change
        said: Tensor = critic(moved, cond)
        return said

    with torch.no_grad():
        slopes = [(at_x(k, step) - at_x(k, -step)) / (2 * step) for k in range(2)]
    torch.testing.assert_close(penalty, torch.stack(slopes).square().sum(0), rtol=1e-7, atol=1e-9)
    torch.autograd.backward(penalty.sum())
    for name, weight in critic.named_parameters():
        values, ours = weight.detach().view(-1), weight.grad
        for k in range(0, len(values), max(1, len(values) // 7)):
            ends = []
            for change in (step, -step):
                values[k] += change
                ends.append(float(gradient_penalty(critic, x, cond)[1].sum().detach()))
                values[k] -= change
            wanted = (ends[0] - ends[1]) / (2 * step)
            # the last bias changes no slope, and has no gradient at all
            found = 0.0 if ours is None else float(ours.view(-1)[k])
            assert found == pytest.approx(wanted, rel=1e-5, abs=1e-7), name


def test_both_penalties_are_in_the_critics_loss_each_at_its_own_pictures() -> None:
    """D(x) = a |x|² / 2 with a = 0.8: R1 = a² |x|² of real points, R2 = a² |g|² of drawn ones, a² 25 here."""
    critic, network = Bowl(0.8), Fixed(torch.tensor([3.0, 4.0]))
    method = Adversarial(network, network, critic, AdversarialConfig(), steps=9, seed=1)
    batch = points(0, 6)
    real = batch.pictures.square().sum(1)
    for gamma in (0.0, 0.5, 2.0):
        apart = 0.4 * (25 - real)
        wanted = torch.log1p(apart.exp()) + gamma / 2 * 0.64 * (real + 25)
        torch.testing.assert_close(method.critic_losses(batch, 0, gamma), wanted)


def test_the_losses_of_a_pair_are_those_of_its_difference() -> None:
    real, fake = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 1.0])
    generator, critic = paired_losses(real, fake)
    torch.testing.assert_close(generator, torch.log1p((real - fake).exp()))
    torch.testing.assert_close(critic, torch.log1p((fake - real).exp()))


def test_near_the_truth_a_point_comes_to_rest_as_the_linearised_game_says() -> None:
    """Data at 0, one drawn point g, critic(x) = w · x: g' = s w, w' = −s g − 2 gamma w with s = 1/2 near rest.

    Its eigenvalues are −gamma ± i sqrt(1/4 − gamma²): the distance from rest falls as exp(−gamma time). With one of
    the penalties it falls as exp(−gamma time / 2), without both it stays (Mescheder et al. 2018, section 3).
    """
    gamma, rate, time = 0.2, 0.02, 2 * math.pi / math.sqrt(0.25 - 0.2**2)  # a whole turn
    critic, network = Linear(torch.tensor([0.0, 0.0])), Fixed(torch.tensor([0.1, 0.0]))
    method = Adversarial(network, network, critic, AdversarialConfig(), steps=9, seed=1)
    none = Points(torch.zeros(1, 2), torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64))
    for _ in range(round(time / rate)):
        (slope,) = torch.autograd.grad(method.losses(none).mean(), network.point)
        (other,) = torch.autograd.grad(method.critic_losses(none, 0, gamma).mean(), critic.w)
        with torch.no_grad():
            network.point.sub_(rate * slope)
            critic.w.sub_(rate * other)
    found = float(network.point.detach()[0]) / 0.1
    assert found == pytest.approx(math.exp(-gamma * time), rel=0.1)


# --- the whole game


def played(config: AdversarialConfig) -> tuple[Drawing, Drawing]:
    """A generator after 450 updates, as it is and averaged along the way, as runs keep it."""
    network, averaged = Drawing(), Drawing()
    method = made(network, Judging(seed=10), config, 450)
    average, adam = PowerEMA(network, 0.1), adam_of(network)
    for step in range(1, 451):
        update(method, adam, step)
        average.update(network, step)
    averaged.load_state_dict(dict(average.state()))
    return network, averaged


def energies(network: Drawing) -> list[float]:
    return [energy_distance(drawn(network, prompt), fresh(prompt, 1)) for prompt in range(2)]


def test_it_draws_all_modes_of_what_is_asked_for() -> None:
    """Null distances of 2000 points are below .002; with one of four modes missing it is above .1."""
    assert max(energy_distance(fresh(0, seed), fresh(0, 1)) for seed in range(2, 8)) < 0.002
    three = fresh(0, 2)[torch.cdist(fresh(0, 2), centres()).argmin(1) != 2]
    assert energy_distance(three, fresh(0, 1)) > 0.1
    network, averaged = played(AdversarialConfig(penalty=3.0, penalty_end=0.3, anneal=0.5))
    assert max(energies(network)) < 0.08  # without penalties it is above that, since the game goes round
    assert max(energies(averaged)) < 0.03
    for prompt in range(2):
        found = drawn(averaged, prompt)
        which = torch.cdist(found, centres()).argmin(1)
        for mode in range(4 * prompt, 4 * prompt + 4):
            assert float((which == mode).float().mean()) == pytest.approx(0.25, abs=0.06)
            # half of a mode of spread s is within s sqrt(2 ln 2); points would be within 0
            half = float((found[which == mode] - centres()[mode]).norm(dim=1).median())
            assert 0.6 < half / (float(SPREADS[mode]) * math.sqrt(2 * math.log(2))) < 2.7


@pytest.mark.slow
def test_without_penalties_it_does_not_settle() -> None:
    network, _ = played(AdversarialConfig(penalty=0.0, penalty_end=0.0))
    assert max(energies(network)) > 0.08


# --- the method


def test_each_network_has_its_own_gradient_and_the_critic_its_own_updates() -> None:
    network, critic = Drawing(16), Judging(16)
    method = made(network, critic, AdversarialConfig(critic_updates=3, critic_lr=2.0))
    batch = points(1, 32)
    torch.autograd.backward(method.losses(batch).mean())
    own = {name: value.grad.clone() for name, value in network.named_parameters() if value.grad is not None}
    assert len(own) == len(list(network.parameters()))
    assert all(value.grad is None and value.requires_grad for value in critic.parameters())
    weights = [value.detach().clone() for value in critic.parameters()]
    method.step(1e-2, 1)
    for name, value in network.named_parameters():
        assert torch.equal(value.grad, own[name])  # type: ignore[arg-type]
    # three updates of Adam, each of about the learning rate (twice 1e-2), and by no gradient that is left over
    moved = max(float((a.detach() - b).abs().max()) for a, b in zip(critic.parameters(), weights, strict=True))
    assert 0.04 < moved < 0.13
    assert all(value.grad is None for value in critic.parameters())


def test_every_update_has_noise_of_its_own_that_belongs_to_the_picture() -> None:
    method = made(Drawing(8), Judging(8), AdversarialConfig(critic_updates=2))
    whole = points(2, 300)
    drawn_with = torch.stack([method._noise(whole, turn).flatten() for turn in range(3)])
    assert float((torch.corrcoef(drawn_with) - torch.eye(3)).abs().max()) < 0.1
    assert float(drawn_with.std()) == pytest.approx(1, abs=0.05)
    some = Points(whole.pictures[7:9], whole.cond[7:9], whole.draws[7:9])
    assert torch.equal(method._noise(some, 1), method._noise(whole, 1)[7:9])


def test_the_penalty_falls_along_a_cosine() -> None:
    config = AdversarialConfig(penalty=1.0, penalty_end=0.2, anneal=0.5)
    assert [config.gamma(x) for x in (0.0, 0.25, 0.5, 1.0)] == pytest.approx([1.0, 0.6, 0.2, 0.2])
    network = Fixed(torch.tensor([3.0, 4.0]))
    method = Adversarial(network, network, Bowl(0.8), config, steps=100, seed=1)
    seen: list[float] = []
    honest = method.critic_losses

    def noted(batch: Points, turn: int, gamma: float) -> Tensor:
        seen.append(gamma)
        return honest(batch, turn, gamma)

    method.critic_losses = noted  # type: ignore[method-assign, assignment]
    for count in (1, 26, 51, 100):
        method.losses(points(0, 6))
        method.step(0.0, count)
    assert seen == pytest.approx([1.0, 0.6, 0.2, 0.2])


def test_in_half_precision_losses_and_slopes_are_nearly_the_same() -> None:
    """Products in bfloat16 have 8 bits: errors of about 1 %, also in what is differentiated twice."""
    found = []
    for precision in ("fp32", "bf16"):
        network, critic = Drawing(16), Judging(16)
        method = Adversarial(network, network, critic, AdversarialConfig(), steps=9, seed=5, precision=precision)
        losses = method.critic_losses(points(3), 0, 1.0)
        assert losses.dtype == torch.float32
        slopes = torch.autograd.grad(losses.mean(), list(critic.parameters())[:-1])
        found.append((losses.detach(), torch.cat([slope.flatten() for slope in slopes])))
    (whole, wanted), (half, given) = found
    assert not torch.equal(whole, half)
    assert float((half - whole).norm() / whole.norm()) < 0.03
    assert float((given - wanted).norm() / wanted.norm()) < 0.1


def test_a_resumed_game_goes_on_as_if_it_had_not_stopped() -> None:
    def went_on(method: Adversarial[Tensor], updates: range) -> Tensor:
        for step in updates:
            update(method, adam_of(method.network, 1e-2), step)
        return torch.cat([method.losses(points(77)).detach(), method.critic_losses(points(77), 0, 0.3).detach()])

    def begun(network: Drawing, critic: Judging) -> Adversarial[Tensor]:
        config = AdversarialConfig(critic_updates=2)
        return Adversarial(network, network, critic, config, steps=9, seed=5, betas=(0.5, 0.95))

    network = Drawing(16)
    method = begun(network, Judging(16))
    went_on(method, range(1, 4))
    kept = {name: value.clone() for name, value in method.state().items()}
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    straight = went_on(method, range(4, 7))
    again = Drawing(16, seed=5)
    other = begun(again, Judging(16, seed=6))
    again.load_state_dict(weights)
    other.load(kept)
    assert torch.equal(went_on(other, range(4, 7)), straight)


def test_a_critic_that_breaks_stops_before_its_update() -> None:
    critic = Linear(torch.tensor([1.0, float("inf")]))
    network = Fixed(torch.tensor([3.0, 4.0]))
    method = Adversarial(network, network, critic, AdversarialConfig(), steps=9, seed=1)
    method.losses(points(0, 6))
    before = critic.w.detach().clone()
    with pytest.raises(TrainingError, match="critic's loss of update 4 is not finite"):
        method.step(1e-3, 4)
    assert torch.equal(critic.w.detach(), before)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"penalty": -1.0}, r"adversarial.penalty is -1.0; it must be a number from 0"),
        ({"penalty_end": math.nan}, "adversarial.penalty_end is nan"),
        ({"anneal": 1.5}, "adversarial.anneal is 1.5"),
        ({"critic_updates": 0}, "adversarial.critic_updates is 0; it must be a whole number of 1 or more"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(values: dict[str, float], sentence: str) -> None:
    with pytest.raises(InvalidOption, match=sentence):
        AdversarialConfig(**values)  # type: ignore[arg-type]
