"""The prompt language in pictures: weights, changes, several prompts, flags; on two text encoders of other shapes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mezzotint import Pipeline, Recipe, Request
from mezzotint.conditioning.bert import BertConfig, BertEncoder
from mezzotint.conditioning.minilm import make_tokenizer
from mezzotint.conditioning.prompt import Reading, escaped
from mezzotint.conditioning.text import TextConditioner
from mezzotint.diffusion.denoiser import NetworkDenoiser
from mezzotint.diffusion.noise import PhiloxNoise, Purpose
from mezzotint.diffusion.timegrid import Denoise
from mezzotint.errors import InvalidOption
from mezzotint.load import lora_folder
from mezzotint.pipeline import Preview
from mezzotint.prompting import script_of
from mezzotint.provenance.pixels import psnr
from tests.support import SMALL, STYLES, lora_file, random_network

WORDS = ("a", "an", "the", "red", "blue", "apple", "cat", "dog", "hat", "sky", "on", ",", *"bcdefghijklmnopqrstuvwxyz")
STEPS = 4


@pytest.fixture(scope="module")
def other(pipe: Pipeline) -> Pipeline:
    """The same kind of network behind a text encoder of another vocabulary, width, depth and length of sentences."""
    pieces = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"))
    encoder = BertEncoder(BertConfig(vocabulary=len(pieces), width=24, layers=1, heads=2, hidden=32, positions=10))
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.5)
    network = random_network(replace(SMALL, text_width=24), seed=3)
    leaf: NetworkDenoiser[Any] = replace(pipe.model.denoiser, network=network)
    text = TextConditioner(make_tokenizer(pieces), encoder, STYLES, 10)
    return Pipeline(replace(pipe.model, denoiser=leaf, conditioner=text))


@pytest.fixture(params=["house", "other"])
def either(request: pytest.FixtureRequest, pipe: Pipeline, other: Pipeline) -> Pipeline:
    """A pipeline with either text encoder."""
    return pipe if request.param == "house" else other


def recipe(pipe: Pipeline, prompt: str, **options: Any) -> Recipe:
    return pipe.generate(prompt, **{"seed": 3, "steps": STEPS, "guidance": 3.0, **options}).recipes[0]


def pixels(pipe: Pipeline, prompt: str, **options: Any) -> str:
    return recipe(pipe, prompt, **options).pixels_sha256


def previews(pipe: Pipeline, prompt: str, **options: Any) -> list[Preview]:
    return list(pipe.stream(prompt, **{"seed": 3, "steps": STEPS, "guidance": 3.0, **options}))


# ---- weights


def test_weight_one_is_bitwise_plain_and_weight_zero_bitwise_without_the_words(either: Pipeline) -> None:
    assert pixels(either, "a (red:1) apple") == pixels(either, "a red apple")
    assert pixels(either, "a (red:0) apple") == pixels(either, "a apple")
    assert pixels(either, "a red apple (sky:0)") == pixels(either, "a red apple")
    assert pixels(either, "(red apple:0)") == pixels(either, "")


def test_weights_act_and_inside_one_another_they_multiply(either: Pipeline) -> None:
    found = [pixels(either, f"a (red:{weight}) apple") for weight in (0.5, 1, 1.5, 3)]
    assert len(set(found)) == 4
    assert pixels(either, "a ((red:1.5):2) apple") == found[3]
    assert pixels(either, "a (red) apple") == pixels(either, "a (red:1.1) apple")
    assert pixels(either, "a cat", negative="a (hat:2)") != pixels(either, "a cat", negative="a hat")
    assert pixels(either, "a cat", also=[("a (hat:2)", 0.5)]) != pixels(either, "a cat", also=[("a hat", 0.5)])


def test_a_picture_of_a_batch_has_the_weights_that_it_has_alone(either: Pipeline) -> None:
    prompt, options = "a (red:2) [apple:cat:0.5] BREAK the sky", {"seed": 3, "steps": STEPS, "guidance": 3.0}
    batch = either.generate(prompt, n=2, **options)
    fast = either.generate(prompt, n=2, batching="fast", **options)
    for number in range(2):
        assert batch.recipes[number] == recipe(either, prompt, seed=3 + number)
        assert psnr(batch.images[number], fast.images[number]) > 60


# ---- changes over the steps


def by_hand(pipe: Pipeline, texts: Sequence[str]) -> Tensor:
    """DDIM on rectified flow with classifier-free guidance 3, one text a step, written anew."""
    network, steps = pipe.model.denoiser.network, len(texts)
    cond = {text: pipe.model.conditioner([text], [None]) for text in (*texts, "")}
    x = PhiloxNoise([3]).normal((1, 4, 1, 32, 32), Purpose.START, 0)
    with torch.inference_mode():
        for step, text in enumerate(texts):
            t, s = 1 - step / steps, 1 - (step + 1) / steps
            time = torch.tensor([t])
            with_text, without = (network(x, time, cond[name], to=None, probe=None) for name in (text, ""))
            x0 = without + 3 * (with_text - without)
            x = (1 - s) * x0 + s * (x - (1 - t) * x0) / t
    return x[0]


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ("[a cat:a dog:0.5]", ["a cat", "a cat", "a dog", "a dog"]),
        ("[a cat:a dog:1]", ["a cat", "a dog", "a dog", "a dog"]),
        ("[a cat|a dog]", ["a cat", "a dog", "a cat", "a dog"]),
        ("a [red::0.75] apple", ["a red apple", "a red apple", "a red apple", "a apple"]),
        ("the [blue:0.25] sky", ["the sky", "the blue sky", "the blue sky", "the blue sky"]),
    ],
)
def test_changes_are_those_of_a_loop_written_by_hand(either: Pipeline, prompt: str, texts: list[str]) -> None:
    last = previews(either, prompt, solver="ddim")[-1]
    torch.testing.assert_close(last.x, by_hand(either, texts), rtol=1e-4, atol=1e-5)
    same = by_hand(either, texts[:1] * 4)
    assert float((last.x - same).abs().max()) > 1e-3


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"guidance_methods": ("pag:scale=2",)},
        {"guidance_methods": ("apg", "sag:scale=2")},
        {"guidance": 1},
        {"guidance_methods": ("icg",)},
        {"guidance_interval": (0.2, 0.6)},
    ],
)
def test_before_a_change_the_drawing_is_bitwise_that_of_the_first_text(pipe: Pipeline, options: dict[str, Any]) -> None:
    ours = previews(pipe, "[a cat:a dog:0.5]", **options)
    first, then = (previews(pipe, text, **options) for text in ("a cat", "a dog"))
    assert [torch.equal(a.x0, b.x0) for a, b in zip(ours, first, strict=True)] == [True, True, False, False]
    assert [torch.equal(a.x0, b.x0) for a, b in zip(ours, then, strict=True)] == [False] * 4
    assert ours[-1].recipe is not None
    assert first[-1].recipe is not None
    assert ours[-1].recipe.evaluations == first[-1].recipe.evaluations


def test_a_change_reaches_the_weak_model_too(pipe: Pipeline, weak_folder: Path) -> None:
    options = {"guidance_methods": ("autoguidance:scale=2",), "weak_model": str(weak_folder), "guidance": 1}
    ours, first = (previews(pipe, text, **options) for text in ("[a cat:a dog:0.5]", "a cat"))
    assert [torch.equal(a.x0, b.x0) for a, b in zip(ours, first, strict=True)] == [True, True, False, False]
    late = ours[2].step.prediction
    assert late is not None
    weak = Pipeline.load(str(weak_folder))
    with torch.inference_mode():  # what the weak model says of the dog there
        cond = weak.model.prepare(["a dog"], [None])
        alone = weak.model.denoiser(late.x_t, torch.tensor(0.5, dtype=torch.float64), {"cond": cond})
    assert torch.equal(late.branches["weak"].x0, alone.x0)


def test_a_change_in_any_branch_counts(pipe: Pipeline) -> None:
    for options, same in (
        ({"negative": "[red:blue:0.5]"}, {"negative": "red"}),
        ({"also": [("[a hat:a dog:0.5]", 0.5)]}, {"also": [("a hat", 0.5)]}),
    ):
        ours, first = (previews(pipe, "a cat", **some) for some in (options, same))
        assert [torch.equal(a.x0, b.x0) for a, b in zip(ours, first, strict=True)] == [True, True, False, False]


def test_on_a_grid_that_jumps_what_is_read_depends_on_the_time(pipe: Pipeline) -> None:
    request = pipe.resolve(Request(prompt="[a|b|c]", steps=12, grid="repaint:length=3,times=2", guidance=1))
    grid = pipe.time_grid(request)
    script = pipe.script(request)
    starts = [move.t for move in grid if isinstance(move, Denoise)]
    distinct = sorted(set(starts), reverse=True)
    assert len(starts) > len(distinct) == 12
    assert script.times == tuple(distinct[1:])
    line = script.told("cond", lambda reading, styled: reading)
    for start in starts:
        (number,) = line.numbers(torch.tensor(start, dtype=torch.float64))
        assert line.each[number] == Reading.of("abc"[distinct.index(start) % 3])
    assert recipe(pipe, "[a|b]", grid="repaint:length=3,times=2", steps=12).ignored == ()


def test_an_edit_divides_the_steps_that_it_takes(pipe: Pipeline) -> None:
    image = pipe.generate("a red apple", seed=1, steps=2).images[0]
    options = {"image": image, "strength": 0.5, "steps": 8, "solver": "ddim"}
    ours, first = (previews(pipe, text, **options) for text in ("[a cat:a dog:0.5]", "a cat"))
    assert [torch.equal(a.x0, b.x0) for a, b in zip(ours, first, strict=True)] == [True, True, False, False]


# ---- several prompts


def test_and_is_also_bit_for_bit(either: Pipeline) -> None:
    together = recipe(either, "a cat AND a (hat:1.5) :0.7 AND the sky :-0.5")
    apart = recipe(either, "a cat", also=[("a (hat:1.5)", 0.7), ("the sky", -0.5)])
    assert together.pixels_sha256 == apart.pixels_sha256
    assert together.request.guidance_methods == apart.request.guidance_methods == ("composable",)
    assert (together.evaluations, together.ignored) == (STEPS * 4, ())
    mixed = recipe(either, "a cat AND a (hat:1.5) :0.7", also=[("the sky", -0.5)])
    assert mixed.pixels_sha256 == apart.pixels_sha256


def test_the_first_prompt_may_have_a_weight_too(either: Pipeline) -> None:
    assert pixels(either, "a cat :2 AND a hat") == pixels(either, "a cat", guidance=6, also=[("a hat", 0.5)])
    assert pixels(either, "a cat::3 a hat") == pixels(either, "a cat", guidance=2.25, also=[("a hat", 1 / 3)])
    assert pixels(either, "a cat::2") == pixels(either, "a cat")


def test_perp_neg_takes_prompts_that_repel(pipe: Pipeline) -> None:
    methods = {"guidance_methods": ("perp-neg",)}
    together, apart = (
        pixels(pipe, "a cat AND a hat :-1", **methods),
        pixels(pipe, "a cat", also=[("a hat", -1)], **methods),
    )
    assert together == apart != pixels(pipe, "a cat", **methods)


def test_chunks_are_read_apart(either: Pipeline) -> None:
    joined, apart = (
        previews(either, "a red apple BREAK a blue sky", guidance=1)[0],
        previews(either, "a red apple a blue sky", guidance=1)[0],
    )
    assert not torch.equal(joined.x0, apart.x0)
    first, second = (either.model.conditioner([text]) for text in ("a red apple", "a blue sky"))
    both = replace(
        first, tokens=torch.cat([first.tokens, second.tokens], 1), mask=torch.cat([first.mask, second.mask], 1)
    )
    assert joined.step.prediction is not None
    with torch.inference_mode():
        alone = either.model.denoiser.network(joined.step.prediction.x_t, torch.ones(1), both, to=None, probe=None)
    torch.testing.assert_close(joined.x0, alone[0], rtol=1e-4, atol=1e-5)


# ---- what a prompt says of options


def test_flags_are_the_options_that_they_name(pipe: Pipeline) -> None:
    said = pipe.generate("a cat --seed 7 --no red --style flat --repeat 2 --ar 1:1 --stop 50", steps=4)
    given = pipe.generate("a cat", seed=7, negative="red", style="flat", n=2, size=32, stop=0.5, steps=4)
    assert said.recipes == given.recipes
    assert said.recipes[0].request.aspect is None
    assert (
        pipe.generate(Request(prompt="a cat --seed 7"), steps=2).recipes
        == pipe.generate("a cat", seed=7, steps=2).recipes
    )
    with pytest.raises(InvalidOption, match="seed is given twice"):
        pipe.generate("a cat --seed 7", seed=3)


def test_stop_takes_the_first_moves_and_goes_to_the_picture(pipe: Pipeline) -> None:
    half = recipe(pipe, "a cat", stop=0.5)
    assert half.pixels_sha256 == pixels(pipe, "a cat", grid=(1, 0.75, 0), steps=None)
    assert (half.evaluations, half.request.stop, half.request.steps) == (4, 0.5, 4)
    assert pixels(pipe, "a cat", stop=1) == pixels(pipe, "a cat")
    image = pipe.generate("a red apple", seed=1, steps=2).images[0]
    edited = pipe.resolve(Request(prompt="", image="0" * 64, strength=0.5, stop=0.5, steps=8))
    assert pipe.time_grid(edited) == (Denoise(0.5, 0.375), Denoise(0.375, 0.0))
    assert recipe(pipe, "a cat", image=image, strength=0.5, stop=0.5, steps=8).evaluations == 4


def test_a_lora_may_be_named_in_the_prompt(
    pipe: Pipeline, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    lora_file(lora_folder() / "zorp.safetensors", folder, "zorp", 0)
    said = recipe(pipe, "a [cat:(zorp:1.5):0.5] <lora:zorp:0.6>")
    assert said == recipe(pipe, "a [cat:(zorp:1.5):0.5]", lora=[("zorp", 0.6)])
    assert said.pixels_sha256 != pixels(pipe, "a [cat:(zorp:1.5):0.5]")
    assert pipe.generate(said.request).recipes[0] == said


@pytest.mark.parametrize(
    "prompt",
    [
        "a (red:1.3) apple",
        "[a cat:a dog:0.5] on the [sky|hat]",
        "a cat AND a hat :0.7",
        "a cat::3 a hat::-1 --weird 250",
        "a red apple BREAK a blue sky",
        r"a \(blood type\) apple",
    ],
)
def test_a_recipe_draws_the_same_picture_again(either: Pipeline, prompt: str) -> None:
    first = recipe(either, prompt)
    assert Recipe.from_json_dict(first.to_json_dict()) == first
    assert either.generate(first.request).recipes[0] == first
    assert either.resolve(first.request) == first.request


# ---- what is ignored, and what is refused


def test_everything_that_has_no_effect_is_named(pipe: Pipeline) -> None:
    def ignored(prompt: str, **options: Any) -> tuple[str, ...]:
        return recipe(pipe, prompt, **options).ignored

    assert ignored("a cat --weird 250 --hd") == (
        "--weird 250: it has no meaning here",
        "--hd: it has no meaning here",
    )
    assert ignored("[a cat:a dog:9]") == ("[a cat:a dog:9]: 'a dog' is never reached with 4 steps",)
    assert ignored("[a|b|c] d", steps=2, solver="ddim") == ("[a|b|c]: 'c' is never reached with 2 steps",)
    assert ignored("[a ☃:a 一:0.5] AND ☃ :0.5", negative="丁") == ("☃", "一", "丁")
    assert ignored("a cat AND a hat :0") == ("prompt: a hat :0",)
    assert ignored("a cat", negative="[a:b:9]") == ("[a:b:9]: 'b' is never reached with 4 steps",)
    assert ignored("a __cat__") == (
        "__cat__: read as it stands; mezzotint imagine --wildcards puts a line of cat.txt in its place",
    )
    assert ignored(r"a \_\_cat\_\_, [a cat:a dog:0.5] (red:0)") == ()
    assert recipe(pipe, "(red:0) --weird 3").warnings == ("The prompt is empty: the picture is drawn without one.",)
    assert recipe(pipe, "[:a cat:0.5]").warnings == ()


@pytest.mark.parametrize(
    ("prompt", "options", "words"),
    [
        ("a (cat", {}, "At character 3 (near 'a (cat')"),
        ("{a, b} cat", {}, "mezzotint imagine and mezzotint.expanded_prompts() take them"),
        ("a cat", {"negative": "a AND b"}, "negative has several prompts, joined by AND or ::"),
        ("a cat", {"also": [("a::2 b", 1)]}, "also has several prompts, joined by AND or ::"),
        ("a cat", {"negative": "a --ar 3:2"}, "negative has --ar, which only the prompt itself may have"),
        ("a cat", {"negative": "a <lora:x:1>"}, "negative has <lora:...>"),
        ("a cat", {"negative": "a (b"}, "At character 3 (near 'a (b')"),
        (
            "a AND b",
            {"guidance_methods": ("apg",)},
            "Several prompts (AND or ::) need a guidance that combines several",
        ),
        ("a AND b", {"guidance_methods": ("perp-neg",)}, "with a negative weight, and 'b' has 1"),
        ("a :2 AND b :-1", {"guidance_methods": ("perp-neg",)}, "takes the first prompt with the weight 1, not 2"),
        (
            "a --ar 99:2",
            {},
            "draws pictures of 32x32 pixels, not of the shape 99:2, or larger ones with sides in multiples of 8",
        ),
        ("a", {"stop": 0.5, "grid": "repaint:length=2", "steps": 8}, "A falling time grid is needed here"),
        ("a " * 2049, {}, "has 2049 word pieces; at most 2048 are read"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_any_work(
    pipe: Pipeline, prompt: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidOption) as caught:
        pipe.stream(prompt, **{"steps": 4, "guidance": 3.0, **options})
    assert words in str(caught.value)


def test_a_name_that_looks_like_the_language_is_words_when_escaped(pipe: Pipeline) -> None:
    name = "O button (blood type)"
    assert pixels(pipe, escaped(name), guidance=1) != pixels(pipe, name, guidance=1)
    ours = previews(pipe, escaped(name), guidance=1)[0].x0
    cond = pipe.model.prepare([name], [None])
    first = previews(pipe, "a", guidance=1)[0].step.prediction
    assert first is not None
    with torch.inference_mode():
        assert torch.equal(ours, pipe.model.denoiser.network(first.x_t, torch.ones(1), cond)[0])
    script = script_of(pipe._guidance(pipe.resolve(Request(prompt=escaped(name), guidance=1))), ())
    assert script.lines["cond"] == (Reading.of(name),)
