"""Open Peeps: busts drawn with a black pen. Most hair is black ink; a few heads have hair in a colour."""

from mezzotint.data.avatars.table import EYES, MOUTH, AvatarStyle, Choice, Option

__all__ = ["OPEN_PEEPS"]

# a beard is drawn in ink or in the colour of the hair, and is only put on heads whose hair is so too
_INK, _TINTED = frozenset({"beard in colour"}), frozenset({"beard in ink"})

_BLACK_HAIR = {
    "afro": "a {hair} afro", "bangs2": "a {hair} bob with bangs", "bantuKnots": "{hair} bantu knots",
    "bun2": "{hair} hair in a bun", "buns": "{hair} hair in buns", "cornrows2": "{hair} cornrows in a ponytail",
    "dreads1": "curly {hair} hair", "dreads2": "curly {hair} hair", "flatTop": "a {hair} flat top",
    "flatTopLong": "a {hair} flat top", "long": "long {hair} hair", "longBangs": "long {hair} hair with bangs",
    "longCurly": "long curly {hair} hair", "medium1": "a {hair} bob", "medium2": "shoulder-length {hair} hair",
    "medium3": "shoulder-length {hair} hair", "mediumBangs": "shoulder-length {hair} hair with bangs",
    "mediumBangs3": "wavy {hair} hair with bangs", "mediumStraight": "straight {hair} hair", "pomp": "a {hair} quiff",
    "shaved1": "{hair} hair shaved at the sides", "shaved2": "{hair} hair shaved at the sides",
    "shaved3": "messy {hair} hair shaved at the sides", "short1": "short {hair} hair", "short2": "short {hair} hair",
    "short3": "short curly {hair} hair", "short5": "short {hair} hair", "twists": "short {hair} twists",
    "twists2": "short {hair} twists",
}  # fmt: skip
_COLOURED_HAIR = {
    "bangs": "shoulder-length {hair} hair with bangs", "grayBun": "{hair} hair in a bun",
    "grayMedium": "{hair} hair in a low bun", "grayShort": "short {hair} hair",
    "mediumBangs2": "wavy {hair} hair with bangs", "mohawk": "a {hair} mohawk", "mohawk2": "a spiky {hair} mohawk",
    "short4": "short wavy {hair} hair",
}  # fmt: skip
_HEADWEAR = {
    "hatBeanie": "a {cloth} beanie", "hatHip": "a black hat", "hijab": "a black hijab", "turban": "a {cloth} turban",
}  # fmt: skip
_BEARDS = {
    "chin": "a chin beard", "full": "a beard", "full2": "a beard", "full3": "a big beard", "goatee1": "a goatee",
    "goatee2": "a goatee", "moustache2": "a drooping moustache", "moustache3": "a handlebar moustache",
    "moustache5": "a moustache", "moustache6": "a moustache", "moustache7": "a moustache",
}  # fmt: skip
_FACES = (
    # face, mood, where it shows, weight
    ("smile", "smiling", MOUTH, 5),
    ("smileTeethGap", "smiling", MOUTH, 4),
    ("smileBig", "grinning", MOUTH, 4),
    ("smileLOL", "laughing", EYES | MOUTH, 4),
    ("solemn", "sad", EYES | MOUTH, 4),
    ("concerned", "worried", EYES | MOUTH, 2),
    ("concernedFear", "worried", EYES | MOUTH, 2),
    ("fear", "scared", EYES, 3),
    ("veryAngry", "angry", EYES | MOUTH, 4),
    ("rage", "furious", EYES | MOUTH, 3),
    ("serious", "serious", EYES, 3),
    ("tired", "tired", EYES | MOUTH, 2),
    ("awe", "amazed", EYES, 3),
    ("suspicious", "suspicious", EYES, 2),
    ("blank", "", frozenset[str](), 2),
)

OPEN_PEEPS = AvatarStyle(
    name="open-peeps",
    package="@dicebear/open-peeps",
    version="9.4.3",
    licence="CC0-1.0",
    author="Pablo Stanley",
    url="https://www.openpeeps.com",
    sha256="275f91725b8133467096dd52d90e33c13afeadcf6a53dbcdd57eefe8ad95935a",
    view_box="0 -45 704 704",
    says={"clothes": "a {cloth} shirt", "skin": "{inked} skin"},
    inks={"skin": "inked", "clothing": "cloth", "headContrast": "hair"},
    plain_hair="black",
    medium="open peeps drawing",
    weight=22,
    choices=(
        Choice(
            (
                *(Option({"head": v}, {"hair": s}, covers=_INK, weight=2) for v, s in _BLACK_HAIR.items()),
                *(Option({"head": v}, {"hair": s}, covers=_TINTED, weight=8) for v, s in _COLOURED_HAIR.items()),
                *(Option({"head": v}, {"headwear": s}, covers=_INK, weight=5) for v, s in _HEADWEAR.items()),
                Option(
                    {"head": "bun"},
                    {"hair": "{hair} hair in a bun", "headwear": "a {cloth} bow"},
                    covers=_INK,
                    weight=4,
                ),
                Option({"head": "noHair1"}, {"hair": "a bald head"}, weight=4),
                Option({"head": "noHair2"}, {"hair": "a bald head"}, weight=4),
            )
        ),
        Choice(
            (
                Option({"mask": "medicalMask"}, {"mask": "a white face mask"}, covers=MOUTH),
                Option({"mask": "respirator"}, {"mask": "a light blue face mask"}, covers=MOUTH),
            ),
            8,
        ),
        Choice(
            (
                *(Option({"facialHair": v}, {"beard": s}, shows=MOUTH | _TINTED, weight=1) for v, s in _BEARDS.items()),
                Option({"facialHair": "full4"}, {"beard": "a beard"}, shows=MOUTH | _INK, weight=6),
                Option({"facialHair": "moustache9"}, {"beard": "a moustache"}, shows=MOUTH | _INK, weight=6),
            ),
            25,
        ),
        Choice(
            (
                *(
                    Option({"accessories": v}, {"eyewear": "glasses"})
                    for v in ("glasses", "glasses2", "glasses3", "glasses5")
                ),
                Option({"accessories": "glasses4"}, {"eyewear": "white glasses"}),
                Option({"accessories": "sunglasses"}, {"eyewear": "sunglasses"}, covers=EYES, weight=2),
                Option({"accessories": "sunglasses2"}, {"eyewear": "sunglasses"}, covers=EYES, weight=2),
                Option({"accessories": "eyepatch"}, {"eyewear": "an eye patch"}, covers=EYES, weight=2),
            ),
            40,
        ),
        Choice(
            (
                *(Option({"face": v}, {}, mood, shows, weight=w) for v, mood, shows, w in _FACES),
                Option({"face": "lovingGrin1"}, {"eyes": "heart eyes"}, "smiling", EYES | MOUTH, weight=3),
                Option({"face": "lovingGrin2"}, {"eyes": "heart eyes"}, "grinning", EYES | MOUTH, weight=3),
                Option({"face": "calm"}, {"eyes": "closed eyes"}, "smiling", EYES | MOUTH, weight=3),
                Option({"face": "eyesClosed"}, {"eyes": "closed eyes"}, shows=EYES, weight=2),
            )
        ),
    ),
)
