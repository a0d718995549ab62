"""The gallery of edits in docs/editing.md: one row a task, what it begins with beside what it gives.

    python -m docs.gallery                draw all rows with the house model, and draw them again from their recipes
    python -m docs.gallery --only NAME    only this row; the others stay as they are

Writes `images/gallery/NAME.png` and gallery.json, of which `python -m docs.numbers` makes the page. Commands run in an
empty folder that has the masks of `images/gallery` in it.
"""

import json
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import chdir
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
from click.testing import CliRunner
from PIL import Image, ImageDraw, ImageFont

from docs.gallery_rows import FOUND, MASKS, ROWS, Row
from mezzotint.interfaces.cli.main import cli
from mezzotint.interfaces.sheets import on_board
from mezzotint.load import load_model
from mezzotint.provenance.read import read_metadata

__all__ = ["IMAGES", "drawn", "masked", "reproduced", "strip"]

IMAGES = Path(__file__).parent / "images" / "gallery"
SCALE, GAP, LABEL, COLOURS = 2, 6, 18, 160
"""Of a strip: pixels a pixel, between panels, for their names; colours that it is stored with."""
ENLARGED = 256
"""Sides of pictures that the upscaler made."""
FRAME = (205, 205, 205)


def run(words: Sequence[str]) -> Any:
    """What `mezzotint WORDS --format json` prints."""
    done = CliRunner().invoke(cli, [*words, "--format", "json"], prog_name="mezzotint")
    if done.exit_code:
        raise click.ClickException(f"mezzotint {shlex.join(words)}: exit code {done.exit_code}: {done.output}")
    return json.loads(done.stdout)


def masked(folder: Path) -> None:
    """Put the masks of the gallery into a folder."""
    for name in MASKS:
        shutil.copyfile(IMAGES / name, folder / name)


def drawn(row: Row, known: set[str]) -> None:
    """Run the commands of a row in the working folder, but not those that ran already."""
    for command in row.commands:
        if command not in known:
            run(shlex.split(command)[1:])
            known.add(command)


def panel(name: str) -> Image.Image:
    """A picture on a checkerboard; of "2 x NAME" four of them, each half as large."""
    if not name.startswith("2 x "):
        return board(Image.open(name))
    tile = Image.open(name.removeprefix("2 x "))
    found = Image.new("RGBA", (2 * tile.width, 2 * tile.height))
    for place in ((0, 0), (1, 0), (0, 1), (1, 1)):
        found.paste(tile, (place[0] * tile.width, place[1] * tile.height))
    return on_board(found, SCALE // 2) if tile.width < ENLARGED else board(found)


def whole(name: str) -> Image.Image:
    """A picture on a checkerboard, as wide as what the upscaler makes: a small one pixel by pixel."""
    image = Image.open(name)
    return on_board(image, max(1, ENLARGED // min(image.size)))


def board(image: Image.Image) -> Image.Image:
    """A picture on a checkerboard: each pixel `SCALE` wide, but half as large if the upscaler made it."""
    if min(image.size) < ENLARGED:
        return on_board(image, SCALE)
    half = (image.width // 2, image.height // 2)
    return on_board(image.convert("RGBa").resize(half, Image.Resampling.LANCZOS).convert("RGBA"), 1)


def strip(row: Row) -> Image.Image:
    """The panels of a row, from files of the working folder, side by side over their names."""
    cells = [whole(name) if row.large else panel(name) for name, _ in row.panels]
    widths = [max(cell.width, 64 * SCALE) for cell in cells]
    size = (sum(widths) + GAP * (len(cells) + 1), max(cell.height for cell in cells) + 2 * GAP + LABEL)
    found, x = Image.new("RGB", size, "white"), GAP
    pen, font = ImageDraw.Draw(found), ImageFont.load_default(12)
    for cell, width, (_, label) in zip(cells, widths, row.panels, strict=True):
        left = x + (width - cell.width) // 2
        pen.rectangle((left - 1, GAP - 1, left + cell.width, GAP + cell.height), outline=FRAME)
        found.paste(cell, (left, GAP))
        pen.text((x + width // 2, size[1] - LABEL // 2 - 2), label, (60, 60, 60), font, anchor="mm")
        x += width + GAP
    return found


def reproduced(row: Row) -> dict[str, Any]:
    """What `mezzotint reproduce` says of the picture of a row in the working folder, and what it was made with."""
    recipe = read_metadata(Path(row.result)).recipe
    assert recipe is not None, row.result
    said = run(["reproduce", row.result, *shlex.split(row.given)])
    return {
        "commands": list(row.commands),
        "pixels_sha256": recipe.pixels_sha256,
        "weights_sha256": recipe.weights_sha256,
        "evaluations": recipe.evaluations,
        "reproduced": said["status"],
    }


@click.command()
@click.option("--only", type=click.Choice([row.name for row in ROWS]), multiple=True, help="Only this row.")
def main(only: tuple[str, ...]) -> None:
    """Draw the gallery, and draw it again from its recipes."""
    found: dict[str, Mapping[str, Any]] = json.loads(FOUND.read_text("utf-8")) if FOUND.is_file() else {}
    known: set[str] = set()
    once = patch("mezzotint.load.load_model", cache(load_model))  # a model is immutable, and reading it is slow
    with tempfile.TemporaryDirectory() as name, chdir(name), once:
        masked(Path(name))
        for row in (row for row in ROWS if not only or row.name in only):
            drawn(row, known)
            strip(row).quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
                IMAGES / f"{row.name}.png", optimize=True
            )
            found[row.name] = reproduced(row)
            click.echo(f"{row.name}: {found[row.name]['reproduced']}")
            kept = {one.name: found[one.name] for one in ROWS if one.name in found}
            FOUND.write_text(json.dumps(kept, indent=1) + "\n", "utf-8", newline="\n")


if __name__ == "__main__":
    main()
