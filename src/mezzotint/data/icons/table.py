"""The picture sets of the house data: pinned packages, their licences and authors, and how much of each is used.

Every licence here is permissive (MIT, Apache-2.0, CC-BY-4.0). The builder compares it with the package's own `info.json`
and refuses a package that says something else. CC-BY sets are credited in `ATTRIBUTION.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["NAMES_PACKAGE", "SETS", "IconSet", "requirements"]


@dataclass(frozen=True, slots=True)
class IconSet:
    """One drawn set.

    name: the id used in the manifest; style: the word for `--style`; phrase: how captions name the style;
    kind: "emoji" (named by Unicode), "icon" (named by its file name), "flag" or "photo3d" (WebP files);
    shares: part of each of the set's own categories that is kept, chosen by hash of the concept; "*" is the rest;
    tints: hex colours of the two-tone drawing that take on a named hue (see `tint.py`), by role.
    """

    name: str
    package: str
    version: str
    licence: str
    author: str
    url: str
    style: str
    phrase: str
    kind: str = "icon"
    shares: Mapping[str, float] = field(default_factory=dict)
    tints: Mapping[str, str] = field(default_factory=dict)


NAMES_PACKAGE = ("emojibase-data", "17.0.0")

_UI = {
    "FoodDrink": 1.0, "Culture": 1.0, "Entertainment": 1.0, "Health": 1.0, "NatureEcology": 1.0, "MapTravel": 0.8,
    "MoneyShopping": 0.35, "ComputerDevices": 0.35, "Phone": 0.35, "WorkEducation": 0.8, "ImagesPhotography": 0.6,
    "Shipping": 0.5, "Mail": 0.2, "InterfaceEssential": 0.12, "Programming": 0.12, "ArtificialIntelligence": 0.0,
}  # fmt: skip
_PARK = {
    "Animals": 1.0, "Baby": 1.0, "Build": 1.0, "Clothes": 1.0, "Emoji": 1.0, "Energy": 1.0, "Foods": 1.0, "Game": 1.0,
    "Hands": 0.6, "Health": 1.0, "Industry": 1.0, "Life": 1.0, "Makeups": 1.0, "Money": 0.4, "Music": 1.0, "Peoples": 0.6,
    "Safe": 1.0, "Sports": 1.0, "Time": 1.0, "Travel": 1.0, "Weather": 1.0, "Hardware": 0.5, "Office": 0.25, "Base": 0.3,
    "Measurement": 1.0, "*": 0.0,
}  # fmt: skip
_FREEHAND = {
    "MusicVideoEntertainment": 0.9, "ShoppingEcommerce": 0.5, "Wayfinding": 0.5, "ImagesPhotography": 0.4,
    "Design": 0.4, "ComputersDevicesElectronics": 0.4, "WorkOfficeCompanies": 0.4, "MoneyPaymentsFinance": 0.3,
    "PhonesMobileDevices": 0.3, "Business": 0.3, "InterfaceEssential": 0.25, "*": 0.0,
}  # fmt: skip
_ULTIMATE = {"Logos": 0.0, "InterfaceEssential": 0.4, "ArrowsDiagrams": 0.4, "ProgramingAppsWebsites": 0.5, "Content": 0.5}
_STREAMLINE_TINTS = {"#4147d5": "deep", "#2859c5": "deep", "#8fbffa": "mid", "#d7e0ff": "pale"}
_MS = "Microsoft"
_STREAMLINE_URL = "https://github.com/webalys-hq/streamline-vectors"


def _emoji(name: str, version: str, licence: str, author: str, url: str, style: str, phrase: str, **shares: float) -> IconSet:
    return IconSet(name, f"@iconify-json/{name}", version, licence, author, url, style, phrase, "emoji", shares)


def _streamline(name: str, version: str, style: str, phrase: str, shares: Mapping[str, float] | None = None,
                tints: Mapping[str, str] | None = None) -> IconSet:
    return IconSet(name, f"@iconify-json/{name}", version, "CC-BY-4.0", "Streamline", _STREAMLINE_URL, style, phrase,
                   "icon", shares or {}, tints or {})


SETS: tuple[IconSet, ...] = (
    _emoji("noto", "1.2.9", "Apache-2.0", "Google Inc", "https://github.com/googlefonts/noto-emoji", "noto", "noto emoji"),
    _emoji("noto-v1", "1.2.5", "Apache-2.0", "Google Inc", "https://github.com/googlefonts/noto-emoji", "noto-classic",
           "noto classic emoji"),
    _emoji("twemoji", "1.2.5", "CC-BY-4.0", "Twitter", "https://github.com/jdecked/twemoji", "twemoji", "twemoji emoji"),
    _emoji("fluent-emoji", "1.2.7", "MIT", "Microsoft Corporation", "https://github.com/microsoft/fluentui-emoji", "fluent",
           "fluent emoji", **{"*": 0.35}),
    _emoji("fluent-emoji-flat", "1.2.6", "MIT", "Microsoft Corporation", "https://github.com/microsoft/fluentui-emoji",
           "fluent-flat", "fluent flat emoji"),
    IconSet("fluent-3d", "@lobehub/fluent-emoji-3d", "1.1.0", "MIT", "Microsoft Corporation",
            "https://github.com/microsoft/fluentui-emoji", "fluent-3d", "fluent 3d emoji", "photo3d"),
    _emoji("emojione", "1.2.3", "CC-BY-4.0", "Emoji One", "https://github.com/EmojiTwo/emojitwo", "emojione", "emojione emoji"),
    _emoji("fxemoji", "1.2.2", "Apache-2.0", "Mozilla", "https://github.com/mozilla/fxemoji", "fxemoji", "fxemoji emoji"),
    IconSet("streamline-emojis", "@iconify-json/streamline-emojis", "1.2.4", "CC-BY-4.0", "Streamline", _STREAMLINE_URL,
            "sticker", "sticker", "emoji"),
    IconSet("icon-park", "@iconify-json/icon-park", "1.2.4", "Apache-2.0", "ByteDance",
            "https://github.com/bytedance/IconPark", "icon-park", "icon park icon", "icon", _PARK,
            {"#2f88ff": "vivid", "#43ccf8": "mid"}),
    _streamline("streamline-color", "1.2.2", "streamline", "streamline icon", _UI, _STREAMLINE_TINTS),
    _streamline("streamline-plump-color", "1.2.2", "plump", "plump icon", _UI, _STREAMLINE_TINTS),
    _streamline("streamline-sharp-color", "1.2.2", "sharp", "sharp icon", _UI, _STREAMLINE_TINTS),
    _streamline("streamline-flex-color", "1.2.2", "flex", "flex icon", _UI, _STREAMLINE_TINTS),
    _streamline("streamline-freehand-color", "1.2.2", "freehand", "freehand drawing", _FREEHAND, {"#0c6fff": "vivid"}),
    _streamline("streamline-ultimate-color", "1.2.2", "ultimate", "ultimate icon", _ULTIMATE),
    _streamline("streamline-cyber-color", "1.2.2", "cyber", "cyber icon", {"InterfaceEssential": 0.5},
                {"#092f63": "ink", "#bbd8ff": "mid"}),
    _streamline("streamline-kameleon-color", "1.2.2", "kameleon", "kameleon icon", {},
                {"#2e3ecd": "deep", "#6bafff": "mid", "#deeeff": "pale"}),
    _streamline("streamline-stickies-color", "1.2.2", "stickies", "stickies icon", {}, {"#00034a": "ink", "#9bff00": "mid"}),
    IconSet("marketeq", "@iconify-json/marketeq", "1.2.2", "MIT", "Marketeq", "https://www.npmjs.com/package/@iconify-json/marketeq",
            "marketeq", "marketeq icon", "icon", {"*": 0.5}, {"#306cfe": "vivid"}),
    IconSet("flat-color-icons", "@iconify-json/flat-color-icons", "1.2.3", "MIT", "Icons8",
            "https://github.com/icons8/flat-Color-icons", "flat-color", "flat color icon"),
    IconSet("meteocons", "@iconify-json/meteocons", "1.2.4", "MIT", "Bas Milius", "https://github.com/basmilius/weather-icons",
            "meteocons", "meteocons weather icon"),
    IconSet("circle-flags", "@iconify-json/circle-flags", "1.2.11", "MIT", "HatScripts",
            "https://github.com/HatScripts/circle-flags", "circle-flags", "circle flag", "flag"),
    IconSet("fluent-color", "@iconify-json/fluent-color", "1.2.21", "MIT", "Microsoft Corporation",
            "https://github.com/microsoft/fluentui-system-icons", "fluent-icon", "fluent color icon"),
    IconSet("flat-ui", "@iconify-json/flat-ui", "1.2.3", "MIT", "Designmodo, Inc.", "https://github.com/designmodo/Flat-UI",
            "flat-ui", "flat ui icon"),
)


def requirements() -> dict[str, str]:
    """Package name to pinned version, everything that one `npm install` fetches."""
    return {s.package: s.version for s in SETS} | {NAMES_PACKAGE[0]: NAMES_PACKAGE[1]}
