"""`mezzotint imagine`: draw pictures from a prompt."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.interfaces.cli.drawing import drawing_options
from mezzotint.interfaces.cli.options import WHOLE, format_option, set_threads, wait_quietly
from mezzotint.interfaces.cli.session import Session, draw, refuse_ignored
from mezzotint.interfaces.pictures import Destination
from mezzotint.interfaces.prompts import Wildcards, prompts_of, requests_of, resumed
from mezzotint.request import random_seed

if TYPE_CHECKING:
    from mezzotint.pipeline import Preview


@click.command(short_help="Draw pictures from a prompt.")
@click.argument("prompt", required=False)
@click.option(
    "--prompts",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw each line of a text file instead of PROMPT, but not what is in the folder already; without --seed, the "
    "seed is 0.",
)
@click.option(
    "--wildcards",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where __name__ in a prompt finds its file name.txt: one choice a line, the seed picks.",
)
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
    prompt: str | None,
    prompts: Path | None,
    wildcards: Path | None,
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

    Each file carries its recipe: `mezzotint reproduce FILE` draws it again. PROMPT may have weights (red:1.3), changes
    [a:b:0.5] and [a|b], several prompts joined by AND, choices {a, b}, and flags such as --seed 7 at its end;
    `mezzotint prompt PROMPT` shows how it is read.

    \b
    mezzotint imagine "a red apple" --seed 7 --steps 12 --solver ddim:eta=0.5
    mezzotint imagine "a cat" --guidance 8 --guidance-method apg --guidance-method rescale:amount=0.7
    mezzotint imagine "a cat" --guidance-method pag:scale=2 --guidance-interval 0.2,0.9
    mezzotint imagine "a cat" --also "a hat:0.7" --also "a ball:-0.3"
    mezzotint imagine "a zorp on a skateboard" --lora zorp:0.8
    mezzotint imagine "three red apples" --check --n 4
    mezzotint imagine "a {red, green} apple, (shiny:1.4) --seed 7" --out apples
    """
    if prompt is None and prompts is None:
        raise click.MissingParameter(param_hint="'PROMPT'", param_type="argument", ctx=click.get_current_context())
    seed = cache(random_seed) if prompts is None else lambda: 0  # one for all of them
    asked = requests_of(prompts_of(prompt, prompts), options, Wildcards(wildcards), seed)
    pictures = sum(request.n for request in asked)
    to = Destination.of(out, pictures)
    wait_quietly()
    set_threads(threads)
    from mezzotint.interfaces.choosing import choosing_of, previews_of
    from mezzotint.pipeline import Pipeline

    how = choosing_of(check, tries, best_of)
    pipe = Pipeline.load(model, device=asked[0].device, dtype=asked[0].dtype)
    tries = None if how is None else how.tries
    left, there = (asked, ()) if prompts is None else resumed(pipe, asked, to, tries)
    resolved = [pipe.resolve(request) for request in left]
    for request in resolved if strict else ():
        refuse_ignored(pipe, request)
    steps = sum(request.n * (tries or 1) * len(pipe.time_grid(request)) for request in resolved)

    def previews(told: Callable[[], None]) -> Iterator["Preview"]:
        return chain.from_iterable([previews_of(pipe, request, how, told) for request in left])

    draw(Session(pipe, to, watch, there), previews, steps, pictures - len(there), form)
