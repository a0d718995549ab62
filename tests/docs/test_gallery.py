"""The gallery shows every edit, as the commands beside it draw it, and its recipes draw it again."""

import json
import shlex
from contextlib import chdir
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from docs.gallery import IMAGES, drawn, masked, reproduced, strip
from docs.gallery_rows import FOUND, MASKS, ROWS, UNSHOWN, Row, gallery
from mezzotint.interfaces.cli.main import cli
from mezzotint.interfaces.sheets import on_board
from mezzotint.provenance.pixels import psnr
from mezzotint.tasks import TASKS

LARGEST = 300_000
"""Bytes of all its pictures together."""
LIKE = 25
"""PSNR in dB from a strip as it was stored, with few colours, on another machine too."""


def test_every_edit_has_a_row_and_every_row_its_pictures() -> None:
    assert {task for row in ROWS for task in row.tasks} == {*TASKS}
    found = json.loads(FOUND.read_text("utf-8"))
    assert list(found) == [row.name for row in ROWS]
    for row in ROWS:
        assert found[row.name]["commands"] == list(row.commands), row.name
        assert found[row.name]["reproduced"] == "identical", row.name
    assert {path.name for path in IMAGES.iterdir()} == {*MASKS, *(f"{row.name}.png" for row in ROWS)}
    assert sum(path.stat().st_size for path in IMAGES.iterdir()) < LARGEST
    text = gallery()
    assert f"{len(ROWS)} of {len(ROWS)} are identical" in text
    assert all(f"$ {command}\n" in text for row in ROWS for command in row.commands)


def test_every_option_of_an_edit_has_a_row_or_a_reason() -> None:
    context = click.Context(cli)
    shown = {word for row in ROWS for command in row.commands for word in shlex.split(command) if word[:2] == "--"}
    known = set()
    for name in ("edit", "vary", "blend", "upscale"):
        command = cli.get_command(context, name)
        assert command is not None
        known |= {word for option in command.params for word in option.opts if word[:2] == "--"}
    reasons = {f"--{name}" for name in UNSHOWN}
    assert known - shown - reasons == set(), "give it a row, or say in UNSHOWN why it has none"
    assert reasons <= known, "UNSHOWN names what no command has"


def test_a_strip_shows_the_panels_in_their_order(tmp_path: Path) -> None:
    for seed, (name, size) in enumerate({"a.png": (64, 64), "b.png": (96, 64), "c.png": (64, 64)}.items()):
        values = np.random.default_rng(seed).integers(0, 256, (*reversed(size), 4), dtype=np.uint8)
        Image.fromarray(values, "RGBA").save(tmp_path / name)
    row = Row("r", "R", (), "", (), (("a.png", "one"), ("b.png", "two"), ("2 x c.png", "three")))
    assert row.result == "2 x c.png"
    with chdir(tmp_path):
        page = np.asarray(strip(row))
        four = Image.fromarray(np.tile(np.asarray(Image.open("c.png")), (2, 2, 1)), "RGBA")
        cells = [on_board(Image.open("a.png"), 2), on_board(Image.open("b.png"), 2), on_board(four, 1)]
    x = 6
    for cell in cells:
        assert np.array_equal(page[6 : 6 + cell.height, x : x + cell.width], np.asarray(cell))
        x += cell.width + 6
    assert x == page.shape[1]
    with chdir(tmp_path):
        page = np.asarray(strip(Row("r", "R", (), "", (), (("a.png", "one"),), large=True)))
        assert np.array_equal(page[6 : 6 + 256, 6 : 6 + 256], np.asarray(on_board(Image.open("a.png"), 4)))


@pytest.mark.slow
def test_the_gallery_is_what_its_commands_draw_and_its_recipes_draw_again(tmp_path: Path) -> None:
    found, known = json.loads(FOUND.read_text("utf-8")), set[str]()
    masked(tmp_path)
    with chdir(tmp_path):
        for row in ROWS:
            drawn(row, known)
            now, then = reproduced(row), found[row.name]
            assert now["reproduced"] == "identical", row.name
            assert now["weights_sha256"] == then["weights_sha256"], "run python -m docs.gallery for the new weights"
            shown = Image.open(IMAGES / f"{row.name}.png").convert("RGB")
            assert psnr(strip(row), shown) > LIKE, row.name
