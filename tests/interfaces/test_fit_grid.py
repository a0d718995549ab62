"""`mezzotint fit-grid`, and drawing with what it found."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from mezzotint import Pipeline, Request
from mezzotint.checkpoints import grids
from mezzotint.checkpoints.grids import GRIDS, read_grids, store_grid
from mezzotint.diffusion import PhiloxNoise, pure_noise, sample
from mezzotint.diffusion.timegrid import from_times, times_of, uniform
from mezzotint.errors import InvalidOption, OutOfSpace
from mezzotint.interfaces.cli.fit_grid import FIRST_SEED, PROMPTS, guided_over
from mezzotint.interfaces.cli.session import short
from mezzotint.provenance import read_metadata
from mezzotint.spec import Spec
from tests.interfaces.conftest import Run, parsed, sentence

FIT = ("--steps", 3, "--starts", 4, "--fine", 40, "--solver", "unipc-2", "--guidance", 2, "--format", "json")


@pytest.fixture(scope="module")
def fitted(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A copy of the model with one fitted grid, and what the command said."""
    from click.testing import CliRunner

    from mezzotint.interfaces.cli.main import cli

    folder = tmp_path_factory.mktemp("fitted") / "random"
    shutil.copytree(model, folder)
    return folder, parsed(CliRunner().invoke(cli, ["fit-grid", str(folder), *map(str, FIT)]))


def mean_error(folder: Path, times: list[float], seeds: range) -> float:
    """RMS distance of where a grid ends to where 200 steps end, on pictures of these seeds."""
    pipe = Pipeline.load(str(folder))
    request = pipe.resolve(Request(prompt="", steps=3, solver="unipc-2", guidance=2.0, grid="uniform"))
    denoise = guided_over(pipe, request, PROMPTS[: len(seeds)])
    noise = PhiloxNoise(seeds)
    start = pure_noise(denoise.schedule, (len(seeds), 4, 1, 32, 32), noise)
    with torch.inference_mode():
        fine = from_times([t for t in times_of(uniform(200, denoise.schedule)) if not 0 < t < 0.045])
        *_, truth = sample(denoise, start, fine, pipe.solver(request), noise)
        grid = pipe.time_grid(replace(request, grid=tuple(times)))
        *_, last = sample(denoise, start, grid, pipe.solver(request), noise)
    return float((last.x - truth.x).double().square().mean().sqrt())


def test_a_fitted_grid_is_nearer_to_many_steps_also_from_other_noise(fitted: tuple[Path, dict[str, Any]]) -> None:
    folder, found = fitted
    assert found["error"] < 0.8 * found["default_error"]
    seeds = range(8)  # none of those that were fitted to
    assert found["seed"] == FIRST_SEED > 8
    usual = times_of(uniform(3, Pipeline.load(str(folder)).model.denoiser.schedule))
    assert mean_error(folder, found["times"], seeds) < 0.85 * mean_error(folder, usual, seeds)


def test_what_was_found_is_stored_with_what_it_was_found_with(fitted: tuple[Path, dict[str, Any]]) -> None:
    folder, found = fitted
    (grid,) = read_grids(folder)
    assert grid.to_json_dict().items() <= found.items()
    assert found["file"] == str(folder / GRIDS)
    assert (grid.solver, grid.steps, grid.guidance, grid.starts) == ("unipc-2", 3, 2.0, 4)
    assert (grid.default_grid, grid.prompts) == ("uniform", PROMPTS[:4])
    assert grid.weights_sha256 == Pipeline.load(str(folder)).model.weights_sha256
    assert grid.fine_steps == 40 + 2 - 1  # 1/3 and 2/3 of the usual grid are no fortieths; 1/40 has too little noise


