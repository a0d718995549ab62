"""From the options of `edit --fix-detail` to the parts that are redrawn, and to the pictures."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.choosing import choosing_of

if TYPE_CHECKING:
    from PIL.Image import Image

    from mezzotint.evaluation.choosing import Choosing
    from mezzotint.evaluation.fixing import Part
    from mezzotint.pipeline import Pipeline, Preview
    from mezzotint.request import Request

__all__ = ["Fixing", "fixing_of"]

ELSEWHERE = (
    *("strength", "expand", "zoom", "aspect", "invert", "detail", "crop_to_mask", "soft_mask", "feather", "size"),
)
"""The options that say otherwise what is redrawn, or how large the picture is."""


@dataclass(frozen=True)
class Fixing:
    """What `--fix-detail` asks for.

    options   those of the request that gives the picture back as it is, whatever size it has
    parts     what a mask names
    how       who looks, and how often a part is redrawn at most
    """

    options: dict[str, Any]
    parts: "tuple[Part, ...]"
    how: "Choosing"

    def steps(self, pipe: "Pipeline", resolved: "Request") -> int:
        """How many steps there may be, if one part is redrawn."""
        from dataclasses import replace

        return resolved.n * self.how.tries * pipe.count(replace(resolved, detail_strength=None))

    def redrawing(self, resolved: "Request") -> "Request":
        """A resolved request as one in which parts are redrawn, each with words of its own."""
        from dataclasses import replace

        return replace(resolved, prompt="", detail_strength=1.0)

    def previews(
        self, pipe: "Pipeline", request: "Request", pictures: Mapping[str, Any], form: str
    ) -> "Callable[[Callable[[], None]], Iterator[Preview]]":
        """From what hears of every step to the previews; all that can be refused is refused before this returns.

        pictures: the picture, and the references, by the names of their options."""
        from dataclasses import replace

        from mezzotint.evaluation.fixing import fix

        plain = replace(request, detail=(), detail_strength=None)
        heard: list[Callable[[], None]] = []
        tell = (lambda parts: None) if form == "json" else told
        references = {name: one for name, one in pictures.items() if name != "image"}
        steps = fix(pipe, plain, self.how, pictures["image"], self.parts, lambda: heard[0](), tell, references)

        def previews(each: Callable[[], None]) -> "Iterator[Preview]":
            heard[:] = [each]
            return steps

        return previews


def fixing_of(prompt: str, options: Mapping[str, Any], mask: "Image | None", tries: Any) -> Fixing:
    """What `--fix-detail` asks for, with the shipped detector. Raises InvalidOption for options that it has no place
    for, and where there is nothing to compare the picture with."""
    from mezzotint.evaluation.fixing import WHOLE

    other = next((name for name in ELSEWHERE if options.get(name)), None)
    if options.get("strength") is not None or other is not None:
        option = f"--{(other or 'strength').replace('_', '-')}"
        raise InvalidOption(f"--fix-detail redraws parts of the picture as it is; leave out {option}.")
    if not prompt.strip():
        raise InvalidOption("--fix-detail compares the picture with a prompt; give a PROMPT.")
    how = choosing_of(True, tries, None, "--fix-detail")
    assert how is not None, "a detector was asked for"
    whole = {"strength": 0.0, "detail": [[WHOLE, prompt]], "detail_strength": 0.0, "invert_mask": False}
    parts = () if mask is None else (part_of(mask, bool(options.get("invert_mask")), prompt),)
    return Fixing({**options, **whole}, parts, how)


def part_of(mask: "Image", invert: bool, prompt: str) -> "Part":
    """What a mask names: the box around what is more white than black. Raises InvalidOption if that is nothing."""
    from mezzotint.editing.masks import mask_image
    from mezzotint.evaluation.fixing import Part

    found = mask_image(mask, invert).point(lambda value: 255 * (value > 127)).getbbox()
    if found is None:
        raise InvalidOption("The mask names no part, since it is black all over; give one that is white somewhere.")
    left, top, right, bottom = found
    box = (left / mask.width, top / mask.height, right / mask.width, bottom / mask.height)
    return Part(box, prompt, "the mask names it")


def told(parts: "Sequence[Part]") -> None:
    """Says what is redrawn, and why."""
    for part in parts:
        box = ",".join(f"{share:.2f}" for share in part.box)
        click.echo(f'redraws {box} with "{part.words}": {part.why}')
    if not parts:
        click.echo("there is no part to redraw; the picture stays as it is")
