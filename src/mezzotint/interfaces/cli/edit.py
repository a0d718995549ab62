"""`mezzotint edit`: draw on a picture."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from mezzotint.conditioning.prompt import lifted
from mezzotint.interfaces.cli.drawing import drawing_options
from mezzotint.interfaces.cli.options import REAL, format_option, set_threads, wait_quietly
from mezzotint.interfaces.cli.references import reference_options
from mezzotint.interfaces.cli.session import Session, counted_previews, draw, refuse_ignored
from mezzotint.interfaces.pictures import Destination
from mezzotint.interfaces.references import read_references
from mezzotint.interfaces.sources import fitted, named, read_sources
from mezzotint.request import Request, random_seed


@click.command(short_help="Draw on a picture: all over, or where a mask says.")
@click.argument("image", type=click.Path(path_type=Path))
@click.argument("prompt", default="")
@click.option(
    "--strength",
    type=REAL,
    metavar="SHARE",
    help="The share of the steps that draw on it: 0 leaves it, 1 begins from pure noise; 0.9 if not given, 1 with a "
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
@click.option(
    "--expand",
    metavar="EDGE=PIXELS,…",
    help="Draw so many pixels around the picture, such as left=64,top=32; the picture stays, to the byte.",
)
@click.option(
    "--zoom",
    type=REAL,
    metavar="FACTOR",
    help="Shrink the picture so many times, such as 1.5, and draw what is then around it.",
)
@click.option(
    "--invert",
    is_flag=True,
    help="Begin with the noise that the picture comes from, at strength 1 unless one is given.",
)
@click.option(
    "--source-prompt", default="", metavar="TEXT", help="With --invert: what the picture shows now; may be left out."
)
@drawing_options
@reference_options
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
    mezzotint edit apple.png "a green apple" --strength 0.9
    mezzotint edit apple.png "an apple with a worm" --mask hole.png --feather 2
    mezzotint edit apple.png "a green apple" --invert --source-prompt "a red apple"
    mezzotint edit apple.png "apples" --expand left=32,right=32
    """
    options = lifted(prompt, options)
    if options["seed"] is None:
        options["seed"] = random_seed()
    from mezzotint.tasks import source_size, with_digests

    sources, refs = read_sources(image, mask), read_references(options)
    options = refs.digests(options)
    # what can be refused is refused before the model is loaded; the digests are those of the fitted pictures in the end
    request = Request.from_json_dict(with_digests(prompt, options, named(sources)))
    to = Destination.of(out, request.n)
    wait_quietly()
    set_threads(threads)
    from mezzotint.pipeline import Pipeline

    pipe = Pipeline.load(model, device=request.device, dtype=request.dtype)
    pictures = named(fitted(sources, source_size(pipe.resolve(request)))) | refs.fitted(pipe, request)
    request = Request.from_json_dict(with_digests(prompt, options, pictures))
    resolved = pipe.resolve(request)
    if strict:
        refuse_ignored(pipe, resolved)
    previews = partial(counted_previews, pipe.stream(request, **pictures))
    draw(Session(pipe, to, watch), previews, request.n * max(1, len(pipe.time_grid(resolved))), request.n, form)
