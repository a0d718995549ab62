"""Enlarging: exact samples of a posterior that is known, no seams, and a recipe that draws the picture again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from mezzotint import Pipeline
from mezzotint.diffusion.denoiser import Bound, NetworkDenoiser
from mezzotint.diffusion.noise import PhiloxNoise
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.sampling import pure_noise, sample
from mezzotint.diffusion.schedule import RectifiedFlow
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.diffusion.timegrid import uniform
from mezzotint.editing import Canvas
from mezzotint.editing.upscale import Upscale, memory_needed, upscaling
from mezzotint.editing.windows import Windows, starts
from mezzotint.errors import InvalidOption
from mezzotint.families.pixel_upscaler import SmallPicture, lanczos
from mezzotint.request import Request
from tests.upscalers import upscaler_folder

FLOW = RectifiedFlow()
SCALE = 4


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return Pipeline.load(str(upscaler_folder(tmp_path_factory.mktemp("m") / "m")), device="cpu", dtype="float32")


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    """A smooth picture with clear and opaque parts."""
    rng = np.random.Generator(np.random.Philox(seed))
    coarse = Image.fromarray(rng.integers(0, 256, (3, 3, 4), dtype=np.uint8), "RGBA")
    return coarse.resize((width, height), Image.Resampling.BILINEAR)


@dataclass(frozen=True)
class ExactUpscaler:
    """E[x_0 | x_t, y] where x_0 ~ N(mean, variance) at every pixel and y is the mean of a cell of 4 × 4 pixels, plus
    noise of variance `noise`.

    The mean of a cell is known from y (prior variance / 16, noise) and from x_t; what a pixel differs from that mean,
    from x_t alone: two independent Gaussians, whose posteriors have closed forms.
    """

    mean: float = 0.1
    variance: float = 0.3
    noise: float = 0.002

    def posterior(self, y: Tensor) -> tuple[Tensor, float, float]:
        """Mean and variance of a cell's mean given y, and the variance of a pixel about it in one direction."""
        prior = self.variance / SCALE**2
        left = 1 / (1 / prior + 1 / self.noise)
        return left * (self.mean / prior + y / self.noise), left, self.variance

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: SmallPicture, *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Tensor:
        level = FLOW(t.double()).like(x_t.double())
        known, left, apart = self.posterior(cond.picture.double())
        x, alpha, sigma = x_t.double(), level.alpha, level.sigma
        cells = means(x)
        gain = alpha * left / (alpha**2 * left + sigma**2 / SCALE**2)
        middle = known + gain * (cells - alpha * known)
        beside = alpha * apart / (alpha**2 * apart + sigma**2) * (x - widened(cells))
        return (widened(middle) + beside).to(x_t)


def means(x: Tensor) -> Tensor:
    return F.avg_pool2d(x.squeeze(2), SCALE)[:, :, None]


def widened(cells: Tensor) -> Tensor:
    return cells.repeat_interleave(SCALE, -1).repeat_interleave(SCALE, -2)


def drawn(edit: Any, network: Any, size: tuple[int, int], grid: Any, solver: str = "heun", seed: int = 3) -> Tensor:
    """What the pipeline does with an edit, around a network of the test."""
    leaf: NetworkDenoiser[Any] = NetworkDenoiser(network, FLOW, "x0")
    noise, shape = PhiloxNoise([seed, seed + 1]), (2, 4, 1, size[1], size[0])
    canvas = Canvas(FLOW, None, shape, 1.0)  # type: ignore[arg-type]
    start = edit.start(canvas, noise)
    bound = Bound(edit.wrap(leaf), edit.condition({"cond": None}, canvas, noise))
    *_, last = sample(bound, start, grid, SOLVERS[solver].make(), noise)
    return last.x


@pytest.mark.parametrize("windows", [False, True])
def test_samples_are_those_of_the_exact_posterior(windows: bool) -> None:
    """For a Gaussian the flow from noise to data is affine: each direction is stretched to its posterior's deviation.

    So every sample, not their statistics alone, is known: mean + deviation · eps, eps the noise it began with.
    """
    oracle, size = ExactUpscaler(), (48, 32)
    small = picture(12, 8)
    native = (32, 16) if windows else size
    edit = upscaling(Request(prompt="", size=size), small, native, SCALE)
    x = drawn(edit, oracle, size, uniform(80, FLOW))
    y = edit.edits[1].small[None]  # type: ignore[attr-defined]
    eps = pure_noise(FLOW, (2, 4, 1, size[1], size[0]), PhiloxNoise([3, 4]))
    known, left, apart = oracle.posterior(y)
    cells = means(eps)
    # the mean of a cell's noise has the deviation 1/4 where the cell's own has sqrt(left)
    truth = widened(known + SCALE * left**0.5 * cells) + apart**0.5 * (eps - widened(cells))
    torch.testing.assert_close(x, truth.float(), atol=4e-3, rtol=0)
    assert float((truth - widened(y)).std()) > 0.3  # it is not the small picture that is compared


