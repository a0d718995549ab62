"""`imagine --enhance`: the new prompt says what the captions say, is stored beside the old one, and off is exact."""

from pathlib import Path

import pytest

from mezzotint.conditioning.prompt import plain_words
from mezzotint.data.icons.lexicon import Entry, lexicon, lexicon_of
from mezzotint.data.icons.nouns import names_held_out
from mezzotint.interfaces.enhancing import enhanced, enhanced_request
from mezzotint.provenance.read import read_metadata
from mezzotint.recipe import Recipe
from mezzotint.request import Request
from tests.interfaces.conftest import Run, parsed


@pytest.mark.parametrize(
    ("prompt", "revised"),
    [
        ("apple", "an apple, fruit, all green"),
        ("the Apple", "an apple, fruit, all green"),
        ("a castle", "a castle, building, grey, beige and pink"),
        ("a shiny dog", "a shiny dog, animal, mostly beige with some brown"),
        ("red apple", "a red apple, fruit"),  # a colour that is asked for is not talked over
        ("sailboat", "a sailboat, water vehicle, blue, orange and yellow"),
        ("car", f"a car, vehicle, {lexicon()['automobile'].colours}"),  # the same thing by another name
    ],
)
def test_a_terse_prompt_says_what_most_captions_say(prompt: str, revised: str) -> None:
    assert enhanced(prompt) == revised


@pytest.mark.parametrize(
    "prompt",
    ["", "zorp", "a (red:1.3) apple", "an apple --seed 3", "an apple, all red", 'a sign that says "apple"',
     "[apple:cat:0.5]", "a cat in a hat on a mat", "apple AND cat"],
)  # fmt: skip
def test_what_is_not_terse_or_known_stays_as_it_is(prompt: str) -> None:
    assert enhanced(prompt) == prompt
    request = Request(prompt=prompt)
    assert enhanced_request(request) is request


def test_the_revised_prompt_is_plain_words_whatever_the_thing() -> None:
    for name in lexicon():
        if (revised := enhanced(name)) != name:
            assert plain_words(revised) is not None, revised


def test_enhance_stores_both_prompts_and_off_is_exact(run: Run, model: Path, here: Path) -> None:
    words = ("imagine", "apple", "--model", model, "--steps", 2, "--seed", 1, "--format", "json", "--out")
    on, off = parsed(run(*words, "a.png", "--enhance")), parsed(run(*words, "b.png"))
    plain = parsed(run("imagine", "an apple, fruit, all green", *words[2:], "c.png"))
    request = on["pictures"][0]["recipe"]["request"]
    assert (request["prompt"], request["original_prompt"]) == ("an apple, fruit, all green", "apple")
    assert off["pictures"][0]["recipe"]["request"]["original_prompt"] is None
    assert on["pictures"][0]["pixels_sha256"] == plain["pictures"][0]["pixels_sha256"]
    assert on["pictures"][0]["pixels_sha256"] != off["pictures"][0]["pixels_sha256"]
    recipe = read_metadata(here / "a.png").recipe
    assert recipe is not None
    assert recipe.request.original_prompt == "apple"
    assert "identical" in run("reproduce", "a.png", "--model", model).stdout


def test_the_revised_prompt_is_told(run: Run, model: Path) -> None:
    words = ("--model", model, "--steps", 2, "--seed", 1, "--enhance")
    assert run("imagine", "apple", *words).stdout.startswith("prompt: an apple, fruit, all green\n")
    assert run("imagine", "zorp", *words).stdout.startswith("prompt: zorp (there is nothing to add)\n")


def test_a_recipe_from_before_is_read(run: Run, model: Path) -> None:
    told = parsed(run("imagine", "x", "--model", model, "--steps", 1, "--format", "json"))["pictures"][0]["recipe"]
    del told["request"]["original_prompt"]
    assert Recipe.from_json_dict(told).request.original_prompt is None


# ---- the table


def row(concept: str, last: str, *others: str, split: str = "train") -> dict[str, object]:
    return {"split": split, "name": concept, "concept": concept, "captions": [*others, last]}


def test_the_table_counts_what_captions_say() -> None:
    rows = [
        row("cup", "a flat emoji of a cup, dish, mostly red with some white, with dark outlines", "cup, dish, drink"),
        row("cup", "a flat emoji of a cup, dish, all red", "cup, dish, tea"),
        row("cup", "a flat emoji of a cup, dish, all red", "cup, dish"),
        row("cup", "a flat emoji of a cup, all blue", "cup"),
        row("cup", "a flat emoji of a cup, all blue", "cup"),
        row("cup", "a flat emoji of a cup, plates, all pink", "cup, plates", split="heldout"),
        row("arrow up", "a flat icon of arrow up icon, blue and light blue", "arrow up, blue and light blue"),
        row("arrow up", "a flat icon of arrow up icon", "arrow up"),
        row("rare", "a flat icon of rare, all red", "rare"),
    ]
    assert lexicon_of(rows) == {"arrow up": Entry(2, "", ""), "cup": Entry(5, "dish", "all red")}


def test_nothing_held_out_is_in_the_table() -> None:
    assert len(lexicon()) > 2000
    assert not [name for name in lexicon() if names_held_out(name)]
    assert not [entry for entry in lexicon().values() if entry.pictures < 2]
