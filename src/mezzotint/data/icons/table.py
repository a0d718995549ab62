"""The picture sets of the house data: pinned packages, their licences and authors, and how much of each is used.

Every licence here is permissive (MIT, Apache-2.0, CC-BY-4.0). The builder compares it with the package's own
`info.json` and refuses a package that says something else. CC-BY sets are credited in `ATTRIBUTION.md`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["NAMES_PACKAGE", "SETS", "IconSet", "requirements"]


@dataclass(frozen=True, slots=True)
class IconSet:
    """One drawn set.

    name: the id used in the manifest; style: the word for `--style`; phrase: what captions call such a drawing.
    kind: "emoji" (named by Unicode), "icon" (named by its file name), "flag" (by country code), "render" (WebP files).
    shares: part of each of the set's own categories that is kept, chosen by hash of the concept; "*" is the rest.
    tints: hex colours of the two-tone drawing that take on a named hue, by role (see `tint.py`).
    sizes: offers each drawing in several sizes; joined: writes names without spaces; enlarge: leaves wide margins.
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
    sizes: bool = False
    joined: bool = False
    enlarge: bool = False


NAMES_PACKAGE = ("emojibase-data", "17.0.0")

_UI = {
    "FoodDrink": 1.0, "Culture": 1.0, "Entertainment": 1.0, "Health": 1.0, "NatureEcology": 1.0, "MapTravel": 0.8,
    "MoneyShopping": 0.35, "ComputerDevices": 0.35, "Phone": 0.35, "WorkEducation": 0.8, "ImagesPhotography": 0.6,
    "Shipping": 0.5, "Mail": 0.2, "InterfaceEssential": 0.12, "Programming": 0.12, "ArtificialIntelligence": 0.0,
}  # fmt: skip
_PARK = {
    "Animals": 1.0, "Baby": 1.0, "Build": 1.0, "Clothes": 1.0, "Emoji": 1.0, "Energy": 1.0, "Foods": 1.0, "Game": 1.0,
    "Hands": 0.6, "Health": 1.0, "Industry": 1.0, "Life": 1.0, "Makeups": 1.0, "Money": 0.4, "Music": 1.0,
    "Peoples": 0.6, "Safe": 1.0, "Sports": 1.0, "Time": 1.0, "Travel": 1.0, "Weather": 1.0, "Hardware": 0.5,
    "Office": 0.25, "Base": 0.3, "Measurement": 1.0, "*": 0.0,
}  # fmt: skip
_FREEHAND = {
    "MusicVideoEntertainment": 0.9, "ShoppingEcommerce": 0.5, "Wayfinding": 0.5, "ImagesPhotography": 0.4,
    "Design": 0.4, "ComputersDevicesElectronics": 0.4, "WorkOfficeCompanies": 0.4, "MoneyPaymentsFinance": 0.3,
    "PhonesMobileDevices": 0.3, "Business": 0.3, "InterfaceEssential": 0.25, "*": 0.0,
}  # fmt: skip
_ULTIMATE = {
    "Logos": 0.0,
    "InterfaceEssential": 0.4,
    "ArrowsDiagrams": 0.4,
    "ProgramingAppsWebsites": 0.5,
    "Content": 0.5,
}
_BLUES = {"#4147d5": "deep", "#2859c5": "deep", "#8fbffa": "mid", "#d7e0ff": "pale"}
_GOOGLE = ("Google Inc", "https://github.com/googlefonts/noto-emoji")
_MICROSOFT = ("Microsoft Corporation", "https://github.com/microsoft/fluentui-emoji")
_STREAMLINE = ("Streamline", "https://github.com/webalys-hq/streamline-vectors")


def _streamline(
    name: str,
    version: str,
    style: str,
    phrase: str,
    shares: Mapping[str, float] | None = None,
    tints: Mapping[str, str] | None = None,
) -> IconSet:
    package, licence = f"@iconify-json/{name}", "CC-BY-4.0"
    return IconSet(name, package, version, licence, *_STREAMLINE, style, phrase, shares=shares or {}, tints=tints or {})


