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
from mezzotint.data.sources import PictureSet
from mezzotint.training.config import DetectorRun, Run

__all__ = ["CaptionReader", "SceneFeed", "Served", "scene_feeds"]


@dataclass(frozen=True, slots=True)
class Served:
    """Pictures uint8 (n, H, W, 4), premultiplied RGBA, with their prompts; `cond` has the padding of every batch."""

    pictures: Tensor
    cond: Conditioning


class CaptionReader:
    """Embeds captions when they are needed, with the padding of every batch; in bfloat16 if the run computes in it."""

    def __init__(self, run: Run, text: TextConditioner) -> None:
        self.length = run.text_length
        self.letters = 0 if isinstance(run, DetectorRun) else run.network.word_length
        reader = LetterReader(self.letters) if self.letters else None
        self.text = TextConditioner(text.tokenizer, text.encoder, (), self.length, reader)
        self.half = run.precision == "bf16"

    def __call__(self, captions: Sequence[str]) -> Conditioning:
        """Word pieces and letters of captions, without a style."""
        half = torch.autocast("cpu", torch.bfloat16) if self.half else contextlib.nullcontext()
        with half:
            cond = self.text(captions)
        return cond.padded(self.length, self.letters if cond.letters is not None else None)


class SceneFeed:
    """The scenes of one split, each a function of the run's seed and its number. No scene comes twice, so that captions
    are embedded when they are needed."""

    def __init__(self, run: Run, scenes: Scenes, text: TextConditioner, styles: Sequence[str] | None = None) -> None:
        """styles: all drawing styles of the run, if there are others than those of the scenes."""
        self.scenes = scenes
        known = scenes.stock.pictures.styles if styles is None else styles
        self.styles = {style: i + 1 for i, style in enumerate(known)}
        self.read = CaptionReader(run, text)

    @property
    def digest(self) -> str:
        """SHA-256 of everything that the scenes of a number depend on."""
        return self.scenes.digest

    def __call__(self, numbers: Sequence[int], choice: Tensor, no_text: Tensor, no_style: Tensor) -> Served:
        """The scenes of these numbers. choice (n,) in [0, 1) picks each one's caption; no_text, no_style (n,) leave the
        caption (and its letters) or the style out."""
        composed = [self.scenes.at(number) for number in numbers]
        captions = [
            "" if bare else scene.captions[int(u * len(scene.captions))]
            for scene, u, bare in zip(composed, choice.tolist(), no_text.tolist(), strict=True)
        ]
        styles = torch.tensor([self.styles.get(scene.scene.style, 0) for scene in composed], dtype=torch.int64)
        cond = replace(self.read(captions), style=torch.where(no_style, 0, styles))
        return Served(torch.from_numpy(np.stack([scene.picture for scene in composed])), cond)

    def fixed(self, count: int) -> Served:
        """The first `count` scenes, each with its densest caption and its style: what validation looks at."""
        keep = torch.zeros(count, dtype=torch.bool)
        return self(range(count), torch.full((count,), 1 - 1e-9, dtype=torch.float64), keep, keep)


def scene_feeds(
    run: Run, pictures: PictureSet, fonts: Fonts, text: TextConditioner, styles: Sequence[str] | None = None
) -> dict[str, SceneFeed]:
    """The feeds of both splits, "train" and "heldout", under the run's seed. styles: see `SceneFeed`."""
    size = run.network.size
    return {
        split: SceneFeed(run, Scenes(pictures, fonts, seed=run.seed, split=split, size=size), text, styles)
        for split in ("train", "heldout")
    }
