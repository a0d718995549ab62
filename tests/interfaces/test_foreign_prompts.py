"""Prompts of other programs in our language: what their own readers make of them, read by ours."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mezzotint.conditioning.prompt import expanded_prompts, lifted, parse, readings, wildcards
from mezzotint.interfaces.foreign_prompts import our_prompt

PROGRAMS = ("a1111", "civitai", "comfyui", "invokeai", "novelai")


def read(text: str) -> list[tuple[str, float]]:
    """The words that our language reads, with their weights."""
    (part,) = parse(text).parts
    found = [run for chunk in readings(part, 1)[0].chunks for run in chunk]
    return [(words.strip(), round(weight, 6)) for words, weight in found if words.strip()]


# what the program's own reader gives, from its published rules
KNOWN: dict[str, list[tuple[str, list[tuple[str, float]]]]] = {
    "a1111": [
        ("normal text", [("normal text", 1)]),
        ("an (important) word", [("an", 1), ("important", 1.1), ("word", 1)]),
        ("(unbalanced", [("unbalanced", 1.1)]),
        ("(unbalanced [twice", [("unbalanced", 1.1), ("twice", 1)]),
        (r"\(literal\]", [("(literal]", 1)]),
        ("(unnecessary)(parens)", [("unnecessaryparens", 1.1)]),
        ("a ] b ) c", [("a ] b ) c", 1)]),
        ("{a, b} __c__ --no x d::2 e_f", [("{a, b} __c__ --no x d::2 e_f", 1)]),
        (r"long\_tag", [(r"long\_tag", 1)]),
    ],
    "comfyui": [
        ("a (cat) [fog] {x}", [("a", 1), ("cat", 1.1), ("[fog] {x}", 1)]),
        ("((cat))", [("cat", 1.21)]),
        ("((a:1.5) b:2) c", [("a", 1.5), ("b", 2), ("c", 1)]),
        ("((a) b:0.5)", [("a", 0.55), ("b", 0.5)]),
        (r"x \(y\) AND z BREAK", [("x (y) AND z BREAK", 1)]),
        ("(embedding:neg:1.2) b", [("embedding:neg", 1.2), ("b", 1)]),
        ("a) (b", [("a) (b", 1)]),
    ],
    "invokeai": [
        ("fire (flames)", [("fire flames", 1)]),
        ("(flames)0.5", [("flames", 0.5)]),
        ('"fire flames"+', [("fire flames", 1.1)]),
        ("(flowers)--- flames+++", [("flowers", 0.729), ("flames", 1.331)]),
        ("(pretty flowers)+, the flames are too hot", [("pretty flowers", 1.1), (", the flames are too hot", 1)]),
        ("flowers fire++ flames", [("flowers", 1), ("fire", 1.21), ("flames", 1)]),
        ("fire (flames (trees)1.5)2.0", [("fire", 1), ("flames", 2), ("trees", 3)]),
        ("a well-known x-", [("a well-known", 1), ("x", 0.9)]),
        (r"x \(y\) c\+", [("x (y) c+", 1)]),
        ("[a|b] AND {c}", [("[a|b] AND {c}", 1)]),
    ],
    "novelai": [
        ("{{a}}, [b]", [("a", 1.1), (",", 1), ("b", 0.952)]),
        ("(round) AND x::y --z __w__", [("(round) AND x::y --z __w__", 1)]),
        ("1.5::a {b}:: c", [("a", 1.5), ("b", 1.575), ("c", 1)]),
        ("x, 0.5::(y) z", [("x,", 1), ("(y) z", 0.5)]),
    ],
}


@pytest.mark.parametrize(
    ("program", "text", "runs"),
    [(program, text, runs) for program, cases in KNOWN.items() for text, runs in cases],
)
def test_our_language_reads_what_theirs_does(program: str, text: str, runs: list[tuple[str, float]]) -> None:
    ours, notes = our_prompt(program, text)
    assert notes == ()
    assert read(ours) == [(words, pytest.approx(weight, abs=1e-3)) for words, weight in runs]


def test_what_means_the_same_in_a1111_stays_as_it_is() -> None:
    for text in ("a (cat:1.3), [fog]", "[a:b:0.5] [a::12] [c|d]", "a AND b :0.7", "a BREAK b", r"\(x\)"):
        assert our_prompt("a1111", text) == (text, ())
    (first, second) = parse(our_prompt("a1111", "(a AND b :0.7")[0]).parts
    assert (first.weight, second.weight) == (1, 0.7)


def test_weights_of_parts_of_invokeai_2_are_shares() -> None:
    ours, notes = our_prompt("invokeai", "a dog:3 fog (x):1")
    assert parse(ours).weights == (0.75, 0.25)
    assert [words for part in parse(ours).parts for chunk in readings(part, 1) for words in chunk.texts] == [
        "a dog",
        "fog (x)",
    ]
    assert len(notes) == 1
    assert our_prompt("invokeai", "the time: 3")[0] == "the time\\: 3"


@pytest.mark.parametrize(
    ("program", "text", "words", "note"),
    [
        ("a1111", "a <lora:ink (v2):0.8>, <hypernet:x:1> b", "a , b", "lora ink (v2):0.8"),
        ("a1111", "(a BREAK b:1.2)", "a BREAK b", "weights in the prompt"),
        ("a1111", "(x:-1)", "x", "weights in the prompt"),
        ("comfyui", "(x:-1) y", "y", "weight -1"),
        ("invokeai", '("a", "b").blend(0.7, 0.3)', '"a", "b" blend 0.7, 0.3', "weights in the prompt"),
        ("invokeai", "a (b", "a b", "weights in the prompt"),
        ("novelai", "a b -1::hat:: c", "a b c", "-1::hat::"),
        ("novelai", "{a", "a", "weights in the prompt"),
    ],
)
def test_what_has_no_counterpart_is_noted_and_the_words_are_kept(
    program: str, text: str, words: str, note: str
) -> None:
    ours, notes = our_prompt(program, text)
    assert [run for run, weight in read(ours) if weight == 1] == [words]
    assert notes[0][0] == note
    assert notes[0][1]


@pytest.mark.parametrize("program", PROGRAMS)
@given(text=st.text(st.sampled_from('ab ()[]{}:|\\+-_<>",.01ANDBREK—\n\x1b'), max_size=40))
@example(text="-- AND BREAK __a__ <lora:x> {a, b} --seed 3")
@example(text="(a:b:1.2) [x:y:0.5] [[::2]] \\")
def test_any_text_becomes_one_prompt_without_options(program: str, text: str) -> None:
    ours, _ = our_prompt(program, text)
    parse(ours)
    assert expanded_prompts(ours) == (ours,)
    assert lifted(ours, {}) == {"prompt": ours}
    assert wildcards(ours) == ()
    assert ours.isprintable() or not ours


@pytest.mark.parametrize("program", PROGRAMS)
def test_hostile_texts_take_no_time(program: str) -> None:
    begun = time.process_time()
    for text in ("(" * 10_000, "a" * 9_000 + "+" * 9_000 + "x", ":" * 10_000, "(a:1" * 3_000 + ")" * 3_000,
                 '"' * 10_000, "<a:" * 5_000, "a:1 " * 4_000, "[" * 10_000, "{a} " * 4_000):  # fmt: skip
        our_prompt(program, text)
    assert time.process_time() - begun < 3  # the squares of such lengths take longer
