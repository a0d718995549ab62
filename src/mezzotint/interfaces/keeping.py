"""The pictures that a drawing is made from, kept inside its file, and found there again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.pictures import RASTER, Destination
from mezzotint.request import Request

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["NOTHING_KEPT", "check_keeping", "found_again", "keeping", "names_of"]

NOTHING_KEPT = "--keep-inputs: the picture is made from no other one"


def check_keeping(keep: bool, to: Destination) -> None:
    """Raises InvalidOption if inputs are to be kept in files that have no place for them."""
    if keep and to.suffix != ".png":
        written = RASTER[to.suffix][0] if to.suffix in RASTER else "SVG"
        raise InvalidOption(
            f"--keep-inputs puts pictures into PNG files, and {written} is written; write a PNG, or leave it out."
        )


def keeping(keep: bool, to: Destination, given: Iterable[Mapping[str, Any]]) -> tuple[Destination, tuple[str, ...]]:
    """Where pictures go together with those that they are made from, if that is asked for, and what there is to say of
    it. given: what calls of `Pipeline.stream` get. Raises InvalidOption for more than a file may hold."""
    if not keep:
        return to, ()
    from mezzotint.provenance.chunks import MAX_INPUT_BYTES, MAX_INPUTS
    from mezzotint.provenance.pixels import pixel_sha256
    from mezzotint.provenance.png import plain_png
    from mezzotint.provenance.read import MAX_PIXELS

    found: dict[str, bytes] = {}
    for call in given:
        own = {pixel_sha256(one): one for one in _pictures(call)}
        found |= {digest: plain_png(one) for digest, one in own.items() if digest not in found}
        pixels, size = sum(one.width * one.height for one in own.values()), sum(len(found[digest]) for digest in own)
        if len(own) > MAX_INPUTS or size > MAX_INPUT_BYTES or pixels > MAX_PIXELS:
            raise InvalidOption(
                f"--keep-inputs would put {len(own)} pictures of {pixels} pixels and {size / 2**20:.1f} MiB into a "
                f"file; it holds at most {MAX_INPUTS}, of {MAX_PIXELS} pixels and {MAX_INPUT_BYTES // 2**20} MiB "
                "altogether."
            )
    return replace(to, inputs=found), () if found else (NOTHING_KEPT,)


def _pictures(call: Mapping[str, Any]) -> "Iterator[Image]":
    for value in call.values():
        for one in value if isinstance(value, list | tuple) else (value,):
            picture = one[0] if isinstance(one, tuple) else one  # a mask and its text
            if picture is not None:
                yield picture


def names_of(request: Request) -> dict[str, str]:
    """The digests of the pictures that a request is drawn from, by the names of their options."""
    from mezzotint.tasks import PICTURES, ROWS, TOLD

    found = {name: getattr(request, name) for name in PICTURES if getattr(request, name) is not None}
    found |= {f"{name}[{i}]": digest for name in ROWS for i, digest in enumerate(getattr(request, name))}
    return found | {f"{name}[{i}]": one[0] for name in TOLD for i, one in enumerate(getattr(request, name))}


def found_again(request: Request, kept: "Mapping[str, Image]") -> "dict[str, Any] | None":
    """The pictures of a recipe's request, as `Pipeline.stream` takes them, from those that its file holds, by their
    digests; None if one is not among them."""
    from mezzotint.tasks import PICTURES

    names = names_of(request)
    if not names or not set(names.values()) <= kept.keys():
        return None
    found: dict[str, Any] = {name: kept[names[name]] for name in PICTURES if name in names}
    found["blend_images"] = [kept[digest] for digest in request.blend_images]
    found["region_masks"] = [(kept[digest], text) for digest, text in request.region_masks]
    return found
