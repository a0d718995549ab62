"""`mezzotint edit`: draw on a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.drawing import drawing_options
from mezzotint.interfaces.cli.options import REAL, format_option, set_threads, wait_quietly
from mezzotint.interfaces.cli.session import Session, draw
from mezzotint.interfaces.pictures import Destination
from mezzotint.request import Request, random_seed

if TYPE_CHECKING:
    from PIL.Image import Image


@click.command(short_help="Draw on a picture: all over, or where a mask says.")
@click.argument("image", type=click.Path(path_type=Path))
@click.argument("prompt", default="")
@click.option(
    "--strength",
    type=REAL,
    metavar="SHARE",
    help="The share of the steps that draw on it: 0 leaves it, 1 begins from pure noise; 0.6 if not given, 1 with a "
    "mask.",
)
@click.option(
    "--mask",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A picture of the same size: drawn anew where it is white, kept to the byte where it is black or clear.",
)
@click.option("--invert-mask", is_flag=True, help="Draw where the mask is black instead.")
@click.option("--feather", type=REAL, default=0.0, metavar="PIXELS", help="Soften the mask's edge by so many pixels.")
@drawing_options
@click.option("--watch", is_flag=True, help="Also write the denoising: a contact sheet and an animation.")
@click.option("--strict", is_flag=True, help="Refuse a prompt or option of which a part would be ignored.")
@format_option
def edit(
    image: Path,
    prompt: str,
    mask: Path | None,
    model: str,
    out: str | None,
    threads: Any,
    watch: bool,
    strict: bool,
    form: str,
    **options: Any,
) -> None:
    """Draw PROMPT on IMAGE, a PNG, JPEG or WebP file, and say where the new picture is.

    A picture of another size is fitted into the model's square. The recipe holds the digests of picture and mask:
    `mezzotint reproduce FILE --image IMAGE --mask MASK` draws it again.

    \b
    mezzotint edit apple.png "a green apple" --strength 0.7
    mezzotint edit apple.png "an apple with a worm" --mask hole.png --feather 2
    """
    if options["seed"] is None:
        options["seed"] = random_seed()
    wait_quietly()
    set_threads(threads)
    from mezzotint.pipeline import Pipeline
    from mezzotint.tasks import with_digests

    device, dtype = options["device"], options["dtype"]
    Request.from_json_dict({"prompt": prompt, **{k: v for k, v in options.items() if k not in _OF_EDITS}})
    pipe = Pipeline.load(model, device=device, dtype=dtype)
    source, cover = sources(image, mask, pipe.model.size)
    request = Request.from_json_dict({"prompt": prompt, **with_digests(prompt, options, source, cover)})
    to = Destination.of(out, request.n)
    resolved = pipe.resolve(request)
    if strict and (unused := pipe.ignored(resolved)):
        raise InvalidOption(
            f"{', '.join(map(repr, unused))} would be ignored; leave it out, or leave out --strict to draw without it."
        )
    steps = request.n * max(1, len(pipe.time_grid(resolved)))

    def previews(told: Any) -> Any:
        for preview in pipe.stream(request, image=source, mask=cover):
            told()
            yield preview

    draw(Session(pipe, to, watch), previews, steps, request.n, form)


_OF_EDITS = ("strength", "invert_mask", "feather")


def sources(image: Path, mask: Path | None, size: tuple[int, int]) -> "tuple[Image, Image | None]":
    """A picture and its mask, each fitted into the size that is drawn. Raises InvalidFile, InvalidOption.

    A mask of another size than its picture is refused, since nobody could say what of it lies where.
    """
    from mezzotint.provenance.read import read_picture

    source, cover = (None if path is None else upright(read_picture(path)) for path in (image, mask))
    assert source is not None
    if cover is not None and cover.size != source.size:
        ours, theirs = ("x".join(map(str, one.size)) for one in (source, cover))
        raise InvalidOption(f"The mask {mask} has {theirs} pixels, but the picture {ours}; give one of the same size.")
    return fitted(source, size), None if cover is None else fitted_mask(cover, size)


def upright(image: "Image") -> "Image":
    """The picture as its EXIF orientation says it is to be seen."""
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def fitted_mask(mask: "Image", size: tuple[int, int]) -> "Image":
    """A mask in the place of its picture (`fitted`), what lies around it clear. Scaled without a filter that rings, so
    that what is black stays black."""
    from PIL import Image

    if mask.size == size:
        return mask
    scale = size[0] / max(mask.size)
    width, height = (max(1, round(side * scale)) for side in mask.size)
    whole = Image.new("RGBA", size, (0, 0, 0, 0))
    small = mask.convert("RGBA").resize((width, height), Image.Resampling.BOX)
    whole.paste(small, ((size[0] - width) // 2, (size[1] - height) // 2))
    return whole


def fitted(image: "Image", size: tuple[int, int]) -> "Image":
    """The picture scaled to fit (Lanczos, premultiplied), centred on a transparent canvas."""
    from PIL import Image

    from mezzotint.data.pixels import fit, straight

    if image.size == size:
        return image.convert("RGBA")
    if size[0] != size[1]:
        raise InvalidOption(
            f"The picture has {image.width}x{image.height} pixels; scale it to {size[0]}x{size[1]} first."
        )
    import numpy as np

    picture = fit(image, size[0])
    return Image.fromarray(np.concatenate([straight(picture), picture[..., 3:]], axis=-1), "RGBA")
