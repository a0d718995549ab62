"""Prompts and drawing styles to a `Conditioning`."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mezzotint.conditioning.bert import BertEncoder
from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.conditioning.letters import LetterReader, padded_rows
from mezzotint.conditioning.prompt.reading import Reading
from mezzotint.errors import InvalidOption, unknown_name

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MOST_PIECES = 2048
"""Word pieces of one prompt. The network's blocks for text compare each with each."""


@dataclass(frozen=True, slots=True)
class TokenReport:
    """How one prompt was read: the word pieces in use, and the words and letters that found no room or no number."""

    used: tuple[str, ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A word piece of a prompt.

    text    as the vocabulary has it; begin, end: where it stands in its chunk
    chunk   the number of its chunk; word: that of its word there
    window  the number of the sentence of the encoder that it is read in; place: its row among the tokens
    weight  how many times as much it counts; known: whether the vocabulary has it
    """

    text: str
    begin: int
    end: int
    chunk: int
    word: int
    window: int
    place: int
    weight: float
    known: bool
    number: int


class TextConditioner:
    """A frozen text encoder with its tokenizer, a table of drawing styles, and a reader of letters if the model spells.

    The encoder reads sentences of up to `length` word pieces (the two boundary pieces included). Each chunk of a
    `Reading` is a sentence of its own; one that is longer is split into several, after a comma if there is one near,
    and never inside a word. Their tokens stand behind one another: the network sees all of them. Each piece that the
    vocabulary lacks is named in the `TokenReport`.
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

    def __call__(self, prompts: Sequence[str | Reading], styles: Sequence[str | None] | None = None) -> Conditioning:
        """Embed prompts (lower-cased by the tokenizer); tokens are padded to the longest prompt of the call.

        A text is taken as it is, without marks. Raises `InvalidOption` for more than `MOST_PIECES` word pieces.
        """
        read = [_reading(prompt) for prompt in prompts]
        rows = [self._sentences(one) for one in read]
        ids, mask = _padded([ids for sentences in rows for ids, _ in sentences])
        tokens = self.embedded(ids, mask)
        if any(len(sentences) > 1 for sentences in rows):
            tokens, mask = _behind_one_another(tokens, mask, [len(sentences) for sentences in rows])
        weights = [[weight for _, own in sentences for weight in own] for sentences in rows]
        letters = None if self.letters is None else [self.letters.read(one.texts, one.weights)[0] for one in read]
        return Conditioning(
            tokens=tokens,
            mask=mask,
            style=torch.tensor([self.style_index(s) for s in (styles or [None] * len(prompts))]),
            letters=None if letters is None else padded_rows([[n for n, _ in row] for row in letters], torch.int64, 0),
            weights=_unless_plain(weights),
            letter_weights=None if letters is None else _unless_plain([[w for _, w in row] for row in letters]),
        )

    def read(self, prompt: str | Reading) -> tuple[Piece, ...]:
        """The word pieces of a prompt in the order of its tokens, without the boundary pieces.

        Raises `InvalidOption` for more than `MOST_PIECES`, before anything is made of them.
        """
        reading, window, place = _reading(prompt), 0, 1
        encodings = [self.tokenizer.encode(text) for text in reading.texts]
        count = sum(len(encoding) - 2 for encoding in encodings)
        if count > MOST_PIECES:
            raise InvalidOption(f"The prompt has {count} word pieces; at most {MOST_PIECES} are read: shorten it.")
        found: list[Piece] = []
        unknown = self.tokenizer.token_to_id("[UNK]")
        for chunk, (encoding, weights) in enumerate(zip(encodings, reading.weights, strict=True)):
            # each of these is made anew whenever it is asked for
            offsets, texts, ids, words = encoding.offsets, encoding.tokens, encoding.ids, encoding.word_ids
            for first, last in self._windows(texts, words):
                if first == last:  # a chunk without word pieces
                    continue
                for at in range(first, last):
                    (begin, end), number, word = offsets[at], ids[at], words[at]
                    assert word is not None, "a boundary piece inside a sentence"
                    known = number != unknown
                    found.append(
                        Piece(texts[at], begin, end, chunk, word, window, place, weights[begin], known, number)
                    )
                    place += 1
                window, place = window + 1, place + 2
        return tuple(found)

    def pieces(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Word pieces (B, N) int64 of prompts and their mask (B, N), padded to the longest prompt of the call.

        For training, where every prompt is one sentence: what is beyond `length` is left out.
        """
        return _padded([self._fit(self.tokenizer.encode(prompt).ids) for prompt in prompts])

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

    def report(self, prompt: str | Reading) -> TokenReport:
        """Which word pieces of a prompt are used, and which words and letters are not."""
        reading = _reading(prompt)
        pieces = self.read(reading)
        ignored = [reading.texts[piece.chunk][piece.begin : piece.end] for piece in pieces if not piece.known]
        if self.letters is not None:
            ignored += [f"the letter {letter}" for letter in self.letters.read(reading.texts)[1]]
        return TokenReport(tuple(piece.text for piece in pieces if piece.known), tuple(ignored))

    def style_index(self, style: str | None) -> int:
        """0 for None and for "none", else 1 + its place in the table. Raises `InvalidOption` for an unknown name."""
        if style in (None, "none"):
            return 0
        if style not in self.styles:
            raise unknown_name("style", style, self.styles)
        return 1 + self.styles.index(style)

    def _fit(self, ids: list[int]) -> list[int]:
        return ids if len(ids) <= self.length else [*ids[: self.length - 1], ids[-1]]

    def _sentences(self, reading: Reading) -> list[tuple[list[int], list[float]]]:
        """The numbers and weights of each sentence of the encoder, boundary pieces included; at least one."""
        first, *_, last = self.tokenizer.encode("").ids
        pieces = self.read(reading)
        found = []
        for window in range(pieces[-1].window + 1 if pieces else 1):
            own = [piece for piece in pieces if piece.window == window]
            ids = [first, *(piece.number for piece in own), last]
            found.append((ids, [1.0, *(piece.weight for piece in own), 1.0]))
        return found

    def _windows(self, tokens: Sequence[str], words: Sequence[int | None]) -> list[tuple[int, int]]:
        """Where sentences begin and end among the word pieces of a chunk, by these and the numbers of their words."""
        begin, end, room = 1, len(tokens) - 1, self.length - 2
        found = []
        while end - begin > room:
            limit = begin + room
            starts = [at for at in range(begin + 1, limit + 1) if words[at] != words[at - 1]]
            commas = [at for at in starts if tokens[at - 1] == "," and at >= limit - room // 4]
            cut = (commas or starts or [limit])[-1]  # a word that is longer than a sentence is cut
            found.append((begin, cut))
            begin = cut
        return [*found, (begin, end)]


def _reading(prompt: str | Reading) -> Reading:
    return Reading.of(prompt) if isinstance(prompt, str) else prompt


def _padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """(B, N) int64 and the mask of what is not padding."""
    ids = padded_rows(rows, torch.int64, 0)
    mask = torch.arange(ids.shape[1]) < torch.tensor([[len(row)] for row in rows])
    return ids, mask


def _behind_one_another(tokens: Tensor, mask: Tensor, counts: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The tokens of so many sentences as one row each, (B, N, width), and the mask (B, N)."""
    sentences = (torch.split(one, list(counts)) for one in (tokens, mask.to(tokens.device)))
    rows = [own[there] for own, there in zip(*sentences, strict=True)]
    lengths = torch.tensor([[len(row)] for row in rows])
    joined = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return joined, torch.arange(joined.shape[1]) < lengths


def _unless_plain(weights: Sequence[Sequence[float]]) -> Tensor | None:
    """(B, N), or None if all of them are 1."""
    plain = all(weight == 1 for row in weights for weight in row)
    return None if plain else padded_rows(weights, torch.float32, 1.0)
