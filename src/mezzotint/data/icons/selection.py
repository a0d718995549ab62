"""Which drawings of a set are used, and what they are called."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mezzotint.data.concepts import concept_key
from mezzotint.data.draws import fraction
from mezzotint.data.icons.emoji import EmojiNames
from mezzotint.data.icons.job import Job, Title
from mezzotint.data.icons.names import clean
from mezzotint.data.icons.render import svg_text
from mezzotint.data.icons.synonyms import OLD_NAMES
from mezzotint.data.icons.table import IconSet
from mezzotint.data.icons.tint import choose_hue, tinted
from mezzotint.data.icons.unwanted import BRANDS, BROKEN, NOT_USED
from mezzotint.data.icons.words import VERBS
from mezzotint.errors import InvalidFile

__all__ = ["chosen"]

_TONE_PART = 1 / 6  # of the drawings with a skin tone
_FLAG_PART = 1 / 4  # of the country flags
_NEVER = frozenset({"Brand", "Logos"})  # categories of which nothing is kept
_SIGNS = frozenset(
    ("arrow", "button", "symbol", "letter button", "math symbol", "punctuation", "sign", "warning sign", "zodiac sign")
)


def chosen(icons: IconSet, packages: Path, names: EmojiNames) -> list[Job]:
    """The drawings of one set that are used, in a fixed order."""
    if icons.kind == "render":
        return list(_render_jobs(icons, packages, names))
    return list(_svg_jobs(icons, packages / icons.package, names))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidFile(f"The package file {path} cannot be read ({error}); fetch the packages again.") from error


def _categories(folder: Path) -> dict[str, str]:
    meta = _read(folder / "metadata.json") if (folder / "metadata.json").is_file() else {}
    return {icon: name for name, icons in meta.get("categories", {}).items() for icon in icons}


def _svg_jobs(icons: IconSet, folder: Path, names: EmojiNames) -> Iterator[Job]:
    data = _read(folder / "icons.json")
    categories = _categories(folder)
    visible = sorted(name for name, icon in data["icons"].items() if not icon.get("hidden"))
    for raw in _largest(visible) if icons.sizes else visible:
        identity = f"{icons.name}:{raw}"
        if BROKEN.search(raw) or identity in NOT_USED or (icons.kind != "emoji" and BRANDS.search(raw)):
            continue
        title = _title(icons, raw, names)
        if title is None or not re.search("[a-z]", title.name) or BROKEN.search(title.name.replace(" ", "-")):
            continue
        if _kept(icons, title, categories.get(raw, "")) and not _thinned(icons, title, identity):
            yield _svg_job(icons, identity, title, data["icons"][raw], data, names)


def _kept(icons: IconSet, title: Title, category: str) -> bool:
    """By the share of its category, decided by concept; icons of things that emoji sets have too are always kept."""
    if icons.kind == "icon" and category not in _NEVER and title.topic and title.topic not in _SIGNS:
        return True
    return fraction(icons.name, title.concept) < icons.shares.get(category, icons.shares.get("*", 1.0))


def _thinned(icons: IconSet, title: Title, identity: str) -> bool:
    """Whether a drawing falls to the thinning of skin tones and flags."""
    if title.tones > 1 or (title.tone and fraction("tone", identity) >= _TONE_PART):
        return True
    is_flag = icons.kind == "flag" or (title.topic == "flag" and title.name.startswith("flag of"))
    return is_flag and fraction("flag", identity) >= _FLAG_PART


def _largest(names: list[str]) -> list[str]:
    """Of drawings offered in several sizes ("star-16", "star-24"), the largest of each."""
    best: dict[str, int] = {}
    for name in names:
        stem, _, size = name.rpartition("-")
        best[stem] = max(best.get(stem, 0), int(size)) if size.isdigit() else 0
    wanted = {f"{stem}-{size}" for stem, size in best.items()}
    return [name for name in names if name in wanted]


def _title(icons: IconSet, raw: str, names: EmojiNames) -> Title | None:
    if icons.kind == "emoji":
        return _emoji_title(icons, raw, names)
    if icons.kind == "flag":
        return _country(raw, names)
    name = clean(raw.rpartition("-")[0] if icons.sizes else raw)
    name = re.sub(r"^(?:a|an|the) ", "", name)
    words = name.split()
    if not words or len(words) > 6 or all(len(word) < 2 for word in words):
        return None
    return _plain_title(name, names)


def _emoji_title(icons: IconSet, raw: str, names: EmojiNames) -> Title | None:
    if icons.joined:
        said = names.split(raw.replace("-", ""))
        return (names.by_name(said) or _plain_title(clean(said), names)) if said else None
    plain = re.sub(r"-\d+$", "", raw)
    spellings = (
        raw, re.sub(r"-face(-\d+)?$", "", raw), raw.replace("-cat-face", "-cat").replace("cat-face-", "cat-"),
        f"flag-{raw}", OLD_NAMES.get(plain, raw),
    )  # fmt: skip
    for spelling in spellings:
        if found := names.by_name(spelling):
            return found
    if re.search(r"skin-tone|-(?:light|medium|dark)$", raw):
        return None
    return _plain_title(re.sub("^flag for ", "flag of ", clean(raw)), names)


def _plain_title(name: str, names: EmojiNames) -> Title:
    """The title of a thing by its plain name; shares the concept of the emoji that the name stands for."""
    emoji = names.by_plain_name(name)
    if emoji is None:
        return Title(name, concept=concept_key(name))
    turned = " ".join(reversed(name.split()))
    name = turned if turned == emoji.name else name
    others = tuple(other for other in (emoji.name, *emoji.others) if other != name and emoji.topic != "flag")
    several = len(name.split()) > 1
    return Title(name, others[:1] if several else (), emoji.keywords, emoji.concept, emoji.topic)


def _country(raw: str, names: EmojiNames) -> Title | None:
    """A flag that is named by its country code."""
    if len(raw) != 2 or not raw.isalpha():
        return None
    return names.title("-".join(f"{0x1F1E6 + ord(letter) - ord('a'):X}" for letter in raw))


def _countable(icons: IconSet, title: Title, names: EmojiNames) -> bool:
    """Whether the name takes an article: it names a thing, not an action or a quality."""
    if icons.kind != "icon" or title.topic:
        return True
    words = title.name.split()
    return len(words) <= 3 and words[-1] in names.nouns and words[0] not in VERBS and words[-1] not in VERBS


def _svg_job(
    icons: IconSet, identity: str, title: Title, icon: Mapping[str, Any], data: Mapping[str, Any], names: EmojiNames
) -> Job:
    svg = svg_text(icon, icon.get("width", data.get("width", 16)), icon.get("height", data.get("height", 16)))
    hue = ""
    if any(colour in svg.lower() for colour in icons.tints):
        hue = choose_hue(identity)
        svg = tinted(svg, icons.tints, hue)
    return Job(
        identity, icons.name, title, svg=svg, hue=hue, countable=_countable(icons, title, names), enlarge=icons.enlarge
    )


def _render_jobs(icons: IconSet, packages: Path, names: EmojiNames) -> Iterator[Job]:
    """The 3-D renders, only of emoji that Microsoft's own MIT set has: the licence of the others is unknown."""
    microsoft = _read(packages / "@iconify-json" / "fluent-emoji" / "icons.json")["icons"]
    found = (names.by_name(raw) for raw, icon in microsoft.items() if not icon.get("hidden"))
    licensed = {title.name for title in found if title is not None}
    for path in sorted((packages / icons.package / "assets").glob("*.webp")):
        title = names.title(path.stem)
        if title is None or title.name not in licensed or title.name.startswith("flag of"):
            continue
        identity = f"{icons.name}:{path.stem}"
        if not BROKEN.search(title.name.replace(" ", "-")) and not _thinned(icons, title, identity):
            yield Job(identity, icons.name, title, path=str(path))
