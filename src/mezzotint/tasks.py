"""From a request, and the pictures that came with it, to a task."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mezzotint.codecs.codec import Codec
from mezzotint.codecs.images import from_image
from mezzotint.conditioning.prompt import worded
from mezzotint.diffusion.noise import PhiloxNoise
from mezzotint.diffusion.timegrid import TimeGrid
from mezzotint.editing import SOURCE, Composed, Edit, Img2Img, Inpaint, Invert, Vary
from mezzotint.editing.crop import Crop
from mezzotint.editing.enlarge import Enlarge, enlarged
from mezzotint.editing.image_prompt import image_prompt
from mezzotint.editing.keep_layout import layout_kept
from mezzotint.editing.masks import ALPHA, alpha_mask, fitted_mask, mask_image, mask_values, values
from mezzotint.editing.outpaint import centred, covered, extended, source_size, zoomed_out
from mezzotint.editing.regional import branch, regional
from mezzotint.editing.shared_attention import REFERENCE
from mezzotint.editing.soft import SoftInpaint
from mezzotint.editing.structure import Structure, StructureKind
from mezzotint.editing.style_reference import style_reference
from mezzotint.editing.tile import in_windows
from mezzotint.editing.upscale import upscaling
from mezzotint.errors import InvalidOption
from mezzotint.provenance.pixels import pixel_sha256
from mezzotint.request import SEEDS, Request
from mezzotint.values import show

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "PICTURES",
    "ROWS",
    "STRENGTH",
    "TASKS",
    "TOLD",
    "Given",
    "blended",
    "edit_of",
    "further_prompts",
    "mask_values",
    "softened",
    "source_size",
    "taken",
    "with_digests",
    "with_strength",
]

PICTURES = ("image", "mask", "style_ref", "image_ref", "structure_ref")
"""The options that are pictures; a request holds their digests."""
ROWS = ("blend_images",)
"""The options that are several pictures; among the pictures of a call, picture i (from 0) is called NAME[i]."""
TOLD = ("region_masks",)
"""The options that are several pictures with a text each; among the pictures of a call, called as those of `ROWS`."""

PADDING = 32
"""Pixels that are drawn with what a mask covers, unless asked otherwise."""
STRENGTH = 0.9
"""Of a picture that is edited without a mask, unless asked otherwise; with one it is 1. On rectified flow a prompt
decides about colours and things only where there is much noise: at 0.7 the house model paints a "green apple" red."""

WEIGHTS: Mapping[str, float] = MappingProxyType({"style": 1.0, "image": 0.5, "structure": 1.0})
"""How much references count unless asked otherwise."""


def taken(options: Mapping[str, Any]) -> tuple[dict[str, "Image"], dict[str, Any]]:
    """The pictures among the options of a call, as copies that nobody else can change, and the other options.

    Raises `InvalidOption` for what is no picture; as a mask, "alpha" is the picture's own.
    """
    if isinstance(options.get("mask"), str) and options["mask"] == ALPHA and options.get("image") is not None:
        options = {**options, "mask": alpha_mask(owned("image", options["image"]))}
    pictures = {name: owned(name, options[name]) for name in PICTURES if options.get(name) is not None}
    for name in ROWS:
        row = options.get(name) or ()
        if not isinstance(row, Sequence) or isinstance(row, str):
            raise InvalidOption(f"{name} is {show(row)}; give a list of Pillow images.")
        pictures |= {f"{name}[{i}]": owned(f"{name}[{i}]", one) for i, one in enumerate(row)}
    rest = {name: value for name, value in options.items() if name not in (*PICTURES, *ROWS)}
    for name in TOLD:
        if options.get(name) is not None:
            row, texts = pairs(name, options[name])
            pictures |= {f"{name}[{i}]": one for i, one in enumerate(row)}
            rest[name] = [(pixel_sha256(one), text) for one, text in zip(row, texts, strict=True)]
    return pictures, rest


def pairs(name: str, value: object) -> tuple[list["Image"], list[Any]]:
    """The pictures of a list of (picture, text), as copies, and the texts. Raises `InvalidOption` for another value."""
    items: list[Any] = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [None]
    if not all(isinstance(item, Sequence) and len(item) == 2 for item in items):
        raise InvalidOption(f'{name} is {show(value)}; give a list of Pillow images with texts, [[mask, "an apple"]].')
    return [owned(f"{name}[{i}]", item[0]) for i, item in enumerate(items)], [item[1] for item in items]


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
    for name in ROWS:
        row = tuple(pixel_sha256(picture) for key, picture in pictures.items() if key.startswith(f"{name}["))
        asked_row = getattr(asked, name) if isinstance(asked, Request) else ()
        if asked_row and asked_row != row:
            raise InvalidOption(f"The request is for the {len(asked_row)} {name} with certain digests; give those.")
        if row:
            found[name] = row
    for name in TOLD if isinstance(asked, Request) else ():
        if (named_row := getattr(asked, name)) and named_row != tuple(found.get(name) or ()):
            raise InvalidOption(f"The request is for {len(named_row)} {name} with certain digests; give those.")
    return found


def softened(request: Request, pictures: Mapping[str, "Image"]) -> Request:
    """The request; where its mask covers nothing with strength 0, so that nothing is drawn; with a soft mask, and no
    strength, with that of the mask's brightest place: no pixel needs more. What is drawn around a picture needs all."""
    around = request.drawn_around or request.aspect is not None
    if request.mask is None or around:
        return request
    brightest = float(mask_values(pictures["mask"], request.invert_mask, request.feather).max())
    if not brightest or (request.soft_mask and request.strength is None):
        return replace(request, strength=brightest)
    return request


