"""The page of prompts shows every prompt under its picture, and figures that no guide shows are drawn by name only."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from docs.figures import FIGURES, PENDING, iconeval
from docs.figures.__main__ import main
from docs.figures.page import MARGIN, PAPER, width_of
from docs.figures.prompts import COLUMNS, GAP, PROMPTS, SEED, SIDE, SMALL, lines, sheet_of
from tests.docs.blocks import DOCS, links


class Easel:
    """Draws each prompt as one flat colour, and remembers what it was asked."""

    def __init__(self, side: int) -> None:
        self.side, self.asked = side, list[tuple[str, int]]()

    def large(self, prompt: str, seed: int) -> Image.Image:
        self.asked.append((prompt, seed))
        return Image.new("RGBA", (self.side, self.side), (20 * len(self.asked), 0, 200, 255))


@pytest.mark.parametrize(("drawn", "shown"), [(64, SIDE), (256, 256)])
def test_pictures_stand_in_rows_of_eight_with_room_for_their_words(drawn: int, shown: int) -> None:
    easel: Any = Easel(drawn)
    prompts = [*PROMPTS[:9], "a very long prompt that needs more than a single line or even two below its picture"]
    page = sheet_of(easel, prompts)
    assert easel.asked == [(prompt, SEED) for prompt in prompts]
    assert page.width == 2 * MARGIN + COLUMNS * (shown + GAP) - GAP
    below = MARGIN + shown + GAP + round(SMALL * 1.25) + GAP  # one line below the first row
    pixels = np.asarray(page)
    for number in range(10):
        x, y = MARGIN + number % 8 * (shown + GAP), MARGIN if number < 8 else below
        place = pixels[y : y + shown, x : x + shown]
        assert (place == (20 * (number + 1), 0, 200)).all()
        words = pixels[y + shown : y + shown + GAP + round(SMALL * 1.25), x : x + shown]
        assert (words < 160).any()
    assert (pixels[below:, MARGIN + 2 * (shown + GAP) :] == PAPER).all()
    text = lines(prompts[-1], shown)
    assert len(text) > 2
    assert page.height == below + shown + GAP + len(text) * round(SMALL * 1.25) + MARGIN


def test_words_are_wrapped_where_a_line_is_full() -> None:
    text = "a person with red hair and glasses"
    found = lines(text, 200)
    assert " ".join(found) == text
    assert width_of(found, SMALL) <= 200
    assert all(width_of([f"{line} {after.split()[0]}"], SMALL) > 200 for line, after in itertools.pairwise(found))
    assert lines("incomprehensibilities", 20) == ["incomprehensibilities"]


def test_the_page_has_sixty_four_prompts_that_differ_and_can_be_written() -> None:
    assert len(set(PROMPTS)) == len(PROMPTS) == COLUMNS**2
    assert all(prompt.isascii() for prompt in PROMPTS)


def test_figures_that_no_guide_shows_are_drawn_by_name_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {Path(link).name for path in DOCS for link in links(path.read_text("utf-8"))}
    assert not shown & {f"{name}.png" for name in PENDING}, "move it to FIGURES"
    assert not FIGURES.keys() & PENDING.keys()
    monkeypatch.setattr(iconeval, "ROOT", tmp_path)
    asked = CliRunner().invoke(main, ["iconeval-curve", "--out", str(tmp_path)])
    assert asked.exit_code == 2
    assert "run python -m benchmarks.iconeval_curve" in asked.stderr
    state = '{"views": 1000, "scores": {"single": {"score": 0.5, "low": 0.4, "high": 0.6}}}'
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "iconeval_curve.json").write_text(f'{{"states": [{state}], "held_out_loss": []}}')
    assert CliRunner().invoke(main, ["iconeval-curve", "--out", str(tmp_path)]).exit_code == 0
    assert (tmp_path / "iconeval-curve.png").is_file()
