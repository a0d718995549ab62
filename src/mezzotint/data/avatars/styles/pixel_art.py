"""Pixel Art: busts on a grid of 16 by 16 pixels. The drawings have numbers; what each shows was looked at."""

from mezzotint.data.avatars.table import EYES, MOUTH, AvatarStyle, Choice, Option

__all__ = ["PIXEL_ART"]

_HAIR = {
    "short {hair} hair": (
        "short01", "short02", "short03", "short04", "short06", "short08", "short09", "short10", "short15", "short16",
        "short17", "short19", "short22",
    ),
    "long {hair} hair": (
        "long01", "long02", "long03", "long07", "long08", "long09", "long12", "long13", "long20",
    ),
    "chin-length {hair} hair": ("long04", "long16", "long17", "long21"),
    "{hair} pigtails": ("long18", "long19"),
    "{hair} hair in a side ponytail": ("long06",),
    "{hair} hair in a bun": ("long05",),
    "{hair} hair around a bald head": ("short07", "short18"),
}  # fmt: skip
_HATS = {
    "a {hat} hat": ("variant06", "variant10"),
    "a {hat} cap": ("variant02", "variant07"),
    "a {hat} beanie": ("variant01", "variant05", "variant08", "variant09"),
    "a striped {hat} beanie": ("variant03", "variant04"),
}
_CLOTHING = ("variant01", "variant03", "variant04", "variant05", "variant08", "variant11", "variant14", "variant23")
_MOUTHS = {
    "smiling": ("happy06", "happy08", "happy09"),
    "sad": ("sad01",),
    "serious": ("sad04", "sad05", "sad06", "sad07"),
}

PIXEL_ART = AvatarStyle(
    name="pixel-art",
    package="@dicebear/pixel-art",
    version="9.4.3",
    licence="CC0-1.0",
    author="DiceBear",
    url="https://www.figma.com/community/file/1198754108850888330",
    sha256="14bd5a6fd70d37371ac486e0c8e7a4a3440d92ff9b837f49ffb0a3a14891e0de",
    view_box="0 0 16 16",
    says={"clothes": "a {cloth} shirt", "skin": "{skin} skin", "eyes": "{iris} eyes"},
    inks={
        "skin": "skin", "hair": "hair", "clothing": "cloth", "hat": "hat", "eyes": "iris", "mouth": "lips",
        "glasses": "frame", "accessories": "metal",
    },
    medium="pixel art portrait",
    weight=16,
    choices=(
        Choice(
            (
                *(Option({"hair": v}, {"hair": phrase}) for phrase, some in _HAIR.items() for v in some),
                *(Option({"hat": v}, {"headwear": phrase}) for phrase, some in _HATS.items() for v in some),
            )
        ),
        Choice(tuple(Option({"clothing": variant}) for variant in _CLOTHING)),
        Choice(
            (
                Option({"glasses": "light05"}, {"eyewear": "{frame} glasses"}, weight=2),
                Option({"glasses": "light06"}, {"eyewear": "{frame} glasses"}, weight=2),
                Option({"glasses": "light07"}, {"eyewear": "large {frame} glasses"}, weight=2),
                Option({"glasses": "dark05"}, {"eyewear": "{frame} sunglasses"}, covers=EYES),
                Option({"glasses": "dark06"}, {"eyewear": "{frame} sunglasses"}, covers=EYES),
                Option({"glasses": "dark07"}, {"eyewear": "large {frame} sunglasses"}, covers=EYES),
            ),
            40,
        ),
        Choice((Option({"accessories": "variant04"}, {"worn": "{metal} earrings"}),), 15),
        Choice(tuple(Option({"eyes": eyes}) for eyes in ("variant01", "variant09", "variant11"))),
        Choice(
            tuple(
                Option({"mouth": mouth}, {}, mood, MOUTH, weight=3 if len(some) == 1 else 1)
                for mood, some in _MOUTHS.items()
                for mouth in some
            )
        ),
    ),
)  # fmt: skip
