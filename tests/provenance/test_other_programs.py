"""Settings of InvokeAI, NovelAI and Civitai are read as these programs write them, and none of it can do harm.

The texts are built here after the published forms, which the modules name.
"""

import gzip
import json
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mezzotint.conditioning.prompt import parse, readings
from mezzotint.provenance.civitai import take_json
from mezzotint.provenance.novelai import hidden_text, our_weights
from mezzotint.provenance.read import Metadata, read_metadata
from tests.provenance.recipes import noise_image


def told(folder: Path, texts: dict[str, Any], image: Image.Image | None = None) -> Metadata:
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text if isinstance(text, str) else json.dumps(text))
    (image or noise_image()).save(folder / "a.png", pnginfo=info)
    return read_metadata(folder / "a.png")


# ---- InvokeAI

INVOKEAI = {
    "generation_mode": "img2img", "positive_prompt": "a cat", "negative_prompt": "blurry", "width": 512, "height": 768,
    "seed": 4111190112, "rand_device": "cpu", "cfg_scale": 7.0, "steps": 30, "scheduler": "dpmpp_2m_sde_k",
    "clip_skip": 0, "strength": 0.7, "controlnets": [], "vae": None,
    "model": {"key": "6e", "hash": "blake3:1c", "name": "Deliberate_v5", "base": "sd-1", "type": "main"},
    "loras": [{"model": {"name": "ink"}, "weight": 0.75}, {"lora": {"model_name": "old"}, "weight": 1}],
    "app_version": "5.0.0",
}  # fmt: skip


def test_invokeai_is_told_under_our_names(tmp_path: Path) -> None:
    metadata = told(tmp_path, {"invokeai_metadata": INVOKEAI, "invokeai_graph": "{}"})
    assert (metadata.source, metadata.recipe) == ("invokeai", None)
    assert metadata.found == {
        "prompt": "a cat", "negative": "blurry", "size": "512x768", "seed": "4111190112", "guidance": "7",
        "steps": "30", "solver": "dpmpp_2m_sde_k", "strength": "0.7", "model": "Deliberate_v5",
        "loras": "ink:0.75, old:1", "generation_mode": "img2img", "rand_device": "cpu", "clip_skip": "0",
        "app_version": "5.0.0",
    }  # fmt: skip
    assert metadata.in_our_words().here == {"solver": "dpmpp-2m-sde", "grid": "karras"}


def test_invokeai_before_3_is_told_too(tmp_path: Path) -> None:
    image = {
        "prompt": [{"prompt": "a dog in a park [rain, fog]", "weight": 1.0}], "steps": 50, "cfg_scale": 7.5,
        "threshold": 0, "height": 512, "width": 384, "seed": 3561693215, "seamless": False, "type": "txt2img",
        "postprocessing": None, "sampler": "k_lms", "variations": [],
    }  # fmt: skip
    rest = {"model": "stable diffusion", "model_weights": "stable-diffusion-1.5", "app_version": "v2.2.0"}
    found = told(tmp_path, {"Dream": "-s 50", "sd-metadata": {**rest, "image": image}})
    assert found.source == "invokeai"
    assert found.found == {
        "prompt": "a dog in a park", "negative": "rain, fog", "steps": "50", "guidance": "7.5", "threshold": "0",
        "size": "384x512", "seed": "3561693215", "seamless": "false", "type": "txt2img", "solver": "k_lms",
        "model": "stable-diffusion-1.5", "app_version": "v2.2.0",
    }  # fmt: skip
    assert found.in_our_words().here == {"solver": "lms"}
    image["prompt"] = [{"prompt": "a dog", "weight": 1.0}, {"prompt": "fog", "weight": 0.25}]
    assert told(tmp_path, {"sd-metadata": {**rest, "image": image}}).found["prompt"] == "a dog:1 fog:0.25"


# ---- NovelAI

