"""The colours that avatars are given: palette -> name -> shades. Captions say the name.

Fabrics (none is brown, which is lost on dark skin), papers and backgrounds bear the names that `mezzotint.data.colours`
gives them. Hair is named as people name it; skin is light, medium or dark and nothing else. Every palette is drawn from
evenly and independently of the others.
"""

from collections.abc import Mapping

__all__ = ["BACKDROPS", "PALETTES"]

Palette = Mapping[str, tuple[str, ...]]

_FABRICS: Palette = {
    "red": ("#d32f2f", "#e53935"), "orange": ("#ff8a1c", "#f57c00"), "yellow": ("#ffd21f", "#fdd835"),
    "green": ("#388e3c", "#4caf50"), "teal": ("#0f9d92", "#26a69a"), "blue": ("#1976d2", "#2f7cf0"),
    "purple": ("#8e44c9", "#7e57c2"), "pink": ("#ff62a4", "#f06292"),
    "grey": ("#8b949c", "#666666"), "white": ("#f6f6f6", "#eef2f5"), "black": ("#232326", "#2b2b30"),
}  # fmt: skip

PALETTES: Mapping[str, Palette] = {
    "skin": {
        "light": ("#ffe0c4", "#f7d3b5", "#fbdccb"), "medium": ("#d9a272", "#cf9666", "#c98d5e"),
        "dark": ("#8a5533", "#714527", "#5c3820"),
    },
    # skin under black ink, where darker shades would hide the lines
    "inked": {"light": ("#ffe0c4", "#fbdccb"), "medium": ("#e0ad80", "#d9a272"), "dark": ("#a56b45", "#976040")},
    "hair": {
        "black": ("#1c1714", "#17171c", "#241c18"), "brown": ("#6b4226", "#5a3520", "#7a4b2b"),
        "blonde": ("#e8c264", "#f0d48a", "#dcb254"), "red": ("#b5391f", "#c4452a", "#a83220"),
        "orange": ("#e8762b", "#f08a35"), "grey": ("#8d9096", "#a5a8ad"), "white": ("#f1f1ef", "#e8e8ea"),
        "blue": ("#3465d8", "#2b7be0"), "pink": ("#f072ae", "#ea5f9f"), "green": ("#3fa45b", "#2f9150"),
        "purple": ("#8447c2", "#9457d1"),
    },
    "cloth": _FABRICS,
    "hat": _FABRICS,
    "iris": {"blue": ("#2f6fd0",), "green": ("#2e9150",), "brown": ("#6b4226",)},
    "metal": {"gold": ("#e0a91c", "#ffd02e"), "silver": ("#b9c0c6", "#9aa3ab")},
    "frame": {"black": ("#1d1d1f", "#2b2b30"), "red": ("#c62828",), "blue": ("#1565c0",), "brown": ("#6d4c41",)},
    "lips": {"pink": ("#c96b6b", "#b75a5a")},
    "paper": {
        "yellow": ("#fdd835", "#fcc934"), "orange": ("#ff9c3a", "#ffa733"), "red": ("#ef5350", "#e5534f"),
        "pink": ("#f48fb1", "#ff80ab"), "purple": ("#b085d8", "#9c6bd0"), "blue": ("#42a5f5", "#3d9bf0"),
        "teal": ("#4db6ac", "#40c0b0"), "green": ("#77b255", "#71cf62"), "brown": ("#c1844f", "#a1673f"),
        "grey": ("#9fa8b0", "#b0b6bb"), "white": ("#fafafa", "#f2f2f2"),
    },
}  # fmt: skip

BACKDROPS: Palette = {
    "white": ("#ffffff", "#f6f7f8"), "grey": ("#b4b9be", "#a3a9af"), "red": ("#ef6b63", "#e5574f"),
    "orange": ("#ffb266", "#ffa64d"), "yellow": ("#ffe27a", "#ffd84d"), "green": ("#a5d6a7", "#8ed19a"),
    "teal": ("#80cbc4", "#5cc0b4"), "light blue": ("#b3e5fc", "#a0d2f8"), "blue": ("#5b9df5", "#4a8df0"),
    "purple": ("#c3a5e6", "#b39ddb"), "pink": ("#f8bbd0", "#f7a8c4"),
}  # fmt: skip
