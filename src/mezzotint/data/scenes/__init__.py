"""Training scenes with exact captions, composed on the fly from the pictures of an icon set."""

from mezzotint.data.scenes.composer import SCENES_VERSION, ComposedScene, Scenes
from mezzotint.data.scenes.glyphs import Font, Fonts, load_fonts, render_font
from mezzotint.data.scenes.kinds import KINDS, Kind
from mezzotint.data.scenes.paint import COLOURS
from mezzotint.data.scenes.scene import Box, Group, Relation, Scene
from mezzotint.data.scenes.typefaces import FAMILIES, fetch_fonts

__all__ = [
    "COLOURS", "FAMILIES", "KINDS", "SCENES_VERSION", "Box", "ComposedScene", "Font", "Fonts", "Group", "Kind",
    "Relation", "Scene", "Scenes", "fetch_fonts", "load_fonts", "render_font",
]  # fmt: skip
