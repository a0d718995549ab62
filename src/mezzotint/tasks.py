"""From a request, and the pictures that came with it, to a task."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mezzotint.codecs.codec import Codec
from mezzotint.codecs.images import from_image
from mezzotint.diffusion.noise import PhiloxNoise
from mezzotint.editing import Edit, Imagine, Img2Img, Inpaint
from mezzotint.errors import InvalidOption
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.request import Request
from mezzotint.values import show

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["STRENGTH", "edit_of", "mask_values", "owned", "with_digests", "with_size", "with_strength"]

STRENGTH = 0.9
"""Of a picture that is edited without a mask, unless asked otherwise; with one it is 1. On rectified flow a prompt
decides about colours and things only where there is much noise: at 0.7 the house model paints a "green apple" red."""


def with_digests(
    asked: str | Request, options: Mapping[str, Any], image: "Image | None", mask: "Image | None"
) -> dict[str, Any]:
    """The options, with the digests of the pictures that came with them.

    Raises `InvalidOption` if a request names another picture than the one that was given, or none was.
    """
    found = dict(options)
    for name, picture in (("image", image), ("mask", mask)):
        named = getattr(asked, name) if isinstance(asked, Request) else None
        digest = None if picture is None else pixel_sha256(picture)
        if named is not None and named != digest:
            what = "it must be given too" if digest is None else f"the {name} given is another one"
            raise InvalidOption(f"The request is for the {name} with the digest {named[:12]}…; {what}.")
        if digest is not None:
            found[name] = digest
    return found


def with_size(request: Request, model: str, size: tuple[int, int]) -> Request:
    """The request with the size that a model draws, which what it asks for must be, or have the shape of.

    Raises `InvalidOption` for another one.
    """
    width, height = size
    asked = "" if request.size in (None, size) else "x".join(map(str, request.size or ()))
    if request.aspect is not None and request.aspect[0] * height != request.aspect[1] * width:
        asked = f"of the shape {':'.join(map(str, request.aspect))}"
    if asked:
        leave = "--size" if request.aspect is None else "--aspect"
        raise InvalidOption(
            f"The model {model} draws pictures of {width}x{height} pixels, not {asked}; leave out {leave} or give "
            f"{f'{width}x{height}' if request.aspect is None else f'--size {width}x{height}'}."
        )
    return replace(request, size=size, aspect=None)


def with_strength(request: Request) -> Request:
    """The request with the strength that an edit has unless asked otherwise."""
    if request.image is None or request.strength is not None:
        return request
    return replace(request, strength=STRENGTH if request.mask is None else 1.0)


def edit_of(request: Request, image: "Image | None", mask: "Image | None", codec: Codec) -> Edit:
    """The task of a resolved request. Raises `InvalidOption` for pictures of another size than what is drawn."""
    if image is None:
        return Imagine()
    for name, picture in (("image", image), ("mask", mask)):
        if picture is not None and picture.size != request.size:
            there, here = ("x".join(map(str, size)) for size in (picture.size, request.size or ()))
            raise InvalidOption(f"The {name} has {there} pixels, but {here} are drawn; scale it to that size first.")
    pixels, whole = from_image(image), request.strength == 1
    if mask is None and (request.strength or codec.factors != (1, 1, 1)):
        return Img2Img(pixels, whole)
    # where nothing is drawn and the codec changes nothing, all of the picture is kept
    none = torch.zeros(1, image.height, image.width)
    cover = none if mask is None else mask_values(mask, request.invert_mask, request.feather)
    latents = codec.encode(pixels[None], PhiloxNoise([request.seed]))
    return Inpaint(image, pixels, cover, latents, whole)


def owned(name: str, image: "Image | None") -> "Image | None":
    """A copy, RGBA with 8 bits, that nobody else can change. Raises `InvalidOption` for what is no such picture."""
    from PIL import Image

    if image is None:
        return None
    if not isinstance(image, Image.Image):
        raise InvalidOption(f"{name} is {show(image)}; give a Pillow image, such as PIL.Image.open(path) gives.")
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        raise InvalidOption(f"The {name} has more than 8 bits a colour (mode {image.mode}); convert it to RGB first.")
    return image.convert("RGBA").copy()


def mask_values(mask: "Image", invert: bool = False, feather: float = 0.0) -> Tensor:
    """(1, H, W) in [0, 1]: the brightness of a mask, turned round if asked, times its alpha, so that what is clear is
    kept either way; blurred by a Gaussian of `feather` pixels' deviation."""
    from PIL import ImageChops, ImageFilter

    whole = mask.convert("RGBA")
    bright = whole.convert("RGB").convert("L")
    shown = ImageChops.multiply(ImageChops.invert(bright) if invert else bright, whole.getchannel("A"))
    if feather:
        shown = shown.filter(ImageFilter.GaussianBlur(feather))
    return torch.from_numpy(np.asarray(shown, dtype=np.float32) / 255)[None]
