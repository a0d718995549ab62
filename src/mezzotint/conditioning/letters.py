"""The letters of the words that a prompt asks to be written, for networks that spell.

Word pieces hide how a word is spelled: "STOP" is one number. What stands in quotation marks is therefore read letter
by letter as well. Source of the idea: Liu et al. 2023, "Character-Aware Models Improve Visual Text Rendering"
(arXiv 2212.10562).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["ALPHABET", "KINDS", "LetterReader", "quoted", "unquoted"]

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!?"
"""The letters, in the order of their numbers from 2 on; 0 is padding, 1 is the gap between two words."""
GAP = 1
_FIRST = 2
KINDS = 1 + len(ALPHABET)
"""How many different numbers there are, without the padding."""
_QUOTED = re.compile(r'"([^"]*)"|“([^”]*)”|„([^“”]*)[“”]|«([^»]*)»|‘([^’]*)’(?!\w)|(?<!\w)\'([^\']*)\'(?!\w)')


def quoted(prompt: str) -> tuple[str, ...]:
    """The texts in quotation marks ("…", “…”, „…“, «…», ‘…’, or '…' outside words), in their order."""
    found = (next(text for text in match.groups() if text is not None) for match in _QUOTED.finditer(prompt))
    return tuple(" ".join(text.split()) for text in found if text.strip())


def unquoted(prompt: str) -> str:
    """The prompt without what stands in quotation marks."""
    return _QUOTED.sub(" ", prompt)


@dataclass(frozen=True, slots=True)
class LetterReader:
    """Reads the quoted letters of prompts as numbers, at most `length` of them; several texts have a gap between.

    A letter outside `ALPHABET`, and each one beyond `length`, is left out; `ignored` names it.
    """

    length: int

    def __call__(self, prompts: Sequence[str]) -> Tensor:
        """Numbers (B, M) int64, padded with 0 to the longest of the call; M may be 0."""
        rows = [[number for number, _ in self.read([prompt])[0]] for prompt in prompts]
        return padded_rows(rows, torch.int64, 0)

    def ignored(self, prompt: str) -> tuple[str, ...]:
        """The quoted letters that have no number or found no room."""
        return self.read([prompt])[1]

    def read(
        self, texts: Sequence[str], weights: Sequence[Sequence[float]] | None = None
    ) -> tuple[list[tuple[int, float]], tuple[str, ...]]:
        """Number and weight of each letter of one prompt in several texts, and the letters that are left out.

        weights: of each character of each text; None is 1. A gap inside a text has the weight of the
        letter before it.
        """
        each = weights or [[1.0] * len(text) for text in texts]
        numbers: list[tuple[int, float]] = []
        lost: list[str] = []
        spelled = [pair for text, own in zip(texts, each, strict=True) for pair in _spelled(text, own)]
        for letter, weight in spelled[1:]:  # the first is the gap before the first text
            known = letter == " " or letter in ALPHABET
            if known and len(numbers) < self.length:
                numbers.append((GAP if letter == " " else ALPHABET.index(letter) + _FIRST, weight))
            elif letter != " ":
                lost.append(letter)
        return numbers, tuple(lost)


def _spelled(text: str, weights: Sequence[float]) -> list[tuple[str, float]]:
    """The quoted letters with the weights of their characters, and a gap before each word."""
    found: list[tuple[str, float]] = []
    for match in _QUOTED.finditer(text):
        begin, end = next(match.span(group) for group in range(1, match.re.groups + 1) if match[group] is not None)
        for word in re.finditer(r"\S+", text[begin:end]):
            first, last = begin + word.start(), begin + word.end()
            found.append((" ", found[-1][1] if found else 1.0))
            found += zip(text[first:last], weights[first:last], strict=True)
    return found


def padded_rows(rows: Sequence[Sequence[float]], dtype: torch.dtype, value: float) -> Tensor:
    """(B, M): the rows, filled up with a value to the longest one."""
    found = torch.full((len(rows), max(map(len, rows), default=0)), value, dtype=dtype)
    for row, numbers in zip(found, rows, strict=True):
        row[: len(numbers)] = torch.tensor(numbers, dtype=dtype)
    return found
