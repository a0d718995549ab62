"""Draw a sheet of scenes with their captions, to look at.

python -m mezzotint.data.scenes.sheet OUT.png                 64 scenes of all kinds
python -m mezzotint.data.scenes.sheet OUT.png --kind counting --n 24 --first 1000 --split heldout
python -m mezzotint.data.scenes.sheet OUT.png --fetch         fetch the fonts first (needs npm)
"""

from pathlib import Path
from textwrap import wrap

import click
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mezzotint.data.icons import default_folder
from mezzotint.data.pixels import Bytes
from mezzotint.data.scenes.composer import ComposedScene, Scenes
from mezzotint.data.scenes.glyphs import load_fonts
from mezzotint.data.scenes.kinds import APART, KINDS
from mezzotint.data.scenes.typefaces import fetch_fonts
from mezzotint.data.sources import IconSource

__all__ = ["sheet"]

_CELL, _LINES, _MARGIN = 128, 4, 6


def _on_checks(picture: Bytes) -> Image.Image:
    """A picture twice as large on light checks, so that white and empty can be told apart."""
    large = np.kron(picture, np.ones((2, 2, 1), dtype=np.uint8)) if picture.shape[0] <= 64 else picture
    y, x = np.indices(large.shape[:2]) // 8
    ground = np.where((x + y) % 2, 236, 222)[..., None]
    shown = large[..., :3] + ground * (255 - large[..., 3:].astype(np.int64)) // 255
    return Image.fromarray(np.clip(shown, 0, 255).astype(np.uint8))


def sheet(scenes: list[ComposedScene], columns: int = 8) -> Image.Image:
    """The scenes in rows, under each its number and its densest caption."""
    font = ImageFont.load_default(9)
    cell = _CELL + _MARGIN
    height = cell + _LINES * 11 + 4
    rows = -(-len(scenes) // columns)
    page = Image.new("RGB", (columns * cell + _MARGIN, rows * height + _MARGIN), "white")
    pen = ImageDraw.Draw(page)
    for index, composed in enumerate(scenes):
        left, top = index % columns * cell + _MARGIN, index // columns * height + _MARGIN
        page.paste(_on_checks(composed.picture), (left, top))
        text = f"{composed.scene.number}: {composed.captions[-1]}"
        if composed.scene.held:
            text += f" [{'; '.join(composed.scene.held)}]"
        for line, words in enumerate(wrap(text, 29)[:_LINES]):
            pen.text((left, top + _CELL + 1 + 11 * line), words, fill="black", font=font)
    return page


@click.command(help="Draw a sheet of scenes with their captions.")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--n", default=64, show_default=True, help="How many scenes.")
@click.option("--first", default=0, show_default=True, help="The number of the first.")
@click.option("--seed", default=0, show_default=True)
@click.option("--kind", type=click.Choice([kind.name for kind in (*KINDS, *APART)]), help="Only scenes of this kind.")
@click.option("--split", default="train", show_default=True, help="train or heldout.")
@click.option(
    "--data", default=None, type=click.Path(path_type=Path), help="A built icon set; by default the cached one."
)
@click.option("--fetch", is_flag=True, help="Fetch the fonts first, if they are not there.")
def main(
    out: Path, n: int, first: int, seed: int, kind: str | None, split: str, data: Path | None, fetch: bool
) -> None:
    """Write the sheet."""
    if fetch:
        fetch_fonts()
    pictures = IconSource(data or default_folder()).load(64)
    scenes = Scenes(pictures, load_fonts(), seed=seed, split=split, kinds=[kind] if kind else None)
    sheet([scenes.at(first + i) for i in range(n)]).save(out)


if __name__ == "__main__":
    main()
