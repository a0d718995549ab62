"""Inverse problems with the trained model: a measurement is met, and the picture comes nearer to the true one."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint import Pipeline, Request
from mezzotint.codecs.images import from_image
from mezzotint.diffusion import Bound, PhiloxNoise, Purpose, pure_noise, sample
from mezzotint.diffusion.denoiser import Denoiser
from mezzotint.diffusion.inverse import Blur, Downscale, Grey, LinearOperator, Posterior, Projected
from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.diffusion.timegrid import from_times, inversion, times_of, uniform

PROMPT = "a red apple"
NOISE = 0.05


@pytest.fixture(scope="module")
def house() -> Pipeline:
    return Pipeline.load("house", device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def truth(house: Pipeline) -> Tensor:
    image = house.generate(PROMPT, seed=7).images[0]
    return from_image(image)[None].double()


@pytest.fixture(scope="module")
def cond(house: Pipeline) -> dict[str, Any]:
    return {"cond": house.model.prepare([PROMPT], [house.resolve(Request(prompt=PROMPT)).style])}


@pytest.fixture
def end(house: Pipeline, truth: Tensor, cond: dict[str, Any]) -> Callable[[Denoiser[Any]], Tensor]:
    """Where ten steps from other noise than the picture's end."""
    schedule, noise = house.model.denoiser.schedule, PhiloxNoise([3])
    start = pure_noise(schedule, tuple(truth.shape), noise).double()

    def run(denoiser: Denoiser[Any]) -> Tensor:
        *_, last = sample(Bound(denoiser, cond), start, uniform(10, schedule), SOLVERS["ddim"].make(), noise)
        return last.x

    return run


def rms(x: Tensor) -> float:
    return float(x.square().mean().sqrt())


OPERATORS = {"deblur": Blur(2.0), "super-resolve": Downscale(4), "colourise": Grey((0.299, 0.587, 0.114, 0.0))}


@pytest.mark.parametrize("name", OPERATORS)
def test_a_posterior_meets_the_measurement_and_comes_nearer_to_the_picture(
    house: Pipeline, truth: Tensor, end: Callable[[Denoiser[Any]], Tensor], name: str
) -> None:
    operator: LinearOperator = OPERATORS[name]
    clean = operator(truth)
    measured = clean + NOISE * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0)).double()
    plain = end(house.model.denoiser)
    for iterations, close in ((1, 2), (12, 1.1)):
        found = end(Posterior(house.model.denoiser, operator, measured, NOISE, iterations=iterations))
        assert rms(operator(found) - measured) < close * NOISE
        assert rms(operator(plain) - measured) > 3 * NOISE
        assert rms(found - truth) < (0.85 if name == "colourise" else 0.5) * rms(plain - truth)


@pytest.mark.parametrize("name", OPERATORS)
def test_a_projection_meets_the_measurement_exactly(
    house: Pipeline, truth: Tensor, end: Callable[[Denoiser[Any]], Tensor], name: str
) -> None:
    operator = OPERATORS[name]
    found, plain = end(Projected(house.model.denoiser, operator, operator(truth))), end(house.model.denoiser)
    assert rms(operator(found) - operator(truth)) < 2e-3  # a blur leaves next to nothing of some frequencies
    assert rms(found - truth) < 0.9 * rms(plain - truth)


@pytest.mark.parametrize("steps", [10, 30])
def test_a_picture_is_inverted_to_noise_and_drawn_again(
    house: Pipeline, truth: Tensor, cond: dict[str, Any], steps: int
) -> None:
    denoise, schedule = Bound(house.model.denoiser, cond), house.model.denoiser.schedule
    grid, noise = inversion(steps, schedule), PhiloxNoise([5])
    level = schedule(grid[0].t)  # type: ignore[union-attr]
    x = level.noised(truth, noise.normal(tuple(truth.shape), Purpose.START, 0).double())
    solver = SOLVERS["fixed-point-ddim"].make()
    with torch.inference_mode():
        *_, top = sample(denoise, x, grid, solver, PhiloxNoise([0]))
        *_, back = sample(denoise, top.x, from_times(times_of(grid)[::-1]), solver, PhiloxNoise([0]))
        drawn = denoise(back.x, torch.tensor(grid[0].t)).x0  # type: ignore[union-attr]
    assert rms(back.x - x) < 1e-3
    assert float(top.x.std()) == pytest.approx(1, abs=0.05)  # noise, as the model knows it
    assert abs(float(top.x.mean())) < 0.05
    neighbours = top.x[..., 1:] * top.x[..., :-1]
    assert abs(float(neighbours.mean())) < 0.1  # and white
    assert rms(drawn - truth) < 0.03
