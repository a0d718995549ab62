"""Recipes and results: what is refused, in which words, and that JSON brings back the same object."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mezzotint.errors import InvalidOption
from mezzotint.recipe import RECIPE_VERSION, Environment, Recipe, Result
from mezzotint.request import Request

DIGEST = "0123456789abcdef" * 4


def resolved(**changes: Any) -> Request:
    """A request with nothing left open, as a recipe needs it."""
    values: dict[str, Any] = {
        "prompt": "a red apple", "seed": 7, "steps": 12, "guidance": 3.5, "guidance_interval": (0.1, 0.9),
        "solver": "dpmpp-2m", "grid": "uniform", "size": (64, 48), "device": "cpu", "dtype": "float32",
    }  # fmt: skip
    return Request(**{**values, **changes})


def recipe(request: Request | None = None, **changes: Any) -> Recipe:
    values: dict[str, Any] = {
        "request": request or resolved(), "weights_sha256": DIGEST, "text_encoder_sha256": None,
        "schedule": "rectified_flow", "codec": "pixel", "noise_version": 1,
        "environment": Environment(mezzotint="0.1.0", torch="2.13.0", threads=2, processor="A CPU (AVX2)"),
        "pixels_sha256": DIGEST[::-1], "evaluations": 24, "ignored": ("the token 'zzz'",), "warnings": ("careful",),
    }  # fmt: skip
    return Recipe(**{**values, **changes})


def through_json(data: object) -> Any:
    return json.loads(json.dumps(data, allow_nan=False))


def test_recipe_to_json_and_back_is_the_same_recipe() -> None:
    for one in (recipe(), recipe(text_encoder_sha256=DIGEST, ignored=(), warnings=("ä", "\0"))):
        assert Recipe.from_json_dict(through_json(one.to_json_dict())) == one


def test_the_pillow_of_a_recipe_is_kept_where_it_is_known() -> None:
    facts = {"mezzotint": "0.1.0", "torch": "2.13.0", "threads": 2, "processor": "A CPU (AVX2)"}
    for more in ({}, {"pillow": "12.0.0"}, {"pillow": "12.0.0", "compiled": True}):
        environment = Environment.from_json_dict({**facts, **more})
        assert environment.to_json_dict() == {**facts, **more}
        one = recipe(environment=environment)
        assert Recipe.from_json_dict(through_json(one.to_json_dict())) == one
    with pytest.raises(InvalidOption, match="pillow"):
        Environment(**facts, pillow=3)  # type: ignore[arg-type]


def test_recipe_schema_is_frozen() -> None:
    """Changing the schema breaks the recipes in people's files: a new key needs a default, a new meaning a version."""
    assert RECIPE_VERSION == 1
    request = resolved(also=(("a hat", 0.7),), guidance_methods=("pag:scale=2",), weak_model="small", lora=["zorp"])
    request = replace(request, upscaler="large", upscale_to="256x192")
    digests = {"weak_weights_sha256": DIGEST, "upscaler_weights_sha256": DIGEST, "lora_sha256": [DIGEST]}
    assert recipe(request, **digests).to_json_dict() == {
        "recipe_version": 1,
        "request": {
            "prompt": "a red apple", "negative": "", "also": [["a hat", 0.7]], "blend": [], "style": None,
            "style_start": None, "n": 1,
            "seed": 7, "vary": [], "steps": 12, "guidance": 3.5, "guidance_interval": [0.1, 0.9], "chaos": None,
            "guidance_methods": ["pag:scale=2"], "distilled_guidance": None, "solver": "dpmpp-2m", "eta": None,
            "grid": "uniform", "stop": None, "size": [64, 48], "aspect": None, "tile": None, "window_stride": None,
            "region": [], "region_masks": [], "image": None, "strength": None, "mask": None, "invert_mask": False,
            "feather": 0.0, "soft_mask": False,
            "crop_to_mask": False, "crop_padding": None, "invert": False, "source_prompt": "", "keep_layout": None,
            "blend_images": [], "blend_weights": None, "expand": None, "zoom": None, "style_ref": None,
            "style_weight": None, "image_ref": None, "image_weight": None, "structure_ref": None,
            "structure_weight": None, "structure": None, "hires": False, "hires_strength": None, "detail": [],
            "detail_strength": None, "upscaler": "large", "upscale_to": [256, 192], "original_prompt": None,
            "model": "house", "lora": [["zorp", 1.0]],
            "weak_model": "small", "batching": "exact", "device": "cpu", "dtype": "float32",
        },
        "weights_sha256": DIGEST, "text_encoder_sha256": None, "schedule": "rectified_flow", "codec": "pixel",
        "noise_version": 1,
        "environment": {"mezzotint": "0.1.0", "torch": "2.13.0", "threads": 2, "processor": "A CPU (AVX2)"},
        "pixels_sha256": DIGEST[::-1], "evaluations": 24, "ignored": ["the token 'zzz'"], "warnings": ["careful"],
        "weak_weights_sha256": DIGEST, "upscaler_weights_sha256": DIGEST, "lora_sha256": [DIGEST], "check": None,
    }  # fmt: skip


