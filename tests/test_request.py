"""Requests: what is refused, in which words, and that JSON brings back the same object."""

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezzotint.errors import InvalidOption, MezzotintError
from mezzotint.recipe import Environment, Recipe
from mezzotint.request import SEEDS, Request, random_seed

DIGEST = "0123456789abcdef" * 4


def resolved(**changes: Any) -> Request:
    """A request with nothing left open, as a recipe needs it."""
    values: dict[str, Any] = {
        "prompt": "a red apple", "seed": 7, "steps": 12, "guidance": 3.5, "guidance_interval": (0.1, 0.9),
        "solver": "dpmpp-2m", "grid": "uniform", "size": (64, 48), "device": "cpu", "dtype": "float32",
    }  # fmt: skip
    return Request(**{**values, **changes})


def through_json(data: object) -> Any:
    return json.loads(json.dumps(data, allow_nan=False))


# ---- what is accepted, and as what


def test_numbers_are_stored_as_plain_python_numbers() -> None:
    request = Request(prompt="", seed=np.uint64(2**64 - 1), guidance=np.float32(3), steps=np.int8(5), eta=1)  # type: ignore[arg-type]
    assert request.seed == SEEDS - 1
    stored = (request.seed, request.guidance, request.steps, request.eta)
    assert [type(value) for value in stored] == [int, float, int, float]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": -1}, r"seed is -1; it must be a whole number from 0 to 2\^64 - 1\."),
        ({"seed": 2**64}, r"seed is 18446744073709551616; it must be"),
        ({"seed": 1.0}, r"seed is 1\.0; it must be a whole number"),
        ({"seed": True}, r"seed is True; it must be a whole number"),
        ({"seed": "7"}, r"seed is '7'; it must be a whole number"),
        ({"steps": 0}, r"steps is 0; it must be a whole number from 1 to 1000\."),
        ({"steps": 1001}, r"steps is 1001; it must be"),
        ({"n": 0}, r"n is 0; it must be a whole number of 1 or more\."),
        ({"guidance": -0.1}, r"guidance is -0\.1; it must be a number from 0 to 100\."),
        ({"guidance": 100.5}, r"guidance is 100\.5; it must be"),
        ({"guidance": math.nan}, r"guidance is nan; it must be"),
        ({"guidance": math.inf}, r"guidance is inf; it must be"),
        ({"guidance": "3"}, r"guidance is '3'; it must be a number"),
        ({"guidance": True}, r"guidance is True; it must be a number"),
        ({"guidance": 10**400}, r"guidance is 1000.*\.\.\.; it must be a number"),
        ({"eta": 1.5}, r"eta is 1\.5; it must be a number from 0 to 1\."),
        ({"guidance_interval": (0.5, 0.5)}, r"guidance_interval is \(0\.5, 0\.5\); it must be two times"),
        ({"guidance_interval": (0.9, 0.1)}, r"guidance_interval .* 0 <= low < high <= 1"),
        ({"guidance_interval": (0, 2)}, r"guidance_interval"),
        ({"guidance_interval": (0, 0.5, 1)}, r"guidance_interval"),
        ({"guidance_interval": 0.5}, r"guidance_interval"),
        ({"style_start": 1.5}, r"style_start is 1\.5; it must be a number from 0 to 1"),
        ({"chaos": 101}, r"chaos is 101; it must be a number from 0 to 100"),
        ({"guidance_interval": "01"}, r"guidance_interval"),
        ({"prompt": None}, r"prompt is None; it must be text\."),
        ({"prompt": b"apple"}, r"prompt is b'apple'; it must be text\."),
        ({"prompt": "x" * 100_001}, r"prompt has 100001 characters; at most 100000 are allowed\."),
        ({"negative": "\udcff"}, r"negative is not valid Unicode at character 0; give it as UTF-8\."),
        ({"model": ""}, r"model is ''; it must be one line"),
        ({"solver": "a\nb"}, r"solver is 'a\\nb'; it must be one line"),
        ({"solver": "ddim:eta"}, r"solver is 'ddim:eta'; it must be NAME or NAME:option=value"),
        ({"grid": "karras:rho=7,rho=8"}, r"The grid karras is given its option rho twice; give it once\."),
        ({"grid": (1, 0.5)}, r"grid is \(1, 0\.5\); it must be the name of a grid, or a list of 2 to 1001 times"),
        ({"grid": (1, 0.5, 0.5, 0)}, r"times that fall from at most 1"),
        ({"grid": (1.1, 0)}, r"times that fall from at most 1"),
        ({"grid": (1, math.nan, 0)}, r"times that fall from at most 1"),
        ({"grid": (1, "0.5", 0)}, r"times that fall from at most 1"),
        ({"grid": (0,)}, r"times that fall from at most 1"),
        ({"grid": 3}, r"times that fall from at most 1"),
        ({"grid": [i / 1001 for i in range(1001, -1, -1)]}, r"a list of 2 to 1001 times"),
        ({"grid": "1,0.5,x"}, r"grid is '1,0\.5,x'; it must be the name of a grid, or a list"),
        ({"grid": (1, 0.5, 0), "steps": 3}, r"steps is 3, but the grid lists 3 times, which makes 2 steps"),
        ({"distilled_guidance": 0}, r"distilled_guidance is 0; it must be a number above 0, and at most 100"),
        ({"distilled_guidance": "4"}, r"distilled_guidance is '4'; it must be a number from 0 to 100"),
        ({"guidance_methods": "apg"}, r"guidance_methods is 'apg'; it must be a list of at most 16 specs"),
        ({"guidance_methods": ["apg"] * 17}, r"at most 16 specs"),
        ({"guidance_methods": ["apg:"]}, r"guidance_methods is 'apg:'; it must be NAME or NAME:option=value"),
        ({"guidance_methods": [3]}, r"guidance_methods is 3; it must be one line"),
        ({"stop": 0}, r"stop is 0; it must be a number above 0, and at most 1\."),
        ({"stop": 1.5}, r"stop is 1\.5; it must be a number from 0 to 1\."),
        ({"aspect": "3x2"}, r"aspect is '3x2'; it must be WIDTH:HEIGHT in whole numbers above 0, such as 3:2\."),
        ({"aspect": "3:0"}, r"aspect is '3:0'; it must be WIDTH:HEIGHT"),
        ({"aspect": (3,)}, r"aspect is \(3,\); it must be WIDTH:HEIGHT"),
        ({"aspect": (3, 2), "size": 64}, r"size is 64x64 and aspect 3:2; leave out one of them\."),
        ({"also": "a hat"}, r"also is 'a hat'; it must be a list of at most 16 prompts with weights"),
        ({"also": ["a hat"]}, r"also is \['a hat'\]; it must be a list"),
        ({"also": [("a hat",)]}, r"it must be a list of at most 16 prompts with weights"),
        ({"also": [("a hat", 1)] * 17}, r"it must be a list of at most 16 prompts with weights"),
        ({"also": [(3, 1)]}, r"also is 3; it must be text"),
        ({"also": [(" ", 1)]}, r"also names an empty prompt; give it words, or leave it out\."),
        ({"also": [("a hat", "much")]}, r"the weight in also is 'much'; it must be a number from -100 to 100\."),
        ({"also": [("a hat", math.inf)]}, r"the weight in also is inf"),
        ({"weak_model": ""}, r"weak_model is ''; it must be one line"),
        ({"lora": "zorp"}, r"lora is 'zorp'; it must be a list of at most 16 names or files"),
        ({"lora": [("zorp",)]}, r"lora is \[\('zorp',\)\]; it must be a list"),
        ({"lora": [3]}, r"lora is \[3\]; it must be a list"),
        ({"lora": ["a"] * 17}, r"it must be a list of at most 16 names"),
        ({"lora": ["zorp", ("zorp", 2)]}, r"lora names 'zorp' twice; give it once\."),
        ({"lora": [("", 1)]}, r"lora is ''; it must be one line"),
        ({"lora": [("zorp", "much")]}, r"the strength in lora is 'much'; it must be a number from -10 to 10\."),
        ({"batching": "exat"}, r"There is no batching called 'exat'; did you mean exact"),
        ({"dtype": "fp16"}, r"There is no dtype called 'fp16'; (did you mean|it must be one of)"),
        ({"dtype": 16}, r"dtype is 16; it must be one of auto, bfloat16, float16, float32\."),
    ],
)  # fmt: skip
def test_bad_values_are_refused_in_one_sentence(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption, match=words) as caught:
        Request(**{"prompt": "a red apple", **changes})
    assert isinstance(caught.value, MezzotintError)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 220


