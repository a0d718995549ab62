"""ToonHead: cartoon busts, seen from the front."""

from mezzotint.data.avatars.table import EYES, MOUTH, AvatarStyle, Choice, Option

__all__ = ["TOON_HEAD"]

_HAIR = (
    # front, back, what is seen
    ("sideComed", "", "short {hair} hair"),
    ("undercut", "", "a {hair} undercut"),
    ("spiky", "", "spiky {hair} hair"),
    ("bun", "", "{hair} hair in a bun"),
    ("sideComed", "longStraight", "long straight {hair} hair"),
    ("sideComed", "longWavy", "long wavy {hair} hair"),
    ("sideComed", "shoulderHigh", "shoulder-length {hair} hair"),
    ("sideComed", "neckHigh", "a {hair} bob"),
)
_CLOTHES = {
    "turtleNeck": "a {cloth} turtleneck", "openJacket": "an open {cloth} jacket", "dress": "a sleeveless {cloth} top",
    "shirt": "a {cloth} sweater over a collared shirt", "tShirt": "a {cloth} t-shirt",
}  # fmt: skip


def _face(mouth: str, brows: str, eyes: str, mood: str, shows: frozenset[str], weight: int, note: str = "") -> Option:
    parts = {"mouth": mouth, "eyebrows": brows, "eyes": eyes}
    return Option(parts, {"eyes": note} if note else {}, mood, shows, weight=weight)


TOON_HEAD = AvatarStyle(
    name="toon-head",
    package="@dicebear/toon-head",
    version="9.4.3",
    licence="CC-BY-4.0",
    author="Johan Melin",
    url="https://www.figma.com/community/file/1589627891082866389",
    sha256="07e6b0522bb7db486c657d8d9be549f1e7d36f4dfafde8219bc77d57197119b8",
    view_box="40 8 700 700",
    base={"body": "body", "head": "head"},
    says={"skin": "{skin} skin"},
    inks={"skin": "skin", "hair": "hair", "clothes": "cloth"},
    medium="toon head cartoon",
    weight=18,
    choices=(
        Choice(
            tuple(
                Option({"hair": front, "rearHair": back} if back else {"hair": front}, {"hair": phrase})
                for front, back, phrase in _HAIR
            )
        ),
        Choice(tuple(Option({"clothes": variant}, {"clothes": phrase}) for variant, phrase in _CLOTHES.items())),
        Choice(
            (
                Option({"beard": "moustacheTwirl"}, {"beard": "a curled moustache"}, weight=2),
                Option({"beard": "chin"}, {"beard": "a small chin beard"}),
                Option({"beard": "chinMoustache"}, {"beard": "a moustache and a small chin beard"}),
                Option({"beard": "fullBeard"}, {"beard": "a beard"}, covers=MOUTH, weight=3),
                Option({"beard": "longBeard"}, {"beard": "a long beard"}, covers=MOUTH, weight=3),
            ),
            40,
        ),
        Choice(
            (
                _face("smile", "happy", "wide", "smiling", MOUTH, 4),
                _face("smile", "neutral", "happy", "smiling", MOUTH, 3),
                _face("laugh", "happy", "wide", "laughing", MOUTH, 4),
                _face("laugh", "happy", "bow", "laughing", EYES | MOUTH, 3, "closed eyes"),
                _face("smile", "happy", "bow", "smiling", EYES | MOUTH, 2, "closed eyes"),
                _face("smile", "raised", "wink", "winking", EYES, 4),
                _face("angry", "angry", "wide", "angry", EYES | MOUTH, 6),
                _face("sad", "sad", "wide", "sad", EYES | MOUTH, 6),
                _face("agape", "raised", "wide", "surprised", MOUTH, 5),
                _face("sad", "neutral", "humble", "", EYES, 2, "closed eyes"),
                _face("smile", "neutral", "wide", "", frozenset(), 1),
            )
        ),
    ),
)
