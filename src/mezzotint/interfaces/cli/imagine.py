"""`mezzotint imagine`: draw pictures from a prompt."""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.arranging import arranged
from mezzotint.interfaces.cli.brief import Brief
from mezzotint.interfaces.cli.drawing import drawing_options
from mezzotint.interfaces.cli.formats import Formats, written_options
from mezzotint.interfaces.cli.options import (
    WHOLE,
    aside,
    compile_option,
    hires_options,
    keep_inputs_option,
    set_threads,
    upscaler_option,
    wait_quietly,
)
from mezzotint.interfaces.cli.references import reference_options
from mezzotint.interfaces.cli.session import Session, draw, refuse_ignored
from mezzotint.interfaces.keeping import check_keeping, keeping
from mezzotint.interfaces.pictures import Destination
from mezzotint.interfaces.prompts import Wildcards, at, prompts_of, requests_of, resumed
from mezzotint.interfaces.references import References
from mezzotint.request import Request, random_seed

if TYPE_CHECKING:
    from mezzotint.pipeline import Pipeline, Preview


@click.command(
    cls=Brief,
    short_help="Draw pictures from a prompt.",
    usual={
        "What is drawn": ("--n", "--seed", "--size", "--style", "--negative", "--guidance", "--steps"),
        "After pictures, and in parts": ("--style-ref", "--image-ref", "--region"),
        "Which pictures are kept": ("--check", "--best-of"),
        "With what, and whereto": ("--model", "--lora", "--out"),
    },
)
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
@compile_option
@reference_options
@hires_options
@upscaler_option
@keep_inputs_option
@click.option(
    "--layout",
    default="auto",
    show_default=True,
    metavar="HOW",
    help="auto: where a prompt names several things, each gets a region of its own, by its number and side; none: the "
    "prompt is drawn as one.",
)
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
@click.option(
    "--sheet",
    is_flag=True,
    help="Draw four pictures, and one sheet that shows them with numbers, which other commands take: vary SHEET 3.",
)
@click.option(
    "--enhance",
    is_flag=True,
    help="Expand a terse prompt with what the training captions say of its thing; the new prompt is told and stored.",
)
@click.option("--strict", is_flag=True, help="Refuse a prompt or option of which a part would be ignored.")
@written_options
def imagine(
    prompt: str | None,
    prompts: Path | None,
    wildcards: Path | None,
    model: str,
    out: str | None,
    threads: Any,
    compiled: bool,
    upscaler: str | None,
    keep_inputs: bool,
    layout: str,
    check: bool,
    tries: Any,
    best_of: Any,
    watch: bool,
    sheet: bool,
    enhance: bool,
    strict: bool,
    form: Formats,
    svg_colours: Any,
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
    if sheet:
        options["n"] = four_pictures(options["n"], prompts)
    refs = References()
    asked, places, unused = wanted(prompt, prompts, wildcards, refs.digests(options), refs)
    if enhance:
        asked = expanded(asked, form.printed)
    pictures = sum(request.n for request in asked)
    to = Destination.of(out, pictures, form.written(svg_colours))
    check_keeping(keep_inputs, to)
    if sheet and to.suffix == ".svg":
        raise InvalidOption("A sheet shows pictures in PNG, and SVG is asked for; leave out --sheet, or write PNG.")
    wait_quietly()
    set_threads(threads)
    from mezzotint.interfaces.choosing import choosing_of, previews_of
    from mezzotint.pipeline import Pipeline

    how = choosing_of(check, tries, best_of)
    pipe = Pipeline.load(model, device=asked[0].device, dtype=asked[0].dtype, compiled=compiled, said=aside)
    tries = None if how is None else how.tries
    given = referring(pipe, laid_out(pipe, asked, places, layout, upscaler, form.printed), places, refs)
    asked = tuple(request for request, _ in given)
    sources = {refs.key(request): fitted for request, fitted in given}  # of each size its own
    to, spare = keeping(keep_inputs, to, sources.values())
    unused = (*unused, *spare)
    left, there = (asked, ()) if prompts is None else resumed(pipe, asked, to, tries)
    resolved = [pipe.resolve(request) for request in left]
    for request in resolved if strict else ():
        refuse_ignored(pipe, request, unused)
    steps = sum(request.n * (tries or 1) * pipe.count(request) for request in resolved)

    def previews(told: Callable[[], None]) -> Iterator["Preview"]:
        each = [previews_of(pipe, request, how, told, sources[refs.key(request)]) for request in left]
        return chain.from_iterable(each)

    draw(Session(pipe, to, watch, there, sheet, unused), previews, steps, pictures - len(there), form.printed)


def referring(
    pipe: "Pipeline", asked: tuple[Request, ...], places: tuple[str, ...], refs: References
) -> list[tuple[Request, dict[str, Any]]]:
    """The requests with their references, and these. Raises InvalidOption for one that would be refused later, when
    others are drawn."""

    def one(request: Request) -> tuple[Request, dict[str, Any]]:
        found = refs.named(pipe, request)
        pipe.adapted(found[0]).resolve(found[0])
        return found

    return [at(place, one, request) for request, place in zip(asked, places, strict=True)]


def laid_out(
    pipe: "Pipeline", asked: tuple[Request, ...], places: tuple[str, ...], layout: str, upscaler: str | None, form: str
) -> tuple[Request, ...]:
    """The requests arranged, and told as text where they are in regions now, or could not be. Raises InvalidOption."""
    crowded: list[str] = []
    found = tuple(
        at(place, arranged, pipe, request, layout, upscaler, crowded.append)
        for request, place in zip(asked, places, strict=True)
    )
    for before, request in zip(asked, found, strict=True) if form == "text" else ():
        if request.region != before.region:
            pieces = " | ".join(text for _, text in request.region)
            click.echo(f"laid out: {pieces}  (--layout none draws it as one)")
    for prompt in dict.fromkeys(crowded) if form == "text" else ():
        click.echo(f"not laid out: {prompt}  (this size has no room for each thing; it is drawn as one)")
    return found


def wanted(
    prompt: str | None, prompts: Path | None, wildcards: Path | None, options: dict[str, Any], refs: References
) -> tuple[tuple[Request, ...], tuple[str, ...], tuple[str, ...]]:
    """The requests that a prompt or a file of prompts stands for, their places in it, and what there is to say of
    wildcards."""
    seed = cache(random_seed) if prompts is None else lambda: 0  # one for all of them
    texts, cards = prompts_of(prompt, prompts), Wildcards(wildcards)
    requests, places = requests_of(texts, options, cards, seed, refs.digests)
    return requests, places, cards.ignored([one.text for one in texts])


def four_pictures(n: Any, prompts: Path | None) -> int:
    """How many pictures --sheet draws of a prompt. Raises InvalidOption if a number or a file of prompts is given."""
    from mezzotint.interfaces.sheet_actions import COUNT

    if prompts is not None:
        raise InvalidOption(f"prompts is {prompts}, and a sheet is of one prompt; give a PROMPT, or leave out --sheet.")
    if n not in (1, COUNT):
        raise InvalidOption(f"n is {n}, and a sheet has {COUNT} pictures; leave out --n.")
    return COUNT


def expanded(asked: tuple[Request, ...], form: str) -> tuple[Request, ...]:
    """The requests with their prompts expanded, and told as text."""
    from mezzotint.interfaces.enhancing import enhanced_request
    from mezzotint.interfaces.layout import told_by

    # what names several things is laid out, and more words would hide them
    found = tuple(request if told_by(request) else enhanced_request(request) for request in asked)
    for request in dict.fromkeys(found) if form == "text" else ():
        known = request.original_prompt is not None
        click.echo(f"prompt: {request.prompt}" if known else f"prompt: {request.prompt} (there is nothing to add)")
    return found