@pytest.mark.parametrize(
    "changes",
    [{"seed": 0}, {"seed": 2**64 - 1}, {"steps": 1}, {"steps": 1000}, {"guidance": 0}, {"guidance": 100}, {"n": 10**6},
     {"guidance_interval": (0, 1)}, {"eta": 0}, {"prompt": ""}, {"prompt": "x" * 100_000}, {"prompt": "\0 \n 🍎"}],
)  # fmt: skip
def test_the_ends_of_the_ranges_are_allowed(changes: dict[str, Any]) -> None:
    request = Request(**{"prompt": "a red apple", **changes})
    assert {name: getattr(request, name) for name in changes} == changes


@pytest.mark.parametrize(
    "times",
    [(1, 0.7, 0.4, 0), [1.0, 0.7, 0.4, -0.0], np.array([1, 0.7, 0.4, 0])],
)
def test_a_grid_may_be_its_times_and_then_decides_the_steps(times: Any) -> None:
    request = Request(prompt="", grid=times)
    assert request.grid == (1.0, 0.7, 0.4, 0.0)
    assert request.steps == 3
    assert repr(request.grid[-1]) == "0.0"
    assert request == Request(prompt="", grid=times, steps=3)
    assert Request.from_json_dict(through_json(request.to_json_dict())) == request
    assert Request(prompt="", grid=[i / 1000 for i in range(1000, -1, -1)]).steps == 1000


