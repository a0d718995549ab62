"""Pixels to latents and back."""

from mezzotint.codecs.codec import Codec
from mezzotint.codecs.images import from_image, to_image
from mezzotint.codecs.pixel import PixelCodec

__all__ = ["Codec", "PixelCodec", "from_image", "to_image"]
