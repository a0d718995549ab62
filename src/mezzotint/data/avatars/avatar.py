"""One avatar: which drawings, in which colours, and what is to be seen; a pure function of a seed and a number."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mezzotint.data.avatars.components import Drawings, compose, inks_of
from mezzotint.data.avatars.held import held_in
from mezzotint.data.avatars.palette import BACKDROPS, PALETTES
from mezzotint.data.avatars.table import AvatarStyle
from mezzotint.data.scenes.desk import alike
from mezzotint.data.scenes.phrases import an
from mezzotint.data.scenes.rolls import Rolls

__all__ = ["Avatar", "drawn", "plan"]

_PURPOSE = 3  # of the rolls: another stream than those of scenes
_BACKED = 30  # of a hundred pictures have a background
_HOLE = re.compile(r"\{(\w+)\}")
_LIKE = {"blonde": "yellow"}  # hair's name -> the colour that its shades are near


@dataclass(frozen=True, slots=True)
class Avatar:
    """What one picture is made of and shows.

    style: its name. parts: part -> variant; inks: colour in the drawings -> hex. mood: a word for the expression, or
    ""; things: kind -> what is to be seen, with the names of colours filled in. subject: what the captions call it.
    hair: the colour of the hair to be seen (of a face without hair: its own), or "". backdrop: name and hex of the
    background, or "". held: its held-out combinations, in words; empty if it may be in training.
    """

    number: int
    style: str
    parts: Mapping[str, str]
    inks: Mapping[str, str]
    mood: str
    things: Mapping[str, str]
    subject: str
    hair: str
    backdrop: tuple[str, str] = ("", "")
    held: tuple[str, ...] = ()


def plan(styles: Sequence[tuple[AvatarStyle, Drawings]], seed: int, number: int) -> Avatar:
    """Avatar `number`, without drawing it."""
    rolls = Rolls(seed, number, purpose=_PURPOSE)
    style, drawings = rolls.weighted([(pair, pair[0].weight) for pair in styles])
    parts, says, mood = _choices(style, rolls)
    names, inks = _colours(style, inks_of(drawings, parts, style.ground), rolls)
    noun = rolls.choice(style.nouns)
    things = {kind: _named(phrase, names) for kind, phrase in says.items()}
    coloured = "{hair}" in says.get("hair", "") or "{paper}" in noun
    found = Avatar(
        number,
        style.name,
        parts,
        inks,
        mood,
        things,
        _named(noun, names),
        names.get("hair", names.get("paper", "")) if coloured else "",
        _backdrop(names, rolls) if style.backed and rolls.chance(_BACKED) else ("", ""),
    )
    return replace(found, held=held_in(found.hair, mood, things, coloured_face="{paper}" in noun))


def _choices(style: AvatarStyle, rolls: Rolls) -> tuple[dict[str, str], dict[str, str], str]:
    """The parts, what they show, and the mood. An option is open if nothing covers where it must be seen."""
    parts: dict[str, str] = {}
    says, covered, mood = dict(style.says), frozenset[str](), ""
    for choice in style.choices:
        if not rolls.chance(choice.percent):
            continue
        options = [(option, option.weight) for option in choice.options if not option.shows & covered]
        if not options:
            continue
        option = rolls.weighted(options)
        parts = {**option.parts, **parts}
        says |= option.says
        covered |= option.covers
        mood = option.mood or mood
    return {**style.base, **parts}, {kind: phrase for kind, phrase in says.items() if kind not in covered}, mood


def _colours(style: AvatarStyle, used: frozenset[str], rolls: Rolls) -> tuple[dict[str, str], dict[str, str]]:
    """Palette -> its colour's name, and the drawings' inks -> hex. Hair without ink has the style's plain colour."""
    names, shades = {}, {}
    for palette in sorted(set(style.inks.values())):
        names[palette] = rolls.choice(tuple(PALETTES[palette]))
        shades[palette] = rolls.choice(PALETTES[palette][names[palette]])
    if style.plain_hair and not any(ink in used for ink, palette in style.inks.items() if palette == "hair"):
        names["hair"] = style.plain_hair
    return names, {ink: shades[palette] for ink, palette in style.inks.items()}


def _backdrop(names: Mapping[str, str], rolls: Rolls) -> tuple[str, str]:
    """A background that neither hair nor clothes are lost on."""
    seen = {_LIKE.get(name, name) for palette, name in names.items() if palette in ("hair", "cloth", "hat")}
    clear = [name for name in BACKDROPS if name not in seen and not any(alike(name, other) for other in seen)]
    if not clear:
        return "", ""
    name = rolls.choice(clear)
    return name, rolls.choice(BACKDROPS[name])


def _named(phrase: str, names: Mapping[str, str]) -> str:
    """The phrase with the colours' names in its holes; "a" becomes "an" where it must."""
    text = _HOLE.sub(lambda hole: names[hole[1]], phrase)
    return an(text[2:]) if text.startswith("a ") else text


def drawn(avatar: Avatar, style: AvatarStyle, drawings: Drawings) -> str:
    """The SVG document of an avatar."""
    x, y, width, height = style.view_box.split()
    name, shade = avatar.backdrop
    ground = f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{shade}"/>' if name else ""
    return compose(drawings, avatar.parts, avatar.inks, ground=ground + style.ground, view_box=style.view_box)
