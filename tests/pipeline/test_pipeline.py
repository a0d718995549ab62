"""The one pipeline: seeds, batches, guidance, refusals, and what a recipe says."""

import math
import random
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mezzotint import Pipeline, Request
from mezzotint.diffusion import SOLVERS
from mezzotint.errors import InvalidOption
from mezzotint.pipeline import Preview
from mezzotint.provenance.pixels import pixel_sha256, psnr


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_picture_of_a_batch_is_the_picture_of_its_seed(pipe: Pipeline, solver: str) -> None:
    batch = pipe.generate("a red apple", n=3, seed=7, steps=3, solver=solver)
    assert [r.request.seed for r in batch.recipes] == [7, 8, 9]
    for seed, recipe in zip((7, 8, 9), batch.recipes, strict=True):
        alone = pipe.generate("a red apple", seed=seed, steps=3, solver=solver)
        assert alone.recipes[0] == recipe
        assert recipe.pixels_sha256 == pixel_sha256(alone.images[0])
    assert len({r.pixels_sha256 for r in batch.recipes}) == 3


def test_seeds_wrap_around(pipe: Pipeline) -> None:
    seeds = [r.request.seed for r in pipe.generate("x", n=2, seed=2**64 - 1, steps=1).recipes]
    assert seeds == [2**64 - 1, 0]


def test_fast_batches_stay_within_a_tolerance_and_say_that_they_were(pipe: Pipeline) -> None:
    exact = pipe.generate("a red apple", n=10, seed=1, steps=3)
    fast = pipe.generate("a red apple", n=10, seed=1, steps=3, batching="fast")
    assert all(r.request.batching == "fast" for r in fast.recipes)
    for a, b in zip(exact.images, fast.images, strict=True):
        assert psnr(a, b) > 60
    assert [r.request.seed for r in fast.recipes] == [r.request.seed for r in exact.recipes]


def test_guidance_one_is_off_and_costs_half(pipe: Pipeline) -> None:
    plain = pipe.generate("a red apple", seed=3, steps=4, guidance=1)
    negative = pipe.generate("a red apple", seed=3, steps=4, guidance=1, negative="blue")
    guided = pipe.generate("a red apple", seed=3, steps=4, guidance=3)
    assert (plain.evaluations, guided.evaluations) == (4, 8)
    assert plain.recipes[0].pixels_sha256 == negative.recipes[0].pixels_sha256 != guided.recipes[0].pixels_sha256
    assert negative.ignored == ("negative: blue",)


def test_a_guidance_interval_saves_the_evaluations_outside(pipe: Pipeline) -> None:
    part = pipe.generate("a red apple", seed=3, steps=4, guidance=3, guidance_interval=(0.4, 0.8))
    assert part.evaluations == 4 + 2  # of the times 1, .75, .5, .25 two are inside
    none = pipe.generate("a red apple", seed=3, steps=4, guidance=3, guidance_interval=(0.3, 0.4))
    off = pipe.generate("a red apple", seed=3, steps=4, guidance=1)
    assert none.recipes[0].pixels_sha256 == off.recipes[0].pixels_sha256


@pytest.mark.parametrize(
    "change",
    [{"negative": "green"}, {"style": "flat"}, {"steps": 5}, {"guidance": 2.0}, {"grid": "karras"}, {"seed": 4}],
)
def test_every_option_acts(pipe: Pipeline, change: dict[str, object]) -> None:
    base = {"seed": 3, "steps": 4, "guidance": 3.0}
    first = pipe.generate("a red apple", **base)
    second = pipe.generate("a red apple", **{**base, **change})
    assert first.recipes[0].pixels_sha256 != second.recipes[0].pixels_sha256


def test_a_grid_may_be_given_as_times(pipe: Pipeline) -> None:
    named = pipe.generate("a red apple", seed=3, steps=4, grid="linear")
    times = pipe.generate("a red apple", seed=3, grid=[1, 0.75, 0.5, 0.25, 0])
    assert named.recipes[0].request.grid == "uniform"
    assert times.recipes[0].request.grid == (1.0, 0.75, 0.5, 0.25, 0.0)
    assert times.recipes[0].request.steps == 4
    assert times.recipes[0].pixels_sha256 == named.recipes[0].pixels_sha256
    assert pipe.generate(times.recipes[0].request).recipes == times.recipes
    assert pipe.generate(times.recipes[0].request, grid=[1, 0.5, 0]).recipes[0].request.steps == 2
    late = next(pipe.stream("a red apple", seed=3, grid=[0.5, 0])).step.prediction
    start = next(pipe.stream("a red apple", seed=3, grid=[1, 0])).step.prediction
    assert late is not None
    assert start is not None
    torch.testing.assert_close(late.x_t, 0.5 * start.x_t, rtol=0, atol=0)  # sigma_t eps


