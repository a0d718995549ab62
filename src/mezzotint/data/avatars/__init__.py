"""Avatars: faces and busts with exact captions, composed from the parts of permissively licensed drawings."""

from mezzotint.data.avatars.builder import AVATARS_VERSION, COUNT, build_avatars, default_folder
from mezzotint.data.avatars.styles import STYLES
from mezzotint.data.avatars.table import AvatarStyle, Choice, Option

__all__ = ["AVATARS_VERSION", "COUNT", "STYLES", "AvatarStyle", "Choice", "Option", "build_avatars", "default_folder"]