def test_a_picture_takes_the_fitted_grid_and_a_refit_does_not_change_it(
    run: Run, fitted: tuple[Path, dict[str, Any]], here: Path
) -> None:
    folder, found = fitted
    shutil.copytree(folder, here / "copy")
    draw = (
        "imagine",
        "a cat",
        "--seed",
        5,
        "--model",
        here / "copy",
        "--solver",
        "unipc",
        "--format",
        "json",
        "--guidance",
        2,
    )
    (picture,) = parsed(run(*draw, "--steps", 3, "--out", "a.png"))["pictures"]
    assert picture["recipe"]["request"]["grid"] == found["times"]
    assert picture["evaluations"] == 2 * 3
    named = parsed(run(*draw, "--steps", 3, "--grid", "fitted", "--out", "b.png"))["pictures"][0]
    assert named["pixels_sha256"] == picture["pixels_sha256"]
    usual = parsed(run(*draw, "--steps", 3, "--grid", "uniform", "--out", "c.png"))["pictures"][0]
    assert usual["recipe"]["request"]["grid"] == "uniform"
    assert usual["pixels_sha256"] != picture["pixels_sha256"]
    more = parsed(run(*draw, "--steps", 4, "--out", "d.png"))["pictures"][0]
    assert more["recipe"]["request"]["grid"] == "uniform"

    store_grid(here / "copy", replace(read_grids(folder)[0], times=(1.0, 0.3, 0.1, 0.0)))
    again = parsed(run(*draw, "--steps", 3, "--out", "e.png"))["pictures"][0]
    assert again["recipe"]["request"]["grid"] == [1.0, 0.3, 0.1, 0.0]
    assert again["pixels_sha256"] != picture["pixels_sha256"]
    told = parsed(run("reproduce", "a.png", "--model", here / "copy", "--format", "json"))
    assert told["status"] == "identical"
    assert told["recipe"]["request"]["grid"] == found["times"]
    recipe = read_metadata(here / "a.png").recipe
    assert recipe is not None
    assert recipe.request.grid == tuple(found["times"])


def test_what_is_fitted_to_another_solver_is_taken_where_none_is_named(fitted: tuple[Path, Any], here: Path) -> None:
    folder = here / "copy"
    shutil.copytree(fitted[0], folder)
    (grid,) = read_grids(folder)
    times, numbers = (1.0, 0.8, 0.5, 0.2, 0.0), {"kept": (0.9, 1.1, 0.95), "gains": (1.2, 0.8, 1.1)}
    own = replace(grid, solver="fitted-2m", steps=4, guidance=3.5, times=times, error=0.1, **numbers)
    store_grid(folder, own)
    store_grid(folder, replace(grid, solver="heun", steps=4, guidance=3.5, times=(1.0, 0.7, 0.6, 0.1, 0.0), error=0.2))
    store_grid(folder, replace(grid, solver="heun", steps=2, guidance=1.0, times=(1.0, 0.4, 0.0)))
    pipe = Pipeline.load(str(folder))

    def drawn_by(**options: Any) -> tuple[str | None, Any]:
        asked = {"prompt": "a cat", "steps": 4, "guidance": 3.5, **options}
        found = pipe.resolve(Request(**asked))
        return found.solver, found.grid

    best, usual = (own.drawn_with, times), ("dpmpp-2m", "uniform")
    assert drawn_by() == drawn_by(negative="a dog") == drawn_by(image="0" * 64, strength=0.5) == best
    assert drawn_by(grid="fitted") == drawn_by(grid="fitted", guidance=2.0) == best
    others: tuple[dict[str, Any], ...] = (
        {"solver": "dpmpp-2m"}, {"grid": "uniform"}, {"steps": 5}, {"guidance": 3.0}, {"guidance_methods": ("apg",)},
        {"guidance_interval": (0.0, 0.9)}, {"chaos": 50}, {"style_ref": "0" * 64}, {"structure_ref": "0" * 64},
        {"image": "0" * 64, "mask": "0" * 64}, {"region": [((0.0, 0.0, 1.0, 0.5), "a hat")]},
        {"keep_layout": 0.5, "source_prompt": "a dog"},
    )  # fmt: skip
    for options in others:
        solver, times_of_it = drawn_by(**options)
        assert (solver, times_of_it) == usual, options
    assert drawn_by(image="0" * 64, invert=True)[0] == "ddim"
    assert drawn_by(solver="heun") == ("heun", (1.0, 0.7, 0.6, 0.1, 0.0))
    assert drawn_by(steps=2, guidance=1.0) == ("heun", (1.0, 0.4, 0.0))
    usual_times = (1.0, 0.7, 0.3, 0.1, 0.0)
    store_grid(folder, replace(grid, solver="dpmpp-2m", steps=4, guidance=3.5, times=usual_times, error=0.9))
    pipe = Pipeline.load(str(folder))
    assert drawn_by() == ("dpmpp-2m", usual_times)  # what is fitted to the usual solver goes first
    assert short(own.drawn_with) == "fitted-2m"
    assert short("heun:coordinate=ratio") == "heun:coordinate=ratio"


