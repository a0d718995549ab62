"""Pictures whose file names another space of colours than sRGB, such as those of cameras and of wide screens."""

import io

from PIL import Image, ImageCms

__all__ = ["in_srgb"]

LARGEST = 4_000_000
"""Bytes of a profile that is read."""
SPACES = {"RGB ": "RGB", "CMYK": "CMYK", "GRAY": "L"}
"""What a profile calls the channels that it is about, and what Pillow does."""


def in_srgb(picture: Image.Image) -> Image.Image:
    """The picture, RGBA, with the colours that its profile (ICC) gives its numbers, as sRGB has them; alpha stays.

    Without a profile, and with one that is broken, too large or about other channels, its numbers are taken for sRGB's.
    """
    profile = picture.info.get("icc_profile")
    plain = picture.convert("RGBA")
    if not isinstance(profile, bytes) or not 0 < len(profile) <= LARGEST:
        return plain
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        channels = SPACES[given.profile.xcolor_space]
        if channels == "CMYK" and picture.mode != "CMYK":
            return plain
        colours = picture if picture.mode == channels else plain.convert(channels)
        there = ImageCms.profileToProfile(colours, given, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, KeyError, OSError, ValueError, TypeError):
        return plain
    assert there is not None, "it is not made in place"
    found = there.convert("RGBA")
    found.putalpha(plain.getchannel("A"))
    return found
