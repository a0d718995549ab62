"""What is drawn in a model's usual style, and what is left as it is said."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint import Pipeline, Request
from mezzotint.conditioning.text import TextConditioner
from mezzotint.diffusion.noise import PhiloxNoise, Purpose
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


# ---- from when on a style is told


def by_hand(pipe: Pipeline, styles: list[str | None]) -> Tensor:
    """DDIM on rectified flow with classifier-free guidance 3, one style a step, written anew."""
    network, steps = pipe.model.denoiser.network, len(styles)
    cond = {style: pipe.model.conditioner(["a fox"], [style]) for style in styles}
    none = pipe.model.conditioner([""], [None])
    x = PhiloxNoise([3]).normal((1, 4, 1, 32, 32), Purpose.START, 0)
    with torch.inference_mode():
        for step, style in enumerate(styles):
            t, s = 1 - step / steps, 1 - (step + 1) / steps
            said, without = (network(x, torch.tensor([t]), told, to=None, probe=None) for told in (cond[style], none))
            x0 = without + 3 * (said - without)
            x = (1 - s) * x0 + s * (x - (1 - t) * x0) / t
    return x[0]


@pytest.mark.parametrize(
    ("start", "styles"),
    [
        (None, ["flat"] * 4),
        (1.0, ["flat"] * 4),
        (0.75, [None, "flat", "flat", "flat"]),
        (0.7, [None, None, "flat", "flat"]),
        (0.25, [None, None, None, "flat"]),
        (0.0, [None, None, None, "flat"]),  # the last step at the latest
    ],
)
def test_a_style_is_told_in_the_steps_that_begin_at_its_start_or_below(
    pipe: Pipeline, start: float | None, styles: list[str | None]
) -> None:
    asked: dict[str, Any] = {"seed": 3, "steps": 4, "guidance": 3.0, "solver": "ddim"}
    *_, last = pipe.stream("a fox", style="flat", style_start=start, **asked)
    torch.testing.assert_close(last.x, by_hand(pipe, styles), rtol=1e-4, atol=1e-5)
    one_less = [None, *styles[1:]] if styles[0] else ["flat", *styles[1:]]
    assert float((last.x - by_hand(pipe, one_less)).abs().max()) > 1e-3


def test_a_style_that_is_only_usual_is_told_from_the_usual_start_on_and_any_other_always(styled: Pipeline) -> None:
    late = Pipeline(replace(styled.model, defaults=replace(styled.model.defaults, style_start=0.75)))

    def resolved(**options: Any) -> tuple[str | None, float | None]:
        found = late.resolve(Request(prompt="a fox", **options))
        return found.style, found.style_start

    assert resolved() == ("flat", 0.75)
    assert resolved(style="flat") == ("flat", None)  # somebody wants it
    assert resolved(style="noto", style_start=0.5) == ("noto", 0.5)
    assert resolved(style_start=1.0) == ("flat", 1.0)
    assert resolved(style="none") == ("none", None)
    assert late.resolve(Request(prompt="a person")).style_start is None
    assert drawn(late, "a fox") == drawn(styled, "a fox", style_start=0.75) != drawn(styled, "a fox")
    made = late.generate("a fox", seed=5, steps=3).recipes[0]
    assert made.ignored == ()
    assert late.generate(made.request).recipes[0] == made
    before = replace(made.request, style_start=None)  # as recipes from before have it
    plain = styled.generate("a fox", seed=5, steps=3).recipes[0]
    assert late.generate(before).recipes[0].pixels_sha256 == plain.pixels_sha256


def test_chaos_tells_a_usual_style_later_too(styled: Pipeline) -> None:
    late = Pipeline(replace(styled.model, defaults=replace(styled.model.defaults, style_start=0.95)))
    starts = [late.resolve(Request(prompt="a fox", chaos=chaos)).style_start for chaos in (0, 10, 40, 100)]
    assert starts == [0.95, 0.95, 0.9, 0.75]
    assert styled.resolve(Request(prompt="a fox", chaos=40)).style_start == 0.9
    assert styled.resolve(Request(prompt="a fox", style="flat", chaos=40)).style_start is None
    assert styled.resolve(Request(prompt="a fox", style_start=0.2, chaos=40)).style_start == 0.2


def test_a_single_step_is_told_its_style(pipe: Pipeline, styled: Pipeline) -> None:
    late = Pipeline(replace(styled.model, defaults=replace(styled.model.defaults, style_start=0.75)))
    once: dict[str, Any] = {"seed": 5, "steps": 1, "solver": "ddim"}
    usual_one = late.generate("a fox", **once).recipes[0]
    assert (usual_one.request.style_start, usual_one.ignored) == (None, ())
    asked = pipe.generate("a fox", style="flat", style_start=0.5, **once).recipes[0]
    assert asked.ignored == ("style_start: a single step is told the drawing style in any case",)
    assert asked.pixels_sha256 == usual_one.pixels_sha256


def test_a_start_without_a_style_is_named_as_ignored(pipe: Pipeline) -> None:
    assert pipe.generate("a fox", steps=3, style_start=0.5).recipes[0].ignored == (
        "style_start: no drawing style is told",
    )