@pytest.mark.parametrize(
    ("spec", "same"),
    [
        ({"grid": "log-snr"}, {"grid": "polyexponential:rho=1"}),
        ({"solver": "DDIM:eta=0.5"}, {"solver": "ddim", "eta": 0.5}),
    ],
)
def test_options_of_solvers_and_grids_act(pipe: Pipeline, spec: dict[str, Any], same: dict[str, Any]) -> None:
    first, second = (pipe.generate("a red apple", seed=3, steps=4, **options).recipes[0] for options in (spec, same))
    assert first.pixels_sha256 == second.pixels_sha256
    assert first.pixels_sha256 != pipe.generate("a red apple", seed=3, steps=4).recipes[0].pixels_sha256


def test_streaming_shows_every_step_from_pure_noise_to_the_picture(pipe: Pipeline) -> None:
    previews = list(pipe.stream("a red apple", seed=5, steps=3))
    assert [p.step.index for p in previews] == [0, 1, 2]
    first, last = previews[0], previews[-1]
    assert first.step.prediction is not None
    start = first.step.prediction.x_t.flatten().double()
    assert abs(float(start.mean())) < 0.05
    assert abs(float(start.std()) - 1) < 0.05
    assert first.image is None
    assert last.image is not None
    torch.testing.assert_close(last.x, last.x0)
    assert pixel_sha256(last.image) == pipe.generate("a red apple", seed=5, steps=3).recipes[0].pixels_sha256


@pytest.mark.parametrize("solver", SOLVERS)
def test_global_generators_are_neither_read_nor_changed(pipe: Pipeline, solver: str) -> None:
    """Between any two steps all three are set to something else."""

    def states() -> tuple[object, str, bytes]:
        return random.getstate(), str(np.random.get_state()), torch.get_rng_state().numpy().tobytes()  # noqa: NPY002

    def reseed(seed: int) -> None:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)

    options: dict[str, Any] = {"seed": 5, "steps": 3, "solver": solver}
    reseed(1)
    before = states()
    first = pipe.generate("a red apple", **options)
    assert states() == before
    shown = []
    for number, preview in enumerate(pipe.stream("a red apple", **options)):
        shown.append(preview)
        reseed(number + 2)
    assert shown[-1].recipe == first.recipes[0]


def test_two_streams_at_once_give_what_each_gives_alone(pipe: Pipeline) -> None:
    alone = [pipe.generate("a cat", seed=s, steps=4, guidance=g).recipes[0] for s, g in ((1, 3.0), (2, 1.0))]
    streams = [pipe.stream("a cat", seed=s, steps=4, guidance=g) for s, g in ((1, 3.0), (2, 1.0))]
    last = [None, None]
    for _ in range(4):
        last = [next(stream) for stream in streams]
    assert [p.recipe for p in last] == alone  # type: ignore[union-attr]
    found: dict[int, object] = {}

    def draw(seed: int, guidance: float) -> None:
        found[seed] = pipe.generate("a cat", seed=seed, steps=4, guidance=guidance).recipes[0]

    threads = [threading.Thread(target=draw, args=pair) for pair in ((1, 3.0), (2, 1.0))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[1], found[2]] == alone


@pytest.mark.parametrize("solver", SOLVERS)
def test_streams_of_every_solver_give_what_each_gives_alone(pipe: Pipeline, solver: str) -> None:
    asked = [{"seed": seed, "steps": 3, "guidance": scale, "solver": solver} for seed, scale in ((1, 3.0), (2, 1.0))]
    alone = [pipe.generate("a cat", **options).recipes[0] for options in asked]
    assert alone[0].pixels_sha256 != alone[1].pixels_sha256
    streams, last = [pipe.stream("a cat", **options) for options in asked], list[Preview | None]([None, None])
    for _ in range(3):
        last = [next(stream, before) for stream, before in zip(streams, last, strict=True)]
    assert [preview.recipe for preview in last if preview is not None] == alone


def test_a_stream_leaks_no_mode_into_its_caller(pipe: Pipeline) -> None:
    stream = pipe.stream("a cat", steps=3)
    next(stream)
    assert not torch.is_inference_mode_enabled()
    assert torch.is_grad_enabled()
    stream.close()


