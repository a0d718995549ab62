"""The twin encoder: what must not matter does not, what must does, and training reaches every weight."""

import math
from dataclasses import replace

import pytest
import torch

from mezzotint.checkpoints.quantise import dequantise, quantise
from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.families.twin_encoder import TwinEncoder, TwinEncoderConfig, initialise

SMALL = TwinEncoderConfig(
    size=32, width=32, depth=2, heads=2, hidden=48, text_depth=1, letters=7, word_length=5, features=24
)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def random_encoder(config: TwinEncoderConfig = SMALL) -> TwinEncoder:
    """A network without a zero parameter, so that every path matters."""
    network = TwinEncoder(config)
    with torch.no_grad():
        for seed, parameter in enumerate(network.parameters()):
            scale = parameter.shape[-1] ** -0.5 if parameter.ndim > 1 else 0.3
            parameter.copy_(normal(*parameter.shape, seed=seed) * scale + (parameter.ndim == 1))
    return network.eval()


def conditioning(lengths: tuple[int, ...], letters: list[list[int]], seed: int = 5) -> Conditioning:
    longest = max(lengths)
    mask = torch.tensor([[i < n for i in range(longest)] for n in lengths])
    tokens = normal(len(lengths), longest, 384, seed=seed) * mask[..., None]
    return Conditioning(tokens, mask, torch.zeros(len(lengths), dtype=torch.int64), torch.tensor(letters))


NETWORK = random_encoder()
PICTURES = normal(3, 4, 1, 32, 32, seed=1)
COND = conditioning((5, 3, 4), [[3, 4], [0, 0], [6, 0]])


@torch.inference_mode()
def test_padding_and_batch_mates_do_not_matter() -> None:
    image, text = NETWORK(PICTURES, COND)
    torch.testing.assert_close(NETWORK.text(COND.padded(11, 5)), text, rtol=1e-5, atol=1e-5)
    for i, length in enumerate((5, 3, 4)):
        alone = Conditioning(COND.tokens[i : i + 1, :length], COND.mask[i : i + 1, :length], COND.style[i : i + 1])
        spelled = COND.letters[i : i + 1]  # type: ignore[index]
        one = replace(alone, letters=spelled[:, spelled[0] > 0])
        torch.testing.assert_close(NETWORK.text(one)[0], text[i], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(NETWORK.image(PICTURES[i : i + 1])[0], image[i], rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_features_have_length_one_and_every_input_but_the_style_matters() -> None:
    image, text = NETWORK(PICTURES, COND)
    for features in (image, text):
        torch.testing.assert_close(features.square().sum(1), torch.ones(3))
    changed = {
        "pieces": replace(COND, tokens=COND.tokens + normal(*COND.tokens.shape, seed=7) * COND.mask[..., None]),
        "letters": replace(COND, letters=torch.tensor([[3, 5], [2, 0], [1, 0]])),
        "order": replace(COND, letters=torch.tensor([[4, 3], [0, 1], [0, 6]])),
    }
    for what, cond in changed.items():
        assert float((NETWORK.text(cond) - text).abs().amax(1).min()) > 1e-3, what
    assert torch.equal(NETWORK.text(replace(COND, style=torch.tensor([1, 2, 3]))), text)


@torch.inference_mode()
def test_the_place_of_a_thing_matters() -> None:
    """Without blocks, which look around, the same patches elsewhere differ by their learned places alone."""
    network = random_encoder(replace(SMALL, depth=0))
    pictures = torch.full((2, 4, 1, 32, 32), -1.0)
    thing = normal(4, 1, 8, 8, seed=3)
    pictures[0, :, :, 8:16, 8:16], pictures[1, :, :, 16:24, 16:24] = thing, thing
    one, other = network.image(pictures)
    assert float((one - other).abs().max()) > 1e-3
    network.image.places.zero_()
    one, other = network.image(pictures)
    torch.testing.assert_close(one, other)


@torch.inference_mode()
def test_logits_are_scaled_and_shifted_products() -> None:
    network = TwinEncoder(SMALL)
    initialise(network, 0, scale=5.0, offset=-2.0)
    products = torch.tensor([[1.0, 0.5], [-1.0, 0.0]])
    torch.testing.assert_close(network.logits(products), torch.tensor([[3.0, 0.5], [-7.0, -2.0]]))


def test_the_gradient_reaches_every_parameter() -> None:
    network = random_encoder()
    image, text = network(PICTURES, COND)
    torch.autograd.backward(network.logits(image @ text.T)[0, 0] - network.logits(image @ text.T)[1].square().sum())
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().max()) > 0, name


def test_the_seed_decides_the_weights_and_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    networks = [TwinEncoder(SMALL) for _ in range(3)]
    for network, seed in zip(networks, (1, 1, 2), strict=True):
        initialise(network, seed)
    first, again, other = ([p.detach() for p in network.parameters()] for network in networks)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))
    assert torch.equal(torch.get_rng_state(), before)
    assert float(networks[0].log_scale.detach()) == pytest.approx(math.log(10))


@torch.inference_mode()
def test_eight_bits_and_half_precision_change_little() -> None:
    image, text = NETWORK(PICTURES, COND)
    stored = random_encoder()
    weights = {name: p.detach() for name, p in stored.named_parameters()}
    stored.load_state_dict(dequantise(quantise(weights, smallest=1)))
    half = random_encoder().bfloat16()
    for rough, least in ((stored(PICTURES, COND), 0.9995), (half(PICTURES.bfloat16(), COND), 0.995)):
        for ours, theirs in zip(rough, (image, text), strict=True):
            assert float((ours * theirs).sum(1).min()) > least
