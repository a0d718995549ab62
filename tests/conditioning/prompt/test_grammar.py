"""The grammar: what a prompt means, that it can be written back, and where it cannot be read."""

import pytest
from hypothesis import given, settings

from mezzotint.conditioning.prompt import (
    Alternate,
    Flag,
    Part,
    Prompt,
    Switch,
    Weighted,
    Words,
    escaped,
    expanded_prompts,
    lifted,
    meant,
    parse,
    plain_words,
    wildcards,
    written,
)
from mezzotint.errors import InvalidOption
from tests.conditioning.prompt.texts import texts

A, B, C = (Words("a"),), (Words("b"),), (Words("c"),)


def chunk(*items: object) -> Prompt:
    """A prompt of one part and chunk."""
    return Prompt((Part((items,)),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a red apple", chunk(Words("a red apple"))),
        ("  a\n", chunk(Words("a"))),
        ("", Prompt((Part(),))),
        ("()[]", Prompt((Part(),))),
        ("(a)", chunk(Weighted(A, 1.1))),
        ("(a:1.3)b", chunk(Weighted(A, 1.3), *B)),
        ("( a : .5 )", chunk(Weighted(A, 0.5))),
        ("((a:2):3)", chunk(Weighted((Weighted(A, 2.0),), 3.0))),
        ("(a:b)", chunk(Weighted((Words("a:b"),), 1.1))),
        ("[a]", chunk(Weighted(A, 1 / 1.1))),
        ("[a:b:0.5]", chunk(Switch(A, B, 0.5))),
        ("[b:0.5]", chunk(Switch((), B, 0.5))),
        ("[a::0.5]", chunk(Switch(A, (), 0.5))),
        ("[a:b:3]", chunk(Switch(A, B, 3, in_steps=True))),
        ("[a:b:1.0]", chunk(Switch(A, B, 1.0))),
        ("[a:b]", chunk(Weighted((Words("a:b"),), 1 / 1.1))),
        ("[a|b|]", chunk(Alternate((A, B, ())))),
        ("[(a:2)|[b:c:1]]", chunk(Alternate(((Weighted(A, 2.0),), (Switch(B, C, 1, in_steps=True),))))),
        (r"\(a\) \[b\] \\ \: C:\dir", chunk(Words(r"(a) [b] \ : C:\dir"))),
        (r"a \AND b \BREAK c", chunk(Words("a AND b BREAK c"))),
        ("BRAND AND", Prompt((Part(((Words("BRAND"),),)), Part()))),
        ("a BREAK b", Prompt((Part((A, B)),))),
        ("a AND b :0.7", Prompt((Part((A,)), Part((B,), 0.7)))),
        ("a:1.2 AND b", Prompt((Part((A,), 1.2), Part((B,))))),
        ("a :2", chunk(Words("a :2"))),
        ("a::2 b::-1", Prompt((Part((A,), 2.0), Part((B,), -1.0)), shared=True)),
        ("a:: b", Prompt((Part((A,)), Part((B,))), shared=True)),
        ("a --weird 250 --tile", Prompt((Part((A,)),), flags=(Flag("weird", "250"), Flag("tile")))),
        ("a —C 5 --W 1", Prompt((Part((A,)),), flags=(Flag("chaos", "5"), Flag("weird", "1")))),
    ],
)
def test_what_a_prompt_means(text: str, meaning: Prompt) -> None:
    assert parse(text) == meaning
    assert parse(written(meaning)) == meaning


def test_the_weights_of_two_colons_are_shares_and_those_of_and_are_not() -> None:
    assert parse("a::3 b").weights == (0.75, 0.25)
    assert parse("a::2 b::-1").weights == (2, -1)
    assert parse("a :3 AND b").weights == (3, 1)
    assert parse("a::7").weights == (1,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a (red apple", "At character 3 (near 'a (red apple') the prompt has a \"(\" that is not closed; write \\("),
        ("a [red", "At character 3 (near 'a [red') the prompt has a \"[\" that is not closed; write \\["),
        ("a red)", "At character 6 (near 'a red)') the prompt has a \")\" that closes nothing; write \\)"),
        ("(a]", "At character 3"),
        ("{a, b} c", "mezzotint.expanded_prompts()"),
        ("a (b AND c)", "At character 6 (near 'a (b AND c)') the prompt has AND inside brackets"),
        ("a AND b::2", "both AND and ::"),
        ("(a:101)", "the weight 101; it must be from 0 to 100"),
        ("(a:-1)", "the weight -1; it must be from 0 to 100"),
        ("a AND b :200", "the weight 200, beyond 100"),
        ("[a:b:1.5]", "the time 1.5; it must be a share of the steps from 0 to 1, or a number of steps"),
        ("[a:b:c:0.5]", "more than two texts and a number"),
        ("a::1 b::-1", "sum up to 0 or less"),
        ("(" * 21 + "a" + ")" * 21, "more than 20 brackets inside one another"),
        ("a --weid 3", "--weid at character 3, which is no flag; did you mean --weird"),
        ("a --weird b", "--weird without a number after it"),
        ("a --tile b", "words after --tile, which takes no value"),
        ("a --ar 3", "--ar without a shape such as 3:2"),
        ("a --no", "--no with nothing after it"),
        ("a --chaos 1 --c 2", "--chaos twice"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        parse(text)
    assert words in str(caught.value)


def test_positions_are_those_of_the_text() -> None:
    text = r"  a \(b\), (red:1.3) [x:y:0.5] AND c :0.7 --weird 250"
    prompt = parse(text)
    first, second = prompt.parts
    assert [text[slice(*item.span)] for item in first.chunks[0]] == [r"  a \(b\), ", "(red:1.3)", " ", "[x:y:0.5]"]
    (inside,) = first.chunks[0][1].inside  # type: ignore[union-attr]
    assert text[slice(*inside.span)] == "red"
    assert [text[slice(*item.span)] for item in second.chunks[0]] == [" c"]
    assert text[slice(*prompt.flags[0].span)] == "--weird 250"


@settings(max_examples=500, deadline=None)
@given(texts)
def test_a_prompt_can_be_written_back_or_is_refused(text: str) -> None:
    try:
        prompt = parse(text)
    except InvalidOption:
        return
    assert parse(written(prompt)) == prompt
    assert written(parse(written(prompt))) == written(prompt)


@settings(max_examples=500, deadline=None)
@given(texts)
def test_an_escaped_text_is_its_words_and_nothing_else(text: str) -> None:
    plain = escaped(text)
    words = text.strip()
    assert parse(plain) == (chunk(Words(words)) if words else Prompt((Part(),)))
    assert expanded_prompts(plain) == (plain,)
    assert wildcards(plain) == ()
    assert lifted(plain, {}) == {"prompt": plain}
    assert plain_words(plain) == meant(plain) == words


@pytest.mark.parametrize("name", ["O button (blood type)", "smiley :3", "AND gate", "3:2", "a -- b", "a__b__"])
def test_names_of_pictures_are_words(name: str) -> None:
    assert plain_words(escaped(name)) == name


@pytest.mark.parametrize("text", ["a (red) apple", "a BREAK b", "a AND b", "[a|b]"])
def test_more_than_words_is_told_from_words(text: str) -> None:
    assert plain_words(text) is None


def test_a_long_text_takes_no_long_time() -> None:
    for text in ("a" + " " * 100_000 + "b AND c", "(a)" * 30_000, "a :" * 30_000 + " AND b", "[" * 50_000):
        try:
            parse(text)
        except InvalidOption:
            assert text.startswith("[[")