def test_specs_are_stored_in_their_canonical_form() -> None:
    request = Request(prompt="", solver="ddim: eta=0.50", grid="karras:sigma_max=1e1, rho=5.0")
    assert (request.solver, request.grid) == ("ddim:eta=0.5", "karras:rho=5,sigma_max=10")


def test_a_request_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Request(prompt="").seed = 3  # type: ignore[misc]


# ---- seeds


def test_picture_i_has_seed_plus_i_and_wraps_at_2_to_the_64() -> None:
    request = Request(prompt="a", n=4, seed=2**64 - 2)
    assert [request.picture(i).seed for i in range(4)] == [2**64 - 2, 2**64 - 1, 0, 1]
    assert request.picture(2) == Request(prompt="a", n=1, seed=0)


def test_random_seed_is_random_and_exact_in_json_readers_with_doubles() -> None:
    seeds = [random_seed() for _ in range(200)]
    assert len(set(seeds)) > 190
    assert max(seeds) < 2**32
    assert max(seeds) > 2**30  # fails by chance once in 10^25


# ---- JSON


def names() -> st.SearchStrategy[str]:
    text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
    return text.filter(lambda name: name.isprintable() and bool(name.strip()))


def specs() -> st.SearchStrategy[str]:
    return st.sampled_from(["dpm++ 2m", "ddim:eta=0.5", "pag:blocks=1+2,scale=2", "x:on=true"])


def unit() -> st.SearchStrategy[float]:
    return st.floats(0, 1)


