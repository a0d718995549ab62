"""`mezzotint blend`: draw what lies between pictures."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from mezzotint.conditioning.prompt import lifted
from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.brief import Brief
from mezzotint.interfaces.cli.drawing import drawing_options
from mezzotint.interfaces.cli.formats import Formats, written_options
from mezzotint.interfaces.cli.options import GRID, REAL, keep_inputs_option, set_threads, upscaler_option, wait_quietly
from mezzotint.interfaces.cli.references import reference_options
from mezzotint.interfaces.cli.session import Session, counted_previews, draw, refuse_ignored
from mezzotint.interfaces.keeping import check_keeping, keeping
from mezzotint.interfaces.pictures import Destination
from mezzotint.interfaces.references import References
from mezzotint.interfaces.rows import fitted_row, read_row
from mezzotint.interfaces.sizing import enlarged_in_the_end
from mezzotint.request import Request, random_seed


@click.command(
    cls=Brief,
    short_help="Draw what lies between two to five pictures.",
    usual={
        "What is drawn": ("--weights", "--strength", "--prompt", "--source-prompt"),
        "How it is drawn": ("--n", "--seed", "--guidance", "--steps", "--size"),
        "With what, and whereto": ("--model", "--out"),
    },
)
@click.argument("images", nargs=-1, type=click.Path(path_type=Path))
@click.option("--prompt", default="", metavar="TEXT", help="What is to be drawn; may be left out.")
@click.option("--source-prompt", default="", metavar="TEXT", help="What all of the pictures show; may be left out.")
@click.option(
    "--weights",
    type=GRID,
    metavar="A,B,...",
    help="How much each picture counts, such as 1,3; all the same if not given.",
)
@click.option(
    "--strength",
    type=REAL,
    metavar="SHARE",
    help="Where they are mixed: 1, in pure noise, unless given; lower, such as 0.75, in noise that shows them still, "
    "so that the blend has more of both.",
)
@drawing_options
@reference_options
@upscaler_option
@keep_inputs_option
@click.option("--watch", is_flag=True, help="Also write the denoising: a contact sheet and an animation.")
@click.option("--strict", is_flag=True, help="Refuse a prompt or option of which a part would be ignored.")
@written_options
def blend(
    images: tuple[Path, ...],
    prompt: str,
    weights: Any,
    model: str,
    out: str | None,
    threads: Any,
    upscaler: str | None,
    keep_inputs: bool,
    watch: bool,
    strict: bool,
    form: Formats,
    svg_colours: Any,
    **options: Any,
) -> None:
    """Draw what lies between IMAGES, two to five PNG, JPEG or WebP files: the noise of each is found, and mixed.

    A picture of another size is fitted into the model's square. The recipe holds the digests of the pictures:
    `mezzotint reproduce FILE --image A --blend-image B` draws it again.

    \b
    mezzotint blend apple.png banana.png
    mezzotint blend apple.png banana.png --weights 1,3 --prompt "a fruit" --guidance 2
    """
    if not 2 <= len(images) <= 5:
        count = "1 picture is" if len(images) == 1 else f"{len(images)} pictures are"
        raise InvalidOption(f"{count} given; blend takes two to five.")
    options = lifted(prompt, {**options, "blend_weights": weights})
    if options["seed"] is None:
        options["seed"] = random_seed()
    from mezzotint.tasks import source_size, with_digests

    row, refs = read_row(images), References()
    options = refs.digests(options)
    prompt = options["prompt"]
    # what can be refused is refused before the model is loaded; the digests are those of the fitted pictures in the end
    request = Request.from_json_dict(with_digests(prompt, options, named(row)))
    to = Destination.of(out, request.n, form.written(svg_colours))
    check_keeping(keep_inputs, to)
    wait_quietly()
    set_threads(threads)
    from mezzotint.pipeline import Pipeline

    pipe = Pipeline.load(model, device=request.device, dtype=request.dtype)
    request = enlarged_in_the_end(pipe, request, upscaler)
    options |= {name: getattr(request, name) for name in ("size", "upscaler", "upscale_to")}
    row = fitted_row(row, source_size(pipe.resolve(request)))
    pictures = refs.fitted(pipe, request)
    request = Request.from_json_dict(with_digests(prompt, options, named(row) | pictures))
    resolved = pipe.resolve(request)
    if strict:
        refuse_ignored(pipe, resolved)
    given = {"image": row[0], "blend_images": row[1:], **pictures}
    to, _ = keeping(keep_inputs, to, [given])
    previews = partial(counted_previews, pipe.stream(request, **given))
    draw(Session(pipe, to, watch), previews, request.n * pipe.count(resolved), request.n, form.printed)


def named(row: Any) -> dict[str, Any]:
    """The pictures under the names that they have among those of a call."""
    return {"image": row[0], **{f"blend_images[{i}]": picture for i, picture in enumerate(row[1:])}}
