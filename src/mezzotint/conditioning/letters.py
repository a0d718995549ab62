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
        rows = [self._read(prompt)[0] for prompt in prompts]
        numbers = torch.zeros(len(rows), max(map(len, rows), default=0), dtype=torch.int64)
        for row, found in zip(numbers, rows, strict=True):
            row[: len(found)] = torch.tensor(found, dtype=torch.int64)
        return numbers

    def ignored(self, prompt: str) -> tuple[str, ...]:
        """The quoted letters that have no number or found no room."""
        return self._read(prompt)[1]

    def _read(self, prompt: str) -> tuple[list[int], tuple[str, ...]]:
        numbers: list[int] = []
        lost: list[str] = []
        for letter in " ".join(quoted(prompt)):
            known = letter == " " or letter in ALPHABET
            if known and len(numbers) < self.length:
                numbers.append(GAP if letter == " " else ALPHABET.index(letter) + _FIRST)
            elif letter != " ":
                lost.append(letter)
        return numbers, tuple(lost)