requests = st.builds(
    Request,
    prompt=st.text(st.characters(codec="utf-8")),
    negative=st.text(st.characters(codec="utf-8")),
    style=st.none() | names(),
    style_start=st.none() | unit(),
    n=st.integers(1),
    seed=st.integers(0, SEEDS - 1),
    steps=st.none() | st.integers(1, 1000),
    guidance=st.none() | st.floats(0, 100),
    chaos=st.none() | unit(),
    guidance_interval=st.none() | st.tuples(unit(), unit()).filter(lambda pair: pair[0] < pair[1]),
    also=st.lists(st.tuples(names(), st.floats(-100, 100)), max_size=3).map(tuple),
    blend=st.lists(st.tuples(names(), st.floats(0, 100)), max_size=5).map(tuple),
    vary=st.lists(st.tuples(unit(), st.none()), max_size=3).map(tuple),
    guidance_methods=st.lists(specs(), max_size=3).map(tuple),
    distilled_guidance=st.none() | st.floats(0.01, 100),
    weak_model=st.none() | names(),
    lora=st.lists(st.tuples(names(), st.floats(-10, 10)), max_size=3, unique_by=lambda pair: pair[0]).map(tuple),
    solver=st.none() | specs(),
    eta=st.none() | unit(),
    grid=st.none() | specs(),
    tile=st.none() | st.sampled_from(["x", "y", "both"]),
    window_stride=st.none() | st.integers(1, 1024),
    region=st.lists(st.tuples(st.just((0.0, 0.1, 0.75, 1.0)), names()), max_size=3).map(tuple),
    region_masks=st.lists(st.tuples(st.just(DIGEST), names()), max_size=3).map(tuple),
    detail=st.lists(st.tuples(st.just((0.0, 0.1, 0.75, 1.0)), names()), max_size=3).map(tuple),
    keep_layout=st.none() | unit(),
    size=st.none() | st.tuples(st.integers(1, 16384), st.integers(1, 16384)),
    model=names(),
    batching=st.sampled_from(["exact", "fast"]),
    device=names(),
    dtype=st.sampled_from(["auto", "bfloat16", "float16", "float32"]),
)


@given(requests)
def test_request_to_json_and_back_is_the_same_request(request: Request) -> None:
    assert Request.from_json_dict(through_json(request.to_json_dict())) == request


def test_request_json_names_every_field_once() -> None:
    assert list(resolved().to_json_dict()) == [field.name for field in dataclasses.fields(Request)]


def test_only_the_prompt_is_needed() -> None:
    assert Request.from_json_dict({"prompt": "a"}) == Request(prompt="a")
    with pytest.raises(InvalidOption, match=r"^the request options lack prompt\.$"):
        Request.from_json_dict({})


@pytest.mark.parametrize(
    ("key", "near"), [("negativ", "negative"), ("guidence", "guidance"), ("stpes", "steps"), ("Seed", "seed")]
)
def test_unknown_keys_are_refused_with_the_nearest_names(key: str, near: str) -> None:
    with pytest.raises(InvalidOption, match=rf"There is no request option called '{key}'; did you mean .*{near}"):
        Request.from_json_dict({"prompt": "a", key: 1})


@pytest.mark.parametrize("bad", [None, [], "prompt", 3, [["prompt", "a"]]])
def test_json_that_is_no_object_is_refused(bad: object) -> None:
    for read in (Request.from_json_dict, Environment.from_json_dict, Recipe.from_json_dict):
        with pytest.raises(InvalidOption, match="must be a JSON object"):
            read(bad)


def test_variations_keep_their_distance_from_another_seed() -> None:
    request = Request(prompt="a", n=3, seed=5, vary=((0.3, 6), (0.2, 2)))
    assert request.with_seed(9) == dataclasses.replace(request, seed=9, vary=((0.3, 10), (0.2, 6)))
    assert request.with_seed(0) == dataclasses.replace(request, seed=0, vary=((0.3, 1), (0.2, SEEDS - 3)))
    assert request.with_seed(SEEDS + 9) == request.with_seed(9)
    assert request.picture(2) == dataclasses.replace(request.with_seed(7), n=1)
