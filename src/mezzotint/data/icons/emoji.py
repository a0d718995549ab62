"""The names of emoji: Unicode CLDR's, as emojibase has them, found by code points or by the names that sets use."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mezzotint.data.concepts import concept_key, singular, words_of
from mezzotint.data.icons.job import Title
from mezzotint.data.icons.names import slug
from mezzotint.data.icons.synonyms import FX_NAMES, RETELL, SYNONYMS
from mezzotint.data.icons.words import LINKS, NOUNS, SLANG, SUBGROUPS
from mezzotint.errors import InvalidFile

__all__ = ["Emoji", "EmojiNames"]

_TONES = {"1F3FB": "light", "1F3FC": "medium-light", "1F3FD": "medium", "1F3FE": "medium-dark", "1F3FF": "dark"}
_TONE_IN_NAME = re.compile(r"-(medium-light|medium-dark|light|medium|dark)(?:-skin-tone)?(?=-|$)")
_COUPLES = {"1F469-1F91D-1F469": "1F46D", "1F468-1F91D-1F468": "1F46C", "1F469-1F91D-1F468": "1F46B"}
_DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_DIGITS = {word: str(i) for i, word in enumerate(_DIGIT_WORDS)}
_THINGS = frozenset((3, 4, 5, 6, 7))  # emojibase groups: animals, food, travel, activities, objects


@dataclass(frozen=True, slots=True)
class Emoji:
    """One entry of emojibase without skin tone.

    topic: the everyday word for its subgroup; group: emojibase's number.
    """

    hexcode: str
    label: str
    tags: tuple[str, ...]
    topic: str
    group: int


@dataclass(frozen=True)
class EmojiNames:
    """The names that a build knows.

    entries: emoji by code points; by_slug: code points by every known name; words: all words of labels and keywords;
    nouns: last words of the names of things.
    """

    entries: Mapping[str, Emoji]
    by_slug: Mapping[str, str]
    words: frozenset[str] = frozenset()
    nouns: frozenset[str] = frozenset()

    @classmethod
    def read(cls, emojibase: Path, tables: Iterable[Path]) -> "EmojiNames":
        """Read emojibase's English data and the `chars.json` of icon packages. Raises InvalidFile if unreadable."""
        english = emojibase / "en"
        try:
            data = json.loads((english / "data.json").read_text("utf-8"))
            messages = json.loads((english / "messages.json").read_text("utf-8"))
            codes = json.loads((english / "shortcodes" / "github.json").read_text("utf-8"))
            chars = [json.loads(table.read_text("utf-8")) for table in tables if table.is_file()]
            entries = _entries(data, {s["order"]: s["key"] for s in messages["subgroups"]})
            slugs = _slugs(data, entries, codes, chars)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InvalidFile(
                f"The emoji names in {emojibase} cannot be read ({error}); fetch the packages again."
            ) from error
        known = {w for e in entries.values() for text in (e.label, *e.tags) for w in words_of(text) if w.isalpha()}
        things = (words_of(e.label) for e in entries.values() if e.group in _THINGS)
        nouns = {words[-1] for words in things if words} | {singular(word) for word in NOUNS}
        return cls(entries, slugs, frozenset(w for w in known if len(w) > 2) | LINKS, frozenset(nouns))

    def title(self, hexcode: str) -> Title | None:
        """The title of an emoji by code points, with or without skin tone; None if unknown."""
        parts = bare(hexcode).split("-")
        tones = [part for part in parts if part in _TONES]
        plain = [part for part in parts if part not in _TONES]
        couple = _COUPLES.get("-".join(part for part in plain if part != "200D"), "")
        entry = self.entries.get("-".join(plain)) or self.entries.get(couple)
        if entry is None:
            return None
        return Title(
            entry.label, SYNONYMS.get(entry.label, ()), entry.tags, concept_key(entry.label), entry.topic,
            _TONES[tones[0]] if tones else "", len(set(tones)), bare(hexcode),
        )  # fmt: skip

    def by_name(self, raw: str) -> Title | None:
        """The title of an emoji by the name that a set gives it, tones included; None if unknown."""
        tones = _TONE_IN_NAME.findall(raw)
        plain = _TONE_IN_NAME.sub("", raw)
        for candidate in (raw, plain, _renamed(plain), re.sub(r"-\d+$", "", _renamed(plain))):
            code = self.by_slug.get(slug(candidate))
            if code is None:
                continue
            title = self.title(code)
            if title and tones and not title.tone and candidate != raw:
                title = replace(title, tone=tones[0], tones=len(set(tones)))
            return title
        return None

    def by_plain_name(self, name: str) -> Title | None:
        """The emoji that an everyday name stands for ("car" is the automobile); None if there is none."""
        words = name.split()
        if not words:
            return None
        turned = " ".join(reversed(words)) if len(words) == 2 else name
        for candidate in (name, " ".join([*words[:-1], singular(words[-1])]), turned):
            code = self.by_slug.get(slug(candidate))
            title = self.title(code) if code else None
            if title and not title.tone:
                return title
        return None

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.words), default=0)

    def split(self, joined: str) -> str | None:
        """Split a name written without spaces ("spiralshell") into few, long, known words; None if it cannot be."""
        if joined in FX_NAMES:
            return FX_NAMES[joined] or None
        best: list[tuple[float, str] | None] = [(0.0, "")] + [None] * len(joined)
        for end in range(1, len(joined) + 1):
            for start in range(max(0, end - self._longest), end):
                head, word, here = best[start], joined[start:end], best[end]
                if head is None or word not in self.words:
                    continue
                cost = head[0] + 1.0 + 1.5 / len(word)
                if here is None or cost < here[0]:
                    best[end] = (cost, f"{head[1]} {word}".strip())
        found = best[-1]
        return found[1] if found else None


