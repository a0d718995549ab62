"""Blends: of prompts, the mean of what is predicted; of pictures, the mean of their noises on the sphere."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from mezzotint import Pipeline, Request
from mezzotint.diffusion.analytic import Gaussian
from mezzotint.diffusion.blending import Blended, Blending
from mezzotint.diffusion.guidance.base import conditional, steered
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.schedule import VPCosine
from mezzotint.editing.invert import spherical
from mezzotint.errors import InvalidOption
from tests.support import SMALL, model_folder


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=16, patch=4))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


def pixels(pipe: Pipeline, prompt: str, **options: Any) -> np.ndarray:
    return np.asarray(pipe.generate(prompt, seed=5, **options).images[0], dtype=float)


class Means:
    """A conditioning: the means of Gaussians, one a picture."""

    def __init__(self, means: Tensor) -> None:
        self.means = means

    def cat(self, other: "Means") -> "Means":
        return Means(torch.cat([self.means, other.means]))


class ByMean:
    """x_0 ~ N(mean, 0.25), the mean said by the conditioning."""

    schedule = VPCosine()

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: dict[str, Means], *, to: Any = None, probe: Any = None
    ) -> Prediction:
        return Gaussian(self.schedule, cond["cond"].means.reshape(-1, 1, 1, 1, 1))(x_t, t)


def test_a_blend_is_the_denoiser_of_the_product_of_densities() -> None:
    """N(m_1, v)^w_1 N(m_2, v)^w_2 is N(w_1 m_1 + w_2 m_2, v), up to a factor."""
    x = torch.randn(2, 4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    first, second = Means(torch.tensor([1.0, -1.0])), Means(torch.tensor([3.0, 2.0]))
    product = Means(torch.tensor([0.25 * 1 + 0.75 * 3, 0.25 * -1 + 0.75 * 2]))
    for t in (torch.tensor(0.6), torch.tensor([0.6, 0.2])):
        found = Blending(ByMean())(x, t, {"cond": Blended((first, second), (0.25, 0.75))})
        exact = ByMean()(x, t, {"cond": product})
        torch.testing.assert_close(found.x0, exact.x0)
        torch.testing.assert_close(found.eps, exact.eps)
        assert found.evaluations == 2
        assert conditional(steered(found, found.x0 + 1)).x0 is found.x0  # what modifiers look for is the mean
        assert steered(found, found.x0 + 1, weak=exact).evaluations == 3
    assert torch.equal(Blending(ByMean())(x, t, {"cond": first}).x0, ByMean()(x, t, {"cond": first}).x0)


def test_what_does_not_count_is_off(pipe: Pipeline) -> None:
    cat, dog = pixels(pipe, "a cat"), pixels(pipe, "a red dog")
    assert np.array_equal(pixels(pipe, "a cat", blend=[("a red dog", 0)]), cat)
    assert np.array_equal(pixels(pipe, "", blend=["a red dog", ("a bus", 0)]), dog)
    middle = pixels(pipe, "a cat", blend=["a red dog"])
    assert np.abs(middle - cat).max() > 1
    assert np.abs(middle - dog).max() > 1
    assert np.array_equal(pixels(pipe, "", blend=[("a cat", 0.5), ("a red dog", 0.5)]), middle)


def test_under_cfg_it_is_composable_guidance_with_weights_of_sum_1(pipe: Pipeline) -> None:
    blend = pixels(pipe, "a cat", blend=[("a red dog", 3)])
    composed = pixels(pipe, "a cat::0.25 a red dog::0.75")
    assert np.abs(blend - composed).max() <= 1


@pytest.mark.parametrize(
    "methods",
    [["cfg"], ["apg"], ["cfg++"], ["cfg-zero"], ["pag:scale=2"], ["rescale:amount=0.7"], ["interval:low=0.3,high=0.8"],
     ["composable"], ["icg"], ["slg:blocks=1"]],
)  # fmt: skip
def test_a_prompt_blended_with_itself_is_itself_under_every_guidance(pipe: Pipeline, methods: list[str]) -> None:
    plain = pixels(pipe, "a [cat:dog:0.5]", guidance_methods=methods)
    both = pixels(pipe, "a [cat:dog:0.5]", guidance_methods=methods, blend=[("a [cat:dog:0.5]", 2)])
    assert np.abs(plain - both).max() <= 1


def test_a_blend_costs_one_evaluation_a_prompt_and_says_what_it_ignores(pipe: Pipeline) -> None:
    result = pipe.generate("a cat", seed=5, blend=["a dog", ("a zzüzz ⅷ", 0.5), ("a bus", 0)])
    assert result.recipes[0].evaluations == 4 * (3 + 1)
    assert any("ⅷ" in item for item in result.ignored)
    assert pipe.generate(result.recipes[0].request).recipes[0].pixels_sha256 == result.recipes[0].pixels_sha256
    assert pipe.generate("", blend=["a dog"]).warnings == pipe.generate("a dog").warnings


def test_two_samples_meet_on_the_great_circle_and_more_in_any_order() -> None:
    a, b, c = (torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(i)) for i in range(3))
    found = spherical([a, 2 * b], [3, 1])
    for row in range(2):
        u, v = (x[row].double() / x[row].double().norm() for x in (a, b))
        angle = math.acos(float((u * v).sum()))
        slerp = (torch.sin(torch.tensor(0.75 * angle)) * u + math.sin(0.25 * angle) * v) / math.sin(angle)
        norm = 0.75 * a[row].norm() + 0.25 * 2 * b[row].norm()
        torch.testing.assert_close(found[row], (norm * slerp).float(), rtol=0, atol=1e-5)
    torch.testing.assert_close(spherical([a, b, c], [1, 2, 3]), spherical([c, a, b], [3, 1, 2]), rtol=0, atol=1e-5)
    torch.testing.assert_close(spherical([a, a, a], [1, 2, 3]), a)
    assert spherical([a, b, c], [0, 2, 0]) is b
    assert float(spherical([a, b, c], [1, 1, 1]).std()) == pytest.approx(1, abs=0.05)


def test_the_mean_on_the_sphere_is_where_the_weighted_ways_to_all_cancel() -> None:
    a, b, c = (torch.tensor([row]) for row in ([1.0, 0.2, 0.0], [0.0, 1.0, 0.1], [-0.5, 0.3, 1.0]))
    weights = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
    mean = spherical([a, b, c], [2, 3, 5])[0].double()
    mean = mean / mean.norm()
    ways = []
    for x in (a, b, c):
        unit = x[0].double() / x.double().norm()
        angle = torch.acos(unit @ mean)
        ways.append(angle * (unit - torch.cos(angle) * mean) / torch.sin(angle))
    torch.testing.assert_close(weights @ torch.stack(ways), torch.zeros(3, dtype=torch.float64), rtol=0, atol=1e-6)


def test_pictures_blend_and_at_one_weight_one_of_them_is_left(pipe: Pipeline) -> None:
    one, two = (
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (16, 16, 4), dtype=np.uint8), "RGBA") for i in (0, 1)
    )
    row = {"image": one, "blend_images": [two]}
    assert np.array_equal(
        pixels(pipe, "a cat", blend_weights=[1, 0], **row), pixels(pipe, "a cat", image=one, invert=True)
    )
    assert np.array_equal(
        pixels(pipe, "a cat", blend_weights=[0, 2], **row), pixels(pipe, "a cat", image=two, invert=True)
    )
    middle = pipe.generate("a cat", seed=5, **row)
    assert np.array_equal(np.asarray(middle.images[0]), pixels(pipe, "a cat", blend_weights=[3, 3], **row))
    recipe = middle.recipes[0]
    assert recipe.request.blend_weights == (1.0, 1.0)
    assert pipe.generate(recipe.request, **row).recipes[0].pixels_sha256 == recipe.pixels_sha256
    with pytest.raises(InvalidOption, match="blend_images"):
        pipe.generate(recipe.request, image=one)
    with pytest.raises(InvalidOption, match="blend_images"):
        pipe.generate(recipe.request, image=one, blend_images=[one])


DIGEST = "0" * 64


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"blend": "a dog"}, r"blend is 'a dog'; it must be a list of at most 5 prompts"),
        ({"blend": ["a"] * 6}, r"at most 5 prompts"),
        ({"blend": [("a dog", 1, 2)]}, r"blend is .*; it must be a list"),
        ({"blend": [(" ", 1)]}, r"blend names an empty prompt; give it words, or leave it out\."),
        ({"blend": [("a dog", -1)]}, r"the weight in blend is -1; it must be a number from 0 to 100\."),
        ({"blend_images": [DIGEST]}, r"invert and blend_images are for editing a picture; give an image too\."),
        (
            {"image": DIGEST, "blend_images": [DIGEST] * 5},
            r"blend_images is .*; it must be a list of at most 4 pictures",
        ),
        ({"image": DIGEST, "blend_images": ["x"]}, r"blend_images is 'x'; it must be a SHA-256 digest"),
        ({"image": DIGEST, "blend_weights": [1]}, r"blend_weights are for blending pictures; give blend_images too\."),
        ({"image": DIGEST, "blend_images": [DIGEST], "blend_weights": [1]}, r"it must be a list of 2 numbers"),
        ({"image": DIGEST, "blend_images": [DIGEST], "blend_weights": [0, 0]}, r"and one of them above 0\."),
    ],
)
def test_what_cannot_be_blended_is_refused_in_one_sentence(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        Request(prompt="a cat", **options)
