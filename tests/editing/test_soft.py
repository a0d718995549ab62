"""Soft inpainting: a grey is the strength of an edit, to the bit where it is everywhere the same."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mezzotint import Pipeline
from mezzotint.codecs import PixelCodec, from_image
from mezzotint.diffusion.noise import PhiloxNoise, Purpose
from mezzotint.diffusion.sampling import pure_noise
from mezzotint.diffusion.schedule import RectifiedFlow, VPScaledLinear
from mezzotint.diffusion.timegrid import last_part, repaint, uniform
from mezzotint.editing import Canvas
from mezzotint.editing.masks import mask_values
from mezzotint.editing.soft import NEVER, SoftInpaint, released
from mezzotint.errors import InvalidOption
from tests.editing.test_edits import mask, source
from tests.support import SMALL, model_folder

SIDE = 16
GREYS = (0, 64, 160, 255)


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=SIDE, patch=4))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


def grey(value: int) -> Image.Image:
    return Image.new("L", (SIDE, SIDE), value)


def stripes() -> Image.Image:
    """Four columns of each grey."""
    return Image.fromarray(np.repeat(np.array(GREYS, dtype=np.uint8), 4)[None].repeat(SIDE, 0), "L")


def drawn(pipe: Pipeline, **options: Any) -> np.ndarray:
    return np.asarray(pipe.generate("a cat", seed=5, **options).images[0])


def test_a_strength_begins_where_an_edit_of_it_does() -> None:
    grid = uniform(12, RectifiedFlow())
    shares = torch.arange(256) / 255
    expected = [NEVER, *(last_part(grid, k / 255)[0].t for k in range(1, 256))]
    assert released(shares, grid).tolist() == expected
    assert len(set(expected)) == 13
    jumps = repaint(8, RectifiedFlow(), length=2)
    assert released(torch.tensor([0.0, 1.0]), jumps).tolist() == [NEVER, 1.0]
    with pytest.raises(InvalidOption, match="falling time grid"):
        released(torch.tensor([0.0, 0.5]), jumps)


def test_where_a_schedule_ends_in_little_signal_only_white_starts_from_pure_noise() -> None:
    schedule, noise, shape = VPScaledLinear(), PhiloxNoise([5]), (1, 4, 1, SIDE, SIDE)
    canvas, pixels = Canvas(schedule, PixelCodec(), shape, 1.0), from_image(source())
    edit = SoftInpaint(None, pixels, mask_values(stripes()), pixels[None], 1.0, uniform(8, schedule))
    start, pure = edit.start(canvas, noise), pure_noise(schedule, shape, noise)
    held = pure + float(schedule(1.0).alpha) * pixels[None]
    assert torch.equal(start[..., 12:], pure[..., 12:])
    torch.testing.assert_close(start[..., :12], held[..., :12])
    assert float((held - pure).abs().max()) > 0.01


@pytest.mark.parametrize(
    "how", [{}, {"solver": "dpmpp-2m"}, {"solver": "heun"}, {"solver": "ddim", "eta": 1.0}, {"tile": "x"}], ids=str
)
def test_a_grey_everywhere_is_an_edit_of_that_strength_to_the_bit(pipe: Pipeline, how: Mapping[str, Any]) -> None:
    for value in (40, 128, 250):
        soft = pipe.generate("a cat", seed=5, steps=8, image=source(), mask=grey(value), soft_mask=True, **how)
        plain = pipe.generate("a cat", seed=5, steps=8, image=source(), strength=value / 255, **how)
        assert soft.recipes[0].pixels_sha256 == plain.recipes[0].pixels_sha256
        assert soft.evaluations == plain.evaluations
        assert soft.recipes[0].request.strength == pytest.approx(value / 255)
    assert soft.recipes[0].pixels_sha256 != pipe.generate("a cat", seed=5, steps=8, image=source(), mask=grey(250),
                                                         **how).recipes[0].pixels_sha256  # fmt: skip


def test_white_draws_from_nothing_and_black_keeps_all(pipe: Pipeline) -> None:
    soft = {"image": source(), "soft_mask": True}
    assert np.array_equal(drawn(pipe, mask=grey(255), **soft), drawn(pipe))
    assert np.array_equal(drawn(pipe, mask=grey(0), invert_mask=True, **soft), drawn(pipe))
    assert np.array_equal(drawn(pipe, mask=grey(128), strength=0.0, **soft), np.asarray(source()))
    kept = pipe.generate("a cat", seed=5, mask=grey(0), **soft)
    assert np.array_equal(np.asarray(kept.images[0]), np.asarray(source()))
    assert kept.evaluations == 0


@pytest.mark.parametrize("solver", ["ddim", "heun", "dpmpp-2m", "unipc-2"])
@pytest.mark.parametrize("more", [{}, {"guidance_methods": ["cfg++"], "guidance": 0.7}], ids=["cfg", "cfg++"])
def test_until_its_time_a_pixel_is_the_source_with_the_noise_of_the_start(
    pipe: Pipeline, solver: str, more: Mapping[str, Any]
) -> None:
    options: dict[str, Any] = {"image": source(), "mask": stripes(), "soft_mask": True, "solver": solver, "steps": 8}
    schedule, known = pipe.model.denoiser.schedule, from_image(source())[None]
    eps = PhiloxNoise([5]).normal((1, 4, 1, SIDE, SIDE), Purpose.START, 0)
    grid = uniform(8, schedule)
    begins = {value: last_part(grid, value / 255)[0].t if value else NEVER for value in GREYS}
    steps = [preview.step for preview in pipe.stream("a cat", seed=5, **options, **more)]
    assert len(steps) == 8
    for step in steps:
        level = schedule(step.move.s).like(eps)
        held = level.alpha * known + level.sigma * eps
        off = (step.x - held).abs().amax((0, 1, 2, 3))
        for k, value in enumerate(GREYS):
            of_stripe = off[4 * k : 4 * k + 4]
            if begins[value] <= step.move.s:
                assert float(of_stripe.max()) < 1e-4, (value, step.index)
            else:
                assert float(of_stripe.min()) > 1e-4, (value, step.index)


def test_where_more_is_taken_than_a_grey_needs_it_is_the_edit_but_for_rounding(pipe: Pipeline) -> None:
    """All moves are taken, and the held ones put every pixel where the edit begins. DDIM looks at no earlier step."""
    options: dict[str, Any] = {"image": source(), "steps": 8, "solver": "ddim"}
    soft = drawn(pipe, mask=grey(128), soft_mask=True, strength=1.0, **options)
    plain = drawn(pipe, strength=0.5, **options)
    assert np.abs(soft.astype(float) - plain).max() <= 1


def test_a_strength_bounds_that_of_every_pixel(pipe: Pipeline) -> None:
    options: dict[str, Any] = {"image": source(), "steps": 8, "strength": 0.5}
    plain = drawn(pipe, **options)
    assert np.array_equal(drawn(pipe, mask=grey(200), soft_mask=True, **options), plain)
    assert (
        pipe.generate("a cat", image=source(), steps=8, strength=0.5, mask=stripes(), soft_mask=True).evaluations == 8
    )


@pytest.mark.parametrize("batching", ["exact", "fast"])
def test_black_keeps_its_bytes_beside_greys(pipe: Pipeline, batching: str) -> None:
    options: dict[str, Any] = {"image": source(), "mask": stripes(), "soft_mask": True, "steps": 8}
    result = pipe.generate("a cat", seed=5, n=2, batching=batching, **options)
    for image in result.images:
        assert np.array_equal(np.asarray(image)[:, :4], np.asarray(source())[:, :4])
    if batching == "exact":
        assert np.array_equal(
            np.asarray(result.images[1]), np.asarray(pipe.generate("a cat", seed=6, **options).images[0])
        )
    blended = drawn(pipe, **{**options, "soft_mask": False})
    assert not np.array_equal(blended, np.asarray(result.images[0]))


def test_it_composes_and_is_drawn_again(pipe: Pipeline) -> None:
    options: dict[str, Any] = {"image": source(), "soft_mask": True, "steps": 8, "seed": 5}
    more: tuple[dict[str, Any], ...] = (
        {"mask": mask(value=128), "feather": 2.0},
        {"mask": stripes(), "region": [[(0, 0, 1, 0.5), "a hat"]]},
        {"mask": stripes(), "tile": "x"},
        {"mask": stripes(), "invert": True, "strength": 1.0},
        {"mask": stripes(), "expand": (8, 0, 8, 0)},
    )
    seen = set()
    for one in more:
        done = pipe.generate("a cat", **options, **one)
        again = pipe.generate(done.recipes[0].request, image=source(), mask=one["mask"])
        assert again.recipes[0].pixels_sha256 == done.recipes[0].pixels_sha256
        assert not done.ignored
        seen.add(done.recipes[0].pixels_sha256)
    assert len(seen) == len(more)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"image": source(), "soft_mask": True}, "give a mask too"),
        ({"image": source(), "mask": mask(), "soft_mask": 1}, "soft_mask is 1; it must be true or false"),
        ({"image": source(), "mask": stripes(), "soft_mask": True, "grid": "repaint:length=2", "steps": 8,
          "strength": 1.0}, "falling time grid"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence(pipe: Pipeline, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        pipe.stream("a cat", **options)
