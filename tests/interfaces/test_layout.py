"""Prompts that name several things: what is understood, where it goes, and what `imagine` draws of it."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mezzotint.data.scenes.relate import OPPOSITE, POSITIONS
from mezzotint.evaluation.detector import Sight, SightOf
from mezzotint.evaluation.iconeval.prompts import IconPrompt, load_prompts
from mezzotint.evaluation.iconeval.verdict import judge
from mezzotint.interfaces.layout import Named, Told, boxes_of, laid_out, told_of
from mezzotint.interfaces.layout.places import grid
from mezzotint.request import Request
from tests.interfaces.conftest import Run, parsed, sentence

SIDE = 64


def said(text: str) -> object:
    told = told_of(text)
    return told and ([(one.words, one.count) for one in told.things], list(told.relations))


@pytest.mark.parametrize(
    ("text", "things", "relations"),
    [
        ("a red apple and a blue cup", [("a red apple", 1), ("a blue cup", 1)], []),
        ("A red apple and a blue cup.", [("a red apple", 1), ("a blue cup", 1)], []),
        ("a cat, a dog and an owl", [("a cat", 1), ("a dog", 1), ("an owl", 1)], []),
        ("three red apples", [("a red apple", 3)], []),
        ("two knives and 3 foxes", [("a knife", 2), ("a fox", 3)], []),
        ("five small ghosts", [("a small ghost", 5)], []),
        ("pears, 6 in all", [("a pear", 6)], []),
        ("a group of three octopuses", [("an octopus", 3)], []),
        ("three red apples to the left of a blue cat", [("a red apple", 3), ("a blue cat", 1)], [(0, "left of", 1)]),
        ("a rooster, and to the right of it a crab", [("a rooster", 1), ("a crab", 1)], [(1, "right of", 0)]),
        ("a sun above a mountain", [("a sun", 1), ("a mountain", 1)], [(0, "above", 1)]),
        ("a bee on top of a box", [("a bee", 1), ("a box", 1)], [(0, "above", 1)]),
        ("a diamond in black, a mango painted pink", [("a black diamond", 1), ("a pink mango", 1)], []),
        ("a big red cube next to a blue ball", [("a big red cube", 1), ("a blue ball", 1)], []),
        ("an apple, an orange, and a banana", [("an apple", 1), ("an orange", 1), ("a banana", 1)], []),
        ("the two cats & three women!", [("a cat", 2), ("a woman", 3)], []),
        ("a cat on the left and a dog on the right", [("a cat", 1), ("a dog", 1)], [(0, "left of", 1)]),
        ("three red apples on the right side, a cup on the left", [("a red apple", 3), ("a cup", 1)],
         [(0, "right of", 1)]),
        ("a sun at the top and a boat at the bottom", [("a sun", 1), ("a boat", 1)], [(0, "above", 1)]),
        ("on the left a cat, on the right two dogs", [("a cat", 1), ("a dog", 2)], [(0, "left of", 1)]),
        ("at the bottom a cat and at the top a dog", [("a cat", 1), ("a dog", 1)], [(0, "below", 1)]),
        ("a cat with a dog to its left", [("a dog", 1), ("a cat", 1)], [(0, "left of", 1)]),
        ("two cats with a red cup on their right", [("a red cup", 1), ("a cat", 2)], [(0, "right of", 1)]),
        ("a cat, and a dog to its left", [("a dog", 1), ("a cat", 1)], [(0, "left of", 1)]),
        ("a boat that has a bird above it", [("a bird", 1), ("a boat", 1)], [(0, "above", 1)]),
        ("a box with a cat under it", [("a cat", 1), ("a box", 1)], [(0, "below", 1)]),
        ("to the left of a cup there is a balloon", [("a balloon", 1), ("a cup", 1)], [(0, "left of", 1)]),
        ("under the box are three cats", [("a cat", 3), ("a box", 1)], [(0, "below", 1)]),
        ("a cup is to the right of a balloon", [("a cup", 1), ("a balloon", 1)], [(0, "right of", 1)]),
        ("a cat beneath a table", [("a cat", 1), ("a table", 1)], [(0, "below", 1)]),
        ("Can you draw a cat above a dog, please?", [("a cat", 1), ("a dog", 1)], [(0, "above", 1)]),
        ("I would like two foxes and an owl, nothing else", [("a fox", 2), ("an owl", 1)], []),
        ("please draw five stars", [("a star", 5)], []),
        ("one cat left of a dog below a bird", [("a cat", 1), ("a dog", 1), ("a bird", 1)],
         [(0, "left of", 1), (1, "below", 2)]),
    ],
)  # fmt: skip
def test_what_is_said_of_several_things(text: str, things: list[object], relations: list[object]) -> None:
    assert said(text) == (things, relations)


def test_words_that_loras_teach_are_things() -> None:
    request = Request(prompt="two zorps and a red zorp to the left of a cat", lora=[("loras/zorp.safetensors", 0.8)])
    assert laid_out(request) is None  # a side leaves a thing out
    request = replace(request, prompt="two zorps to the left of a red Zorp")
    here = laid_out(request)
    assert here is not None
    assert [words for _, words in here.region] == ["a zorp", "a zorp", "a red zorp"]
    for lora in ((), (("zorp", 0.0),), (("blip", 1.0),)):
        assert laid_out(replace(request, lora=lora)) is None


@pytest.mark.parametrize(
    "text",
    [
        *("a fox", "", "an apple", "apples", "some apples", "ten apples", "a knife and fork"),
        *("a black and white cat", "a black and a white cat", "salt and pepper", "a man and his dog"),
        *("a cat on a beach", "a cat and a dog on a beach", "a boy with a hat and a scarf", "a cat in a hat, a dog"),
        *("a red apple, 3d style", "a cat and no dog", "two cats and nine dogs", 'a cat and a sign that says "HI"'),
        *(
            "a (red:1.3) apple and a cup",
            "a cat AND a dog",
            "[a cat:a dog:0.5] and a cup",
            "a cat; a dog",
            "pears, six",
        ),
        *(
            "a cat and a dog to the left of a bird",
            "a cat, and above it a bird, and below it a dog",
            "a zorp and a cat",
        ),
        *(
            "a red apple, a white background",
            "a cat, a masterpiece",
            "a robot, the style of Picasso",
            "a cat, a side view",
        ),
        *("a dog chasing a cat and a mouse", "a mix of a cat and a dog", "the big bad wolf and the three little pigs"),
        *("two cats chasing mice", "two men playing cards", "three headed dogs", "four leaf clovers", "3 d printers"),
        *("a man in black and a woman in red", "one big and two small cats", "a man and a woman kissing"),
        *("a face, two eyes, one nose", "two cats, a forest", "a crane, the bird", "a girl under the moonlight, a cat"),
        *("a drawing of two cats", "a cat, one of many", "a pair of shoes", "a bow and arrow", "seven of nine, a cat"),
        *("a cat on the left and a dog on the left", "a cat on the left", "a cat on the left and a dog on the top"),
        *(
            "a cat and a dog on the left and a bird on the right",
            "a cat with a hat",
            "a cat with a dog",
            "a cat is a dog",
        ),
        *("a cat with a hat to its left and a dog", "above a cat", "a cat under a table with a dog", "please", "draw"),
        *("a cat on the right of the picture", "a cat that has a dog", "a man with a bird above it in the sky"),
        *("--A", "a cat and a dog --nothing"),
        *("a cat and", "and a cat", "a cat and a", "left of a cat", "6 in all", "a cat, 6 in all", "a in red, a cat"),
    ],
)
def test_what_says_anything_else_is_left_alone(text: str) -> None:
    assert told_of(text) is None


WORDS = ("a", "an", "three", "cat", "cats", "red", ",", "and", "left of", "it", "in all")


@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_any_text_is_either_understood_or_left_alone(text: str) -> None:
    told = told_of(text)
    if told is not None:
        assert 2 <= told.total <= 9
        assert all(one.count for one in told.things)
        boxes_of(told)


@given(
    st.lists(st.integers(1, 3), min_size=2, max_size=4).filter(lambda counts: sum(counts) <= 9),
    st.lists(st.sampled_from(("", *POSITIONS)), min_size=3, max_size=3),
    st.sampled_from(((1, 1), (2, 1), (3, 5))),
)
def test_places_keep_the_sides_and_never_overlap(counts: list[int], sides: list[str], shape: tuple[int, int]) -> None:
    """A chain of things, each on its side of the next one."""
    things = tuple(Named(f"thing {k}", count) for k, count in enumerate(counts))
    relations = tuple((k, side, k + 1) for k, side in enumerate(sides[: len(counts) - 1]) if side)
    placed = boxes_of(Told(things, relations), shape)
    assert placed is not None
    assert [sum(words == one.words for _, words in placed) for one in things] == counts
    widths = {round((box[2] - box[0]) * shape[0], 9) for box, _ in placed}
    heights = {round((box[3] - box[1]) * shape[1], 9) for box, _ in placed}
    assert widths == heights
    for (a, _), (b, _) in combinations(placed, 2):
        assert not all(a[k] < b[k + 2] - 1e-9 and b[k] < a[k + 2] - 1e-9 for k in (0, 1))
    for first, side, second in relations:
        for box, words in placed:
            for other, theirs in placed:
                if (words, theirs) == (things[first].words, things[second].words):
                    axis, turned = (0, side == "right of") if side in ("left of", "right of") else (1, side == "below")
                    before, after = (other, box) if turned else (box, other)
                    assert before[axis + 2] <= after[axis] + 1e-9


def test_sides_that_contradict_have_no_places() -> None:
    things = (Named("a cat"), Named("a dog"))
    assert boxes_of(Told(things, ((0, "left of", 1), (1, "left of", 0)))) is None
    assert boxes_of(Told(things, ((0, "left of", 1), (1, "right of", 0)))) is not None
    assert set(OPPOSITE) >= set(POSITIONS)


@pytest.mark.parametrize(
    ("count", "width", "height", "wanted"),
    [
        *((1, 1, 1, (1, 1)), (2, 1, 1, (2, 1)), (3, 1, 1, (2, 2)), (3, 1, 2, (1, 3))),
        *((6, 1, 1, (3, 2)), (9, 1, 1, (3, 3)), (4, 4, 1, (4, 1))),
    ],
)  # fmt: skip
def test_squares_are_as_large_as_fits(count: int, width: float, height: float, wanted: tuple[int, int]) -> None:
    assert grid(count, width, height) == wanted


def test_regions_are_no_larger_than_what_is_drawn_at_once() -> None:
    placed = boxes_of(Told((Named("a cat"), Named("a dog"))), (144, 144), 64)
    assert placed is not None
    assert [tuple(round(144 * edge) for edge in box) for box, _ in placed] == [(4, 40, 68, 104), (76, 40, 140, 104)]


@pytest.mark.parametrize(
    "prompt",
    [one for one in load_prompts() if one.task in ("two", "counting", "position", "attribution")][::3],
    ids=lambda one: one.text,
)
def test_what_is_laid_out_perfectly_is_right_for_the_instrument(prompt: IconPrompt) -> None:
    """A detector that saw exactly the regions finds nothing wrong: numbers, sides and colours are those asked for."""
    told = told_of(prompt.text)
    assert told is not None
    placed = boxes_of(told, (144, 144), 64)
    assert placed is not None
    seen = []
    for box, words in placed:
        wanted = next(one for one in prompt.wanted if words.endswith(one.thing) and (one.colour or "") in words)
        left, top, right, bottom = (SIDE * share for share in box)
        seen.append(SightOf(wanted.thing, 0.99, (left, top, right, bottom), wanted.colour or "black", 0.99))
    assert judge(prompt, Sight(tuple(seen), "")).right


def test_imagine_lays_out_says_so_and_draws_it_again(run: Run, model: Path, here: Path) -> None:
    draw = ("imagine", "two red apples above a cat", "--model", model, "--steps", 1, "--seed", 3)
    told = run(*draw, "--out", "a.png")
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith("laid out: a red apple | a red apple | a cat  (--layout none draws it as one)\n")
    assert Image.open(here / "a.png").size == (72, 72)  # nine quarters of 32
    (picture,) = parsed(run(*draw, "--format", "json"))["pictures"]
    asked = picture["recipe"]["request"]
    assert (asked["prompt"], asked["original_prompt"]) == ("", "two red apples above a cat")
    assert [text for _, text in asked["region"]] == ["a red apple", "a red apple", "a cat"]
    assert Path(picture["file"]).name == "two-red-apples-above-a-cat-3.png"
    assert parsed(run("reproduce", "a.png", "--model", model, "--format", "json"))["status"] == "identical"
    (plain,) = parsed(run(*draw, "--layout", "none", "--out", "b.png", "--format", "json"))["pictures"]
    asked = plain["recipe"]["request"]
    assert (asked["prompt"], asked["region"], asked["size"]) == ("two red apples above a cat", [], [32, 32])
    (small,) = parsed(run(*draw, "--size", 32, "--out", "c.png", "--format", "json"))["pictures"]
    assert (small["recipe"]["request"]["size"], len(small["recipe"]["request"]["region"])) == ([32, 32], 3)
    (lost,) = parsed(run(*draw, "--size", 128, "--out", "d.png", "--format", "json"))["pictures"]
    assert lost["recipe"]["request"]["region"] == []  # nothing enlarges the canvas for them
    told = run(*draw, "--size", 128, "--out", "d2.png").stdout
    assert told.startswith("not laid out: two red apples above a cat  (this size has no room for each thing; it is")
    wide = run("imagine", "nine cats", *draw[2:], "--aspect", "20:1", "--out", "d4.png").stdout
    assert wide.startswith("not laid out: nine cats  (this size has no room")
    for one in (("--layout", "none"), ("--tile", "x"), ("--style", "nosuch"), ("--upscaler", "nosuch")):
        assert "laid out" not in run(*draw, *one, "--out", "d3.png").stdout  # that is said by itself
    (tiny,) = parsed(run("imagine", "nine cats", *draw[2:], "--size", 32, "--out", "e.png", "--format", "json"))[
        "pictures"
    ]
    assert len(tiny["recipe"]["request"]["region"]) == 9
    alike = run("edit", "a.png", "two pears above a cat", "--keep-layout", 0.5, "--model", model)
    assert "was laid out in regions" in sentence(alike)
    assert "There is no layout called 'diagonal'" in sentence(run(*draw, "--layout", "diagonal"))


def test_what_says_otherwise_where_things_are_is_not_laid_out(run: Run, model: Path, here: Path) -> None:
    draw = ("imagine", "a cat and a dog", "--model", model, "--steps", 1, "--seed", 3, "--format", "json")
    for more in (
        ("--region", "0,0,0.5,1:a cat"),
        ("--tile", "x"),
        ("--also", "a hat:0.5"),
        ("--guidance-method", "apg"),
    ):
        (picture,) = parsed(run(*draw, *more))["pictures"]
        assert picture["recipe"]["request"]["prompt"] == "a cat and a dog"
        assert picture["recipe"]["request"]["original_prompt"] is None
