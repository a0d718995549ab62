"""What an avatar style is made of: a pinned package, choices between its drawings, and what each of them shows.

The parts of a picture are chosen by us, so its captions are known and not guessed. A drawing whose name says nothing,
and that shows nothing plain at 64 pixels, is in no table and is never used.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["EYES", "MOUTH", "AvatarStyle", "Choice", "Option"]

EYES, MOUTH = frozenset({"eyes"}), frozenset({"mouth"})


@dataclass(frozen=True, slots=True)
class Option:
    """One way to fill parts of a picture.

    parts: part -> its variant. says: what is then to be seen, by kind ("hair", "eyewear", ...; see `phrases.KINDS`),
    with a hole `{PALETTE}` for the name of a colour. mood: a word that stands before the noun. shows: the places
    ("eyes", "mouth") where this must be seen to be true; covers: the places that it hides. weight: how often, beside
    the others.
    """

    parts: Mapping[str, str]
    says: Mapping[str, str] = field(default_factory=dict)
    mood: str = ""
    shows: frozenset[str] = frozenset()
    covers: frozenset[str] = frozenset()
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the options, in so many of a hundred pictures; in the others none."""

    options: tuple[Option, ...]
    percent: int = 100


@dataclass(frozen=True)
class AvatarStyle:
    """One style.

    name: the word for `--style`. licence: of the drawings (SPDX); the package's code, which is not run, is under MIT.
    sha256: of all files that are read (see `fetch.fingerprint`). view_box: what is shown of the style's own canvas.
    base: parts that every picture has unless a choice fills them. says: what is to be seen in every picture.
    inks: colour in the drawings -> palette. plain_hair: the colour of hair that has no ink.
    choices: made in this order; what an earlier one filled or covered stays so. nouns: what captions call the picture's
    subject; medium: what they call such a picture. ground: SVG below everything, with holes. tweaks: text in the
    drawings -> what stands there instead, which may be a hole `{colour INK}`. backed: whether some pictures get a
    background. weight: how often, beside other styles.
    """

    name: str
    package: str
    version: str
    licence: str
    author: str
    url: str
    sha256: str
    view_box: str
    inks: Mapping[str, str]
    choices: tuple[Choice, ...]
    base: Mapping[str, str] = field(default_factory=dict)
    says: Mapping[str, str] = field(default_factory=dict)
    plain_hair: str = ""
    nouns: tuple[str, ...] = ("person",)
    medium: str = "portrait"
    ground: str = ""
    tweaks: Mapping[str, str] = field(default_factory=dict)
    backed: bool = True
    weight: int = 1

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that are used, sorted."""
        options = (option for choice in self.choices for option in choice.options)
        return tuple(sorted({*self.base, *(part for option in options for part in option.parts)}))
