"""The options of a request that say what is drawn on pictures, between them, after them and around them.

Every function raises `InvalidOption` with one sentence that names the option.
"""

import re
from collections.abc import Sequence
from typing import Any

from mezzotint.errors import InvalidOption
from mezzotint.options import MAX_LIST, parse_size
from mezzotint.values import check_choice, check_digest, check_text, integer, real, show, whole

__all__ = ["EDGES", "VARY", "edits"]

MAX_BLEND = 5
MAX_EXPAND = 1024
OF_MASKS = ("invert_mask", "soft_mask", "crop_to_mask")
EDGES = ("left", "top", "right", "bottom")
TILES = ("x", "y", "both")
VARY = {"subtle": 0.2, "strong": 0.5}
"""What the words for variations mean, as shares."""


def edits(request: Any, seeds: int) -> dict[str, Any]:
    """The checked options of a request that its edits are made of; there are so many seeds."""
    return pictures(request) | mixtures(request, seeds) | spatial(request) | references(request) | again(request)


def pictures(request: Any) -> dict[str, Any]:
    """The checked options of a picture that is drawn on, and of its mask."""
    for name in ("image", "mask"):
        if getattr(request, name) is not None:
            check_digest(name, getattr(request, name))
    for name in OF_MASKS:
        if not isinstance(getattr(request, name), bool):
            raise InvalidOption(f"{name} is {show(getattr(request, name))}; it must be true or false.")
    found: dict[str, Any] = {"feather": real("feather", request.feather, 0.0, 1024.0)}
    if request.strength is not None:
        found["strength"] = real("strength", request.strength, 0.0, 1.0)
    if request.image is None and (request.strength is not None or request.mask is not None):
        raise InvalidOption("strength and mask are for editing a picture; give an image too.")
    if request.mask is None and (found["feather"] or any(getattr(request, name) for name in OF_MASKS)):
        raise InvalidOption(f"{', '.join(OF_MASKS)} and feather are about a mask; give a mask too.")
    return found | cropping(request)


def cropping(request: Any) -> dict[str, Any]:
    """The checked options of a part of a picture that is drawn by itself."""
    if not request.crop_to_mask:
        if request.crop_padding is not None:
            raise InvalidOption("crop_padding is how much is drawn around what a mask covers; give crop_to_mask too.")
        return {}
    whole = [name for name in ("aspect", "tile", "detail") if getattr(request, name)]
    whole += ["expand"] if request.expand not in (None, (0, 0, 0, 0), [0, 0, 0, 0]) else []
    whole += ["zoom"] if request.zoom not in (None, 1) else []
    if whole:
        raise InvalidOption(
            f"crop_to_mask draws a part by itself, and {whole[0]} is about all of the picture; leave one out."
        )
    if request.crop_padding is None:
        return {}
    return {"crop_padding": integer("crop_padding", request.crop_padding, 0, MAX_EXPAND)}


def mixtures(request: Any, seeds: int) -> dict[str, Any]:
    """The checked options of a request that mix noises, prompts and pictures."""
    check_text("source_prompt", request.source_prompt)
    if not isinstance(request.invert, bool):
        raise InvalidOption(f"invert is {show(request.invert)}; it must be true or false.")
    images = digests("blend_images", request.blend_images)
    if request.image is None and (request.invert or images):
        raise InvalidOption("invert and blend_images are for editing a picture; give an image too.")
    if not images and request.blend_weights is not None:
        raise InvalidOption("blend_weights are for blending pictures; give blend_images too.")
    if request.source_prompt and not (request.invert or images) and request.keep_layout is None:
        raise InvalidOption(
            "source_prompt says what a picture shows that is inverted, or whose layout is kept; give invert or "
            "keep_layout too."
        )
    keep = request.keep_layout
    return {
        "keep_layout": None if keep is None else real("keep_layout", keep, 0.0, 1.0),
        "vary": variations(request.vary, request.seed, seeds),
        "blend": blended_prompts(request.blend),
        "invert": request.invert or bool(images),
        "blend_images": images,
        "blend_weights": _blend_weights(request.blend_weights, 1 + len(images)) if images else None,
    }


