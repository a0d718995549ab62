"""The pixel transformer family: see `model.py`."""

from mezzotint.families.pixel_dit.model import PixelDiT, PixelDiTConfig, PixelDiTContext, initialise

__all__ = ["PixelDiT", "PixelDiTConfig", "PixelDiTContext", "initialise"]
