"""From a request, and the pictures that came with it, to a task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mezzotint.codecs.codec import Codec
from mezzotint.codecs.images import from_image
from mezzotint.diffusion.noise import PhiloxNoise
from mezzotint.editing import Composed, Edit, Img2Img, Inpaint
from mezzotint.errors import InvalidOption
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.request import Request
from mezzotint.values import show

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "PICTURES",
    "STRENGTH",
    "TASKS",
    "Given",
    "edit_of",
    "further_prompts",
    "mask_values",
    "taken",
    "with_digests",
    "with_size",
    "with_strength",
]

PICTURES = ("image", "mask")
"""The options that are pictures; a request holds their digests."""

STRENGTH = 0.9
"""Of a picture that is edited without a mask, unless asked otherwise; with one it is 1. On rectified flow a prompt
decides about colours and things only where there is much noise: at 0.7 the house model paints a "green apple" red."""


def taken(options: Mapping[str, Any]) -> tuple[dict[str, "Image"], dict[str, Any]]:
    """The pictures among the options of a call, as copies that nobody else can change, and the other options.

    Raises `InvalidOption` for what is no picture.
    """
    pictures = {name: owned(name, options[name]) for name in PICTURES if options.get(name) is not None}
    return pictures, {name: value for name, value in options.items() if name not in PICTURES}


def with_digests(asked: str | Request, options: Mapping[str, Any], pictures: Mapping[str, "Image"]) -> dict[str, Any]:
    """The options, with the digests of the pictures that came with them.

    Raises `InvalidOption` if a request names another picture than the one that was given, or none was.
    """
    found = dict(options)
    for name in PICTURES:
        named = getattr(asked, name) if isinstance(asked, Request) else None
        digest = pixel_sha256(pictures[name]) if name in pictures else None
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


@dataclass(frozen=True, slots=True)
class Given:
    """What edits are made from: a resolved request, the pictures that came with it by the names of its options, the
    model's codec, and the (width, height) that its network draws at once."""

    request: Request
    pictures: Mapping[str, "Image"]
    codec: Codec
    native: tuple[int, int]


def edit_of(given: Given) -> Edit:
    """All edits of a request, in the order of `TASKS`."""
    return Composed(tuple(edit for make in TASKS.values() if (edit := make(given)) is not None))


def from_picture(given: Given) -> Edit | None:
    """Image to image, or inpainting. Raises `InvalidOption` for pictures of another size than what is drawn."""
    request, codec = given.request, given.codec
    image, mask = (given.pictures.get(name) for name in ("image", "mask"))
    if image is None:
        return None
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


def further_prompts(request: Request) -> Mapping[str, str]:
    """The prompts that edits of a request read besides those of its guidance, by branch, in the request's style."""
    return {}


TASKS: Mapping[str, Callable[[Given], Edit | None]] = MappingProxyType({"picture": from_picture})
"""What makes an edit of a request, or none, by name; each wraps those before it. A new edit is a file and a line."""


def owned(name: str, image: object) -> "Image":
    """A copy, RGBA with 8 bits, that nobody else can change. Raises `InvalidOption` for what is no such picture."""
    from PIL import Image

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