def digests(name: str, value: object) -> tuple[str, ...]:
    """The digests of further pictures to blend."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) >= MAX_BLEND:
        raise InvalidOption(f"{name} is {show(value)}; it must be a list of at most {MAX_BLEND - 1} pictures.")
    for item in value:
        check_digest(name, item)
    return tuple(value)


def variations(value: object, seed: int, seeds: int) -> tuple[tuple[float, int], ...]:
    """Variations as (share, seed) pairs, from one share or word, or a list of such, each alone or with its seed.

    Where variation k (from 1) has no seed, it is the picture's own + k 2^32: no other picture of a batch has it.
    """
    must = (
        f"it must be subtle, strong or a share from 0 to 1, or a list of at most {MAX_LIST} of these, each alone or "
        'with its seed, such as [["subtle", 7]].'
    )
    sentence = f"vary is {show(value)}; {must}"
    items = [value] if isinstance(value, str) or not isinstance(value, Sequence) else list(value)
    if len(items) > MAX_LIST:
        raise InvalidOption(sentence)
    found: list[tuple[float, int]] = []
    for place, item in enumerate(items, 1):
        pair = [item, None] if isinstance(item, str) or not isinstance(item, Sequence) else list(item)
        if len(pair) != 2:
            raise InvalidOption(sentence)
        if isinstance(pair[0], str) and pair[0] not in VARY:
            raise InvalidOption(f"vary is {show(pair[0])}; {must}")
        share = real("the share in vary", VARY[pair[0]] if isinstance(pair[0], str) else pair[0], 0.0, 1.0)
        toward = (seed + (place << 32)) % seeds if pair[1] is None else pair[1]
        toward = integer("the seed in vary", toward, 0, seeds - 1, "2^64 - 1")
        if toward in (seed, *(other for _, other in found)):
            raise InvalidOption(f"vary has the seed {toward}, which the picture has already; give it another one.")
        found.append((share, toward))
    return tuple(found)


def blended_prompts(value: object) -> tuple[tuple[str, float], ...]:
    """Prompts to blend with the first, with their weights, which count beside its 1."""
    sentence = (
        f"blend is {show(value)}; it must be a list of at most {MAX_BLEND} prompts, each alone or with its weight, "
        'such as [["a dog", 0.5]].'
    )
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > MAX_BLEND:
        raise InvalidOption(sentence)
    found = []
    for item in value:
        pair = (item, 1.0) if isinstance(item, str) else item
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise InvalidOption(sentence)
        check_text("blend", pair[0])
        if not pair[0].strip():
            raise InvalidOption("blend names an empty prompt; give it words, or leave it out.")
        found.append((pair[0], real("the weight in blend", pair[1], 0.0, 100.0)))
    return tuple(found)


def _blend_weights(value: object, pictures: int) -> tuple[float, ...]:
    """The weights of pictures that are blended, one each; none given are equal ones."""
    if value is None:
        return (1.0,) * pictures
    sentence = f"blend_weights is {show(value)}; it must be a list of {pictures} numbers from 0 to 100, one a picture"
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != pictures:
        raise InvalidOption(f"{sentence}.")
    weights = tuple(real("a weight in blend_weights", item, 0.0, 100.0) for item in value)
    if not any(weights):
        raise InvalidOption(f"{sentence}, and one of them above 0.")
    return weights


def spatial(request: Any) -> dict[str, Any]:
    """The checked options of a request that say where on a canvas something is drawn."""
    found: dict[str, Any] = {"region": regions(request.region), "region_masks": region_masks(request.region_masks)}
    if request.tile is not None:
        check_choice("tile", request.tile, TILES)
    if request.window_stride is not None:
        found["window_stride"] = integer("window_stride", request.window_stride, 1, MAX_EXPAND)
    if request.expand is not None:
        found["expand"] = expansion(request.expand)
    if request.zoom is not None:
        found["zoom"] = real("zoom", request.zoom, 1.0, 16.0)
    larger = [name for name in ("expand", "zoom") if getattr(request, name) is not None]
    if larger and request.image is None:
        raise InvalidOption(f"{' and '.join(larger)} draw around a picture; give an image too.")
    larger += ["aspect"] if larger and request.aspect is not None else []
    if len(larger) > 1:
        raise InvalidOption(f"{' and '.join(larger)} each say what is drawn around a picture; give one of them.")
    return found


def _as_typed(item: Any) -> object:
    """A box with its prompt as the command line takes it; what is none, as it is."""
    try:
        (left, top, right, bottom), prompt = item
        return f"{left:g},{top:g},{right:g},{bottom:g}:{prompt}"
    except (TypeError, ValueError):
        return item


def regions(value: object, name: str = "region") -> tuple[tuple[tuple[float, float, float, float], str], ...]:
    """Prompts of boxes, from a list of (box, prompt); a box is (left, top, right, bottom) in shares of the picture."""
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > MAX_LIST:
        raise InvalidOption(
            f"{name} is {show(value)}; it must be a list of at most {MAX_LIST} boxes with prompts, such as "
            '[[[0, 0, 0.5, 1], "a red apple"]].'
        )
    found = []
    for item in value:
        try:
            box, prompt = item
            left, top, right, bottom = (real(name, side, 0.0, 1.0) + 0.0 for side in box)
        except (TypeError, ValueError):  # InvalidOption is a ValueError too
            left = top = right = bottom = 0.0
        if not (left < right and top < bottom):
            told = show(_as_typed(item))
            raise InvalidOption(
                f"{name} is {told}; it must be LEFT,TOP,RIGHT,BOTTOM:PROMPT with shares of the picture, from 0 "
                "to 1 and left below right, top below bottom, such as 0,0,0.5,1:a red apple."
            )
        check_text(name, prompt)
        if not prompt.strip():
            raise InvalidOption(f"{name} has an empty prompt; give it words, or leave it out.")
        found.append(((left, top, right, bottom), prompt))
    return tuple(found)


def region_masks(value: object) -> tuple[tuple[str, str], ...]:
    """Prompts of masks, from a list of (digest, prompt)."""
    sentence = (
        f"region_masks is {show(value)}; it must be a list of at most {MAX_LIST} masks with prompts, such as "
        '[[mask, "a red apple"]].'
    )
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > MAX_LIST:
        raise InvalidOption(sentence)
    found = []
    for item in value:
        if isinstance(item, str) or not isinstance(item, Sequence) or len(item) != 2:
            raise InvalidOption(sentence)
        digest, prompt = item
        check_digest("region_masks", digest)
        check_text("region_masks", prompt)
        if not prompt.strip():
            raise InvalidOption("region_masks has an empty prompt; give it words, or leave it out.")
        found.append((digest, prompt))
    return tuple(found)


def expansion(value: object) -> tuple[int, int, int, int]:
    """By how many pixels a canvas grows, (left, top, right, bottom); also from `"left=64,top=32"`."""
    sides: Sequence[object] = ()
    if isinstance(value, str):
        pairs = [part.split("=") for part in value.replace(" ", "").split(",")]
        named = {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and re.fullmatch(r"[0-9]{1,6}", pair[1])}
        if len(named) == len(pairs) and named.keys() <= set(EDGES):
            sides = [named.get(edge, 0) for edge in EDGES]
    elif isinstance(value, Sequence):
        sides = value
    match [whole(side) for side in sides]:
        case [int(left), int(top), int(right), int(bottom)] if all(
            0 <= side <= MAX_EXPAND for side in (left, top, right, bottom)
        ):
            return left, top, right, bottom
    raise InvalidOption(
        f"expand is {show(value)}; it must be pixels from 0 to {MAX_EXPAND} for some of left, top, right and bottom, "
        "such as left=64,top=32."
    )


def references(request: Any) -> dict[str, Any]:
    """The checked options of a request for pictures that it refers to."""
    found: dict[str, Any] = {}
    for name in ("style", "image", "structure"):
        ref, weight = f"{name}_ref", f"{name}_weight"
        if getattr(request, ref) is not None:
            check_digest(ref, getattr(request, ref))
        elif getattr(request, weight) is not None:
            raise InvalidOption(f"{weight} says how much a reference counts; give {ref} too.")
        if getattr(request, weight) is not None:
            found[weight] = real(weight, getattr(request, weight), 0.0, 10.0)
    if request.structure is not None:
        if request.structure_ref is None:
            raise InvalidOption("structure says what of a reference is kept; give structure_ref too.")
        check_choice("structure", request.structure, ("edges", "layout"))
    return found


def again(request: Any) -> dict[str, Any]:
    """The checked options of a request that is drawn in several passes."""
    if not isinstance(request.hires, bool):
        raise InvalidOption(f"hires is {show(request.hires)}; it must be true or false.")
    found: dict[str, Any] = {"detail": regions(request.detail, "detail")}
    for name, of, on in (("hires_strength", "hires", request.hires), ("detail_strength", "detail", found["detail"])):
        if getattr(request, name) is not None:
            found[name] = real(name, getattr(request, name), 0.0, 1.0)
            if not on:
                raise InvalidOption(f"{name} is for redrawing a picture that is drawn already; give {of} too.")
    if request.hires and request.image is not None:
        raise InvalidOption("hires enlarges a picture that is drawn from nothing; leave out hires, or the image.")
    if request.upscale_to is not None:
        found["upscale_to"] = parse_size(request.upscale_to, "upscale_to")
    return found