def test_three_evaluations_keep_what_is_known() -> None:
    """With few steps deviations are rough, but the mean of each cell is right: it is told in every evaluation."""
    edit = upscaling(Request(prompt="", size=(48, 32)), picture(12, 8), (16, 16), SCALE)
    x = drawn(edit, ExactUpscaler(noise=1e-6), (48, 32), uniform(3, FLOW), "dpmpp-2m")
    torch.testing.assert_close(means(x), edit.edits[1].small.expand_as(means(x)), atol=2e-3, rtol=0)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("length", "side", "stride"), [(64, 32, 24), (36, 32, 24), (100, 32, 8), (1024, 256, 192)])
def test_windows_begin_where_small_pixels_do(length: int, side: int, stride: int) -> None:
    found = starts(length, side, stride, unit=SCALE)
    assert (found[0], found[-1]) == (0, length - side)
    assert all(start % SCALE == 0 for start in found)
    assert all(0 < b - a <= stride for a, b in pairwise(found))


def test_no_seam_at_the_borders_of_windows() -> None:
    """Steps between neighbouring pixels at the borders of windows are no larger than inside of them.

    This network is wrong by a slope along its window, so that at a border two windows differ by twice its height.
    Windows side by side, without overlap, show that: the measure can fail.
    """
    size, small = (128, 96), picture(32, 24)

    def sloping(x_t: Tensor, t: Tensor, cond: SmallPicture, *, to: Tensor | None = None, probe: Any = None) -> Tensor:
        ramps = [torch.linspace(-0.1, 0.1, side) for side in x_t.shape[-2:]]
        return lanczos(cond.picture.squeeze(2), SCALE)[:, :, None] + ramps[0][:, None] + ramps[1]

    def rough(stride: int | None, axis: int) -> float:
        edit = upscaling(Request(prompt="", size=size, window_stride=stride), small, (32, 32), SCALE)
        steps = drawn(edit, sloping, size, uniform(2, FLOW), "euler").diff(dim=axis).abs().transpose(axis, -1)
        steps, length = steps.amax((0, 1, 2, 3)), size[-1 - axis]
        begins = {at for start in starts(length, 32, stride or 24, unit=SCALE) for at in (start, start + 32)}
        border = torch.zeros(length - 1, dtype=torch.bool)
        border[[at - 1 for at in begins if 0 < at < length]] = True
        return float(steps[border].max() / steps[~border].max())

    for axis in (-1, -2):
        assert rough(32, axis) > 1.5
        assert rough(None, axis) < 1.1


@dataclass(frozen=True)
class Sloping:
    """What the filter says, wrong by a slope along its window, plus a share of x_t."""

    schedule: RectifiedFlow = FLOW

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, Any], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        rows, columns = (torch.linspace(-0.1, 0.1, side) for side in x_t.shape[-2:])
        known = lanczos(cond["cond"].picture.squeeze(2), SCALE)[:, :, None]
        return Prediction(x_t, self.schedule(t), known + 0.3 * x_t + rows[:, None] + columns)


