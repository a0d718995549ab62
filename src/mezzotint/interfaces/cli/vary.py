"""`mezzotint vary`: draw variations of a picture from the recipe in its file."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.edit_options import VARY
from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.brief import Brief
from mezzotint.interfaces.cli.formats import Formats, written_options
from mezzotint.interfaces.cli.options import (
    REAL,
    WHOLE,
    device_option,
    dtype_option,
    set_threads,
    threads_option,
    wait_quietly,
    whole_number,
)
from mezzotint.interfaces.cli.references import reference_weights
from mezzotint.interfaces.cli.reproduce import picture_options, pictures_of, pipeline_of, runnable
from mezzotint.interfaces.cli.session import Session, draw
from mezzotint.interfaces.pictures import Destination
from mezzotint.interfaces.references import with_references
from mezzotint.request import SEEDS, Request
from mezzotint.values import integer, show

if TYPE_CHECKING:
    from mezzotint.pipeline import Preview

MOST = 1024


@click.command(
    cls=Brief,
    short_help="Draw variations of a picture that was drawn here.",
    usual={
        "What is drawn": ("--strength", "--n", "--vary-seed"),
        "The pictures that FILE was made from": ("--image", "--mask", "--blend-image", "--region-mask"),
        "With what, and whereto": ("--model", "--out"),
    },
)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("number", type=WHOLE, required=False)
@click.option(
    "--strength",
    default="subtle",
    show_default=True,
    metavar="SHARE",
    help="How far they are from it: subtle, strong, or a share from 0 (the same) to 1 (another seed's picture).",
)
@click.option("--n", type=WHOLE, default=4, show_default=True, metavar="N", help="How many variations.")
@click.option(
    "--vary-seed",
    type=WHOLE,
    metavar="SEED",
    help="The seed that the first goes towards, the next ones with it; by default one that no picture of a batch has.",
)
@click.option(
    "--lora",
    "loras",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The file of a LoRA that the recipe names, instead of the installed one; may be repeated.",
)
@picture_options
@reference_weights
@click.option(
    "--weak-model", metavar="NAME", help="A weak model's name or folder, instead of the one that the recipe names."
)
@click.option("--upscaler", metavar="NAME", help="The same for the upscaler that the recipe names.")
@click.option("--model", metavar="NAME", help="A model's name or folder, instead of the one that the recipe names.")
@click.option(
    "--out",
    metavar="PATH",
    help="A file that ends in .png, .webp, .jpg or .svg, or a folder; mezzotint-out if not given.",
)
@device_option
@dtype_option
@threads_option
@written_options
def vary(
    file: Path,
    number: Any,
    strength: str,
    n: Any,
    vary_seed: Any,
    loras: tuple[Path, ...],
    weak_model: str | None,
    upscaler: str | None,
    model: str | None,
    out: str | None,
    device: str,
    dtype: str,
    threads: Any,
    form: Formats,
    svg_colours: Any,
    **files: Any,
) -> None:
    """Draw N variations of FILE, from its recipe with its noise mixed with that of other seeds.

    FILE may be a sheet of `imagine --sheet`; NUMBER then says which of its pictures. The variations carry their
    recipes, so that they can be reproduced, and varied in their turn. The pictures that FILE was made from are given
    again; references that it was not made after join them.

    \b
    mezzotint vary apple.png
    mezzotint vary apple.png --strength strong --n 8 --out apples
    """
    from mezzotint.interfaces.sheet_actions import picture_of
    from mezzotint.provenance.read import read_inputs

    then = picture_of(file, number)
    count = whole_number("n", n, 1, MOST)
    to = Destination.of(out, count, form.written(svg_colours))
    asked = varied(then.request, strength, vary_seed, count)
    wait_quietly()
    set_threads(threads)
    pipe = pipeline_of(then, model, device, dtype)
    request = with_references(runnable(then, weak_model, loras, upscaler), files, pipe)
    pictures = pictures_of(request, pipe, files, read_inputs(file), then.environment.pillow)
    here = replace(request, device="auto", dtype="auto")
    streams = [pipe.stream(replace(here, vary=one.vary), **pictures) for one in asked]

    def previews(told: Callable[[], None]) -> Iterator["Preview"]:
        for k, stream in enumerate(streams):
            for preview in stream:
                told()
                yield replace(preview, picture=k)

    steps = pipe.count(pipe.resolve(here))
    draw(Session(pipe, to, watch=False), previews, count * steps, count, form.printed)


def varied(request: Request, strength: str, seed: int | None, count: int) -> tuple[Request, ...]:
    """So many variations of a request, on top of those that it has already: towards `seed` and the next ones that it
    does not have yet. Raises InvalidOption."""
    share = VARY.get(strength, REAL.convert(strength, None, None))
    if not isinstance(share, float) or not 0 <= share <= 1:
        raise InvalidOption(f"strength is {show(strength)}; it must be subtle, strong or a share from 0 to 1.")
    if seed is not None:
        integer("vary-seed", seed, 0, SEEDS - 1, "2^64 - 1")
    toward: Any = (*request.vary, (share, seed))
    first = replace(request, vary=toward).vary[-1][1]  # by default one that no picture of a batch has
    taken = {request.seed, *(other for _, other in request.vary)}
    free = (one % SEEDS for one in itertools.count(first) if one % SEEDS not in taken)
    return tuple(replace(request, vary=(*request.vary, (share, one))) for one in itertools.islice(free, count))