COMMENT = {
    "prompt": "1girl, {{red hair}}, [fog]", "steps": 28, "height": 1216, "width": 832, "scale": 5.0,
    "uncond_scale": 1.0, "seed": 3816166865, "noise_schedule": "karras", "sampler": "k_euler_ancestral", "sm": False,
    "uc": "lowres, {bad}", "request_type": "PromptGenerateRequest",
    "v4_prompt": {"caption": {"base_caption": "1girl", "char_captions": [{"char_caption": "girl, hat"}]}},
    "v4_negative_prompt": {"caption": {"base_caption": "lowres", "char_captions": []}},
}  # fmt: skip
NOVELAI = {
    "Title": "NovelAI generated image", "Description": "1girl, {{red hair}}, [fog]", "Software": "NovelAI",
    "Source": "NovelAI Diffusion V4.5 4BDE2A90", "Comment": json.dumps(COMMENT),
}  # fmt: skip
FOUND = {
    "prompt": "1girl, {{red hair}}, [fog]", "negative": "lowres, {bad}", "steps": "28", "size": "832x1216",
    "guidance": "5", "uncond_scale": "1", "seed": "3816166865", "grid": "karras", "solver": "k_euler_ancestral",
    "sm": "false", "request_type": "PromptGenerateRequest", "v4_prompt": "girl, hat",
    "model": "NovelAI Diffusion V4.5 4BDE2A90", "Software": "NovelAI",
}  # fmt: skip
HERE = {
    "solver": "euler-ancestral", "grid": "karras", "prompt": "1girl, (red hair:1.1), (fog:0.952)",
    "negative": "lowres, (bad:1.05)",
}  # fmt: skip


