"""One drawing to render, and what it is called."""

from dataclasses import dataclass

__all__ = ["Job", "Title"]


@dataclass(frozen=True, slots=True)
class Title:
    """The name of one picture.

    name: what it shows; others: further names; keywords: related words; concept: the key that all drawings of the
    thing share; topic: the everyday word for its kind ("fruit"), or ""; tone: skin tone, or ""; tones: how many
    different ones; hexcode: Unicode, or "".
    """

    name: str
    others: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    concept: str = ""
    topic: str = ""
    tone: str = ""
    tones: int = 0
    hexcode: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One drawing: identity ("set:file name"), set, title, and either SVG text or the path of a rendered file.

    hue: the named colour that was given to a two-tone drawing, or ""; countable: whether its name takes an article;
    enlarge: whether empty margins are cut off.
    """

    identity: str
    set: str
    title: Title
    svg: str = ""
    path: str = ""
    hue: str = ""
    countable: bool = True
    enlarge: bool = False
