"""Draw the figures of the guides.

python -m docs.figures                              all of them, with the house model
python -m docs.figures guidance steps --model DIR   two of them, with another model
"""

import io
import sys
import time
from pathlib import Path

import click
from PIL import Image

from docs.figures import FIGURES, PENDING, Desk
from docs.figures.desk import IMAGES
from mezzotint.errors import InvalidCheckpoint, InvalidFile, MezzotintError, unknown_name
from mezzotint.provenance.files import write_atomically
from mezzotint.runs import RUNS
from mezzotint.training.prepare import run_folder

ALL = {**FIGURES, **PENDING}


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--model", default="house", show_default=True, help="A model's name or folder.")
@click.option(
    "--run",
    "runs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Folder of a training run; may be repeated, each begun with the weights of the one before. That of `icons` if "
    "not given.",
)
@click.option("--out", type=click.Path(path_type=Path), default=IMAGES, help="Folder for the PNG files; docs/images.")
def main(names: tuple[str, ...], model: str, runs: tuple[Path, ...], out: Path) -> None:
    """Draw figures by NAME, or all of them.

    `loss` and `progress` need the folder of a training run, `recognition` the built icon set, `iconeval-curve` what
    benchmarks.iconeval_curve writes. Without names, all are drawn that the guides show, and a figure whose files are
    not there is left out and named; with names, that is an error.
    """
    try:
        for name in names:
            if name not in ALL:
                raise unknown_name("figure", name, ALL)
        desk = Desk(model, runs or (run_folder(RUNS["icons"]()),))
        out.mkdir(parents=True, exist_ok=True)
        missing = [name for name in names or FIGURES if not drawn(name, desk, out, bool(names))]
    except MezzotintError as error:
        click.echo(f"figures: {error}", err=True)
        sys.exit(2)
    if missing:
        click.echo(f"left out: {', '.join(missing)}")


def drawn(name: str, desk: Desk, out: Path, asked: bool) -> bool:
    """Draw one figure to `OUT/NAME.png`; False if files of a run or data set are missing and it was not asked for."""
    begin = time.perf_counter()
    try:
        page = ALL[name](desk)
    except InvalidFile as error:
        if asked or isinstance(error, InvalidCheckpoint):
            raise
        click.echo(f"{name}: {error}")
        return False
    path = out / f"{name}.png"
    write_atomically(path, encoded(page))
    click.echo(
        f"{name}: {click.format_filename(path)}, {page.width}x{page.height}, {time.perf_counter() - begin:.1f} s"
    )
    return True


def encoded(page: Image.Image) -> bytes:
    """A page as PNG, as small as Pillow makes it."""
    stream = io.BytesIO()
    # 256 colours are enough for a page of drawings, and a third of the bytes; they stay in the repository for ever
    page.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(stream, "PNG", optimize=True)
    return stream.getvalue()


if __name__ == "__main__":
    main()
