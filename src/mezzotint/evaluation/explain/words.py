"""The words of a prompt, and which of the network's text tokens each of them became."""

from dataclasses import dataclass

from mezzotint.conditioning.text import TextConditioner

__all__ = ["Word", "without", "words_of"]


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it stands in the prompt, from `begin` to `end`, and the places of its word pieces among the tokens."""

    text: str
    begin: int
    end: int
    tokens: tuple[int, ...]


def words_of(conditioner: TextConditioner, prompt: str) -> list[Word]:
    """The words that are read, in their order; punctuation is left out. What found no room is not among them."""
    encoding = conditioner.tokenizer.encode(prompt)
    found: dict[int, list[int]] = {}
    for place, word in enumerate(encoding.word_ids[: conditioner.length - 1]):
        if word is not None:
            found.setdefault(word, []).append(place)
    words = []
    for places in found.values():
        begin, end = encoding.offsets[places[0]][0], encoding.offsets[places[-1]][1]
        if any(letter.isalnum() for letter in prompt[begin:end]):
            words.append(Word(prompt[begin:end], begin, end, tuple(places)))
    return words


def without(prompt: str, word: Word) -> str:
    """The prompt without a word, and without the blank that it leaves."""
    return " ".join((prompt[: word.begin] + prompt[word.end :]).split())
