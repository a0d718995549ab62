"""The family of upscalers: see `model.py`."""

from mezzotint.families.pixel_upscaler.model import FAMILY, PixelUpscaler, PixelUpscalerConfig, initialise_upscaler
from mezzotint.families.pixel_upscaler.small import SmallPicture, lanczos

__all__ = ["FAMILY", "PixelUpscaler", "PixelUpscalerConfig", "SmallPicture", "initialise_upscaler", "lanczos"]
