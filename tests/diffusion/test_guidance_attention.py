"""Guidance by attention on a small transformer without a zero parameter, against networks that are changed by hand.

The changed networks have a second implementation of attention: scores masked with −∞ before the softmax for PAG and
token dropout, queries blurred with `conv2d` for SEG, a block whose function is the identity for SLG.
"""

import math
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mezzotint.diffusion import (
    CFG,
    DDIM,
    GUIDANCES,
    AttentionSite,
    Bound,
    NetworkDenoiser,
    PhiloxNoise,
    Prediction,
    Probe,
    RectifiedFlow,
    find_guidance,
    from_times,
    guided,
    sample,
)
from mezzotint.diffusion.guidance.attention import gaussian_matrix, smoothed_attention, token_grid
from mezzotint.diffusion.guidance.pag import PAG
from mezzotint.diffusion.guidance.sag import SAG
from mezzotint.diffusion.guidance.seg import SEG
from mezzotint.diffusion.guidance.slg import SLG
from mezzotint.diffusion.guidance.token_dropout import TokenDropout, _Hide
from mezzotint.diffusion.noise import Purpose, philox_uniform
from mezzotint.diffusion.probe import blocks_of
from mezzotint.errors import InvalidOption
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.nn.attention import Attention
from tests.support import random_network

from .transformer import (
    COND,
    CONFIG,
    PATCHES,
    TIME,
    Scores,
    T,
    X,
    attention,
    attention_by_hand,
    normal,
    plain_scores,
)

ON: dict[str, Any] = {
    "pag": PAG(2.0),
    "sag": SAG(2.0),
    "seg": SEG(2.0),
    "slg": SLG(2.0),
    "token-dropout": TokenDropout(2.0),
}


@pytest.fixture(scope="module")
def network() -> PixelDiT:
    return random_network(CONFIG)


@pytest.fixture
def leaf(network: PixelDiT) -> NetworkDenoiser[Any]:
    return NetworkDenoiser(network, RectifiedFlow(), "x0")


def masked_scores(module: Attention, q: Tensor, k: Tensor) -> Tensor:
    scores = plain_scores(module, q, k).clone()
    image = slice(TIME, TIME + PATCHES)
    scores[:, :, image, image] = scores[:, :, image, image].masked_fill(
        ~torch.eye(PATCHES, dtype=torch.bool), -math.inf
    )
    return scores


def blurred_queries(sigma: float) -> Scores:
    """The 4x4 queries, zero-padded, blurred with a Gaussian and divided by the part of it that fell inside."""

    def scores(module: Attention, q: Tensor, k: Tensor) -> Tensor:
        place = torch.arange(-3, 4, dtype=torch.float32)
        line = torch.exp(-(place**2) / (2 * sigma**2))
        kernel = (line[:, None] * line)[None, None]
        maps = q[:, :, TIME:].reshape(-1, 4, 4, q.shape[-1]).permute(0, 3, 1, 2).reshape(-1, 1, 4, 4)
        maps = F.conv2d(maps, kernel, padding=3) / F.conv2d(torch.ones(1, 1, 4, 4), kernel, padding=3)
        blurred = maps.reshape(q.shape[0] * q.shape[1], q.shape[-1], 16).transpose(1, 2)
        q = torch.cat([q[:, :, :TIME], blurred.reshape(*q.shape[:2], 16, -1)], dim=2)
        return plain_scores(module, q, k)

    return scores


def mean_queries(module: Attention, q: Tensor, k: Tensor) -> Tensor:
    q = torch.cat([q[:, :, :TIME], q[:, :, TIME:].mean(2, keepdim=True).expand(-1, -1, 16, -1)], dim=2)
    return plain_scores(module, q, k)


