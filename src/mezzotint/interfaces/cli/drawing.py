"""The options of every verb that draws."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mezzotint.interfaces.cli.options import (
    BOXED,
    GRID,
    INTERVAL,
    REAL,
    TOWARD,
    WEIGHTED,
    WHOLE,
    device_option,
    dtype_option,
    threads_option,
)

__all__ = ["drawing_options"]

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--n",
        type=WHOLE,
        default=1,
        show_default=True,
        metavar="N",
        help="How many pictures; picture i (from 0) has the seed SEED + i, and a further try k the seed "
        "SEED + i + k N.",
    ),
    click.option(
        "--seed",
        type=WHOLE,
        metavar="SEED",
        help="Which noise to start from, 0 to 2^64 - 1; random and printed if not given.",
    ),
    click.option(
        "--vary",
        type=TOWARD,
        multiple=True,
        metavar="SHARE[:SEED]",
        help="Vary the picture towards another seed's: subtle, strong, or a share from 0 to 1, with the seed, SEED + "
        "2^32 if not given; may be repeated, for variations of variations.",
    ),
    click.option(
        "--steps", type=WHOLE, metavar="N", help="Steps from noise to picture; the model's own number if not given."
    ),
    click.option("--guidance", type=REAL, metavar="SCALE", help="How strongly the prompt pulls; 1 is off."),
    click.option(
        "--guidance-interval",
        type=INTERVAL,
        metavar="LOW,HIGH",
        help="The part of t in [0, 1] (0 = data, 1 = noise) where guidance acts.",
    ),
    click.option(
        "--chaos",
        type=REAL,
        metavar="0-100",
        help="How different the pictures of several seeds are: leaves guidance, and a style that is only usual, out at "
        "the noisiest times.",
    ),
    click.option(
        "--guidance-method",
        "guidance_methods",
        multiple=True,
        metavar="SPEC",
        help="How to guide, such as apg:momentum=-0.5 or pag:scale=2; may be repeated: one rule, which gets the SCALE "
        "of --guidance, and modifiers, the first innermost. `mezzotint guidances` lists them.",
    ),
    click.option(
        "--distilled-guidance",
        type=REAL,
        metavar="SCALE",
        help="How strongly the prompt pulls in a model that learned it (a student of mezzotint train); in place of "
        "--guidance.",
    ),
    click.option(
        "--solver",
        metavar="SPEC",
        help="How a step is taken, such as heun or ddim:eta=0.5; `mezzotint solvers` lists them.",
    ),
    click.option(
        "--eta",
        type=REAL,
        metavar="SHARE",
        help="Fresh noise in each step, from 0 to 1, for solvers that have it (ddim).",
    ),
    click.option(
        "--grid",
        type=GRID,
        metavar="SPEC",
        help="Where the steps lie in t, such as karras or shifted:shift=2 (`mezzotint grids` lists them), or the times "
        "themselves, such as 1,0.7,0.4,0.",
    ),
    click.option(
        "--stop",
        type=REAL,
        metavar="SHARE",
        help="Take this share of the steps, above 0 to 1, and give what is believed of the picture by then.",
    ),
    click.option(
        "--size",
        metavar="WIDTHxHEIGHT",
        help="Size in pixels. One above the model's is enlarged by the --upscaler, up to 2048, or drawn in windows, up "
        "to 1024 in multiples of 8.",
    ),
    click.option(
        "--aspect",
        metavar="WIDTH:HEIGHT",
        help="Instead: the smallest size of this shape that the model draws; of an edit, what is missing is drawn "
        "around the picture.",
    ),
    click.option(
        "--window-stride",
        type=WHOLE,
        metavar="PIXELS",
        help="How far apart the windows of a larger picture or a tile are; half of one if not given.",
    ),
    click.option(
        "--tile", metavar="HOW", help="Let the picture go on over its edges: x (left, right), y (above, below), both."
    ),
    click.option(
        "--region",
        type=BOXED,
        multiple=True,
        metavar="BOX:TEXT",
        help="A prompt for a part of the picture, LEFT,TOP,RIGHT,BOTTOM:TEXT in shares of it, such as "
        '"0,0,0.5,1:a red apple", or MASK.png:TEXT for what is bright in a picture; may be repeated.',
    ),
    click.option(
        "--detail",
        type=BOXED,
        multiple=True,
        metavar="BOX:TEXT",
        help="When the picture is there, redraw such a part with a prompt of its own, at the model's size; may be "
        "repeated.",
    ),
    click.option(
        "--detail-strength",
        type=REAL,
        metavar="SHARE",
        help="The share of the steps that redraw a part; 1 if not given.",
    ),
    click.option(
        "--negative", default="", metavar="TEXT", help="What guidance pulls away from, instead of the empty prompt."
    ),
    click.option(
        "--also",
        type=WEIGHTED,
        multiple=True,
        metavar="TEXT:WEIGHT",
        help="A further prompt with its weight, in units of --guidance; a negative one repels. May be repeated.",
    ),
    click.option(
        "--blend",
        type=WEIGHTED,
        multiple=True,
        metavar="TEXT[:WEIGHT]",
        help="A prompt to blend with the first, which has the weight 1, or none if it is empty; up to five.",
    ),
    click.option("--style", metavar="NAME", help="A drawing style of the model; `mezzotint models` lists them."),
    click.option(
        "--style-start",
        type=REAL,
        metavar="TIME",
        help="Tell the drawing style from this t on (1 = noise, 0 = data): the lower, the more the prompt and the seed "
        "decide, and the less the style.",
    ),
    click.option("--model", default="house", show_default=True, metavar="NAME", help="A model's name or its folder."),
    click.option(
        "--lora",
        type=WEIGHTED,
        multiple=True,
        metavar="NAME[:STRENGTH]",
        help="A LoRA that `mezzotint teach` made, by its name or file, and how strongly it acts, 1 if not given. May "
        "be repeated.",
    ),
    click.option(
        "--weak-model", metavar="NAME", help="The weaker model that --guidance-method autoguidance steers away from."
    ),
    click.option(
        "--out",
        metavar="PATH",
        help="A file that ends in .png, .webp, .jpg or .svg, or a folder; mezzotint-out if not given.",
    ),
    click.option(
        "--batching",
        default="exact",
        show_default=True,
        metavar="HOW",
        help="exact: each picture alone, the same pixels as with its own seed; fast: network calls are shared.",
    ),
    device_option,
    dtype_option,
    threads_option,
)


def drawing_options(command: F) -> F:
    """Give a command all of them, in this order. All but out and threads are fields of a `Request`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
