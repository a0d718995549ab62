"""The infotext against the original's own pattern, known texts, and prompts that want to break it."""

import json
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mezzotint.provenance.infotext import Infotext, format_infotext, infotext_of, parse_infotext
from tests.provenance.recipes import noise_image, recipe_of

# The pattern and the reader of AUTOMATIC1111, from the published description of its grammar: the oracle.
ORIGINAL = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')


def original_pairs(line: str) -> dict[str, str]:
    """What the original makes of a line of pairs."""
    found = ORIGINAL.findall(line)
    pairs: dict[str, str] = {}
    for key, value in found if len(found) >= 3 else []:
        if value == "":
            continue
        plain = value
        if value[0] == '"' and value[-1] == '"':
            try:
                plain = json.loads(value)
            except ValueError:
                plain = value
        size = re.match(r"^(\d+)x(\d+)$", plain)
        if size:
            pairs[f"{key}-1"], pairs[f"{key}-2"] = size[1], size[2]
        else:
            pairs[key] = plain
    return pairs


KNOWN = """photo of a cat, (fluffy:1.2), masterpiece,
sitting on a chair: blue
Negative prompt: lowres, bad anatomy,
text
Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 965400086, Size: 512x768, \
Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, VAE hash: "a,b", Denoising strength: 0.4, \
Lora hashes: "one: 0123, two: 4567", Version: v1.10.1"""


def test_a_text_as_the_original_writes_it() -> None:
    assert parse_infotext(KNOWN) == Infotext(
        "photo of a cat, (fluffy:1.2), masterpiece,\nsitting on a chair: blue",
        "lowres, bad anatomy,\ntext",
        {
            "Steps": "20", "Sampler": "DPM++ 2M", "Schedule type": "Karras", "CFG scale": "7", "Seed": "965400086",
            "Size-1": "512", "Size-2": "768", "Model hash": "6ce0161689", "Model": "v1-5-pruned-emaonly",
            "VAE hash": "a,b", "Denoising strength": "0.4", "Lora hashes": "one: 0123, two: 4567", "Version": "v1.10.1",
        },
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Infotext("")),
        ("\n\n a cat \n\n  on a mat", Infotext("a cat\n\non a mat")),
        ("a cat\nSteps: 20, Seed: 1", Infotext("a cat\nSteps: 20, Seed: 1")),  # two pairs are no pairs line
        ("Steps: 20, Seed: 1, CFG scale: 7", Infotext("", "", {"Steps": "20", "Seed": "1", "CFG scale": "7"})),
        ("a\nNegative prompt: b\nNegative prompt: c\nd", Infotext("a", "b\nc\nd")),
        ("Negative prompt:b", Infotext("", "b")),
        ("Steps: 20, Empty: , Seed: 1", Infotext("", "", {"Steps": "20", "Seed": "1"})),
        ('Steps: "2, Seed: 1, CFG: "a\\q"', Infotext("", "", {"Steps": '"2', "Seed": "1", "CFG": '"a\\q"'})),
        ("X: 1, a: 2, Bb: 3, Cc: 4x5, -Dd: 6", Infotext("", "", {"Bb": "3", "Cc-1": "4", "Cc-2": "5", "Dd": "6"})),
    ],
)
def test_corners_of_the_grammar(text: str, expected: Infotext) -> None:
    assert parse_infotext(text) == expected


pieces = st.sampled_from(
    ["Steps", "a", "Ab", "é_", "CFG scale", "-", "/", " ", "\t", ": ", ":", ",", ", ", '"', '\\"', "\\", "{", "20",
     "64x48", "x", '"a, b"', '"', "\u00a0", ".", "(", '"\\u0041"', "\r"]
)  # fmt: skip


@given(st.lists(pieces, max_size=40).map("".join))
@example('aa: "b, cc: "d", ee: "f\\", gg: 1')
@example("- - abc: 1, bb:2,cc :3")
def test_pairs_are_what_the_originals_pattern_finds(line: str) -> None:
    line = line.strip()
    assert dict(parse_infotext(line).pairs) == original_pairs(line)


@given(st.text(st.characters(exclude_characters="\n", codec="utf-8"), max_size=60))
def test_pairs_are_what_the_originals_pattern_finds_in_any_text(line: str) -> None:
    line = "Aa: 1, Bb: 2, " + line.strip() + ", Cc: 3"
    assert dict(parse_infotext(line).pairs) == original_pairs(line.strip())


@pytest.mark.parametrize("hostile", ["a" * 300_000, " " * 300_000 + "x", "a:" * 150_000, 'aa: "' * 60_000,
                                     'aa: "\\' * 50_000, "aa bb/" * 50_000 + ":", ": " * 100_000])  # fmt: skip
def test_reading_takes_linear_time(hostile: str) -> None:
    start = time.perf_counter()
    parse_infotext("a cat\n" + hostile)
    assert time.perf_counter() - start < 5  # the original's pattern takes minutes for the first two


HOSTILE = [
    "Steps: 1, Sampler: X, Seed: 5, Size: 1x1",
    'a "quoted", prompt: with\\ everything',
    "line\nline",
    "Seed: 5",
    "🍎 ünïcode \u2028 separators",
    "(a:1.3), [b|c], <lora:x:1>, {}",
    "x" * 100_000,
]
PAIRS = {"Steps": "12", "Sampler": 'odd, "name": \\ \n x', "Seed": "18446744073709551615", "Model": "64x64"}


