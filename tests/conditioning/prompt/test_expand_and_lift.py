"""One text for several prompts, and options in prompts."""

import pytest

from mezzotint.conditioning.prompt import expanded_prompts, lifted, wildcards, with_wildcards
from mezzotint.errors import InvalidOption
from mezzotint.tasks import WEIGHTS


def test_permutations_come_in_a_fixed_order() -> None:
    assert expanded_prompts("a {red, green} {apple, pear}") == (
        *("a red apple", "a red pear"),
        *("a green apple", "a green pear"),
    )
    assert expanded_prompts("{a, {b, c} d}e") == ("ae", "b de", "c de")
    assert expanded_prompts(r"a \{b, c\}") == (r"a \{b, c\}",)
    assert expanded_prompts("a{, x}") == ("a", "ax")
    assert expanded_prompts("") == ("",)
    assert expanded_prompts("{" * 20 + "a, b" + "}" * 20 + "{c}") == ("ac", "bc")


def test_bars_part_options_too_and_then_commas_do_not() -> None:
    assert expanded_prompts("a {red|green} {apple, pear}") == (
        *("a red apple", "a red pear"),
        *("a green apple", "a green pear"),
    )
    assert expanded_prompts("{a red, round apple|a pear}") == ("a red, round apple", "a pear")
    # a bar in brackets is of the prompt language, and one in inner braces is theirs
    assert expanded_prompts("{[cat|dog], fox}") == ("[cat|dog]", "fox")
    assert expanded_prompts("{[cat|dog]|fox}") == ("[cat|dog]", "fox")
    assert expanded_prompts("{a {b|c}, d}") == ("a b", "a c", "d")
    assert expanded_prompts(r"{a\|b, c}") == (r"a\|b", "c")
    assert expanded_prompts("{a|}b") == ("ab", "b")
    assert expanded_prompts("[cat|dog]") == ("[cat|dog]",)
    assert expanded_prompts("{[a|b, c}") == ("[a|b", "c")  # not closed: the grammar's to say


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a {2$$red|green|blue}", "has 2$$, several options at once; leave it out"),
        ("a { 1-2$$red|green}", "has 1-2$$, several options at once"),
        ("a {b", "At character 3 (near 'a {b') the prompt has a \"{\" that is not closed"),
        ("a }", 'the prompt has a "}" that closes nothing'),
        ("{" * 900 + "a" + "}" * 900, "At character 21 (near '{{{{{{{{{{{{{{{{{{{{{{{{') the prompt has more than"),
        ("{" * 5000, "more than 20 braces inside one another"),
        ("{" + ",".join("abcdefghijk") + "}" + "{a,b}" * 7, "stands for more than 1000 prompts"),
    ],
)
def test_braces_that_cannot_be_read_are_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        expanded_prompts(text)
    assert words in str(caught.value)


def test_wildcards_are_found_and_filled_in_their_order() -> None:
    text = r"__animal__ on __place/by-sea__ \__no__ and __animal__"
    assert wildcards(text) == ("animal", "place/by-sea", "animal")
    assert with_wildcards(text, lambda name, place: f"<{name} {place}>") == (
        r"<animal 0> on <place/by-sea 1> \__no__ and <animal 2>"
    )
    with pytest.raises(InvalidOption, match="A line of the wildcard a holds a wildcard itself"):
        with_wildcards("__a__", lambda name, place: "__b__")


@pytest.mark.parametrize(
    ("prompt", "options", "expected"),
    [
        ("a cat", {}, {"prompt": "a cat"}),
        ("a cat --seed 7 --repeat 2", {}, {"prompt": "a cat", "seed": 7, "n": 2}),
        ("a cat --seed 7", {"seed": 0, "n": 1, "style": None}, {"prompt": "a cat", "seed": 7, "n": 1, "style": None}),
        ("a cat --no red, blue", {"negative": "grey"}, {"prompt": "a cat", "negative": "grey, red, blue"}),
        ("a cat --style raw", {}, {"prompt": "a cat", "style": "none"}),
        ("a cat --ar 3:2 --stop 50", {}, {"prompt": "a cat", "aspect": [3, 2], "stop": 0.5}),
        ("a --sref my fox.png --seed 1", {}, {"prompt": "a", "style_ref": "my fox.png", "seed": 1}),
        (
            "a --sw 250 --iw 3",
            {"style_ref": "0a"},
            {"prompt": "a", "style_ref": "0a", "style_weight": 2.5, "image_weight": 1.5},
        ),
        ("a cat --cref x.png --sw 0", {}, {"prompt": "a cat --cref x.png", "style_weight": 0.0}),
        ("a cat --weird 3 --seed 1 --hd", {}, {"prompt": "a cat --weird 3 --hd", "seed": 1}),
        ("a cat --weird 3 --tile", {}, {"prompt": "a cat --weird 3", "tile": "both"}),
        ("a <lora:zorp:0.8> cat", {}, {"prompt": "a cat", "lora": [["zorp", 0.8]]}),
        ("a cat <lora:b>", {"lora": [["a", 0.5]]}, {"prompt": "a cat", "lora": [["a", 0.5], ["b", 1.0]]}),
        (r"a \<lora:b> cat", {}, {"prompt": r"a \<lora:b> cat"}),
    ],
)
def test_what_a_prompt_says_of_options_becomes_options(
    prompt: str, options: dict[str, object], expected: dict[str, object]
) -> None:
    assert lifted(prompt, options) == expected
    assert lifted(str(expected["prompt"]), {}) == {"prompt": expected["prompt"]}  # nothing is left to lift


@pytest.mark.parametrize(
    ("prompt", "options", "words"),
    [
        ("a --seed 7", {"seed": 3}, "seed is given twice: by --seed in the prompt, and beside it"),
        ("a --repeat 2", {"n": 3}, "n is given twice: by --repeat in the prompt"),
        ("a --seed 1.5", {}, "--seed is 1.5; it must be a whole number"),
        ("a --stop 5", {}, "--stop is 5; it must be from 10 to 100"),
        ("a --sw 1001", {}, "--sw is 1001; it must be from 0 to 1000, 100 as usual"),
        ("a --iw -1", {}, "--iw is -1; it must be from 0 to 3, 1 as usual"),
        ("a --sref", {}, "--sref with nothing after it"),
        ("a --sref https://a.b/c.png", {}, "--sref is https://a.b/c.png; it must be a file here"),
        ("a --sref a.png", {"style_ref": "0a"}, "style_ref is given twice: by --sref in the prompt"),
        ("a --ar 0:2", {}, "--ar is 0:2; it must be two whole numbers above 0"),
        ("<lora:a> <lora:a>", {}, "has the LoRA a twice"),
        ("<lora a>", {}, "a LoRA that is not written as <lora:NAME:STRENGTH>"),
    ],
)
def test_what_is_said_twice_or_is_no_value_is_refused(prompt: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        lifted(prompt, options)
    assert words in str(caught.value)


@pytest.mark.parametrize(("flag", "option"), [("--sw 100", "style"), ("--iw 1", "image")])
def test_the_usual_weight_of_midjourney_is_the_usual_one_here(flag: str, option: str) -> None:
    assert lifted(f"a cat {flag}", {})[f"{option}_weight"] == WEIGHTS[option]