# fmt: off
SETS: tuple[IconSet, ...] = (
    IconSet("noto", "@iconify-json/noto", "1.2.9", "Apache-2.0", *_GOOGLE, "noto", "noto emoji", "emoji"),
    IconSet("noto-v1", "@iconify-json/noto-v1", "1.2.5", "Apache-2.0", *_GOOGLE, "noto-classic", "noto classic emoji",
            "emoji"),
    IconSet("twemoji", "@iconify-json/twemoji", "1.2.5", "CC-BY-4.0", "Twitter", "https://github.com/jdecked/twemoji",
            "twemoji", "twemoji emoji", "emoji"),
    IconSet("fluent-emoji", "@iconify-json/fluent-emoji", "1.2.7", "MIT", *_MICROSOFT, "fluent", "fluent emoji",
            "emoji", {"*": 0.35}),
    IconSet("fluent-emoji-flat", "@iconify-json/fluent-emoji-flat", "1.2.6", "MIT", *_MICROSOFT, "fluent-flat",
            "fluent flat emoji", "emoji"),
    IconSet("fluent-3d", "@lobehub/fluent-emoji-3d", "1.1.0", "MIT", *_MICROSOFT, "fluent-3d", "fluent 3d emoji",
            "render"),
    IconSet("emojione", "@iconify-json/emojione", "1.2.3", "CC-BY-4.0", "Emoji One",
            "https://github.com/EmojiTwo/emojitwo", "emojione", "emojione emoji", "emoji"),
    IconSet("fxemoji", "@iconify-json/fxemoji", "1.2.2", "Apache-2.0", "Mozilla", "https://github.com/mozilla/fxemoji",
            "fxemoji", "fxemoji emoji", "emoji", joined=True),
    IconSet("streamline-emojis", "@iconify-json/streamline-emojis", "1.2.4", "CC-BY-4.0", *_STREAMLINE, "sticker",
            "sticker", "emoji"),
    IconSet("icon-park", "@iconify-json/icon-park", "1.2.4", "Apache-2.0", "ByteDance",
            "https://github.com/bytedance/IconPark", "icon-park", "icon park icon", "icon", _PARK,
            {"#2f88ff": "vivid", "#43ccf8": "mid"}),
    _streamline("streamline-color", "1.2.2", "streamline", "streamline icon", _UI, _BLUES),
    _streamline("streamline-plump-color", "1.2.2", "plump", "plump icon", _UI, _BLUES),
    _streamline("streamline-sharp-color", "1.2.2", "sharp", "sharp icon", _UI, _BLUES),
    _streamline("streamline-flex-color", "1.2.2", "flex", "flex icon", _UI, _BLUES),
    _streamline("streamline-freehand-color", "1.2.2", "freehand", "freehand drawing", _FREEHAND, {"#0c6fff": "vivid"}),
    _streamline("streamline-ultimate-color", "1.2.2", "ultimate", "ultimate icon", _ULTIMATE),
    _streamline("streamline-cyber-color", "1.2.2", "cyber", "cyber icon", {"InterfaceEssential": 0.5},
                {"#092f63": "ink", "#bbd8ff": "mid"}),
    _streamline("streamline-kameleon-color", "1.2.2", "kameleon", "kameleon icon", None,
                {"#2e3ecd": "deep", "#6bafff": "mid", "#deeeff": "pale"}),
    _streamline("streamline-stickies-color", "1.2.2", "stickies", "stickies icon", None,
                {"#00034a": "ink", "#9bff00": "mid"}),
    IconSet("marketeq", "@iconify-json/marketeq", "1.2.2", "MIT", "Marketeq",
            "https://www.npmjs.com/package/@iconify-json/marketeq", "marketeq", "marketeq icon", "icon", {"*": 0.5},
            {"#306cfe": "vivid"}),
    IconSet("flat-color-icons", "@iconify-json/flat-color-icons", "1.2.3", "MIT", "Icons8",
            "https://github.com/icons8/flat-Color-icons", "flat-color", "flat color icon"),
    IconSet("meteocons", "@iconify-json/meteocons", "1.2.4", "MIT", "Bas Milius",
            "https://github.com/basmilius/weather-icons", "meteocons", "meteocons weather icon", enlarge=True),
    IconSet("circle-flags", "@iconify-json/circle-flags", "1.2.11", "MIT", "HatScripts",
            "https://github.com/HatScripts/circle-flags", "circle-flags", "circle flag", "flag"),
    IconSet("fluent-color", "@iconify-json/fluent-color", "1.2.21", "MIT", "Microsoft Corporation",
            "https://github.com/microsoft/fluentui-system-icons", "fluent-icon", "fluent color icon", sizes=True),
    IconSet("flat-ui", "@iconify-json/flat-ui", "1.2.3", "MIT", "Designmodo, Inc.",
            "https://github.com/designmodo/Flat-UI", "flat-ui", "flat ui icon"),
)
# fmt: on


def requirements(sets: Sequence[IconSet] = SETS) -> dict[str, str]:
    """Package name to pinned version: everything that one `npm install` fetches."""
    return {icons.package: icons.version for icons in sets} | {NAMES_PACKAGE[0]: NAMES_PACKAGE[1]}