def with_strength(request: Request) -> Request:
    """The request with the strength that an edit has unless asked otherwise, and with the weights of references."""
    open_ = [name for name in WEIGHTS if getattr(request, f"{name}_weight") is None]
    weights: dict[str, Any] = {f"{name}_weight": WEIGHTS[name] for name in open_ if getattr(request, f"{name}_ref")}
    request = replace(request, **weights) if weights else request
    if request.crop_to_mask and request.crop_padding is None:
        request = replace(request, crop_padding=PADDING)
    if request.structure_ref and request.structure is None:
        request = replace(request, structure="edges")
    if request.image is None or request.strength is not None:
        return request
    whole = request.mask is not None or request.invert or request.drawn_around
    return replace(request, strength=1.0 if whole else STRENGTH)


@dataclass(frozen=True, slots=True)
class Given:
    """What edits are made from: a resolved request, the pictures that came with it by the names of its options, the
    model's codec, the (width, height) that its network draws at once, all moves of the time grid, whatever part of them
    is taken, what puts a part back that is drawn by itself, and how many times the network enlarges the image, or 1.
    enlarge: what scales such a part."""

    request: Request
    pictures: Mapping[str, "Image"]
    codec: Codec
    native: tuple[int, int]
    grid: TimeGrid = ()
    crop: Crop | None = None
    enlarges: int = 1
    enlarge: Enlarge = enlarged


def edit_of(given: Given) -> Edit:
    """All edits of a request, in the order of `TASKS`; of one to a network that enlarges, that."""
    if given.enlarges > 1:
        return upscaling(given.request, given.pictures["image"], given.native, given.enlarges)
    given = on_canvas(given)
    return Composed(tuple(edit for make in TASKS.values() if (edit := make(given)) is not None))


def on_canvas(given: Given) -> Given:
    """What is given, with a picture that is drawn around at its place on the canvas, and a mask that says so.

    Raises `InvalidOption` for a picture of another size than the canvas leaves to it.
    """
    request, image = given.request, given.pictures.get("image")
    zoom, margins = request.zoom or 1.0, request.expand or (0, 0, 0, 0)
    if request.crop_to_mask:
        return on_crop(given)
    if image is None or not (any(margins) or zoom > 1):
        return given
    mask = given.pictures.get("mask")
    for name, picture in (("image", image), ("mask", mask)):
        if picture is not None and picture.size != (here := source_size(request)):
            there, room = ("x".join(map(str, size)) for size in (picture.size, here))
            raise InvalidOption(f"The {name} has {there} pixels, but it fills {room}; scale it to that size first.")
    if zoom > 1:
        image, mask = zoomed_out(image, zoom), None if mask is None else zoomed_out(mask, zoom)
        margins = centred(image.size, request.size or given.native)
    none = torch.zeros(1, image.height, image.width)
    cover = none if mask is None else mask_values(mask, request.invert_mask, request.feather)
    pictures = {**given.pictures, "image": extended(image, margins), "mask": covered(cover, margins)}
    placed = replace(request, invert_mask=False, feather=0.0, expand=None, zoom=None)
    return replace(given, request=placed, pictures=pictures)