def test_a_recipe_draws_the_same_picture_again(pipe: Pipeline) -> None:
    recipe = pipe.generate("a red apple", seed=11, style="noto", negative="blue").recipes[0]
    assert pipe.generate(recipe.request).recipes[0] == recipe
    assert recipe.request.steps == 4
    assert recipe.request.solver == "dpmpp-2m"


def test_what_was_ignored_is_named(pipe: Pipeline) -> None:
    result = pipe.generate("a red apple ☃ 一 ☃ " + "word " * 40, steps=4)
    assert result.ignored == ("☃", "一")  # each named once, and of the many words none
    longer, long, short = (
        pipe.generate("a red apple " + "word " * n, seed=1, steps=4).recipes[0].pixels_sha256 for n in (41, 40, 25)
    )
    assert len({longer, long, short}) == 3  # they are read
    empty = pipe.generate("", steps=1)
    assert "empty" in empty.warnings[0]
    assert pipe.generate("a red apple", steps=4).ignored == ()


def test_too_few_steps_for_the_solvers_order_are_named(pipe: Pipeline) -> None:
    def said(**options: Any) -> tuple[str, ...]:
        return pipe.ignored(pipe.resolve(Request(prompt="a red apple", **options)))

    assert said(steps=2) == (
        "solver: dpmpp-2m takes 3 steps or more from pure noise to be of order 2; with 2 it draws as ddim does",
    )
    ddim, same = (pipe.generate("a red apple", seed=4, steps=2, solver=solver) for solver in ("ddim", "dpmpp-2m"))
    assert psnr(ddim.images[0], same.images[0]) > 60
    assert (ddim.ignored, len(same.ignored)) == ((), 1)
    assert said(steps=1, solver="ddpm") == ()
    assert said(grid=(0.9, 0.5, 0.2, 0)) == ()  # three steps are enough below pure noise
    assert said(steps=4, solver="deis-3") == ()
    assert (
        "takes 4 steps or more from pure noise to be of order 3; with 3 its order is lower"
        in said(steps=3, solver="deis-3")[0]
    )
    assert said(steps=3, solver="deis-3:formula_order=2") == ()


def test_steps_that_cfg_zero_does_not_make_are_no_steps_of_the_solver(pipe: Pipeline) -> None:
    def said(**options: Any) -> tuple[str, ...]:
        return pipe.ignored(pipe.resolve(Request(prompt="a red apple", guidance=3.0, grid="uniform", **options)))

    zero = {"guidance_methods": ("cfg-zero",)}
    told = (
        "solver: dpmpp-2m takes 3 steps or more to be of order 2; with 2, beside 1 in which the guidance moves "
        "nothing, it draws as ddim does"
    )
    assert said(steps=3, **zero) == (told,)
    assert said(steps=3) == said(steps=4, **zero) == ()
    asked = {"seed": 4, "guidance": 3.0, "grid": "uniform"}
    for steps, least, most in ((3, 60, math.inf), (4, 0, 55)):
        two = [pipe.generate("a red apple", solver=name, steps=steps, **asked, **zero) for name in ("ddim", "dpmpp-2m")]
        assert least < psnr(two[0].images[0], two[1].images[0]) <= most
    # where there is no motion to leave out: without guidance, outside an interval, and for solvers that draw noise
    assert said(steps=3, guidance_methods=("cfg-zero:zero_above=1",)) == ()
    assert said(steps=3, guidance_interval=(0.0, 0.9), **zero) == ()
    assert said(steps=3, solver="dpmpp-2m-sde", **zero) == ()
    assert "in 1 of the 4 here the guidance moves nothing" in str(
        said(steps=4, solver="fitted-2m:kept=0.9+1+1,times=1+0.75+0.5+0.25+0", **zero)
    )
    assert str(said(steps=4, solver="fitted-2m:kept=0.9+1+1", **zero)[0]).endswith(
        "numbers for 4 steps, and here are 3, beside 1 in which the guidance moves nothing"
    )
    assert said(steps=4, solver="fitted-2m:kept=0.9+1", **zero) == ()


