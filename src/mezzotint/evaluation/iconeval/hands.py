"""How far counted fingers can be trusted: on held-out hands that we drew, and on emoji that others drew.

python -m mezzotint.evaluation.iconeval.hands          print both, count by count (needs the built icon set)
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from mezzotint.data.pixels import Bytes, straight
from mezzotint.data.scenes import Scenes
from mezzotint.data.scenes.hand import Hand
from mezzotint.data.sources import PictureSet
from mezzotint.evaluation.fingers import fingers_in
from mezzotint.evaluation.iconeval.validate import UNSEEN, Trust

__all__ = ["NAMES", "HandCheck", "counts_by_name", "hand_check"]

NAMES: dict[str, int] = {
    "raised fist": 0, "oncoming fist": 0, "index pointing up": 1, "victory hand": 2, "reverse victory hand": 2,
    "call me hand": 2, "sign of the horns": 2, "love-you gesture": 3, "raised hand": 5, "raised back of hand": 5,
    "hand with fingers splayed": 5, "vulcan salute": 5, "waving hand": 5,
}  # fmt: skip
"""Emoji whose name fixes how many fingers are raised, the thumb among them. The backhand index is not one: in most
styles its thumb sticks out, in some it does not."""
_OTHERS = frozenset({"fxemoji:handup", "fxemoji:wave"})  # a girl with her arm up, and a wave of the sea
_FIRST = UNSEEN + 2**20
"""The first number of the hands that are counted; the thresholds were chosen on those from `UNSEEN` on."""

K = TypeVar("K", int, str)
Counts = Mapping[int, tuple[int, int]]
"""By the true count: how many were counted right, of how many."""


@dataclass(frozen=True)
class HandCheck:
    """ours: held-out hands of scenes; floor: the share of them that is right by another's count; emoji, styles: emoji
    by the true count, and by drawing style (right, of how many), empty where the picture set has none."""

    ours: Counts
    floor: float
    emoji: Counts
    styles: Mapping[str, tuple[int, int]]

    @property
    def trust(self) -> Trust:
        """Of the task: only our own hands decide whether it can be measured."""
        return Trust(_share(self.ours), self.floor, sum(of for _, of in self.ours.values()))

    def to_json_dict(self) -> dict[str, Any]:
        """Plain data: shares and, by count and style, [right, of]."""
        found: dict[str, Any] = {"ours": _share(self.ours), "ours_by_count": _plain(self.ours)}
        if self.emoji:
            styles = {name: list(pair) for name, pair in self.styles.items()}
            found |= {"emoji": _share(self.emoji), "emoji_by_count": _plain(self.emoji), "emoji_by_style": styles}
        return found


def hand_check(scenes: Scenes, count: int) -> HandCheck:
    """Count the fingers of the first `count` hands of these scenes, which should be held out and of the kind hands, and
    of all emoji of their picture set that have a name in `NAMES`."""
    shown = [scenes.at(number) for number in range(_FIRST, _FIRST + count)]
    truth = [one.scene.shapes[0].fingers for one in shown if isinstance(one.scene.shapes[0], Hand)]
    assert len(truth) == count > 1, "not all of these scenes are hands"
    seen = [fingers_in(_straight(one.picture)) for one in shown]
    floor = sum(a == b for a, b in zip(truth, [*seen[1:], seen[0]], strict=True)) / count
    pictures = scenes.stock.pictures
    named = counts_by_name(pictures)
    found = {row: fingers_in(_straight(np.asarray(pictures.pictures[row]))) for row in named}
    emoji = [(truth, found[row] == truth) for row, truth in named.items()]
    styles = [(pictures.records[row].style or "", found[row] == truth) for row, truth in named.items()]
    return HandCheck(_counted((t, t == s) for t, s in zip(truth, seen, strict=True)), floor, _counted(emoji),
                     _counted(styles))  # fmt: skip


def counts_by_name(pictures: PictureSet) -> dict[int, int]:
    """Row of every emoji that has a name in `NAMES`, and how many fingers it holds up."""
    return {
        row: NAMES[record.name.lower()]
        for row, record in enumerate(pictures.records)
        if record.name.lower() in NAMES and record.id not in _OTHERS
    }


def _counted(pairs: Iterable[tuple[K, bool]]) -> dict[K, tuple[int, int]]:
    found: dict[K, tuple[int, int]] = {}
    for key, right in pairs:
        before = found.get(key, (0, 0))
        found[key] = before[0] + right, before[1] + 1
    return dict(sorted(found.items()))


def _share(counts: Counts) -> float:
    return sum(right for right, _ in counts.values()) / sum(of for _, of in counts.values())


def _plain(counts: Counts) -> dict[str, list[int]]:
    return {str(count): list(pair) for count, pair in counts.items()}


def _straight(picture: Bytes) -> Bytes:
    return np.concatenate([straight(picture), picture[..., 3:]], axis=-1)


def main() -> None:
    """Print what `hand_check` finds."""
    from mezzotint.data.icons import default_folder
    from mezzotint.data.scenes import load_fonts
    from mezzotint.data.sources import IconSource

    pictures = IconSource(default_folder()).load(64)
    found = hand_check(Scenes(pictures, load_fonts(), split="heldout", kinds=["hands"]), 600)
    print(json.dumps({**found.to_json_dict(), "floor": found.floor}, indent=1))


if __name__ == "__main__":
    main()