def on_crop(given: Given) -> Given:
    """What is given, with the part of the picture around the mask in the place of the picture.

    Raises `InvalidOption` for masks of another size than the picture, and for regions beside the part.
    """
    request, image, size = given.request, given.pictures["image"], given.request.size or given.native
    cover = mask_image(given.pictures["mask"], request.invert_mask, request.feather)
    masks = {name: mask_image(mask) for name, mask in given.pictures.items() if name.startswith("region_masks[")}
    for name, picture in (("mask", cover), *masks.items()):
        if picture.size != image.size:
            there, here = ("x".join(map(str, one.size)) for one in (picture, image))
            raise InvalidOption(f"The {name} has {there} pixels, but the image {here}; give one of the same size.")
    share = values(cover) if request.strength else torch.zeros(1, image.height, image.width)
    share = (share > 0).float() if request.soft_mask else share
    padding = PADDING if request.crop_padding is None else request.crop_padding
    crop = Crop.of(image, cover, share, size, padding, given.enlarge)
    seen = {name: crop.seen_mask(mask) for name, mask in (("mask", cover), *masks.items())}
    region = tuple((crop.seen_region(box), text) for box, text in request.region)
    placed = replace(request, invert_mask=False, feather=0.0, crop_to_mask=False, crop_padding=None, region=region)
    return replace(given, request=placed, pictures={**given.pictures, **seen, "image": crop.seen(image)}, crop=crop)


def from_picture(given: Given) -> Edit | None:
    """Image to image, or inpainting. Raises `InvalidOption` for pictures of another size than what is drawn."""
    request, codec = given.request, given.codec
    image, mask = (given.pictures.get(name) for name in ("image", "mask"))
    if image is None:
        return None
    for name, picture in (("image", image), ("mask", mask)):
        if picture is not None:
            right_size(name, picture, request)
    pixels, whole = from_image(image), request.strength == 1
    if mask is None and (request.strength or codec.factors != (1, 1, 1)):
        return Img2Img(pixels, whole)
    # where nothing is drawn and the codec changes nothing, all of the picture is kept
    none = torch.zeros(1, image.height, image.width)
    drawn = mask is not None and not (request.soft_mask and request.strength == 0)
    cover = mask_values(mask, request.invert_mask, request.feather) if mask is not None and drawn else none
    latents, source = codec.encode(pixels[None], PhiloxNoise([request.seed])), None if given.crop else image
    if request.soft_mask:
        return SoftInpaint(source, pixels, cover, latents, request.strength or 0.0, given.grid)
    return Inpaint(source, pixels, cover, latents, whole)


def right_size(name: str, picture: "Image", request: Request) -> "Image":
    """The picture. Raises `InvalidOption` if it is of another size than what is drawn."""
    if picture.size != request.size:
        there, here = ("x".join(map(str, size)) for size in (picture.size, request.size or ()))
        raise InvalidOption(f"The {name} has {there} pixels, but {here} are drawn; scale it to that size first.")
    return picture


def from_other_seeds(given: Given) -> Edit | None:
    """A variation."""
    request = given.request
    toward = tuple((share, (seed - request.seed) % SEEDS) for share, seed in request.vary)
    return Vary(toward) if toward else None


def from_noise_of_pictures(given: Given) -> Edit | None:
    """An inversion of a picture, or of several that are blended. Raises `InvalidOption` for those of another size."""
    request = given.request
    if not request.invert:
        return None
    names = ["image", *(f"blend_images[{i}]" for i in range(len(request.blend_images)))]
    found = tuple(from_image(right_size(name, given.pictures[name], request)) for name in names)
    return Invert(found, request.blend_weights or (1.0,))


