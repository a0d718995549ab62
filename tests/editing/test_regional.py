"""Regional prompts: where they count, that the small pictures are exact, and that things lie in their boxes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mezzotint import Pipeline
from mezzotint.codecs import PixelCodec
from mezzotint.diffusion.analytic import Gaussian
from mezzotint.diffusion.noise import PhiloxNoise
from mezzotint.diffusion.schedule import EDM, RectifiedFlow, VPCosine
from mezzotint.editing import Canvas
from mezzotint.editing.masks import fitted_mask
from mezzotint.editing.regional import FEATHER, Region, Regional, branch, region_of, region_of_mask, regional
from mezzotint.errors import InvalidOption
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.request import Request
from tests.editing.test_windows import random
from tests.support import SMALL, model_folder

SIDE = 16
ALL = (0.0, 0.0, 1.0, 1.0)
LEFT = (0.0, 0.0, 0.5, 1.0)


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=SIDE, patch=4))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


def drawn(pipe: Pipeline, prompt: str, **options: Any) -> np.ndarray:
    return np.asarray(pipe.generate(prompt, seed=5, **options).images[0])


@pytest.mark.parametrize("schedule", [RectifiedFlow(), VPCosine(), EDM()])
@pytest.mark.parametrize("shrunk", [2, 4])
def test_a_shrunk_picture_of_independent_samples_is_believed_exactly(schedule: Any, shrunk: int) -> None:
    """Means of f × f samples N(mean, v) are N(mean, v / f²): what is believed of those has a closed form."""
    side, mean, v = 16, 0.3, 0.7
    region = Region(torch.ones(8, 8), slice(0, side // shrunk), slice(0, side // shrunk), shrunk)
    edit = Regional((region,), torch.full((1, 1, 1, 1, 1), -1.0), alone=True)
    canvas = Canvas(schedule, PixelCodec(), (1, 4, 1, 8, 8))
    told = edit.condition({"cond": None, branch(0): None}, canvas, PhiloxNoise([3]))
    x, times = random(1, 4, 1, 8, 8), (0.1, 0.5, 0.8) if isinstance(schedule, EDM) else (0.1, 0.5, 1.0)
    for t in (torch.tensor(time, dtype=torch.float64) for time in times):
        if isinstance(schedule, EDM):
            x = x * float(schedule(t).sigma)
        found = edit.wrap(Gaussian(schedule, mean=mean, variance=v))(x, t, told).x0
        exact = Gaussian(schedule, mean=mean, variance=v / shrunk**2)(x, t).x0
        inside = (..., region.rows, region.columns)
        torch.testing.assert_close(found[inside], exact[inside], atol=2e-5, rtol=1e-4)
        outside = found.clone()
        outside[inside] = -1.0
        assert bool((outside == -1).all())  # beside its part of the canvas, nothing


def test_the_network_sees_a_shrunk_picture_as_noise_of_its_own_size() -> None:
    """Where x_t is noise alone, the picture is too: of the deviation sigma_u, and x_t its scaled means."""
    schedule, seen = RectifiedFlow(), []

    class Spy(Gaussian):
        def __call__(self, x_t: torch.Tensor, t: torch.Tensor, *args: Any, **more: Any) -> Any:
            seen.append((x_t, t))
            return super().__call__(x_t, t, *args, **more)

    region = Region(torch.ones(32, 32), slice(0, 32), slice(0, 32), 2)
    edit = Regional((region,), torch.full((1, 4, 1, 1, 1), -1.0), alone=True)
    told = edit.condition(
        {"cond": None, branch(0): None}, Canvas(schedule, PixelCodec(), (1, 4, 1, 32, 32)), PhiloxNoise([3])
    )
    t, eps = torch.tensor(0.5, dtype=torch.float64), random(1, 4, 1, 32, 32)
    edit.wrap(Spy(schedule))(0.5 * eps, t, told)
    (x, u), *_ = seen
    assert float(u) == pytest.approx(2 / 3)  # twice sigma / alpha
    assert x.shape == (1, 4, 1, 64, 64)
    means = x.reshape(4, 32, 2, 32, 2).mean((2, 4))
    torch.testing.assert_close(means, 2 / 3 * eps[0, :, 0] / 2)
    details = x.reshape(4, 32, 2, 32, 2) - means[:, :, None, :, None]
    assert float(details.square().sum()) / (3 * eps.numel()) == pytest.approx((2 / 3) ** 2, rel=0.05)


def test_where_a_region_lies() -> None:
    whole = region_of(ALL, (16, 32), (16, 16))
    assert (whole.rows, whole.columns, whole.shrunk) == (slice(0, 16), slice(0, 32), 1)
    assert bool((whole.share == 1).all())
    left = region_of(LEFT, (16, 32), (16, 16))
    assert (left.columns, left.shrunk) == (slice(0, 16), 1)
    assert left.share[8].tolist() == [*[1.0] * 14, 0.75, 0.25, *[0.0] * 16]  # over FEATHER samples
    assert FEATHER == 2
    small = region_of((0.5, 0.25, 1.0, 0.75), (16, 16), (16, 16))
    assert (small.rows, small.columns, small.shrunk) == (slice(4, 12), slice(8, 16), 2)
    high = region_of((0.5, 0.0, 1.0, 1.0), (16, 16), (16, 16))  # in the middle of a box of another shape
    assert (high.rows, high.columns, high.shrunk) == (slice(4, 12), slice(8, 16), 2)
    tiny = region_of((0.0, 0.0, 0.01, 0.01), (16, 16), (16, 16))
    assert (tiny.rows, tiny.columns, tiny.shrunk) == (slice(0, 1), slice(0, 1), 16)
    odd = region_of((0.0, 0.0, 5 / 16, 1.0), (16, 16), (16, 16))  # 16 / 5 is no divisor
    assert odd.shrunk == 4


def test_a_model_that_is_not_square_has_a_smallest_region() -> None:
    """48 x 64 can be divided by 16 at most, which leaves 3 x 4."""
    least = region_of((0.0, 0.0, 4 / 64, 3 / 48), (48, 64), (48, 64))
    assert (least.rows, least.columns, least.shrunk) == (slice(0, 3), slice(0, 4), 16)
    with pytest.raises(InvalidOption, match=r"region 0,0,0.03,0.03 has 2x1 samples .* draws in one has 4x3; make it"):
        region_of((0.0, 0.0, 0.03, 0.03), (48, 64), (48, 64))


def test_a_region_that_is_all_of_the_picture_is_drawn_as_a_prompt(pipe: Pipeline) -> None:
    plain = drawn(pipe, "a red apple")
    for prompt in ("", "a cat", "a red apple"):
        assert np.array_equal(drawn(pipe, prompt, region=[[ALL, "a red apple"]]), plain)
    assert not np.array_equal(drawn(pipe, "a cat"), plain)


def test_outside_its_box_a_region_has_no_say_in_a_prediction(pipe: Pipeline) -> None:
    options: dict[str, Any] = {"seed": 5, "size": (32, 16)}
    plain = next(iter(pipe.stream("a cat", **options)))
    parts = next(iter(pipe.stream("a cat", region=[[LEFT, "a red apple"]], **options)))
    apple = next(iter(pipe.stream("a red apple", **options)))
    assert torch.equal(parts.x0[..., 16:], plain.x0[..., 16:])
    assert not torch.equal(parts.x0[..., :14], plain.x0[..., :14])
    assert parts.step.evaluations == 2 * (3 + 1)  # three windows of the canvas, one of the region
    # what the region sees is the first window of the canvas, which is alone in the first columns
    assert torch.equal(parts.x0[..., :8], apple.x0[..., :8])


def test_later_regions_lie_above_earlier_ones_and_without_a_prompt_the_rest_is_empty(pipe: Pipeline) -> None:
    apple = drawn(pipe, "a red apple")
    assert np.array_equal(drawn(pipe, "", region=[[LEFT, "a cat"], [ALL, "a red apple"]]), apple)
    alone = pipe.generate("", seed=5, region=[[(0.5, 0.5, 1.0, 1.0), "a red apple"]])
    values = np.asarray(alone.images[0])
    assert not values[:8, :, 3].any()
    assert not values[:, :8, 3].any()
    assert values[8:, 8:, 3].any()
    assert alone.recipes[0].evaluations == 8  # nothing for the prompt that is none
    assert not alone.warnings


def test_a_region_is_drawn_again_and_its_prompt_is_in_the_language(pipe: Pipeline) -> None:
    done = pipe.generate("a cat", seed=5, n=2, region=[[LEFT, "a (red:1.5) apple"]]).recipes
    assert pipe.generate(done[1].request).recipes[0].pixels_sha256 == done[1].pixels_sha256
    assert Request.from_json_dict(done[0].request.to_json_dict()) == done[0].request
    weak = pipe.generate("a cat", seed=5, region=[[LEFT, "a red apple"]]).recipes[0]
    assert weak.pixels_sha256 != done[0].pixels_sha256
    fast = pipe.generate("a cat", seed=5, n=2, region=[[LEFT, "a (red:1.5) apple"]], batching="fast").images[1]
    exact = pipe.generate("a cat", seed=6, region=[[LEFT, "a (red:1.5) apple"]]).images[0]
    assert np.abs(np.asarray(fast, dtype=float) - np.asarray(exact, dtype=float)).max() <= 2


def test_the_house_model_draws_things_in_their_boxes() -> None:
    region = [[(0.0, 0.0, 0.5, 0.5), "a red apple"], [(0.5, 0.5, 1.0, 1.0), "a blue cup"]]
    image = Pipeline.load("house").generate("", seed=3, steps=12, region=region).images[0]
    values = np.asarray(image).astype(float)
    inked = values[..., 3] > 128
    red = inked & (values[..., 0] > values[..., 2] + 60) & (values[..., 0] > values[..., 1] + 60)
    blue = inked & (values[..., 2] > values[..., 0] + 60)
    for found, box in ((red, (slice(0, 32), slice(0, 32))), (blue, (slice(32, 64), slice(32, 64)))):
        assert found[box].sum() > 250
        assert found[box].sum() > 0.9 * found.sum()


@pytest.mark.parametrize(
    ("region", "words"),
    [
        ("0,0,1,1:a cat", r"region is '0,0,1,1:a cat'; it must be a list"),
        ([[(0, 0, 2, 1), "a cat"]], r"region is .*; it must be LEFT,TOP,RIGHT,BOTTOM:PROMPT with shares"),
        ([[(0.5, 0, 0.5, 1), "a cat"]], r"left below right"),
        ([[(0, 0, 1), "a cat"]], r"it must be LEFT,TOP,RIGHT,BOTTOM:PROMPT"),
        (["a cat"], r"it must be LEFT,TOP,RIGHT,BOTTOM:PROMPT"),
        ([[ALL, " "]], r"region has an empty prompt"),
        ([[ALL, 3]], r"region is 3; it must be text"),
        ([[ALL, "a cat"]] * 17, r"a list of at most 16 boxes"),
        ([[ALL, "a cat AND a dog"]], r"region has several prompts"),
        ([[ALL, "a cat --tile"]], r"region has --tile, which only the prompt itself may have"),
    ],
)  # fmt: skip
def test_what_is_no_region_is_one_sentence(pipe: Pipeline, region: Any, words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        pipe.generate("", region=region)


def test_a_model_that_draws_in_latents_has_no_small_regions() -> None:
    codec: Any = PixelCodec(factors=(1, 8, 8))
    request = Request(prompt="", size=(128, 64), region=[[LEFT, "a cat"]])  # type: ignore[arg-type]
    assert regional(request, codec, (64, 64)) is not None
    with pytest.raises(InvalidOption, match="region is smaller than the 64x64 pixels"):
        regional(replace(request, size=(64, 64)), codec, (64, 64))


# ---- masks


def cover(box: tuple[int, int, int, int], size: tuple[int, int] = (2 * SIDE, SIDE), value: int = 255) -> Image.Image:
    found = Image.new("L", size)
    found.paste(value, box)
    return found


def first(pipe: Pipeline, prompt: str, **options: Any) -> torch.Tensor:
    """What is believed of x_0 at the beginning."""
    return next(iter(pipe.stream(prompt, seed=5, **options))).x0


def test_a_mask_that_is_white_all_over_is_drawn_as_a_prompt(pipe: Pipeline) -> None:
    white = cover((0, 0, SIDE, SIDE), (SIDE, SIDE))
    plain = drawn(pipe, "a red apple")
    for prompt in ("", "a cat"):
        assert np.array_equal(drawn(pipe, prompt, region_masks=[(white, "a red apple")]), plain)
    clear = white.convert("RGBA")
    clear.putalpha(128)
    assert not np.array_equal(drawn(pipe, "a cat", region_masks=[(clear, "a red apple")]), plain)


def test_a_mask_counts_as_much_as_it_is_bright(pipe: Pipeline) -> None:
    grey = cover((0, 0, SIDE, SIDE), (SIDE, SIDE), 51)
    cat, apple = (first(pipe, prompt) for prompt in ("a cat", "a red apple"))
    mixed = first(pipe, "a cat", region_masks=[(grey, "a red apple")])
    torch.testing.assert_close(mixed, cat.lerp(apple, 0.2), atol=1e-5, rtol=1e-5)


def test_a_hard_mask_is_a_box_without_a_soft_edge(pipe: Pipeline) -> None:
    options: dict[str, Any] = {"size": (2 * SIDE, SIDE)}
    plain = first(pipe, "a cat", **options)
    box = first(pipe, "a cat", region=[[LEFT, "a red apple"]], **options)
    mask = first(pipe, "a cat", region_masks=[(cover((0, 0, SIDE, SIDE)), "a red apple")], **options)
    assert torch.equal(mask[..., SIDE:], plain[..., SIDE:])
    assert torch.equal(mask[..., : SIDE - 2], box[..., : SIDE - 2])
    assert not torch.equal(mask[..., SIDE - 2 : SIDE], box[..., SIDE - 2 : SIDE])
    hole = cover((0, 0, SIDE, SIDE))
    hole.paste(0, (4, 4, 8, 8))
    ring = first(pipe, "a cat", region_masks=[(hole, "a red apple")], **options)
    assert torch.equal(ring[..., 4:8, 4:8], plain[..., 4:8, 4:8])
    assert torch.equal(ring[..., :4, :SIDE], mask[..., :4, :SIDE])


def test_masks_are_scaled_to_the_canvas(pipe: Pipeline) -> None:
    options: dict[str, Any] = {"size": (2 * SIDE, SIDE)}
    small, large = cover((0, 0, 12, 16)), cover((0, 0, 36, 48), (6 * SIDE, 3 * SIDE))
    results = [drawn(pipe, "a cat", region_masks=[(mask, "a hat")], **options) for mask in (small, large)]
    assert np.array_equal(*results)
    low = fitted_mask(cover((0, 0, 8, 4), (8, 4)), (SIDE, SIDE))  # fitted, and black above and below
    rows = np.asarray(low)[:, 0].tolist()
    assert rows == [0] * 4 + [255] * 8 + [0] * 4
    assert np.asarray(fitted_mask(cover((0, 0, 1, 1), (2, 2)), (1, 1))).item() == 64  # a mean


def test_masks_lie_above_boxes_in_their_order(pipe: Pipeline) -> None:
    white = cover((0, 0, SIDE, SIDE), (SIDE, SIDE))
    apple = drawn(pipe, "a red apple")
    assert np.array_equal(drawn(pipe, "", region=[[ALL, "a cat"]], region_masks=[(white, "a red apple")]), apple)
    rows = [(cover((0, 0, 8, 16), (SIDE, SIDE)), "a hat"), (white, "a red apple")]
    assert np.array_equal(drawn(pipe, "a cat", region_masks=rows), apple)
    assert not np.array_equal(drawn(pipe, "a cat", region_masks=rows[::-1]), apple)


def test_where_a_masks_picture_lies() -> None:
    share = torch.zeros(16, 32)
    share[4:12, 8:16] = 0.5
    share[0, 31] = 1 / 100  # what JPEG leaves of black
    small = region_of_mask(share, (16, 16))
    assert (small.rows, small.columns, small.shrunk) == (slice(4, 12), slice(8, 16), 2)
    assert float(small.share[0, 31]) == 0
    assert float(small.share[4, 8]) == 0.5
    share[:, 4:28] = 1
    large = region_of_mask(share, (16, 16))
    assert (large.rows, large.columns, large.shrunk) == (slice(0, 16), slice(4, 28), 1)


def test_a_mask_is_drawn_again_from_its_recipe(pipe: Pipeline) -> None:
    mask = cover((0, 0, 9, 16), (SIDE, SIDE), 200)
    done = pipe.generate("a cat", seed=5, n=2, region_masks=[(mask, "a (red:1.5) apple")])
    request = done.recipes[1].request
    assert request.region_masks == ((pixel_sha256(mask), "a (red:1.5) apple"),)
    assert Request.from_json_dict(request.to_json_dict()) == request
    assert not done.ignored
    again = pipe.generate(request, region_masks=[(mask, "a (red:1.5) apple")])
    assert again.recipes[0].pixels_sha256 == done.recipes[1].pixels_sha256
    for other in ([], [(mask, "a hat")], [(cover((0, 0, 9, 16)), "a (red:1.5) apple")]):
        with pytest.raises(InvalidOption, match="The request is for 1 region_masks with certain digests; give those"):
            pipe.generate(request, region_masks=other)


@pytest.mark.parametrize(
    ("masks", "words"),
    [
        ("mask.png", r"region_masks is 'mask.png'; give a list of Pillow images with texts"),
        ([cover((0, 0, 8, 8))], r"give a list of Pillow images with texts"),
        ([("mask.png", "a cat")], r"region_masks\[0\] is 'mask.png'; give a Pillow image"),
        ([(cover((0, 0, 8, 8)), " ")], r"region_masks has an empty prompt"),
        ([(cover((0, 0, 8, 8)), 3)], r"region_masks is 3; it must be text"),
        ([(cover((0, 0, 0, 0)), "a cat")], r"region_masks\[0\] is black all over; make it bright where"),
        ([(cover((0, 0, 8, 8)), "a cat AND a dog")], r"region has several prompts"),
        ([(cover((0, 0, 8, 8)), "a cat")] * 17, r"a list of at most 16 masks with prompts"),
    ],
)
def test_what_is_no_mask_of_a_region_is_one_sentence(pipe: Pipeline, masks: Any, words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        pipe.stream("", region_masks=masks)
