"""`mezzotint likelihood`: its core against closed forms and exact divergences, and the command around it."""

import math
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.distributions import Normal

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.data.pixels import premultiply
from mezzotint.diffusion import Bound, Gaussian, GaussianMixture, NetworkDenoiser, PhiloxNoise, RectifiedFlow
from mezzotint.diffusion.likelihood import log_likelihood
from mezzotint.diffusion.noise import Purpose, philox_uniform
from mezzotint.families.pixel_dit import PixelDiTConfig
from mezzotint.interfaces.cli.likelihood import picture_bits
from mezzotint.load import load_model
from tests.interfaces.conftest import Run, parsed, sentence
from tests.support import random_network

FLOW = RectifiedFlow()
PICTURE = torch.tensor([[0, 255, 128, 17], [90, 200, 3, 64]], dtype=torch.uint8)


def dequantised(picture: Tensor, seed: int) -> Tensor:
    """k as the middle of nothing: the interval [k, k + 1) of 256 that fill [−1, 1]."""
    u = philox_uniform(seed, torch.arange(picture.numel()), Purpose.EVALUATION, 1).reshape(picture.shape)
    return (picture.double() + u) / 128 - 1


def test_a_gaussian_needs_the_bits_of_its_density() -> None:
    """With noise of t = 0.01 added: −log2 of density times the volume (2 / 256)^8 of a picture's cell."""
    mean, variance = torch.linspace(-0.5, 0.5, 8).reshape(2, 4).double(), 0.3
    found = picture_bits(Bound(Gaussian(FLOW, mean, variance), {}), PICTURE, start=0.01, steps=60, probes=5, seed=3)
    spread = math.sqrt(variance + (0.01 / 0.99) ** 2)
    each = []
    for seed in range(3, 8):
        log_density = Normal(mean, spread).log_prob(dequantised(PICTURE, seed)).sum()
        each.append(-(float(log_density) + 8 * math.log(2 / 256)) / (8 * math.log(2)))
    assert found.bits == pytest.approx(sum(each) / 5, abs=1e-6)
    assert found.error == pytest.approx(float(torch.tensor(each).std()) / 5**0.5, abs=1e-6)
    assert (found.dimensions, found.evaluations) == (8, 5 * 4 * 60)


def test_where_all_levels_are_alike_a_dimension_costs_eight_bits() -> None:
    """41 humps make a density that is flat over 2.05, a little more than [−1, 1]: 7 + log2(2.05) bits."""
    means, weights = torch.linspace(-1, 1, 41).double()[:, None], torch.full((41,), 1 / 41).double()
    flat = Bound(GaussianMixture(FLOW, means, torch.full((41,), 9e-4).double(), weights), {})
    for level in (40, 128, 220):
        picture = torch.tensor([level], dtype=torch.uint8)
        found = picture_bits(flat, picture, start=0.01, steps=80, probes=2)
        assert found.bits == pytest.approx(7 + math.log2(2.05), abs=0.01)


def test_a_picture_that_the_model_draws_has_latents_of_one() -> None:
    exact = Bound(Gaussian(FLOW, 0.2, 0.09), {})
    drawn = 0.2 + 0.3 * torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    levels = ((drawn + 1) * 128).floor().clamp(0, 255).to(torch.uint8)
    assert picture_bits(exact, levels, start=0.01, steps=40, probes=2).latents == pytest.approx(1, abs=0.1)
    assert picture_bits(exact, 255 - levels, start=0.01, steps=40, probes=2).latents > 1.5


def test_the_estimator_is_right_within_its_error() -> None:
    """Where elements depend on each other: probes are near the exact divergence, by their own error."""
    means, weights = torch.tensor([[-0.6] * 8, [0.5] * 8]).double(), torch.tensor([0.3, 0.7]).double()
    exact = Bound(GaussianMixture(FLOW, means, torch.tensor([0.2, 0.05]).double(), weights), {})
    picture = torch.tensor([[100, 120, 140, 160], [90, 180, 110, 130]], dtype=torch.uint8)
    by_hand = picture_bits(exact, picture, start=0.05, steps=6, probes=50, divergence="exact")
    estimate = picture_bits(exact, picture, start=0.05, steps=6, probes=50)
    apart = estimate.bits - by_hand.bits
    assert 0 < abs(apart) < 4 * estimate.error
    assert estimate.error > 3 * by_hand.error


