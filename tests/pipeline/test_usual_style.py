"""What is drawn in a model's usual style, and what is left as it is said."""

from dataclasses import replace

import pytest

from mezzotint import Pipeline, Request
from mezzotint.conditioning.text import TextConditioner
from mezzotint.usual import usual

HOUSE_STYLES = ("flat", "noto", "pixel-art", "sharp", "big-smile")


@pytest.fixture(scope="module")
def styled(pipe: Pipeline) -> Pipeline:
    """A model whose usual style is flat."""
    model = pipe.model
    return Pipeline(replace(model, defaults=replace(model.defaults, style="flat"), open=frozenset({"person"})))


def drawn(pipe: Pipeline, prompt: str, **options: object) -> str:
    return pipe.generate(prompt, seed=5, steps=2, **options).recipes[0].pixels_sha256


def test_a_prompt_without_a_style_is_drawn_in_the_usual_one_and_says_so(pipe: Pipeline, styled: Pipeline) -> None:
    assert styled.resolve(Request(prompt="a fox")).style == "flat"
    assert drawn(styled, "a fox") == drawn(pipe, "a fox", style="flat") != drawn(pipe, "a fox")
    assert drawn(styled, "a fox", style="noto") == drawn(pipe, "a fox", style="noto")


def test_none_is_none_also_where_a_style_is_usual_and_is_read_back_from_a_recipe(
    pipe: Pipeline, styled: Pipeline
) -> None:
    plain = styled.generate("a fox", seed=5, steps=2, style="none")
    assert plain.recipes[0].pixels_sha256 == drawn(pipe, "a fox")
    again = plain.recipes[0].request
    assert again.style == "none"
    assert styled.generate(again).recipes[0].pixels_sha256 == plain.recipes[0].pixels_sha256
    assert pipe.resolve(Request(prompt="a fox", style="none")).style is None  # a model that has no usual style


@pytest.mark.parametrize(
    "request_",
    [
        Request(prompt="a person with red hair"),
        Request(prompt="A PERSON"),
        Request(prompt="a fox, noto style"),
        Request(prompt="a fox in the style of a poster"),
        Request(prompt="pixel art of a fox"),
        Request(prompt="a fox", also=(("a person", 1.0),)),
        Request(prompt="a fox", blend=(("a person", 1.0), ("a hat", 1.0))),
        Request(prompt="a fox", region=(((0.0, 0.0, 0.5, 1.0), "a person"),)),
        Request(prompt="a fox", detail=(((0.0, 0.0, 0.5, 0.5), "a person"),)),
        Request(prompt="a fox", image="0" * 64),
        Request(prompt="a fox", image="0" * 64, strength=0.99),
        Request(prompt="a fox", image="0" * 64, strength=1.0, mask="1" * 64),
        Request(prompt="a fox", image="0" * 64, strength=1.0, invert=True),
        Request(prompt="a fox", image="0" * 64, strength=1.0, keep_layout=0.5),
        Request(prompt="a fox", image="0" * 64, strength=1.0, expand=(8, 0, 0, 0)),
        Request(prompt="a fox", image="0" * 64, strength=1.0, zoom=1.5),
        Request(prompt="a fox", image="0" * 64, strength=1.0, aspect=(3, 2)),
        Request(prompt="a fox", image="0" * 64, strength=1.0, structure_ref="1" * 64),
        Request(prompt="a fox", style_ref="0" * 64),
        Request(prompt="a fox", image_ref="0" * 64),
        Request(prompt="a fox", structure_ref="0" * 64),
        Request(prompt="leaves", tile="x"),
        Request(prompt="a fox", lora=(("mine", 1.0),)),
    ],
    ids=lambda request: request.prompt if request == Request(prompt=request.prompt) else str(request)[-60:],
)
def test_what_says_how_things_look_is_not_overruled(styled: Pipeline, request_: Request) -> None:
    model = replace(styled.model, conditioner=_with_styles(styled, HOUSE_STYLES))
    assert usual(request_, model).style == "none"
    if not request_.lora:  # there is none of this name
        assert Pipeline(model).resolve(request_).style == "none"


@pytest.mark.parametrize(
    "request_",
    [
        Request(prompt="a sharp knife"),  # a style has this name, and the word is a common one
        Request(prompt="a pumpkin with a big smile"),
        Request(prompt="a fox", also=(("a person", -0.5),)),
        Request(prompt="a fox", blend=(("a person", 0.0), ("a hat", 1.0))),
        Request(prompt="a fox", style_ref="0" * 64, style_weight=0.0),
        Request(prompt="a fox", lora=(("mine", 0.0),)),
        Request(prompt="a fox", detail=(((0.0, 0.0, 0.5, 0.5), "a person"),), detail_strength=0.0),
        Request(prompt="two persons"),
        Request(prompt="a fox", image="0" * 64, strength=1.0),  # nothing is left of it
        Request(prompt="a fox", negative="a person"),
        Request(prompt="a fox", structure_ref="0" * 64, structure_weight=0.0),
        Request(prompt="a fox", hires=True, size=(64, 64)),
        Request(prompt="a fox", chaos=100.0),
    ],
    ids=str,
)
def test_all_else_is(styled: Pipeline, request_: Request) -> None:
    model = replace(styled.model, conditioner=_with_styles(styled, HOUSE_STYLES))
    assert usual(request_, model).style == "flat"
    if not request_.lora:
        assert Pipeline(model).resolve(request_).style == "flat"


def test_letters_have_no_style_where_a_model_reads_them(styled: Pipeline) -> None:
    written = Request(prompt='a sign that says "STOP"')
    assert styled.model.conditioner.letters is None
    assert usual(written, styled.model).style == "flat"
    model = Pipeline.load("house", device="cpu", dtype="float32").model
    reads = replace(model, defaults=replace(model.defaults, style="noto"))
    assert usual(Request(prompt="a sign"), reads).style == "noto"
    for prompt in (
        written.prompt,
        'the number "42"',
        'a door that says "ROOM 42"',
        "the word “STOP”",
        "the word 'STOP'",
    ):
        assert usual(Request(prompt=prompt), reads).style == "none", prompt
    assert usual(replace(written, prompt="a sign that says STOP"), reads).style == "noto"
    assert usual(Request(prompt='a 5\'8" ruler and a 3" nail'), reads).style == "noto"


def test_a_resolved_request_stays_as_it_is_whatever_is_changed_in_it(pipe: Pipeline, styled: Pipeline) -> None:
    person = styled.resolve(Request(prompt="a person", seed=5, steps=2))
    assert person.style == "none"
    assert styled.resolve(replace(person, prompt="a fox")).style == "none"
    assert styled.generate(person).recipes[0].pixels_sha256 == drawn(pipe, "a person")


def test_inversion_is_drawn_by_ddim_in_no_style(styled: Pipeline) -> None:
    found = usual(Request(prompt="a fox", image="0" * 64, invert=True), styled.model)
    assert (found.solver, found.style) == ("ddim", "none")


def _with_styles(pipe: Pipeline, styles: tuple[str, ...]) -> TextConditioner:
    conditioner = pipe.model.conditioner
    return TextConditioner(conditioner.tokenizer, conditioner.encoder, styles, conditioner.length, conditioner.letters)
