"""Quoted words are read letter by letter; what is not read is named."""

import pytest

from mezzotint.conditioning.letters import ALPHABET, KINDS, LetterReader, quoted
from mezzotint.conditioning.prompt import Reading
from mezzotint.conditioning.text import TextConditioner
from mezzotint.data.scenes.glyphs import CHARACTERS
from mezzotint.load import load_text


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ('a sign that says "STOP"', ("STOP",)),
        ("a sign that says “go  slow”", ("go slow",)),
        ("„hallo“ and «salut»", ("hallo", "salut")),
        ("a badge 'yes', a sticker ‘no’", ("yes", "no")),
        ("a dog's bowl and a cats' toy", ()),
        ("the boy's 'yes'", ("yes",)),
        ('an empty "" sign', ()),
        ('an open " mark', ()),
        ("a red apple", ()),
    ],
)
def test_quotation_marks_and_apostrophes(prompt: str, texts: tuple[str, ...]) -> None:
    assert quoted(prompt) == texts


def test_letters_have_numbers_of_their_own_and_gaps_between_words() -> None:
    read = LetterReader(8)
    numbers = read(['"aA" and "?"', "nothing", '"Ab c"'])
    a, capital, b, c, mark = (ALPHABET.index(letter) + 2 for letter in "aAbc?")
    assert numbers.tolist() == [[a, capital, 1, mark], [0, 0, 0, 0], [capital, b, 1, c]]
    assert read(["none"]).shape == (1, 0)
    everything = LetterReader(100)([f'"{ALPHABET} "'])
    assert sorted(everything[0].tolist()) == list(range(2, KINDS + 1))


def test_what_is_left_out_is_named() -> None:
    read = LetterReader(3)
    assert read.ignored('"aßbcd"') == ("ß", "d")
    assert read(['"aßbcd"'])[0].tolist() == [ALPHABET.index(letter) + 2 for letter in "abc"]
    text, _ = load_text(12)
    spelling = TextConditioner(text.tokenizer, text.encoder, (), 12, read)
    assert "the letter ß" in spelling.report('a sign "aß"').ignored
    assert not [piece for piece in text.report('a sign "aß"').ignored if piece.startswith("the letter")]


def test_letters_have_the_weights_of_their_characters() -> None:
    read = LetterReader(9)
    texts = ['a "Ab  c"', '“d” and "e"']
    weights = [[1.0] * 3 + [2.0, 1.0, 9.0, 9.0, 0.5, 7.0], [7.0, 3.0] + [1.0] * 7 + [4.0, 1.0]]
    found, lost = read.read(texts, weights)
    spelled = [" " if number == 1 else ALPHABET[number - 2] for number, _ in found]
    assert "".join(spelled) == "Ab c d e"
    assert [weight for _, weight in found] == [2, 1, 1, 0.5, 1, 3, 3, 4]
    assert lost == ()
    assert [number for number, _ in read.read(texts)[0]] == [number for number, _ in found]


def test_weights_of_letters_reach_the_conditioning() -> None:
    text, _ = load_text(12)
    spelling = TextConditioner(text.tokenizer, text.encoder, (), 12, LetterReader(5))
    heavy = spelling([Reading(((('say "', 1.0), ("yes", 2.0), ('"', 1.0)),)), "a cat"])
    assert heavy.letter_weights is not None
    assert heavy.letter_weights.tolist() == [[2, 2, 2], [1, 1, 1]]
    joined = spelling(['say "no"']).cat(heavy)
    assert joined.letter_weights is not None
    assert joined.letter_weights.tolist() == [[1, 1, 1], [2, 2, 2], [1, 1, 1]]
    assert spelling(['say "no"']).letter_weights is None


def test_every_letter_that_scenes_write_can_be_read() -> None:
    assert set(CHARACTERS) == set(ALPHABET)


def test_a_conditioner_reads_letters_only_for_a_model_that_spells() -> None:
    text, _ = load_text(12)
    assert text(['"yes"']).letters is None
    spelling = TextConditioner(text.tokenizer, text.encoder, (), 12, LetterReader(5))
    one, two = spelling(['say "yes"']), spelling(["a cat", 'say "no"'])
    joined = one.cat(two)
    assert joined.letters is not None
    assert joined.letters.tolist() == LetterReader(5)(['"yes"', "a cat", '"no"']).tolist()
    assert joined[1:].letters is not None
    assert joined[1:].letters.tolist() == joined.letters[1:].tolist()  # type: ignore[union-attr]
    with pytest.raises(AssertionError, match="different models"):
        one.cat(text(["a cat"]))
