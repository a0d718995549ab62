"""What a picture is called: Unicode names for emoji sets, cleaned file names for the others, and the concept they share."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from mezzotint.data.icons.words import (
    COLOUR_WORDS,
    FX_NAMES,
    NOISE,
    RETELL,
    SLANG,
    SPELLING,
    SUBGROUPS,
    SYNONYMS,
)
from mezzotint.errors import InvalidFile

__all__ = ["Emoji", "EmojiNames", "Title", "clean", "concept_key"]

_TONE = re.compile(r"\b(medium-light|medium-dark|light|medium|dark) skin tone\b")
_ICON_TONE = re.compile(r"-(medium-light|medium-dark|light|medium|dark)(?:-skin-tone)?(?=-|$)")
_GENDER = {
    "man": "person", "woman": "person", "men": "people", "women": "people", "male": "person", "female": "person",
    "businessman": "businessperson", "businesswoman": "businessperson", "policeman": "police officer", "policewoman": "police officer",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Title:
    """The name of one picture.

    name: what it shows; others: further names; keywords: related words; concept: the key that all drawings of the
    thing share; topic: the everyday word for its kind ("fruit"), or ""; tone: skin tone, or ""; hexcode: Unicode, or "".
    """

    name: str
    others: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    concept: str = ""
    topic: str = ""
    tone: str = ""
    hexcode: str = ""
    tones: int = 0


@dataclass(frozen=True, slots=True)
class Emoji:
    """One entry of emojibase without skin tone."""

    hexcode: str
    label: str
    tags: tuple[str, ...]
    topic: str
    group: int


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def singular(word: str) -> str:
    """The singular of a regular English plural; other words unchanged."""
    if len(word) < 4 or word.endswith(("ss", "us", "is", "news", "dress", "glasses", "jeans", "shorts", "scissors", "gas", "lens", "bus")):
        return word
    if word.endswith("ies") and len(word) > 5:
        return word[:-3] + "y"
    if word.endswith(("shes", "ches", "xes", "sses", "zes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


def concept_key(name: str) -> str:
    """Lower case, without skin tone, gender, colour and number; last word singular. "Two green apples" is "apple"."""
    words = [_GENDER.get(w, w) for w in _words(_TONE.sub("", name.lower()))]
    plain = [w for w in words if w not in COLOUR_WORDS and not w.isdigit()] or words
    plain[-1] = singular(plain[-1])
    if len(plain) == 2 and plain[1] == "face" and plain[0] not in {"clown"}:
        plain = plain[:1]
    return " ".join(plain)


def clean(raw: str) -> str:
    """A readable name from a file name: separators to spaces, spelling repaired, file noise and stray numbers dropped."""
    raw = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", raw).lower()
    words = [SPELLING.get(w, w) for w in re.split(r"[-_\s]+", raw)]
    words = [re.sub(r"(?<=[a-z]{3})\d+$", "", w) for w in " ".join(words).split()]
    words = [SPELLING.get(w, w) for w in words]
    first, rest = words[:1], words[1:]
    if first and first[0] in NOISE and rest:
        first = [] if first[0] not in {"one", "two", "three", "four", "five", "bold", "light", "regular"} else first
    kept = first + [w for w in rest if w not in NOISE and not w.isdigit()]
    unique = [w for i, w in enumerate(kept) if i == 0 or w != kept[i - 1]]
    return " ".join(unique)


def _said(label: str) -> str:
    """An emoji label as one would say it: "flag: brazil" is "flag of brazil", "keycap: 1" is "keycap 1"."""
    label = label.lower().replace("’", "'").replace("“", "").replace("”", "").replace("&", "and")
    label = RETELL.get(label, label)
    label = re.sub(r"^flag: (.*)$", r"flag of \1", label)
    label = re.sub(r"\s*\(.*?\)", "", label)
    label = label.replace(": ", " with ") if "hair" in label or "bald" in label or "beard" in label else label.replace(":", "")
    label = re.sub(r"[^a-z0-9' ,.\-#*éèãåçñíôü]", " ", label).replace(",", "")
    return " ".join(label.split()).replace("person with bald", "bald person").replace("man with bald", "bald man")


@dataclass(frozen=True)
class EmojiNames:
    """The Unicode names that a build knows, from emojibase and the sets' own tables of code points."""

    entries: dict[str, Emoji]
    by_slug: dict[str, str]
    words: frozenset[str] = field(default_factory=frozenset)
    nouns: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def read(cls, emojibase: Path, tables: Iterable[Path]) -> "EmojiNames":
        """Read emojibase's English data and the `chars.json` of icon packages. Raises InvalidFile if unreadable."""
        try:
            data = json.loads((emojibase / "en" / "data.json").read_text("utf-8"))
            messages = json.loads((emojibase / "en" / "messages.json").read_text("utf-8"))
            codes = json.loads((emojibase / "en" / "shortcodes" / "github.json").read_text("utf-8"))
            chars = [json.loads(t.read_text("utf-8")) for t in tables if t.is_file()]
        except (OSError, ValueError) as error:
            raise InvalidFile(f"The emoji names in {emojibase} cannot be read ({error}); fetch the packages again.") from error
        keys = {s["order"]: s["key"] for s in messages["subgroups"]}
        frequency: dict[str, int] = {}
        for row in data:
            for tag in row.get("tags", ()):
                frequency[tag] = frequency.get(tag, 0) + 1
        entries: dict[str, Emoji] = {}
        slugs: dict[str, str] = {}
        for row in data:
            code = bare(row["hexcode"])
            label = _said(row["label"])
            tags = tuple(
                t for t in row.get("tags", ()) if t.isalpha() and len(t) > 2 and t not in SLANG and frequency[t] >= 3
            )
            topic = SUBGROUPS.get(keys.get(row.get("subgroup", -1), ""), "")
            entries[code] = Emoji(code, label, tags, topic, row.get("group", -1))
            slugs.setdefault(slug(row["label"]), code)
            slugs.setdefault(slug(label), code)
        for code, short in codes.items():
            for name in [short] if isinstance(short, str) else short:
                if bare(code) in entries and len(name) > 2 and name.replace("_", "").isalpha():
                    slugs.setdefault(slug(name), bare(code))
        for table in chars:
            for code, name in table.items():
                slugs.setdefault(slug(name), bare(code))
        for label, others in SYNONYMS.items():
            for other in others:
                if slug(label) in slugs:
                    slugs.setdefault(slug(other), slugs[slug(label)])
        known = {w for e in entries.values() for text in (e.label, *e.tags) for w in _words(text) if w.isalpha()}
        things = (e.label for e in entries.values() if e.group in _THINGS)
        nouns = {words[-1] for words in map(_words, things) if words} | {singular(w) for w in _MORE_NOUNS}
        return cls(entries, slugs, frozenset(w for w in known if len(w) > 2) | _LINKS, frozenset(nouns))

    def title(self, hexcode: str) -> Title | None:
        """The title of an emoji by code points, with or without skin tone; None if unknown."""
        parts = bare(hexcode).split("-")
        tones = [p for p in parts if p in _TONES]
        base = "-".join(p for p in parts if p not in _TONES)
        entry = self.entries.get(base) or self._joined(parts)
        if entry is None:
            return None
        concept = concept_key(entry.label)
        tone = _TONES[tones[0]] if tones else ""
        others = SYNONYMS.get(entry.label, ())
        return Title(entry.label, others, entry.tags, concept, entry.topic, tone, bare(hexcode), len(set(tones)))

    def _joined(self, parts: list[str]) -> Emoji | None:
        """Couples: the code points of two people stand for one emoji without tones."""
        joined = {"1F469-1F91D-1F469": "1F46D", "1F468-1F91D-1F468": "1F46C", "1F469-1F91D-1F468": "1F46B"}
        plain = "-".join(p for p in parts if p not in _TONES and p != "200D")
        return self.entries.get(joined.get(plain, ""))

    def by_name(self, raw: str) -> Title | None:
        """The title of an emoji by the name that a set gives it, tones included; None if unknown."""
        match = _ICON_TONE.search(raw)
        plain = _ICON_TONE.sub("", raw) if match else raw
        for candidate in (raw, plain, _renamed(plain), re.sub(r"-\d+$", "", _renamed(plain))):
            code = self.by_slug.get(slug(candidate))
            if code is None:
                continue
            title = self.title(code)
            if title and match and not title.tone and candidate != raw:
                title = replace(title, tone=match.group(1), tones=len(set(_ICON_TONE.findall(raw))))
            return title
        return None

    def by_plain_name(self, name: str) -> Title | None:
        """The emoji that an everyday name stands for ("car" is the automobile), for icon sets; None if there is none."""
        words = name.split()
        turned = " ".join(reversed(words)) if len(words) == 2 else name
        for candidate in (name, " ".join([*words[:-1], singular(words[-1])]) if words else name, turned):
            code = self.by_slug.get(slug(candidate))
            title = self.title(code) if code else None
            if title and not title.tone:
                return title
        return None

    @cached_property
    def longest(self) -> int:
        return max(map(len, self.words), default=0)

    def split(self, joined: str) -> str | None:
        """Split a name written without spaces ("spiralshell") into the fewest known words; None if it cannot be."""
        if joined in FX_NAMES:
            return FX_NAMES[joined] or None
        best: list[tuple[float, str] | None] = [(0.0, "")] + [None] * len(joined)
        for end in range(1, len(joined) + 1):
            for start in range(max(0, end - self.longest), end):
                head, word = best[start], joined[start:end]
                if head is None or word not in self.words:
                    continue
                cost = head[0] + 1.0 + 1.5 / len(word)
                if best[end] is None or cost < best[end][0]:  # type: ignore[index]
                    best[end] = (cost, f"{head[1]} {word}".strip())
        found = best[-1]
        return found[1] if found else None


