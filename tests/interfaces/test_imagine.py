"""`mezzotint imagine`."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mezzotint.errors import OutOfSpace
from mezzotint.pipeline import Pipeline
from mezzotint.provenance import pixel_sha256, read_metadata
from tests.interfaces.conftest import Run, parsed, sentence


def test_a_picture_is_what_python_draws_and_carries_its_recipe(run: Run, model: Path, here: Path) -> None:
    found = parsed(run("imagine", "a red apple", "--seed", 7, "--out", "a.png", "--model", model, "--format", "json"))
    (picture,) = found["pictures"]
    expected = Pipeline.load(str(model)).generate("a red apple", seed=7)
    assert picture["pixels_sha256"] == expected.recipes[0].pixels_sha256
    assert pixel_sha256(Image.open(here / "a.png")) == picture["pixels_sha256"]
    assert found["ignored"] == picture["ignored"] == []
    recipe = read_metadata(here / "a.png").recipe
    assert recipe is not None
    assert picture["recipe"] == recipe.to_json_dict()
    assert (picture["file"], picture["seed"], picture["evaluations"]) == ("a.png", 7, 8)
    assert sorted(path.name for path in here.iterdir()) == ["a.png"]


def test_the_text_says_where_the_picture_is_and_which_seed_it_has(run: Run, model: Path, here: Path) -> None:
    result = run("imagine", "a red apple", "--seed", 7, "--model", model)
    assert result.exit_code == 0
    assert result.stdout.startswith(str(Path("mezzotint-out/a-red-apple-7.png")))
    assert "seed 7" in result.stdout
    assert (here / "mezzotint-out" / "a-red-apple-7.png").is_file()


def test_a_webp_is_the_same_picture_and_is_drawn_again(run: Run, model: Path, here: Path) -> None:
    words = ("imagine", "a red apple", "--model", model, "--steps", 2, "--seed", 7)
    (png,) = parsed(run(*words, "--out", "a.png", "--format", "json"))["pictures"]
    (webp,) = parsed(run(*words, "--out", "a.webp", "--format", "json"))["pictures"]
    assert (here / "a.webp").read_bytes()[8:12] == b"WEBP"
    assert webp["recipe"] == png["recipe"]
    assert np.array_equal(*(np.asarray(Image.open(here / f"a.{end}").convert("RGBA")) for end in ("png", "webp")))
    assert parsed(run("reproduce", "a.webp", "--model", model, "--format", "json"))["status"] == "identical"
    assert "as they were drawn" in run("inspect", "a.webp").stdout
    assert run("edit", "a.webp", "a pear", "--model", model, "--steps", 2, "--out", "b.webp").exit_code == 0
    assert parsed(run("inspect", "b.webp", "--format", "json"))["recipe"]["request"]["prompt"] == "a pear"


def test_without_a_seed_a_random_one_is_taken_and_told(run: Run, model: Path) -> None:
    seeds = [parsed(run("imagine", "x", "--model", model, "--format", "json"))["pictures"][0]["seed"] for _ in range(2)]
    assert seeds[0] != seeds[1]
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_every_option_reaches_the_recipe(run: Run, model: Path) -> None:
    options = {
        "seed": 2**64 - 1, "steps": 3, "guidance": 2.5, "solver": "DDIM", "eta": 0.5, "grid": "karras", "size": "32x32",
        "negative": "blue", "style": "flat", "dtype": "bfloat16", "device": "cpu", "batching": "fast",
    }  # fmt: skip
    args = [part for name, value in options.items() for part in (f"--{name}", value)]
    found = parsed(run("imagine", "a cat", *args, "--guidance-interval", "0.1,0.9", "--model", model, "--format=json"))
    request = found["pictures"][0]["recipe"]["request"]
    wanted = {**options, "solver": "ddim", "size": [32, 32], "guidance_interval": [0.1, 0.9], "prompt": "a cat", "n": 1}
    assert {name: request[name] for name in wanted} == wanted


def test_guidance_methods_and_further_prompts_reach_the_recipe(run: Run, model: Path, other_model: Path) -> None:
    args = ("imagine", "a cat", "--seed", 1, "--model", model, "--format", "json")
    methods = ("--guidance-method", "apg: eta=0.50", "--guidance-method", "pag:scale=2")
    stacked = parsed(run(*args, "--guidance", 6, *methods))["pictures"][0]
    assert stacked["recipe"]["request"]["guidance_methods"] == ["apg:eta=0.5", "pag:scale=2"]
    assert (stacked["recipe"]["request"]["guidance"], stacked["evaluations"]) == (6, 12)
    also = ("--also", "a hat:0.7", "--also", "the ratio 3:4 : -0.5", "--also", "a ball")
    further = parsed(run(*args, *also))["pictures"][0]
    assert further["recipe"]["request"]["also"] == [["a hat", 0.7], ["the ratio 3:4 ", -0.5], ["a ball", 1.0]]
    assert (further["recipe"]["request"]["guidance_methods"], further["evaluations"]) == (["composable"], 20)
    weak = ("--guidance-method", "autoguidance:scale=2", "--weak-model", other_model)
    assert parsed(run(*args, *weak))["pictures"][0]["recipe"]["weak_weights_sha256"] is not None
    text = run("imagine", "a cat", "--seed", 1, "--model", model, *methods)
    assert "guidance 4, apg:eta=0.5, pag:scale=2; 12 evaluations" in text.stdout


def test_help_shows_how_to_guide(run: Run) -> None:
    text = run("imagine", "--help").stdout
    assert '\n  mezzotint imagine "a cat" --also "a hat:0.7" --also "a ball:-0.3"\n' in text


def test_times_may_be_given_as_a_grid(run: Run, model: Path) -> None:
    args = ("imagine", "a cat", "--seed", 1, "--model", model, "--format", "json")
    times = parsed(run(*args, "--grid", "1,0.75, .5,0.25,0"))["pictures"][0]
    named = parsed(run(*args, "--grid", "uniform", "--steps", 4))["pictures"][0]
    assert times["recipe"]["request"]["grid"] == [1, 0.75, 0.5, 0.25, 0]
    assert times["pixels_sha256"] == named["pixels_sha256"]


def test_threads_are_set(run: Run, model: Path) -> None:
    found = parsed(run("imagine", "x", "--model", model, "--threads", 1, "--format", "json"))
    assert found["pictures"][0]["recipe"]["environment"]["threads"] == 1


def test_several_pictures_have_rising_seeds_and_are_those_of_their_seeds_alone(run: Run, model: Path) -> None:
    many = parsed(run("imagine", "a cat", "--n", 3, "--seed", 7, "--out", "d", "--model", model, "--format", "json"))
    assert [Path(picture["file"]).name for picture in many["pictures"]] == ["a-cat-7.png", "a-cat-8.png", "a-cat-9.png"]
    alone = parsed(run("imagine", "a cat", "--seed", 9, "--out", "c.png", "--model", model, "--format", "json"))
    assert many["pictures"][2]["pixels_sha256"] == alone["pictures"][0]["pixels_sha256"]
    assert len({picture["pixels_sha256"] for picture in many["pictures"]}) == 3


def test_seeds_wrap_around(run: Run, model: Path) -> None:
    found = parsed(run("imagine", "x", "--n", 2, "--seed", 2**64 - 1, "--model", model, "--format", "json"))
    assert [picture["seed"] for picture in found["pictures"]] == [2**64 - 1, 0]


def test_seconds_are_shared_between_pictures_that_were_drawn_together(run: Run, model: Path) -> None:
    args = ("imagine", "x", "--n", 10, "--batching", "fast", "--seed", 1, "--model", model, "--format", "json")
    found = parsed(run(*args))
    shares = [picture["seconds"] for picture in found["pictures"]]
    assert len(set(shares[:8])) == len(set(shares[8:])) == 1
    assert 0 < sum(shares) <= found["seconds"] * 1.01 + 0.001


@pytest.mark.parametrize("prompt", ["", "   "])
def test_an_empty_prompt_draws_and_says_so(run: Run, model: Path, prompt: str) -> None:
    result = run("imagine", prompt, "--seed", 1, "--model", model)
    assert result.exit_code == 0
    assert "warning: The prompt is empty" in result.stdout
    assert "picture-1.png" in result.stdout


def test_what_has_no_effect_is_named(run: Run, model: Path) -> None:
    prompt = "a cat \u4e00\u2603"
    text = run("imagine", prompt, "--seed", 1, "--model", model)
    assert "ignored: '\u4e00', '\u2603'" in text.stdout
    found = parsed(run("imagine", prompt, "--seed", 1, "--model", model, "--format", "json"))
    assert found["ignored"] == found["pictures"][0]["ignored"] == ["\u4e00", "\u2603"]
    found = parsed(run("imagine", "x", "--guidance", 1, "--negative", "blue", "--model", model, "--format", "json"))
    assert found["ignored"] == ["negative: blue"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--steps", "0"], "steps is 0; it must be a whole number from 1 to 1000"),
        (["--steps", "abc"], "steps is 'abc'; it must be a whole number"),
        (["--steps", "2.5"], "steps is '2.5'"),
        (["--n", "0"], "n is 0"),
        (["--n", "-3"], "n is -3"),
        (["--seed", "-1"], "seed is -1"),
        (["--seed", str(2**64)], "whole number from 0 to 2^64 - 1"),
        (["--seed", "x"], "seed is 'x'"),
        (["--guidance", "-1"], "guidance is -1.0"),
        (["--guidance", "nan"], "guidance is nan"),
        (["--guidance", "strong"], "guidance is 'strong'"),
        (["--guidance-interval", "0.9,0.1"], "two times (low, high)"),
        (["--guidance-interval", "0.5"], "two times (low, high)"),
        (["--eta", "2"], "eta is 2.0"),
        (["--eta", "0.5", "--solver", "heun"], "heun takes no eta; the solvers that do are ddim"),
        (["--solver", "dimm"], "did you mean ddim"),
        (["--grid", "kerras"], "did you mean karras"),
        (["--grid", "1,0.5"], "times that fall from at most 1"),
        (["--grid", "1,0.5,0", "--steps", "3"], "the grid lists 3 times"),
        (["--guidance-method", "agp"], "There is no guidance called 'agp'"),
        (["--guidance-method", "apg:eta"], "--guidance-method is 'apg:eta'; it must be NAME or NAME:option=value"),
        (["--guidance-method", "apg", "--also", "a hat"], "composable or perp-neg, not apg"),
        (["--also", "a hat:1e9"], "the weight in also is 1000000000.0; it must be a number from -100 to 100"),
        (["--also", ":2"], "also names an empty prompt"),
        (["--weak-model", "hose"], "There is no model called 'hose'"),
        (["--style", "flatt"], "did you mean flat"),
        (["--size", "33"], "draws pictures of 32x32 pixels, not 33x33"),
        (["--size", "big"], "size is 'big'"),
        (["--batching", "exakt"], "did you mean exact"),
        (["--dtype", "float"], "did you mean float"),
        (["--device", "gpu7"], "device 'gpu7' is not available"),
        (["--device", "meta"], "device 'meta' holds no numbers"),
        (["--threads", "0"], "threads is 0; it must be a whole number from 1 to 1024"),
        (["--threads", "many"], "threads is 'many'"),
        (["--n", "2", "--out", "a.png"], "is one file for 2 pictures; give a folder"),
        (["--out", "a.gif"], "does not end in .png"),
        (["--negative", "x" * 100_001], "negative has 100001 characters"),
    ],
)
def test_bad_values_are_one_sentence_and_leave_nothing(
    run: Run, model: Path, here: Path, args: list[str], words: str
) -> None:
    assert words in sentence(run("imagine", "a cat", "--model", model, *args))
    assert list(here.iterdir()) == []


def test_an_unknown_model_is_refused(run: Run) -> None:
    assert "There is no model called 'hoose'" in sentence(run("imagine", "x", "--model", "hoose"))


def test_a_prompt_that_is_not_unicode_is_refused(run: Run, model: Path) -> None:
    assert "prompt is not valid Unicode" in sentence(run("imagine", "a \udcff", "--model", model))


def test_a_broken_model_is_one_sentence(run: Run, here: Path) -> None:
    (here / "model").mkdir()
    assert "is not a model's folder" in sentence(run("imagine", "x", "--model", "model"))


def test_the_denoising_is_shown_on_request(run: Run, model: Path, here: Path) -> None:
    found = parsed(run("imagine", "x", "--seed", 1, "--watch", "--out", "p.png", "--model", model, "--format", "json"))
    assert found["pictures"][0]["watch"] == ["p-watch.png", "p-watch.webp"]
    with Image.open(here / "p-watch.webp") as film:
        assert film.n_frames == 5  # type: ignore[attr-defined]
        assert film.size[0] > 2 * 4 * 32
    assert Image.open(here / "p-watch.png").width > 5 * 64
    plain = parsed(run("imagine", "x", "--seed", 1, "--out", "q.png", "--model", model, "--format", "json"))
    assert plain["pictures"][0]["pixels_sha256"] == found["pictures"][0]["pixels_sha256"]


def test_a_full_disk_is_one_sentence_and_earlier_pictures_stay(
    run: Run, model: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mezzotint.provenance import files

    whole = files.write_atomically
    calls: list[Path] = []

    def full(path: Path, data: bytes) -> None:
        calls.append(path)
        if len(calls) == 3:
            raise OutOfSpace(f"There is no space left to write {path}.")
        whole(path, data)

    monkeypatch.setattr(files, "write_atomically", full)
    result = run("imagine", "x", "--n", 4, "--seed", 1, "--out", "d", "--model", model, "--format", "json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"] == "OutOfSpace"
    assert sorted(path.name for path in (here / "d").iterdir()) == ["x-1.png", "x-2.png"]


def test_ctrl_c_keeps_and_names_what_is_finished(
    run: Run, model: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mezzotint.interfaces.cli.session import Session

    take = Session.take

    def interrupted(self: Session, preview: object) -> tuple[str, ...]:
        if len(self.drawn) == 2:
            raise KeyboardInterrupt
        return take(self, preview)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "take", interrupted)
    result = run("imagine", "x", "--n", 5, "--seed", 1, "--out", "d", "--model", model, "--format", "json")
    assert result.exit_code == 130
    assert result.stderr == "mezzotint: interrupted; 2 of 5 pictures are finished.\n"
    assert [picture["seed"] for picture in json.loads(result.stdout)["pictures"]] == [1, 2]
    assert sorted(path.name for path in (here / "d").iterdir()) == ["x-1.png", "x-2.png"]


def test_strict_refuses_what_would_be_ignored_and_draws_nothing(run: Run, model: Path, here: Path) -> None:
    refused = sentence(run("imagine", "a cat ☃", "--strict", "--out", "p.png", "--model", model))
    assert refused == "mezzotint: '☃' would be ignored; leave it out, or leave out --strict to draw without it."
    negative = ("--negative", "blue", "--guidance", 1)
    assert "negative: blue" in sentence(run("imagine", "a cat", *negative, "--strict", "--model", model))
    assert list(here.iterdir()) == []
    assert run("imagine", "a cat", "--strict", "--seed", 1, "--out", "p.png", "--model", model).exit_code == 0


@pytest.mark.parametrize(
    "words", [("imagine", "a cat"), ("explore", "a cat", "--x", "seed=1,2"), ("imagine", "a {b, c}")]
)
def test_a_file_of_another_kind_is_not_made_a_folder(run: Run, here: Path, words: tuple[str, ...]) -> None:
    told = sentence(run(*words, "--model", "nowhere", "--out", "bad.txt"))
    assert "bad.txt does not end in .png" in told
    assert list(here.iterdir()) == []
