"""What the training captions of the house data set say of each thing: how often, of which kind, in which colours.

    python -m mezzotint.data.icons.lexicon      writes lexicon.json from the built data set

Only training pictures are counted, so that no held-out concept is in it.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mezzotint.data.colours import ANCHORS

__all__ = ["Entry", "lexicon", "lexicon_of"]

FILE = Path(__file__).parent / "lexicon.json"
LEAST = 2
"""Pictures that a thing must have."""
OUTLINES = "with dark outlines"
_COLOUR_WORDS = {"mostly", "all", "with", "some", "and", *(word for name in ANCHORS for word in name.split())}


@dataclass(frozen=True, slots=True)
class Entry:
    """A thing: its number of pictures, and the kind and colours that most of them are captioned with, "" for none."""

    pictures: int
    kind: str
    colours: str


@cache
def lexicon() -> Mapping[str, Entry]:
    """All things by name, sorted."""
    values = json.loads(FILE.read_text("utf-8"))["things"]
    return MappingProxyType({name: Entry(*entry) for name, entry in values.items()})


def lexicon_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Entry]:
    """The things of a manifest's rows, from their captions: of every row the longest, which is the last.

    It is "a MEDIUM of THING, KIND, COLOURS", of which KIND is also the second part of "NAME, KIND, …".
    """
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    colours: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row["split"] != "train":
            continue
        parts = row["captions"][-1].split(", ")[1:]
        named = {caption.split(", ")[1] for caption in row["captions"] if caption.startswith(f"{row['name']}, ")}
        kind = parts[0] if parts and parts[0] in named and not _is_colours(parts[0]) else ""
        kinds[row["concept"]][kind] += 1
        colours[row["concept"]][", ".join(part for part in parts[bool(kind) :] if part != OUTLINES)] += 1
    return {
        name: Entry(kinds[name].total(), _most(kinds[name]), _colours(colours[name]))
        for name in sorted(kinds)
        if kinds[name].total() >= LEAST
    }


def _is_colours(text: str) -> bool:
    return not set(text.split()) - _COLOUR_WORDS


def _colours(counts: Counter[str]) -> str:
    """The most frequent phrase of those that begin with the most frequent first colour."""
    firsts = Counter[str]()
    for text, count in counts.items():
        firsts[_first(text)] += count
    wanted = _most(firsts)
    return _most(Counter({text: count for text, count in counts.items() if _first(text) == wanted}))


def _first(colours: str) -> str:
    """The first colour of a phrase."""
    words = re.sub("^(mostly|all) ", "", colours)
    return next((name for name in sorted(ANCHORS, key=len, reverse=True) if words.startswith(name)), "")


def _most(counts: Counter[str]) -> str:
    """The most frequent text, the first in the alphabet of several."""
    return min(counts, key=lambda text: (-counts[text], text))


def main() -> None:
    """Write the file."""
    from mezzotint.data.icons.builder import default_folder

    folder = default_folder()
    with (folder / "manifest.jsonl").open(encoding="utf-8") as lines:
        things = lexicon_of(json.loads(line) for line in lines)
    digest = json.loads((folder / "summary.json").read_text("utf-8"))["digest"]
    told = [f"{json.dumps(name)}: {json.dumps([e.pictures, e.kind, e.colours])}" for name, e in things.items()]
    FILE.write_text(f'{{"data": "{digest}", "things": {{\n' + ",\n".join(told) + "\n}}\n", "utf-8")
    print(f"wrote {FILE.name}: {len(things)} things")


if __name__ == "__main__":
    main()