def test_a_recipe_from_before_guidance_methods_is_read() -> None:
    old = through_json(recipe().to_json_dict())
    first = "prompt negative style n seed steps guidance guidance_interval solver eta grid size model device dtype"
    old["request"] = {key: old["request"][key] for key in first.split()}
    del old["weak_weights_sha256"], old["upscaler_weights_sha256"], old["lora_sha256"], old["check"]
    assert Recipe.from_json_dict(old) == recipe()


def test_recipe_names_every_field_in_its_json() -> None:
    assert set(recipe().to_json_dict()) == {field.name for field in dataclasses.fields(Recipe)} | {"recipe_version"}


def edited(edit: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    data: dict[str, Any] = through_json(recipe().to_json_dict())
    edit(data)
    return data


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d: d.update(recipe_version=2), r"recipe_version is 2, but this mezzotint reads up to 1; install"),
        (lambda d: d.pop("recipe_version"), r"recipe_version is None; it must be a whole number"),
        (lambda d: d.update(pixel_sha256=DIGEST), r"no recipe key called 'pixel_sha256'; did you mean pixels_sha256"),
        (lambda d: d.pop("codec"), r"the recipe keys lack codec\."),
        (lambda d: d.update(weights_sha256="ABC"), r"weights_sha256 is 'ABC'; it must be a SHA-256 digest"),
        (lambda d: d.update(weights_sha256=None), r"weights_sha256 is None; it must be"),
        (lambda d: d.update(text_encoder_sha256=""), r"text_encoder_sha256 is ''"),
        (lambda d: d.update(ignored="zzz"), r"ignored is 'zzz'; it must be a list of texts"),
        (lambda d: d.update(warnings=[1]), r"warnings is 1; it must be text"),
        (lambda d: d.update(evaluations=-1), r"evaluations is -1"),
        (lambda d: d.update(request=None), r"the request options must be a JSON object"),
        (lambda d: d["request"].update(steps=0), r"steps is 0"),
        (lambda d: d["environment"].update(host="x"), r"no environment fact called 'host'"),
        (lambda d: d["environment"].update(threads=0), r"threads is 0"),
    ],
)  # fmt: skip
def test_broken_recipes_are_refused(edit: Callable[[dict[str, Any]], object], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        Recipe.from_json_dict(edited(edit))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"steps": None, "grid": None}, r"a recipe must state steps, grid; only a request may leave it"),
        ({"guidance_interval": None}, r"a recipe must state guidance_interval"),
        ({"device": "auto", "dtype": "auto"}, r"a recipe must state device, dtype"),
        ({"n": 2}, r"n is 2; a recipe is of one picture"),
        ({"model": "/somewhere/cats"}, r"holds the model's name, not its folder"),
        ({"model": "~/cats"}, r"not its folder"),
        (
            {"weak_model": "/somewhere/cats"},
            r"weak_model is '/somewhere/cats'; a recipe holds the model's name, not its",
        ),
        ({"model": "../cats"}, r"not its folder"),
        ({"model": "C:\\cats"}, r"not its folder"),
        ({"model": "C:/cats"}, r"not its folder"),
    ],
)
def test_a_recipe_leaves_nothing_open_and_holds_no_folder(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        recipe(resolved(**changes))


def test_a_recipe_states_a_lora_and_its_digest_together() -> None:
    for changes in ({"lora_sha256": [DIGEST]}, {"request": resolved(lora=["zorp"])}):
        with pytest.raises(InvalidOption, match="one digest in lora_sha256 for each LoRA of its request"):
            recipe(**changes)
    with pytest.raises(InvalidOption, match="lora_sha256 is 'abc'; it must be a SHA-256"):
        recipe(resolved(lora=["zorp"]), lora_sha256=["abc"])
    for path in ("/somewhere/zorp", "cats/zorp", "C:\\zorp"):
        with pytest.raises(InvalidOption, match="a recipe holds the LoRA's name, not its file"):
            recipe(resolved(lora=[path]), lora_sha256=[DIGEST])


def test_a_recipe_states_another_model_and_its_digest_together() -> None:
    for name, option, words in (
        ("weak_weights_sha256", "weak_model", "a weak_model"),
        ("upscaler_weights_sha256", "upscaler", "an upscaler"),
    ):
        for changes in ({name: DIGEST}, {"request": resolved(**{option: "small"})}):
            with pytest.raises(InvalidOption, match=f"states {name} if, and only if, its request has {words}"):
                recipe(**changes)
        with pytest.raises(InvalidOption, match=f"{option} is '/home/small'; a recipe holds the model's name"):
            recipe(resolved(**{option: "/home/small"}), **{name: DIGEST})


def test_a_recipe_says_what_enlarged_the_picture() -> None:
    with pytest.raises(InvalidOption, match="a recipe also says which upscaler"):
        recipe(resolved(upscale_to=(256, 192)))


def test_a_recipe_may_name_a_model_with_its_publisher() -> None:
    assert recipe(resolved(model="somebody/cats-v2")).request.model == "somebody/cats-v2"


def test_result_gathers_what_its_recipes_say_once() -> None:
    image: Any = object()
    result = Result([image] * 3, [recipe(), recipe(ignored=("b",), warnings=()), recipe(ignored=("b",))])
    assert result.ignored == ("the token 'zzz'", "b")
    assert result.warnings == ("careful",)
    assert result.evaluations == 72