def test_too_few_steps_of_a_later_pass_are_named(pipe: Pipeline) -> None:
    def said(**options: Any) -> tuple[str, ...]:
        return pipe.ignored(pipe.resolve(Request(prompt="a red apple", steps=4, **options)))

    larger = {"size": (64, 64), "hires": True}
    told = ("solver: dpmpp-2m takes 3 steps or more to be of order 2; with 2 it draws as ddim does",)
    assert said(**larger, hires_strength=0.5) == told
    assert said(**larger, hires_strength=0.8) == ()
    box = ((0.0, 0.0, 0.5, 0.5), "a hat")
    assert said(detail=(box,), detail_strength=0.5) == told
    assert said(detail=(box,)) == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": "eulr"}, "did you mean euler"),
        ({"style": "nto"}, "did you mean noto"),
        ({"grid": "karas"}, "did you mean karras"),
        ({"size": (128, 132)}, "draws pictures of 32x32"),
        ({"steps": 0}, "steps is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"guidance": float("nan")}, "guidance is nan"),
        ({"stesp": 4}, "did you mean steps"),
        ({"num_inference_steps": 4}, "called 'num_inference_steps'; here it is steps"),
        ({"height": 64}, r"here it is size, as \(width, height\)"),
        ({"generator": None}, "here it is seed, a whole number"),
        ({"solver": "euler", "eta": 0.5}, "The solver euler takes no eta; the solvers that do are ddim"),
        ({"solver": "heun:eta=0.5"}, "The solver heun takes no eta; the solvers that do are ddim"),
        ({"solver": "ddim:eta=0.5", "eta": 0.5}, "the solver ddim:eta=0.5 says it too; give it once"),
        ({"solver": "ddim:eta=much"}, "option eta of the solver ddim must be a number, not much"),
        ({"solver": "lcm:tell=true"}, "tells the network to which time it jumps, and the model random is told no such"),
        ({"solver": "ddpm:variance=wide"}, "There is no variance of the solver ddpm called 'wide'"),
        ({"grid": "karras:roh=5"}, "The grid karras has no option 'roh'; did you mean rho"),
        ({"grid": "shifted:shift=-1"}, "shift of a time grid must be a positive number"),
        ({"grid": "repaint:base=uniform"}, "The grid repaint has no option 'base'"),
        ({"grid": "inversion"}, "ends at t = 1, and a picture is at t = 0; rising grids such as inversion"),
        ({"solver": "heun:coordinate=ratio"}, "The coordinate ratio is infinite at alpha = 0"),
        ({"solver": "seeds-2", "grid": (1, 1 - 1e-15, 0.5, 0)}, "whose first step from pure noise goes to"),
    ],
)
def test_a_bad_option_is_refused_before_any_work(pipe: Pipeline, options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        pipe.stream("a red apple", **options)


def test_a_network_that_predicts_eps_is_refused_before_it_is_called(pipe: Pipeline) -> None:
    """Pure noise of rectified flow says nothing to it; below t = 1 it draws."""
    eps = Pipeline(replace(pipe.model, denoiser=replace(pipe.model.denoiser, target="eps")))
    with pytest.raises(InvalidOption, match=r"start it below t = 1, such as uniform:start=0\.99"):
        eps.stream("a red apple", steps=3)
    assert eps.generate("a red apple", steps=4, grid="uniform:start=0.99").evaluations == 8


def test_a_request_may_be_given_whole(pipe: Pipeline) -> None:
    request = Request(prompt="a cat", seed=5, steps=2, model="random")
    assert pipe.generate(request).recipes == pipe.generate("a cat", seed=5, steps=2).recipes


@pytest.mark.parametrize(
    ("name", "message"), [("hose", "did you mean house|house|no model"), ("/nowhere/x", "no model")]
)
def test_an_unknown_model_is_refused(name: str, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        Pipeline.load(name)


def test_an_unknown_device_or_dtype_is_refused(folder: Path) -> None:
    with pytest.raises(InvalidOption, match="device 'abacus'"):
        Pipeline.load(str(folder), device="abacus")
    with pytest.raises(InvalidOption, match="dtype called 'float12'"):
        Pipeline.load(str(folder), dtype="float12")


def test_bfloat16_draws_nearly_the_same_picture(folder: Path, pipe: Pipeline) -> None:
    rough = Pipeline.load(str(folder), dtype="bfloat16").generate("a red apple", seed=2, steps=3)
    assert rough.recipes[0].request.dtype == "bfloat16"
    exact = pipe.generate("a red apple", seed=2, steps=3)
    assert rough.recipes[0].pixels_sha256 != exact.recipes[0].pixels_sha256
    assert psnr(rough.images[0], exact.images[0]) > 20
