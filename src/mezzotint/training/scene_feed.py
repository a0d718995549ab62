"""Composed scenes as training and validation take them: by number, captioned, embedded."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.conditioning.letters import LetterReader
from mezzotint.conditioning.text import TextConditioner
from mezzotint.data.scenes import Fonts, Scenes
from mezzotint.data.scenes.composer import ComposedScene
from mezzotint.data.sources import PictureSet
from mezzotint.training.config import EncoderRun, Run, RunConfig
from mezzotint.training.transfer import sent, sent_prompt

__all__ = ["CaptionReader", "SceneFeed", "Served", "Unread", "scene_feeds"]


@dataclass(frozen=True, slots=True)
class Served:
    """Pictures uint8 (n, H, W, 4), premultiplied RGBA, with their prompts; `cond` has the padding of every batch."""

    pictures: Tensor
    cond: Conditioning


@dataclass(frozen=True, slots=True)
class Unread:
    """Captions as word pieces and letters, padded to the longest of them, which the text encoder has not seen yet.

    ids, mask (n, N); letters (n, M), None for a network that reads none.
    """

    ids: Tensor
    mask: Tensor
    letters: Tensor | None


class CaptionReader:
    """Embeds captions when they are needed, with the padding of every batch; in bfloat16 if the run computes in it.

    device: where the embeddings are made, and stay.
    """

    def __init__(self, run: Run, text: TextConditioner, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.length = run.text_length
        self.letters = run.network.word_length if isinstance(run, RunConfig | EncoderRun) else 0
        reader = LetterReader(self.letters) if self.letters else None
        encoder = text.on(self.device).encoder  # what draws samples keeps its own on the CPU
        self.text = TextConditioner(text.tokenizer, encoder, (), self.length, reader)
        self.half = run.precision == "bf16"

    def pieces(self, captions: Sequence[str]) -> Unread:
        """Word pieces and letters of captions, on the CPU."""
        letters = None if self.text.letters is None else self.text.letters(captions)
        return Unread(*self.text.pieces(captions), letters)

    def embedded(self, unread: Unread) -> Conditioning:
        """What the captions become, without a style, on the reader's device."""
        half = torch.autocast(self.device.type, torch.bfloat16) if self.half else contextlib.nullcontext()
        with half:
            tokens = self.text.embedded(sent(unread.ids, self.device), sent(unread.mask, self.device))
        style = torch.zeros(len(tokens), dtype=torch.int64)
        cond = sent_prompt(Conditioning(tokens, unread.mask, style, unread.letters), self.device)
        return cond.padded(self.length, self.letters if cond.letters is not None else None)

    def __call__(self, captions: Sequence[str]) -> Conditioning:
        """Word pieces and letters of captions, without a style."""
        return self.embedded(self.pieces(captions))


class SceneFeed:
    """The scenes of one split, each a function of the run's seed and its number. Scenes come once, or in a
    few updates in a row, so that captions are embedded when they are needed."""

    def __init__(
        self,
        run: Run,
        scenes: Scenes,
        text: TextConditioner,
        styles: Sequence[str] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        """styles: all drawing styles of the run, if there are others than those of the scenes; device: see
        `CaptionReader`."""
        self.scenes = scenes
        known = scenes.stock.pictures.styles if styles is None else styles
        self.styles = {style: i + 1 for i, style in enumerate(known)}
        self.read = CaptionReader(run, text, device)
        self._latest: tuple[tuple[int, ...], list[ComposedScene], Tensor] = (), [], torch.zeros(0)

    @property
    def digest(self) -> str:
        """SHA-256 of everything that the scenes of a number depend on."""
        return self.scenes.digest

    def raw(
        self, numbers: Sequence[int], choice: Tensor, no_text: Tensor, no_style: Tensor
    ) -> tuple[Tensor, Unread, Tensor]:
        """Pictures, captions and styles (n,) of the scenes of these numbers. choice (n,) in [0, 1) picks each one's
        caption; no_text, no_style (n,) leave the caption (and its letters) or the style out."""
        composed, pictures = self._composed(tuple(numbers))
        captions = [
            "" if bare else scene.captions[int(u * len(scene.captions))]
            for scene, u, bare in zip(composed, choice.tolist(), no_text.tolist(), strict=True)
        ]
        styles = torch.tensor([self.styles.get(scene.scene.style, 0) for scene in composed], dtype=torch.int64)
        return pictures, self.read.pieces(captions), torch.where(no_style, 0, styles)

    def _composed(self, numbers: tuple[int, ...]) -> tuple[list[ComposedScene], Tensor]:
        """The scenes of these numbers, and their pictures; the latest ones are kept, the same tensor too, for the
        updates that show them again."""
        if self._latest[0] != numbers:
            composed = [self.scenes.at(number) for number in numbers]
            self._latest = numbers, composed, torch.from_numpy(np.stack([scene.picture for scene in composed]))
        return self._latest[1:]

    def ready(self, raw: tuple[Tensor, Unread, Tensor]) -> Served:
        """What `raw` gave, its captions embedded, on the feed's device."""
        pictures, unread, styles = raw
        device = self.read.device
        cond = replace(self.read.embedded(unread), style=sent(styles, device))
        return Served(sent(pictures, device), cond)

    def __call__(self, numbers: Sequence[int], choice: Tensor, no_text: Tensor, no_style: Tensor) -> Served:
        """The scenes of these numbers; see `raw`."""
        return self.ready(self.raw(numbers, choice, no_text, no_style))

    def fixed(self, count: int) -> Served:
        """The first `count` scenes, each with its densest caption and its style: what validation looks at."""
        keep = torch.zeros(count, dtype=torch.bool)
        return self(range(count), torch.full((count,), 1 - 1e-9, dtype=torch.float64), keep, keep)


def scene_feeds(
    run: Run,
    pictures: PictureSet,
    fonts: Fonts,
    text: TextConditioner,
    styles: Sequence[str] | None = None,
    device: torch.device | str = "cpu",
) -> dict[str, SceneFeed]:
    """The feeds of both splits, "train" and "heldout", under the run's seed. styles, device: see `SceneFeed`."""
    size, hands = run.network.size, run.data.hands
    scenes = {
        split: Scenes(pictures, fonts, seed=run.seed, split=split, size=size, hands=hands)
        for split in ("train", "heldout")
    }
    return {split: SceneFeed(run, of, text, styles, device) for split, of in scenes.items()}
