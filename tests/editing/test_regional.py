"""Regional prompts: where they count, that the small pictures are exact, and that things lie in their boxes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from mezzotint import Pipeline
from mezzotint.codecs import PixelCodec
from mezzotint.diffusion.analytic import Gaussian
from mezzotint.diffusion.noise import PhiloxNoise
from mezzotint.diffusion.schedule import EDM, RectifiedFlow, VPCosine
from mezzotint.editing import Canvas
from mezzotint.editing.regional import FEATHER, Region, Regional, branch, region_of, regional
from mezzotint.errors import InvalidOption
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