def test_on_a_network_it_is_near_the_exact_divergence() -> None:
    config = PixelDiTConfig(size=4, patch=2, width=16, depth=1, heads=2, hidden=16, bottleneck=12, styles=0)
    network = random_network(config, seed=1).requires_grad_(False)
    generator = torch.Generator().manual_seed(2)
    cond = Conditioning(
        torch.randn(1, 3, config.text_width, generator=generator), torch.ones(1, 3, dtype=torch.bool), torch.tensor([0])
    )
    denoise = Bound(NetworkDenoiser(network, FLOW, "x0"), {"cond": cond})
    picture = torch.randint(0, 256, (4, 1, 4, 4), generator=generator, dtype=torch.uint8)
    settings = {"start": 0.1, "steps": 3, "probes": 3}
    exact = picture_bits(denoise, picture, divergence="exact", **settings)  # type: ignore[arg-type]
    each = []  # with the same dequantisations, and many signs for each
    for seed in range(3):
        x = dequantised(picture, seed)[None].expand(32, *picture.shape)
        signs = PhiloxNoise(range(100 * seed, 100 * seed + 32))
        many = Bound(denoise.denoiser, {"cond": cond[torch.zeros(32, dtype=torch.int64)]})
        found = log_likelihood(many, x, start=0.1, steps=3, divergence="hutchinson", noise=signs)
        each.append(7 - found.log_density / (64 * math.log(2)))
    bits = torch.stack(each)
    error = float(bits.std(1).square().mean().sqrt()) / 96**0.5
    assert 0 < error < 0.03
    assert exact.bits == pytest.approx(float(bits.mean()), abs=4 * error)
    estimate = picture_bits(denoise, picture, **settings)  # type: ignore[arg-type]
    assert estimate.bits != exact.bits
    assert estimate.bits == pytest.approx(exact.bits, abs=4 * error * 32**0.5)


def square(path: Path, size: tuple[int, int] = (32, 32), clear: int = 0) -> Path:
    image = Image.new("RGBA", size, (220, 30, 30, 255))
    image.paste((0, 0, 0, clear), (0, 0, size[0], size[1] // 4))
    image.save(path)
    return path


def test_a_prompt_that_is_more_than_words_is_refused(run: Run, model: Path, here: Path) -> None:
    square(here / "a.png")
    for prompt in ("a (red:1.5) square", "a cat AND a hat"):
        told = sentence(run("likelihood", model, "a.png", "--prompt", prompt))
        assert "a likelihood is that of plain words" in told


def test_the_command_says_what_the_core_says(run: Run, model: Path, here: Path) -> None:
    square(here / "a.png")
    square(here / "b.png", (64, 48))
    quick = ("--start", 0.1, "--steps", 3, "--probes", 2, "--seed", 5, "--prompt", "a red square", "--style", "noto")
    found = parsed(run("likelihood", model, "a.png", "b.png", *quick, "--format", "json"))
    first, second = found["pictures"]
    assert (first["scaled_from"], second["scaled_from"]) == (None, [64, 48])
    assert (found["guidance"], found["seed"], found["prompt"], found["style"]) == (1.0, 5, "a red square", "noto")
    assert found["dequantisation"].startswith("uniform")
    loaded = load_model(str(model), device="cpu")
    with torch.no_grad():
        cond = loaded.prepare(["a red square"], ["noto"])
    import numpy as np

    levels = torch.from_numpy(premultiply(np.asarray(Image.open(here / "a.png")))).permute(2, 0, 1)[:, None]
    core = picture_bits(Bound(loaded.denoiser, {"cond": cond}), levels, start=0.1, steps=3, probes=2, seed=5)
    assert first["bits"] == pytest.approx(core.bits, rel=1e-6)
    assert first["error"] == pytest.approx(core.error, rel=1e-3)
    assert (first["dimensions"], first["evaluations"]) == (4096, 24)
    other = parsed(run("likelihood", model, "a.png", *quick[:8], "--format", "json"))
    assert other["pictures"][0]["bits"] != first["bits"], "the prompt counts"
    told = run("likelihood", model, "a.png", "b.png", *quick)
    assert f"a.png: {first['bits']:.4f} ± {first['error']:.4f} bits per dimension (4096 dimensions" in told.stdout
    assert "scaled from 64x48" in told.stdout.splitlines()[1]


def test_bad_values_are_one_sentence(run: Run, model: Path, here: Path) -> None:
    square(here / "a.png")
    (here / "no.png").write_text("no")
    for args, words in [
        (["a.png", "--start", "0"], "start is 0"),
        (["a.png", "--steps", "0"], "steps is 0"),
        (["a.png", "--probes", "1"], "probes is 1; it must be a whole number from 2"),
        (["a.png", "--style", "notto"], "notto"),
        (["no.png"], "no.png"),
        (["missing.png"], "missing.png"),
        ([], "Missing argument"),
    ]:
        assert words in sentence(run("likelihood", model, *args))
    assert "There is no model called 'hoose'" in sentence(run("likelihood", "hoose", "a.png"))
