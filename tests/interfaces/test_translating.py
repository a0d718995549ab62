"""Settings of other programs as requests of ours: what is carried over, what is listed, and the command for it."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mezzotint.diffusion.solvers import SOLVERS
from mezzotint.editing.outpaint import LARGEST, of_shape
from mezzotint.interfaces.cli import imagine as verb
from mezzotint.interfaces.cli.main import cli
from mezzotint.interfaces.translating import LONGEST, WITH_ETA, Translation, command_of, translated
from mezzotint.provenance.civitai import take_json, with_resources
from mezzotint.provenance.comfyui import read_graph
from mezzotint.provenance.infotext import infotext_of
from mezzotint.provenance.invokeai import read_invokeai
from mezzotint.provenance.novelai import read_novelai
from mezzotint.provenance.read import Metadata, Source, _found_in_infotext
from mezzotint.request import Request
from tests.provenance.recipes import noise_image, recipe_of
from tests.provenance.test_infotext import KNOWN
from tests.provenance.test_other_programs import CIVITAI, COMMENT, INVOKEAI, NOVELAI


def of(source: Source, found: Mapping[str, str]) -> Translation:
    made = translated(Metadata("PNG", (4, 4), source, None, found))
    assert made is not None
    return made


def a1111(text: str) -> Translation:
    return of("a1111", _found_in_infotext(text))


def pairs(line: str) -> Translation:
    return a1111(f"a cat\nSteps: 20, Sampler: Euler, Seed: 5, {line}")


def whys(made: Translation) -> dict[str, str]:
    return {one.what: one.why for one in made.left_out}


def from_command(command: str, monkeypatch: pytest.MonkeyPatch) -> Request:
    """The request that the command line makes of a command, as a shell takes it apart."""
    program, *words = shlex.split(command)
    assert program == "mezzotint"
    seen: list[Request] = []
    real = verb.wanted

    class Enough(Exception):
        pass

    def spy(*args: Any) -> Any:
        seen.extend(real(*args)[0])
        raise Enough

    with monkeypatch.context() as patch:
        patch.setattr(verb, "wanted", spy)
        with pytest.raises(Enough):
            cli.main(words, standalone_mode=False)
    (request,) = seen
    return request


# ---- what is carried over


def test_a_picture_of_a1111_becomes_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    made = a1111(KNOWN)
    assert made.request == Request(
        prompt="photo of a cat, (fluffy:1.2), masterpiece, sitting on a chair: blue",
        negative="lowres, bad anatomy, text", steps=20, solver="dpmpp-2m", grid="karras", guidance=7, seed=965400086,
        aspect=(2, 3),
    )  # fmt: skip
    listed = whys(made)
    assert list(listed) == [
        "seed 965400086", "size 512x768", "strength 0.4", "model v1-5-pruned-emaonly", "Model hash 6ce0161689",
        "VAE hash a,b", "Lora hashes one: 0123, two: 4567", "Version v1.10.1",
    ]  # fmt: skip
    assert "other noise" in listed["seed 965400086"]
    assert "the model house draws" in listed["model v1-5-pruned-emaonly"]
    assert "`mezzotint edit IMAGE`" in listed["strength 0.4"]
    assert command_of(made.request) == (
        "mezzotint imagine 'photo of a cat, (fluffy:1.2), masterpiece, sitting on a chair: blue' --negative 'lowres, "
        "bad anatomy, text' --seed 965400086 --steps 20 --guidance 7 --solver dpmpp-2m --grid karras --aspect 2:3"
    )
    assert from_command(command_of(made.request), monkeypatch) == made.request


def test_pictures_of_the_other_programs_become_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    invokeai = of(
        "invokeai", read_invokeai({"invokeai_metadata": json.dumps({**INVOKEAI, "positive_prompt": "a c++"})})
    )
    assert invokeai.request == Request(
        prompt="a (c:1.21)", negative="blurry", steps=30, solver="dpmpp-2m-sde", grid="karras", guidance=7,
        seed=4111190112, aspect=(2, 3),
    )  # fmt: skip
    assert {"strength 0.7", "loras ink:0.75, old:1", "generation_mode img2img"} <= whys(invokeai).keys()
    assert "clip_skip 0" not in whys(invokeai)

    novelai = of("novelai", read_novelai({**NOVELAI, "Comment": json.dumps({**COMMENT, "cfg_rescale": 0.4})}))
    assert novelai.request == Request(
        prompt="1girl, (red hair:1.1), (fog:0.952)", negative="lowres, (bad:1.05)", steps=28, solver="euler-ancestral",
        grid="karras", guidance=5, seed=3816166865, aspect=(13, 19), guidance_methods=("rescale:amount=0.4",),
    )  # fmt: skip
    assert "--region" in whys(novelai)["v4_prompt girl, hat"]
    assert "not public" in whys(novelai)["solver k_euler_ancestral"]

    rest, values = take_json(CIVITAI)
    civitai = of("civitai", with_resources(_found_in_infotext(rest), values))
    assert (civitai.request.solver, civitai.request.grid, civitai.request.aspect) == ("dpmpp-2m", "karras", (13, 19))
    assert "text encoder" in whys(civitai)["Clip skip 2"]
    assert any(what.startswith("Civitai resources checkpoint SD XL") for what in whys(civitai))
    for made in (invokeai, novelai, civitai):
        assert from_command(command_of(made.request), monkeypatch) == made.request


FLUX = {
    "5": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1344, "height": ["30", 0], "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["11", 0], "text": ["31", 0]}},
    "10": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
    "11": {"class_type": "DualCLIPLoader", "inputs": {"clip_name1": "t5xxl", "type": "flux"}},
    "12": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-dev.safetensors"}},
    "13": {"class_type": "SamplerCustomAdvanced", "inputs": {
        "noise": ["25", 0], "guider": ["22", 0], "sampler": ["16", 0], "sigmas": ["17", 0], "latent_image": ["5", 0]}},
    "16": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "deis"}},
    "17": {"class_type": "BasicScheduler", "inputs": {
        "scheduler": "simple", "steps": 20, "denoise": 1, "model": ["27", 0]}},
    "22": {"class_type": "BasicGuider", "inputs": {"model": ["27", 0], "conditioning": ["26", 0]}},
    "25": {"class_type": "RandomNoise", "inputs": {"noise_seed": ["32", 0]}},
    "26": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["6", 0]}},
    "27": {"class_type": "LoraLoaderModelOnly", "inputs": {
        "lora_name": "ink.safetensors", "strength_model": 0.8, "model": ["12", 0]}},
    "30": {"class_type": "PrimitiveInt", "inputs": {"value": 768}},
    "31": {"class_type": "PrimitiveString", "inputs": {"value": "a ((big) sign:1.4) [x]"}},
    "32": {"class_type": "SeedNode", "inputs": {"seed": 2**60}},
}  # fmt: skip


def test_a_graph_of_comfyui_with_a_custom_sampler_becomes_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    made = of("comfyui", read_graph(json.dumps(FLUX)))
    assert made.request == Request(
        prompt=r"a (big:1.54) (sign:1.4) \[x\]", steps=20, solver="deis-3", grid="trailing", seed=2**60, aspect=(7, 4)
    )
    listed = whys(made)
    assert "no such scale" in listed["distilled_guidance 3.5"]
    assert {"vae ae.safetensors", "model flux1-dev.safetensors", "loras ink.safetensors:0.8"} <= listed.keys()
    assert "log sigma" in listed["solver deis"]
    assert not [what for what in listed if what.startswith("strength")]
    assert from_command(command_of(made.request), monkeypatch) == made.request


def graph(positive: object, **nodes: tuple[str, dict[str, Any]]) -> dict[str, str]:
    """What is read of a plain sampler with these nodes before it."""
    inputs = {"seed": 1, "steps": 20, "cfg": 7, "sampler_name": "euler", "scheduler": "normal", "positive": positive}
    whole = {"k": {"class_type": "KSampler", "inputs": inputs}}
    whole |= {key: {"class_type": kind, "inputs": given} for key, (kind, given) in nodes.items()}
    return read_graph(json.dumps(whole))


def test_no_text_of_a_graph_of_comfyui_is_lost_in_silence() -> None:
    cat, dog = ("CLIPTextEncode", {"text": "a cat"}), ("CLIPTextEncode", {"text": "a dog"})
    joined = ("ConditioningCombine", {"conditioning_1": ["a", 0], "conditioning_2": ["b", 0]})
    both = of("comfyui", graph(["c", 0], a=cat, b=dog, c=joined))
    assert both.request.prompt == "a cat"
    assert "how the graph puts the others" in whys(both)["further_prompt a dog"]
    assert "is not read" in whys(both)["nodes ConditioningCombine"]

    two = graph(["a", 0], a=("CLIPTextEncodeSDXL", {"text_g": "a cat", "text_l": "ink, old paper"}))
    assert "further_prompt ink, old paper" in whys(of("comfyui", two))
    same = graph(["a", 0], a=("CLIPTextEncodeSDXL", {"text_g": "a cat", "text_l": "a cat"}))
    assert not any(what.startswith(("further", "nodes")) for what in whys(of("comfyui", same)))

    glued = ("StringConcatenate", {"string_a": "a cat", "string_b": "in ink"})
    linked = of("comfyui", graph(["a", 0], a=("CLIPTextEncode", {"text": ["b", 0]}), b=glued))
    assert linked.request.prompt == ""
    assert {"no_prompt could be read from the graph", "nodes StringConcatenate"} <= whys(linked).keys()


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("Tiling: True", {"tile": "both"}),
        ("Variation seed: 9, Variation seed strength: 0.25", {"vary": [(0.25, 9)]}),
        ("Eta: 0.5", {}),
        ("CFG scale: 1.5", {"guidance": 1.5}),
        ("Size: 960x540", {"aspect": (16, 9)}),
        ("Face restoration: None, Clip skip: 1", {}),
    ],
)
def test_what_means_the_same_is_carried_over(line: str, options: dict[str, Any]) -> None:
    assert pairs(line).request == Request(prompt="a cat", steps=20, solver="euler", seed=5, **options)
    ancestral = a1111("a cat\nSteps: 20, Sampler: Euler a, Seed: 5, Eta: 0.5").request
    assert (ancestral.solver, ancestral.eta) == ("euler-ancestral", 0.5)
    assert of("invokeai", {"seamless_x": "true", "prompt": "a"}).request.tile == "x"
    assert of("invokeai", {"seamless_x": "true", "seamless_y": "true"}).request.tile == "both"
    old = of("invokeai", {"variations": "[[7, 0.2], [8, 0.1]]", "seed": "3"}).request
    assert old.vary == ((0.2, 7), (0.1, 8))
    rule = a1111("a cat\nSteps: 20, Sampler: DDIM CFG++, CFG scale: 7.5, Seed: 5").request
    assert (rule.guidance_methods, rule.guidance) == (("cfg++",), pytest.approx(0.6))


def test_what_says_nothing_is_not_listed() -> None:
    assert list(whys(pairs("Face restoration: None, Clip skip: 1, Tiling: False"))) == ["seed 5"]


@pytest.mark.parametrize(
    ("line", "what", "why"),
    [
        ("Clip skip: 2", "Clip skip 2", "another text encoder"),
        ("VAE: blessed", "VAE blessed", "no VAE"),
        ("Eta: 0.5", "Eta 0.5", "the solver euler takes no eta"),
        ("Hires upscale: 2, Denoising strength: 0.4", "strength 0.4", "is --hires here"),
        ("ControlNet 0: canny", "ControlNet 0 canny", "--structure-ref"),
        ("Refiner: xl", "Refiner xl", "one model"),
        ("Size: 1x99", "size 1x99", "16 times as long as wide"),
        ("CFG scale: 700", "guidance 700", "guidance is 700; it must be a number from 0 to 100"),
        ("CFG scale: much", "guidance much", "guidance is 'much'; it must be a number"),
        ("Schedule type: Automatic", "grid Automatic", "stands for what the solver prefers"),
        ("Schedule type: Of a plugin", "grid Of a plugin", "the model's own is taken"),
        ("Variation seed: 5, Variation seed strength: 0.5", "Variation seed 5, Variation seed strength 0.5", "already"),
        ("A plugin: 3", "A plugin 3", "no option here means this"),
    ],
)
def test_what_has_no_counterpart_is_listed_with_the_reason(line: str, what: str, why: str) -> None:
    assert why in whys(pairs(line))[what]


def test_unknown_and_absent_solvers_are_left_to_the_model() -> None:
    made = a1111("a cat\nSteps: 20, Sampler: DPM fast, Seed: -1")
    assert (made.request.solver, made.request.seed) == (None, 0)
    assert "has no counterpart here" in whys(made)["solver DPM fast"]
    assert "whole number from 0" in whys(made)["seed -1"]


def test_a_picture_of_ours_that_lost_its_recipe_is_asked_for_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipe_of(noise_image())
    methods = ("apg", "rescale:amount=0.7")
    drawn = replace(recipe.request, style="flat", solver="euler-ancestral", eta=0.5, guidance_methods=methods)
    asked = replace(drawn, guidance_interval=None, device="auto", dtype="auto")
    made = a1111(infotext_of(replace(recipe, request=drawn)))
    assert made.request == asked
    assert from_command(command_of(made.request), monkeypatch) == made.request
    assert not [what for what in whys(made) if what.startswith(("seed", "size", "solver"))]


def test_pictures_without_foreign_settings_have_no_translation() -> None:
    assert translated(Metadata("PNG", (4, 4), None, None, {})) is None
    assert translated(Metadata("PNG", (4, 4), "mezzotint", None, {})) is None


# ---- the command


@pytest.mark.parametrize(
    "request_",
    [
        Request(prompt='it\'s "a" $HOME `x` \\(y\\) !!', negative="-x", seed=2**64 - 1),
        Request(prompt="-x, a hat", steps=3, size=(64, 96)),
        Request(prompt="", grid=(1.0, 0.7, 0.25, 0.0), guidance=0.1 + 0.2),
        Request(prompt="a", also=(("b:c", -0.5),), blend=(("d", 2.0),), lora=(("zorp", 0.8),), tile="x", stop=0.5),
        Request(prompt="a", vary=((0.25, 9), (1.0, 2**63)), guidance_interval=(0.0, 0.9), chaos=30, n=3, eta=0.5),
        Request(
            prompt="a",
            guidance_methods=("apg", "rescale:amount=0.7"),
            style="none",
            style_start=0.75,
            hires=True,
            dtype="bfloat16",
        ),
        Request(prompt="a", region=(((0, 0, 0.5, 1), "a red: apple"),), window_stride=16, batching="fast"),
    ],
    ids=["quotes", "a hyphen", "no words", "weights", "pairs", "specs", "boxes"],
)
def test_the_command_gives_the_very_request(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    assert from_command(command_of(request_), monkeypatch) == request_


@given(
    st.text(max_size=60),
    st.text(max_size=30),
    st.dictionaries(
        st.sampled_from(("seed", "steps", "size", "guidance", "solver", "strength", "Tiling", "variations", "eta")),
        st.text(st.sampled_from("0123456789.x-[], eDITruMkapls+"), max_size=12),
    ),
    st.sampled_from(("a1111", "comfyui", "invokeai", "novelai", "civitai")),
)
def test_any_settings_give_a_command_on_one_line(
    prompt: str, negative: str, found: dict[str, str], source: Source
) -> None:
    made = of(source, {**found, "prompt": prompt, "negative": negative})
    command = command_of(made.request)
    assert " ".join(command.split()) == command
    assert command.isprintable()
    assert shlex.split(command)[:2] == ["mezzotint", "imagine"]


def test_long_texts_are_cut_or_refused() -> None:
    made = of("a1111", {"prompt": "x" * 100_001, "A plugin": "y" * 1000})
    assert made.request.prompt == ""
    assert all(len(one.what) <= 120 for one in made.left_out)


def test_what_is_said_of_the_model_is_so() -> None:
    assert {name for name, record in SOLVERS.items() if "eta" in record.describe()["options"]} == WITH_ETA
    assert max(of_shape((LONGEST, 1), (64, 64))) == LARGEST
