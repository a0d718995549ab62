"""The figures show what they say, and the command that draws them refuses what it cannot do."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from docs.figures import FIGURES, Desk
from docs.figures.__main__ import main
from docs.figures.desk import IMAGES
from docs.figures.history import metrics, rows, sheets
from docs.figures.noise import SIDE, TIMES, noised, noising
from docs.figures.page import FRAME, GAP, MARGIN, PAPER, picture, raw, table
from docs.figures.recognition import nearest
from docs.figures.training import apart, chart, count, first_row, running, share, spread, ticks
from mezzotint.codecs import from_image
from mezzotint.diffusion.noise import Purpose, philox_normal
from mezzotint.errors import InvalidFile
from mezzotint.interfaces.sheets import sample_sheet
from mezzotint.training.state import Snapshot, save


def cells(page: Image.Image, side: int, columns: int, top: int) -> list[np.ndarray]:
    """The insides of the first row of a page without labels at the left."""
    array = np.asarray(page.convert("RGB"))
    return [array[top : top + side, x : x + side] for x in (MARGIN + i * (side + GAP) for i in range(columns))]


def test_the_noising_figure_goes_from_the_icon_to_pure_noise() -> None:
    desk = Desk("house", [Path("nowhere")])
    page = noising(desk)
    row = cells(page, SIDE, len(TIMES), page.height - MARGIN - SIDE)
    with Image.open(IMAGES / "source-apple.png") as image:
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        white.alpha_composite(image.convert("RGBA"))
    icon = np.asarray(white.convert("RGB").resize((SIDE, SIDE), Image.Resampling.NEAREST), np.int16)
    assert np.abs(row[0].astype(np.int16) - icon).max() <= 1
    eps = philox_normal(4, (4, 1, 64, 64), Purpose.START)
    assert (row[-1] == np.asarray(raw(eps, SIDE))).all()
    differences = [float(np.abs(cell.astype(np.int16) - icon).mean()) for cell in row]
    assert differences == sorted(differences)
    assert differences[1] > 0


def test_the_noised_icon_is_half_icon_and_half_noise_at_one_half() -> None:
    desk = Desk("house", [Path("nowhere")])
    eps = philox_normal(4, (4, 1, 64, 64), Purpose.START)
    torch.testing.assert_close(noised(desk.apple, 0.5), 0.5 * desk.apple + 0.5 * eps)


def test_pictures_are_laid_on_white() -> None:
    clear = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    half = Image.new("RGBA", (8, 8), (0, 0, 0, 128))
    assert picture(clear, 16).getpixel((8, 8)) == PAPER
    assert picture(half, 16).getpixel((8, 8)) == (127, 127, 127)
    assert raw(from_image(half), 8).getpixel((4, 4)) == (127, 127, 127)
    assert raw(torch.full((4, 1, 8, 8), 3.0), 8).getpixel((0, 0)) == PAPER


def test_a_table_puts_cells_where_they_belong() -> None:
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (90, 90, 90)]
    squares = [Image.new("RGB", (40, 40), colour) for colour in colours]
    page = table([squares[:2], squares[2:]], above=["one", "two"])
    assert page.width == 2 * MARGIN + 2 * 40 + GAP
    left, top = MARGIN, page.height - MARGIN - 2 * 40 - GAP
    places = [(left, top), (left + 40 + GAP, top), (left, top + 40 + GAP), (left + 40 + GAP, top + 40 + GAP)]
    assert [page.getpixel((x + 20, y + 20)) for x, y in places] == colours
    assert page.getpixel((left - 1, top + 20)) == FRAME
    with pytest.raises(AssertionError, match="letters that the font lacks"):
        table([squares], above=["½", "", "", ""])


def test_the_nearest_picture_is_found() -> None:
    rng = np.random.Generator(np.random.Philox(1))
    pictures = rng.integers(0, 256, (3000, 4, 4, 4), dtype=np.uint8)
    rows = np.arange(0, 3000, 2)
    wanted = np.array([0, 700, 1499])
    samples = pictures[rows[wanted]].reshape(3, -1).astype(np.float32) / 127.5 - 1 + 0.01
    assert nearest(samples, pictures, rows).tolist() == wanted.tolist()


def test_running_means_start_short_and_grow() -> None:
    assert running([4.0]) == [4.0]
    means = running([1.0] * 50 + [3.0] * 300)
    assert means[0] == 1.0
    assert means[-1] == pytest.approx(3.0)
    assert 1.0 < means[60] < 3.0


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0.09, 11) == pytest.approx([0.1, 1, 10])
    assert ticks(150, 6000) == pytest.approx([200, 500, 1000, 2000, 5000])
    assert [count(x) for x in (500, 20_000, 1_500_000)] == ["500", "20 k", "1.5 M"]
    assert share(10, 1, 100) == pytest.approx(0.5)


def test_labels_do_not_overlap() -> None:
    places = apart([(100, 0), (110, 1), (400, 2), (90, 3)], least=60)
    assert places == {3: 90, 0: 150, 1: 210, 2: 400}


def test_a_chart_draws_higher_losses_higher() -> None:
    curve = ("up", [(10.0, 1.0), (1000.0, 10.0)], (255, 0, 0))
    red = np.asarray(chart("a title", [curve])).astype(int)
    red_rows, red_columns = np.nonzero((red[..., 0] > 200) & (red[..., 1] < 90))
    inside = red_columns < red.shape[1] * 0.8
    assert red_rows[inside][red_columns[inside].argmin()] > red_rows[inside][red_columns[inside].argmax()] + 200


def test_sheets_are_chosen_by_ratio_and_cut_into_their_pictures(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    sheets = [(views, path) for views in (100, 200, 300, 400, 1600, 3200, 6400, 12_800)]
    assert [views for views, _ in spread(sheets)] == [100, 300, 400, 1600, 6400, 12_800]
    assert spread(sheets[:1]) == sheets[:1]
    pictures = [Image.new("RGBA", (64, 64), (20 * i, 0, 200, 255)) for i in range(16)]
    sample_sheet(pictures, [""] * 16, 8).save(path)
    row = first_row(path)
    assert [cell.size for cell in row] == [(128, 128)] * 8
    assert [cell.getpixel((3, 3)) for cell in row] == [(20 * i, 0, 200) for i in range(8)]


def test_metrics_of_a_run_that_is_being_written_are_read_up_to_the_last_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "pictures": 2, "loss": 3.0}\n{"step": 2, "pict')
    assert [row["step"] for row in metrics(path)] == [1]
    path.write_text("")
    with pytest.raises(InvalidFile, match="no line yet"):
        metrics(path)


def written_run(folder: Path, steps: int, warm_start: str | None, earlier: list[dict[str, Any]]) -> Path:
    """A run of `steps` updates of 10 pictures, with a checkpoint and a sheet at each second one."""
    lines = [json.dumps({"step": i, "pictures": 10 * i, "loss": 1.0}) for i in range(1, steps + 1)]
    (folder / "samples").mkdir(parents=True)
    (folder / "metrics.jsonl").write_text("\n".join(lines))
    for step in range(2, steps + 1, 2):
        (folder / "samples" / f"step-{step:08d}.png").touch()
    facts = {"step": steps, "pictures": 10 * steps, "warm_start": warm_start, "earlier": earlier}
    save(folder / "checkpoints", Snapshot(facts, {}), keep=1)
    return folder


def test_runs_that_continue_each_other_are_joined_by_what_they_record(tmp_path: Path) -> None:
    parts = [{"weights": None, "pictures": 1000}, {"weights": "a", "pictures": 40}]
    middle = written_run(tmp_path / "middle", 5, "a", [])  # the next one began with its fourth step, not its fifth
    last = written_run(tmp_path / "last", 3, "b", parts)
    joined = [1010, 1020, 1030, 1040, 1050, 1060, 1070]
    assert [row["pictures"] for row in rows([middle, last])] == joined
    assert [views for views, _ in sheets([middle, last])] == [1020, 1040, 1060]
    assert [row["pictures"] for row in rows([last])] == joined[4:]
    assert [row["pictures"] for row in rows([middle])] == [10, 20, 30, 40, 50]
    stranger = written_run(tmp_path / "stranger", 3, "c", [])
    with pytest.raises(InvalidFile, match="none of the runs"):
        rows([stranger, last])


def test_figures_that_lack_files_are_left_out_and_refused_when_they_are_asked_for(place: Path) -> None:
    run = place / "run"
    run.mkdir()
    rows: list[dict[str, Any]] = [{"step": i, "pictures": 16 * i, "loss": 10.0 / i} for i in range(1, 20)]
    rows[-1]["validation"] = {"0.1": 2.0, "0.9": 1.0, "mean": 1.5}
    (run / "metrics.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    asked = CliRunner().invoke(main, ["loss", "progress", "--run", str(run), "--out", "figures"])
    assert asked.exit_code == 2
    assert "has no samples" in asked.stderr
    assert (place / "figures" / "loss.png").is_file()
    wrong = CliRunner().invoke(main, ["guidence"])
    assert wrong.exit_code == 2
    assert "did you mean guidance" in wrong.stderr


@pytest.mark.slow
def test_all_figures_are_drawn_by_one_command(place: Path) -> None:
    done = CliRunner().invoke(main, ["--run", str(place / "none"), "--out", "figures"])
    assert done.exit_code == 0, done.output
    assert "left out: few-steps, recognition, loss, progress" in done.output
    drawn = {path.stem for path in (place / "figures").iterdir()}
    assert drawn == set(FIGURES) - {"few-steps", "recognition", "loss", "progress"}
