"""Windows: the mean that they are, that nobody sees them, and that each is alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from mezzotint import Pipeline
from mezzotint.diffusion.analytic import Gaussian
from mezzotint.diffusion.denoiser import Bound
from mezzotint.diffusion.guidance import guided
from mezzotint.diffusion.guidance.apg import APG
from mezzotint.diffusion.guidance.cfg_pp import CFGpp
from mezzotint.diffusion.noise import PhiloxNoise, Purpose
from mezzotint.diffusion.prediction import Prediction
from mezzotint.diffusion.probe import Probe
from mezzotint.diffusion.sampling import listeners, sample
from mezzotint.diffusion.schedule import RectifiedFlow, Schedule
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.diffusion.timegrid import uniform
from mezzotint.editing.windows import Windows, places, starts
from mezzotint.errors import InvalidOption
from tests.support import SMALL, model_folder

SIDE = 16
FLOW = RectifiedFlow()


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=SIDE, patch=4))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


@dataclass(frozen=True)
class Told:
    """x_0 = what is told times a pattern that depends on the place in the window, plus a share of x_t."""

    schedule: Schedule = FLOW
    share: float = 0.3

    def __call__(
        self, x_t: Tensor, t: Tensor, cond: Mapping[str, Any], *, to: Tensor | None = None, probe: Probe | None = None
    ) -> Prediction:
        rows, columns = (torch.linspace(-1, 1, n) for n in x_t.shape[-2:])
        told = torch.stack(list(cond["cond"].values)) if isinstance(cond["cond"], Batch) else torch.tensor(cond["cond"])
        pattern = told.reshape(-1, 1, 1, 1, 1) * (rows[:, None] * 0.5 + columns).expand(1, 1, 1, *x_t.shape[-2:])
        return Prediction(x_t, self.schedule(t), pattern + self.share * x_t)


@dataclass(frozen=True)
class Batch:
    """A number for each picture."""

    values: tuple[Tensor, ...]

    def cat(self, other: "Batch") -> "Batch":
        return Batch(self.values + other.values)


def number(value: float) -> Batch:
    return Batch((torch.tensor(value),))


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("length", "side", "stride"), [(16, 8, 4), (17, 8, 4), (40, 8, 8), (8, 8, 1), (64, 64, 32)])
def test_windows_cover_an_axis_evenly(length: int, side: int, stride: int) -> None:
    found = starts(length, side, stride)
    assert (found[0], found[-1]) == (0, length - side)
    assert all(0 < b - a <= stride for a, b in pairwise(found))
    assert len(found) == -(-(length - side) // stride) + 1
    circle = sorted(starts(length, side, stride, around=True))
    assert all(0 < b - a <= stride for a, b in pairwise((*circle, circle[0] + length)))
    assert len(circle) == -(-length // stride)


@pytest.mark.parametrize("around", [(False, False), (True, False), (True, True)])
def test_a_prediction_is_the_weighted_mean_of_those_of_the_windows(around: tuple[bool, bool]) -> None:
    side, size, t = (8, 8), (12, 21), torch.tensor(0.4)
    x, denoiser = random(1, 2, 1, *size), Told()
    found = Windows(side, (4, 3), around).wrap(denoiser)(x, t, {"cond": 0.7})
    bump = [np.sin(np.pi * (k + 0.5) / 8) ** 2 for k in range(8)]
    top, total = np.zeros((1, 2, 1, *size)), np.zeros(size)
    for y in starts(12, 8, 4, around[0]):
        for left in starts(21, 8, 3, around[1]):
            rows, columns = [(y + k) % 12 for k in range(8)], [(left + k) % 21 for k in range(8)]
            said = denoiser(x[..., rows, :][..., columns], t, {"cond": 0.7}).x0.double().numpy()
            for j, row in enumerate(rows):
                for i, column in enumerate(columns):
                    top[..., row, column] += bump[j] * bump[i] * said[..., j, i]
                    total[row, column] += bump[j] * bump[i]
    np.testing.assert_allclose(found.x0.numpy(), top / total, atol=1e-6)
    count = len(list(places(size, side, (4, 3), around)))
    assert found.evaluations == count > 6


@pytest.mark.parametrize("solver", ["euler", "dpmpp-2m", "heun"])
def test_where_windows_agree_the_picture_is_the_one_without_them(solver: str) -> None:
    """A denoiser of independent samples says the same of a sample in every window: not one bit may differ."""
    oracle = Gaussian(FLOW, mean=0.2, variance=0.3)
    start, noise = random(2, 4, 1, 24, 37), PhiloxNoise([0, 1])

    def drawn(denoiser: Any) -> Tensor:
        *_, last = sample(Bound(denoiser, {"cond": None}), start, uniform(6, FLOW), SOLVERS[solver].make(), noise)
        return last.x

    plain = drawn(oracle)
    for around in ((False, False), (True, True)):
        assert torch.equal(drawn(Windows((16, 16), (5, 8), around).wrap(oracle)), plain)


def test_no_seam_where_windows_begin_and_end() -> None:
    """What this denoiser says jumps by 2 from the end of a window to the beginning of the next; the mean does not."""
    x = torch.zeros(1, 1, 1, 16, 64)
    x0 = Windows((16, 16), (8, 8)).wrap(Told(share=0.0))(x, torch.tensor(0.5), {"cond": 1.0}).x0[0, 0, 0, 8]
    steps = x0.diff().abs()
    borders = torch.tensor([k - 1 for k in range(8, 64, 8)])
    inside = torch.ones(63, dtype=torch.bool).index_fill(0, borders, False)
    assert float(steps[borders].max()) < float(steps[inside].max())  # that is the slope inside one window, 2 / 15


def test_branches_noise_and_evaluations_go_through() -> None:
    x, t, cond = random(1, 3, 1, 8, 16), torch.tensor(0.6), {"cond": number(1.0), "uncond": number(-0.4)}
    rule = CFGpp(guidance=0.6)
    apart = Windows((8, 8), (4, 4)).wrap(guided(Told(), rule))(x, t, cond)
    branches = {name: Windows((8, 8), (4, 4)).wrap(Told())(x, t, {"cond": cond[name]}) for name in cond}
    for name, one in branches.items():
        torch.testing.assert_close(apart.branches[name].x0, one.x0)
    whole = rule.combine(branches)
    torch.testing.assert_close(apart.x0, whole.x0)
    torch.testing.assert_close(apart.update_eps, whole.update_eps, atol=1e-5, rtol=1e-5)
    assert apart.eps_for_update is not None
    assert apart.evaluations == 6
    together = Windows((8, 8), (4, 4), together=2).wrap(guided(Told(), rule))(x, t, cond)
    torch.testing.assert_close(together.x0, apart.x0, rtol=0, atol=1e-6)
    assert together.evaluations == 6


def test_gradients_go_through() -> None:
    """Posterior guidance differentiates what is believed; for a linear denoiser the derivative is its gain."""
    x = random(1, 2, 1, 8, 20).requires_grad_()
    x0 = Windows((8, 8), (4, 3), (False, True)).wrap(Told(share=0.3))(x, torch.tensor(0.5), {"cond": 1.0}).x0
    weights = random(*x0.shape, seed=1)
    (gradient,) = torch.autograd.grad((weights * x0).sum(), x)
    torch.testing.assert_close(gradient, 0.3 * weights)


def test_no_window_is_kept() -> None:
    """Memory is that of the canvas: of the windows only their number stays."""
    found = Windows((8, 8), (4, 4)).wrap(Told())(random(1, 2, 1, 16, 16), torch.tensor(0.5), {"cond": 1.0})
    assert found.evaluations == len(found.branches) == 9
    assert sum(branch.x0.numel() + branch.x_t.numel() for branch in found.branches.values()) == 0


def test_a_guidance_with_a_memory_keeps_one_for_each_window() -> None:
    """Windows that do not overlap are pictures of their own."""
    start, noise, grid = random(1, 2, 1, 8, 24), PhiloxNoise([0]), uniform(5, FLOW)
    cond = {"cond": number(1.0), "uncond": number(-0.3)}

    def drawn(x: Tensor, windows: bool) -> Tensor:
        denoiser: Any = guided(Told(), APG(guidance=4.0, momentum=-0.6, threshold=2.0))
        bound = Bound(Windows((8, 8), (8, 8)).wrap(denoiser) if windows else denoiser, cond)
        *_, last = sample(bound, x, grid, SOLVERS["euler"].make(), noise, told=listeners(bound))
        return last.x

    parts = [drawn(start[..., k : k + 8], windows=False) for k in (0, 8, 16)]
    assert torch.equal(drawn(start, windows=True), torch.cat(parts, dim=-1))


def test_a_canvas_of_one_window_is_left_alone(pipe: Pipeline) -> None:
    x, t = random(1, 2, 1, 8, 8), torch.tensor(0.5)
    cond = {"cond": 0.5}
    assert torch.equal(Windows((8, 8), (4, 4)).wrap(Told())(x, t, cond).x0, Told()(x, t, cond).x0)
    assert torch.equal(Windows((8, 8), (4, 4)).unguided(Told())(x, t, cond).x0, Told()(x, t, cond).x0)
    asked = np.asarray(pipe.generate("a cat", seed=5, size=(SIDE, SIDE)).images[0])
    assert np.array_equal(asked, np.asarray(pipe.generate("a cat", seed=5).images[0]))


def test_a_larger_picture_is_drawn_from_its_seed_and_drawn_again(pipe: Pipeline) -> None:
    two = pipe.generate("a cat", seed=5, n=2, size="32x24")
    assert [image.size for image in two.images] == [(32, 24)] * 2
    alone = pipe.generate("a cat", seed=6, size="32x24")
    assert alone.recipes[0].pixels_sha256 == two.recipes[1].pixels_sha256
    assert alone.recipes[0].evaluations == 4 * 2 * 6  # steps, branches, windows
    again = pipe.generate(two.recipes[0].request)
    assert again.recipes[0].pixels_sha256 == two.recipes[0].pixels_sha256
    fine = pipe.generate("a cat", seed=6, size="32x24", window_stride=4)
    assert fine.recipes[0].evaluations == 4 * 2 * 5 * 3
    assert fine.recipes[0].pixels_sha256 != alone.recipes[0].pixels_sha256


def test_windows_that_share_calls_differ_little(pipe: Pipeline) -> None:
    exact, fast = (
        np.asarray(pipe.generate("a cat", seed=5, size="32x16", batching=how).images[0], dtype=float)
        for how in ("exact", "fast")
    )
    assert np.abs(exact - fast).max() <= 2


def test_a_window_of_pipeline_sees_what_is_there(pipe: Pipeline) -> None:
    """Windows side by side draw what each half of the noise gives alone."""
    noise = PhiloxNoise([5]).normal((1, 4, 1, SIDE, 2 * SIDE), Purpose.START, 0)
    whole = next(iter(pipe.stream("a cat", seed=5, size=(2 * SIDE, SIDE), window_stride=SIDE)))
    request = pipe.resolve(replace(pipe.model.defaults, prompt="a cat", seed=5))
    script, denoise = pipe.script(request), pipe._guided(request)[0]
    told = {name: pipe._condition(request, range(1), script, name) for name in script.prompts}
    with torch.inference_mode():
        half = denoise(noise[..., SIDE:], torch.tensor(1.0), told)
    assert torch.equal(whole.x0[..., SIDE:], half.x0[0])


@pytest.mark.parametrize(
    ("aspect", "size"), [("1:1", (16, 16)), ("2:1", (32, 16)), ("2:3", (16, 24)), ("16:9", (32, 16))]
)
def test_a_shape_is_the_smallest_size_that_the_model_fits_into(
    pipe: Pipeline, aspect: str, size: tuple[int, int]
) -> None:
    request = pipe.resolve(replace(pipe.model.defaults, prompt="", size=None, aspect=aspect))  # type: ignore[arg-type]
    assert (request.size, request.aspect) == (size, None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": (20, 16)}, r"draws pictures of 16x16 pixels, not 20x16, or larger ones with sides in multiples of 8"),
        ({"size": (8, 16)}, r"not 8x16, or larger ones"),
        ({"size": (1032, 16)}, r"not 1032x16, .* up to 1024; give such a --size"),
        ({"aspect": "100:1"}, r"not of the shape 100:1"),
        ({"window_stride": 4}, r"window_stride is 4, but 16x16 pixels are drawn at once; leave it out"),
        ({"window_stride": 17, "size": (32, 32)}, r"window_stride is 17; windows of 16x16 pixels can be 1 to 16 apart"),
        ({"window_stride": 0, "size": (32, 32)}, r"window_stride is 0; it must be"),
        ({"size": (32, 32), "image": Image.new("RGB", (16, 16))}, r"The image has 16x16 pixels, but 32x32 are drawn"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_in_windows_is_one_sentence(pipe: Pipeline, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        pipe.generate("a cat", **options)


@pytest.mark.parametrize(
    "options",
    [{}, {"size": (32, 16)}, {"prompt": "", "region": [[(0.0, 0.0, 0.5, 1.0), "a hat"]]}],
    ids=["plain", "windows", "regions alone"],
)
def test_a_field_that_stands_still_is_no_memory_in_windows_and_regions(pipe: Pipeline, options: dict[str, Any]) -> None:
    """CFG-Zero* has no motion above 0.96: after two such steps of thirty, 2M's first one that moves is DDIM's."""
    asked = {"prompt": "a cat", "steps": 30, "seed": 5, "guidance": 3.0, "guidance_methods": ("cfg-zero",), **options}
    ddim, twice = ([one.step.x for one in pipe.stream(solver=name, **asked)] for name in ("ddim", "dpmpp-2m"))
    for place in range(3):
        torch.testing.assert_close(twice[place], ddim[place], rtol=1e-5, atol=1e-5)
    moved = float((ddim[1] - ddim[0]).abs().max())
    assert (moved < 1e-5) == ("region" not in options)  # which is of other pixels, and the rest becomes empty
    assert float((ddim[2] - ddim[1]).abs().max()) > 1e-3
    assert float((twice[-1] - ddim[-1]).abs().max()) > 1e-4
