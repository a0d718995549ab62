"""Prompts and drawing styles to a `Conditioning`."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mezzotint.conditioning.bert import BertEncoder
from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.conditioning.letters import LetterReader
from mezzotint.errors import unknown_name

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True, slots=True)
class TokenReport:
    """How one prompt was read: the word pieces in use, and the words and letters that found no room or no number."""

    used: tuple[str, ...]
    ignored: tuple[str, ...]


class TextConditioner:
    """A frozen text encoder with its tokenizer, a table of drawing styles, and a reader of letters if the model spells.

    A prompt of more than `length` word pieces (the two boundary pieces included) loses its tail, and every lost
    piece is named in the `TokenReport`; so is each piece that the vocabulary lacks.
    The encoder runs in float32, so that a prompt has the same embedding on every device and dtype of the network.
    """

    def __init__(
        self,
        tokenizer: "Tokenizer",
        encoder: BertEncoder,
        styles: Sequence[str],
        length: int,
        letters: LetterReader | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.encoder = encoder.eval().requires_grad_(False)
        self.styles = tuple(styles)
        self.length = length
        self.letters = letters

    @property
    def width(self) -> int:
        """Width of a token embedding."""
        return self.encoder.config.width

    def __call__(self, prompts: Sequence[str], styles: Sequence[str | None] | None = None) -> Conditioning:
        """Embed prompts (lower-cased by the tokenizer); tokens are padded to the longest prompt of the call."""
        ids, mask = self.pieces(prompts)
        style = torch.tensor([self.style_index(s) for s in (styles or [None] * len(prompts))])
        letters = None if self.letters is None else self.letters(prompts)
        return Conditioning(tokens=self.embedded(ids, mask), mask=mask, style=style, letters=letters)

    def pieces(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Word pieces (B, N) int64 of prompts and their mask (B, N), padded to the longest prompt of the call."""
        rows = [self._fit(self.tokenizer.encode(prompt).ids) for prompt in prompts]
        longest = max(len(row) for row in rows)
        ids = torch.zeros(len(rows), longest, dtype=torch.int64)
        mask = torch.zeros(len(rows), longest, dtype=torch.bool)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
            mask[i, : len(row)] = True
        return ids, mask

    def embedded(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embeddings (B, N, width) float32 of word pieces, zero where there is padding; on the encoder's device."""
        device = self.encoder.words.device
        ids, mask = ids.to(device), mask.to(device)
        with torch.inference_mode():
            tokens: Tensor = self.encoder(ids, mask).float() * mask[..., None]
        return tokens.clone()

    def on(self, device: torch.device) -> "TextConditioner":
        """The same, with a copy of the encoder on another device; itself if it is there already."""
        if self.encoder.words.device == device:
            return self
        return TextConditioner(
            self.tokenizer, deepcopy(self.encoder).to(device), self.styles, self.length, self.letters
        )

    def report(self, prompt: str) -> TokenReport:
        """Which word pieces of a prompt are used, and which are not."""
        encoding = self.tokenizer.encode(prompt)
        unknown = self.tokenizer.token_to_id("[UNK]")
        used, ignored = [], []
        for position, (piece, token, (begin, end)) in enumerate(
            zip(encoding.tokens[1:-1], encoding.ids[1:-1], encoding.offsets[1:-1], strict=True)
        ):
            if token == unknown:
                ignored.append(prompt[begin:end])
            elif position < self.length - 2:
                used.append(piece)
            else:
                ignored.append(prompt[begin:end])
        if self.letters is not None:
            ignored += [f"the letter {letter}" for letter in self.letters.ignored(prompt)]
        return TokenReport(tuple(used), tuple(ignored))

    def style_index(self, style: str | None) -> int:
        """0 for no style, else 1 + its place in the table. Raises `InvalidOption` for an unknown name."""
        if style is None:
            return 0
        if style not in self.styles:
            raise unknown_name("style", style, self.styles)
        return 1 + self.styles.index(style)

    def _fit(self, ids: list[int]) -> list[int]:
        return ids if len(ids) <= self.length else [*ids[: self.length - 1], ids[-1]]