def check_contrast(leaf: NetworkDenoiser[Any], modifier: Any, weak: Prediction, name: str) -> None:
    """x_0 + scale (cond − weak), alone and with CFG; and what it costs."""
    cond, uncond = (leaf(X, T, {"cond": COND[k]}) for k in ("cond", "uncond"))
    assert float((cond.x0 - weak.x0).abs().amax((1, 2, 3, 4)).min()) > 0.01
    for guidance, evaluations in ((1.0, 2), (3.0, 3)):
        prediction = guided(leaf, CFG(guidance), [modifier], calls="apart")(X, T, COND)
        expected = uncond.x0 + guidance * (cond.x0 - uncond.x0) + 2.0 * (cond.x0 - weak.x0)
        torch.testing.assert_close(prediction.x0, expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(prediction.branches[name].x0, weak.x0, rtol=1e-4, atol=1e-4)
        assert prediction.evaluations == evaluations
        assert GUIDANCES[name].evaluations == 1


@torch.inference_mode()
@pytest.mark.parametrize("blocks", [None, (0,), (0, -1)])
def test_pag_is_the_network_whose_image_tokens_see_only_themselves(
    network: PixelDiT, leaf: NetworkDenoiser[Any], blocks: Any
) -> None:
    chosen = {None: (1,), (0,): (0,), (0, -1): (0, 2)}[blocks]
    with ExitStack() as stack:
        for block in chosen:
            stack.enter_context(attention_by_hand(attention(network, block), masked_scores))
        weak = leaf(X, T, {"cond": COND["cond"]})
    check_contrast(leaf, PAG(2.0, blocks), weak, "pag")


@torch.inference_mode()
@pytest.mark.parametrize("sigma", [None, 0.7, 1.0])
def test_seg_is_the_network_whose_image_queries_are_blurred(
    network: PixelDiT, leaf: NetworkDenoiser[Any], sigma: float | None
) -> None:
    with attention_by_hand(attention(network, 1), mean_queries if sigma is None else blurred_queries(sigma)):
        weak = leaf(X, T, {"cond": COND["cond"]})
    check_contrast(leaf, SEG(2.0, sigma), weak, "seg")


@torch.inference_mode()
@pytest.mark.parametrize("blocks", [None, (2,), (0, 1)])
def test_slg_is_the_network_without_blocks(network: PixelDiT, leaf: NetworkDenoiser[Any], blocks: Any) -> None:
    skipped = [network.blocks[i] for i in (blocks or (1,))]
    for block in skipped:
        block.forward = lambda x, **_: x  # type: ignore[method-assign]
    weak = leaf(X, T, {"cond": COND["cond"]})
    for block in skipped:
        del block.forward
    check_contrast(leaf, SLG(2.0, blocks), weak, "slg")


THERE = ((0, 1, 2, 3, 4, 5), (0, 1, 2, 5))
"""The places of the text tokens of each prompt, the style last; the second prompt's words are padded."""


def hidden_by_hand(share: float, seed: int) -> list[list[int]]:
    """The tokens of each prompt that get no attention: the smallest uniforms first, and never all."""
    uniforms = philox_uniform(seed, torch.arange(6), Purpose.PROMPT, 1).tolist()
    order = [sorted(places, key=lambda place: uniforms[place]) for places in THERE]
    return [ranked[: min(math.ceil(share * len(ranked)), len(ranked) - 1)] for ranked in order]


def without(hidden: list[list[int]]) -> Scores:
    def scores(module: Attention, q: Tensor, k: Tensor) -> Tensor:
        out = plain_scores(module, q, k).clone()
        for row, places in enumerate(hidden):
            out[row, :, :, [TIME + PATCHES + place for place in places]] = -math.inf
        return out

    return scores


@torch.inference_mode()
@pytest.mark.parametrize(
    ("share", "seed", "count"), [(0.5, 0, (3, 2)), (0.4, 7, (3, 2)), (0.1, 0, (1, 1)), (1, 3, (5, 3))]
)
def test_token_dropout_is_the_network_that_does_not_see_some_words(
    network: PixelDiT, leaf: NetworkDenoiser[Any], share: float, seed: int, count: tuple[int, int]
) -> None:
    hidden = hidden_by_hand(share, seed)
    assert tuple(map(len, hidden)) == count
    with ExitStack() as stack:
        for block in range(CONFIG.depth):
            stack.enter_context(attention_by_hand(attention(network, block), without(hidden)))
        weak = leaf(X, T, {"cond": COND["cond"]})
    check_contrast(leaf, TokenDropout(2.0, share, seed), weak, "token-dropout")


@torch.inference_mode()
def test_token_dropout_hides_the_same_words_in_every_call(leaf: NetworkDenoiser[Any]) -> None:
    seen: list[Tensor] = []

    @dataclass(frozen=True)
    class Watched:
        """The leaf, with a look at the attention that it uses."""

        denoiser: NetworkDenoiser[Any] = leaf
        schedule: RectifiedFlow = leaf.schedule  # type: ignore[assignment]

        def __call__(self, x_t: Tensor, t: Tensor, cond: Any, *, to: Any = None, probe: Any = None) -> Prediction:
            look = Probe(attention=lambda site, weights: seen.append((weights[..., site.text] == 0).all(2)) or weights)
            return leaf(x_t, t, cond, probe=look if probe is None else probe.also(look))

    grid = from_times([1.0, 0.6, 0.2, 0.0])
    model = guided(Watched(), CFG(1.0), [TokenDropout(2.0, 0.5, 4)])
    list(sample(Bound(model, COND), X, grid, DDIM(), PhiloxNoise([0, 1])))
    padding, partial = seen[0], seen[3]
    assert len(seen) == 2 * 3 * CONFIG.depth
    for call in range(3):
        strong, weak = seen[6 * call : 6 * call + 3], seen[6 * call + 3 : 6 * call + 6]
        assert all(torch.equal(block, padding) for block in strong)
        assert all(torch.equal(block, partial) for block in weak)
    assert [int(row[0].sum()) for row in partial] == [3, 2 + 2]
    assert partial[0, 0].nonzero()[:, 0].tolist() == sorted(hidden_by_hand(0.5, 4)[0])


def test_a_share_of_no_words_is_plain_and_a_prompt_of_one_is_read(leaf: NetworkDenoiser[Any]) -> None:
    plain = guided(leaf, CFG(3.0))
    assert TokenDropout(2.0, share=0.0).wrap(plain, leaf) is plain
    site = AttentionSite(0, 2, image=slice(0, 0), text=slice(0, 4))
    one = torch.tensor([1.0, 0, 0, 0]).expand(1, 2, 3, 4)
    torch.testing.assert_close(_Hide(1.0, 0)(site, one), one)


def test_a_query_that_saw_hidden_words_alone_sees_the_others_alike() -> None:
    """Where all its weight is on hidden tokens and the rest has underflowed."""
    hidden = hidden_by_hand(0.5, 0)[0]
    kept = [place for place in range(6) if place not in hidden]
    weights = torch.full((1, 1, 2, 6), 1 / 6)
    weights[0, 0, 1] = 0
    weights[0, 0, 1, hidden[0]] = 1
    out = _Hide(0.5, 0)(AttentionSite(0, 1, image=slice(0, 0), text=slice(0, 6)), weights)
    expected = torch.zeros(6)
    expected[kept] = 1 / 3
    torch.testing.assert_close(out[0, 0], expected.expand(2, 6))


def test_token_dropout_needs_text_and_has_another_name(leaf: NetworkDenoiser[Any]) -> None:
    assert find_guidance("conditional-dropout") is GUIDANCES["token-dropout"]

    class Wordless:
        """A network whose attention is among image tokens."""

        blocks = (0, 1)

        def __call__(self, x_t: Tensor, t: Tensor, cond: Any, *, to: Any = None, probe: Any = None) -> Tensor:
            if probe is not None:
                probe.attention(AttentionSite(0, 1, slice(0, 4), slice(4, 4)), torch.full((2, 1, 4, 4), 0.25))
            return x_t

    model = guided(NetworkDenoiser(Wordless(), RectifiedFlow(), "x0"), CFG(1.0), [TokenDropout(1.0)])
    with pytest.raises(InvalidOption, match="token-dropout saw no attention to text tokens in this network; use pag"):
        model(X, T, COND)


@torch.inference_mode()
@pytest.mark.parametrize(("calls", "threshold"), [("together", 1.0), ("apart", 1.0), ("apart", 0.8), ("apart", 1.2)])
def test_sag_guides_away_from_a_picture_blurred_where_the_model_looks(
    network: PixelDiT, leaf: NetworkDenoiser[Any], calls: Any, threshold: float
) -> None:
    """eps(x̂_t) + (1 + scale) (eps(x_t) − eps(x̂_t)), in eps, with a mask and a blur of other making."""
    looked: list[Tensor] = []

    def watched(module: Attention, q: Tensor, k: Tensor) -> Tensor:
        looked.append(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]))
        return looked[-1]

    with attention_by_hand(attention(network, 1), watched):
        cond = leaf(X, T, {"cond": COND["cond"]})
    bias = torch.zeros(2, 1, 1, looked[0].shape[-1])
    bias[1, ..., TIME + PATCHES + 3 : TIME + PATCHES + 5] = -math.inf  # the second prompt's padding
    weights = torch.softmax(looked[0] + bias, dim=-1)[:, :, TIME : TIME + PATCHES, TIME : TIME + PATCHES]
    got = weights.mean(dim=(1, 2))
    tokens = got > threshold * got.mean(dim=1, keepdim=True)
    assert 0 < int(tokens.sum()) < tokens.numel()
    if threshold != 1:
        assert not torch.equal(tokens, got > got.mean(dim=1, keepdim=True))
    mask = tokens.reshape(2, 1, 1, 4, 4).repeat_interleave(8, dim=3).repeat_interleave(8, dim=4)
    place = torch.arange(-9.0, 10.0)
    line = torch.exp(-(place**2) / (2 * 1.5**2))
    kernel = (line[:, None] * line)[None, None]
    flat = cond.x0.reshape(8, 1, 32, 32)
    blur = F.conv2d(flat, kernel, padding=9) / F.conv2d(torch.ones(1, 1, 32, 32), kernel, padding=9)
    degraded = torch.where(mask, blur.reshape(X.shape), cond.x0)
    weak = leaf(0.4 * degraded + 0.6 * cond.eps, T, {"cond": COND["cond"]})
    assert float((weak.eps - cond.eps).abs().max()) > 0.01
    uncond = leaf(X, T, {"cond": COND["uncond"]})
    for guidance, evaluations in ((1.0, 2), (3.0, 3)):
        model = guided(leaf, CFG(guidance), [SAG(2.0, threshold, sigma=1.5)], calls=calls)
        eps = uncond.eps + guidance * (cond.eps - uncond.eps) + 2.0 * (cond.eps - weak.eps)
        prediction = model(X, T, COND)
        torch.testing.assert_close(prediction.eps, eps, rtol=1e-3, atol=1e-3)
        assert prediction.evaluations == evaluations


