"""`mezzotint edit`: draw on a picture."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from mezzotint.conditioning.prompt import lifted
from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.drawing import drawing_options
from mezzotint.interfaces.cli.formats import Formats, written_options
from mezzotint.interfaces.cli.kept_layout import draw_alike, is_of_a_recipe
from mezzotint.interfaces.cli.options import (
    REAL,
    WHOLE,
    aside,
    compile_option,
    set_threads,
    wait_quietly,
)
from mezzotint.interfaces.cli.references import reference_options
from mezzotint.interfaces.cli.session import Previews, Session, counted_previews, draw, refuse_ignored
from mezzotint.interfaces.fixing import fixing_of
from mezzotint.interfaces.pictures import Destination
from mezzotint.interfaces.references import References
from mezzotint.interfaces.sources import named, prepared, read_sources
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
    "--soft-mask", is_flag=True, help="The mask's brightness is the strength of every pixel, instead of a blend."
)
@click.option(
    "--crop-to-mask",
    is_flag=True,
    help="Draw what the mask covers at the model's size, and scale it back into the picture, which may be of any size.",
)
@click.option(
    "--crop-padding",
    type=WHOLE,
    metavar="PIXELS",
    help="With --crop-to-mask: how much around that is drawn too; 32 if not given.",
)
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
@click.option(
    "--keep-layout",
    type=REAL,
    metavar="SHARE",
    help="Keep the layout of what --source-prompt draws for this share of the steps; of a picture drawn here without "
    "it, of its recipe.",
)
@click.option(
    "--fix-detail",
    is_flag=True,
    help="Look at the picture, and redraw at the model's size what is not as PROMPT says, or what the mask names; keep "
    "what is better.",
)
@click.option(
    "--tries", type=WHOLE, metavar="N", help="With --fix-detail: how often at most a part is redrawn; 4 if not given."
)
@drawing_options
@compile_option
@reference_options
@click.option("--watch", is_flag=True, help="Also write the denoising: a contact sheet and an animation.")
@click.option("--strict", is_flag=True, help="Refuse a prompt or option of which a part would be ignored.")
@written_options
def edit(
    image: Path,
    prompt: str,
    mask: Path | None,
    fix_detail: bool,
    tries: Any,
    model: str,
    out: str | None,
    threads: Any,
    compiled: bool,
    watch: bool,
    strict: bool,
    form: Formats,
    svg_colours: Any,
    **options: Any,
) -> None:
    """Draw PROMPT on IMAGE, a PNG, JPEG or WebP file, and say where the new picture is.

    A picture of another size is fitted into the model's square, but not where only parts are drawn. The recipe holds
    the digests of picture and mask: `mezzotint reproduce FILE --image IMAGE --mask MASK` draws it again.

    \b
    mezzotint edit apple.png "a green apple" --strength 0.9
    mezzotint edit apple.png "an apple with a worm" --mask hole.png --feather 2
    mezzotint edit photo.jpg "an apple" --mask there.png --crop-to-mask
    mezzotint edit apple.png "a green apple" --invert --source-prompt "a red apple"
    mezzotint edit apple.png "a green apple" --keep-layout 0.6
    mezzotint edit both.png "a red apple and a blue cup" --fix-detail
    mezzotint edit apple.png "apples" --expand left=32,right=32
    """
    if is_of_a_recipe(context := click.get_current_context()):
        to = Destination.of(out, 1, form.written(svg_colours))
        draw_alike(image, prompt, context, to, threads=threads, watch=watch, strict=strict, form=form.printed)
        return
    options = lifted(prompt, options)
    if options["seed"] is None:
        options["seed"] = random_seed()
    from mezzotint.tasks import softened, with_digests

    sources, refs = read_sources(image, mask), References()
    options, fixing = refs.digests(options), None
    if fix_detail:
        fixing = fixing_of(options["prompt"], options, sources[1], tries)
        sources, options = (sources[0], None), fixing.options
    elif tries is not None:
        raise InvalidOption(f"tries is {tries}, but nothing is looked at; give --fix-detail too.")
    # what can be refused is refused before the model is loaded; the digests are those of the fitted pictures in the end
    request = Request.from_json_dict(with_digests(prompt, options, named(sources)))
    to = Destination.of(out, request.n, form.written(svg_colours))
    wait_quietly()
    set_threads(threads)
    from mezzotint.pipeline import Pipeline

    pipe = Pipeline.load(model, device=request.device, dtype=request.dtype, compiled=compiled, said=aside)
    pictures = named(prepared(sources, pipe.resolve(request))) | refs.fitted(pipe, request)
    request = softened(Request.from_json_dict(with_digests(prompt, options, pictures)), pictures)
    resolved = pipe.resolve(request)
    if strict:
        refuse_ignored(pipe, resolved if fixing is None else fixing.redrawing(resolved))
    if fixing is None:
        previews: Previews = partial(counted_previews, pipe.stream(request, **pictures))
        steps = request.n * pipe.count(resolved)
    else:
        previews, steps = fixing.previews(pipe, request, pictures, form.printed), fixing.steps(pipe, resolved)
    draw(Session(pipe, to, watch), previews, steps, request.n, form.printed)
