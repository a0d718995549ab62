"""The words of a prompt, and which of the network's text tokens each of them became."""

from dataclasses import dataclass

from mezzotint.conditioning.text import Piece, TextConditioner

__all__ = ["Word", "without", "words_of"]


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it stands in a prompt, from `begin` to `end`, and the places of its word pieces among the tokens."""

    text: str
    begin: int
    end: int
    tokens: tuple[int, ...]
    prompt: str


def words_of(conditioner: TextConditioner, prompt: str) -> list[Word]:
    """The words of a plain text, in their order; punctuation is left out."""
    found: dict[int, list[Piece]] = {}
    for piece in conditioner.read(prompt):
        found.setdefault(piece.word, []).append(piece)
    words = []
    for pieces in found.values():
        begin, end = pieces[0].begin, pieces[-1].end
        if any(letter.isalnum() for letter in prompt[begin:end]):
            words.append(Word(prompt[begin:end], begin, end, tuple(piece.place for piece in pieces), prompt))
    return words


def without(prompt: str, word: Word) -> str:
    """The prompt without a word, and without the blank that it leaves."""
    return " ".join((prompt[: word.begin] + prompt[word.end :]).split())