def test_asking_by_name_for_what_is_not_fitted_is_refused(run: Run, model: Path, fitted: tuple[Path, Any]) -> None:
    folder, _ = fitted
    refused = sentence(run("imagine", "x", "--grid", "fitted", "--steps", 5, "--model", folder))
    assert "no grid fitted to dpmpp-2m with 5 steps; fitted are: unipc-2 with 3 steps;" in refused
    assert "fitted are: none" in sentence(run("imagine", "x", "--grid", "fitted", "--model", model))


def test_a_grid_is_not_taken_for_the_stochastic_form_of_its_solver(fitted: tuple[Path, Any], here: Path) -> None:
    shutil.copytree(fitted[0], here / "copy")
    store_grid(here / "copy", replace(read_grids(fitted[0])[0], solver="ddim"))
    pipe = Pipeline.load(str(here / "copy"))
    request = Request(prompt="", solver="ddim", steps=3, guidance=2)
    assert isinstance(pipe.resolve(request).grid, tuple)
    assert isinstance(pipe.resolve(replace(request, eta=0.0)).grid, tuple)
    assert pipe.resolve(replace(request, eta=0.5)).grid == "uniform"
    assert pipe.resolve(replace(request, solver="ddim:eta=0.5")).grid == "uniform"
    with pytest.raises(InvalidOption, match=r"no grid fitted to ddim with 3 steps and eta 0\.5"):
        pipe.resolve(Request(prompt="", solver="ddim", steps=3, eta=0.5, grid="fitted"))


def test_a_grid_is_taken_for_the_guidance_that_it_was_fitted_with(fitted: tuple[Path, Any], here: Path) -> None:
    shutil.copytree(fitted[0], here / "copy")
    (grid,) = read_grids(fitted[0])
    strong = replace(grid, guidance=6.0, times=(1.0, 0.8, 0.4, 0.0))
    store_grid(here / "copy", strong)
    pipe = Pipeline.load(str(here / "copy"))
    request = Request(prompt="", solver="unipc-2", steps=3, guidance=2)
    assert pipe.resolve(request).grid == grid.times
    assert pipe.resolve(replace(request, guidance=6)).grid == strong.times
    assert pipe.resolve(replace(request, guidance=5.5)).grid == "uniform"
    assert pipe.resolve(replace(request, guidance=5.5, grid="fitted")).grid == strong.times
    assert pipe.resolve(replace(request, guidance_methods=("apg:eta=0",))).grid == "uniform"
    assert pipe.resolve(replace(request, guidance_methods=("apg:eta=0",), grid="fitted")).grid == grid.times