def hiding(data: bytes, letters: bytes, bits: int | None = None) -> Image.Image:
    """A picture that hides data, written after the description: down the columns, the highest bit first."""
    message = letters + (8 * len(data) if bits is None else bits).to_bytes(4, "big") + data
    image = Image.new("RGBA", (40, 8 * len(message) // 40 + 9), (10, 20, 30, 254))
    for number, bit in enumerate(f"{byte >> (7 - place) & 1}" for byte in message for place in range(8)):
        x, y = divmod(number, image.height)
        image.putpixel((x, y), (10, 20, 30, 254 | int(bit)))
    return image


def test_novelai_is_told_under_our_names_with_its_weights_as_ours(tmp_path: Path) -> None:
    metadata = told(tmp_path, NOVELAI)
    assert (metadata.source, dict(metadata.found)) == ("novelai", FOUND)
    assert metadata.in_our_words().here == HERE


def test_what_novelai_hides_in_the_alpha_channel_is_found(tmp_path: Path) -> None:
    image = hiding(gzip.compress(json.dumps(NOVELAI).encode()), b"stealth_pngcomp")
    for texts in ({}, {"Software": "an editor"}):
        metadata = told(tmp_path, texts, image)
        assert (metadata.source, dict(metadata.found), metadata.size) == ("novelai", FOUND, image.size)
    text = "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7"
    assert told(tmp_path, {}, hiding(text.encode(), b"stealth_pnginfo")).source == "a1111"
    assert told(tmp_path, {}, image.convert("RGB").convert("RGBA")).source is None
    # what a text says goes before
    assert told(tmp_path, {"parameters": text}, image).source == "a1111"


def test_a_webp_of_novelai_is_read(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + json.dumps(NOVELAI).encode()
    noise_image().save(tmp_path / "a.webp", exif=exif)
    metadata = read_metadata(tmp_path / "a.webp")
    assert (metadata.source, metadata.format, dict(metadata.found)) == ("novelai", "WEBP", FOUND)


@pytest.mark.parametrize(
    "image",
    [
        hiding(b"", b"stealth_pngcomp", 2**32 - 1),
        hiding(b"no gzip", b"stealth_pngcomp"),
        hiding(b"\xff\xfe", b"stealth_pnginfo"),
        hiding(b'{"Comment": ' + b"[" * 3000, b"stealth_pnginfo"),
        Image.new("RGBA", (3, 3)),
    ],
)
def test_a_broken_hidden_text_is_none(tmp_path: Path, image: Image.Image) -> None:
    assert told(tmp_path, {}, image).source is None


def test_a_hidden_bomb_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(bytes(50 * 2**20)) + packer.flush()
    bits = np.unpackbits(np.frombuffer(b"stealth_pngcomp" + (8 * len(bomb)).to_bytes(4, "big") + bomb, np.uint8))
    pixels = np.full((len(bits) + 1, 1, 4), 254, np.uint8)
    pixels[: len(bits), 0, 3] |= bits
    assert len(hidden_text(Image.fromarray(pixels, "RGBA"))) == 8 * 2**20


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("a cat", "a cat"),
        ("{a}", "(a:1.05)"),
        ("{{{a}}} b [[c]]", r"(a:1.16) b (c:0.907)"),
        ("{a [b] c}", "(a :1.05)b( c:1.05)"),
        ("x (y) | z", r"x \(y\) \| z"),
        ("{a", None),
        ("a]", None),
        ("{a]", None),
        ("1.5::a::", "(a:1.5)"),
        ("a -1::b::", None),
    ],
)
def test_their_weights_are_ours_or_not_told(theirs: str, ours: str | None) -> None:
    assert our_weights(theirs) == ours


def test_our_language_reads_the_weights_as_they_were_meant() -> None:
    text = our_weights("{{artist:someone}}, (round), [fog]")
    assert text is not None
    (reading,) = readings(parse(text).parts[0], 1)
    spans = {words.strip(" ,"): weight for chunk in reading.chunks for words, weight in chunk}
    assert spans["(round)"] == 1
    assert spans["artist:someone"] == pytest.approx(1.05**2, abs=5e-3)
    assert spans["fog"] == pytest.approx(1 / 1.05, abs=5e-3)


# ---- Civitai

RESOURCES = (
    '[{"type":"checkpoint","modelVersionId":128078,"modelName":"SD XL, base","modelVersionName":"v1.0 VAE fix"},'
    '{"type":"lora","weight":0.85,"modelVersionId":210432,"modelName":"Double: Exposure","modelVersionName":"v1"},'
    '{"type":"embed","modelVersionId":106916,"modelName":"Safe Helper","modelVersionName":"v1.0"}]'
)
CIVITAI = f"""a cat
Negative prompt: rain
Steps: 22, Sampler: DPM++ 2M Karras, CFG scale: 3.8, Seed: 894409639, Size: 832x1216, Clip skip: 2, \
Created Date: 2024-09-23T06:17:42Z, Civitai resources: {RESOURCES}, Civitai metadata: {{}}"""


def test_the_resources_of_civitai_are_whole(tmp_path: Path) -> None:
    metadata = told(tmp_path, {"parameters": CIVITAI})
    assert metadata.source == "civitai"
    assert metadata.found == {
        "prompt": "a cat", "negative": "rain", "steps": "22", "solver": "DPM++ 2M Karras", "guidance": "3.8",
        "seed": "894409639", "size": "832x1216", "Clip skip": "2", "Created Date": "2024-09-23T06:17:42Z",
        "model": "SD XL, base",
        "Civitai resources": "checkpoint SD XL, base v1.0 VAE fix (number 128078); lora Double: Exposure v1 (number "
        "210432, weight 0.85); embed Safe Helper v1.0 (number 106916)",
    }  # fmt: skip
    assert metadata.in_our_words().here == {"solver": "dpmpp-2m", "grid": "karras"}


def test_a_model_that_is_named_goes_before_the_resource(tmp_path: Path) -> None:
    found = told(tmp_path, {"parameters": CIVITAI.replace("Clip skip: 2", "Model: mine")}).found
    assert found["model"] == "mine"


EXTRA = {
    "prompt": "a cat", "negativePrompt": "rain", "steps": 25, "cfgScale": 4.5, "sampler": "euler_ancestral",
    "seed": 12, "denoise": 0.4, "workflowId": "img2img-hires", "resources": [{"modelVersionId": 7, "strength": 1}],
}  # fmt: skip
EXTRA_FOUND = {
    "prompt": "a cat", "negative": "rain", "steps": "25", "guidance": "4.5", "solver": "euler_ancestral",
    "seed": "12", "strength": "0.4", "workflowId": "img2img-hires", "Civitai resources": "(number 7, weight 1)",
}  # fmt: skip


def test_extra_metadata_goes_before_the_graph(tmp_path: Path) -> None:
    graph = {"1": {"inputs": {"seed": 1, "steps": 2}}}
    metadata = told(tmp_path, {"prompt": graph, "extraMetadata": EXTRA})
    assert (metadata.source, dict(metadata.found)) == ("civitai", {**EXTRA_FOUND})
    assert metadata.in_our_words().here == {"solver": "euler-ancestral"}
    assert told(tmp_path, {"prompt": graph, "extraMetadata": {"a": 1}}).source == "comfyui"
    exif = Image.Exif()
    comment = json.dumps({**graph, "extra": {}, "extraMetadata": json.dumps(EXTRA)})
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + comment.encode("utf-16-be")
    noise_image().convert("RGB").save(tmp_path / "a.jpg", exif=exif)
    assert read_metadata(tmp_path / "a.jpg").found == EXTRA_FOUND


def test_several_hashes_are_one_value(tmp_path: Path) -> None:
    text = 'a cat\nSteps: 20, Sampler: Euler, Seed: 1, Hashes: {"vae": "1", "model": "2"}, Version: v1.9'
    found = told(tmp_path, {"parameters": text}).found
    assert (found["Hashes"], found["Version"]) == ('{"vae": "1", "model": "2"}', "v1.9")
    assert '"model"' not in found


@given(st.text(st.sampled_from('ab:, [{}]"1\n'), max_size=60))
def test_taking_json_out_of_any_text_never_fails(text: str) -> None:
    rest, values = take_json(text)
    assert len(rest) <= len(text)
    if not values:
        assert rest == text.rstrip().rpartition("\n")[0] + rest[rest.rfind("\n") :] if "\n" in rest else rest in text


@pytest.mark.parametrize(
    "line",
    [
        ", ".join(f"k{i}: [{i}]" for i in range(20_000)),
        'aa: ["' * 40_000,
        "aa: [" * 50_000,
        'aa: {"a": ' * 30_000,
        "aa: [1], " * 20_000,
    ],
)
def test_taking_json_out_of_a_hostile_line_is_quick(line: str) -> None:
    begun = time.perf_counter()
    _, values = take_json(line)
    assert len(values) <= 16
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    "texts",
    [
        {"invokeai_metadata": "[]"}, {"invokeai_metadata": "{"}, {"sd-metadata": '{"image": 3}'},
        {"Comment": "{}"}, {"Comment": '{"a": 1}'}, {"Software": "NovelAI", "Comment": "no"},
        {"extraMetadata": "NaN"}, {"extraMetadata": '{"prompt": NaN}'}, {"invokeai_metadata": "[" * 100_000},
    ],
)  # fmt: skip
def test_other_texts_are_not_taken_for_settings(tmp_path: Path, texts: dict[str, str]) -> None:
    assert told(tmp_path, texts).source is None


def test_long_prompts_of_strangers_are_read_in_time() -> None:
    begun = time.process_time()
    assert our_weights("1" * 90_000) == "1" * 90_000
    assert our_weights("{" * 40_000 + "a" + "}" * 40_000) is None
    assert our_weights("{" * 40 + "a" + "}" * 40) == "(a:7.04)"
    assert our_weights("x" * 100_001) is None
    assert time.process_time() - begun < 2  # the square of such a length takes minutes
    assert our_weights("a{b[c]d}e") == "a(b:1.05)c(d:1.05)e"
