"""LoRA: exact where it must be nothing, its formula elsewhere, and no trace when it is gone."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mezzotint.adapters import Factors, LoRA, fresh_factors, shared_copy
from mezzotint.adapters.lora import targets
from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.errors import InvalidCheckpoint
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.nn import Attention
from tests.support import SMALL, random_network


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def factors(network: nn.Module, rank: int = 3, seed: int = 0) -> dict[str, Factors]:
    """Factors that change every layer."""
    fresh = fresh_factors(network, rank, seed)
    return {
        name: Factors(one.down, normal(*one.up.shape, seed=seed + i) * 0.2)
        for i, (name, one) in enumerate(fresh.items())
    }


def conditioning(strengths: list[list[float]] | None, batch: int = 2) -> Conditioning:
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])[:batch]
    tokens = normal(2, 5, 384, seed=5)[:batch] * mask[..., None]
    adapters = None if strengths is None else torch.tensor(strengths)
    return Conditioning(tokens, mask, torch.tensor([1, 2])[:batch], adapters=adapters)


X, T = normal(2, 4, 1, 32, 32, seed=1), torch.tensor([0.2, 0.8])


@pytest.fixture
def network() -> PixelDiT:
    return random_network()


def test_every_attention_and_feedforward_layer_is_a_target(network: PixelDiT) -> None:
    found = targets(network)
    blocks = ["blocks.0", "blocks.1", "text_blocks.0"]
    layers = ["attention.qkv", "attention.out", "feedforward.gate_up", "feedforward.out"]
    assert set(found) == {f"{block}.{layer}" for block in blocks for layer in layers}
    count = sum(one.down.numel() + one.up.numel() for one in fresh_factors(network, 4, 0).values())
    w, h = SMALL.width, SMALL.hidden
    assert count == 3 * 4 * (3 * 2 * w + 2 * w + 2 * (w + h) + (h + w))


@torch.inference_mode()
def test_a_layer_gives_its_formula_for_all_rows_and_for_some() -> None:
    block = Attention(8, 2).double()
    layer = block.qkv
    layer.weight.copy_(normal(24, 8))
    x, strengths = normal(2, 5, 8, seed=2).double(), torch.tensor([[0.5, 2.0], [-1.0, 0.0]])
    pair = [Factors(normal(3, r, 8, seed=r), normal(3, 8, r, seed=9 + r)) for r in (2, 5)]
    for column, one in enumerate(pair):
        LoRA({".qkv": one}, alpha=4.0, column=column).inject(block)
    for row, scales in enumerate(strengths.tolist()):
        weight = layer.weight.clone()
        for s, one in zip(scales, pair, strict=True):
            for p in range(3):
                weight[8 * p : 8 * p + 8] += s * 4 / one.rank * one.up[p].double() @ one.down[p].double()
        torch.testing.assert_close(layer(x, strengths)[row], x[row] @ weight.T)
        torch.testing.assert_close(layer(x, strengths, first=8)[row], x[row] @ weight[8:].T)
    assert torch.equal(layer(x), F.linear(x, layer.weight))


@torch.inference_mode()
def test_without_strengths_or_with_zero_ones_nothing_happens_to_the_bit(network: PixelDiT) -> None:
    plain = network(X, T, conditioning(None))
    LoRA(factors(network), alpha=3).inject(network)
    for strengths in (None, [[0.0], [0.0]]):
        assert torch.equal(network(X, T, conditioning(strengths)), plain)
    assert network.prepare(conditioning([[0.0], [0.0]])).adapters is None
    acted = network(X, T, conditioning([[1.0], [0.0]]))
    assert float((acted[0] - plain[0]).abs().max()) > 0.01
    assert torch.equal(acted[1], plain[1])


@torch.inference_mode()
def test_fresh_factors_change_nothing(network: PixelDiT) -> None:
    plain = network(X, T, conditioning(None))
    LoRA(fresh_factors(network, 4, seed=3), alpha=4).inject(network)
    assert torch.equal(network(X, T, conditioning([[1.0], [1.0]])), plain)


@torch.inference_mode()
def test_injected_is_merged_is_explicit_in_float64(network: PixelDiT) -> None:
    network = network.double()
    parts, cond, x, t = factors(network), conditioning([[0.5], [0.5]]), X.double(), T.double()
    explicit = random_network().double()
    for name, one in parts.items():
        layer = explicit.get_submodule(name)
        change = torch.cat([up.double() @ down.double() for up, down in zip(one.up, one.down, strict=True)])
        layer.weight.copy_(layer.weight + 0.5 * (6 / 3) * change)
    expected = explicit(x, t, conditioning(None))
    lora = LoRA(parts, alpha=6)
    lora.inject(network)
    torch.testing.assert_close(network(x, t, cond), expected, rtol=1e-9, atol=1e-9)
    lora.merge(0.5)
    torch.testing.assert_close(network(x, t, conditioning(None)), expected, rtol=1e-12, atol=1e-12)
    assert torch.equal(network(x, t, cond), network(x, t, conditioning(None)))
    assert float((expected - random_network().double()(x, t, conditioning(None))).abs().max()) > 0.01


@torch.inference_mode()
def test_each_picture_has_its_own_strengths(network: PixelDiT) -> None:
    for column in (0, 1):
        LoRA(factors(network, seed=20 * column), alpha=3, column=column).inject(network)
    strengths = [[1.0, 0.0], [0.3, -0.7]]
    both = network(X, T, conditioning(strengths))
    apart = []
    for row in (0, 1):
        one = conditioning(None)[slice(row, row + 1)]
        apart.append(network(X[row : row + 1], T[row : row + 1], replace(one, adapters=torch.tensor([strengths[row]]))))
    torch.testing.assert_close(both, torch.cat(apart), rtol=1e-5, atol=1e-5)
    swapped = network(X, T, conditioning(strengths[::-1]))
    assert float((swapped - both).abs().amax(dim=(1, 2, 3, 4)).min()) > 0.01


@torch.inference_mode()
def test_prepared_prompts_carry_strengths_and_join_with_those_that_have_none(network: PixelDiT) -> None:
    LoRA(factors(network), alpha=3).inject(network)
    cond = conditioning([[0.7], [0.0]])
    expected = network(X, T, cond)
    torch.testing.assert_close(network(X, T, network.prepare(cond)), expected, rtol=0, atol=0)
    plain = conditioning(None)
    first, second = replace(plain[:1], adapters=torch.tensor([[0.7]])), plain[1:]
    for joined in (first.cat(second), network.prepare(first).cat(network.prepare(second))):
        assert joined.adapters is not None
        assert joined.adapters.tolist() == [[pytest.approx(0.7)], [0.0]]
        torch.testing.assert_close(network(X, T, joined), expected, rtol=1e-5, atol=1e-5)
    turned = second.cat(first)
    torch.testing.assert_close(network(X.flip(0), T.flip(0), turned), expected.flip(0), rtol=1e-5, atol=1e-5)
    assert plain[:1].cat(plain[1:]).adapters is None


@torch.inference_mode()
def test_ejecting_restores_every_bit_also_after_merging(network: PixelDiT) -> None:
    before = {name: (value, value.clone()) for name, value in network.named_parameters()}
    plain = network(X, T, conditioning(None))
    first, second = (LoRA(factors(network, seed=30 * c), alpha=3, column=c) for c in (0, 1))
    first.inject(network)
    second.inject(network)
    first.merge(0.9)
    second.merge(-0.4)
    assert float((network(X, T, conditioning(None)) - plain).abs().max()) > 0.01
    second.eject()
    first.eject()
    first.inject(network)
    first.eject()
    after = dict(network.named_parameters())
    assert after.keys() == before.keys()
    for name, (tensor, bits) in before.items():
        assert after[name] is tensor
        assert torch.equal(tensor, bits)
    assert torch.equal(network(X, T, conditioning([[1.0, 1.0]] * 2)), plain)


@torch.inference_mode()
def test_one_adapter_leaves_and_the_other_stays(network: PixelDiT) -> None:
    alone = random_network()
    LoRA(factors(network, seed=30), alpha=3, column=1).inject(alone)
    first, second = (LoRA(factors(network, seed=30 * c), alpha=3, column=c) for c in (0, 1))
    first.inject(network)
    second.inject(network)
    first.eject()
    cond = conditioning([[1.0, 0.5]] * 2)
    assert torch.equal(network(X, T, cond), alone(X, T, cond))


@torch.inference_mode()
def test_a_shared_copy_has_the_same_tensors_and_keeps_its_adapters_to_itself(network: PixelDiT) -> None:
    plain = network(X, T, conditioning(None))
    copied = shared_copy(network)
    own = dict(network.named_parameters()) | dict(network.named_buffers())
    theirs = dict(copied.named_parameters()) | dict(copied.named_buffers())
    assert own.keys() == theirs.keys()
    assert all(theirs[name] is tensor for name, tensor in own.items())
    lora = LoRA(factors(network), alpha=3)
    lora.inject(copied)
    cond = conditioning([[1.0], [1.0]])
    assert torch.equal(network(X, T, cond), plain)
    assert float((copied(X, T, cond) - plain).abs().max()) > 0.01
    lora.merge()
    assert torch.equal(network(X, T, cond), plain)


def test_only_the_factors_have_gradients(network: PixelDiT) -> None:
    network.requires_grad_(False)
    lora = LoRA(factors(network), alpha=3, trained=True)
    lora.inject(network)
    network(X, T, conditioning([[1.0], [1.0]])).square().mean().backward()
    trained = {name for name, p in network.named_parameters() if p.grad is not None}
    assert trained == {name for name, p in network.named_parameters() if "added" in name}
    assert len(trained) == len(lora.parameters()) == 2 * 12
    assert all(float(p.grad.abs().max()) > 0 for p in lora.parameters().values() if p.grad is not None)


def test_factors_of_another_network_are_refused_by_name(network: PixelDiT) -> None:
    deeper, wider = (PixelDiT(replace(SMALL, **change)) for change in ({"depth": 3}, {"width": 64}))
    for other, words in (
        (deeper, r"changes blocks\.2\.attention\.out and 3 other layers, which this network does not have"),
        (wider, r"changes blocks\.0\.attention\.out and 11 other layers in other sizes"),
    ):
        with pytest.raises(InvalidCheckpoint, match=words):
            LoRA(factors(other), alpha=3).inject(network)
    assert not any("added" in name for name, _ in network.named_parameters())