def test_grids_of_other_weights_are_not_used_and_named(run: Run, fitted: tuple[Path, Any], here: Path) -> None:
    shutil.copytree(fitted[0], here / "copy")
    store_grid(here / "copy", replace(read_grids(fitted[0])[0], weights_sha256="0" * 64))
    draw = ("imagine", "x", "--seed", 1, "--steps", 3, "--solver", "unipc-2", "--model", here / "copy")
    found = parsed(run(*draw, "--format", "json"))
    assert found["pictures"][0]["recipe"]["request"]["grid"] == "uniform"
    (warning,) = found["warnings"]
    assert "fitted to other weights (unipc-2 with 3 steps)" in warning
    assert f"warning: {warning}" in run(*draw).stdout
    assert "fitted are: none" in sentence(run(*draw, "--grid", "fitted"))
    (listed,) = parsed(run("models", here / "copy", "--format", "json"))["models"]
    assert [grid["current"] for grid in listed["fitted_grids"]] == [False]
    assert "for other weights" in run("models", here / "copy").stdout


def test_models_lists_what_is_fitted(run: Run, fitted: tuple[Path, dict[str, Any]], model: Path) -> None:
    folder, found = fitted
    (listed,) = parsed(run("models", folder, "--format", "json"))["models"]
    (grid,) = listed["fitted_grids"]
    assert grid["current"]
    assert (grid["solver"], grid["steps"], grid["times"]) == ("unipc-2", 3, found["times"])
    assert "unipc-2 with 3 steps" in run("models", folder).stdout
    assert parsed(run("models", model, "--format", "json"))["models"][0]["fitted_grids"] == []


def test_strengths_are_fitted_with_the_times_and_drawn_with(run: Run, model: Path, here: Path) -> None:
    shutil.copytree(model, here / "copy")
    options = ("--steps", 5, "--starts", 4, "--fine", 40, "--guidance", 2, "--format", "json")
    plain = parsed(run("fit-grid", here / "copy", *options, "--solver", "dpmpp-2m"))
    found = parsed(run("fit-grid", here / "copy", *options, "--solver", "fitted-2m"))
    assert found["error"] < 0.9 * plain["error"]  # which is the same solver on times alone
    assert [len(found[name]) for name in ("strengths", "kept", "gains", "steering")] == [3, 4, 4, 5]
    assert (found["solver"], plain["strengths"]) == ("fitted-2m", [])
    draw = ("imagine", "a cat", "--seed", 5, "--model", here / "copy", "--guidance", 2, "--solver", "fitted-2m")
    (picture,) = parsed(run(*draw, "--steps", 5, "--strict", "--out", "a.png", "--format", "json"))["pictures"]
    request = picture["recipe"]["request"]
    assert request["grid"] == found["times"]
    numbers = {name: found[name] for name in ("gains", "kept", "steering", "strengths")}
    numbers["times"] = found["times"]
    options = (f"{name}={'+'.join(map(repr, values))}" for name, values in numbers.items())
    spec = f"fitted-2m:{','.join(options)}"
    assert request["solver"] == str(Spec.parse("solver", spec))
    (here / "copy" / GRIDS).unlink()  # the recipe says all of it
    assert parsed(run("reproduce", "a.png", "--model", here / "copy", "--format", "json"))["status"] == "identical"
    other = parsed(run(*draw, "--steps", 4, "--out", "b.png", "--format", "json"))["pictures"][0]
    assert any("fitted-2m has no numbers here" in item for item in other["ignored"])
    draw = (*draw[:-1], request["solver"])
    assert "for other times than those of 5 of the 6 steps here" in sentence(run(*draw, "--steps", 6, "--strict"))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--steps", 21, "--solver", "fitted-2m"), "fitted to 20 steps at most, not 21"),
        (("--steps", 5, "--solver", "fitted-2m:kept=0.9"), "finds the numbers of fitted-2m itself"),
        (("--steps", 5, "--solver", "fitted-2m", "--dtype", "bfloat16"), "small changes, which bfloat16 loses"),
        (["--steps", "1"], "steps is 1; it must be a whole number from 2 to 200"),
        (["--steps", "x"], "steps is 'x'"),
        ([], "Missing option '--steps'"),
        (["--steps", "3", "--starts", "0"], "starts is 0"),
        (["--steps", "30", "--fine", "30"], "fine is 30; it must be a whole number from 31 to 1000"),
        (["--steps", "3", "--seed", "-1"], "seed is -1"),
        (["--steps", "3", "--guidance", "nan"], "guidance is nan"),
        (["--steps", "3", "--solver", "unipcc"], "did you mean unipc"),
        (["--steps", "3", "--solver", "ddpm"], "cannot be fitted to the solver ddpm"),
        (["--steps", "3", "--solver", "dopri5"], "cannot be fitted to the solver dopri5"),
        (["--steps", "3", "--prompts", "none.txt"], "none.txt cannot be read (No such file"),
        (["--steps", "3", "--prompts", "empty.txt"], "empty.txt has no prompt"),
        (["--steps", "3", "--prompts", "bytes.txt"], "it is not UTF-8 text"),
        (["--steps", "3", "--threads", "0"], "threads is 0"),
        (["--steps", "3", "--device", "gpu7"], "device 'gpu7' is not available"),
    ],
)
def test_bad_values_are_one_sentence_and_leave_nothing(
    run: Run, model: Path, here: Path, args: list[str], words: str
) -> None:
    (here / "empty.txt").write_text("\n \n")
    (here / "bytes.txt").write_bytes(b"\xff")
    assert words in sentence(run("fit-grid", model, *args))
    assert not (model / GRIDS).exists()


