"""A made-up folder of icon packages: small sets of drawings that we made, and the emoji names they need."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from mezzotint.data.icons.table import IconSet

DISC = '<circle cx="16" cy="16" r="{r}" fill="{fill}"/>'


def disc(fill: str, r: float = 10) -> str:
    return DISC.format(r=r, fill=fill)


EMOJI = {
    "red-apple": disc("#d32f2f"),
    "green-apple": disc("#4caf50"),
    "cat-face": disc("#fdd835", 9),
    "guitar": disc("#8b4513"),
    "person-with-crown": disc("#fbc02d", 7),
    "automobile": '<path fill="#d32f2f" d="M0 0h32v32H0z"/>',  # touches the border
    "hidden-thing": disc("#000000"),
    "empty-thing": '<g fill="none"><path d="M1 1h2v2z"/></g>',
    "round-fruit": disc("#d32f2f"),  # the same pixels as the red apple
    **{
        f"waving-hand-{tone}-skin-tone": disc(f"#a0{i}0{i}0", 8)
        for i, tone in enumerate(("light", "medium", "dark"), 2)
    },
}
ICONS = {
    "house": '<path fill="#2f88ff" d="M4 4h24v24H4z"/>',
    "shopping-cart-2-flat": '<path fill="#2f88ff" d="M6 6h20v20H6z"/>',
    "save-file": '<path fill="#2f88ff" d="M8 8h16v16H8z"/>',
    "facebook-logo": disc("#2f88ff"),
    "labtop": '<path fill="#2F88FF" d="M5 5h22v16H5z"/>',
    "brand-thing": disc("#2f88ff", 11),
}
LABELS: list[dict[str, Any]] = [
    {"label": "red apple", "hexcode": "1F34E", "tags": ["fruit", "food", "key"], "group": 4, "subgroup": 1},
    {"label": "green apple", "hexcode": "1F34F", "tags": ["fruit", "food", "lol"], "group": 4, "subgroup": 1},
    {"label": "cat face", "hexcode": "1F431", "tags": ["pet", "food", "fruit"], "group": 3, "subgroup": 2},
    {"label": "guitar", "hexcode": "1F3B8", "tags": ["music", "pet", "key"], "group": 7, "subgroup": 3},
    {"label": "person with crown", "hexcode": "1FAC5", "tags": ["pet", "music", "key"], "group": 1, "subgroup": 4},
    {"label": "automobile", "hexcode": "1F697", "tags": ["car", "rare"], "group": 5, "subgroup": 5},
    {"label": "house", "hexcode": "1F3E0", "tags": ["home", "music"], "group": 5, "subgroup": 6},
    {"label": "waving hand", "hexcode": "1F44B", "tags": ["hello"], "group": 1, "subgroup": 7},
    {"label": "flag: Brazil", "hexcode": "1F1E7-1F1F7", "tags": [], "group": 9, "subgroup": 8},
]
SUBGROUPS = {
    1: "food-fruit", 2: "animal-mammal", 3: "musical-instrument", 4: "person-role", 5: "transport-ground",
    6: "place-building", 7: "hand-fingers-open", 8: "country-flag",
}  # fmt: skip

SETS = (
    IconSet("toy", "@iconify-json/toy", "1.0.0", "MIT", "Ann", "https://example.org/toy", "toy", "toy emoji", "emoji"),
    IconSet(
        "ui", "@iconify-json/ui", "2.0.0", "Apache-2.0", "Bob", "https://example.org/ui", "ui", "ui icon", "icon",
        {"Brand": 0.0}, {"#2f88ff": "vivid"},
    ),
    IconSet("solid", "@solid/render", "3.0.0", "MIT", "Eve", "https://example.org/solid", "solid", "solid emoji",
            "render"),
)  # fmt: skip


def _json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")


def iconify(root: Path, icons: IconSet, bodies: Mapping[str, str], categories: Mapping[str, list[str]]) -> None:
    """One package as Iconify lays it out."""
    folder = root / icons.package
    entries = {
        name: {"body": body, "hidden": True} if "hidden" in name else {"body": body} for name, body in bodies.items()
    }
    _json(folder / "icons.json", {"prefix": icons.name, "icons": entries, "width": 32, "height": 32})
    _json(folder / "info.json", {"license": {"spdx": icons.licence}, "author": {"name": icons.author}})
    _json(folder / "package.json", {"version": icons.version})
    _json(folder / "metadata.json", {"categories": categories})


def emojibase(root: Path) -> None:
    folder = root / "emojibase-data"
    _json(folder / "package.json", {"version": "17.0.0"})
    _json(folder / "en" / "data.json", LABELS)
    subgroups = [{"order": order, "key": key} for order, key in SUBGROUPS.items()]
    _json(folder / "en" / "messages.json", {"subgroups": subgroups})
    _json(folder / "en" / "shortcodes" / "github.json", {"1F34E": "apple", "1F697": ["car", "red_car"]})


def webp(path: Path, colour: tuple[int, int, int]) -> None:
    image = Image.new("RGBA", (64, 64))
    ImageDraw.Draw(image).ellipse((12, 12, 52, 52), fill=(*colour, 255))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())


def make(root: Path) -> Path:
    """All packages in `root`; returns it."""
    iconify(root, SETS[0], EMOJI, {})
    iconify(root, SETS[1], ICONS, {"Brand": ["brand-thing"], "Things": ["house"]})
    render = root / SETS[2].package
    _json(render / "package.json", {"version": "3.0.0", "license": "MIT"})
    webp(render / "assets" / "1f34e.webp", (200, 30, 40))
    webp(render / "assets" / "1f3e0.webp", (30, 90, 200))  # not in the licensed set
    _json(
        root / "@iconify-json" / "fluent-emoji" / "icons.json", {"icons": {"red-apple": {}, "house": {"hidden": True}}}
    )
    _json(root / "@iconify-json" / "noto" / "chars.json", {"1f34e": "red-apple"})
    emojibase(root)
    return root
