"""Layers against their formulas and against PyTorch's own."""

import math

import pytest
import torch
from torch.nn import functional as F

from mezzotint.nn import (
    Attention,
    FourierFeatures,
    RMSNorm,
    SwiGLU,
    apply_rotary,
    doubled,
    linear,
    patchify,
    rotary_grid,
    unpatchify,
)
from mezzotint.nn import attention as attention_module


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def fill(module: torch.nn.Module, seed: int = 1) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return module


def test_rms_norm_is_pytorchs() -> None:
    norm = fill(RMSNorm(12))
    x = 5 * normal(3, 7, 12)
    torch.testing.assert_close(norm(x), F.rms_norm(x, (12,), norm.weight, eps=1e-6))


def test_swiglu_is_its_formula() -> None:
    layer = fill(SwiGLU(6, 10))
    x = normal(4, 6)
    gate, up = layer.gate_up.weight[:10], layer.gate_up.weight[10:]
    expected = (F.silu(x @ gate.T) * (x @ up.T)) @ layer.out.weight.T
    torch.testing.assert_close(layer(x), expected)


def test_patches_hold_their_pixels_and_go_back() -> None:
    x = normal(2, 4, 16, 24)
    patches = patchify(x, 8)
    assert patches.shape == (2, 6, 256)
    torch.testing.assert_close(patches[1, 4], x[1, :, 8:16, 8:16].reshape(-1), rtol=0, atol=0)
    torch.testing.assert_close(unpatchify(patches, 8, 4, 16, 24), x, rtol=0, atol=0)


def test_rotary_products_depend_on_offsets_only() -> None:
    q, k = normal(16, seed=2), normal(16, seed=3)
    angles = rotary_grid(6, 6, 16).double()

    def product(a: tuple[int, int], b: tuple[int, int]) -> float:
        at = [angles[r * 6 + c][None] for r, c in (a, b)]
        turned = [apply_rotary(v.double()[None, None, None], x.cos(), x.sin()) for v, x in zip((q, k), at, strict=True)]
        return float((turned[0] * turned[1]).sum())

    assert product((0, 1), (2, 4)) == pytest.approx(product((3, 2), (5, 5)), abs=1e-6)
    assert abs(product((0, 1), (2, 4)) - product((0, 1), (4, 2))) > 1e-3  # rows and columns are told apart


def test_fourier_features_are_cosines_and_sines() -> None:
    features = FourierFeatures(8, max_frequency=2.0)(torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(features[0], torch.tensor([1.0] * 4 + [0.0] * 4))
    assert float(features[1, 0]) == pytest.approx(math.cos(2 * math.pi * 0.25), abs=1e-6)
    assert float(features[1, 4]) == pytest.approx(math.sin(2 * math.pi * 0.25), abs=1e-6)


@pytest.fixture
def attention() -> Attention:
    layer = Attention(16, 2)
    fill(layer)
    return layer


def test_attention_is_softmax_of_products(attention: Attention) -> None:
    """By hand, head by head, with context and padding."""
    x, context_tokens = normal(1, 5, 16), normal(1, 3, 16, seed=4)
    bias = torch.zeros(1, 1, 1, 8)
    bias[..., -1] = float("-inf")
    context = attention.context(context_tokens)
    y = attention(x, context=context, bias=bias)
    weight = attention.qkv.weight
    heads = []
    for head in range(2):
        rows = slice(head * 8, head * 8 + 8)
        q = attention.norm_q(x[0] @ weight[:16][rows].T)
        tokens = torch.cat([x[0], context_tokens[0, :2]])  # the padded token does not exist
        k = attention.norm_k(tokens @ weight[16:32][rows].T)
        v = tokens @ weight[32:][rows].T
        heads.append((q @ k.T / math.sqrt(8)).softmax(-1) @ v)
    torch.testing.assert_close(y[0], torch.cat(heads, dim=-1) @ attention.out.weight.T, rtol=1e-5, atol=1e-6)


def test_both_ways_to_attend_agree(attention: Attention, monkeypatch: pytest.MonkeyPatch) -> None:
    x = normal(2, 5, 16)
    bias = torch.zeros(2, 1, 1, 5)
    bias[1, ..., 3:] = float("-inf")
    explicit = attention(x, bias=bias)
    monkeypatch.setattr(attention_module, "EXPLICIT_KEYS", 0)
    torch.testing.assert_close(attention(x, bias=bias), explicit, rtol=1e-5, atol=1e-6)


def test_a_hook_that_returns_the_weights_changes_nothing_and_one_that_edits_does(attention: Attention) -> None:
    x = normal(2, 5, 16)
    seen = []

    def look(weights: torch.Tensor) -> torch.Tensor:
        seen.append(weights)
        return weights

    torch.testing.assert_close(attention(x, hook=look), attention(x), rtol=0, atol=0)
    assert seen[0].shape == (2, 2, 5, 5)
    torch.testing.assert_close(seen[0].sum(-1), torch.ones(2, 2, 5))
    identity = attention(x, hook=lambda w: torch.eye(5).expand_as(w))
    values = x @ attention.qkv.weight[32:].T
    torch.testing.assert_close(identity, values @ attention.out.weight.T, rtol=1e-5, atol=1e-6)


def test_linear_draws_no_random_numbers() -> None:
    before = torch.get_rng_state()
    layer = linear(4, 5, bias=True)
    assert torch.equal(torch.get_rng_state(), before)
    assert not layer.weight.any()
    assert not layer.bias.any()


def test_doubling_gives_every_pixel_four_times_and_its_gradient_their_sum() -> None:
    x = normal(2, 3, 4, 5).requires_grad_(True)
    y, weights = doubled(x), normal(2, 3, 8, 10, seed=1)
    assert torch.equal(y, F.interpolate(x, scale_factor=2, mode="nearest"))
    (slope,) = torch.autograd.grad((y * weights).sum(), x)
    torch.testing.assert_close(slope, 4 * F.avg_pool2d(weights, 2))
