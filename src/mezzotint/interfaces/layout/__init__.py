"""Laying out a prompt that names several things: each gets a place of its own, as a region."""

from mezzotint.interfaces.layout.phrases import Named, Told, told_of
from mezzotint.interfaces.layout.places import boxes_of
from mezzotint.interfaces.layout.request import laid_out, room_for, told_by

__all__ = ["Named", "Told", "boxes_of", "laid_out", "room_for", "told_by", "told_of"]
