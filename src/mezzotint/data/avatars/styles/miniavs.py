"""Miniavs: flat busts in half profile, all with an open smile."""

from mezzotint.data.avatars.table import AvatarStyle, Choice, Option

__all__ = ["MINIAVS"]

_HAIR = {
    "slaughter": "{hair} hair around a bald head", "ponyTail": "{hair} hair in a ponytail",
    "long": "long {hair} hair", "curly": "curly {hair} hair", "stylish": "a {hair} quiff", "elvis": "a {hair} quiff",
    "classic01": "short {hair} hair", "classic02": "short {hair} hair",
}  # fmt: skip
_MOUSTACHES = {
    "pencilThinBeard": "a thin moustache and a small chin beard", "pencilThin": "a thin moustache",
    "horshoe": "a horseshoe moustache", "freddy": "a moustache",
}  # fmt: skip

MINIAVS = AvatarStyle(
    name="miniavs",
    package="@dicebear/miniavs",
    version="9.4.3",
    licence="CC-BY-4.0",
    author="Webpixels",
    url="https://www.figma.com/community/file/923211396597067458",
    sha256="3294ce7e4036ac4c30fe7bb1c608128e0f168ba9c44521217eb981cdf2ed26fe",
    view_box="-4 3 61 61",
    base={"eyes": "happy"},
    says={"skin": "{skin} skin"},
    inks={"skin": "skin", "hair": "hair", "body": "cloth"},
    medium="flat miniavs portrait",
    weight=10,
    choices=(
        Choice(tuple(Option({"hair": variant}, {"hair": phrase}) for variant, phrase in _HAIR.items())),
        Choice(tuple(Option({"head": head}) for head in ("normal", "thin", "wide"))),
        Choice(
            (
                Option({"body": "tShirt"}, {"clothes": "a {cloth} t-shirt"}),
                Option({"body": "golf"}, {"clothes": "a {cloth} turtleneck"}),
            )
        ),
        Choice((Option({"glasses": "normal"}, {"eyewear": "round black glasses"}),), 45),
        Choice(tuple(Option({"mustache": variant}, {"beard": phrase}) for variant, phrase in _MOUSTACHES.items()), 40),
        Choice((Option({"blushes": "default"}, {"cheeks": "pink cheeks"}),), 25),
        Choice(
            (
                Option({"mouth": "default"}, {}, "smiling", weight=3),
                Option({"mouth": "missingTooth"}, {"mouth": "a missing tooth"}, "smiling"),
            )
        ),
    ),
)