def bare(hexcode: str) -> str:
    """Code points in upper case, without variation selectors."""
    return "-".join(part for part in hexcode.upper().split("-") if part != "FE0F")


def _said(label: str) -> str:
    """An emoji label as one would say it: "flag: brazil" is "flag of brazil", "keycap: 1" is "keycap 1"."""
    label = label.lower().replace("’", "'").replace("“", "").replace("”", "").replace("&", "and")
    label = RETELL.get(label, label)
    label = re.sub(r"^flag: (.*)$", r"flag of \1", label)
    label = re.sub(r"\s*\(.*?\)", "", label)
    worn = "hair" in label or "bald" in label or "beard" in label
    label = label.replace(": ", " with ") if worn else label.replace(":", "")
    label = re.sub(r"[^a-z0-9' ,.\-#*éèãåçñíôü]", " ", label).replace(",", "")
    return " ".join(label.split()).replace("person with bald", "bald person").replace("man with bald", "bald man")


def _entries(data: list[dict[str, Any]], subgroups: Mapping[int, str]) -> dict[str, Emoji]:
    """Keywords that occur with fewer than three emoji are mostly slang, and are left out."""
    frequency: dict[str, int] = {}
    for row in data:
        for tag in row.get("tags", ()):
            frequency[tag] = frequency.get(tag, 0) + 1
    entries = {}
    for row in data:
        tags = tuple(
            tag for tag in row.get("tags", ())
            if tag.isalpha() and len(tag) > 2 and tag not in SLANG and frequency[tag] >= 3
        )  # fmt: skip
        topic = SUBGROUPS.get(subgroups.get(row.get("subgroup", -1), ""), "")
        code = bare(row["hexcode"])
        entries[code] = Emoji(code, _said(row["label"]), tags, topic, row.get("group", -1))
    return entries


def _slugs(
    data: list[dict[str, Any]],
    entries: Mapping[str, Emoji],
    codes: Mapping[str, str | list[str]],
    tables: Iterable[Mapping[str, str]],
) -> dict[str, str]:
    """Code points by name; where a name is used twice, the first of: labels, short codes, tables of sets, synonyms."""
    slugs: dict[str, str] = {}
    for row in data:
        code = bare(row["hexcode"])
        slugs.setdefault(slug(row["label"]), code)
        slugs.setdefault(slug(entries[code].label), code)
    for code, short in codes.items():
        for name in [short] if isinstance(short, str) else short:
            if bare(code) in entries and len(name) > 2 and name.replace("_", "").isalpha():
                slugs.setdefault(slug(name), bare(code))
    for table in tables:
        for code, name in table.items():
            slugs.setdefault(slug(name), bare(code))
    for label, others in SYNONYMS.items():
        for other in others:
            if slug(label) in slugs:
                slugs.setdefault(slug(other), slugs[slug(label)])
    return slugs


def _renamed(name: str) -> str:
    """Older or set-specific forms of the same name."""
    name = re.sub(r"^flag-for-(?:flag-)?", "flag-", name)
    name = re.sub(r"^digit-(\w+)$", lambda m: f"keycap-{_DIGITS.get(m.group(1), m.group(1))}", name)
    return name.replace("blonde-hair", "blond-hair")
