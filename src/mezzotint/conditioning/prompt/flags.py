"""Midjourney's flags, which stand at the end of a prompt, and what each of them means here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from mezzotint.conditioning.prompt.scan import complaint, unescaped_matches
from mezzotint.conditioning.prompt.tree import Flag
from mezzotint.errors import InvalidOption, nearest

__all__ = ["FLAGS", "FlagRecord", "find_flag", "split_flags"]

Takes = Literal["number", "text", "nothing", "ratio"]


@dataclass(frozen=True, slots=True)
class FlagRecord:
    """What is known of a flag.

    takes     what follows it
    meaning   what it does here, in words; empty: nothing, which is said with every picture
    aliases   its other names
    instead   what is near to it here, in words, if it has no meaning
    """

    name: str
    takes: Takes
    meaning: str = ""
    aliases: tuple[str, ...] = ()
    instead: str = ""


_WHOLE = "image_ref takes up all that a picture shows"
_RECORDS = (
    FlagRecord("no", "text", "negative: what guidance pulls away from"),
    FlagRecord("seed", "number", "seed", ("sameseed",)),
    FlagRecord("repeat", "number", "n: how many pictures", ("r",)),
    FlagRecord("style", "text", "style; raw is none"),
    FlagRecord("ar", "ratio", "aspect: the shape of the picture", ("aspect",)),
    FlagRecord("stop", "number", "stop: the percentage of the steps that are taken"),
    FlagRecord("quality", "number", aliases=("q",)),
    FlagRecord("chaos", "number", "chaos: how different the pictures are", ("c",)),
    FlagRecord("stylize", "number", aliases=("s",)),
    FlagRecord("weird", "number", aliases=("w",)),
    FlagRecord("tile", "nothing", "tile: the picture goes on over its edges"),
    FlagRecord("iw", "number", "image_weight: how much an image reference counts; 1 is as usual"),
    FlagRecord("sref", "text", "style_ref: the file of a picture whose style is taken up"),
    FlagRecord("sw", "number", "style_weight: how much the style counts; 100 is as usual"),
    FlagRecord("cref", "text", instead=_WHOLE),
    FlagRecord("cw", "number", instead=_WHOLE),
    FlagRecord("oref", "text", instead=_WHOLE),
    FlagRecord("ow", "number", instead=_WHOLE),
    FlagRecord("exp", "number"),
    FlagRecord("v", "text", aliases=("version",)),
    FlagRecord("niji", "text"),
    FlagRecord("p", "text", aliases=("profile",)),
    FlagRecord("raw", "nothing", "style: none"),
    *(FlagRecord(name, "nothing") for name in ("fast", "relax", "turbo", "draft", "public", "stealth", "hd", "video")),
)
FLAGS: Mapping[str, FlagRecord] = MappingProxyType({record.name: record for record in _RECORDS})
"""Every flag by its own name."""
_NAMES = {name: record for record in _RECORDS for name in (record.name, *record.aliases)}
_FLAG = r"(?<!\S)(?:--|[—–])(?P<name>[A-Za-z][\w-]*)(?!\S)"


def find_flag(name: str) -> FlagRecord | None:
    """The flag of a name or alias, in whatever case; None if there is none."""
    return _NAMES.get(name.lower())


def split_flags(text: str) -> tuple[str, tuple[Flag, ...]]:
    """A prompt without its flags, and the flags under their own names.

    A long dash counts as two hyphens, as editors make one of them. Raises InvalidOption for unknown flags and for
    values that are not what a flag takes.
    """
    found = list(unescaped_matches(_FLAG, text))
    flags = []
    for place, match in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(text)
        record = find_flag(match["name"])
        if record is None:
            near = " or ".join(f"--{name}" for name in nearest(match["name"].lower(), _NAMES, 2))
            hint = f"; did you mean {near}?" if near else "."
            raise InvalidOption(
                f"The prompt has --{match['name']} at character {match.start() + 1}, which is no flag{hint} "
                "Write \\-- for the marks themselves."
            )
        value = text[match.end() : end].strip()
        if record.takes == "nothing" and value:
            raise complaint(text, match.end(), f"words after --{record.name}, which takes no value; flags stand last")
        if record.takes in _TAKES and not re.fullmatch(_TAKES[record.takes], value):
            example = {"number": "a number", "ratio": "a shape such as 3:2"}[record.takes]
            raise complaint(text, match.start(), f"--{record.name} without {example} after it; flags stand last")
        if record.name in ("no", "style", "sref") and not value:
            raise complaint(text, match.start(), f"--{record.name} with nothing after it")
        flags.append(Flag(record.name, value, (match.start(), end)))
    names = [flag.name for flag in flags]
    for name in names:
        if names.count(name) > 1:
            raise InvalidOption(f"The prompt has --{name} twice; give it once.")
    return (text[: found[0].start()] if found else text), tuple(flags)


_TAKES = {"number": r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)", "ratio": r"\d{1,4}:\d{1,4}"}