@pytest.mark.parametrize(("tile", "axes"), [("x", (-1,)), ("y", (-2,)), ("both", (-1, -2)), (None, ())])
@pytest.mark.parametrize("side", [12, 6])  # a quarter of the size, and less, which is enlarged by a filter first
def test_a_tile_that_is_moved_over_its_edge_is_enlarged_to_the_same_tile(
    tile: str | None, axes: tuple[int, ...], side: int
) -> None:
    """By the distance of windows, so that they see the same: nothing tells the edge of a tile from its inside."""
    small = picture(side, side)

    def said(image: Image.Image, x_t: Tensor) -> Tensor:
        edit = upscaling(Request(prompt="", size=(48, 48), tile=tile), image, (32, 32), SCALE)
        canvas: Any = SimpleNamespace(shape=x_t.shape)
        told = edit.condition({"cond": None}, canvas, PhiloxNoise([0]))
        return edit.wrap(Sloping())(x_t, torch.tensor(0.5), told).x0

    x_t = torch.randn(1, 4, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    for axis in (-1, -2):
        image = Image.fromarray(np.roll(np.asarray(small), side // 2, axis + 2), "RGBA")
        found = said(image, torch.roll(x_t, 24, axis))
        assert torch.allclose(found, torch.roll(said(small, x_t), 24, axis), atol=1e-5) == (axis in axes)


def test_each_picture_and_each_window_is_told_its_own_part() -> None:
    told: list[SmallPicture] = []

    def network(
        x_t: Tensor, t: Tensor, cond: SmallPicture, *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Tensor:
        told.append(cond)
        return widened(cond.picture)

    for together in (1, 4):
        told.clear()
        small = torch.randn(4, 1, 10, 13, generator=torch.Generator().manual_seed(0))
        windows, tell = Windows((16, 16), (12, 12), together=together, unit=SCALE), Upscale(small, SCALE)
        canvas = Canvas(FLOW, None, (2, 4, 1, 40, 52), 1.0)  # type: ignore[arg-type]
        cond: Mapping[str, Any] = tell.condition({"cond": None}, canvas, PhiloxNoise([0, 1]))
        leaf: NetworkDenoiser[Any] = NetworkDenoiser(network, FLOW, "x0")
        found = windows.wrap(leaf)(torch.zeros(2, 4, 1, 40, 52), torch.tensor(0.5), cond)
        assert torch.equal(found.x0, widened(small.expand(2, *small.shape)))
        assert [len(one) for one in told][:2] == [2 * together] * 2


def test_a_recipe_draws_it_again_and_counts_and_names_what_it_ignores(pipe: Pipeline) -> None:
    small = picture(14, 11)
    two = pipe.generate("a cat", image=small, size=(56, 44), seed=5, n=2)
    assert [image.size for image in two.images] == [(56, 44)] * 2
    first, second = two.recipes
    assert first.pixels_sha256 != second.pixels_sha256
    alone = pipe.generate("a cat", image=small, size=(56, 44), seed=6)
    assert alone.recipes[0].pixels_sha256 == second.pixels_sha256
    again = pipe.generate(first.request, image=small)
    assert again.recipes[0].pixels_sha256 == first.pixels_sha256
    assert (first.request.steps, first.evaluations) == (3, 3 * 2 * 2)  # steps, windows
    assert first.request.guidance == first.request.strength == 1
    assert first.text_encoder_sha256 is None
    assert first.ignored == ("a", "cat")
    assert pipe.generate("", image=small, size=(56, 44)).recipes[0].warnings == ()
    fast = pipe.generate("", image=small, size=(56, 44), seed=5, batching="fast").images[0]
    apart = np.abs(np.asarray(fast, dtype=int) - np.asarray(two.images[0], dtype=int))
    assert int(apart.max()) <= 2


@pytest.mark.parametrize("prompt", ["[a cat:a dog:0.5]", "[a cat|a dog]"])
def test_a_prompt_that_changes_is_ignored_by_name_as_any_other(pipe: Pipeline, prompt: str) -> None:
    small = picture(14, 11)
    plain = pipe.generate("", image=small, size=(56, 44), seed=5).recipes[0]
    changing = pipe.generate(prompt, image=small, size=(56, 44), seed=5).recipes[0]
    assert changing.pixels_sha256 == plain.pixels_sha256
    assert changing.ignored == ("a", "cat", "dog")


def test_it_shows_the_small_picture(pipe: Pipeline) -> None:
    """Scaled down again, it is the small picture but for what the random network adds; turned, it is not."""
    small = picture(24, 24)
    large = pipe.generate("", image=small, size=(96, 96)).images[0]
    back = np.asarray(large.resize((24, 24), Image.Resampling.BOX), dtype=float)
    apart = [np.abs(back - np.asarray(one, dtype=float)).mean() for one in (small, small.rotate(180))]
    assert apart[0] < 0.5 * apart[1]


def test_more_than_four_times_is_lanczos_first(pipe: Pipeline) -> None:
    small = picture(6, 6)
    from mezzotint.editing.enlarge import enlarged

    whole = pipe.generate("", image=small, size=(48, 48)).images[0]
    assert np.array_equal(whole, pipe.generate("", image=enlarged(small, (12, 12)), size=(48, 48)).images[0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "no size is given; the model larger draws sides in multiples of 4"),
        ({"size": (50, 48)}, "size is 50x48; the model larger draws sides in multiples of 4"),
        ({"size": (24, 24)}, "a picture of 12x12 pixels becomes 48x48 at least; .* shrink it afterwards"),
        ({"size": (96, 48)}, "another shape than that of 12x12"),
        ({"size": (48, 48), "guidance": 3.0}, "guidance is given, but the model larger only enlarges"),
        ({"size": (48, 48), "strength": 0.5}, "strength is given, but"),
        ({"size": (48, 48), "region": [((0, 0, 1, 1), "a cat")]}, "region is given, but"),
        ({"size": (48, 48), "negative": "blur"}, "negative is given, but"),
        ({"size": (48, 48), "window_stride": 6}, "window_stride is 6; windows of 32x32 pixels can be 4 to 32 apart in"),
        ({"size": (48, 48), "window_stride": 36}, "window_stride is 36; windows of 32x32"),
        ({"size": (48, 48), "image": None}, "enlarges pictures and draws none from words"),
    ],
)  # fmt: skip
def test_what_cannot_be_enlarged_is_one_sentence(pipe: Pipeline, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        pipe.generate("", **{"image": picture(12, 12), **options})


def test_memory_grows_with_the_canvas() -> None:
    small, large = memory_needed((256, 256)), memory_needed((4096, 4096))
    assert large - small == (4096**2 - 256**2) * 160
    assert 2.5 * 2**30 < large < 3 * 2**30


def test_a_model_that_draws_from_words_is_as_it_was(tmp_path: Path) -> None:
    from tests.support import model_folder

    words = Pipeline.load(str(model_folder(tmp_path / "m")), device="cpu", dtype="float32")
    assert words.model.enlarges == 1
    request = words.resolve(replace(words.model.defaults, prompt="a cat"))
    assert request.size == (32, 32)