@pytest.mark.parametrize("prompt", HOSTILE)
@pytest.mark.parametrize("negative", ["", *HOSTILE])
def test_hostile_prompts_come_back(prompt: str, negative: str) -> None:
    info = parse_infotext(format_infotext(prompt, negative, PAIRS))
    expected = {"Steps": "12", "Sampler": 'odd, "name": \\ \n x', "Seed": "18446744073709551615"}
    assert info == Infotext(prompt, negative, {**expected, "Model-1": "64", "Model-2": "64"})


any_text = st.text(st.characters(codec="utf-8") | st.sampled_from('\n,:"\\'), max_size=60)


def survives(text: str) -> bool:
    """The texts that the grammar can carry: lines without outer blanks and NUL, none like the marker."""
    lines = text.split("\n")
    marked = any(line.startswith("Negative prompt:") for line in lines)
    return text == text.strip() and all(line == line.strip() for line in lines) and not marked and "\0" not in text


@given(any_text.filter(survives), any_text.filter(survives))
def test_prompts_come_back_if_the_grammar_can_carry_them(prompt: str, negative: str) -> None:
    info = parse_infotext(format_infotext(prompt, negative, PAIRS))
    assert (info.prompt, info.negative) == (prompt, negative)


@given(any_text, any_text)
@example("Negative prompt: x\nSteps: 1, Sampler: X, Seed: 5", "\0\nSteps: 1, Seed: 2, Size: 1x1\n")
def test_pairs_come_back_whatever_the_prompt(prompt: str, negative: str) -> None:
    info = parse_infotext(format_infotext(prompt, negative, PAIRS))
    assert info.pairs["Seed"] == "18446744073709551615"
    assert info.pairs["Sampler"] == PAIRS["Sampler"]
    assert len(info.pairs) == 5


def test_the_text_of_a_recipe_is_as_civitai_wants_it() -> None:
    text = infotext_of(recipe_of(noise_image(), guidance=4))
    assert text == (
        "a red apple\n"
        "Negative prompt: blurry\n"
        "Steps: 12, Sampler: DPM++ 2M, Schedule type: uniform, CFG scale: 4, Seed: 7, Size: 24x16, "
        'Model hash: 0123456789, Model: house, Hashes: {"model": "0123456789"}, Version: mezzotint 0.1.0'
    )
    hashes = re.search(r", Hashes:\s*({[^}]+})", text)  # as its reader finds them
    assert hashes is not None
    assert json.loads(hashes[1]) == {"model": "0123456789"}


def test_a_solver_has_the_originals_name_or_ours() -> None:
    for solver, name in (
        ("euler-ancestral", "Euler a"),
        ("ddpm", "DDPM"),
        ("dpm-2", "DPM2"),
        ("seeds-2", "seeds-2"),
        ("dopri5", "dopri5"),
        ("dpmpp-3m-sde:eta=0.5,parabola=whole", "DPM++ 3M SDE"),
        ("unipc-3", "unipc-3"),
        ("unipc-3:variant=bh1", "UniPC"),
    ):
        assert original_pairs(infotext_of(recipe_of(noise_image(), solver=solver)))["Sampler"] == name


def test_guidance_is_said_where_the_original_has_a_name_for_it() -> None:
    further = {"also": (("a hat", 0.7), ("a ball", -0.5)), "guidance_methods": ("composable", "pag:blocks=1+2,scale=2")}
    text = infotext_of(recipe_of(noise_image(), solver="ddim:eta=0.5", grid=(1, 0.5, 0), steps=2, **further))
    assert text.startswith("a red apple AND a hat :0.7 AND a ball :-0.5\nNegative prompt: blurry\nSteps: 2, ")
    pairs = original_pairs(text)
    assert (pairs["Sampler"], pairs["Eta DDIM"], pairs["Schedule type"]) == ("DDIM", "0.5", "1.0, 0.5, 0.0")
    assert pairs["Guidance methods"] == "composable, pag:blocks=1+2,scale=2"
    other = infotext_of(recipe_of(noise_image(), solver="euler-ancestral", eta=1, guidance_methods=("perp-neg",),
                                  also=(("a hat", -1),)))  # fmt: skip
    assert other.startswith("a red apple\nNegative")  # AND means something else there
    assert (original_pairs(other)["Sampler"], original_pairs(other)["Eta"]) == ("Euler a", "1")


def test_loras_are_said_with_their_strengths() -> None:
    recipe = recipe_of(noise_image(), lora=[("zorp", 0.8), ("blick", -1)], lora_sha256=["a" * 64, "b" * 64])
    assert original_pairs(infotext_of(recipe).splitlines()[-1])["LoRA"] == "zorp:0.8, blick:-1"
    assert "LoRA" not in infotext_of(recipe_of(noise_image()))


def test_the_text_of_a_recipe_can_be_read_by_the_original() -> None:
    recipe = recipe_of(noise_image(), style="flat, outlined", solver="my_solver", prompt="", negative="")
    text = infotext_of(recipe)
    assert text.startswith("Steps: 12, Sampler: my_solver, ")
    pairs = original_pairs(text)
    assert pairs["Style"] == "flat, outlined"
    assert pairs["Hashes"] == '{"model": "0123456789"}'
    assert (pairs["Size-1"], pairs["Size-2"], pairs["CFG scale"]) == ("24", "16", "3.5")
    assert dict(parse_infotext(text).pairs) == pairs
