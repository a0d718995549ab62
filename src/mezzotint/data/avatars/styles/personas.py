"""Personas: flat busts, seen from the front."""

from mezzotint.data.avatars.table import EYES, MOUTH, AvatarStyle, Choice, Option

__all__ = ["PERSONAS"]

_HAIR = {
    "sideShave": "long {hair} hair shaved on one side", "fade": "{hair} hair shaved at the sides",
    "shortCombover": "short {hair} hair", "curlyHighTop": "curly {hair} hair", "curly": "big curly {hair} hair",
    "pigtails": "{hair} pigtails", "long": "long {hair} hair", "bobCut": "a {hair} bob", "bobBangs": "a {hair} bob",
    "bunUndercut": "{hair} hair in a bun", "extraLong": "very long {hair} hair", "mohawk": "a {hair} mohawk",
    "shortComboverChops": "short {hair} hair with sideburns",
}  # fmt: skip
_BEARDS = {
    "pyramid": "a moustache", "walrus": "a moustache", "goatee": "a goatee",
    "soulPatch": "a soul patch",
}  # fmt: skip
_NOSES = ("mediumRound", "smallRound")


def _face(mouth: str, mood: str, weight: int = 1, eyes: str = "open", shows: frozenset[str] = MOUTH) -> Option:
    return Option({"mouth": mouth, "eyes": eyes}, {}, mood, shows, weight=weight)


PERSONAS = AvatarStyle(
    name="personas",
    package="@dicebear/personas",
    version="9.4.3",
    licence="CC-BY-4.0",
    author="Draftbit",
    url="https://personas.draftbit.com",
    sha256="85462dbdf8a6768c0ef489eda0b0deca4057913d204baf5629c440a69a5cf82d",
    view_box="4 7 57 57",
    says={"skin": "{skin} skin"},
    inks={"skin": "skin", "hair": "hair", "clothing": "cloth"},
    medium="flat personas portrait",
    # the light over the face is so strong that dark skin looks grey
    tweaks={'style="mix-blend-mode:overlay" opacity=".36"': 'opacity=".1"'},
    weight=18,
    choices=(
        Choice(
            (
                *(Option({"hair": variant}, {"hair": phrase}, weight=3) for variant, phrase in _HAIR.items()),
                Option(
                    {"hair": "curlyBun"},
                    {"hair": "curly {hair} hair in a bun", "headwear": "a pink headband"},
                    weight=2,
                ),
                Option(
                    {"hair": "straightBun"}, {"hair": "{hair} hair in a bun", "headwear": "a pink headband"}, weight=2
                ),
                Option({"hair": "bald"}, {"hair": "a bald head"}, weight=3),
                Option({"hair": "balding"}, {"hair": "{hair} hair around a bald head"}, weight=2),
                Option({"hair": "cap"}, {"headwear": "an orange cap"}, weight=4),
                Option({"hair": "beanie"}, {"headwear": "a red beanie"}, weight=4),
            )
        ),
        Choice(
            (
                Option({"body": "squared"}, {"clothes": "a {cloth} shirt"}, weight=2),
                Option({"body": "rounded"}, {"clothes": "a {cloth} shirt"}, weight=2),
                Option({"body": "checkered"}, {"clothes": "a checked {cloth} shirt"}, weight=2),
            )
        ),
        Choice(tuple(Option({"nose": nose}) for nose in _NOSES)),
        Choice(
            (
                *(Option({"facialHair": variant}, {"beard": phrase}) for variant, phrase in _BEARDS.items()),
                # it has a mouth of its own, and smiles
                Option({"facialHair": "beardMustache"}, {"beard": "a beard"}, "smiling", covers=MOUTH, weight=3),
            ),
            25,
        ),
        Choice(
            (
                Option({"eyes": "glasses"}, {"eyewear": "glasses"}, covers=EYES),
                Option({"eyes": "sunglasses"}, {"eyewear": "sunglasses"}, covers=EYES),
            ),
            40,
        ),
        Choice(
            (
                _face("smile", "smiling", 5),
                _face("bigSmile", "smiling", 5),
                _face("frown", "sad", 5),
                _face("surprise", "surprised", 4),
                _face("smirk", "smirking", 3),
                _face("smile", "winking", 3, "wink", EYES),
                _face("bigSmile", "happy", 3, "happy", EYES | MOUTH),
                Option({"mouth": "smile", "eyes": "sleep"}, {"eyes": "closed eyes"}, "smiling", EYES | MOUTH, weight=3),
                Option({"mouth": "frown", "eyes": "sleep"}, {"eyes": "closed eyes"}, "sad", EYES | MOUTH, weight=2),
                Option({"mouth": "smile", "eyes": "open"}, weight=2),
                Option({"mouth": "lips", "eyes": "open"}, {"mouth": "pink lips"}, shows=MOUTH, weight=3),
            )
        ),
    ),
)
