"""The pictures that an edit begins with: read, turned upright, fitted into what is drawn."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mezzotint.errors import AnotherPicture, InvalidFile, InvalidOption
from mezzotint.request import Request

if TYPE_CHECKING:
    from PIL.Image import Image, Resampling

__all__ = [
    "Sources",
    "fitted",
    "named",
    "on_transparent",
    "prepared",
    "read_sources",
    "recorded_masks",
    "without_effect",
]

Sources = tuple["Image", "Image | None"]


def read_sources(image: Path, mask: Path | str | None) -> "Sources":
    """A picture and its mask, each upright as its EXIF says, or "alpha" for its own. Raises InvalidFile, InvalidOption.

    A mask of another size than its picture is refused, since nobody could say what of it lies where.
    """
    source = _upright(image)
    if mask is None:
        return source, None
    from mezzotint.editing.masks import ALPHA, alpha_mask

    if mask == ALPHA:
        return source, alpha_mask(source)
    cover = _upright(Path(mask))
    if cover.size != source.size:
        ours, theirs = ("x".join(map(str, one.size)) for one in (source, cover))
        raise InvalidOption(f"The mask {mask} has {theirs} pixels, but the picture {ours}; give one of the same size.")
    return source, cover


def _upright(file: Path) -> "Image":
    """A picture, upright as its EXIF says. Raises InvalidFile, for an SVG or an animation with what to do instead."""
    from mezzotint.provenance.read import picture_count, read_drawing, read_picture

    if (drawing := read_drawing(file)) is None:
        if (count := picture_count(file)) > 1:
            raise InvalidFile(
                f"{file} is an animation of {count} pictures, and a still picture is expected; save the one that you "
                "want as a PNG, and give that."
            )
        return read_picture(file, upright=True)
    if drawing.recipe is None:
        raise InvalidFile(f"{file} is an SVG, and pictures are read from PNG, JPEG and WebP files; save it as a PNG.")
    again = shlex.join(["mezzotint", "reproduce", str(file), "--out", str(file.with_suffix(".png"))])
    raise InvalidFile(f"{file} is an SVG; draw the picture that it was traced from with `{again}`, and give that.")


def without_effect(mask: "Image | None", invert: bool) -> tuple[str, ...]:
    """What there is to say of a mask that leaves nothing of its picture; that of a black one, the pipeline says."""
    from mezzotint.editing.masks import mask_image

    if mask is None or mask_image(mask, invert).getextrema() != (255, 255):
        return ()
    return (f"mask: it is {'black' if invert else 'white'} all over, so that nothing of the picture is kept",)


def named(sources: "Sources") -> dict[str, "Image"]:
    """The pictures by the names of their options, those left out that were not given."""
    image, mask = sources
    return {"image": image} if mask is None else {"image": image, "mask": mask}


def prepared(sources: "Sources", request: Request) -> "Sources":
    """Both as a resolved request takes them: whole where it draws parts of them by themselves, else fitted."""
    from mezzotint.passes import parts_only
    from mezzotint.tasks import source_size
    from mezzotint.upscaled import large_source

    if request.crop_to_mask or parts_only(request):
        return sources
    return fitted(sources, large_source(request) or source_size(request))


def recorded_masks(request: Request, files: Sequence[Path]) -> "list[tuple[Image, str]]":
    """The masks of a recipe's regions, from files in its order, with their texts. Raises InvalidOption for what is
    missing, or is another picture."""
    from mezzotint.provenance.pixels import pixel_sha256

    wanted, count = request.region_masks, len(request.region_masks)
    if count != len(files):
        what = f"{count or 'no'} mask{'' if count == 1 else 's'} of regions"
        raise InvalidOption(f"The recipe has {what}, and --region-mask gives {len(files)}; give each of them once.")
    found = [(read_sources(file, None)[0], text) for file, (_, text) in zip(files, wanted, strict=True)]
    for file, (picture, _), (digest, text) in zip(files, found, wanted, strict=True):
        if pixel_sha256(picture) != digest:
            raise AnotherPicture(f"{file} is not the mask {digest[:10]} of the recipe's region {text!r}; give that.")
    return found


def fitted(sources: "Sources", size: tuple[int, int]) -> "Sources":
    """Both scaled to fit and centred on a transparent canvas; the mask with a filter that does not ring, so that what
    is black stays black. Raises InvalidOption where what is drawn is no square, and the picture of another shape."""
    from PIL.Image import Resampling

    source, cover = sources
    return _fitted(source, size, Resampling.LANCZOS), None if cover is None else _fitted(cover, size, Resampling.BOX)


def on_transparent(image: "Image", size: tuple[int, int]) -> "Image":
    """The picture, RGBA, scaled to fit into a size and centred on a transparent canvas of it."""
    from PIL import Image
    from PIL.Image import Resampling

    from mezzotint.editing.enlarge import scaled

    factor = min(side / own for side, own in zip(size, image.size, strict=True))
    inner = (max(1, round(factor * image.width)), max(1, round(factor * image.height)))
    canvas = Image.new("RGBA", size)
    place = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    canvas.paste(scaled(image, inner, Resampling.LANCZOS), place)
    return canvas


def _fitted(image: "Image", size: tuple[int, int], resample: "Resampling") -> "Image":
    import numpy as np
    from PIL import Image

    from mezzotint.data.pixels import fit, straight
    from mezzotint.editing.enlarge import scaled
    from mezzotint.editing.outpaint import alike

    if image.size == size:
        return image.convert("RGBA")
    if size[0] != size[1]:
        if not alike(image.size, size):
            there, here = ("x".join(map(str, each)) for each in (image.size, size))
            raise InvalidOption(
                f"The picture has {there} pixels, and {here} are drawn, another shape; crop it to that shape first, or "
                "draw around it with --expand or --aspect, without --size."
            )
        return scaled(image, size, resample)
    picture = fit(image, size[0], resample=resample)
    return Image.fromarray(np.concatenate([straight(picture), picture[..., 3:]], axis=-1), "RGBA")
