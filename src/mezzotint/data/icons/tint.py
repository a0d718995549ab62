"""Named hues for two-tone drawings.

Sets drawn in one blue would teach that every icon is blue. Their few hex colours are replaced by shades of one of
ten named hues, chosen by a hash of set and picture name; the caption states the hue.
"""

import hashlib
from collections.abc import Mapping

__all__ = ["HUES", "choose_hue", "tinted"]

# role -> shade: ink (darkest line), deep (line), vivid (strong fill), mid (light fill), pale (faint fill)
HUES: dict[str, dict[str, str]] = {
    "red": {"ink": "#a01414", "deep": "#c22222", "vivid": "#ef3b3b", "mid": "#ee5a52", "pale": "#f9c9c4"},
    "orange": {"ink": "#d96200", "deep": "#e06a00", "vivid": "#ff8c1a", "mid": "#ffa64d", "pale": "#ffe3c2"},
    "yellow": {"ink": "#dcae00", "deep": "#e8b800", "vivid": "#ffd21f", "mid": "#ffe14d", "pale": "#fff3b0"},
    "green": {"ink": "#0d4a1c", "deep": "#1f8a38", "vivid": "#35b653", "mid": "#7fce8f", "pale": "#d0f0d6"},
    "teal": {"ink": "#00605a", "deep": "#00857a", "vivid": "#10a899", "mid": "#5cc4b8", "pale": "#cdeeea"},
    "blue": {"ink": "#2457bd", "deep": "#2859c5", "vivid": "#2f88ff", "mid": "#5b9df5", "pale": "#cfe0fc"},
    "purple": {"ink": "#4c1a80", "deep": "#7a2fbf", "vivid": "#9c4fe0", "mid": "#b98aea", "pale": "#e6d6fa"},
    "pink": {"ink": "#c01f6a", "deep": "#d6347f", "vivid": "#ff5fa2", "mid": "#ff94c2", "pale": "#ffdbea"},
    "brown": {"ink": "#3f2213", "deep": "#7a4527", "vivid": "#9c5f38", "mid": "#b07a52", "pale": "#e6d2c0"},
    "grey": {"ink": "#4a4f54", "deep": "#5f666d", "vivid": "#868e96", "mid": "#a4abb2", "pale": "#e2e5e8"},
}


def choose_hue(identity: str) -> str:
    """The hue of a picture: a pure function of its identity, even over the hues."""
    number = int.from_bytes(hashlib.sha256(b"hue:" + identity.encode()).digest()[:8], "big")
    return tuple(HUES)[number % len(HUES)]


def tinted(svg: str, tints: Mapping[str, str], hue: str) -> str:
    """Replace each hex colour of `tints` (hex -> role) in the SVG text by the hue's shade for that role."""
    for colour, role in tints.items():
        svg = svg.replace(colour, HUES[hue][role]).replace(colour.upper(), HUES[hue][role])
    return svg
