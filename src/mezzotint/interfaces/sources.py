"""The pictures that an edit begins with: read, turned upright, fitted into what is drawn."""

from pathlib import Path
from typing import TYPE_CHECKING

from mezzotint.errors import InvalidOption

if TYPE_CHECKING:
    from PIL.Image import Image, Resampling

__all__ = ["fitted", "named", "read_sources"]

Sources = tuple["Image", "Image | None"]


def read_sources(image: Path, mask: Path | None) -> "Sources":
    """A picture and its mask, each upright as its EXIF says. Raises InvalidFile, InvalidOption.

    A mask of another size than its picture is refused, since nobody could say what of it lies where.
    """
    from PIL import ImageOps

    from mezzotint.provenance.read import read_picture

    source = ImageOps.exif_transpose(read_picture(image))
    if mask is None:
        return source, None
    cover = ImageOps.exif_transpose(read_picture(mask))
    if cover.size != source.size:
        ours, theirs = ("x".join(map(str, one.size)) for one in (source, cover))
        raise InvalidOption(f"The mask {mask} has {theirs} pixels, but the picture {ours}; give one of the same size.")
    return source, cover


def named(sources: "Sources") -> dict[str, "Image"]:
    """The pictures by the names of their options, those left out that were not given."""
    image, mask = sources
    return {"image": image} if mask is None else {"image": image, "mask": mask}


def fitted(sources: "Sources", size: tuple[int, int]) -> "Sources":
    """Both scaled to fit and centred on a transparent canvas; the mask with a filter that does not ring, so that what
    is black stays black. Raises InvalidOption if the model draws no squares."""
    from PIL.Image import Resampling

    source, cover = sources
    return _fitted(source, size, Resampling.LANCZOS), None if cover is None else _fitted(cover, size, Resampling.BOX)


def _fitted(image: "Image", size: tuple[int, int], resample: "Resampling") -> "Image":
    import numpy as np
    from PIL import Image

    from mezzotint.data.pixels import fit, straight

    if image.size == size:
        return image.convert("RGBA")
    if size[0] != size[1]:
        there, here = ("x".join(map(str, each)) for each in (image.size, size))
        raise InvalidOption(f"The picture has {there} pixels; scale it to {here} first.")
    picture = fit(image, size[0], resample=resample)
    return Image.fromarray(np.concatenate([straight(picture), picture[..., 3:]], axis=-1), "RGBA")
