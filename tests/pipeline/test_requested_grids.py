"""Grids and solvers that depend on what is drawn, or that have no effect: said, not done in silence."""

import math

import pytest

from mezzotint import Pipeline, Request
from mezzotint.diffusion.timegrid import Renoise, shifted, times_of
from mezzotint.errors import InvalidOption


def test_the_dynamic_shift_is_that_of_the_pictures_own_tokens(pipe: Pipeline) -> None:
    config = pipe.model.denoiser.network.config  # type: ignore[attr-defined]
    tokens = (config.size // config.patch) ** 2
    recipe = pipe.generate("a cat", grid="flux", steps=5).recipes[0]
    assert recipe.request.grid == f"shifted-dynamic:tokens={tokens}"
    mu = 0.5 + 0.65 * (tokens - 256) / 3840
    expected = times_of(shifted(5, pipe.model.denoiser.schedule, shift=math.exp(mu)))
    assert times_of(pipe.time_grid(recipe.request)) == pytest.approx(expected, rel=1e-12)
    named = pipe.resolve(Request(prompt="a cat", grid="flux:tokens=1024", steps=5))
    middle = times_of(shifted(5, pipe.model.denoiser.schedule, shift=math.exp(0.63)))
    assert times_of(pipe.time_grid(named)) == pytest.approx(middle, rel=1e-12)


def test_a_dynamic_shift_without_tokens_is_refused(pipe: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(type(pipe.model.denoiser.network), "image_tokens")
    with pytest.raises(InvalidOption, match="this network has none; say it, such as shifted-dynamic:tokens=1024"):
        pipe.resolve(Request(prompt="a cat", grid="flux"))


@pytest.mark.parametrize(
    ("grid", "steps", "words"),
    [
        ("repaint", 20, "no room for a jump of 10: .* use a length of at most 9"),
        ("repaint:length=3", 2, "use more steps"),
    ],
)
def test_a_grid_that_would_not_jump_is_refused(pipe: Pipeline, grid: str, steps: int, words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        pipe.resolve(Request(prompt="a cat", grid=grid, steps=steps))


def test_the_length_that_is_named_does_jump(pipe: Pipeline) -> None:
    moves = pipe.time_grid(pipe.resolve(Request(prompt="a cat", grid="repaint:length=9", steps=20)))
    assert sum(isinstance(move, Renoise) for move in moves) == 9


@pytest.mark.parametrize("solver", ["lcm", "tcd"])
def test_a_solver_for_consistency_models_is_told_of_with_other_networks(
    pipe: Pipeline, solver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = pipe.resolve(Request(prompt="", solver=solver, steps=4))
    (said,) = (item for item in pipe.ignored(request) if "consistency models" in item)
    assert said.startswith(f"solver: {solver} ")
    monkeypatch.setattr(type(pipe.model.denoiser.network), "flow_map", True, raising=False)
    assert not any("consistency models" in item for item in pipe.ignored(request))


@pytest.mark.parametrize("asked", [{"solver": "dpmpp-2m:eta=0.5"}, {"solver": "heun", "eta": 0.5}])
def test_eta_on_a_solver_without_noise_names_those_that_have_it(pipe: Pipeline, asked: dict[str, object]) -> None:
    with pytest.raises(InvalidOption, match=r"takes no eta; the solvers that do are ddim, .*dpmpp-2m-sde"):
        pipe.resolve(Request(prompt="a cat", **asked))  # type: ignore[arg-type]