_THINGS = frozenset((3, 4, 5, 6, 7))  # emojibase groups: animals, food, travel, activities, objects
_MORE_NOUNS = tuple(
    "sofa table cupboard wardrobe shelf drawer carpet curtain fan heater fridge refrigerator oven microwave stove toaster blender kettle pan plate "
    "bowl jar jug mug tray vase bucket sink tap pipe toilet shower mirror brush comb towel bin trolley cart basket suitcase wallet purse belt vest "
    "jacket sweater skirt slipper sneaker cap beanie bracelet necklace earring tank ladder saw drill nail screw brick roller paint palette pencil "
    "pen marker eraser ruler stapler clip folder file document page note card poster newspaper magazine letter stamp postcard diary calendar "
    "tablet smartphone monitor screen keyboard printer scanner router antenna server cable plug socket battery chip lens tripod projector headset "
    "earphone microphone amplifier record cassette disc turntable gramophone piano harp flute tambourine violin bass puzzle dice chess pawn "
    "bishop knight rook domino kite swing slide carousel tent rocket astronaut planet comet meteor telescope satellite ufo robot drone "
    "tooth bone brain lung hand finger foot leg eye ear nose mouth bandage crutch stretcher tube flask beaker microscope thermometer "
    "pill capsule bottle burger sandwich steak sausage noodle soup pasta salad cupcake biscuit candy milkshake smoothie juice cocktail "
    "nut acorn leaf plant branch grass seed pot field mountain hill island beach waterfall river lake volcano desert cave windmill bridge "
    "tower castle palace temple church mosque skyscraper apartment cottage barn garage warehouse shop market restaurant cafe museum theater "
    "library bank airport station port lighthouse dam van lorry tram train scooter moped motorbike yacht submarine raft jet glider balloon "
    "parachute wheel tire engine hook chain rope net cage box crate barrel bag sack envelope parcel ticket medal ribbon badge flag banner "
    "shield sword axe bow arrow helmet mask wand hat crown ring gem diamond coin banknote receipt safe lock key door window gate fence wall "
    "stair elevator escalator bench chair stool desk bed pillow blanket lamp lantern torch bulb candle fire hydrant extinguisher alarm bell siren "
    "horn whistle clock watch timer hourglass compass map globe signpost cone barrier cat dog rabbit hamster horse cow pig sheep goat hen duck "
    "goose swan eagle parrot sparrow whale shark dolphin seal octopus crab lobster shrimp shell snake lizard frog spider bee ant ladybug worm "
    "man woman boy girl baby person worker doctor nurse teacher student police firefighter soldier chef king queen santa ghost alien skeleton "
    "skull snowman cloud moon star sun rainbow raindrop snowflake tornado wave bomb dynamite anvil hammer wrench screwdriver shovel rake "
    "house home hospital school hotel factory tree flower heart ball cup book gift cake fish bird boat car bus taxi truck ambulance".split()
)
_TONES = {"1F3FB": "light", "1F3FC": "medium-light", "1F3FD": "medium", "1F3FE": "medium-dark", "1F3FF": "dark"}
_LINKS = frozenset("of in on at by no ok up and cat dog sun man men box bus car sea ice pot ear eye old new big top tv cd dvd tea".split())


def slug(name: str) -> str:
    """The form in which names are compared: lower-case words joined by hyphens."""
    return "-".join(_words(name.replace("’", "").replace("'", "")))


def bare(hexcode: str) -> str:
    """Code points in upper case, without variation selectors."""
    return "-".join(p for p in hexcode.upper().split("-") if p != "FE0F")


def _renamed(name: str) -> str:
    """Older or set-specific names of the same emoji."""
    name = re.sub(r"^flag-for-(?:flag-)?", "flag-", name)
    name = re.sub(r"^digit-(\w+)$", lambda m: f"keycap-{_DIGITS.get(m.group(1), m.group(1))}", name)
    name = name.replace("blonde-hair", "blond-hair")
    return name


_DIGITS = {w: str(i) for i, w in enumerate("zero one two three four five six seven eight nine".split())}
