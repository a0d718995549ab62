"""Avatars as training and validation take them: by the number of the draw, captioned, embedded."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.data.heldout import densest_caption, heldout_rows
from mezzotint.data.order import rows_of
from mezzotint.data.sources import PictureSet
from mezzotint.training.config import RunConfig
from mezzotint.training.features import CaptionFeatures
from mezzotint.training.scene_feed import Served
from mezzotint.training.transfer import sent

__all__ = ["AvatarFeed", "avatar_captions", "avatar_feeds"]

_ORDER = 2**63  # so that avatars are not in the order of the other pictures


class AvatarFeed:
    """The avatars of one split, in an order that is a function of the run's seed and the number of the draw.

    pictures: the avatar set; features: its captions (`avatar_captions`); styles: all drawing styles of the run, whose
    places give the styles their numbers.
    """

    def __init__(
        self,
        run: RunConfig,
        pictures: PictureSet,
        features: CaptionFeatures,
        styles: Sequence[str],
        split: str,
        device: torch.device | str = "cpu",
    ) -> None:
        self.run, self.pictures, self.styles = run, pictures, tuple(styles)
        self.features = features.to(torch.device(device))
        self._rows = pictures.split(split)[: (run.data.limit or None) if split == "train" else None]
        self._numbers = {style: i + 1 for i, style in enumerate(styles)}

    @property
    def digest(self) -> str:
        """SHA-256 of the content of the avatar set."""
        return self.pictures.digest

    def rows(self, numbers: Sequence[int]) -> list[int]:
        """The rows in the avatar set of the draws of these numbers; like other pictures, each comes once an epoch."""
        return [int(self._rows[place]) for place in rows_of(self.run.seed + _ORDER, numbers, len(self._rows))]

    def __call__(self, numbers: Sequence[int], choice: Tensor, no_text: Tensor, no_style: Tensor) -> Served:
        """The avatars of these draws. choice (n,) in [0, 1) picks each one's caption; no_text, no_style (n,) leave the
        caption or the style out."""
        rows = self.rows(numbers)
        captions = [
            "" if bare else (said := self.pictures.records[row].captions)[int(u * len(said))]
            for row, u, bare in zip(rows, choice.tolist(), no_text.tolist(), strict=True)
        ]
        return self._served(rows, captions, no_style)

    def fixed(self, count: int) -> Served:
        """A fixed choice of at most `count` held-out avatars, each with its densest caption and its style."""
        rows = heldout_rows(self.pictures, count).tolist()
        captions = [densest_caption(self.pictures.records[row].captions) for row in rows]
        return self._served(rows, captions, torch.zeros(len(rows), dtype=torch.bool))

    def _served(self, rows: Sequence[int], captions: Sequence[str], no_style: Tensor) -> Served:
        run = self.run
        numbers = torch.tensor([self.features.index[caption] for caption in captions], dtype=torch.int64)
        tokens, mask = self.features.batch(sent(numbers, self.features.offsets.device), run.text_length)
        styles = torch.tensor(
            [self._numbers.get(self.pictures.records[row].style or "", 0) for row in rows], dtype=torch.int64
        )
        # as with icons, nothing is quoted that is to be written
        letters = torch.zeros(len(rows), run.network.word_length, dtype=torch.int64) if run.network.letters else None
        cond = Conditioning(tokens, mask, torch.where(no_style, 0, styles), letters)
        return Served(torch.from_numpy(self.pictures.pictures[list(rows)]), cond)


def avatar_captions(pictures: PictureSet) -> list[str]:
    """All captions that the feeds of a set ask for."""
    return ["", *(caption for record in pictures.records for caption in record.captions)]


def avatar_feeds(
    run: RunConfig,
    pictures: PictureSet,
    features: CaptionFeatures,
    styles: Sequence[str],
    device: torch.device | str = "cpu",
) -> dict[str, AvatarFeed]:
    """The feeds of both splits, "train" and "heldout". device: where their captions' embeddings are kept."""
    return {split: AvatarFeed(run, pictures, features, styles, split, device) for split in ("train", "heldout")}
