"""What a kind of scene is."""

from collections.abc import Callable
from dataclasses import dataclass

from mezzotint.data.scenes.desk import Desk, Phrases
from mezzotint.data.scenes.rolls import Rolls
from mezzotint.data.scenes.scene import Scene

__all__ = ["Kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    """name: as in `Scene.kind`; weight: how often, relative to the others.

    plan: a scene from decisions, with seed and number 0, or None if these decisions lead nowhere (others are tried);
    phrases: what is said of it; combines: whether it combines things with something that can be held out.
    """

    name: str
    weight: int
    plan: Callable[[Desk, Rolls], Scene | None]
    phrases: Callable[[Scene], Phrases]
    combines: bool = True
