"""`mezzotint imagine`: draw pictures from a prompt."""

from typing import Any

import click

from mezzotint.interfaces.cli.drawing import drawing_options
from mezzotint.interfaces.cli.options import WHOLE, format_option, set_threads, wait_quietly
from mezzotint.interfaces.cli.session import Session, draw, refuse_ignored
from mezzotint.interfaces.pictures import Destination
from mezzotint.request import Request, random_seed


@click.command(short_help="Draw pictures from a prompt.")
@click.argument("prompt")
@drawing_options
@click.option(
    "--check",
    is_flag=True,
    help="Look at each picture: things, counts, colours, places, text; draw again until it is right. The verdict goes "
    "into the recipe.",
)
@click.option(
    "--tries", type=WHOLE, metavar="N", help="With --check: most pictures drawn for one that is kept; 4 if not given."
)
@click.option(
    "--best-of", type=WHOLE, metavar="N", help="Draw N for each picture and keep the one that fits the prompt best."
)
@click.option(
    "--watch", is_flag=True, help="Also write the denoising: a contact sheet and an animation beside each picture."
)
@click.option("--strict", is_flag=True, help="Refuse a prompt or option of which a part would be ignored.")
@format_option
def imagine(
    prompt: str,
    model: str,
    out: str | None,
    threads: Any,
    check: bool,
    tries: Any,
    best_of: Any,
    watch: bool,
    strict: bool,
    form: str,
    **options: Any,
) -> None:
    """Draw PROMPT, which may be empty, and say where the picture is.

    Each file carries its recipe: `mezzotint reproduce FILE` draws it again.

    \b
    mezzotint imagine "a red apple" --seed 7 --steps 12 --solver ddim:eta=0.5
    mezzotint imagine "a cat" --guidance 8 --guidance-method apg --guidance-method rescale:amount=0.7
    mezzotint imagine "a cat" --guidance-method pag:scale=2 --guidance-interval 0.2,0.9
    mezzotint imagine "a cat" --also "a hat:0.7" --also "a ball:-0.3"
    mezzotint imagine "a zorp on a skateboard" --lora zorp:0.8
    mezzotint imagine "three red apples" --check --n 4
    """
    if options["seed"] is None:
        options["seed"] = random_seed()
    request = Request.from_json_dict({"prompt": prompt, **options})
    to = Destination.of(out, request.n)
    wait_quietly()
    set_threads(threads)
    from mezzotint.interfaces.choosing import choosing_of, previews_of
    from mezzotint.pipeline import Pipeline

    how = choosing_of(check, tries, best_of)
    pipe = Pipeline.load(model, device=request.device, dtype=request.dtype)
    if strict:
        refuse_ignored(pipe, pipe.resolve(request))
    steps = request.n * (1 if how is None else how.tries) * len(pipe.time_grid(pipe.resolve(request)))
    draw(Session(pipe, to, watch), lambda told: previews_of(pipe, request, how, told), steps, request.n, form)
