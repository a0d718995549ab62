"""Which drawings of a set are used, and what they are called."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mezzotint.data.icons.names import EmojiNames, Title, clean, concept_key
from mezzotint.data.icons.render import svg_text
from mezzotint.data.icons.table import IconSet
from mezzotint.data.icons.tint import choose_hue, tinted
from mezzotint.data.icons.words import BRANDS, BROKEN, FX_NAMES, NOT_USED
from mezzotint.errors import InvalidFile

__all__ = ["Job", "chosen", "fraction"]

_TONE_PART = 1 / 6  # of the drawings with a skin tone
_FLAG_PART = 1 / 4  # of the country flags
_NEVER = frozenset({"Brand", "Logos"})
_SIGNS = frozenset(("arrow", "button", "symbol", "letter button", "math symbol", "punctuation", "sign", "warning sign", "zodiac sign"))
_VERBS = frozenset(
    "align add remove delete edit search sort move merge split insert select switch rotate flip scale zoom expand collapse shrink enlarge scroll drag "
    "upload download share save undo redo refresh reload sync synchronize loop login logout sign send receive reply forward copy cut paste crop filter "
    "increase decrease maximize minimize hide show lock unlock enter exit start stop play pause next previous skip shuffle repeat check cancel approve "
    "disapprove like dislike reject accept book call end open close rating good bad make no do not up down left right".split()
)


@dataclass(frozen=True, slots=True)
class Job:
    """One drawing to render: identity, name, and either SVG text or the path of a picture."""

    identity: str
    set: str
    title: Title
    svg: str
    path: str
    hue: str
    countable: bool


def fraction(purpose: str, key: str) -> float:
    """A number in [0, 1) that is a pure function of its two words; decides every draw of the builder."""
    digest = hashlib.sha256(f"{purpose}:{key}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidFile(f"The package file {path} cannot be read ({error}); fetch the packages again.") from error


def _categories(folder: Path) -> dict[str, str]:
    meta = _read(folder / "metadata.json") if (folder / "metadata.json").is_file() else {}
    return {icon: name for name, icons in meta.get("categories", {}).items() for icon in icons}


def _share(icons: IconSet, category: str) -> float:
    return icons.shares.get(category, icons.shares.get("*", 1.0))


def _everyday(title: Title) -> bool:
    """Whether an icon shows a thing that emoji sets have too: worth more than one more button, so always kept."""
    return bool(title.topic) and title.topic not in _SIGNS


def _thinned(title: Title, identity: str, is_flag: bool) -> bool:
    """Whether a drawing falls to the thinning of skin tones and flags."""
    if title.tones > 1 or (title.tone and fraction("tone", identity) >= _TONE_PART):
        return True
    return is_flag and fraction("flag", identity) >= _FLAG_PART


def _largest(names: list[str]) -> set[str]:
    """Of drawings offered in several sizes ("star-16", "star-24"), the largest of each."""
    best: dict[str, int] = {}
    for name in names:
        stem, _, size = name.rpartition("-")
        best[stem] = max(best.get(stem, 0), int(size)) if size.isdigit() else 0
    return {f"{stem}-{size}" for stem, size in best.items()}


def _emoji_title(icons: IconSet, raw: str, names: EmojiNames) -> Title | None:
    if icons.name == "fxemoji":
        joined = raw.replace("-", "")
        said = names.split(joined)
        if said is None or (joined in FX_NAMES and not FX_NAMES[joined]):
            return None
        return names.by_name(said) or _plain_title(clean(said), names)
    found = names.by_name(raw) or names.by_name(re.sub(r"-face(-\d+)?$", "", raw))
    found = found or names.by_name(raw.replace("-cat-face", "-cat").replace("cat-face-", "cat-"))
    found = found or names.by_name("flag-" + raw) or names.by_name(_OLD.get(re.sub(r"-\d+$", "", raw), raw))
    if found or re.search(r"skin-tone|-(?:light|medium|dark)$", raw):
        return found
    return _plain_title(re.sub("^flag for ", "flag of ", clean(raw)), names)


_OLD = {
    "pistol": "water-pistol", "direct-hit": "bullseye", "exclamation-mark": "red-exclamation-mark", "question-mark": "red-question-mark",
    "white-heavy-check-mark": "check-mark-button", "heavy-large-circle": "hollow-red-circle", "a-button": "a-button-blood-type",
    "b-button": "b-button-blood-type", "ab-button": "ab-button-blood-type", "o-button": "o-button-blood-type",
    "man-and-woman-holding-hands": "woman-and-man-holding-hands", "unicorn-face": "unicorn", "crazy-face": "zany-face",
    "flag-for-rainbow-flag": "rainbow-flag", "flag-for-black-flag": "black-flag", "flag-for-white-flag": "white-flag",
    "flag-for-chequered-flag": "chequered-flag", "flag-for-crossed-flags": "crossed-flags", "school-backpack": "backpack",
    "flag-for-triangular-flag": "triangular-flag", "red-wine-glass": "wine-glass", "game-dice": "game-die",
}  # fmt: skip


def _plain_title(name: str, names: EmojiNames) -> Title:
    """The title of a thing by its plain name; shares the concept of the emoji that the name stands for."""
    emoji = names.by_plain_name(name)
    turned = " ".join(reversed(name.split()))
    if emoji is not None and turned == emoji.name:
        name = turned
    if emoji is None:
        return Title(name, concept=concept_key(name))
    others = tuple(o for o in (emoji.name, *emoji.others) if o != name and emoji.topic != "flag")
    return Title(name, others[:1] if len(name.split()) > 1 else (), emoji.keywords, emoji.concept, emoji.topic)


def _countable(title: Title, emoji: bool, nouns: frozenset[str]) -> bool:
    words = title.name.split()
    known = bool(words) and words[-1] in nouns and words[-1] not in _VERBS and words[0] not in _VERBS
    return emoji or bool(title.topic) or (len(words) <= 3 and known)


def _svg_jobs(icons: IconSet, folder: Path, names: EmojiNames) -> Iterator[Job]:
    data = _read(folder / "icons.json")
    categories = _categories(folder)
    visible = [n for n, icon in data["icons"].items() if not icon.get("hidden")]
    sizes = _largest(visible) if icons.name == "fluent-color" else None
    for raw in sorted(visible):
        if (sizes is not None and raw not in sizes) or BROKEN.search(raw):
            continue
        identity = f"{icons.name}:{raw}"
        if identity in NOT_USED or (icons.kind != "emoji" and BRANDS.search(raw)):
            continue
        if icons.kind == "flag":
            title = names.by_slug.get(f"flag-{raw}") and names.title(names.by_slug[f"flag-{raw}"]) or _country(raw, names)
        else:
            title = _emoji_title(icons, raw, names) if icons.kind == "emoji" else _icon_title(icons, raw, names)
        if title is None or not re.search("[a-z]", title.name) or BROKEN.search(title.name.replace(" ", "-")):
            continue
        category = categories.get(raw, "")
        wanted = icons.kind == "icon" and category not in _NEVER and _everyday(title)
        if not wanted and fraction(icons.name, title.concept) >= _share(icons, category):
            continue
        if _thinned(title, identity, title.topic == "flag" and title.name.startswith("flag of") or icons.kind == "flag"):
            continue
        yield _svg_job(icons, identity, title, data["icons"][raw], data, names)


def _country(raw: str, names: EmojiNames) -> Title | None:
    """A circle flag is named by its country code."""
    if len(raw) != 2 or not raw.isalpha():
        return None
    return names.title("-".join(f"{0x1F1E6 + ord(c) - ord('a'):X}" for c in raw))


def _icon_title(icons: IconSet, raw: str, names: EmojiNames) -> Title | None:
    name = clean(raw)
    if icons.name == "fluent-color":
        name = clean(raw.rpartition("-")[0])
    if icons.name == "icon-park":
        name = re.sub(r"^(?:a|an|the) ", "", name)
    words = name.split()
    if not words or len(words) > 6 or all(len(w) < 2 for w in words):
        return None
    return _plain_title(name, names)


def _svg_job(
    icons: IconSet, identity: str, title: Title, icon: Mapping[str, Any], data: Mapping[str, Any], names: EmojiNames
) -> Job:
    width = icon.get("width", data.get("width", 16))
    height = icon.get("height", data.get("height", 16))
    svg = svg_text(icon, width, height)
    hue = ""
    if any(colour in svg.lower() for colour in icons.tints):
        hue = choose_hue(identity)
        svg = tinted(svg, icons.tints, hue)
    return Job(identity, icons.name, title, svg, "", hue, _countable(title, icons.kind in {"emoji", "flag"}, names.nouns))


def _photo_jobs(icons: IconSet, folder: Path, names: EmojiNames, licensed: frozenset[str]) -> Iterator[Job]:
    """The 3-D renders, only of emoji that Microsoft's own MIT set has."""
    for path in sorted((folder / "assets").glob("*.webp")):
        title = names.title(path.stem)
        if title is None or BROKEN.search(title.name.replace(" ", "-")):
            continue
        base = replace(title, tone="").name
        if base not in licensed or title.name.startswith("flag of"):
            continue
        identity = f"{icons.name}:{path.stem}"
        if not _thinned(title, identity, False):
            yield Job(identity, icons.name, title, "", str(path), "", True)


def chosen(icons: IconSet, packages: Path, names: EmojiNames) -> list[Job]:
    """The drawings of one set that are used, in a fixed order."""
    folder = packages / icons.package
    if icons.kind != "photo3d":
        return list(_svg_jobs(icons, folder, names))
    microsoft = packages / "@iconify-json" / "fluent-emoji" / "icons.json"
    licensed = frozenset(
        title.name for raw, icon in _read(microsoft)["icons"].items()
        if not icon.get("hidden") and (title := names.by_name(raw)) is not None
    )  # fmt: skip
    return list(_photo_jobs(icons, folder, names, licensed))
