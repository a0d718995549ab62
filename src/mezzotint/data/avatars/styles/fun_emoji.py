"""Fun Emoji: eyes and mouths, which we put on a rounded square of one colour."""

from mezzotint.data.avatars.table import EYES, MOUTH, AvatarStyle, Choice, Option

__all__ = ["FUN_EMOJI"]

_MOUTHS = (
    # variant, mood, weight
    ("lilSmile", "smiling", 2),
    ("wideSmile", "smiling", 3),
    ("smileTeeth", "grinning", 3),
    ("smileLol", "laughing", 3),
    ("sad", "sad", 4),
    ("shout", "shouting", 3),
    ("plain", "serious", 3),
    ("kissHeart", "kissing", 3),
    ("sick", "sick", 3),
    ("drip", "drooling", 2),
)

FUN_EMOJI = AvatarStyle(
    name="fun-emoji",
    package="@dicebear/fun-emoji",
    version="9.4.3",
    licence="CC-BY-4.0",
    author="Davis Uche",
    url="https://www.figma.com/community/file/968125295144990435",
    sha256="e5c899502a6b1d6a1529e3443462628f6f5e23124636da8c5e77228ea9eae99a",
    view_box="-14 -14 228 228",
    inks={"paper": "paper"},
    nouns=("square {paper} face", "{paper} face"),
    medium="fun emoji",
    ground='<rect width="200" height="200" rx="44" fill="{colour paper}"/>',
    backed=False,
    weight=8,
    choices=(
        Choice(
            (
                Option({"eyes": "plain"}, weight=5),
                Option({"eyes": "cute"}, weight=3),
                Option({"eyes": "wink"}, {"eyes": "one eye closed"}, weight=3),
                Option({"eyes": "wink2"}, {"eyes": "one eye closed"}, weight=3),
                Option({"eyes": "closed"}, {"eyes": "closed eyes"}, weight=3),
                Option({"eyes": "sleepClose"}, {"eyes": "closed eyes"}, weight=2),
                Option({"eyes": "love"}, {"eyes": "heart eyes"}, weight=5),
                Option({"eyes": "stars"}, {"eyes": "star eyes"}, weight=5),
                Option({"eyes": "glasses"}, {"eyewear": "glasses"}, covers=EYES, weight=5),
                Option({"eyes": "shades"}, {"eyewear": "sunglasses"}, covers=EYES, weight=6),
                Option({"eyes": "tearDrop"}, {"eyes": "a tear"}, weight=3),
            )
        ),
        Choice(
            (
                *(Option({"mouth": variant}, {}, mood, MOUTH, weight=w) for variant, mood, w in _MOUTHS),
                Option({"mouth": "tongueOut"}, {"mouth": "its tongue out"}, shows=MOUTH, weight=4),
                Option({"mouth": "faceMask"}, {"mask": "a face mask"}, weight=4),
            )
        ),
    ),
)
