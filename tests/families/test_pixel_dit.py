"""The pixel transformer: what must not matter does not, and what must does."""

from dataclasses import replace

import pytest
import torch

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.diffusion.probe import AttentionSite, Probe
from mezzotint.families.pixel_dit import PixelDiT, PixelDiTConfig, PixelDiTContext, initialise
from tests.gradients import eager_and_compiled, unlike
from tests.support import SMALL, random_network


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def conditioning(lengths: tuple[int, ...], seed: int = 5, styles: tuple[int, ...] = (1, 2)) -> Conditioning:
    longest = max(lengths)
    mask = torch.tensor([[i < n for i in range(longest)] for n in lengths])
    tokens = normal(len(lengths), longest, 384, seed=seed) * mask[..., None]
    return Conditioning(tokens, mask, torch.tensor(styles[: len(lengths)]))


@pytest.fixture(scope="module")
def network() -> PixelDiT:
    return random_network()


X, T = normal(2, 4, 1, 32, 32, seed=1), torch.tensor([0.2, 0.8])


@torch.inference_mode()
def test_padding_and_batch_mates_do_not_matter(network: PixelDiT) -> None:
    cond = conditioning((5, 3))
    both = network(X, T, cond)
    padded = network(X, T, cond.padded(11))
    torch.testing.assert_close(padded, both, rtol=1e-5, atol=1e-5)
    alone = network(X[1:], T[1:], Conditioning(cond.tokens[1:, :3], cond.mask[1:, :3], cond.style[1:]))
    torch.testing.assert_close(alone, both[1:], rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_a_prompt_is_prepared_once(network: PixelDiT) -> None:
    cond = conditioning((5, 3))
    context = network.prepare(cond)
    torch.testing.assert_close(network(X, T, context), network(X, T, cond), rtol=0, atol=0)
    first, second = conditioning((5,), styles=(1,)), conditioning((2,), seed=9, styles=(2,))
    joined = network.prepare(first).cat(network.prepare(second))
    apart = torch.cat([network(X[:1], T[:1], first), network(X[1:], T[1:], second)])
    torch.testing.assert_close(network(X, T, joined), apart, rtol=1e-5, atol=1e-5)


SPELLING = replace(SMALL, letters=7, word_length=5)


@torch.inference_mode()
def test_letters_and_their_places_matter_and_padding_does_not() -> None:
    network = random_network(SPELLING)
    cond = conditioning((5, 3))

    def drawn(letters: list[list[int]]) -> torch.Tensor:
        return network(X, T, replace(cond, letters=torch.tensor(letters)))

    base = drawn([[3, 4], [5, 0]])
    torch.testing.assert_close(drawn([[3, 4, 0, 0], [5, 0, 0, 0]]), base, rtol=1e-5, atol=1e-5)
    swapped, other = drawn([[4, 3], [5, 0]]), drawn([[3, 7], [5, 0]])
    for changed in (swapped, other):
        assert float((changed[0] - base[0]).abs().max()) > 1e-3
        torch.testing.assert_close(changed[1], base[1], rtol=1e-5, atol=1e-5)
    none = network(X, T, cond)
    torch.testing.assert_close(drawn([[0], [0]]), none, rtol=1e-5, atol=1e-5)
    assert float((none[0] - base[0]).abs().max()) > 1e-3


@torch.inference_mode()
def test_a_network_without_letters_is_as_it_was(network: PixelDiT) -> None:
    cond = conditioning((5, 3))
    spelled = replace(cond, letters=torch.tensor([[3, 4], [5, 0]]))
    assert torch.equal(network(X, T, spelled), network(X, T, cond))
    assert not [name for name, _ in network.named_parameters() if "letter" in name]


@torch.inference_mode()
@pytest.mark.parametrize("what", ["text", "style", "time", "picture"])
def test_every_input_matters(network: PixelDiT, what: str) -> None:
    cond, x, t = conditioning((5, 3)), X, T
    base = network(x, t, cond)
    if what == "text":
        cond = Conditioning(cond.tokens + normal(*cond.tokens.shape, seed=7), cond.mask, cond.style)
    elif what == "style":
        cond = Conditioning(cond.tokens, cond.mask, torch.tensor([2, 0]))
    elif what == "time":
        t = T + 0.1
    else:
        x = X + normal(*X.shape, seed=8)
    assert float((network(x, t, cond) - base).abs().amax(dim=(1, 2, 3, 4)).min()) > 1e-3


@torch.inference_mode()
def test_a_probe_skips_blocks_and_edits_attention(network: PixelDiT) -> None:
    cond = conditioning((5, 3))
    base = network(X, T, cond)
    sites: list[AttentionSite] = []

    def look(site: AttentionSite, weights: torch.Tensor) -> torch.Tensor:
        sites.append(site)
        assert weights[:, :, :, site.text].shape[-1] == 6  # five word pieces and the style
        assert weights[:, :, site.image].shape[2] == 16
        return weights

    torch.testing.assert_close(network(X, T, cond, probe=Probe(attention=look)), base, rtol=0, atol=0)
    assert [site.block for site in sites] == [0, 1]
    without_last = network(X, T, cond, probe=Probe(skip=frozenset({1})))
    shallow = random_network()
    shallow.blocks = shallow.blocks[:1]
    torch.testing.assert_close(without_last, shallow(X, T, cond), rtol=0, atol=0)
    assert float((without_last - base).abs().max()) > 1e-3


@torch.inference_mode()
def test_a_fresh_network_predicts_zero_and_its_seed_decides_its_weights() -> None:
    first, again, other = (PixelDiT(SMALL) for _ in range(3))
    before = torch.get_rng_state()
    for fresh, seed in ((first, 1), (again, 1), (other, 2)):
        initialise(fresh, seed)
    assert torch.equal(torch.get_rng_state(), before)
    assert float(first(X, T, conditioning((5, 3))).abs().max()) == 0
    assert torch.equal(first.blocks[0].attention.qkv.weight, again.blocks[0].attention.qkv.weight)
    assert not torch.equal(first.blocks[0].attention.qkv.weight, other.blocks[0].attention.qkv.weight)


def test_the_house_sizes_hold_what_the_card_says() -> None:
    count = sum(p.numel() for p in PixelDiT(PixelDiTConfig(styles=25)).parameters())
    width, hidden, block = 256, 680, 4 * 256**2 + 3 * 256 * 680 + 2 * 256 + 2 * 64
    edges = 256 * 128 + 128 * width + width + width * 256 + 256 + width  # patches in and out, the last norm
    prompt = 384 + 384 * width + width + 26 * width
    time = 128 * width + width + width * width + width + 4 * width
    assert hidden == PixelDiTConfig().hidden
    assert count == 9 * block + edges + prompt + time


def test_bfloat16_stays_close(network: PixelDiT) -> None:
    half = random_network().bfloat16()
    cond = conditioning((5, 3))
    with torch.inference_mode():
        full, rough = network(X, T, cond), half(X.bfloat16(), T, cond)
    assert rough.dtype == torch.bfloat16
    assert float((rough.float() - full).norm() / full.norm()) < 0.05


@torch.inference_mode()
def test_a_weight_multiplies_the_attention_to_its_token_before_it_is_normalised() -> None:
    """In the first block, whose queries do not depend on the prompt: softmax(s + log w) = w p / sum of w p."""
    network = random_network(SPELLING)
    letters = torch.tensor([[3, 4], [5, 0]])
    plain = replace(conditioning((5, 3)), letters=letters)
    weights, of_letters = torch.tensor([[1, 2, 0.5, 1, 1], [3, 1, 1, 1, 1]]), torch.tensor([[1.5, 1], [0.25, 1]])
    heavy = replace(plain, weights=weights, letter_weights=of_letters)
    assert torch.equal(network.prepare(heavy).keys, network.prepare(plain).keys)  # the prompt itself is read as it was

    def attention(cond: Conditioning) -> torch.Tensor:
        seen: list[torch.Tensor] = []
        network(X, T, cond, probe=Probe(attention=lambda site, paid: seen.append(paid.clone()) or paid))
        return seen[0].double()

    before, after = attention(plain), attention(heavy)
    own = before.shape[-1] - 8  # five word pieces, two letters, the style
    factor = torch.cat([torch.ones(2, own), weights, of_letters, torch.ones(2, 1)], 1).double()[:, None, None]
    expected = before * factor / (before * factor).sum(-1, keepdim=True)
    torch.testing.assert_close(after, expected, rtol=1e-4, atol=1e-7)


@torch.inference_mode()
def test_weights_of_one_change_no_bit_and_others_do_in_their_row_alone(network: PixelDiT) -> None:
    cond = conditioning((5, 3))
    base = network(X, T, cond)
    assert torch.equal(network(X, T, replace(cond, weights=torch.ones(2, 5))), base)
    heavy = network(X, T, replace(cond, weights=torch.tensor([[1, 4.0, 1, 1, 1], [1] * 5])))
    assert torch.equal(heavy[1], base[1])
    assert float((heavy[0] - base[0]).abs().max()) > 1e-3


@torch.inference_mode()
def test_many_keys_take_the_fused_kernel_and_their_weights_count_there_too(network: PixelDiT) -> None:
    """Of two equal halves of a long prompt, one weighs nothing but a trifle: the picture is that of the other."""
    half = conditioning((150, 150))
    trifle = torch.cat([torch.ones(2, 150), torch.full((2, 150), 1e-20)], 1)
    network = random_network(replace(SMALL, text_depth=0))
    both = replace(half, tokens=half.tokens.repeat(1, 2, 1), mask=half.mask.repeat(1, 2), weights=trifle)
    torch.testing.assert_close(network(X, T, both), network(X, T, half), rtol=1e-4, atol=1e-4)


def student_of(network: PixelDiT, seed: int) -> PixelDiT:
    """A flow map with distilled guidance and this network's weights; its further layers are drawn from the seed."""
    student = PixelDiT(replace(network.config, flow_map=True, distilled_guidance=True))
    initialise(student, seed)
    own = dict(student.named_parameters())
    with torch.no_grad():
        for name, value in network.named_parameters():
            own[name].copy_(value)
    return student


def told(context: PixelDiTContext, guidance: torch.Tensor) -> PixelDiTContext:
    return replace(context, distilled_guidance=guidance)


STUDENT = student_of(random_network(SPELLING), seed=4)


@torch.inference_mode()
def test_a_student_begins_as_its_teacher_bit_for_bit_whatever_it_is_told() -> None:
    teacher, cond = random_network(SPELLING), replace(conditioning((5, 3)), letters=torch.tensor([[3, 4], [5, 0]]))
    base, context = teacher(X, T, cond), STUDENT.prepare(cond)
    assert torch.equal(STUDENT(X, T, cond), base)
    assert torch.equal(STUDENT(X, T, cond, to=T / 2), base)
    assert torch.equal(STUDENT(X, T, told(context, torch.tensor([1.0, 7.5])), to=torch.zeros(2)), base)
    assert (teacher.flow_map, STUDENT.flow_map) == (False, True)
    with pytest.raises(AssertionError, match="not a flow map"):
        teacher(X, T, cond, to=T / 2)


def test_a_students_further_layers_are_reached_by_its_first_update() -> None:
    """Zero they are, but not dead: the last of each has a gradient where it is told something."""
    student = student_of(random_network(SPELLING), seed=4)
    context = told(student.prepare(conditioning((5, 3))), torch.tensor([2.0, 3.0]))
    torch.autograd.backward(student(X, T, context, to=T / 2).square().mean())
    for layers in (student.jump_in, student.guidance_in):
        assert float(layers[2].weight.grad.abs().max()) > 0


@torch.inference_mode()
def test_a_student_listens_to_the_jumps_end_and_to_guidance_in_its_own_row() -> None:
    student = student_of(random_network(SPELLING), seed=4)
    for layers in (student.jump_in, student.guidance_in):
        layers[2].weight.normal_(0.0, 0.3, generator=torch.Generator().manual_seed(2))
    context = student.prepare(conditioning((5, 3)))
    base = student(X, T, context)
    # not told: a jump of length 0, and guidance 1
    assert torch.equal(student(X, T, context, to=T), base)
    assert torch.equal(student(X, T, told(context, torch.ones(2))), base)
    further = student(X, T, context, to=torch.tensor([0.2, 0.3]))
    guided = student(X, T, told(context, torch.tensor([1.0, 4.0])))
    for changed in (further, guided):
        torch.testing.assert_close(changed[0], base[0], rtol=0, atol=0)
        assert float((changed[1] - base[1]).abs().max()) > 1e-3


@torch.inference_mode()
def test_guidance_travels_with_its_prompt_when_batches_are_joined() -> None:
    student = student_of(random_network(SPELLING), seed=4)
    student.guidance_in[2].weight.normal_(0.0, 0.3, generator=torch.Generator().manual_seed(2))
    plain, guided = (student.prepare(conditioning((3,), seed=seed, styles=(1,))) for seed in (5, 9))
    guided = told(guided, torch.tensor([4.0]))
    both = student(X, T, plain.cat(guided))
    torch.testing.assert_close(both[:1], student(X[:1], T[:1], plain), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(both[1:], student(X[1:], T[1:], guided), rtol=1e-5, atol=1e-5)
    assert plain.cat(plain).distilled_guidance is None


@torch.inference_mode()
def test_guidance_in_a_prompt_reaches_its_context_and_is_1_where_it_is_not_given() -> None:
    student = student_of(random_network(SPELLING), seed=4)
    plain, asked = (conditioning((3,), seed=seed, styles=(1,)) for seed in (5, 9))
    asked = replace(asked, distilled_guidance=torch.tensor([4.0]))
    context = student.prepare(asked)
    assert context.distilled_guidance is not None
    assert context.distilled_guidance.tolist() == [4.0]
    joined = [first.cat(second) for first, second in ((plain, asked), (asked, plain))]
    assert [one.distilled_guidance.tolist() for one in joined if one.distilled_guidance is not None] == [[1, 4], [4, 1]]
    assert plain.cat(plain).distilled_guidance is None
    chosen = joined[0][1:].distilled_guidance
    assert chosen is not None
    assert chosen.tolist() == [4.0]


DETAILED = replace(SMALL, detail=16, detail_depth=1)


def fresh(config: PixelDiTConfig) -> PixelDiT:
    network = PixelDiT(config)
    initialise(network, 3)
    return network


@torch.inference_mode()
def test_an_untrained_detailer_adds_nothing() -> None:
    cond = conditioning((5, 3))
    plain, detailed = random_network(), PixelDiT(DETAILED)
    initialise(detailed, 3)
    missing, further = detailed.load_state_dict(plain.state_dict(), strict=False)
    assert missing
    assert all(name.startswith("detailer.") for name in missing)
    assert not further
    assert torch.equal(detailed(X, T, cond), plain(X, T, cond))
    assert torch.count_nonzero(fresh(DETAILED)(X, T, cond)) == 0


@torch.inference_mode()
def test_the_detailer_sees_pixels_across_the_borders_of_patches() -> None:
    """The tokens being the same, one pixel of x_t changes its neighbourhood, on the other side of a border too."""
    network = random_network(DETAILED)
    tokens = normal(1, 16, 32, seed=2)
    x_t = normal(1, 4, 32, 32, seed=4)
    changed = x_t.clone()
    changed[0, 1, 7, 7] += 1.0  # the last of its patch
    there = (network.detailer(changed, tokens) - network.detailer(x_t, tokens)).abs().amax(dim=(0, 1))
    near = there[:20, :20]
    assert float(near[8:12, 8:12].max()) > 10 * float(there[20:, 20:].max())  # group norms tell the rest a little
    assert float(near[:8, :8].max()) > 10 * float(there[20:, 20:].max())


@pytest.mark.parametrize("place", [0, 5, 15])
@torch.inference_mode()
def test_a_token_tells_the_detailer_of_its_own_patch(place: int) -> None:
    network = random_network(DETAILED)
    x_t, tokens = normal(1, 4, 32, 32, seed=4), normal(1, 16, 32, seed=2)
    changed = tokens.clone()
    changed[0, place] += 1.0
    moved = network.detailer(x_t, changed) - network.detailer(x_t, tokens)
    by_patch = moved.abs().amax(dim=(0, 1)).reshape(4, 8, 4, 8).amax(dim=(1, 3)).flatten()
    assert int(by_patch.argmax()) == place


def test_guidance_by_gradients_reaches_x_t_through_the_detailer() -> None:
    """Its derivative in a direction is that of finite differences, in float64."""
    network = random_network(DETAILED).double()
    tokens, x_t, way = (
        normal(1, *shape, seed=seed).double() for shape, seed in (((16, 32), 2), ((4, 32, 32), 4), ((4, 32, 32), 6))
    )
    x_t.requires_grad_()
    told = torch.autograd.grad(network.detailer(x_t, tokens).sum(), x_t)[0]
    with torch.no_grad():
        ahead, behind = (network.detailer(x_t + step * way, tokens).sum() for step in (1e-5, -1e-5))
    torch.testing.assert_close((told * way).sum(), (ahead - behind) / 2e-5, rtol=1e-5, atol=1e-6)


def test_a_compiled_step_of_a_detailed_network_in_bfloat16_reaches_every_weight() -> None:
    """Compiled for a CPU, torch 2.13 gives zeros behind some ways of resizing, in silence."""
    network = random_network(DETAILED).train()
    cond = conditioning((5, 3))

    def answer(x_t: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return network(x_t, T, cond).square().mean()

    eager, compiled = eager_and_compiled(network, answer, X)
    weights = [name for name, parameter in network.named_parameters() if parameter.ndim > 1 and name in eager]
    assert sum(name.startswith("detailer.") for name in weights) == 5
    assert "blocks.0.attention.qkv.weight" in weights
    assert unlike(eager, compiled, weights) == []
