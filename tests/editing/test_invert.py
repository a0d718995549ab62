"""Inversion: the noise that a picture came from, and what is drawn from there."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mezzotint import Pipeline, Request
from mezzotint.codecs import PixelCodec, from_image
from mezzotint.diffusion.analytic import Gaussian
from mezzotint.diffusion.noise import PhiloxNoise, Purpose
from mezzotint.diffusion.sampling import sample
from mezzotint.diffusion.schedule import RectifiedFlow
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.diffusion.timegrid import from_times, inversion, last_part, repaint, uniform
from mezzotint.editing import SOURCE, Canvas, Invert, Plain
from mezzotint.errors import InvalidOption
from tests.support import SMALL, model_folder

SIDE = 16


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=SIDE, patch=4))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


def source(seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 4), dtype=np.uint8), "RGBA")


def canvas_of(denoiser: Any, cond: Any, grid: Any) -> Canvas:
    return Canvas(
        denoiser.schedule, PixelCodec(), (1, 4, 1, SIDE, SIDE), grid[0].t, Plain(denoiser, {SOURCE: cond}), grid
    )


def test_an_exact_denoiser_says_which_noise_a_picture_came_from() -> None:
    """For x_0 ~ N(0, v) the flow keeps x_t / sqrt(alpha² v + sigma²): the noise is known."""
    schedule, v = RectifiedFlow(), 0.25
    oracle, pixels, noise = Gaussian(schedule, variance=v), from_image(source()), PhiloxNoise([1])
    eps = noise.normal((1, *pixels.shape), Purpose.START, 0)
    clean = float(inversion(8, schedule, clean=0.05)[0].t)
    begin = (1 - clean) * pixels + clean * eps
    for share in (1.0, 0.5):
        grid = last_part(uniform(200, schedule), share)
        found = Invert((pixels,), (1.0,)).start(canvas_of(oracle, None, grid), noise)
        assert found is not None
        exact = oracle.flow(begin, torch.tensor(clean), torch.tensor(grid[0].t))
        torch.testing.assert_close(found, exact, rtol=0, atol=0.02)


def test_ddim_draws_the_picture_that_was_inverted(pipe: Pipeline) -> None:
    """Down from the noise, every x_t is that of the way up."""
    leaf, pixels, noise = pipe.model.denoiser, from_image(source()), PhiloxNoise([3])
    cond, grid = pipe.model.prepare(["a cat"], [None]), from_times([1.0, 0.9, 0.6, 0.5, 0.2, 0.1, 0.0])
    canvas = canvas_of(leaf, cond, grid)
    assert canvas.plain is not None
    with torch.inference_mode():
        start = Invert((pixels,), (1.0,)).start(canvas, noise)
        assert start is not None
        rising = inversion(6, leaf.schedule, base=grid)
        begin = leaf.schedule(rising[0].t).noised(pixels[None], noise.normal(canvas.shape, Purpose.START, 0))
        up = sample(canvas.plain.told(SOURCE), begin, rising, SOLVERS["fixed-point-ddim"].make(), noise)
        ups = {step.move.s: step.x for step in up}
        down = list(sample(canvas.plain.told(SOURCE), start, grid, SOLVERS["ddim"].make(), noise))
    assert len(ups) == 6
    for step in down[:-1]:
        torch.testing.assert_close(step.x, ups[step.move.s], rtol=0, atol=2e-3)
    assert canvas.plain.evaluations > 2 * 6


def test_a_grid_that_jumps_inverts_along_an_even_one() -> None:
    schedule = RectifiedFlow()
    oracle, pixels, noise = Gaussian(schedule), from_image(source()), PhiloxNoise([1])
    jumps = repaint(6, schedule, length=2, times=2)
    count = sum(hasattr(move, "t") and move.t > move.s and type(move).__name__ == "Denoise" for move in jumps)
    found = Invert((pixels,), (1.0,)).start(canvas_of(oracle, None, jumps), noise)
    even = Invert((pixels,), (1.0,)).start(canvas_of(oracle, None, uniform(count, schedule)), noise)
    assert found is not None
    assert even is not None
    assert torch.equal(found, even)


def test_the_inversion_is_counted_and_drawn_with_ddim(pipe: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    network = type(pipe.model.denoiser.network)
    forward = network.forward

    def counted(self: Any, x: Any, *rest: Any, **more: Any) -> Any:
        rows.append(len(x))
        return forward(self, x, *rest, **more)

    monkeypatch.setattr(network, "forward", counted)
    recipe = pipe.generate("a cat", seed=5, image=source(), invert=True, source_prompt="a dog").recipes[0]
    assert recipe.evaluations == sum(rows) > 8
    assert recipe.request.solver == "ddim"
    assert recipe.request.strength == 1.0
    assert pipe.generate("a cat", image=source(), invert=True, solver="heun").recipes[0].request.solver == "heun"
    assert pipe.generate("a cat", image=source()).recipes[0].request.solver == pipe.model.defaults.solver


def test_its_prompts_and_strength_count_and_off_is_off(pipe: Pipeline) -> None:
    def drawn(**options: Any) -> np.ndarray:
        return np.asarray(pipe.generate("a cat", seed=5, image=source(), **options).images[0])

    assert np.array_equal(drawn(invert=False), drawn())
    assert np.array_equal(drawn(invert=True, strength=0.0), np.asarray(source()))
    pictures = [drawn(invert=True, source_prompt=text) for text in ("", "a red dog")]
    pictures += [drawn(invert=True, strength=0.5), drawn(), drawn(solver="ddim", strength=1.0)]
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


def test_it_goes_with_a_mask_variations_and_batches(pipe: Pipeline) -> None:
    cover = np.zeros((SIDE, SIDE), dtype=np.uint8)
    cover[:, 8:] = 255
    options: dict[str, Any] = {"image": source(), "mask": Image.fromarray(cover, "L"), "invert": True, "seed": 5}
    result = pipe.generate("a cat", n=2, vary=[(0.3, 90)], blend=["a dog"], **options)
    for image in result.images:
        assert np.array_equal(np.asarray(image)[:, :8], np.asarray(source())[:, :8])
    assert result.recipes[0].pixels_sha256 != pipe.generate("a cat", **options).recipes[0].pixels_sha256
    again = pipe.generate(result.recipes[1].request, image=source(), mask=options["mask"])
    assert again.recipes[0].pixels_sha256 == result.recipes[1].pixels_sha256


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"invert": True}, "invert and blend_images are for editing a picture; give an image too"),
        ({"invert": "yes", "image": "0" * 64}, "invert is 'yes'; it must be true or false"),
        ({"source_prompt": "a dog", "image": "0" * 64}, "source_prompt says what a picture shows that is inverted"),
    ],
)
def test_what_cannot_be_inverted_is_refused_in_one_sentence(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        Request(prompt="a cat", **options)
