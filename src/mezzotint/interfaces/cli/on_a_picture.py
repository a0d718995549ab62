"""The options of what is drawn on a picture."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mezzotint.interfaces.cli.options import COVER, REAL, WHOLE

__all__ = ["picture_options"]

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--strength",
        type=REAL,
        metavar="SHARE",
        help="The share of the steps that draw on it: 0 leaves it, 1 begins from pure noise; 0.9 if not given, 1 with "
        "a mask.",
    ),
    click.option(
        "--mask",
        type=COVER,
        metavar="FILE|alpha",
        help="A picture of the same size: drawn anew where it is white, kept to the byte where it is black or clear; "
        "or alpha: drawn anew where IMAGE itself is clear.",
    ),
    click.option("--invert-mask", is_flag=True, help="Draw where the mask is black instead."),
    click.option(
        "--feather", type=REAL, default=0.0, metavar="PIXELS", help="Soften the mask's edge by so many pixels."
    ),
    click.option(
        "--soft-mask", is_flag=True, help="The mask's brightness is the strength of every pixel, instead of a blend."
    ),
    click.option(
        "--crop-to-mask",
        is_flag=True,
        help="Draw what the mask covers at the model's size, and scale it back into the picture, which may be of any "
        "size.",
    ),
    click.option(
        "--crop-padding",
        type=WHOLE,
        metavar="PIXELS",
        help="With --crop-to-mask: how much around that is drawn too; 32 if not given.",
    ),
    click.option(
        "--expand",
        metavar="EDGE=PIXELS,…",
        help="Draw so many pixels around the picture, such as left=64,top=32; the picture stays, to the byte.",
    ),
    click.option(
        "--zoom",
        type=REAL,
        metavar="FACTOR",
        help="Shrink the picture so many times, such as 1.5, and draw what is then around it.",
    ),
    click.option(
        "--invert",
        is_flag=True,
        help="Begin with the noise that the picture comes from, at strength 1 unless one is given.",
    ),
)


def picture_options(command: F) -> F:
    """Give a command what says how much of a picture is drawn anew, and where; all are fields of a `Request`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
