"""Tiles: a picture on a torus has no edge."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from mezzotint import Pipeline
from mezzotint.codecs.images import from_image
from mezzotint.conditioning.prompt import lifted
from mezzotint.errors import InvalidOption
from mezzotint.tasks import Given, edit_of
from tests.editing.test_windows import Told, random
from tests.support import SMALL, model_folder

SIDE = 16


@pytest.fixture(scope="module")
def pipe(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = model_folder(tmp_path_factory.mktemp("m") / "m", replace(SMALL, size=SIDE, patch=4))
    return Pipeline.load(str(folder), device="cpu", dtype="float32")


def said(pipe: Pipeline, x: torch.Tensor, **options: Any) -> torch.Tensor:
    """What a denoiser that looks at the place in the window says under the edits of a request."""
    size = (x.shape[-1], x.shape[-2])
    request = pipe.resolve(replace(pipe.model.defaults, prompt="", size=size, **options))
    edit = edit_of(Given(request, {}, pipe.model.codec, pipe.model.size))
    return edit.wrap(Told())(x, torch.tensor(0.5), {"cond": 1.0}).x0


@pytest.mark.parametrize("size", [(16, 16), (24, 32)])
@pytest.mark.parametrize(("tile", "axes"), [("x", (-1,)), ("y", (-2,)), ("both", (-1, -2))])
def test_a_tile_that_is_moved_over_its_edge_is_the_same_tile(
    pipe: Pipeline, size: tuple[int, int], tile: str, axes: tuple[int, ...]
) -> None:
    """By the distance of windows: then they see the same, each another one's part."""
    x = random(1, 4, 1, *size)
    for axis in (-1, -2):
        moved = torch.roll(said(pipe, x, tile=tile), 8, dims=axis)
        found = said(pipe, torch.roll(x, 8, dims=axis), tile=tile)
        assert torch.allclose(found, moved, atol=1e-5) == (axis in axes)


def step(values: np.ndarray, axis: int) -> tuple[float, float]:
    """The mean step over the edge, and that inside."""
    over = np.abs(np.take(values, 0, axis) - np.take(values, -1, axis)).mean()
    return float(over), float(np.abs(np.diff(values, axis=axis)).mean())


def test_the_house_model_draws_tiles_without_an_edge() -> None:
    pipe = Pipeline.load("house")
    # a pattern goes on over the edge as it goes on inside, on average over several
    images = [pipe.generate("green leaves", seed=seed, tile="both", steps=16).images[0] for seed in range(6)]
    values = [from_image(image)[:, 0].double().numpy() for image in images]
    steps = np.array([step(one, axis) for one in values for axis in (1, 2)])
    assert steps[:, 0].mean() < steps[:, 1].mean()
    # and there is something at the edge: icons without --tile have nothing there
    assert np.mean([one[3, :, 0] > 0 for one in values]) > 0.3
    assert np.mean([one[3, 0] > 0 for one in values]) > 0.3


def test_a_prompt_asks_for_a_tile_with_a_flag(pipe: Pipeline) -> None:
    assert lifted("leaves --tile", {})["tile"] == "both"
    with pytest.raises(InvalidOption, match="tile is given twice"):
        lifted("leaves --tile", {"tile": "x"})
    flagged, asked, plain = (
        np.asarray(pipe.generate(prompt, seed=5, **options).images[0])
        for prompt, options in (("leaves --tile", {}), ("leaves", {"tile": "both"}), ("leaves", {}))
    )
    assert np.array_equal(flagged, asked)
    assert not np.array_equal(flagged, plain)


def test_a_tile_is_one_of_three(pipe: Pipeline) -> None:
    with pytest.raises(InvalidOption, match="There is no tile called 'z'; it must be one of both, x, y"):
        pipe.generate("leaves", tile="z")
