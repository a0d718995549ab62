"""The options of verbs that draw after reference pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mezzotint.interfaces.cli.options import REAL

__all__ = ["reference_files", "reference_options", "reference_weights"]

F = TypeVar("F", bound=Callable[..., Any])

_FILES = tuple(
    click.option(f"--{name}-ref", type=click.Path(path_type=Path), metavar="FILE", help=text)
    for name, text in (
        ("style", "A picture whose colours and strokes are taken up."),
        ("image", "A picture whose content is taken up too, beside the prompt."),
        ("structure", "A picture whose edges, or layout of colours, are kept."),
    )
)
_WEIGHTS = (
    click.option(
        "--style-weight", type=REAL, metavar="WEIGHT", help="How much the style counts, from 0 to 10; 1 if not given."
    ),
    click.option(
        "--image-weight", type=REAL, metavar="WEIGHT", help="How much the image counts, from 0 to 10; 0.5 if not given."
    ),
    click.option(
        "--structure-weight",
        type=REAL,
        metavar="WEIGHT",
        help="How much the structure counts, from 0 to 10; 1 if not given.",
    ),
    click.option(
        "--structure", metavar="KIND", help="What of the structure is kept: edges or layout; edges if not given."
    ),
)


def reference_files(command: F) -> F:
    """Give a command the options that name the files."""
    for option in reversed(_FILES):
        command = option(command)
    return command


def reference_weights(command: F) -> F:
    """Give a command the options that say how much the pictures count, and of what kind a structure is."""
    for option in reversed(_WEIGHTS):
        command = option(command)
    return command


def reference_options(command: F) -> F:
    """Give a command the files, weights and kinds; all are fields of a `Request`, the files by their digests."""
    return reference_files(reference_weights(command))
