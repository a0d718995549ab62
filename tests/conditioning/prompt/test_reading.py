"""What is read at which step: AUTOMATIC1111's documented examples, and what no step reads."""

import pytest

from mezzotint.conditioning.prompt import Reading, meant, never_read, parse, readings
from mezzotint.errors import InvalidOption


def read(text: str, steps: int) -> list[str]:
    """What each step reads, without weights, single spaces."""
    return [" ".join(" ".join(one.texts).split()) for one in readings(parse(text).parts[0], steps)]


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("normal text", [("normal text", 1.0)]),
        ("an (important) word", [("an ", 1.0), ("important", 1.1), (" word", 1.0)]),
        (r"\(literal\]", [("(literal]", 1.0)]),
        ("(unnecessary)(parens)", [("unnecessaryparens", 1.1)]),
        (
            "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).)",
            [
                *(("a ", 1.0), ("house", 1.3 * 1.1**2), (" ", 1.1), ("on", 1.0), (" a ", 1.1), ("hill", 0.55)),
                *((", sun, ", 1.1), ("sky", 1.1**4), (".", 1.1)),
            ],
        ),
    ],
)
def test_weights_are_those_of_a1111(text: str, runs: list[tuple[str, float]]) -> None:
    """The examples in the docstring of its `parse_prompt_attention`; brackets that do not close are refused here."""
    (reading,) = readings(parse(text).parts[0], 1)
    (chunk,) = reading.chunks
    assert [words for words, _ in chunk] == [words for words, _ in runs]
    assert [weight for _, weight in chunk] == pytest.approx([weight for _, weight in runs])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("test", ["test"] * 10),
        ("a [b:3]", ["a"] * 3 + ["a b"] * 7),
        ("a [b: 3]", ["a"] * 3 + ["a b"] * 7),
        ("a [[[b]]:2]", ["a"] * 2 + ["a b"] * 8),
        ("[(a:2):3]", [""] * 3 + ["a"] * 7),
        ("a [b : c : 1] d", ["a b d"] + ["a c d"] * 9),
        ("a[b:[c:d:2]:1]e", ["abe", "ace"] + ["ade"] * 8),
        ("a [b:.5] c", ["a c"] * 5 + ["a b c"] * 5),
        ("[a|(b:1.1)]", ["a", "b"] * 5),
        ("[fe|]male", ["female", "male"] * 5),
        ("[fe|||]male", ["female", "male", "male", "male"] * 2 + ["female", "male"]),
    ],
)
def test_steps_are_those_of_a1111(text: str, expected: list[str]) -> None:
    """The examples in the docstring of its `get_learned_conditioning_prompt_schedules`, at ten steps."""
    assert read(text, 10) == expected


@pytest.mark.parametrize(
    ("text", "said", "meant_so", "theirs"),
    [
        ("a [unbalanced", "At character 3", r"a \[unbalanced", ["a [unbalanced"] * 10),
        ("a [{b|d{:.5] c", "At character 4", r"a [\{b\|d\{:.5] c", ["a c"] * 5 + ["a {b|d{ c"] * 5),
        (
            *("((a][:b:c [d:3]", "At character 4", r"\(\(a\]\[:b:c [d:3]"),
            ["((a][:b:c"] * 3 + ["((a][:b:c d"] * 7,
        ),
        ("(unbalanced", "At character 1", "(unbalanced)", ["unbalanced"] * 10),
        (
            *("a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).", "At character 3"),
            *("a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).)", ["a house on a hill, sun, sky."] * 10),
        ),
        ("a [b:1.5] c", "the time 1.5", "a [b:1.0] c", ["a c"] * 10),
    ],
)
def test_where_a1111_guesses_the_place_is_told_instead(text: str, said: str, meant_so: str, theirs: list[str]) -> None:
    """Its other examples differ here. Brackets that do not close are letters there, or reach to the end; here they are
    refused, since most are mistakes, and what is meant can be written: then each step reads what it reads there. A time
    such as 1.5 is of its second pass there, so that the first one never reads `b`; here it is no share of the steps."""
    with pytest.raises(InvalidOption) as caught:
        parse(text)
    assert said in str(caught.value)
    assert read(meant_so, 10) == theirs


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a cat AND a dog", [("a cat", 1.0), ("a dog", 1.0)]),
        ("a cat :1.2 AND a dog AND a bird :-2.5", [("a cat", 1.2), ("a dog", 1.0), ("a bird", -2.5)]),
        ("a cat:.5 AND (a dog:1.3) :2", [("a cat", 0.5), ("a dog", 2.0)]),
        ("BRAND ANDY a AND b", [("BRAND ANDY a", 1.0), ("b", 1.0)]),
        ("a :1.2", [("a :1.2", 1.0)]),
    ],
)
def test_parts_are_those_of_a1111(text: str, parts: list[tuple[str, float]]) -> None:
    """As its `get_multicond_prompt_list` splits and weighs. But without AND a number at the end is text here; there it
    is taken off, and multiplies the guidance."""
    prompt = parse(text)
    found = [(" ".join(readings(part, 1)[0].texts).strip(), part.weight) for part in prompt.parts]
    assert found == parts


