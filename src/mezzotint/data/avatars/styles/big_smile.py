"""Big Smile: heads in half profile."""

from mezzotint.data.avatars.table import EYES, MOUTH, AvatarStyle, Choice, Option

__all__ = ["BIG_SMILE"]

_HAIR = {
    "shortHair": "short {hair} hair", "mohawk": "a {hair} mohawk", "wavyBob": "wavy {hair} hair",
    "bowlCutHair": "{hair} hair in a bowl cut", "curlyBob": "a {hair} bob", "straightHair": "straight {hair} hair",
    "braids": "{hair} braids", "shavedHead": "very short {hair} hair", "bunHair": "{hair} hair in a bun",
    "froBun": "curly {hair} hair in a bun", "bangs": "long {hair} hair with bangs",
    "halfShavedHead": "{hair} hair shaved on one side", "curlyShortHair": "short curly {hair} hair",
}  # fmt: skip


def _face(eyes: str, mouth: str, mood: str, shows: frozenset[str], weight: int = 1, note: str = "") -> Option:
    return Option({"eyes": eyes, "mouth": mouth}, {"mouth": note} if note else {}, mood, shows, weight=weight)


BIG_SMILE = AvatarStyle(
    name="big-smile",
    package="@dicebear/big-smile",
    version="9.4.3",
    licence="CC-BY-4.0",
    author="Ashley Seo",
    url="https://www.figma.com/community/file/881358461963645496",
    sha256="89637f51d17f697e98692c5ac348e3b3844c1eba0c2467b38b73eb6b79167459",
    view_box="-18 -60 516 516",
    base={"face": "base"},
    says={"skin": "{skin} skin"},
    inks={"skin": "skin", "hair": "hair"},
    nouns=("person", "face"),
    medium="big smile cartoon",
    tweaks={"#5E351B": "{colour hair}", "#71472D": "{colour hair}"},  # the moustache has the colour of the hair
    weight=20,
    choices=(
        Choice(tuple(Option({"hair": variant}, {"hair": phrase}) for variant, phrase in _HAIR.items())),
        Choice(
            (
                Option({"accessories": "glasses"}, {"eyewear": "round glasses"}, shows=EYES, weight=3),
                Option({"accessories": "sunglasses"}, {"eyewear": "sunglasses"}, covers=EYES, weight=3),
                Option({"accessories": "sleepMask"}, {"mask": "a purple sleep mask"}, covers=EYES),
                Option({"accessories": "faceMask"}, {"mask": "a white face mask"}, covers=MOUTH, weight=2),
                Option({"accessories": "mustache"}, {"beard": "a moustache"}, weight=2),
                Option({"accessories": "catEars"}, {"worn": "cat ears"}, weight=2),
                Option({"accessories": "clownNose"}, {"worn": "a red clown nose"}, weight=2),
            ),
            65,
        ),
        Choice(
            (
                _face("normal", "openedSmile", "smiling", MOUTH, 4),
                _face("cheery", "openedSmile", "smiling", MOUTH, 3),
                _face("normal", "teethSmile", "grinning", MOUTH, 2),
                _face("cheery", "awkwardSmile", "grinning", MOUTH, 2),
                _face("normal", "kawaii", "smiling", MOUTH, 2),
                _face("normal", "gapSmile", "smiling", MOUTH, 1, "a gap in the teeth"),
                _face("normal", "braces", "smiling", MOUTH, 1, "braces on the teeth"),
                _face("starstruck", "openedSmile", "starstruck", EYES | MOUTH, 2),
                _face("winking", "openedSmile", "winking", EYES, 2),
                _face("winking", "kawaii", "winking", EYES),
                _face("sleepy", "unimpressed", "sleepy", EYES, 2),
                _face("sad", "openSad", "sad", EYES | MOUTH, 4),
                _face("angry", "openSad", "angry", EYES | MOUTH, 4),
                _face("confused", "unimpressed", "confused", EYES, 2),
                _face("normal", "unimpressed", "serious", MOUTH, 3),
                _face("normal", "unimpressed", "", frozenset()),
            )
        ),
    ),
)
