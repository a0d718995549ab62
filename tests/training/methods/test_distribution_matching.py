"""Distribution matching in the plane: what the generator draws is spread as the mixture of its prompt."""

import copy

import pytest
import torch
from torch import Tensor, nn

from mezzotint.diffusion import Bound, RectifiedFlow, from_times, sample
from mezzotint.diffusion.objective import loss
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.training.methods.distil import CRITIC_DRAW, LONG_DRAW, TO_DRAW
from mezzotint.training.methods.distribution_matching import DistributionMatching, MatchingConfig

from .plane import (
    KINDS,
    MEANS,
    VARIANCES,
    Asked,
    Drawn,
    Examples,
    Small,
    distance,
    drawn,
    examples,
    flow,
    lesson,
    nothing,
    starts,
    told,
    train,
)

FLOW = RectifiedFlow()


def energy_distance(a: Tensor, b: Tensor) -> float:
    """2 E|a − b| − E|a − a'| − E|b − b'|, of points (n, 2); 0 on average if they have one distribution."""
    within = [torch.cdist(x, x).sum() / (len(x) * (len(x) - 1)) for x in (a.double(), b.double())]
    return float(2 * torch.cdist(a.double(), b.double()).mean() - sum(within))


def fresh(kind: int, seed: int, count: int = 1000) -> Tensor:
    """Independent points of a prompt's mixture."""
    generator = torch.Generator().manual_seed(seed)
    which = torch.multinomial(KINDS[kind], count, replacement=True, generator=generator)
    return MEANS[which] + VARIANCES[which].sqrt()[:, None] * torch.randn(count, 2, generator=generator)


class Denoising:
    """Plain regression on the teacher, as a method."""

    def __init__(self, network: nn.Module) -> None:
        self.network, self.lesson = network, lesson(FLOW)

    def losses(self, batch: Examples) -> Tensor:
        unit, t = torch.ones(len(batch.t)), batch.t.double()
        x_t = FLOW(t).noised(batch.pictures, self.lesson.noise(batch.draws, batch.pictures)[0])
        said = self.lesson.leaf(self.network)(x_t, t, {"cond": told(batch.cond, unit)}).x0
        return loss(said, self.lesson.x0(x_t, t, batch.cond, unit), FLOW(t))

    def step(self, lr: float, count: int) -> None: ...


@pytest.fixture(scope="module")
def teacher() -> nn.Module:
    """A network that denoises, which generator and critic begin as."""
    network = Small()
    train(Denoising(network), network, 350, 192, 8e-3)
    return network


def matched(teacher: nn.Module, config: MatchingConfig, updates: int, lr: float) -> nn.Module:
    network = copy.deepcopy(teacher)
    train(DistributionMatching(network, copy.deepcopy(teacher), lesson(FLOW), config), network, updates, 192, lr)
    return network


def energies(network: nn.Module, times: tuple[float, ...]) -> list[float]:
    """How far the points drawn at these times are from the mixture, for each prompt."""
    x, asked = starts(3000)
    denoise = Bound(lesson(FLOW).leaf(network), {"cond": told(asked, torch.ones(len(x)))})
    solver = SOLVERS["lcm"].make({"tell": True})
    with torch.no_grad():
        *_, last = sample(denoise, x, from_times([*times, 0.0]), solver, Drawn())
    return [energy_distance(last.x[kind::3], fresh(kind, 1)) for kind in range(3)]


def test_in_one_evaluation_it_draws_the_mixture(teacher: nn.Module) -> None:
    """Null distances of 1000 points are below .003; those of the teacher's own single evaluation are .2 to .5."""
    null = [energy_distance(fresh(kind, seed), fresh(kind, 1)) for kind in range(3) for seed in range(2, 8)]
    assert max(null) < 0.003
    assert min(energies(teacher, (1.0,))) > 0.1
    assert max(energies(matched(teacher, MatchingConfig(critic_updates=3), 500, 2e-3), (1.0,))) < 0.05


@pytest.mark.slow
def test_in_two_evaluations_each_of_them_draws_it(teacher: nn.Module) -> None:
    config = MatchingConfig(times=(1.0, 0.5), critic_updates=3)
    network = matched(teacher, config, 800, 3e-3)
    assert max(energies(network, (1.0,))) < 0.07
    assert max(energies(network, (1.0, 0.5))) < 0.07


def test_at_its_second_time_it_is_trained_on_what_it_drew_at_its_first_and_the_critic_is_told_where() -> None:
    """A generator that says 1 everywhere: at t = 0.75 it is shown 0.25 + 0.75 z, at t = 1 noise alone."""
    seen: dict[str, list[tuple[Tensor, Tensor, Tensor | None]]] = {"generator": [], "critic": []}

    class Saying(nn.Module):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name, self.one = name, nn.Parameter(torch.ones(()))

        def forward(self, x_t: Tensor, t: Tensor, cond: object, *, to: Tensor | None = None, probe: object) -> Tensor:
            seen[self.name].append((x_t, t, to))
            return self.one * torch.ones_like(x_t)

    config = MatchingConfig(times=(1.0, 0.75), critic_updates=1)
    method = DistributionMatching(Saying("generator"), Saying("critic"), lesson(FLOW), config)
    batch = examples(3, 4000)
    method.losses(batch)
    noise = method.lesson.noise(batch.draws, batch.pictures, 4)
    (start, _, _), (entry, t, to) = seen["generator"]
    second = t == 0.75
    assert torch.equal(start, noise[0])
    assert float(second.float().mean()) == pytest.approx(0.5, abs=0.03)
    torch.testing.assert_close(entry[~second], noise[0][~second])
    torch.testing.assert_close(entry[second], 0.25 + 0.75 * noise[2][second])
    assert to is not None
    assert not to.any()
    assert all(torch.equal(told_to, t) for _, _, told_to in seen["critic"] if told_to is not None)
    assert [told_to is None for _, _, told_to in seen["critic"]] == [False, False]