def from_reference(given: Given, name: str) -> Edit | None:
    """A style reference or an image prompt. Raises `InvalidOption` for a picture of another size than the model's."""
    picture, request = given.pictures.get(name), given.request
    if picture is None:
        return None
    if picture.size != given.native:
        there, here = ("x".join(map(str, size)) for size in (picture.size, given.native))
        raise InvalidOption(f"The {name} has {there} pixels, but the model draws {here}; scale it to that size first.")
    if name == "style_ref":
        return style_reference(from_image(picture), request.style_weight or 0.0)
    return image_prompt(from_image(picture), request.image_weight or 0.0)


def from_structure(given: Given) -> Edit | None:
    """A structure reference. Raises `InvalidOption` for a picture of another size than what is drawn, and for edges
    where a model draws no pixels."""
    picture, request, codec = given.pictures.get("structure_ref"), given.request, given.codec
    if picture is None:
        return None
    pixels = from_image(right_size("structure_ref", picture, request))
    if request.structure == "edges" and codec.factors != (1, 1, 1):
        raise InvalidOption(f"structure is edges, which the latents of {request.model} do not show; choose layout.")
    kind: StructureKind = "layout" if request.structure == "layout" else "edges"
    return Structure(codec.encode(pixels[None], PhiloxNoise([request.seed]))[0], request.structure_weight or 0.0, kind)


def region_shares(given: Given) -> tuple[Tensor, ...]:
    """The weights (1, H, W) of regions that have masks, of the size that is drawn."""
    size, count = given.request.size or given.native, len(given.request.region_masks)
    masks = (mask_image(given.pictures[f"region_masks[{k}]"]) for k in range(count))
    return tuple(values(fitted_mask(mask, size)) for mask in masks)


def further_prompts(request: Request) -> Mapping[str, str]:
    """The prompts that edits of a request read besides those of its guidance, by branch, in the request's style."""
    source = {SOURCE: request.source_prompt} if request.invert or request.keep_layout else {}
    source |= {branch(k): text for k, (_, text) in enumerate((*request.region, *request.region_masks))}
    if request.style_weight or request.image_weight:
        source[REFERENCE] = ""
    return source | {f"blend-{k}": text for k, (text, weight) in enumerate(request.blend, 1) if weight}


def blended(request: Request) -> Mapping[str, float]:
    """The branches that are averaged in place of "cond", with weights of sum 1; itself alone where nothing is blended.

    The prompt has the weight 1, but where it has no words it takes no part.
    """
    weights = {f"blend-{k}": weight for k, (_, weight) in enumerate(request.blend, 1) if weight}
    if not weights or worded(request.prompt):
        weights = {"cond": 1.0, **weights}
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}


TASKS: Mapping[str, Callable[[Given], Edit | None]] = MappingProxyType(
    {
        "vary": from_other_seeds,  # the first: it mixes what seeds give
        # the innermost wrapper: all others see the whole canvas
        "windows": lambda given: in_windows(given.request, given.codec, given.native),
        "regions": lambda given: regional(given.request, given.codec, given.native, region_shares(given)),
        "keep_layout": lambda given: layout_kept(given.request),  # what it is kept of has no references and no mask
        "style_ref": partial(from_reference, name="style_ref"),
        "image_ref": partial(from_reference, name="image_ref"),
        "structure": from_structure,  # it takes gradients of all within; the picture's known part goes above it
        "picture": from_picture,
        "invert": from_noise_of_pictures,
        "crop": lambda given: given.crop,  # the last: it puts what the others made into its place
    }
)
"""What makes an edit of a request, or none, by name; each wraps those before it. A new edit is a file and a line."""


def owned(name: str, image: object) -> "Image":
    """A copy of the pixels, RGBA with 8 bits, that nobody else can change; what else its file said is not in it, so
    that it reaches no picture. Raises `InvalidOption` for what is no such picture."""
    from PIL import Image

    if not isinstance(image, Image.Image):
        raise InvalidOption(f"{name} is {show(image)}; give a Pillow image, such as PIL.Image.open(path) gives.")
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        raise InvalidOption(f"The {name} has more than 8 bits a colour (mode {image.mode}); convert it to RGB first.")
    own = image.convert("RGBA")
    own.info = {}
    return own
