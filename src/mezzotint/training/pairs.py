"""Batches of pictures with captions to be told apart: the batch number n of an encoder's run, as a function of n."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mezzotint.codecs.images import to_signed
from mezzotint.conditioning.conditioning import Conditioning
from mezzotint.data.order import rows_at
from mezzotint.data.pixels import Bytes
from mezzotint.data.scenes import ComposedScene
from mezzotint.data.sources import PictureSet
from mezzotint.diffusion.noise import Purpose, philox_uniform
from mezzotint.training.config import EncoderRun
from mezzotint.training.features import CaptionFeatures
from mezzotint.training.jitter import jittered
from mezzotint.training.scene_feed import SceneFeed, Unread

__all__ = ["PairBatches", "Pairs", "Shown", "alike"]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pictures and captions; caption i is of picture i.

    pictures (B, 4, 1, H, W) in [-1, 1]; cond: B captions, then W that are wrong in one fact; same (B, B) bool: whether
    caption j may be true of picture i as well; wrong_of (W,) int64: the picture of each wrong caption, -1 for one that
    is not used; rows (B,): rows in the data set, for messages; a composed scene has -1 - its number.
    """

    pictures: Tensor
    cond: Conditioning
    same: Tensor
    wrong_of: Tensor
    rows: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture, premultiplied RGBA, uint8 (H, W, 4), and its caption.

    true: all captions that it has; concepts: what is to be seen; wrong: a caption that is wrong in one fact, or "".
    """

    picture: Bytes
    caption: str
    true: tuple[str, ...]
    concepts: frozenset[str]
    wrong: str = ""


def alike(shown: Sequence[Shown]) -> Tensor:
    """(B, B) bool: whether picture i and caption j share a concept, or caption j is among those of picture i."""
    captions, concepts = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for j, one in enumerate(shown):
        captions[one.caption].append(j)
        for concept in one.concepts:
            concepts[concept].append(j)
    same = torch.zeros(len(shown), len(shown), dtype=torch.bool)
    for i, one in enumerate(shown):
        for caption in one.true:
            same[i, captions.get(caption, [])] = True
        for concept in one.concepts:
            same[i, concepts[concept]] = True
    return same


@dataclass(frozen=True, slots=True)
class RawPairs:
    """What a batch of pairs is made of, on the CPU, before any caption is embedded.

    pictures (B, H, W, 4) uint8; captions (B + W,): numbers of the icons' captions; unread: those of scenes, then the
    wrong ones, at `places` among all; kept (B,): what is transparent stays so; draws (B,): numbers of the pictures.
    """

    pictures: Tensor
    captions: Tensor
    unread: Unread | None
    places: Tensor
    kept: Tensor
    draws: Tensor
    same: Tensor
    wrong_of: Tensor
    rows: NDArray[np.int64]


class PairBatches:
    """Batches of an encoder's run. `at(counter)` depends on the run's seed and the counter only.

    Pictures, captions and the share of scenes are drawn as for a run that draws (`Batches`), but no caption is left
    out. Which captions are wrong is decided by the scenes; the first `wrong · batch` of them are used.
    """

    def __init__(
        self,
        run: EncoderRun,
        pictures: PictureSet,
        features: CaptionFeatures,
        rows: NDArray[np.int64],
        device: torch.device,
        scenes: SceneFeed | None = None,
    ) -> None:
        self.run, self.pictures, self.rows = run, pictures, rows
        self.features = features.to(device)
        self.device, self.scenes = device, scenes
        self.wrong = 0 if scenes is None else int(run.wrong * run.batch)

    def at(self, counter: int) -> Pairs:
        """The batch that starts with picture number `counter` since training began."""
        return self.ready(self.raw(counter))

    def raw(self, counter: int) -> RawPairs:
        """What that batch is made of: all the work that needs neither the text encoder nor the run's device."""
        run = self.run
        draws = torch.arange(counter, counter + run.batch)
        choice = philox_uniform(run.seed, draws, Purpose.CAPTION).tolist()
        composed = philox_uniform(run.seed, draws, Purpose.CAPTION, 1) < run.data.scenes
        rows = self.rows[rows_at(run.seed, counter, run.batch, len(self.rows))]
        if self.scenes is not None:
            rows = np.where(composed.numpy(), -1 - draws.numpy(), rows)
        shown = [self._shown(int(row), u) for row, u in zip(rows, choice, strict=True)]
        wrong = [i for i, one in enumerate(shown) if one.wrong][: self.wrong]
        icons = [self.features.index[one.caption if row >= 0 else ""] for one, row in zip(shown, rows, strict=True)]
        scenes = [i for i, row in enumerate(rows.tolist()) if row < 0]
        captions = [*(shown[i].caption for i in scenes), *(shown[i].wrong for i in wrong)]
        return RawPairs(
            pictures=torch.from_numpy(np.stack([one.picture for one in shown])),
            captions=torch.tensor([*icons, *[self.features.index[""]] * self.wrong]),
            unread=self.scenes.read.pieces(captions) if self.scenes is not None and captions else None,
            places=torch.tensor([*scenes, *range(len(shown), len(shown) + len(wrong))], dtype=torch.int64),
            kept=torch.tensor(["background" in one.caption for one in shown]),
            draws=draws,
            same=alike(shown),
            wrong_of=torch.tensor([*wrong, *[-1] * (self.wrong - len(wrong))], dtype=torch.int64),
            rows=rows,
        )

    def ready(self, raw: RawPairs) -> Pairs:
        """The batch, jittered, its captions read, on the run's device."""
        pictures = to_signed(raw.pictures.to(self.device))
        return Pairs(
            jittered(pictures, self.run.seed, raw.draws, self.run.jitter, raw.kept),
            self._read(raw),
            raw.same.to(self.device),
            raw.wrong_of.to(self.device),
            raw.rows,
        )

    def named(self, row: int) -> str:
        """What the picture of a batch's row is called, for messages."""
        return self.pictures.records[row].id if row >= 0 else f"scene {-1 - row}"

    def _shown(self, row: int, choice: float) -> Shown:
        if row < 0:
            assert self.scenes is not None
            return self._scene(self.scenes, self.scenes.scenes.at(-1 - row), choice)
        record = self.pictures.records[row]
        caption = record.captions[int(choice * len(record.captions))]
        return Shown(np.asarray(self.pictures.pictures[row]), caption, record.captions, frozenset({record.concept}))

    def _scene(self, feed: SceneFeed, composed: ComposedScene, choice: float) -> Shown:
        """A scene shows the concepts of its things, and its word."""
        scene, captions = composed.scene, composed.captions
        wrong = feed.scenes.wrong(scene) if self.wrong else ()
        things = {self.pictures.records[group.row].concept for group in scene.groups}
        words = {f'"{scene.lettering.text}"'} if scene.lettering else set()
        return Shown(
            composed.picture,
            captions[int(choice * len(captions))],
            (*captions, *composed.unseen),
            frozenset(things | words),
            wrong[int(choice * len(wrong))] if wrong else "",
        )

    def _read(self, raw: RawPairs) -> Conditioning:
        """The captions of icons from the cache, those of scenes and the wrong ones embedded now."""
        run, count, device = self.run, len(raw.captions), self.device
        tokens, mask = self.features.batch(raw.captions.to(device), run.text_length)
        # captions of icons quote names, not what is to be written: they have no letters
        letters = torch.zeros(count, run.network.word_length, dtype=torch.int64) if run.network.letters else None
        cond = Conditioning(tokens, mask, torch.zeros(count, dtype=torch.int64), letters).to(device)
        if raw.unread is None:
            return cond
        assert self.scenes is not None
        read, places = self.scenes.read.embedded(raw.unread), raw.places.to(device)
        cond.tokens[places], cond.mask[places] = read.tokens, read.mask
        if cond.letters is not None and read.letters is not None:
            cond.letters[places] = read.letters
        return cond