@torch.inference_mode()
@pytest.mark.parametrize("name", ON)
def test_attention_guidance_changes_the_picture_that_is_drawn(leaf: NetworkDenoiser[Any], name: str) -> None:
    """Along a whole grid, pure noise included; off is bitwise plain; a broken probe would leave it plain."""
    grid = from_times([1.0, 0.7, 0.4, 0.0])

    def draw(*modifiers: Any) -> list[Any]:
        return list(sample(Bound(guided(leaf, CFG(2.0), modifiers), COND), X, grid, DDIM(), PhiloxNoise([0, 1])))

    plain, off, on = draw(), draw(GUIDANCES[name].make()), draw(ON[name])
    assert torch.equal(plain[-1].x, off[-1].x)
    assert [step.evaluations for step in on] == [3, 3, 3]
    assert torch.isfinite(on[-1].x).all()
    assert float((plain[-1].x - on[-1].x).square().mean((1, 2, 3, 4)).min().sqrt()) > 0.02


@torch.inference_mode()
def test_attention_guidance_does_not_depend_on_batch_mates(leaf: NetworkDenoiser[Any]) -> None:
    for modifier in ON.values():
        both = guided(leaf, CFG(2.0), [modifier])(X, T, COND).x0
        alone = guided(leaf, CFG(2.0), [modifier])(
            X[1:], T, {name: cond[slice(1, 2)] for name, cond in COND.items()}
        ).x0
        torch.testing.assert_close(both[1:], alone, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_a_probe_of_the_caller_is_honoured_beside_that_of_the_guidance(leaf: NetworkDenoiser[Any]) -> None:
    """A heat map is recorded in the strong and the weak call alike, and skipped blocks stay skipped."""
    blocks: list[int] = []

    def record(site: AttentionSite, weights: Tensor) -> Tensor:
        blocks.append(site.block)
        return weights

    for name, modifier in ON.items():
        blocks.clear()
        skipped = Probe(frozenset({0}), record)
        guided(leaf, CFG(1.0), [modifier])(X, T, COND, probe=skipped)
        assert blocks == ([1, 2, 2] if name == "slg" else [1, 2, 1, 2])


def test_blurred_attention_keeps_padding_out_and_rows_normal() -> None:
    weights = torch.softmax(normal(1, 2, 6, 9, seed=3).masked_fill(torch.arange(9) == 8, -math.inf), dim=-1)
    site = AttentionSite(0, 2, image=slice(2, 6), text=slice(6, 9))
    out = smoothed_attention(site, weights, (2, 2), 1.0)
    assert torch.equal(out[:, :, :2], weights[:, :, :2])
    assert torch.equal(out[..., 8], torch.zeros(1, 2, 6))
    torch.testing.assert_close(out.sum(-1), torch.ones(1, 2, 6))
    torch.testing.assert_close(gaussian_matrix(3, math.inf), torch.full((3, 3), 1 / 3).double())


def test_where_queries_are_image_tokens_alone_they_are_all_taken() -> None:
    assert AttentionSite(0, 1, slice(3, 7), slice(0, 3)).image_queries(4) == slice(0, 4)
    assert AttentionSite(0, 1, slice(3, 7), slice(7, 9)).image_queries(7) == slice(3, 7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda leaf: PAG(1.0, (3,)), "pag was given the block 3; this network has the blocks 0 to 2"),
        (lambda leaf: SLG(1.0, (-4,)), "slg was given the block -4"),
        (lambda leaf: PAG(1.0, ()), "pag was given no block; name some of 0 to 2"),
        (lambda leaf: SEG(-1.0), "scale of the guidance seg"),
        (lambda leaf: SEG(1.0, sigma=0.0), "sigma of the guidance seg"),
        (lambda leaf: PAG(float("inf")), "scale of the guidance pag"),
        (lambda leaf: SLG(-0.1), "scale of the guidance slg"),
        (lambda leaf: SAG(1.0, threshold=-1), "threshold of the guidance sag"),
        (lambda leaf: SAG(1.0, block=9), "sag was given the block 9"),
        (lambda leaf: TokenDropout(-1.0), "scale of the guidance token-dropout"),
        (lambda leaf: TokenDropout(1.0, share=1.5), "share of the guidance token-dropout must be a number from 0 to 1"),
        (lambda leaf: TokenDropout(1.0, seed=-1), "seed of the guidance token-dropout must be a whole number"),
        (lambda leaf: TokenDropout(1.0, seed=True), "seed of the guidance token-dropout must be a whole number"),
    ],
)
def test_what_is_not_allowed_is_refused(leaf: NetworkDenoiser[Any], make: Any, message: str) -> None:
    assert blocks_of(Bound(guided(leaf, CFG(2.0)), COND)) == 3
    with pytest.raises(InvalidOption, match=message):
        guided(leaf, CFG(2.0), [make(leaf)])


def test_tokens_that_are_no_grid_are_refused() -> None:
    assert token_grid(torch.zeros(1, 4, 1, 32, 64), 32) == (4, 8)
    assert token_grid(torch.zeros(1, 4, 3, 32, 64), 96) == (4, 8)
    with pytest.raises(InvalidOption, match="17 tokens are none on 32x32"):
        token_grid(torch.zeros(1, 4, 1, 32, 32), 17)
