"""English for captions: numbers, groups, backdrops, styles. Nothing is said that the picture does not show."""

from mezzotint.data.captions import LONGEST, NUMBERS, article
from mezzotint.data.frames import FRAMES, framed
from mezzotint.data.scenes.backdrops import ground
from mezzotint.data.scenes.scene import GRID, Group, Scene

__all__ = [
    "COUNTS",
    "NUMBERS",
    "SETTINGS",
    "SIDES",
    "an",
    "captions_of",
    "number",
    "plain",
    "the",
    "thing",
]

COUNTS = {**{word: value for value, word in enumerate(NUMBERS) if value}, **{str(n): n for n in range(1, 10)}}
"""How many, by word and by digit."""
SIDES = {
    "to the left of": "left of", "left of": "left of", "to the right of": "right of", "right of": "right of",
    "above": "above", "on top of": "above", "below": "below",
}  # fmt: skip
"""How a side of another thing is said, and which it is."""
SETTINGS = {
    "sky": "in front of a blue sky with clouds",
    "grass": "in front of a green meadow",
    "sea": "in front of the sea",
    "room": "in front of a wall",
    "night": "in front of a starry night sky",
}
_STANDING = {"grass": "on the grass", "sea": "on a beach by the sea", "room": "on the floor of a room"}


def an(text: str) -> str:
    """One thing with its article: "an hourglass", "a police car"."""
    found = article(text)
    return f"a {text}" if found == text else found


def number(count: int) -> str:
    """The number as a word."""
    return NUMBERS[count]


def plain(group: Group) -> str:
    """The name of a group without number or article: "red apples", "cat"."""
    return f"{group.colour} {group.one if len(group.boxes) == 1 else group.many}".strip()


def thing(group: Group) -> str:
    """A group with its article or number: "three red apples", "a cat"."""
    return an(plain(group)) if len(group.boxes) == 1 else f"{number(len(group.boxes))} {plain(group)}"


def the(group: Group) -> str:
    """The group as known already, without its colour: "the apples"."""
    return f"the {group.one if len(group.boxes) == 1 else group.many}"


def _setting(scene: Scene) -> str:
    backdrop = scene.backdrop
    if backdrop.kind == "transparent":
        return ""
    if backdrop.kind == "flat":
        return f"on {an(f'{backdrop.name} background')}"
    start = ground(backdrop.name, backdrop.variant)
    lowest = [group.hull.bottom for group in scene.groups]
    if scene.kind == "single" and start < GRID and min(lowest) > start + 2:
        return _STANDING[backdrop.name]
    return SETTINGS[backdrop.name]


def _framed(scene: Scene, texts: tuple[str, ...], setting: str) -> str:
    """One of the texts with the setting, in a frame; the scene's number says which; "" if no text can have one."""
    fitting = [text for text in texts if framed(text, 0)]
    if not fitting:
        return ""
    turn, frame = divmod(scene.number, len(FRAMES))
    return framed(f"{fitting[turn % len(fitting)]} {setting}".rstrip(), frame)


def _ended(scene: Scene, texts: tuple[str, ...], *, frames: bool) -> list[str]:
    """The texts, one in a frame before the last, each with the setting; and two of the texts with the style.

    A backdrop is named by every caption, so that a prompt which names none means a transparent ground.
    """
    setting = _setting(scene)
    style = f", {scene.style.replace('-', ' ')} style" if scene.style else ""
    first, last = texts[min(1, len(texts) - 1)], texts[-1]
    out = [f"{text} {setting}".rstrip() for text in texts]
    if frames and (one := _framed(scene, texts, setting)):
        out.insert(-1, one)
    if style:
        out += [f"{first} {setting}".rstrip() + style, f"{last} {setting or 'on a transparent background'}{style}"]
    elif not setting:
        out.append(f"{last} on a transparent background")
    return [text for text in dict.fromkeys(out) if len(text.split()) <= LONGEST]


def captions_of(scene: Scene, texts: tuple[str, ...], *, frames: bool) -> tuple[str, ...]:
    """All captions of a scene from what is said of its things, short to dense, without repetition, at most 26 words
    each. frames: one of them within words that people put around a wish."""
    return tuple(_ended(scene, texts, frames=frames)) if texts else ()
