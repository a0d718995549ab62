"""`mezzotint edit PICTURE PROMPT --keep-layout SHARE` of a picture drawn here: its recipe with a new prompt."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.options import set_threads, wait_quietly
from mezzotint.interfaces.cli.reproduce import pipeline_of, runnable
from mezzotint.interfaces.cli.session import Session, counted_previews, draw, refuse_ignored
from mezzotint.interfaces.pictures import Destination
from mezzotint.recipe import Recipe
from mezzotint.request import Request

__all__ = ["draw_alike", "is_of_a_recipe", "relaid"]

MAY_BE_GIVEN = frozenset(
    {
        *("image", "prompt", "keep_layout", "model", "out", "device", "dtype", "threads", "watch", "strict", "form"),
        *("svg_colours", "upscaler", "weak_model"),
    }
)
"""The parameters of `edit` that are not what the recipe says."""


def is_of_a_recipe(context: click.Context) -> bool:
    """Whether an edit keeps the layout of a picture as its recipe says: nobody says what it shows, or inverts it.

    Raises InvalidOption if anything else is given that the recipe says.
    """
    asked = context.params
    if not asked["keep_layout"] or asked["invert"] or asked["source_prompt"]:
        return False
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if name not in MAY_BE_GIVEN and source is click.core.ParameterSource.COMMANDLINE:
            raise InvalidOption(
                f"keep_layout draws the picture's own recipe with another prompt, and {parameter.opts[0]} is given "
                "too; leave it out, or say what the picture shows with --source-prompt."
            )
    return True


def relaid(image: Path, prompt: str, share: float) -> tuple[Recipe, Request]:
    """A picture's recipe, and what draws it with another prompt and its layout.

    Raises InvalidOption for a picture without a recipe of ours, and for one that was made from other pictures.
    """
    from mezzotint.provenance.read import read_metadata
    from mezzotint.tasks import PICTURES, ROWS, TOLD

    then = read_metadata(image).recipe
    if then is None:
        raise InvalidOption(
            f"{image} has no recipe of mezzotint, so that nobody knows how its layout came about; give --invert, and "
            "say what it shows with --source-prompt."
        )
    made_from = [name for name in (*PICTURES, *ROWS, *TOLD, "keep_layout") if getattr(then.request, name)]
    if made_from:
        raise InvalidOption(
            f"{image} was drawn with {made_from[0]}, and keep_layout takes recipes that need no other picture; give "
            "--invert, and say what it shows with --source-prompt."
        )
    was = then.request
    if not was.prompt and was.region:
        raise InvalidOption(
            f"{image} was laid out in regions, without a prompt of the whole; draw the new one with imagine, or give "
            "--invert, and say what the picture shows with --source-prompt."
        )
    return then, replace(was, prompt=prompt, source_prompt=was.prompt, keep_layout=share, original_prompt=None)


def draw_alike(
    image: Path,
    prompt: str,
    context: click.Context,
    to: Destination,
    *,
    threads: object,
    watch: bool,
    strict: bool,
    form: str,
) -> None:
    """Draw it, with what else the command line says."""
    asked = context.params
    then, request = relaid(image, prompt, asked["keep_layout"])
    wait_quietly()
    set_threads(threads)
    given = context.get_parameter_source("model") is click.core.ParameterSource.COMMANDLINE
    pipe = pipeline_of(then, asked["model"] if given else None, asked["device"], asked["dtype"])
    here = runnable(then, asked["weak_model"], (), asked["upscaler"])
    request = replace(request, weak_model=here.weak_model, lora=here.lora, upscaler=here.upscaler)
    request = replace(request, device="auto", dtype="auto")
    resolved = pipe.resolve(request)
    if strict:
        refuse_ignored(pipe, resolved)
    previews = partial(counted_previews, pipe.stream(request))
    draw(Session(pipe, to, watch), previews, pipe.count(resolved), 1, form)