class Saying(nn.Module):
    """Says a number, and remembers which guidance it was told."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number, self.heard = nn.Parameter(torch.tensor(number)), list[Tensor | None]()

    def forward(self, x_t: Tensor, t: Tensor, cond: Asked, *, to: Tensor | None = None, probe: object) -> Tensor:
        self.heard.append(cond.guidance)
        return self.number.expand_as(x_t)


def test_it_is_moved_towards_the_guided_teacher_and_both_networks_are_told_the_guidance() -> None:
    """A generator that says 1, a critic that says 0: the gradient is −real / mean |1 − real|, and the critic 1 off."""

    generator, critic, taught, batch = Saying(1.0), Saying(0.0), lesson(FLOW, (1.0, 4.0)), examples(3, 64)
    method = DistributionMatching(generator, critic, taught, MatchingConfig(critic_updates=1, low=0.1, high=0.9))
    losses = method.losses(batch).double()
    guidance = taught.scales(batch.draws)
    assert float(guidance.std()) > 0.5
    assert len(generator.heard) == 1
    assert len(critic.heard) == 2
    assert all(heard is not None and torch.equal(heard, guidance) for heard in (*generator.heard, *critic.heard))
    t, later = (0.1 + 0.8 * taught.uniform(batch.draws, which) for which in (LONG_DRAW, CRITIC_DRAW))
    x_t = (1 - t[:, None]) + t[:, None] * taught.noise(batch.draws, batch.pictures, 2)[1]
    cond, uncond = (taught.teacher(x_t, t, {"cond": one}).x0.double() for one in (batch.cond, nothing(batch.cond)))
    real = uncond + guidance[:, None] * (cond - uncond)
    moved = real / (1 - real).abs().mean(1, keepdim=True)
    torch.testing.assert_close(losses, 0.5 * moved.square().mean(1) + 1 / later**2, rtol=1e-4, atol=1e-5)


def test_regression_is_to_the_ends_of_trajectories_and_only_from_pure_noise() -> None:
    """What it adds for a generator that says 1: twice mean |1 − end|² at t = 1, and nothing at t = 0.5."""
    batch, taught = examples(3, 64), lesson(FLOW)

    def losses(regression: float) -> Tensor:
        config = MatchingConfig(times=(1.0, 0.5), regression=regression, regression_steps=64)
        return DistributionMatching(Saying(1.0), Saying(0.0), taught, config).losses(batch).double()

    added = losses(2.0) - losses(0.0)
    later = taught.uniform(batch.draws, TO_DRAW) > 0.5
    assert 20 < int(later.sum()) < 44
    assert not added[later].any()
    ends = flow(FLOW, taught.noise(batch.draws, batch.pictures)[0], batch.cond, 1.0)
    torch.testing.assert_close(added[~later], 2 * (1 - ends).square().mean(1)[~later], rtol=0.03, atol=0.02)


def test_regression_holds_it_to_the_teachers_trajectories(teacher: nn.Module) -> None:
    x, asked = starts()
    truth = flow(FLOW, x, asked, 1.0)
    config = MatchingConfig(critic_updates=1, regression=2.0, regression_steps=8)
    assert distance(drawn(matched(teacher, config, 250, 4e-3), FLOW, x, asked, 1), truth) < 0.3


def test_each_network_has_its_own_gradient_and_the_critic_its_own_updates() -> None:
    """The generator's loss moves no critic, and the critic's none of the generator."""
    network, critic = Small(16), Small(16, seed=1)
    method = DistributionMatching(network, critic, lesson(FLOW), MatchingConfig(critic_updates=3, critic_lr=2.0))
    batch = examples(1, 32)
    torch.autograd.backward(method.losses(batch).mean())
    own = {name: value.grad.clone() for name, value in network.named_parameters() if value.grad is not None}
    weights = [value.detach().clone() for value in critic.parameters()]
    assert all(value.grad is not None for value in critic.parameters())
    method.step(1e-2, 1)
    for name, value in network.named_parameters():
        assert torch.equal(value.grad, own[name])  # type: ignore[arg-type]
    # three updates of Adam, each of at most the learning rate (twice 1e-2), and by no gradient that is left over
    moved = max(float((a.detach() - b).abs().max()) for a, b in zip(critic.parameters(), weights, strict=True))
    assert 0.04 < moved < 0.062
    assert all(value.grad is None for value in critic.parameters())