@pytest.mark.parametrize("steps", [1, 3, 4, 7])
def test_a_switch_at_a_share_of_the_steps(steps: int) -> None:
    assert read("[a:b:0]", steps) == ["b"] * steps
    assert read("[a:b:1.0]", steps) == ["a"] * steps
    assert read("[a:b:0.5]", steps) == ["a"] * (steps // 2) + ["b"] * (steps - steps // 2)


def test_weight_zero_takes_words_away_and_the_blank_with_them() -> None:
    def chunks(text: str) -> Reading:
        return readings(parse(text).parts[0], 1)[0]

    assert chunks("a (red:0) apple") == chunks("a apple") == Reading.of("a apple")
    assert chunks("(red:0) apple") == chunks("apple (red:0)") == Reading.of("apple")
    assert chunks("(a (b:2):0)") == chunks("") == Reading()
    assert chunks("(red:0) BREAK apple") == Reading.of("apple")
    assert chunks("(a:1) (b:1)") == Reading.of("a b")


def test_characters_have_the_weights_of_their_words() -> None:
    reading = Reading(((("a ", 1.0), ("red", 1.5)), (("b", 2.0),)))
    assert reading.texts == ("a red", "b")
    assert reading.weights == ((1, 1, 1.5, 1.5, 1.5), (2,))
    assert (Reading().texts, Reading().weights) == (("",), ((),))


@pytest.mark.parametrize(
    ("text", "steps", "lost"),
    [
        ("[a:b:0.9]", 4, []),
        ("[a:b:1.0]", 4, [("b", "[a:b:1.0]")]),
        ("x [a:b:7] y", 4, [("b", "[a:b:7]")]),
        ("x [a:b:7] y", 8, []),
        ("[a|b|c]", 2, [("c", "[a|b|c]")]),
        ("[a:b:0]", 4, [("a", "[a:b:0]")]),
        ("([a:[b:c:1.0]:0.5] d:1.2)", 4, [("c", "([a:[b:c:1.0]:0.5] d:1.2)")]),
        ("(a:0)", 1, []),
    ],
)
def test_what_no_step_reads_is_named_with_its_brackets(text: str, steps: int, lost: list[tuple[str, str]]) -> None:
    found = never_read(parse(text).parts[0], steps)
    assert [(words, text[begin:end]) for words, (begin, end) in found] == lost


def test_what_a_finished_picture_is_to_show() -> None:
    assert meant("a (red:1.3) apple") == "a red apple"
    assert meant("[a cat:a dog:0.5] AND a hat :0.7 AND a ball :-1") == "a dog, a hat"
    assert meant("a cat BREAK a hat --weird 3") == "a cat, a hat"
    assert meant('a sign that says "STOP"') == 'a sign that says "STOP"'
