"""All guidance methods through the pipeline: reached, counted, neutral when off, named when idle, refused by name."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.modules.module import register_module_forward_hook

from mezzotint import Pipeline, Recipe, Request
from mezzotint.diffusion.guidance import GUIDANCES, describe
from mezzotint.diffusion.prediction import Prediction
from mezzotint.errors import InvalidOption
from mezzotint.families.pixel_dit import PixelDiT
from mezzotint.guiding import independent_prompt
from mezzotint.load import load_model
from mezzotint.provenance.pixels import psnr
from tests.support import SMALL, model_folder

HAT = (("a hat", 0.7),)
ON: Mapping[str, tuple[dict[str, Any], int]] = {
    "cfg": ({"guidance_methods": ("cfg",), "guidance": 5}, 8),
    "cfg++": ({"guidance_methods": ("cfg++",), "guidance": 0.6}, 8),
    "apg": ({"guidance_methods": ("apg",)}, 8),
    "cfg-zero": ({"guidance_methods": ("cfg-zero",)}, 8),
    "tcfg": ({"guidance_methods": ("tcfg",)}, 8),
    "composable": ({"also": HAT}, 12),
    "perp-neg": ({"guidance_methods": ("perp-neg",), "also": (("a hat", -0.7),)}, 12),
    "icg": ({"guidance_methods": ("icg",)}, 8),
    "interval": ({"guidance_methods": ("interval:high=0.8,low=0.4",)}, 6),
    "rescale": ({"guidance_methods": ("rescale:amount=0.7",)}, 8),
    "dynamic-thresholding": ({"guidance_methods": ("dynamic-thresholding:percentile=0.9",)}, 8),
    "autoguidance": ({"guidance_methods": ("autoguidance:scale=2",), "weak_model": "WEAK"}, 12),
    "pag": ({"guidance_methods": ("pag:scale=2",)}, 12),
    "sag": ({"guidance_methods": ("sag:scale=2",)}, 12),
    "seg": ({"guidance_methods": ("seg:scale=2",)}, 12),
    "slg": ({"guidance_methods": ("slg:scale=2",)}, 12),
    "token-dropout": ({"guidance_methods": ("token-dropout:scale=2",)}, 12),
}
"""Each method switched on beside guidance 3, and the evaluations of four steps."""


def test_chaos_leaves_guidance_out_where_it_is_noisiest(pipe: Pipeline) -> None:
    assert pipe.resolve(Request(prompt="a cat", chaos=100)).guidance_interval == (0.0, 0.75)
    resolved = pipe.generate("a cat --chaos 40", steps=4).recipes[0].request
    assert (resolved.chaos, resolved.guidance_interval) == (None, (0.0, 0.9))
    by_hand = pipe.generate("a cat", steps=4, guidance_interval=(0.0, 0.9)).recipes[0]
    assert by_hand == pipe.generate("a cat", steps=4, chaos=40).recipes[0]
    none = pipe.generate("a cat", steps=4, chaos=0).recipes[0]
    assert none == pipe.generate("a cat", steps=4).recipes[0]
    with pytest.raises(InvalidOption, match="chaos is 40, which ends the guidance interval"):
        pipe.resolve(Request(prompt="a cat", chaos=40, guidance_interval=(0, 0.5)))


def test_the_contrast_of_eps_is_refused_at_pure_noise_before_any_work(pipe: Pipeline) -> None:
    asked = Request(prompt="a cat", guidance_methods=("rescale:amount=0.7,target=eps",))
    with pytest.raises(InvalidOption, match=r"rescale:amount=0\.7,target=eps takes the contrast of eps.* use target=v"):
        pipe.resolve(asked)
    pipe.resolve(replace(asked, grid="uniform:start=0.99"))
    pipe.resolve(replace(asked, guidance_methods=("rescale:amount=0.7",)))


@pytest.mark.parametrize("rule", ["composable", "perp-neg"])
def test_each_further_prompt_costs_what_the_registry_says(pipe: Pipeline, rule: str) -> None:
    (line,) = (line for line in describe() if line["name"] == rule)
    for count in range(3):
        also = tuple((f"thing {i}", -0.5) for i in range(count))
        drawn = pipe.generate("a cat", steps=3, guidance=3, guidance_methods=(rule,), also=also)
        assert drawn.evaluations == 3 * (line["evaluations"] + count * line["evaluations_for_each_prompt"])


STACK = {"guidance_methods": ("apg:momentum=-0.5", "pag:scale=1.5", "rescale:amount=0.6"), "guidance": 6}


def drawn(pipe: Pipeline, weak: Path | None = None, **options: Any) -> Recipe:
    """The recipe of one picture in four steps, with guidance 3 unless another is given."""
    if options.get("weak_model") == "WEAK":
        options["weak_model"] = str(weak)
    return pipe.generate("a red apple", **{"seed": 3, "steps": 4, "guidance": 3, **options}).recipes[0]


@pytest.fixture(scope="module")
def plain(pipe: Pipeline) -> Recipe:
    return drawn(pipe, guidance=1)


@pytest.fixture(scope="module")
def cfg(pipe: Pipeline) -> Recipe:
    return drawn(pipe)


def test_every_method_of_the_registry_is_here() -> None:
    assert set(ON) == set(GUIDANCES)


@pytest.mark.parametrize("name", ON)
def test_each_method_changes_the_picture_and_costs_what_the_recipe_says(
    pipe: Pipeline, weak_folder: Path, plain: Recipe, cfg: Recipe, name: str
) -> None:
    options, evaluations = ON[name]
    rows: list[int] = []
    hook = register_module_forward_hook(lambda net, x, _: rows.append(len(x[0])) if isinstance(net, PixelDiT) else None)
    try:
        recipe = drawn(pipe, weak_folder, **options)
    finally:
        hook.remove()
    assert sum(rows) == evaluations  # one network forward for one picture each
    assert recipe.pixels_sha256 not in (plain.pixels_sha256, cfg.pixels_sha256)
    assert recipe.evaluations == evaluations
    assert recipe.ignored == ()
    assert recipe.request.guidance_methods[:1] == (options.get("guidance_methods") or ("composable",))[:1]
    if name != "autoguidance":  # the recipe has the weak model's name, which only an installed one can be loaded by
        assert pipe.generate(recipe.request).recipes[0] == recipe
        assert pipe.resolve(recipe.request) == recipe.request
        assert Recipe.from_json_dict(recipe.to_json_dict()) == recipe


@pytest.mark.parametrize("name", ["cfg", "apg", "cfg-zero", "tcfg", "composable", "perp-neg", "icg"])
def test_a_rule_with_guidance_one_is_off_and_says_so(pipe: Pipeline, plain: Recipe, name: str) -> None:
    recipe = drawn(pipe, guidance_methods=(name,), guidance=1)
    assert (recipe.pixels_sha256, recipe.evaluations) == (plain.pixels_sha256, 4)
    assert recipe.ignored == (f"guidance_methods: {name}",)


@pytest.mark.parametrize(
    "spec",
    [
        "interval",
        "rescale",
        "dynamic-thresholding",
        "autoguidance:scale=1",
        "pag",
        "sag",
        "seg:sigma=2",
        "slg:blocks=0",
        "token-dropout:scale=2,share=0",
    ],
)
def test_a_modifier_that_is_off_changes_no_bit_and_says_so(
    pipe: Pipeline, weak_folder: Path, cfg: Recipe, spec: str
) -> None:
    recipe = drawn(pipe, guidance_methods=(spec,))
    assert (recipe.pixels_sha256, recipe.evaluations) == (cfg.pixels_sha256, 8)
    assert recipe.ignored == (f"guidance_methods: {spec}",)


def test_what_has_nothing_to_act_on_says_so(pipe: Pipeline, weak_folder: Path, plain: Recipe) -> None:
    alone = drawn(
        pipe, weak_folder, guidance=1, guidance_methods=("rescale:amount=0.7",), guidance_interval=(0.2, 0.9),
        negative="blue", also=(("a hat", 0),), weak_model="WEAK",
    )  # fmt: skip
    assert alone.ignored == (
        "negative: blue", "also: a hat", "guidance_methods: composable", "guidance_methods: rescale:amount=0.7",
        "guidance_interval: 0.2,0.9", "weak_model: random",
    )  # fmt: skip
    assert alone.pixels_sha256 == plain.pixels_sha256
    assert (alone.request.weak_model, alone.weak_weights_sha256) == (None, None)
    # behind something that steers, the same options act
    steered = {
        "guidance": 1,
        "guidance_methods": ("pag:scale=2", "rescale:amount=0.7"),
        "guidance_interval": (0.2, 0.9),
    }
    assert drawn(pipe, **steered).ignored == ()
    assert drawn(pipe, guidance_methods=("icg",), negative="blue").ignored == ("negative: blue",)
    further = drawn(pipe, also=(("a hat \u2603", 0.7),), negative="blue \u4e00")
    assert further.ignored == ("\u2603", "\u4e00")


def test_a_modifier_acts_without_a_rule(pipe: Pipeline, plain: Recipe) -> None:
    recipe = drawn(pipe, guidance=1, guidance_methods=("pag:scale=2",))
    assert recipe.pixels_sha256 != plain.pixels_sha256
    assert (recipe.evaluations, recipe.ignored) == (8, ())


def test_modifiers_act_in_the_order_given_and_the_interval_around_all(pipe: Pipeline) -> None:
    both = ("pag:scale=2", "rescale:amount=0.7")
    first, second = (drawn(pipe, guidance_methods=order) for order in (both, both[::-1]))
    assert first.pixels_sha256 != second.pixels_sha256
    around = drawn(pipe, guidance_methods=both[:1], guidance_interval=(0.4, 0.8))
    inside = drawn(pipe, guidance_methods=("interval:low=0.4,high=0.8", *both[:1]))
    last = drawn(pipe, guidance_methods=(*both[:1], "interval:low=0.4,high=0.8"))
    assert (around.evaluations, inside.evaluations) == (4 + 2 * 2, 4 + 2 + 4)
    assert around.pixels_sha256 == last.pixels_sha256 != inside.pixels_sha256
    assert inside.request.guidance_interval == (0, 1)


# ---- what the branches are


def believed(pipe: Pipeline, **options: Any) -> Prediction:
    """What is predicted at pure noise, with what went into it."""
    found = next(pipe.stream("a red apple", **{"seed": 3, "steps": 2, "guidance": 3, **options})).step.prediction
    assert found is not None
    return found


def answer(pipe: Pipeline, prompt: str, x_t: torch.Tensor, style: str | None = None) -> torch.Tensor:
    """What the model alone says of pure noise."""
    with torch.inference_mode():
        cond = {"cond": pipe.model.prepare([prompt], [style])}
        return pipe.model.denoiser(x_t, torch.tensor(1.0, dtype=torch.float64), cond).x0


def test_further_prompts_count_in_units_of_guidance(pipe: Pipeline) -> None:
    also = (("a hat", 0.5), ("a ball", -0.25))
    found = believed(pipe, also=also, style="flat", negative="blue")
    expected = {
        "cond": answer(pipe, "a red apple", found.x_t, "flat"), "uncond": answer(pipe, "blue", found.x_t),
        "also-1": answer(pipe, "a hat", found.x_t, "flat"), "also-2": answer(pipe, "a ball", found.x_t),
    }  # fmt: skip
    for name, x0 in expected.items():
        torch.testing.assert_close(found.branches[name].x0, x0, rtol=1e-4, atol=1e-4)
    uncond = expected["uncond"]
    weights = {"cond": 3, "also-1": 1.5, "also-2": -0.75}
    total = uncond + sum(weight * (expected[name] - uncond) for name, weight in weights.items())
    torch.testing.assert_close(found.x0, total, rtol=1e-3, atol=1e-3)


def test_perp_neg_reads_the_negative_prompt_and_negative_weights(pipe: Pipeline) -> None:
    found = believed(pipe, guidance_methods=("perp-neg",), also=(("a hat", -0.5),), negative="blue")
    x0 = {name: branch.x0 for name, branch in found.branches.items()}
    for name, prompt in {"uncond": "", "negative": "blue", "also-1": "a hat"}.items():
        torch.testing.assert_close(x0[name], answer(pipe, prompt, found.x_t), rtol=1e-4, atol=1e-4)
    p = x0["cond"] - x0["uncond"]
    total = x0["uncond"] + 3 * p
    for name, weight in {"negative": 1.0, "also-1": 0.5}.items():
        n = x0[name] - x0["uncond"]
        total = total - 3 * weight * (n - (n * p).sum() / (p * p).sum() * p)
    torch.testing.assert_close(found.x0, total, rtol=1e-3, atol=1e-3)


def test_icg_takes_a_prompt_at_random_that_is_a_function_of_the_seed(pipe: Pipeline) -> None:
    words = pipe.model.conditioner.tokenizer.get_vocab()
    prompts = {seed: independent_prompt(seed, words) for seed in range(5)}
    assert len(set(prompts.values())) == 5
    assert all(len(prompt.split()) == 4 for prompt in prompts.values())
    assert pipe.model.conditioner.report(prompts[3]).ignored == ()
    assert prompts[3] == independent_prompt(3, reversed(list(words)))  # not of the vocabulary's order
    found = believed(pipe, guidance_methods=("icg",))
    torch.testing.assert_close(
        found.branches["independent"].x0, answer(pipe, prompts[3], found.x_t), rtol=1e-4, atol=1e-4
    )
    batch = pipe.generate("a cat", n=3, seed=2, steps=2, guidance_methods=("icg",))
    fast = pipe.generate("a cat", n=3, seed=2, steps=2, guidance_methods=("icg",), batching="fast")
    assert all(psnr(a, b) > 60 for a, b in zip(batch.images, fast.images, strict=True))
    with pytest.raises(InvalidOption, match="whole words"):
        independent_prompt(3, ["##a", "!", "ab"])


def test_the_weak_model_reads_the_prompt_with_its_own_weights(pipe: Pipeline, weak_folder: Path) -> None:
    found = believed(pipe, guidance_methods=("autoguidance:scale=2.5",), weak_model=str(weak_folder))
    weak = answer(Pipeline.load(str(weak_folder)), "a red apple", found.x_t)
    cond, uncond = (answer(pipe, prompt, found.x_t) for prompt in ("a red apple", ""))
    torch.testing.assert_close(found.branches["weak"].x0, weak, rtol=1e-4, atol=1e-4)
    total = uncond + 3 * (cond - uncond) + 1.5 * (cond - weak)
    torch.testing.assert_close(found.x0, total, rtol=1e-3, atol=1e-3)


def test_a_weak_model_is_recorded_by_name_and_digest(pipe: Pipeline, weak_folder: Path, folder: Path) -> None:
    options = {"guidance_methods": ("autoguidance:scale=2",), "weak_model": str(weak_folder)}
    first = drawn(pipe, **options)
    assert first.request.weak_model == "random"
    assert first.weak_weights_sha256 == load_model(str(weak_folder)).weights_sha256 != first.weights_sha256
    assert drawn(pipe, **options) == first
    itself = drawn(pipe, guidance_methods=("autoguidance:scale=2",), weak_model=str(folder))
    assert itself.weak_weights_sha256 == itself.weights_sha256
    assert itself.pixels_sha256 != first.pixels_sha256


# ---- scales


def test_the_scale_of_a_rule_is_guidance_wherever_it_is_said(pipe: Pipeline) -> None:
    inside = drawn(pipe, guidance=None, guidance_methods=("apg:guidance=5,eta=0.5",))
    beside = drawn(pipe, guidance=5, guidance_methods=("apg:eta=0.5",))
    assert inside == beside
    assert (inside.request.guidance, inside.request.guidance_methods) == (5, ("apg:eta=0.5",))
    open_ = pipe.resolve(Request(prompt="", guidance_methods=["apg"]))
    assert open_.guidance == pipe.model.defaults.guidance
    assert pipe.resolve(Request(prompt="", guidance_methods=["CFG++"])).guidance == 0.6  # 4 is none of its scales
    assert pipe.resolve(Request(prompt="", guidance_methods=["CFG++"])).guidance_methods == ("cfg++",)


# ---- one request does not touch another


def test_picture_i_is_that_of_its_seed_with_a_rule_that_remembers(pipe: Pipeline) -> None:
    batch = pipe.generate("a red apple", n=3, seed=3, steps=4, **STACK)
    for seed, recipe in zip((3, 4, 5), batch.recipes, strict=True):
        assert pipe.generate("a red apple", seed=seed, steps=4, **STACK).recipes[0] == recipe
    forgetful = {**STACK, "guidance_methods": ("apg:momentum=0", *STACK["guidance_methods"][1:])}
    assert drawn(pipe, **forgetful).pixels_sha256 != batch.recipes[0].pixels_sha256  # it does remember
    fast = pipe.generate("a red apple", n=3, seed=3, steps=4, batching="fast", **STACK)
    assert all(psnr(a, b) > 50 for a, b in zip(batch.images, fast.images, strict=True))


def test_two_streams_at_once_keep_their_memories_apart(pipe: Pipeline) -> None:
    asked = [{"seed": 1, **STACK}, {"seed": 2, "guidance": 4, "guidance_methods": ("apg:momentum=0.7",)}]
    alone = [pipe.generate("a cat", steps=4, **options).recipes[0] for options in asked]
    streams = [pipe.stream("a cat", steps=4, **options) for options in asked]
    for _ in range(4):
        last = [next(stream) for stream in streams]
    assert [preview.recipe for preview in last] == alone


def test_the_evaluations_of_the_steps_add_up(pipe: Pipeline) -> None:
    previews = list(pipe.stream("a cat", steps=4, solver="heun", guidance_interval=(0.4, 1), **STACK))
    assert [p.step.evaluations for p in previews] == [6, 6, 3 + 1, 1]  # Heun looks twice, the last step once
    assert previews[-1].recipe is not None
    assert previews[-1].recipe.evaluations == 17


# ---- refusals


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"guidance_methods": ("agp",)}, "There is no guidance called 'agp'; did you mean .*apg"),
        ({"guidance_methods": ("apg:momentun=1",)}, "The guidance apg has no option 'momentun'; did you mean momentum"),
        ({"guidance_methods": ("apg:momentum=2",)}, "momentum of the guidance apg must be a number from -1 to 1"),
        (
            {"guidance_methods": ("apg:momentum=much",)},
            "option momentum of the guidance apg must be a number, not much",
        ),
        ({"guidance_methods": ("apg", "tcfg")}, "apg and tcfg are alternatives"),
        ({"guidance_methods": ("pag:scale=1", "pag:scale=2")}, "pag is asked for 2 times; ask for it once"),
        ({"guidance_methods": ("apg:guidance=3",), "guidance": 3}, "guidance is 3, and the guidance method apg:guid"),
        ({"guidance_methods": ("apg:guidance=300",)}, "guidance is 300; it must be a number from 0 to 100"),
        (
            {"guidance_methods": ("cfg++",), "guidance": 3},
            r"guidance of the guidance cfg\+\+ must be a number from 0 to 1",
        ),
        ({"guidance_methods": ("interval:low=0.5",), "guidance_interval": (0.2, 1)}, "are the same; give one of them"),
        ({"guidance_methods": ("interval:low=0.5,high=0.2",)}, "needs 0 <= low < high <= 1"),
        (
            {"guidance_methods": ("pag:scale=1,blocks=0+2",)},
            "was given the block 2; this network has the blocks 0 to 1",
        ),
        ({"guidance_methods": ("rescale:target=epsilon",)}, "There is no target of the guidance rescale .*mean eps"),
        ({"guidance_methods": ("composable:weights=2",)}, "The guidance composable has no option 'weights'"),
        ({"guidance_methods": ("autoguidance:weak=house",)}, "has no option 'weak'; it takes scale"),
        (
            {"guidance_methods": ("autoguidance:scale=2",)},
            "needs a weaker model; give its name or its folder as weak_m",
        ),
        ({"weak_model": "nowhere"}, "There is no model called 'nowhere'"),
        ({"also": HAT, "guidance_methods": ("apg",)}, "composable or perp-neg, not apg; leave out one of the two"),
        ({"also": HAT, "guidance_methods": ("perp-neg",)}, "with a negative weight, and 'a hat' has 0.7"),
        ({"also": (("a hat", 90),), "guidance": 3}, "must be a number from -100 to 100, not 270.0"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(pipe: Pipeline, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOption, match=message) as caught:
        pipe.stream("a red apple", **options)
    assert "\n" not in str(caught.value)


def test_a_weak_model_for_other_prompts_or_sizes_is_refused(pipe: Pipeline, tmp_path: Path) -> None:
    options = {"guidance_methods": ("autoguidance:scale=2",)}
    larger = model_folder(tmp_path / "larger", replace(SMALL, size=64))
    with pytest.raises(InvalidOption, match="weak model random differs from random in its size; it must take the same"):
        pipe.stream("a cat", weak_model=str(larger), **options)
    with pytest.raises(InvalidOption, match="cannot be drawn with together with a weak model"):
        Pipeline(pipe.model).stream("a cat", weak_model=str(larger), **options)
    stranger = replace(pipe.model, name="stranger", text_encoder_sha256="f" * 64)
    with pytest.raises(InvalidOption, match="stranger differs from random in its text encoder"):
        Pipeline(pipe.model, lambda name: stranger).stream("a cat", weak_model="stranger", **options)


def test_a_weak_model_is_loaded_once(pipe: Pipeline) -> None:
    asked: list[str] = []

    def load(name: str) -> Any:
        asked.append(name)
        return pipe.model

    mine = Pipeline(pipe.model, load)
    for seed in (1, 2):
        mine.generate("a cat", seed=seed, steps=1, weak_model="it", guidance_methods=("autoguidance:scale=2",))
    assert asked == ["it"]