def test_an_unknown_model_is_refused(run: Run) -> None:
    assert "There is no model called 'hoose'" in sentence(run("fit-grid", "hoose", "--steps", 3))


def test_a_broken_file_of_grids_is_one_sentence(run: Run, model: Path, here: Path) -> None:
    shutil.copytree(model, here / "copy")
    (here / "copy" / GRIDS).write_text("{")
    for command in (("fit-grid", "copy", "--steps", 3), ("imagine", "x", "--model", "copy")):
        assert "grids.json cannot be used" in sentence(run(*command))
    (listed,) = parsed(run("models", "copy", "--format", "json"))["models"]
    assert "grids.json cannot be used" in listed["error"]


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise OutOfSpace(f"{folder} cannot be written.")

    monkeypatch.setattr(grids, "check_writable", refuse)
    monkeypatch.setattr("mezzotint.interfaces.cli.fit_grid.fitted", None)  # not reached
    assert "cannot be written" in sentence(run("fit-grid", model, "--steps", 3))


def test_a_disk_that_fills_up_does_not_lose_the_grid(
    run: Run, model: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, grid: object) -> None:
        raise OutOfSpace("There is no space left.")

    monkeypatch.setattr(grids, "store_grid", full)
    told = sentence(run("fit-grid", model, "--steps", 2, "--starts", 1, "--fine", 8, "--guidance", 1))
    listed = told.rpartition("--grid ")[2].rstrip(".")
    assert len(listed.split(",")) == 3
    draw = ("imagine", "x", "--grid", listed, "--seed", 1, "--model", model, "--format", "json")
    assert parsed(run(*draw))["pictures"][0]["recipe"]["request"]["steps"] == 2


def test_prompts_come_from_a_file_and_starts_share_them(run: Run, model: Path, here: Path) -> None:
    shutil.copytree(model, here / "copy")
    (here / "prompts.txt").write_text("a cat\n\n  a dog \nnever read\n")
    args = ("--steps", 2, "--starts", 2, "--fine", 6, "--guidance", 1, "--prompts", "prompts.txt")
    text = run("fit-grid", "copy", *args)
    assert text.exit_code == 0, text.output
    (grid,) = read_grids(here / "copy")
    assert grid.prompts == ("a cat", "a dog")
    assert f"dpmpp-2m with 2 steps, error {grid.error:.4g}" in text.stdout
    assert json.loads((here / "copy" / GRIDS).read_text())["format"] == 1
