"""Editing a picture: its limits, and that what is kept is kept to the byte."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mezzotint import Pipeline
from mezzotint.codecs import PixelCodec, from_image
from mezzotint.diffusion.analytic import Gaussian
from mezzotint.diffusion.denoiser import Bound, Revised
from mezzotint.diffusion.inverse.operators import Mask
from mezzotint.diffusion.inverse.projection import Projected
from mezzotint.diffusion.noise import PhiloxNoise, Purpose
from mezzotint.diffusion.sampling import sample
from mezzotint.diffusion.schedule import RectifiedFlow, VPCosine, VPScaledLinear
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.diffusion.timegrid import last_part, repaint, uniform
from mezzotint.editing import Canvas, Composed, Img2Img
from mezzotint.editing.inpaint import Keep
from mezzotint.errors import InvalidOption
from mezzotint.idle import unused
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.request import Request
from mezzotint.tasks import mask_values
from tests.support import SMALL, model_folder

SIDE = 16


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=SIDE, patch=4))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


def source(seed: int = 0) -> Image.Image:
    """Noise with all sorts of alpha, straight."""
    values = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 4), dtype=np.uint8)
    values[:4, :4, 3] = 0
    return Image.fromarray(values, "RGBA")


def mask(left: int = 8, value: int = 255) -> Image.Image:
    """White to the right of a column."""
    values = np.zeros((SIDE, SIDE), dtype=np.uint8)
    values[:, left:] = value
    return Image.fromarray(values, "L")


def drawn(pipe: Pipeline, **options: Any) -> np.ndarray:
    return np.asarray(pipe.generate("a cat", seed=5, **options).images[0])


def test_the_last_part_of_a_grid() -> None:
    grid = uniform(8, RectifiedFlow())
    assert last_part(grid, 1.0) == grid
    assert last_part(grid, 0.5) == grid[4:]
    assert last_part(grid, 0.44) == grid[4:]
    assert last_part(grid, 0.43) == grid[5:]
    assert last_part(grid, 0.01) == grid[7:]
    assert last_part(grid, 0.0) == ()
    jumps = repaint(8, RectifiedFlow(), length=2)
    assert last_part(jumps, 1.0) == jumps
    with pytest.raises(InvalidOption, match="falling time grid"):
        last_part(jumps, 0.5)


@pytest.mark.parametrize("schedule", [RectifiedFlow(), VPCosine(), VPScaledLinear()])
def test_a_start_is_the_picture_with_noise(schedule: Any) -> None:
    pixels, noise, shape = from_image(source()), PhiloxNoise([5, 6]), (2, 4, 1, SIDE, SIDE)
    eps = noise.normal(shape, Purpose.START, 0)
    canvas = Canvas(schedule, PixelCodec(), shape, 0.3)
    level = schedule(0.3)
    expected = float(level.alpha) * pixels[None] + float(level.sigma) * eps
    torch.testing.assert_close(Img2Img(pixels, False).start(canvas, noise), expected)
    whole = Canvas(schedule, PixelCodec(), shape, 1.0)
    assert torch.equal(Img2Img(pixels, True).start(whole, noise), Composed().start(whole, noise))
    clean = Canvas(schedule, PixelCodec(), shape, 0.0)
    assert torch.equal(Img2Img(pixels, False).start(clean, noise), pixels[None].expand(shape))


def test_an_exact_denoiser_moves_a_picture_as_far_as_its_strength_says() -> None:
    """For x_0 ~ N(0, v), D is linear and the flow keeps x_t / sqrt(alpha² v + sigma²): the end is known."""
    schedule, v = RectifiedFlow(), 0.25
    pixels = from_image(source())
    noise, shape = PhiloxNoise([1]), (1, *pixels.shape)
    denoise = Bound(Gaussian(schedule, variance=v), {"cond": None})
    for share in (0.25, 0.75):
        grid = last_part(uniform(400, schedule), share)
        start = Img2Img(pixels, False).start(Canvas(schedule, PixelCodec(), shape, grid[0].t), noise)
        *_, last = sample(denoise, start, grid, SOLVERS["heun"].make(), noise)
        t = grid[0].t
        expected = start * (v / ((1 - t) ** 2 * v + t**2)) ** 0.5
        torch.testing.assert_close(last.x, expected, rtol=0, atol=2e-3)


def test_strength_1_is_drawing_from_nothing_and_0_the_picture(pipe: Pipeline) -> None:
    assert np.array_equal(drawn(pipe, image=source(), strength=1.0), drawn(pipe))
    kept = pipe.generate("a cat", image=source(), strength=0.0)
    assert np.array_equal(np.asarray(kept.images[0]), np.asarray(source()))
    assert kept.recipes[0].evaluations == 0
    assert any("strength 0" in item for item in kept.ignored)


def test_work_is_the_share_of_the_steps_and_more_strength_goes_further(pipe: Pipeline) -> None:
    near = 0.0
    for strength, evaluations in ((0.25, 4), (0.5, 8), (0.75, 12), (1.0, 16)):
        result = pipe.generate("a cat", seed=5, steps=8, image=source(), strength=strength)
        assert result.recipes[0].evaluations == evaluations
        far = float((from_image(result.images[0]) - from_image(source())).square().mean())
        assert far > near
        near = far
    assert result.recipes[0].request.image == pixel_sha256(source())


def test_a_white_mask_draws_from_nothing_and_a_black_one_keeps_all(pipe: Pipeline) -> None:
    white = Image.new("L", (SIDE, SIDE), 255)
    black = Image.new("L", (SIDE, SIDE), 0)
    assert np.array_equal(drawn(pipe, image=source(), mask=white), drawn(pipe))
    kept = pipe.generate("a cat", image=source(), mask=black)
    assert np.array_equal(np.asarray(kept.images[0]), np.asarray(source()))
    assert kept.evaluations == 0
    assert np.array_equal(drawn(pipe, image=source(), mask=black, invert_mask=True), drawn(pipe))


@pytest.mark.parametrize("batching", ["exact", "fast"])
def test_what_is_not_masked_keeps_its_bytes(pipe: Pipeline, batching: str) -> None:
    result = pipe.generate("a cat", seed=5, n=3, image=source(), mask=mask(), strength=0.8, batching=batching)
    for image in result.images:
        assert np.array_equal(np.asarray(image)[:, :8], np.asarray(source())[:, :8])
    pictures = [np.asarray(image)[:, 8:] for image in result.images]
    assert not np.array_equal(pictures[0], pictures[1])
    clear = mask().convert("RGBA")
    clear.putalpha(mask())
    alone = drawn(pipe, image=source(), mask=clear, strength=0.8)
    if batching == "exact":
        assert np.array_equal(alone, np.asarray(result.images[0]))  # black or clear is the same


def test_the_known_part_is_known_in_every_prediction(pipe: Pipeline) -> None:
    seen: list[torch.Tensor] = []
    for preview in pipe.stream("a cat", seed=5, image=source(), mask=mask()):
        seen.append(preview.x0)
    for believed in seen:
        torch.testing.assert_close(believed[..., :8], from_image(source())[..., :8], rtol=0, atol=1e-5)
    assert len(seen) == 4


def test_a_soft_mask_blends_predictions() -> None:
    schedule = RectifiedFlow()
    oracle = Gaussian(schedule)
    x, known = torch.randn(1, 4, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.full((1, 4, 1, 8, 8), 0.7)
    share = torch.full((1, 1, 1, 8, 8), 0.25)
    t = torch.tensor(0.6)
    plain = oracle(x, t, {"cond": None})
    found = Revised(oracle, Keep(known, share))(x, t, {"cond": None})
    torch.testing.assert_close(found.x0, 0.25 * plain.x0 + 0.75 * known)
    torch.testing.assert_close(found.eps, (x - 0.4 * found.x0) / 0.6)


def test_a_hard_mask_is_the_projection_onto_what_is_known() -> None:
    oracle = Gaussian(RectifiedFlow())
    x, known = (torch.randn(2, 4, 1, 8, 8, generator=torch.Generator().manual_seed(i)) for i in (0, 1))
    share = (torch.rand(1, 1, 1, 8, 8, generator=torch.Generator().manual_seed(2)) > 0.4).float()
    t, operator = torch.tensor(0.6), Mask(1 - share)
    ours = Revised(oracle, Keep(known, share))(x, t, {"cond": None})
    theirs = Projected(oracle, operator, operator(known), iterations=1)(x, t, {"cond": None})
    torch.testing.assert_close(ours.x0, theirs.x0)
    torch.testing.assert_close(ours.eps, theirs.eps)


def test_a_picture_that_changes_meanwhile_is_not_the_one_that_was_given(pipe: Pipeline) -> None:
    given, cover = source(), mask()
    steps = pipe.stream("a cat", seed=5, image=given, mask=cover)
    given.paste((0, 255, 0, 255), (0, 0, SIDE, SIDE))
    cover.paste(255, (0, 0, SIDE, SIDE))
    last = list(steps)[-1]
    assert last.image is not None
    assert np.array_equal(np.asarray(last.image), drawn(pipe, image=source(), mask=mask()))


def test_masks() -> None:
    values = mask_values(mask(value=51))
    assert values.shape == (1, SIDE, SIDE)
    assert values[0, 0].tolist() == [0.0] * 8 + [pytest.approx(0.2)] * 8
    assert torch.equal(mask_values(mask(), invert=True), 1 - mask_values(mask()))
    clear = mask().convert("RGBA")
    clear.putalpha(0)
    assert not mask_values(clear, invert=True).any()
    soft = mask_values(mask(), feather=2.0)[0, 8]
    assert bool((soft.diff() >= 0).all())
    assert 0.3 < float(soft[7]) < 0.5 < float(soft[8]) < 0.7


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"strength": 0.5}, "strength and mask are for editing"),
        ({"image": source(), "strength": 1.5}, "strength is 1.5"),
        ({"image": source(), "feather": 2.0}, "give a mask too"),
        ({"image": "apple.png"}, "image is 'apple.png'; give a Pillow image"),
        ({"image": Image.new("I;16", (SIDE, SIDE))}, "more than 8 bits"),
        ({"image": source().resize((8, 8))}, "The image has 8x8 pixels, but 16x16 are drawn"),
        ({"image": source(), "mask": mask().resize((8, 8))}, "The mask has 8x8 pixels"),
        ({"image": source(), "grid": "repaint:length=2", "steps": 8, "strength": 0.5}, "falling time grid"),
    ],
)
def test_what_cannot_be_edited_is_one_sentence(pipe: Pipeline, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        pipe.generate("a cat", **options)


def test_a_request_names_its_picture(pipe: Pipeline) -> None:
    recipe = pipe.generate("a cat", seed=5, image=source(), mask=mask(), feather=1.0).recipes[0]
    assert Request.from_json_dict(recipe.request.to_json_dict()) == recipe.request
    again = pipe.generate(recipe.request, image=source(), mask=mask())
    assert again.recipes[0].pixels_sha256 == recipe.pixels_sha256
    with pytest.raises(InvalidOption, match="must be given too"):
        pipe.generate(recipe.request)
    with pytest.raises(InvalidOption, match="another one"):
        pipe.generate(recipe.request, image=source(1), mask=mask())


def test_what_has_no_effect_on_a_picture_that_is_kept_is_said(pipe: Pipeline) -> None:
    asked = {"also": [["a hat", 1.0]], "blend": ["a dog"], "vary": 0.5, "stop": 0.5, "tile": "x"}
    kept = pipe.generate("", image=source(), strength=0.0, **asked)
    for name in asked:
        assert f"{name}: nothing is drawn at strength 0" in kept.ignored


def test_a_strength_that_few_steps_round_to_all_of_them_is_said(pipe: Pipeline) -> None:
    few = pipe.generate("a cat", image=source(), strength=0.9, steps=4, seed=5)
    assert any("image: a strength of 0.9 is all of 4 steps, from pure noise" in item for item in few.ignored)
    plain = pipe.generate("a cat", steps=4, seed=5)
    assert few.recipes[0].pixels_sha256 == plain.recipes[0].pixels_sha256  # which is why
    for enough in ({"steps": 8}, {"steps": 4, "strength": 0.5}, {"steps": 4, "strength": 1.0}):
        options = {"strength": 0.9, **enough}
        assert not any("image:" in item for item in pipe.generate("a cat", image=source(), **options).ignored)


def test_all_that_strength_0_loses_is_told() -> None:
    digest = "0" * 64
    lost: dict[str, Any] = {
        "blend_images": (digest,),
        "invert": True,
        "expand": (8, 0, 0, 0),
        "zoom": 1.5,
        "guidance_methods": ("apg",),
        "tile": "x",
        "prompt": "a cat",
    }
    for name, value in lost.items():
        words = {"prompt": "", "image": digest, "strength": 0.0, name: value}
        assert unused(Request(**words)) == (f"{name}: nothing is drawn at strength 0",)
        assert unused(Request(**{**words, "strength": 0.5})) == ()
    assert unused(Request(prompt="", image=digest, strength=0.0, zoom=1.0)) == ()


def test_words_that_a_region_covers_are_told() -> None:
    whole, half = ((0.0, 0.0, 1.0, 1.0), "a dog"), ((0.0, 0.0, 0.5, 1.0), "a hat")
    why = "the region 'a dog' covers all of the picture"
    assert unused(Request(prompt="a cat", region=(half, whole))) == (
        f"prompt: {why}",
        f"region: 'a hat': {why}, and comes after it",
    )
    assert unused(Request(prompt="a cat", region=(whole, half))) == (f"prompt: {why}",)
    assert unused(Request(prompt="a cat", region=(half,))) == ()
    assert unused(Request(prompt="", region=(whole,))) == ()
