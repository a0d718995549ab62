"""The generator and its critic: what must not matter does not, what must does; the critic is differentiable twice."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.diffusion.probe import Probe
from mezzotint.errors import InvalidOption
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.families.pixel_gan import (
    PixelCritic,
    PixelGAN,
    PixelGANConfig,
    initialise_critic,
    initialise_generator,
)
from mezzotint.families.pixel_gan.model import Residual, Stage
from mezzotint.runs import RUNS
from mezzotint.training.config import GanRun, RunConfig
from mezzotint.training.methods.adversarial import gradient_penalty

SMALL = PixelGANConfig(
    size=16,
    widths=(16, 8, 8),
    blocks=1,
    group=4,
    reads=(4, 8),
    heads=2,
    text_width=12,
    text_heads=2,
    width=16,
    hidden=24,
    styles=2,
)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def filled(network: nn.Module) -> nn.Module:
    """Without a zero parameter, so that every path matters."""
    with torch.no_grad():
        for seed, parameter in enumerate(network.parameters()):
            scale = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.3
            parameter.copy_(normal(*parameter.shape, seed=seed) * scale + (parameter.ndim == 1))
    return network.eval()


def conditioning(lengths: tuple[int, ...], seed: int = 5) -> Conditioning:
    longest = max(lengths)
    mask = torch.tensor([[i < n for i in range(longest)] for n in lengths])
    return Conditioning(normal(len(lengths), longest, 12, seed=seed) * mask[..., None], mask, torch.tensor([0, 1, 2]))


GENERATOR, CRITIC = filled(PixelGAN(SMALL)), filled(PixelCritic(SMALL))
NOISE = normal(3, 4, 1, 16, 16, seed=1)
COND = conditioning((5, 3, 4))
ONE = torch.ones(3)


def drawn(x: Tensor, cond: Conditioning) -> Tensor:
    picture: Tensor = GENERATOR(x, ONE[: len(x)], cond)
    return picture


def judged(x: Tensor, cond: Conditioning) -> Tensor:
    says: Tensor = CRITIC(x, cond)
    return says


BOTH = pytest.mark.parametrize("network", [drawn, judged], ids=["generator", "critic"])
Network = Callable[[Tensor, Conditioning], Tensor]


@BOTH
@torch.inference_mode()
def test_padding_and_batch_mates_do_not_matter(network: Network) -> None:
    whole = network(NOISE, COND)
    torch.testing.assert_close(network(NOISE, COND.padded(9)), whole, rtol=1e-5, atol=1e-5)
    for i, length in enumerate((5, 3, 4)):
        row = slice(i, i + 1)
        alone = Conditioning(COND.tokens[row, :length], COND.mask[row, :length], COND.style[row])
        torch.testing.assert_close(network(NOISE[row], alone)[0], whole[i], rtol=1e-5, atol=1e-5)


@BOTH
@torch.inference_mode()
def test_everything_that_is_asked_matters(network: Network) -> None:
    plain = network(NOISE, COND)
    ones = torch.ones(3, 5)
    torch.testing.assert_close(network(NOISE, replace(COND, weights=ones)), plain)
    heavier = ones.clone()
    heavier[:, 1] = 3
    changed = {
        "words": replace(COND, tokens=COND.tokens + normal(3, 5, 12, seed=7) * COND.mask[..., None]),
        "weights": replace(COND, weights=heavier),
        "style": replace(COND, style=torch.tensor([2, 0, 1])),
    }
    for what, cond in changed.items():
        assert float((network(NOISE, cond) - plain).abs().reshape(3, -1).amax(1).min()) > 1e-3, what
    assert float((network(NOISE.roll(1, 0), COND) - plain).abs().reshape(3, -1).amax(1).min()) > 1e-3


@torch.inference_mode()
def test_a_word_of_weight_two_is_read_as_a_word_that_is_there_twice() -> None:
    """By the maps: softmax(s + log 2) is that of two equal keys. The blocks before them would see two words."""
    network = filled(PixelGAN(replace(SMALL, text_depth=0)))
    cond = COND[torch.tensor([0])]
    twice = Conditioning(
        torch.cat([cond.tokens, cond.tokens[:, 1:2]], dim=1), torch.ones(1, 6, dtype=torch.bool), cond.style
    )
    weights = torch.tensor([[1.0, 2.0, 1.0, 1.0, 1.0]])
    one, other = (network(NOISE[:1], ONE[:1], given) for given in (replace(cond, weights=weights), twice))
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_its_latents_are_independent_standard_normals_if_the_noise_is() -> None:
    """They are A x with orthonormal rows: A Aᵀ = 1."""
    assert isinstance(GENERATOR, PixelGAN)
    each = torch.eye(4 * 16 * 16).reshape(-1, 4, 1, 16, 16)
    rows = GENERATOR.latents(each).T
    torch.testing.assert_close(rows @ rows.T, torch.eye(4 * 4 * 4))
    torch.testing.assert_close(drawn(NOISE, COND), GENERATOR.drawn(GENERATOR.latents(NOISE), COND))


def test_it_is_a_denoiser_at_pure_noise_alone() -> None:
    with pytest.raises(InvalidOption, match=r"asked at t = 0.5, but it draws in one evaluation from pure noise"):
        GENERATOR(NOISE, torch.tensor([1.0, 0.5, 1.0]), COND)
    with pytest.raises(InvalidOption, match="no attention"):
        GENERATOR(NOISE, ONE, COND, probe=Probe())


def test_the_critics_penalty_has_the_gradient_of_finite_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    """R1 of the whole network, in float32, which its normalisations are in, by some weights of every layer.

    With smooth units: at the bends of its own the penalty jumps, which differences see and gradients do not.
    """
    monkeypatch.setattr("mezzotint.families.pixel_gan.model._leaky", nn.functional.silu)
    critic, step = filled(PixelCritic(SMALL)), 2e-3
    assert isinstance(critic, PixelCritic)

    whole = float(gradient_penalty(critic, NOISE, COND)[1].sum().detach())

    def penalty() -> Tensor:
        return gradient_penalty(critic, NOISE, COND)[1].sum() / whole

    names, weights = zip(*critic.named_parameters(), strict=True)
    slopes = torch.autograd.grad(penalty(), weights, allow_unused=True)
    checked = 0
    for name, weight, slope in zip(names, weights, slopes, strict=True):
        values = weight.detach().view(-1)
        for k in {0, len(values) // 2}:
            ends = []
            for change in (step, -step):
                values[k] += change
                ends.append(float(penalty().detach()))
                values[k] -= change
            found = 0.0 if slope is None else float(slope.reshape(-1)[k])
            assert found == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=0.02, abs=5e-4), name
            checked += abs(found) > 5e-3
    assert checked > len(names)


def test_the_gradient_reaches_every_parameter() -> None:
    for network in (GENERATOR, CRITIC):
        assert isinstance(network, PixelGAN | PixelCritic)
        output = network.drawn(normal(3, 64), COND) if isinstance(network, PixelGAN) else network(NOISE, COND)
        slopes = torch.autograd.grad(output.square().sum(), list(network.parameters()))
        for (name, _), slope in zip(network.named_parameters(), slopes, strict=True):
            assert float(slope.abs().max()) > 0, name


def test_the_seed_decides_the_weights_and_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    for make, fill in ((PixelGAN, initialise_generator), (PixelCritic, initialise_critic)):
        networks = [make(SMALL) for _ in range(3)]
        for network, seed in zip(networks, (1, 1, 2), strict=True):
            fill(network, seed)  # type: ignore[arg-type]
        first, again, other = ([p.detach() for p in network.parameters()] for network in networks)
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
        assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert torch.equal(torch.get_rng_state(), before)


@torch.inference_mode()
def test_an_untrained_generator_draws_values_of_the_size_of_pictures() -> None:
    network = PixelGAN(SMALL)
    initialise_generator(network, 0)
    picture = network(NOISE, ONE, COND)
    assert 0.3 < float(picture.std()) < 3


def test_what_ends_a_residual_branch_is_zero_and_what_is_inside_the_smaller_the_more_there_are() -> None:
    """Fixup: six blocks of three layers, the last one zero, the others by 6^(-1/4) below what keeps the variance."""
    network = PixelCritic(replace(SMALL, widths=(64, 32), blocks=3, group=16, reads=(8,)))
    initialise_critic(network, 0)
    for stage in network.stages:
        assert isinstance(stage, Stage)
        for block in stage.blocks:
            assert isinstance(block, Residual)
            assert not block.third.weight.any()
            for layer in (block.first, block.second):
                wanted = (2 / 1.04) ** 0.5 * 6**-0.25 / layer.weight[0].numel() ** 0.5
                assert float(layer.weight.detach().std()) == pytest.approx(wanted, rel=0.1)
    plain = network.down[0].weight.detach()
    assert float(plain.std()) == pytest.approx(plain[0].numel() ** -0.5, rel=0.1)


def test_both_networks_of_the_run_have_as_many_parameters_as_the_model_that_they_are_compared_with() -> None:
    run, other = RUNS["gan"](), RUNS["icons"]()
    assert isinstance(run, GanRun)
    assert isinstance(other, RunConfig)
    wanted = sum(p.numel() for p in PixelDiT(replace(other.network, styles=25)).parameters())
    with torch.device("meta"):
        both = PixelGAN(replace(run.network, styles=25)), PixelCritic(replace(run.network, styles=25))
    for network in both:
        assert sum(p.numel() for p in network.parameters()) == pytest.approx(wanted, rel=0.02)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"size": 18}, "18 cannot be halved 2 times"),
        ({"widths": (16, 9, 8)}, "network.widths has 9"),
        ({"group": 5}, "network.widths has 16, but 5"),
        ({"reads": (5,)}, r"network.reads is \(5,\); the maps have the sides \[4, 8, 16\]"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_in_one_sentence(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidOption, match=sentence):
        replace(SMALL, **change)  # type: ignore[arg-type]
