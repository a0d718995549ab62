"""`--format` of the verbs that draw: what is printed, and what pictures are written as. And `--svg-colours`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from mezzotint.errors import InvalidOption
from mezzotint.interfaces.cli.options import WHOLE
from mezzotint.interfaces.pictures import Written

__all__ = ["Formats", "svg_colours_option", "written_options"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Formats:
    """printed: text or json; pictures: png, svg, or None if nobody said."""

    printed: str = "text"
    pictures: str | None = None

    def written(self, colours: Any) -> Written:
        """What pictures are written as, with the colours of an SVG."""
        return Written(self.pictures, colours)


def _formats(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> Formats:
    """The two kinds of formats apart; of what is printed the last counts, as of any option that is given twice."""
    printed = [value for value in values if value in ("text", "json")]
    pictures = dict.fromkeys(value for value in values if value in ("png", "svg"))
    if len(pictures) > 1:
        raise InvalidOption("format is png and svg; a picture is written as one of them, so leave out the other.")
    return Formats(printed[-1] if printed else "text", next(iter(pictures), None))


def svg_colours_option(command: F) -> F:
    """`--svg-colours`."""
    return click.option(
        "--svg-colours",
        type=WHOLE,
        metavar="N",
        help="With SVG: at most so many colours, 1 to 64; as many as the picture needs, up to 24, if not given.",
    )(command)


def written_options(command: F) -> F:
    """`--format`, as `form`, and `--svg-colours`."""
    told = click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json", "png", "svg"]),
        multiple=True,
        callback=_formats,
        help="What is printed: text for people (if not given), or one JSON object. And what pictures are written as: "
        "png (if not given), or svg, a drawing of few colours. May be given twice, once for each.",
    )
    return svg_colours_option(told(command))
