"""`mezzotint vectorise`: an SVG of a picture that is there."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mezzotint.errors import InvalidFile, InvalidOption
from mezzotint.interfaces.cli.formats import svg_colours_option
from mezzotint.interfaces.cli.options import format_option
from mezzotint.interfaces.cli.output import emit_json

if TYPE_CHECKING:
    from PIL.Image import Image

    from mezzotint.recipe import Recipe


@click.command(short_help="Turn a picture into an SVG of few colours.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="A file that ends in .svg; FILE.svg if not given."
)
@svg_colours_option
@format_option
def vectorise(file: Path, out: Path | None, svg_colours: Any, form: str) -> None:
    """Trace FILE, a PNG, JPEG or WebP file, and write it as an SVG of at most 30 kB.

    The recipe of a picture that was drawn here goes into the SVG, so that `inspect` and `reproduce` read it there. It
    suits icons and drawings; what looks like a photograph is warned of.

    \b
    mezzotint vectorise apple.png
    mezzotint vectorise apple.png --svg-colours 4 --out flat.svg
    """
    from mezzotint.interfaces.vector.document import vectorise as traced
    from mezzotint.provenance.files import write_atomically

    image, recipe, unused = _still(file)
    target = _target(file, out)
    made = traced(image, svg_colours, recipe)
    write_atomically(target, made.text.encode())
    warnings = [*unused, *made.warnings]
    if form == "json":
        facts = {**made.as_dict(), "warnings": warnings}
        emit_json(
            {"file": str(target), "of": str(file), "size": list(made.size), "recipe": recipe is not None, **facts}
        )
        return
    click.echo(f"{click.format_filename(target)}  ({made.line})")
    for warning in warnings:
        click.echo(f"warning: {warning}")


def _target(file: Path, out: Path | None) -> Path:
    """Where the SVG goes. Raises InvalidOption for what is no SVG by its name."""
    target = file.with_suffix(".svg") if out is None else out
    if target.suffix.lower() != ".svg" or target.is_dir():
        raise InvalidOption(f"out is {target}; it must be a file that ends in .svg.")
    if out is None and target.exists():
        raise InvalidOption(f"{target} is there already; choose another name with --out, or give --out {target}.")
    return target


def _still(file: Path) -> "tuple[Image, Recipe | None, tuple[str, ...]]":
    """The picture, upright; its recipe, if it is still the picture of it, and else what there is to say.

    Raises InvalidFile.
    """
    from mezzotint.interfaces.sources import read_sources
    from mezzotint.provenance.pixels import pixel_sha256
    from mezzotint.provenance.read import read_drawing, read_metadata

    if read_drawing(file) is not None:
        raise InvalidFile(f"{file} is an SVG already.")
    recipe = read_metadata(file).recipe
    image = read_sources(file, None)[0]
    if recipe is not None and pixel_sha256(image) != recipe.pixels_sha256:
        return image, None, ("the picture is not as it was drawn any more, so that its recipe is left out",)
    return image, recipe, ()
