"""The pixel transformer family: see `model.py`."""

from mezzotint.families.pixel_dit.model import PixelDiT, PixelDiTConfig, PixelDiTContext, initialise
from mezzotint.families.pixel_dit.student import student_of, told

__all__ = ["PixelDiT", "PixelDiTConfig", "PixelDiTContext", "initialise", "student_of", "told"]
